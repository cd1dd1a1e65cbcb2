package pipeline

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// lastOpen holds up the download of one file until its context ends, and tells.
type lastOpen struct {
	dirs.Source
	file  string
	ended func()
}

func (s lastOpen) Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error) {
	if f.Name == s.file {
		<-ctx.Done()
		s.ended()
		return nil, ctx.Err()
	}
	return s.Source.Open(ctx, f, offset, etag)
}

// What ended a run is told, also when an interrupt came while it was ending.
func TestInterruptHidesNoError(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	cfg.Hook = func(ctx context.Context, op store.Op, do func(context.Context) error) error {
		if op.Kind == "insert" {
			return errors.New("no space left on device")
		}
		return do(ctx)
	}
	st := testkit.OpenStore(t, cfg)
	f := newFolder(t).hours(1, 20)
	second := f.write(gen.Spec{Type: rawlog.Clicks, Hour: firstHour.Add(time.Hour), Rows: 20})
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	_, err := Run(ctx, st, lastOpen{f.source(), second, interrupt}, Options{Network: "acme", Log: testLog(t)})
	if ctx.Err() == nil || err == nil || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("err = %v", err)
	}
}
