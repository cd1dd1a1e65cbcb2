// Package bucket is a bucket of S3, or of a store that speaks like it, as a source of
// raw logs.
package bucket

import (
	"context"
	"log/slog"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
)

// Config says how a bucket is read; its zero value is ready.
type Config struct {
	// Client is how the bucket is reached; default: made at the first use, from the
	// location and the SDK's environment and files.
	Client  *s3.Client
	Names   *rawlog.Names // that files have; default: the network's own
	Skipped dirs.Skipped
	Log     *slog.Logger // default: silent
}

// Source reads the objects of a bucket below a prefix. Folders below it may be by
// type, by date, or any other; a file's path is its key without the prefix.
type Source struct {
	at      Location
	names   *rawlog.Names
	skipped dirs.Skipped
	log     *slog.Logger

	mu     sync.Mutex
	client *s3.Client
}

// New returns a bucket as a source; it does no I/O.
func New(at Location, cfg Config) *Source {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Source{at: at, names: cfg.Names, skipped: cfg.Skipped, log: cfg.Log, client: cfg.Client}
}

// Name is the location without its options.
func (s *Source) Name() string { return s.at.String() }

// Retention knows nothing: the rules of a bucket's owner are not for readers to see.
func (s *Source) Retention(context.Context) (map[rawlog.Type]int, error) {
	return map[rawlog.Type]int{}, nil
}

// s3 returns the client, which is made once. Its error is about the whole run.
func (s *Source) s3(ctx context.Context) (*s3.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		client, err := newClient(ctx, s.at, s.log)
		if err != nil {
			return nil, dirs.OfRun(err)
		}
		s.client = client
	}
	return s.client, nil
}
