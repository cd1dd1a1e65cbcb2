// Package session is the work on one network: its store, its source and its API,
// and what is done with them: load, then refresh the names, then read later
// changes, then compare with the network's totals.
//
// # Who opens, who closes
//
// A Session opens each of the three at its first use, once, and keeps it: one
// client, and so one rate window and one sign-in, for all that a command does on a
// network, and one connection, with the embedded ClickHouse behind it, for all steps
// of a run. Who made the session closes it, once; nobody closes what it hands out.
//
// # On failure
//
// What could not be opened is tried again at the next use. A step that fails leaves
// the session as it was, and another step may follow. Close gives back whatever is
// open, after an interrupt too.
package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/config"
	"rawlogs/internal/dims"
	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/bucket"
	"rawlogs/internal/dirs/convreport"
	"rawlogs/internal/dirs/firehose"
	"rawlogs/internal/dirs/folder"
	"rawlogs/internal/dirs/hoapi"
	"rawlogs/internal/engine"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/runs"
	"rawlogs/internal/store"
)

// Session is one network's store, source and API. It is for one goroutine; what it
// hands out says itself who may use it.
type Session struct {
	Config *config.Config
	Share  rawlog.Share // of the work, and of the calls that the network allows; set before use
	Log    *slog.Logger // names the network, and the run once there is one

	own     *slog.Logger // is Log, without the run
	run     atomic.Pointer[string]
	signIns *SignIns
	api     *hasoffers.Client
	source  dirs.Source
	skipped atomic.Int64   // names of the source that are not raw logs
	leftOut *leftOut       // the same by class, while a check asks
	record  *runs.Recorder // nil where the work is not written down
	report  *convreport.Source
	loaded  bool          // a load was begun
	failed  []rawlog.File // that could not be loaded, and had not failed before
	store   *store.Store
	refused bool // the store could not be opened
	ready   bool // the store's tables are there, and as this release wants them
}

// New returns a session that has opened nothing yet. The sign-ins are shared with
// the sessions of other networks.
func New(cfg *config.Config, signIns *SignIns, log *slog.Logger) *Session {
	s := &Session{Config: cfg, own: log, signIns: signIns}
	if cfg.Network != "" {
		s.own = log.With("network", cfg.Network)
	}
	s.Log = slog.New(runHandler{s.own.Handler(), &s.run})
	return s
}

// Close gives back what is open.
func (s *Session) Close() error {
	if s.store == nil {
		return nil
	}
	st := s.store
	s.store, s.ready = nil, false
	return st.Close()
}

// API is the network's client. Without credentials the error is a
// *config.MissingError.
func (s *Session) API() (*hasoffers.Client, error) {
	if s.api != nil {
		return s.api, nil
	}
	if err := s.Config.RequireAPI(); err != nil {
		return nil, err
	}
	auth, err := s.signIns.of(s.Config.SignIn, s.Log)
	if err != nil {
		return nil, err
	}
	// The limit is the account's, whichever of the workers calls.
	limit := s.Config.SignIn
	calls := s.Share.Calls(limit.Calls) //guard:rate-shared
	if calls == 0 && limit.Calls > 0 {
		return nil, fmt.Errorf("worker %s: the network allows %d calls in %s (rate_limit), fewer than there are workers: use at most %[2]d of them", s.Share, limit.Calls, limit.Per)
	}
	s.api, err = hasoffers.New(hasoffers.Config{
		NetworkID: cmp.Or(s.Config.NetworkID, s.Config.Network), Auth: auth, BaseURL: s.Config.Endpoint(), Calls: calls, Per: limit.Per, Log: s.Log,
	})
	if err == nil {
		s.Log.Debug("calling the API", "calls", calls, "per", limit.Per)
	}
	return s.api, err
}

// Source is what the network's files are read from.
func (s *Session) Source() (dirs.Source, error) {
	if s.source != nil {
		return s.source, nil
	}
	skipped := func(name string, why error) {
		s.skipped.Add(1)
		if s.leftOut != nil {
			s.leftOut.add(name, why)
		}
		s.Log.Debug("skipped", "name", name, "err", why)
	}
	switch at := s.Config.Source; {
	case at.Events:
		s.source = firehose.New(s.eventPlace(), skipped)
	case at.Kind == config.Folder:
		s.source = folder.NewNamed(s.Config.Source.Folder, s.Config.Names, skipped)
	case at.Kind == config.Bucket:
		s.source = bucket.New(s.Config.Source.S3, bucket.Config{Names: s.Config.Names, Skipped: skipped, Log: s.Log})
	default:
		client, err := s.API()
		if err != nil {
			return nil, err
		}
		s.source = hoapi.New(hoapi.Config{Client: client, Log: s.Log})
	}
	return s.source, nil
}

// eventPlace is where the source's files of events are.
func (s *Session) eventPlace() firehose.Place {
	if at := s.Config.Source; at.Kind == config.Folder {
		return folder.New(at.Folder, nil)
	}
	return bucket.New(s.Config.Source.S3, bucket.Config{Log: s.Log})
}

// Store is the store for work that writes: an embedded one that is absent is made,
// and so are tables that are.
func (s *Session) Store(ctx context.Context) (*store.Store, error) {
	if s.ready {
		return s.store, nil
	}
	st, err := s.Open(ctx, store.Config{})
	if err != nil {
		return nil, err
	}
	var applied []string
	err = s.again(ctx, func() (err error) {
		applied, err = st.Apply(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store %s: applying the schema: %w", st.Name(), err)
	}
	if len(applied) > 0 {
		s.Log.Debug("schema applied", "files", len(applied))
	}
	if s.Config.Network != "" {
		if err := s.again(ctx, func() error { return checkpoint.CheckSpelling(ctx, st, s.Config.Network) }); err != nil {
			return nil, err
		}
	}
	if err := dims.RenewDictionaries(ctx, st); err != nil {
		s.Log.Warn("names by dictGet may be unavailable; `ingest dims` makes them again", "err", err)
	}
	s.ready = true
	s.record.Begin(ctx, st)
	return st, nil
}

// Look is the store for work that looks. It makes nothing: in a wrong folder, an
// empty store would answer every question with 0. Where there is no store, or none
// of its tables, the error is an *AbsentError; where another release made them, a
// *store.OlderError or a *store.NewerError.
func (s *Session) Look(ctx context.Context) (*store.Store, error) {
	if s.ready {
		return s.store, nil
	}
	st, err := s.Open(ctx, store.Config{Existing: true})
	if err != nil {
		return nil, err
	}
	var applied bool
	err = s.again(ctx, func() (err error) {
		applied, err = st.Applied(ctx)
		return err
	})
	switch {
	case err == nil && !applied:
		err = s.absent("has none of ingest's tables yet")
	case err == nil:
		err = s.again(ctx, func() error { return st.Current(ctx) })
	}
	if err == nil {
		err = s.again(ctx, func() error { return s.lookFor(ctx, st) })
	}
	if err != nil {
		return nil, err
	}
	s.record.Begin(ctx, st)
	return st, nil
}

// lookFor says where the store knows other networks and not this one: one that is
// misspelt has no files, no issues and no differences.
func (s *Session) lookFor(ctx context.Context, st *store.Store) error {
	if s.Config.Network == "" {
		return nil
	}
	known, err := checkpoint.Networks(ctx, st)
	if err != nil {
		return err
	}
	if err := checkpoint.SpellingOf(s.Config.Network, known); err != nil {
		return err
	}
	if len(known) > 0 && !slices.Contains(known, s.Config.Network) { //guard:network-known
		s.Log.Warn("the store knows nothing of this network", "known", plain.Text(strings.Join(known, ", ")))
	}
	return nil
}

// again runs a step on the store once more where it failed for a reason that passes: a
// process that was stopped for a while, or a machine that slept, finds its connection
// closed. What a run does after it began has more patience.
func (s *Session) again(ctx context.Context, step func() error) error {
	err := step()
	if err == nil || ctx.Err() != nil || !store.Retryable(err) { //guard:opening-retried
		return err
	}
	s.Log.Warn("store operation failed; retrying", "err", err)
	if rerr := s.store.Recover(ctx); rerr != nil {
		return errors.Join(err, rerr)
	}
	return step()
}

// Open is the store as it is, with tables or without; how says in which way it is
// opened, if it is not open yet.
func (s *Session) Open(ctx context.Context, how store.Config) (*store.Store, error) {
	if s.store != nil {
		return s.store, nil
	}
	how.Spec, how.Log, how.Engine = s.Config.Store, s.Log, engine.Config{Library: s.Config.Library, MaxMemory: s.Config.EngineMemory, Log: s.Log}
	st, err := store.Open(ctx, how)
	if errors.Is(err, engine.ErrAbsent) {
		return nil, s.absent("is not there")
	}
	if s.refused = err != nil; err != nil {
		return nil, err
	}
	s.Log.Debug("store opened", "store", st.Name())
	s.store = st
	return st, nil
}

// StoreName names the store for people, open or not; it holds no password.
func (s *Session) StoreName() string { return store.NameOf(s.Config.Store) }

// AbsentError reports that there is nothing yet to look at.
type AbsentError struct{ text string }

func (e *AbsentError) Error() string { return e.text }

// Hint says what to do.
func (e *AbsentError) Hint() string {
	return "a load makes it, or `ingest schema apply`; if it should be there, name it with --store, INGEST_STORE or ingest.yaml, or run ingest in its folder"
}

func (s *Session) absent(what string) error {
	return &AbsentError{fmt.Sprintf("the store %s (%s) %s", s.StoreName(), s.Config.Origin("store"), what)}
}
