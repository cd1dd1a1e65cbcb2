// Package hoapi is the API of a HasOffers network as a source of raw logs: it lists
// by the API, and downloads from the storage that the API's links lead to.
package hoapi

import (
	"context"
	"crypto/tls"
	"log/slog"

	"rawlogs/internal/dirs"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
)

// Config says how a network's files are listed and downloaded.
type Config struct {
	Client Client       // required
	TLS    *tls.Config  // for the storage: may name other CA certificates; nil means the system's
	Log    *slog.Logger // default: silent
}

// Client is what a Source needs of *hasoffers.Client.
type Client interface {
	ListDateDirs(context.Context, rawlog.Type) ([]string, error)
	ListLogs(context.Context, rawlog.Type, string) ([]hasoffers.LogFile, error)
	DownloadLink(context.Context, rawlog.Type, string) (string, error)
	LogExpirations(context.Context) (map[rawlog.Type]int, error)
	PlainHTTP() bool
	Host() string
}

// Source reads what the API offers: date directories, then their files.
//
// A whole month or year takes one call where the API understands a date
// directory's beginning as a prefix. That is nowhere promised, so its answer is
// believed only where it agrees with what single days say; see prefixed.
type Source struct {
	cfg     Config
	storage storage
}

// New returns a network's API as a source; it does no I/O.
func New(cfg Config) *Source {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Source{cfg: cfg}
	s.storage.ask, s.storage.tls = s.link, cfg.TLS
	s.storage.allowHTTP, s.storage.api = cfg.Client.PlainHTTP(), cfg.Client.Host()
	return s
}

// Name is the same for every network.
func (s *Source) Name() string { return "hasoffers" }

// Open implements dirs.Source: it asks the API for a link and follows it.
func (s *Source) Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error) {
	return s.storage.open(ctx, f, offset, etag)
}

// Linked opens files by links that somebody else asks the API for.
type Linked struct{ storage storage }

// Links returns what opens the files that the links of ask lead to, as a Source opens raw
// logs. It does no I/O.
func Links(cfg Config, ask func(context.Context, rawlog.File) (string, error)) *Linked {
	return &Linked{storage{ask: ask, tls: cfg.TLS, allowHTTP: cfg.Client.PlainHTTP(), api: cfg.Client.Host()}}
}

// Open is a dirs.Source's.
func (l *Linked) Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error) {
	return l.storage.open(ctx, f, offset, etag)
}

// Retention asks the API for how many days it keeps files.
func (s *Source) Retention(ctx context.Context) (map[rawlog.Type]int, error) {
	days, err := s.cfg.Client.LogExpirations(ctx)
	if err != nil {
		return nil, ended(ctx, err)
	}
	return days, nil
}

func (s *Source) link(ctx context.Context, f rawlog.File) (string, error) {
	link, err := s.cfg.Client.DownloadLink(ctx, f.Type, f.At())
	if err != nil && ctx.Err() == nil {
		err = refusedLink(err)
	}
	return link, err
}

// refusedLink says what an error means that came instead of a link to a file. The
// client has tried again where that helps.
func refusedLink(err error) error {
	e := &dirs.Error{Err: err, Final: true}
	kind, ofAPI := hasoffers.KindOf(err)
	switch {
	case !ofAPI: // credentials that cannot be had, an address that makes no request
		e.Scope = dirs.ScopeRun
	case kind == hasoffers.Unauthenticated: //guard:token-refused
		e.Kind, e.Scope = dirs.Denied, dirs.ScopeRun
	case kind == hasoffers.Untrusted:
		e.Kind, e.Scope = dirs.Untrusted, dirs.ScopeRun
	case kind == hasoffers.Permission: //guard:type-denied-alone
		e.Kind, e.Scope = dirs.Denied, dirs.ScopeType
	case kind == hasoffers.NotFound:
		e.Kind = dirs.NotFound
	case kind == hasoffers.RateLimited, kind == hasoffers.Unavailable:
		e.Kind = dirs.Unavailable
	}
	return e
}

// ended is the error of a call that was about no single file.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return dirs.OfRun(refusedLink(err))
}
