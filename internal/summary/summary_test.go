package summary_test

import (
	"testing"
	"time"

	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/summary"
)

func TestSummaryReconciles(t *testing.T) {
	t.Parallel()
	s := summary.Of(summary.Place{Network: "acme", Source: "hasoffers:", Store: "embedded:x"}, false, pipeline.Summary{
		Listed: 11, AlreadyLoaded: 3, Loaded: 6, Failed: 2, Rows: 1200, Rejected: 3, Rescued: 1, Inserts: 1, Bytes: 1234567,
		Elapsed: 1500 * time.Millisecond, Failures: []pipeline.Failure{
			{File: rawlog.File{Type: rawlog.Clicks, Name: "x\x1b.zip"}, Err: "bad CRC"},
			{File: rawlog.File{Type: rawlog.Clicks, Name: "20160909/y.zip", Path: "a/b/y.zip"}, Err: "empty"},
		},
	})
	want := "network acme: hasoffers: → embedded:x\n" +
		"files  listed 11 = already loaded 3 + loaded 6 + failed 2\n" +
		"rows   read 1,203 = stored 1,200 + rejected 3   (1 with something in _rescued)\n" +
		"zips   1.2 MB in 1 insert, 1.5s\n" +
		"failed:\n  clicks x\\x1b.zip: bad CRC\n  clicks a/b/y.zip: empty\n"
	if got := s.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := s.Verdict(), "2 files failed and will be tried again by the next run"; got != want {
		t.Errorf("verdict %q, want %q", got, want)
	}
	s.Files.Failed, s.Failures, s.Rejected = 0, nil, 0
	s.Undropped = []string{"clicks: why"}
	if got := s.Verdict(); got != "months that are over were not dropped" {
		t.Errorf("verdict %q", got)
	}
	s.Undropped = nil
	if got := s.Verdict(); got != "" {
		t.Errorf("verdict %q", got)
	}
}
