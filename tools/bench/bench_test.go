package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"rawlogs/internal/engine"
)

// TestMain also is the children that the rivals are.
func TestMain(m *testing.M) {
	engine.HostMain()
	if len(os.Args) > 1 && (os.Args[1] == childRows || os.Args[1] == childLoad) {
		if err := run(context.Background(), os.Args[1:]); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestCompete lets rivals load a little, which also holds ingest's rows against
// those of ClickHouse's own reader and of encoding/csv.
func TestCompete(t *testing.T) {
	t.Parallel()
	o := options{data: t.TempDir(), ingest: "self", rounds: 2, rivals: "reader,ingest,rows"}
	srv, err := openServer(t.Context(), o.data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.close(); err != nil {
			t.Error(err)
		}
	})
	ing, err := newIngest(o, srv)
	if err != nil {
		t.Fatal(err)
	}
	ds := &dataSet{Name: "little", Files: 3, Rows: 700, First: day(2016, 9, 30)}
	if err := ds.make(o.data); err != nil {
		t.Fatal(err)
	}
	all, err := compete(t.Context(), o, srv, ing, ds)
	if err != nil {
		t.Fatal(err)
	}
	for name, rounds := range map[string]int{byReader: 2, byIngest: 2, "rows": 1} {
		if len(all[name]) != rounds {
			t.Errorf("%s: %d rounds, want %d", name, len(all[name]), rounds)
			continue
		}
		if s := all[name][0]; s.content.Rows != 2100 || s.inserts == 0 || s.parts == 0 || s.wall == 0 || s.merged() < s.total() {
			t.Errorf("%s: %+v", name, s)
		}
	}
	again := &dataSet{Name: "little", Files: 3, Rows: 700, First: day(2016, 9, 30)}
	if err := again.make(o.data); err != nil || again.Bytes != ds.Bytes || ds.Bytes < 2100*400 {
		t.Errorf("the second time: %+v, %v", again, err)
	}
	var rep report
	rep.add(ds, all)
	var out bytes.Buffer
	if err := rep.print(&out); !strings.Contains(out.String(), "clickhouse-go, row API") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestPromises(t *testing.T) {
	t.Parallel()
	var rep report
	rep.memory("small", maxRSS, maxRSS)
	if err := rep.print(&bytes.Buffer{}); err != nil {
		t.Errorf("kept: %v", err)
	}
	rep.memory("large", maxRSS+1, maxRSS)
	var out bytes.Buffer
	var missed *missedError
	if err := rep.print(&out); !errors.As(err, &missed) || missed.lines != 1 || !strings.Contains(out.String(), "MISSED") {
		t.Errorf("broken: %v\n%s", err, out.String())
	}
}

// Beside the stress ratios may be somewhat worse than promised.
func TestStressed(t *testing.T) {
	t.Parallel()
	want := ratios{Wall: 0.5, CPU: 0.6, Merged: 0.7}
	for _, stressed := range []bool{false, true} {
		rep := report{stressed: stressed}
		rep.compare("kept", want, want)
		rep.compare("worse", ratios{0.57, 0.68, 0.81}, want)
		missed := 0
		for _, c := range rep.checks {
			if !c.kept {
				missed++
			}
		}
		if most := map[bool]int{false: 3, true: 1}[stressed]; missed != most || len(rep.checks) != 6 {
			t.Errorf("stressed %v: %d of %d lines missed, want %d", stressed, missed, len(rep.checks), most)
		}
	}
}
