package pipeline

import (
	"archive/zip"
	"fmt"
	"testing"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/testkit"
)

// The rows of a file on which an analyst's view fails are loaded once, and each night
// says that the view lacks them, until they are loaded again without an error.
func TestViewFails(t *testing.T) {
	t.Parallel()
	for name, view := range map[string]string{
		"a text that is no number": "CREATE MATERIALIZED VIEW v ENGINE = MergeTree ORDER BY x AS SELECT toUInt64(affiliate_sub1) AS x FROM clicks",
		"a constraint of its table": "CREATE MATERIALIZED VIEW v (x String, CONSTRAINT digits CHECK x = '' OR match(x, '^[0-9]+$')) ENGINE = MergeTree ORDER BY x " +
			"AS SELECT affiliate_sub1 AS x FROM clicks",
		"a division by zero": "CREATE MATERIALIZED VIEW v ENGINE = MergeTree ORDER BY x AS SELECT intDiv(1, length(affiliate_sub1) - 4) AS x FROM clicks",
	} {
		for _, large := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%t", name, large), func(t *testing.T) {
				t.Parallel()
				st := testkit.Database(t)
				ctx := t.Context()
				exec := func(query string) {
					t.Helper()
					if err := testkit.OnShards(ctx, st, query); err != nil {
						t.Fatal(err)
					}
				}
				exec(view)
				src := newFolder(t)
				file := src.raw(t, 0, 1, "transaction_id,affiliate_sub1\n"+lines(40, func(i int) string { return fmt.Sprintf("t%d,%d", i, i) })+"x,text\n", zip.Deflate)
				opts := Options{Network: "n"}
				if large {
					opts.MaxMemory = 1 << 10
				}
				want := func(when, kinds0 string, run func() (Summary, error)) {
					t.Helper()
					sum, err := run()
					if err != nil {
						t.Fatalf("%s: %v", when, err)
					}
					var got string
					for _, e := range sum.Issues {
						got = kinds(e.Issues)
					}
					if got != kinds0 {
						t.Errorf("%s: issues %q, want %q", when, got, kinds0)
					}
					if e := entry(t, checkpoint.Open(st, "n"), file); e.State != checkpoint.Loaded || e.Rows != 41 {
						t.Errorf("%s: %+v", when, e)
					}
					var rows uint64
					if err := st.Conn().QueryRow(ctx, "SELECT count() FROM clicks").Scan(&rows); err != nil || rows != 41 {
						t.Errorf("%s: %d rows, %v", when, rows, err)
					}
				}
				night := func() (Summary, error) { return Run(ctx, st, src.source(), opts) }
				want("the first night", "view", night)
				want("the second", "view", night)
				exec("DROP VIEW v")
				again := opts
				again.Reload = true
				want("reloaded without the view", "", func() (Summary, error) { return Run(ctx, st, src.source(), again) })
				want("the last night", "", night)
			})
		}
	}
}
