package pipeline

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// A file that was packed, stamped or moved anew keeps its rows.
func TestSameText(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t)
	opts := Options{Network: "acme"}
	text := header + lines(50, good)
	name := src.raw(t, 0, 1, text, zip.Deflate)
	src.raw(t, 1, 1, header, zip.Deflate) // an hour without rows
	if _, err := Run(t.Context(), st, src.source(), opts); err != nil {
		t.Fatal(err)
	}
	inserts := func() string {
		return fmt.Sprint(count(t, st, "SELECT sum(cityHash64(_insert, _file, _line)) FROM clicks"))
	}
	before := inserts()
	for what, change := range map[string]func(){
		"stamped": func() {
			at := time.Now().Add(-time.Hour)
			if err := os.Chtimes(filepath.Join(src.root, name), at, at); err != nil {
				t.Fatal(err)
			}
		},
		"packed in another way": func() { src.raw(t, 0, 1, text, zip.Store) },
	} {
		change()
		sum, err := Run(t.Context(), st, src.source(), opts)
		if err != nil || sum.Planned != 1 || sum.AlreadyLoaded != 2 || sum.Loaded != 0 || sum.Replaced != 0 {
			t.Errorf("%s: %+v, %v", what, sum, err)
		}
		if sum, err := Run(t.Context(), st, src.source(), opts); err != nil || sum.Planned != 0 {
			t.Errorf("%s, the next night: %+v, %v", what, sum, err)
		}
		if after := inserts(); after != before {
			t.Errorf("%s: its rows were loaded again", what)
		}
	}
	opts.Reload = true
	if sum, err := Run(t.Context(), st, src.source(), opts); err != nil || sum.Loaded != 2 || inserts() == before {
		t.Errorf("a reload loads it again: %+v, %v", sum, err)
	}
}

// The same file under another name does not double its hour.
func TestCopies(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	text := header + lines(50, good)
	for _, c := range []struct {
		name   string
		before []int // seeds of the names that are there on the first night
		after  []int
		method uint16
	}{
		{"on a later night", []int{1}, []int{2}, zip.Deflate},
		{"packed in another way", []int{1}, []int{2}, zip.Store},
		{"in one night", []int{1, 2}, nil, zip.Deflate},
		{"three of them", []int{1}, []int{2, 3}, zip.Store},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			src := newFolder(t)
			opts := Options{Network: c.name}
			var names []string
			for _, seed := range c.before {
				names = append(names, src.raw(t, 0, seed, text, zip.Deflate))
			}
			src.raw(t, 1, 1, text, zip.Deflate) // another hour may have the same text
			src.raw(t, 2, 1, header, zip.Deflate)
			src.raw(t, 2, 2, header, zip.Deflate) // an hour without rows, in two files
			for night := range 3 {
				sum, err := Run(t.Context(), st, src.source(), opts)
				if err != nil || sum.Failed > 0 {
					t.Fatalf("night %d: %+v, %v", night, sum, err)
				}
				if n := count(t, st, "SELECT count() FROM clicks WHERE network = ?", opts.Network); n != 100 {
					t.Errorf("night %d: %d rows; want 50 for each hour", night, n)
				}
				if night > 0 || len(c.after) == 0 {
					if want := len(c.before) + len(c.after) - 1; len(sum.Issues) != want || kinds(sum.Issues[0].Issues) != "copy" {
						t.Errorf("night %d: issues %+v; want %d copies", night, sum.Issues, want)
					}
				}
				if night == 0 {
					for _, seed := range c.after {
						names = append(names, src.raw(t, 0, seed, text, c.method))
					}
				}
			}
			// Where the first of them is lost, the copy takes its place.
			original := slices.IndexFunc(names, func(name string) bool {
				return count(t, st, "SELECT count() FROM clicks WHERE network = ? AND _file = ?", opts.Network, name) > 0
			})
			src.raw(t, 0, c.before[original], header+lines(3, good), zip.Deflate)
			sum, err := Run(t.Context(), st, src.source(), opts)
			if err != nil || sum.Listed != sum.AlreadyLoaded+sum.Loaded+sum.Failed+sum.Left {
				t.Fatalf("%+v, %v", sum, err)
			}
			if n := count(t, st, "SELECT count() FROM clicks WHERE network = ?", opts.Network); n != 103 {
				t.Errorf("%d rows after the original was replaced; want its 3, 50 of a copy and 50 of the other hour", n)
			}
			if report, err := Verify(t.Context(), st, Options{Network: opts.Network}); err != nil || len(report.Differences) > 0 {
				t.Errorf("verify: %+v, %v", report, err)
			}
		})
	}
}

// A copy whose original is not loaded any more is loaded by the next run.
func TestCopyTakesOver(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t)
	opts := Options{Network: "acme"}
	text := header + lines(50, good)
	first := src.raw(t, 0, 1, text, zip.Deflate)
	if _, err := Run(t.Context(), st, src.source(), opts); err != nil {
		t.Fatal(err)
	}
	src.raw(t, 0, 2, text, zip.Deflate)
	if sum, err := Run(t.Context(), st, src.source(), opts); err != nil || len(sum.Issues) != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	ledger := checkpoint.Open(st, "acme")
	entries, err := ledger.Entries(t.Context(), checkpoint.Filter{Files: []string{first}})
	if err != nil || len(entries) != 1 {
		t.Fatalf("%+v, %v", entries, err)
	}
	// As after a death in the middle of a replacement that was not to be had.
	if err := testkit.OnShards(t.Context(), st, "DELETE FROM clicks WHERE _file = ?", first); err != nil {
		t.Fatal(err)
	}
	e := &entries[0]
	emptied(e)
	e.State = checkpoint.Failed
	if err := ledger.Put(t.Context(), []*checkpoint.Entry{e}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(src.root, first)); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), st, src.source(), opts); err != nil {
		t.Fatal(err)
	}
	if n := count(t, st, "SELECT count() FROM clicks"); n != 50 {
		t.Errorf("%d rows; want the copy's 50", n)
	}
}

// A copy whose original becomes another text is loaded, and told where both have the same
// rows all the same.
func TestCopyBecomesOverlap(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t)
	opts := Options{Network: "acme", Parsers: 1}
	first, second := hourly("AAAAAA"), hourly("BBBBBB")
	src.put(first, export(ids(1, 60)...))
	_ = src.night(st, opts)
	src.put(second, export(ids(1, 60)...))
	for range 2 {
		if got := src.night(st, opts); got != second+" copy" {
			t.Errorf("the same text: %q", got)
		}
	}
	src.put(first, export(ids(1, 61)...))
	for night := range 2 {
		if got := src.night(st, opts); got != second+" overlap" {
			t.Errorf("night %d after one row more: %q", night, got)
		}
	}
	src.put(first, export(ids(1, 60)...)) // the same text again: now the first is the copy
	for night := range 2 {
		if got := src.night(st, opts); got != first+" copy" {
			t.Errorf("night %d of two equal files: %q", night, got)
		}
	}
}

// A copy is not loaded while the rows of its original stand, though a broken file
// was put in its place; a sound one is, and then the copy is loaded.
func TestCopyOfStandingRows(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, c := range []struct {
		name   string
		spoil  string // what is put in the place of the original
		third  bool   // another copy comes with it
		reload bool
	}{
		{"no header", "one,two\nx,y\n", false, true},
		{"no rows", "one,two\n", true, false},
		{"mostly broken", export() + strings.Repeat("x\n", 30), true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			src := newFolder(t)
			opts := Options{Network: c.name, Parsers: 1}
			load := func(failed int) {
				t.Helper()
				if sum, err := Run(t.Context(), st, src.source(), opts); err != nil || sum.Failed != failed {
					t.Fatalf("%+v, %v; want %d failed", sum, err, failed)
				}
			}
			rows := func(what string, want map[string]uint64) {
				t.Helper()
				got := make(map[string]uint64)
				for file := range want {
					got[file] = count(t, st, "SELECT count() FROM clicks WHERE network = ? AND _file = ?", opts.Network, file)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: rows of each file, wanted and seen:\n%s", what, diff)
				}
			}
			first, second, third := hourly("AAAAAA"), hourly("BBBBBB"), hourly("CCCCCC")
			src.put(first, export(ids(1, 60)...))
			load(0)
			src.put(second, export(ids(1, 60)...))
			load(0)
			src.put(first, c.spoil)
			if c.third {
				src.put(third, export(ids(1, 60)...))
			}
			opts.Reload = c.reload
			for range 2 {
				load(1)
				rows("a broken file in its place", map[string]uint64{first: 60, second: 0, third: 0})
			}
			src.put(first, export(ids(100, 150)...))
			load(0)
			rows("a sound one", map[string]uint64{first: 51})
			if n := count(t, st, "SELECT count() FROM clicks WHERE network = ?", opts.Network); n != 51+60 {
				t.Errorf("%d rows; want 51 of the new file, and 60 of one copy", n)
			}
		})
	}
}

// A file and its copy that are both replaced by one new text have it once.
func TestCopiesReplacedTogether(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	first, second, third := hourly("BBBBBB"), hourly("AAAAAA"), hourly("CCCCCC")
	for _, c := range []struct {
		name   string
		before [2]string // texts of the first and second
		after  [3]string // of the third, too, where it comes
		rows   uint64
		large  bool // by slices
	}{
		{"a file and its copy", [2]string{export(ids(1, 60)...), export(ids(1, 60)...)}, [3]string{export(ids(1, 70)...), export(ids(1, 70)...)}, 70, false},
		{"two files", [2]string{export(ids(1, 60)...), export(ids(101, 160)...)}, [3]string{export(ids(1, 70)...), export(ids(1, 70)...)}, 70, true},
		{"a file and a new one", [2]string{export(ids(1, 60)...), ""}, [3]string{export(ids(1, 70)...), export(ids(1, 70)...)}, 70, false},
		{"all, and a new one", [2]string{export(ids(1, 60)...), export(ids(101, 160)...)}, [3]string{export(ids(1, 70)...), export(ids(1, 70)...), export(ids(1, 70)...)}, 70, true},
		{"each by the other's", [2]string{export(ids(1, 60)...), export(ids(101, 180)...)}, [3]string{export(ids(101, 180)...), export(ids(1, 60)...)}, 140, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			src := newFolder(t)
			opts := Options{Network: c.name, Parsers: 2}
			if c.large {
				opts.MaxMemory = 1 << 10
			}
			put := func(texts ...string) {
				for i, name := range []string{first, second, third}[:len(texts)] {
					if texts[i] != "" {
						src.put(name, texts[i])
					}
				}
			}
			put(c.before[:]...)
			_ = src.night(st, opts)
			put(c.after[:]...)
			for night := range 2 {
				sum, err := Run(t.Context(), st, src.source(), opts)
				if err != nil || sum.Failed+sum.Left > 0 || sum.Listed != sum.AlreadyLoaded+sum.Loaded {
					t.Errorf("night %d: %+v, %v", night, sum, err)
				}
				if n := count(t, st, "SELECT count() FROM clicks WHERE network = ?", opts.Network); n != c.rows {
					t.Errorf("night %d: %d rows, want %d", night, n, c.rows)
				}
				if n := count(t, st, "SELECT uniqExact(transaction_id) FROM clicks WHERE network = ?", opts.Network); n != c.rows {
					t.Errorf("night %d: %d ids, want %d", night, n, c.rows)
				}
			}
		})
	}
}

// A file that becomes a copy of one of the same night leaves its former text to those that were
// copies of it: one of them is loaded in that night.
func TestCopiesOfWhatBecomesACopy(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t)
	opts := Options{Network: "acme", Fetchers: 1, Parsers: 1}
	former, latter := export(ids(1, 60)...), export(ids(101, 170)...)
	held := hourly("MMMMMM")
	src.put(held, former)
	_ = src.night(st, opts)
	for _, name := range []string{"NNNNNN", "OOOOOO"} {
		src.put(hourly(name), former)
	}
	_ = src.night(st, opts)
	src.put(hourly("AAAAAA"), latter) // it comes first
	src.put(held, latter)
	for night := range 2 {
		sum, err := Run(t.Context(), st, src.source(), opts)
		if err != nil || sum.Failed+sum.Left > 0 || sum.Listed != 4 || sum.AlreadyLoaded+sum.Loaded != 4 {
			t.Errorf("night %d: %+v, %v", night, sum, err)
		}
		for what, want := range map[string]uint64{"_file = '" + hourly("AAAAAA") + "'": 70, "_file = '" + held + "'": 0, "_file IN ('" + hourly("NNNNNN") + "', '" + hourly("OOOOOO") + "')": 60} {
			if n := count(t, st, "SELECT count() FROM clicks WHERE "+what); n != want {
				t.Errorf("night %d: %d rows where %s, want %d", night, n, what, want)
			}
		}
	}
}

// copied has a file of 60 rows loaded, and the night after a copy of it told.
func (f *folder) copied(st *store.Store, opts Options) (first, second string) {
	f.tb.Helper()
	first, second = hourly("AAAAAA"), hourly("BBBBBB")
	for _, name := range []string{first, second} {
		f.put(name, export(ids(1, 60)...))
		_ = f.night(st, opts)
	}
	return first, second
}

// A copy that the source lists no more has its rows by its original. Once that has another text they
// are lost, and the run that replaces them says so.
func TestCopyGoneBeforeItsOriginal(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t)
	opts := Options{Network: "acme"}
	first, second := src.copied(st, opts)
	night := func(missing int) {
		t.Helper()
		sum, err := Run(t.Context(), st, src.source(), opts)
		if err != nil || sum.Failed > 0 || len(sum.Missing) != missing || missing > 0 && sum.Missing[0].Name != second {
			t.Errorf("%d missing, %+v, %v; want %d", len(sum.Missing), sum, err, missing)
		}
		if report, err := Verify(t.Context(), st, Options{Network: opts.Network}); err != nil || len(report.Differences) > 0 {
			t.Errorf("verify: %+v, %v", report, err)
		}
	}
	if err := os.Remove(filepath.Join(src.root, second)); err != nil {
		t.Fatal(err)
	}
	night(0)
	src.put(first, export(ids(101, 170)...))
	night(1)
	night(1)
	if e := entryOf(t, st, opts, second); e.State != checkpoint.Planned || !e.Has(checkpoint.Lost) || e.Has(checkpoint.Copy) {
		t.Errorf("%+v", e)
	}
	src.put(second, export(ids(1, 60)...)) // it is back
	night(0)
	if n := count(t, st, "SELECT count() FROM clicks WHERE _file = ?", second); n != 60 {
		t.Errorf("%d rows, want 60", n)
	}
}

// A run that names the original alone has not looked for its copy, which is there and not lost: it is
// planned again, and nobody has said that this may be ignored.
func TestOriginalNamedAlone(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t)
	opts := Options{Network: "acme"}
	first, second := src.copied(st, opts)
	known := entryOf(t, st, opts, second)
	known.Ignored = "told"
	if err := checkpoint.Open(st, opts.Network).Put(t.Context(), []*checkpoint.Entry{&known}); err != nil {
		t.Fatal(err)
	}
	src.put(first, export(ids(101, 170)...))
	named := opts
	named.Files, named.Reload = []string{first}, true
	if sum, err := Run(t.Context(), st, src.source(), named); err != nil || sum.Loaded != 1 || len(sum.Missing) > 0 {
		t.Errorf("%+v, %v", sum, err)
	}
	if e := entryOf(t, st, opts, second); e.State != checkpoint.Planned || e.Ignored != "" || kinds(e.Issues) != "copy" {
		t.Errorf("%+v", e)
	}
	_ = src.night(st, opts)
	if n := count(t, st, "SELECT count() FROM clicks WHERE _file = ?", second); n != 60 {
		t.Errorf("%d rows, want 60", n)
	}
}

// A ledger that calls a file a copy of what nobody has is wrong, as after a run that died before it
// came to the copies of what it replaced.
func TestVerifyCopies(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t)
	opts := Options{Network: "acme"}
	first, second := src.copied(st, opts)
	copied := entryOf(t, st, opts, second)
	src.put(first, export(ids(101, 170)...))
	_ = src.night(st, opts)
	copied.Version = entryOf(t, st, opts, second).Version
	if err := testkit.OnShards(t.Context(), st, "DELETE FROM clicks WHERE _file = ?", second); err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.Open(st, opts.Network).Put(t.Context(), []*checkpoint.Entry{&copied}); err != nil {
		t.Fatal(err)
	}
	report, err := Verify(t.Context(), st, Options{Network: opts.Network})
	if err != nil || len(report.Differences) != 1 || report.Differences[0].File.Name != second || !report.Differences[0].Uncarried {
		t.Errorf("verify: %+v, %v", report, err)
	}
	_ = src.night(st, opts)
	if report, err = Verify(t.Context(), st, Options{Network: opts.Network}); err != nil || len(report.Differences) > 0 {
		t.Errorf("after another night: %+v, %v", report, err)
	}
}

// What a run that died left of a file's rows carries no copy: where the file can be
// had it is loaded, else its copy is.
func TestCopyBesideRemains(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	first, second := hourly("AAAAAA"), hourly("BBBBBB")
	for _, c := range []struct {
		name string
		gone bool
	}{{"at the source", false}, {"gone", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			src := newFolder(t)
			opts := Options{Network: c.name, Parsers: 1}
			src.put(first, export(ids(1, 60)...))
			_ = src.night(st, opts)
			src.put(second, export(ids(1, 60)...))
			_ = src.night(st, opts)
			// As after a death while the rows were deleted part by part.
			if err := testkit.OnShards(t.Context(), st, "DELETE FROM clicks WHERE network = ? AND transaction_id > 't18'", opts.Network); err != nil {
				t.Fatal(err)
			}
			left := count(t, st, "SELECT count() FROM clicks WHERE network = ?", opts.Network)
			if left == 0 || left >= 60 {
				t.Fatalf("%d rows are left", left)
			}
			ledger := checkpoint.Open(st, opts.Network)
			entries, err := ledger.Entries(t.Context(), checkpoint.Filter{Files: []string{first}})
			if err != nil || len(entries) != 1 {
				t.Fatalf("%+v, %v", entries, err)
			}
			e := &entries[0]
			e.State, e.Run = checkpoint.Loading, "died"
			if err := ledger.Put(t.Context(), []*checkpoint.Entry{e}); err != nil {
				t.Fatal(err)
			}
			want := uint64(60)
			if c.gone {
				want += left
				if err := os.Remove(filepath.Join(src.root, first)); err != nil {
					t.Fatal(err)
				}
			}
			for night := range 2 {
				if _, err := Run(t.Context(), st, src.source(), opts); err != nil {
					t.Fatal(err)
				}
				if n := count(t, st, "SELECT count() FROM clicks WHERE network = ?", opts.Network); n != want {
					t.Errorf("night %d: %d rows, want %d", night, n, want)
				}
			}
		})
	}
}

// However many days files are strewn over, a statement names few stretches of them.
func TestStrewnDays(t *testing.T) {
	t.Parallel()
	day := func(i int) rawlog.File {
		return rawlog.File{Hour: time.Date(2012, 1, 1+i, 7, 0, 0, 0, time.UTC)}
	}
	for _, c := range []struct {
		name             string
		days, step, want int
	}{
		{"one", 1, 1, 1}, {"a year", 366, 1, 1}, {"every other day", 400, 2, 400}, {"every other day of many years", 2000, 2, 1},
	} {
		var files []rawlog.File
		for i := range c.days {
			files = append(files, day((c.days-1-i)*c.step))
		}
		got := daysOf(files)
		if len(got) != c.want {
			t.Errorf("%s: %d stretches, want %d", c.name, len(got), c.want)
		}
		for _, f := range files {
			if !slices.ContainsFunc(got, func(p rawlog.Period) bool { return p.Contains(f.Hour) }) {
				t.Errorf("%s: none has %s", c.name, f.Hour)
			}
		}
	}
}
