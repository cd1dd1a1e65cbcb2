package main

import (
	"context"
	"errors"
	"fmt"

	"rawlogs/internal/engine"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// openStore opens the configured store and makes sure of its tables.
func (a *app) openStore(ctx context.Context, cfg *Config) (*store.Store, error) {
	st, err := a.connect(ctx, cfg)
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
	return st, nil
}

// connect opens the configured store as it is.
func (a *app) connect(ctx context.Context, cfg *Config) (*store.Store, error) {
	return store.Open(ctx, store.Config{Spec: cfg.Store, Log: a.log, Engine: engine.Config{Library: cfg.Library, Log: a.log}})
}

func closing(c interface{ Close() error }, err *error) {
	*err = errors.Join(*err, c.Close())
}

// openSource opens what the files are read from.
func (a *app) openSource(ctx context.Context, cfg *Config) (pipeline.Source, error) {
	if err := cfg.requireCredentials(); err != nil {
		return pipeline.Source{}, err
	}
	return pipeline.Source{}, errors.New("not wired yet")
}

// expirations asks the API how long it keeps each type; nil where the source
// does not tell.
func (a *app) expirations(ctx context.Context, cfg *Config) (map[rawlog.Type]int, error) {
	return nil, nil
}

// schemaFile is one file of the tables' definitions.
type schemaFile struct {
	Name string `json:"name"`
	SQL  string `json:"sql"`
}

func schemaFiles() ([]schemaFile, error) { return nil, errors.New("not wired yet") }
