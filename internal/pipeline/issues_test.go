package pipeline

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/testkit"
)

// What is wrong with a file is told by each run until it is mended or ignored, and
// a file most of which is not understood is not loaded at all.
func TestIssuesStay(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, c := range []struct {
		name, text string
		kinds      string
		rows       int
	}{
		{"sound", header + lines(100, good), "", 100},
		{"a broken line", header + lines(100, good) + "x\n", "rejected", 100},
		{"mostly broken lines", header + lines(10, good) + lines(11, func(int) string { return "x,1" }), "failed", 0},
		{"one field too many", header + lines(30, func(i int) string { return good(i) + "," }), "failed", 0},
		{"a value that does not fit", header + lines(98, good) + lines(2, func(int) string { return `"x",offer,"1.2.3.4"` }), "misfit", 100},
		{"few values that do not fit", header + lines(199, good) + lines(2, func(int) string { return `"x",offer,"1.2.3.4"` }), "", 201},
		{"values under the wrong names", "offer_id,transaction_id,ip\n" + lines(100, good), "failed", 0},
		{"a quiet hour", header + good(1) + "\n" + lines(3, func(int) string { return "x" }), "rejected", 1},
		{"nothing but a broken line", header + "x\n", "failed", 0},
		{"lines that end in CR below a header that does not", header + strings.ReplaceAll(lines(30, good), "\n", "\r"), "failed", 0},
		{"one id", header + lines(12, func(i int) string { return fmt.Sprintf(`"{transaction_id}",%d,"1.2.3.%d"`, i%3, i) }), "columns", 12},
		{"lost line ends", strings.ReplaceAll(export(1), "\n", "\u2028"), "columns", 0},
		{"an hour without rows", "transaction_id,offer_id,new_one\n", "", 0},
		{"the text twice", header + lines(40, good) + lines(40, good), "repeated", 80},
		{"the text twice, with its header", header + lines(4, good) + header + lines(4, good), "rejected repeated", 8},
		{"values and lines", header + lines(50, good) + lines(10, func(int) string { return `"x",offer,"1.2.3.4"` }) + "y\n", "rejected misfit", 60},
	} {
		for _, large := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%t", c.name, large), func(t *testing.T) {
				t.Parallel()
				src := newFolder(t)
				name := src.raw(t, 0, 1, c.text, zip.Deflate)
				beside := src.raw(t, 1, 1, header+lines(5, good), zip.Deflate)
				opts := Options{Network: fmt.Sprintf("%s-%t", c.name, large), Parsers: 1}
				if large {
					opts.MaxMemory = 1 << 10
				}
				ledger := checkpoint.Open(st, opts.Network)
				for night := range 2 {
					sum, err := Run(t.Context(), st, src.source(), opts)
					if err != nil {
						t.Fatal(err)
					}
					var got string
					if len(sum.Issues) > 0 {
						got = kinds(sum.Issues[0].Issues)
					}
					if got != c.kinds || len(sum.Issues) > 1 {
						t.Errorf("night %d: issues %+v; want %q", night, sum.Issues, c.kinds)
					}
				}
				if n := count(t, st, "SELECT count() FROM clicks WHERE network = ? AND _file = ?", opts.Network, name); n != uint64(c.rows) {
					t.Errorf("%d rows; want %d", n, c.rows)
				}
				if n := count(t, st, "SELECT count() FROM clicks WHERE network = ? AND _file = ?", opts.Network, beside); n != 5 {
					t.Errorf("%d rows of the file beside it; want 5", n)
				}
				if report, err := Verify(t.Context(), st, Options{Network: opts.Network}); err != nil || len(report.Differences) > 0 {
					t.Errorf("verify: %+v, %v", report, err)
				}
				if c.kinds == "" {
					return
				}
				entries, err := ledger.Entries(t.Context(), checkpoint.Filter{Files: []string{name}})
				if err != nil || len(entries) != 1 {
					t.Fatalf("%+v, %v", entries, err)
				}
				entries[0].Ignored = "seen"
				if err := ledger.Put(t.Context(), []*checkpoint.Entry{&entries[0]}); err != nil {
					t.Fatal(err)
				}
				if sum, err := Run(t.Context(), st, src.source(), opts); err != nil || len(sum.Issues) > 0 {
					t.Errorf("after it was ignored: %+v, %v", sum.Issues, err)
				}
				// Mended at the source, it is none any more, also to who ignored it.
				src.raw(t, 0, 1, header+lines(7, good), zip.Deflate)
				if sum, err := Run(t.Context(), st, src.source(), opts); err != nil || len(sum.Issues) > 0 || sum.Failed > 0 {
					t.Errorf("after it was mended: %+v, %v", sum, err)
				}
				// And another fault is a new one.
				src.raw(t, 0, 1, header+lines(7, good)+"z\n", zip.Deflate)
				if sum, err := Run(t.Context(), st, src.source(), opts); err != nil || len(sum.Issues) != 1 {
					t.Errorf("after it was broken again: %+v, %v", sum.Issues, err)
				}
			})
		}
	}
}

// A replacement most of which is not understood leaves the rows that are there.
func TestUnsoundReplacement(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, large := range []bool{false, true} {
		src := newFolder(t)
		opts := Options{Network: fmt.Sprintf("large-%t", large), Parsers: 1}
		if large {
			opts.MaxMemory = 1 << 10
		}
		src.raw(t, 0, 1, header+lines(20, good), zip.Deflate)
		if _, err := Run(t.Context(), st, src.source(), opts); err != nil {
			t.Fatal(err)
		}
		src.raw(t, 0, 1, header+lines(9, good)+lines(30, func(int) string { return "x" }), zip.Deflate)
		for night := range 2 {
			sum, err := Run(t.Context(), st, src.source(), opts)
			if err != nil || sum.Failed != 1 || len(sum.Issues) != 1 {
				t.Errorf("night %d: %+v, %v", night, sum, err)
			}
			if n := count(t, st, "SELECT count() FROM clicks WHERE network = ?", opts.Network); n != 20 {
				t.Errorf("night %d: %d rows; want the 20 that were loaded", night, n)
			}
			if n := count(t, st, "SELECT count() FROM rejected_rows WHERE network = ?", opts.Network); n != 0 {
				t.Errorf("night %d: %d rejected lines of a file that is not loaded", night, n)
			}
		}
	}
}

// A failure that somebody said to ignore is tried again and not told again.
func TestIgnoredFailure(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t)
	opts := Options{Network: "acme"}
	name := src.raw(t, 0, 1, "", zip.Store)
	if sum, err := Run(t.Context(), st, src.source(), opts); err != nil || len(sum.Failures) != 1 || len(sum.Issues) != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	ignored := opts
	ignored.Files = []string{name}
	if entries, err := Ignore(t.Context(), st, ignored, "an empty hour"); err != nil || len(entries) != 1 {
		t.Fatalf("%+v, %v", entries, err)
	}
	for night := range 2 {
		if sum, err := Run(t.Context(), st, src.source(), opts); err != nil || sum.Failed != 1 || len(sum.Failures) > 0 || len(sum.Issues) > 0 {
			t.Errorf("night %d: %+v, %v", night, sum, err)
		}
	}
	// Gone from the source, it is lost: that is another issue.
	if err := os.Remove(filepath.Join(src.root, name)); err != nil {
		t.Fatal(err)
	}
	for night := range 2 {
		if sum, err := Run(t.Context(), st, src.source(), opts); err != nil || len(sum.Missing) != 1 || len(sum.Issues) != 1 {
			t.Errorf("night %d after it vanished: %+v, %v", night, sum, err)
		}
	}
	ignored.Files = []string{"clicks-0-unknown.zip"}
	if _, err := Ignore(t.Context(), st, ignored, "none"); err == nil || !strings.Contains(err.Error(), "clicks-0-unknown.zip") {
		t.Errorf("a file without issues: %v", err)
	}
}
