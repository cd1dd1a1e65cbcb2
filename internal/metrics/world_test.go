package metrics

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/runs"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

var silent = slog.New(slog.DiscardHandler)

// source is a network's files by name alone.
type source struct {
	files []rawlog.File
	kept  map[rawlog.Type]int
}

func (*source) Name() string { return "source" }

func (s *source) Walk(_ context.Context, types []rawlog.Type, _ []rawlog.Period, visit func(rawlog.File) error) error {
	for _, f := range s.files {
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

func (*source) Open(context.Context, rawlog.File, int64, string) (*dirs.Body, error) {
	return nil, errors.New("nothing is opened here")
}

func (s *source) Retention(context.Context) (map[rawlog.Type]int, error) { return s.kept, nil }

func file(typ rawlog.Type, hour time.Time) rawlog.File {
	return rawlog.File{Type: typ, Name: fmt.Sprintf("%s/%s-%d-x.zip", hour.Format(rawlog.DayLayout), typ, hour.Unix()), Hour: hour, Size: 9}
}

// samples are the exposition's, by name and labels.
func samples(t *testing.T, st *store.Store) map[string]float64 {
	t.Helper()
	var text bytes.Buffer
	if err := Write(t.Context(), st, &text); err != nil {
		t.Fatal(err)
	}
	lint(t, text.String())
	return parse(t, text.String())
}

func parse(t *testing.T, text string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(strings.TrimSpace(line[at:]), 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if _, twice := out[line[:at]]; twice {
			t.Errorf("twice: %s", line)
		}
		out[line[:at]] = value
	}
	return out
}

// lint has promtool read exposition text.
func lint(t *testing.T, text string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testkit.Command(t, "promtool", "prometheus"), "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		// A count of hourly files is no span of time, but promtool reads names only.
		if !strings.HasSuffix(line, "use base unit \"seconds\" instead of \"hours\"\n") {
			t.Errorf("promtool check metrics: %v: %s\n%s", err, line, text)
		}
	}
	if err != nil && len(out) == 0 {
		t.Error(err)
	}
}

// world is a network whose job was down, as status and the metrics see it.
func world(t *testing.T, st *store.Store, network string) (*source, time.Time) {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Hour)
	src := &source{kept: map[rawlog.Type]int{rawlog.Clicks: 9, rawlog.Conversions: 4}}
	var entries []*checkpoint.Entry
	for _, typ := range []rawlog.Type{rawlog.Clicks, rawlog.Conversions} {
		for back := range 24 * 8 {
			hour := now.Add(-time.Duration(back) * time.Hour)
			due := time.Since(hour) > 90*time.Minute
			quiet := back > 40 && hour.Hour() == 4 // the network has nothing to say at night
			if !due || quiet || typ == rawlog.Conversions && back > 24*5-1 {
				continue
			}
			src.files = append(src.files, file(typ, hour))
			e := &checkpoint.Entry{File: file(typ, hour), State: checkpoint.Loaded, Rows: 10, Rejected: 1, Rescued: 2}
			switch {
			case back < 30:
				continue // nobody was there to see it
			case back%17 == 0:
				e.State, e.Rows = checkpoint.Failed, 0
			case back%29 == 0:
				e.State, e.Rows, e.Ignored = checkpoint.Failed, 0, "known"
				e.Issues = []checkpoint.Issue{{Kind: checkpoint.Unloaded, Text: "x"}}
			case back%19 == 0:
				e.State, e.Rows = checkpoint.Planned, 0
			case back%23 == 0:
				e.State = checkpoint.Loading
			}
			entries = append(entries, e)
		}
	}
	if err := checkpoint.Open(st, network).Put(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	r := runs.New(runs.Command{Name: "run", Release: "v1 abc"}, network, "r1", nil, silent)
	r.Begin(t.Context(), st)
	day := rawlog.DayOf(now).From
	r.Result = runs.Result{
		Listing:   runs.Listing{Types: []rawlog.Type{rawlog.Clicks, rawlog.Conversions}, Days: []rawlog.Period{{From: day.AddDate(0, 0, -9), To: day.AddDate(0, 0, 2)}}, At: now.Add(-30*time.Hour + 91*time.Minute)},
		Kept:      src.kept,
		Differing: map[rawlog.Type]uint64{rawlog.Clicks: 0, rawlog.Conversions: 7},
	}
	if err := r.End(t.Context(), st, 3, errors.New("some files have issues")); err != nil {
		t.Fatal(err)
	}
	return src, now
}
