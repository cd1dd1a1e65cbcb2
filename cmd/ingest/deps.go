package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/config"
	"rawlogs/internal/dims"
	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/bucket"
	"rawlogs/internal/dirs/folder"
	"rawlogs/internal/dirs/hoapi"
	"rawlogs/internal/engine"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/schema"
)

// openStore opens the configured store for a command that writes: an embedded
// store that is absent is made, and so are tables that are.
func (a *app) openStore(ctx context.Context, cfg *config.Config) (*store.Store, error) {
	st, err := a.connect(ctx, cfg, store.Config{})
	if err != nil {
		return nil, err
	}
	applied, err := st.Apply(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store %s: applying the schema: %w", st.Name(), err), st.Close())
	}
	if len(applied) > 0 {
		a.log.Debug("schema applied", "files", len(applied))
	}
	if cfg.Network != "" {
		if err := checkpoint.CheckSpelling(ctx, st, cfg.Network); err != nil {
			return nil, errors.Join(err, st.Close())
		}
	}
	if err := dims.RenewDictionaries(ctx, st); err != nil {
		a.log.Warn("names by dictGet may be out of reach; `ingest dims` makes them anew", "err", err)
	}
	return st, nil
}

// lookAt opens the configured store for a command that looks. It makes nothing:
// in a wrong folder, an empty store would answer every question with 0. Where
// there is no store, or none of its tables, the error is an *absentError.
func (a *app) lookAt(ctx context.Context, cfg *config.Config) (*store.Store, error) {
	st, err := a.connect(ctx, cfg, store.Config{Existing: true})
	if err != nil {
		return nil, err
	}
	applied, err := st.Applied(ctx)
	if err == nil && !applied {
		err = absent(cfg, "has none of ingest's tables yet")
	}
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}

// connect opens the configured store as it is, in the way that how says.
func (a *app) connect(ctx context.Context, cfg *config.Config, how store.Config) (*store.Store, error) {
	how.Spec, how.Log, how.Engine = cfg.Store, a.log, engine.Config{Library: cfg.Library, Log: a.log}
	st, err := store.Open(ctx, how)
	if errors.Is(err, engine.ErrAbsent) {
		return nil, absent(cfg, "is not there")
	}
	return st, err
}

// absentError reports that there is nothing yet to look at.
type absentError struct{ hintError }

func (e *absentError) Unwrap() error { return &e.hintError }

func absent(cfg *config.Config, what string) error {
	return &absentError{hintError{
		err:  fmt.Errorf("the store %s (%s) %s", store.NameOf(cfg.Store), cfg.Origin("store"), what),
		hint: "a load makes it, or `ingest schema apply`; if it should be there, name it with --store, INGEST_STORE or ingest.yaml, or run ingest in its folder",
	}}
}

func closing(c interface{ Close() error }, err *error) {
	*err = errors.Join(*err, c.Close())
}

// openSource returns what the files are read from; it does no I/O.
func (a *app) openSource(cfg *config.Config) (dirs.Source, error) {
	skipped := func(name string, why error) {
		a.skipped.Add(1)
		a.log.Debug("skipped: no raw log by its name", "name", name, "err", why)
	}
	switch cfg.Source.Kind {
	case config.Folder:
		return folder.New(cfg.Source.Folder, skipped), nil
	case config.Bucket:
		return bucket.New(cfg.Source.S3, bucket.Config{Skipped: skipped, Log: a.log}), nil
	default:
	}
	client, err := a.openAPI(cfg)
	if err != nil {
		return nil, err
	}
	return hoapi.New(hoapi.Config{Client: client, Log: a.log}), nil
}

func (a *app) openAPI(cfg *config.Config) (*hasoffers.Client, error) {
	if err := cfg.RequireAPI(); err != nil {
		return nil, err
	}
	auth, err := a.auth(cfg)
	if err != nil {
		return nil, err
	}
	return hasoffers.New(hasoffers.Config{
		NetworkID: cfg.Network, Auth: auth, BaseURL: cfg.Endpoint(), Calls: cfg.SignIn.Calls, Per: cfg.SignIn.Per, Log: a.log,
	})
}

// expirations asks the source for how many days it keeps each type's files.
func (a *app) expirations(ctx context.Context, cfg *config.Config) (map[rawlog.Type]int, error) {
	src, err := a.openSource(cfg)
	if err != nil {
		return nil, err
	}
	return src.Retention(ctx)
}

// databaseOf is the database of the configured store's tables.
func databaseOf(cfg *config.Config) string {
	if u, err := url.Parse(cfg.Store); err == nil && u.Scheme == "clickhouse" {
		return cmp.Or(strings.Trim(u.Path, "/"), "default")
	}
	return engine.DefaultDatabase
}

// schemaStatement is one statement of the tables' definitions. Its JSON names
// are a promise.
type schemaStatement struct {
	File  string `json:"file"`
	Title string `json:"title"`
	SQL   string `json:"sql"`
}

// schemaStatements are the statements that `schema apply` would run on the
// configured store.
func schemaStatements(cfg *config.Config) ([]schemaStatement, error) {
	statements, err := schema.Statements(databaseOf(cfg), map[string]string{
		"mergetree": "MergeTree", "replacing:version": "ReplacingMergeTree(version)", "replacing:seq": "ReplacingMergeTree(seq)",
		"on_cluster": "", "durable": "fsync_after_insert = 1, fsync_part_directory = 1",
		"no_insert_dedup": "non_replicated_deduplication_window = 0",
	})
	if err != nil {
		return nil, err
	}
	var out []schemaStatement
	for _, s := range statements {
		out = append(out, schemaStatement{File: s.File, Title: s.Title, SQL: s.SQL})
	}
	return out, nil
}
