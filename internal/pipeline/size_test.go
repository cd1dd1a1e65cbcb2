package pipeline

import (
	"archive/zip"
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// INSERTs begin as large as several of them fit into the server's memory, and shrink to a
// least size.
func TestInsertSize(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		memory uint64
		atOnce int
		rows   int // that an INSERT has to have
	}{
		{0, 4, insertRows}, // it does not say
		{14 << 30, 4, insertRows},
		{1075 << 20, 4, 130_063},
		{1075 << 20, 2, 260_127},
		{10 << 20, 4, 2048},
		{1 << 63, 4, insertRows},
	} {
		var s insertSize
		if s.fit(insertRows, tc.memory, tc.atOnce); s.more(tc.rows, 0) || !s.more(tc.rows-1, 0) {
			t.Errorf("%d MiB for %d: %d, want %d rows", tc.memory>>20, tc.atOnce, s.text.Load()/rowBytes, tc.rows)
		}
	}
	var s insertSize
	s.fit(insertRows, 0, 4)
	if s.more(1, insertRows*rowBytes) || !s.more(1, insertRows*rowBytes-rowBytes) {
		t.Error("the usual size is another")
	}
	s.halve(400_000, 1)
	if s.more(200_000, 0) || !s.more(199_999, 0) {
		t.Errorf("after 400,000 rows were too many: %d", s.text.Load()/rowBytes)
	}
	s.halve(500_000, 1)
	if !s.more(199_999, 0) {
		t.Errorf("a failure of 500,000 rows made it %d", s.text.Load()/rowBytes)
	}
	s.halve(1, 100<<20)
	if s.more(1, 50<<20) || !s.more(1, 50<<20-1) {
		t.Errorf("after 100 MiB were too many: %d", s.text.Load())
	}
	for range 9 {
		s.halve(0, s.text.Load())
	}
	if s.more(0, leastText) || !s.more(0, leastText-1) {
		t.Errorf("the least size is %d", s.text.Load())
	}
}

// A server that has not the memory for an INSERT is sent smaller ones, each of them whole:
// batches are parted, and large files sent in smaller slices.
func TestServerShortOfMemory(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		limit       int // MiB of a statement's memory on the server
		files, rows int // of 200 kB each
		held        int64
	}{
		{"a batch", 200, 4, 100, 256 << 20},
		{"a large file", 90, 1, 250, 64 << 20},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			st := testkit.Database(t)
			endpoint, embedded := st.Engine()
			if !embedded {
				t.Skip("it opens the engine by its own address")
			}
			short := testkit.OpenStore(t, store.Config{Spec: fmt.Sprintf("clickhouse://%s:%s@%s/%s?max_memory_usage=%d",
				url.QueryEscape(endpoint.User), url.QueryEscape(endpoint.Password), endpoint.Addr, st.Database(), tc.limit<<20)})
			src := newFolder(t)
			var text strings.Builder
			text.WriteString("transaction_id,affiliate_id,datetime,url\n")
			for i := range tc.rows {
				fmt.Fprintf(&text, "%d,2,%s,%s\n", i, firstHour.Format("2006-01-02 15:04:05"), strings.Repeat(string(rune('a'+i%26)), 200_000))
			}
			for i := range tc.files {
				src.raw(t, i, 1, text.String(), zip.Deflate) // whose times are the first hour's: shifted, and loaded
			}
			var log bytes.Buffer
			sum, err := Run(t.Context(), short, src.source(), Options{Network: "acme", Parsers: 1, MaxMemory: tc.held, Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil || sum.Loaded != tc.files {
				t.Fatalf("%+v, %v\n%s", sum, err, &log)
			}
			once(t, st, tc.files*tc.rows)
			if n := count(t, st, "SELECT max(parts) FROM (SELECT uniqExact(_part) AS parts FROM clicks GROUP BY _insert)"); n != 1 {
				t.Errorf("an INSERT became %d parts", n)
			}
			if n := count(t, st, "SELECT uniqExact(_insert) FROM clicks"); n < 2 {
				t.Errorf("all rows came in %d INSERT", n)
			}
			if !strings.Contains(log.String(), "MEMORY_LIMIT_EXCEEDED") {
				t.Errorf("nothing was too much:\n%s", &log)
			}
		})
	}
}
