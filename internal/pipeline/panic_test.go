package pipeline

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

type panickingSource struct{ dirs.Source }

func (panickingSource) Open(context.Context, rawlog.File, int64, string) (*dirs.Body, error) {
	panic("in a download")
}

// panickingLog panics where it is told of a file that failed.
type panickingLog struct{ slog.Handler }

func (h panickingLog) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "file failed" {
		panic("in mid-INSERT")
	}
	return h.Handler.Handle(ctx, r)
}

func (h panickingLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return panickingLog{h.Handler.WithAttrs(attrs)}
}

// A panic in any goroutine of a run ends it as an error does, and the lease is
// free at once.
func TestPanicEndsTheRun(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	for name, spoil := range map[string]func(t *testing.T, src *dirs.Source, o *Options, f *folder) *store.Store{
		"in a download": func(_ *testing.T, src *dirs.Source, _ *Options, _ *folder) *store.Store {
			*src = panickingSource{*src}
			return st
		},
		"in an INSERT's write": func(t *testing.T, _ *dirs.Source, _ *Options, _ *folder) *store.Store {
			cfg := cfg
			cfg.Hook = func(ctx context.Context, op store.Op, do func(context.Context) error) error {
				if op.Kind == "insert" {
					panic("in an INSERT's write")
				}
				return do(ctx)
			}
			return testkit.OpenStore(t, cfg)
		},
		"in mid-INSERT": func(t *testing.T, _ *dirs.Source, o *Options, f *folder) *store.Store {
			second := f.write(gen.Spec{Type: rawlog.Clicks, Hour: firstHour.Add(time.Hour), Rows: 5})
			if err := os.WriteFile(filepath.Join(f.root, second), []byte("PK\x03\x04 but no more than that"), 0o600); err != nil {
				t.Fatal(err)
			}
			o.Log = slog.New(panickingLog{slog.NewTextHandler(io.Discard, nil)}) //nolint:sloglint // DiscardHandler is never called
			o.Fetchers, o.Parsers = 1, 1
			return st
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t).hours(1, 20)
			src, o := f.source(), Options{Network: strings.ReplaceAll(name, " ", "-")}
			st := spoil(t, &src, &o, f)
			_, err := Run(t.Context(), st, src, o)
			var p *PanicError
			if !errors.As(err, &p) || p.Value != name {
				t.Fatalf("the run ended with %v", err)
			}
			if n := count(t, st, "SELECT count() FROM clicks WHERE network = ?", o.Network); n != 0 {
				t.Errorf("%d rows of an INSERT that was never completed", n)
			}
			good := newFolder(t).hours(2, 20)
			if sum, err := Run(t.Context(), testkit.OpenStore(t, cfg), good.source(), Options{Network: o.Network}); err != nil || sum.Loaded != 2 {
				t.Errorf("the run after it: %+v, %v", sum, err)
			}
		})
	}
}
