package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// spring is an archive of three months that a first run has loaded, each of two hours of clicks and
// one of conversions, and what a second run meets.
type spring struct {
	t      *testing.T
	st     *store.Store
	ledger *checkpoint.Ledger
	files  *folder
	src    dirs.Source
	opts   Options
}

// Names in April.
var (
	aprilClicks = gen.FileName(rawlog.Clicks, inApril(20), 7)
	aprilOther  = gen.FileName(rawlog.Clicks, inApril(21), 7)
	inMay       = gen.FileName(rawlog.Clicks, time.Date(2016, time.May, 10, 20, 0, 0, 0, time.UTC), 7)
)

func inApril(hour int) time.Time { return time.Date(2016, time.April, 10, hour, 0, 0, 0, time.UTC) }

func newSpring(t *testing.T, st *store.Store, network string) *spring {
	s := &spring{t: t, st: st, files: newFolder(t), ledger: checkpoint.Open(st, network)}
	s.files.root = filepath.Join(s.files.root, "logs")
	for month := time.March; month <= time.May; month++ {
		at := time.Date(2016, month, 10, 20, 0, 0, 0, time.UTC)
		s.write(gen.Spec{Type: rawlog.Clicks, Hour: at})
		s.write(gen.Spec{Type: rawlog.Clicks, Hour: at.Add(time.Hour)})
		s.write(gen.Spec{Type: rawlog.Conversions, Hour: at})
	}
	s.src = s.files.source()
	s.opts = Options{Network: network, Periods: []rawlog.Period{period(t, "2016")}}
	s.load(s.opts, 9)
	return s
}

// write makes a file, the time of which is its hour.
func (s *spring) write(spec gen.Spec) {
	spec.Rows = 20
	s.touch(s.files.write(spec), spec.Hour)
}

// load is a run before the one that is looked at.
func (s *spring) load(opts Options, loaded int) {
	s.t.Helper()
	if sum, err := Run(s.t.Context(), s.st, s.src, opts); err != nil || sum.Loaded != loaded {
		s.t.Fatalf("%+v, %v", sum, err)
	}
}

// one is a filter of a file.
func one(name string) checkpoint.Filter { return checkpoint.Filter{Files: []string{name}} }

func (s *spring) change(name string, as func(*checkpoint.Entry)) {
	change(s.t, s.ledger, one(name), as)
}

func (s *spring) state(name string, state checkpoint.State) {
	s.change(name, func(e *checkpoint.Entry) { e.State = state })
}

func (s *spring) ignore(name string) {
	s.change(name, func(e *checkpoint.Entry) { e.Ignored = "fine" })
}

func (s *spring) touch(name string, at time.Time) {
	if err := os.Chtimes(filepath.Join(s.files.root, name), at, at); err != nil {
		s.t.Fatal(err)
	}
}

// second puts the text of a file beside another one, for the same hour.
func (s *spring) second(beside, text string) (name string) {
	of := strings.Split(beside, "-")
	name = of[0] + "-" + of[1] + "-second.zip"
	bytes, err := os.ReadFile(filepath.Join(s.files.root, text))
	if err == nil {
		err = os.WriteFile(filepath.Join(s.files.root, name), bytes, 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.touch(name, inApril(23))
	s.load(s.opts, 1)
	s.ignore(name)
	return name
}

func (s *spring) remove(name string) {
	if err := os.Remove(filepath.Join(s.files.root, name)); err != nil {
		s.t.Fatal(err)
	}
}

// edit changes what the source yields.
func (s *spring) edit(edit func(f *rawlog.File)) {
	s.src = edited{Source: s.src, edit: func(f rawlog.File) (rawlog.File, bool) {
		edit(&f)
		return f, true
	}}
}

func (s *spring) doubt(doubtful dirs.Incomplete) { s.src = edited{Source: s.src, doubtful: &doubtful} }

// again runs, and says how many files were passed over.
func (s *spring) again() (outcome, int) {
	var log bytes.Buffer
	s.opts.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	sum, err := Run(s.t.Context(), s.st, s.src, s.opts)
	if err != nil {
		s.t.Errorf("%v", err)
	}
	over := 0
	if _, text, found := strings.Cut(log.String(), "months that are as they were"); found {
		if _, err = fmt.Sscanf(text[strings.Index(text, "files="):], "files=%d", &over); err != nil {
			s.t.Error(err)
		}
	}
	return s.outcome(sum), over
}

// outcome is all that can be seen of a run, but for names and times.
type outcome struct {
	Sum      Summary
	Days     []string
	Issues   []string
	Ledger   []string
	Listings []string
	Rows     uint64
}

func (s *spring) outcome(sum Summary) (o outcome) {
	describe := func(e checkpoint.Entry) string {
		return fmt.Sprint(e.File, " ", e.State, " ", e.Attempt, e.Rows, e.Rejected, " ", e.Error, e.Issues, e.Ignored, e.Version)
	}
	for _, e := range sum.Issues {
		o.Issues = append(o.Issues, describe(e))
	}
	o.Days = texts(joined(sum.Listing.Days))
	sum.Issues, sum.Run, sum.Elapsed, sum.Inserts, sum.Listing.Days, sum.Listing.At = nil, "", 0, 0, nil, time.Time{}
	o.Sum = sum
	entries, err := s.ledger.Entries(s.t.Context(), checkpoint.Filter{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		o.Ledger = append(o.Ledger, describe(e))
	}
	for _, typ := range rawlog.Types() {
		days, err := checkpoint.NewListings(s.st, s.opts.Network, rawlog.Share{}).Of(s.t.Context(), typ)
		if err != nil {
			s.t.Fatal(err)
		}
		o.Listings = append(o.Listings, string(typ)+" "+strings.Join(texts(joined(days)), " "))
	}
	o.Rows = count(s.t, s.st, "SELECT count() FROM clicks WHERE network = ?", s.opts.Network)
	return o
}

// springs are what may have become of files since they were loaded, and how many files are passed
// over then: all nine, or but for the two of the clicks of April.
var springs = []struct {
	name string
	do   func(s *spring)
	over int
}{
	{"nothing", func(*spring) {}, 9},
	{"a new file", func(s *spring) { s.write(gen.Spec{Type: rawlog.Clicks, Hour: inApril(22)}) }, 7},
	{"a new file of another type", func(s *spring) { s.write(gen.Spec{Type: rawlog.Impressions, Hour: inApril(22)}) }, 9},
	{"a new file of another month", func(s *spring) { s.write(gen.Spec{Type: rawlog.Clicks, Hour: inApril(22).AddDate(0, 4, 0)}) }, 9},
	{"other bytes", func(s *spring) {
		s.files.write(gen.Spec{Type: rawlog.Clicks, Hour: inApril(20), Rows: 30})
		s.touch(aprilClicks, inApril(1))
	}, 7},
	{"another size", func(s *spring) {
		s.edit(func(f *rawlog.File) {
			if f.ETag = ""; f.Name == aprilClicks {
				f.Size++
			}
		})
	}, 7},
	{"another time", func(s *spring) { s.touch(aprilClicks, inApril(1)) }, 7},
	{"no sizes and tags", func(s *spring) { s.edit(func(f *rawlog.File) { f.Size, f.ETag = -1, "" }) }, 9},
	{"tags of another kind", func(s *spring) { s.edit(func(f *rawlog.File) { f.ETag = "0123456789abcdef" + f.Name[:8] }) }, 9},
	{"a file is gone", func(s *spring) { s.remove(aprilClicks) }, 7},
	{"a month is gone", func(s *spring) { s.remove(aprilClicks); s.remove(aprilOther) }, 7},
	{"all are gone", func(s *spring) { s.src = newFolder(s.t).source() }, 0},
	{"planned", func(s *spring) { s.state(aprilClicks, checkpoint.Planned) }, 7},
	{"failed", func(s *spring) { s.state(aprilClicks, checkpoint.Failed) }, 7},
	{"failed and gone", func(s *spring) { s.state(aprilClicks, checkpoint.Failed); s.remove(aprilClicks) }, 7},
	{"failed, and its month is gone", func(s *spring) {
		s.state(aprilClicks, checkpoint.Failed)
		s.remove(aprilClicks)
		s.remove(aprilOther)
	}, 7},
	{"left loading", func(s *spring) { s.state(aprilClicks, checkpoint.Loading) }, 9},
	{"expired, to be kept", func(s *spring) {
		s.write(gen.Spec{Type: rawlog.Clicks, Hour: inApril(22)})
		s.load(s.opts, 1)
		name := gen.FileName(rawlog.Clicks, inApril(22), 7)
		if err := s.st.Conn().Exec(s.t.Context(), "DELETE FROM clicks WHERE network = ? AND _file = ?", s.opts.Network, name); err != nil {
			s.t.Fatal(err)
		}
		s.change(name, func(e *checkpoint.Entry) { emptied(e); e.State = checkpoint.Expired })
	}, 7},
	{"an hour over", func(s *spring) { s.change(aprilClicks, func(e *checkpoint.Entry) { e.File.Hour = inApril(19) }) }, 7},
	{"listed in another month", func(s *spring) {
		s.edit(func(f *rawlog.File) {
			if f.Name == aprilClicks {
				f.Hour = f.Hour.AddDate(0, 1, 0)
			}
		})
	}, 7},
	{"an issue", func(s *spring) { flaw(s.t, s.ledger, one(aprilClicks), checkpoint.Misfit) }, 9},
	{"an issue that is ignored", func(s *spring) { flaw(s.t, s.ledger, one(aprilClicks), checkpoint.Misfit); s.ignore(aprilClicks) }, 9},
	{"an overlap to be compared", func(s *spring) {
		s.change(aprilClicks, func(e *checkpoint.Entry) {
			e.Settle(time.Now(), checkpoint.Issue{Kind: checkpoint.Overlap, Text: uncompared})
		})
	}, 7},
	{"an overlap that is ignored", func(s *spring) { flaw(s.t, s.ledger, one(aprilClicks), checkpoint.Overlap); s.ignore(aprilClicks) }, 9},
	{"rows that are missing", func(s *spring) { flaw(s.t, s.ledger, one(aprilClicks), checkpoint.Mismatch) }, 9},
	{"a copy", func(s *spring) { s.second(aprilOther, aprilOther) }, 7},
	{"a copy whose original has other rows now", func(s *spring) {
		s.second(aprilOther, aprilOther)
		s.change(aprilOther, func(e *checkpoint.Entry) { e.Contents = "" })
	}, 7},
	{"two files of an hour", func(s *spring) { s.second(aprilOther, inMay) }, 10},
	{"two files of an hour that are gone", func(s *spring) {
		s.remove(s.second(aprilOther, inMay))
		s.remove(aprilOther)
		s.remove(aprilClicks)
	}, 7},
	{"a file in doubt", func(s *spring) {
		s.doubt(dirs.Incomplete{Files: []dirs.FileError{{File: rawlog.File{Type: rawlog.Clicks, Name: "20160410/new.zip", Hour: inApril(9), Size: -1}, Err: errors.New("odd")}}})
	}, 9},
	{"something odd, and a type refused", func(s *spring) {
		s.doubt(dirs.Incomplete{Files: []dirs.FileError{{File: rawlog.File{Name: "link"}, Err: errors.New("odd")}}, Types: []dirs.TypeError{{Type: rawlog.Impressions, Err: errors.New("odd")}}})
	}, 9},
	{"listed twice", func(s *spring) { s.src = twice{s.src} }, 8},
	{"a share", func(s *spring) { s.opts.Share = rawlog.Share{I: 1, N: 2} }, 9},
	{"to be loaded again", func(s *spring) { s.opts.Reload = true }, 0},
	{"a dry run", func(s *spring) { s.opts.DryRun = true; s.state(aprilClicks, checkpoint.Failed) }, 7},
	{"months that are over", func(s *spring) {
		now := time.Now().UTC()
		s.write(gen.Spec{Type: rawlog.Clicks, Hour: now.Add(-time.Hour).Truncate(time.Hour)}) // or the clock would be in doubt
		s.load(Options{Network: s.opts.Network, Periods: []rawlog.Period{rawlog.DayOf(now.Add(-time.Hour))}}, 1)
		setLife(s.t, s.st, s.opts.Network, (now.Year()-2016)*12+int(now.Month()-time.May)) // until April
		s.load(s.opts, 0)
	}, 9},
	{"a month that is about to be over", func(s *spring) {
		now := time.Now().UTC()
		s.write(gen.Spec{Type: rawlog.Clicks, Hour: now.Add(-time.Hour).Truncate(time.Hour)})
		s.load(Options{Network: s.opts.Network, Periods: []rawlog.Period{rawlog.DayOf(now.Add(-time.Hour))}}, 1)
		setLife(s.t, s.st, s.opts.Network, (now.Year()-2016)*12+int(now.Month()-time.May))
	}, 5},
	{"events of another source", func(s *spring) {
		e := &checkpoint.Entry{File: rawlog.File{Type: rawlog.Clicks, Name: rawlog.EventsFolder + "x", Hour: inApril(20), Size: 3}, State: checkpoint.Failed}
		if err := s.ledger.Put(s.t.Context(), []*checkpoint.Entry{e}); err != nil {
			s.t.Fatal(err)
		}
	}, 9},
}

// Months that are as they were are passed over, and whatever else may have become of a file is
// noticed: a run that plans all of them comes to the same.
func TestUnchangedMonths(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for i, tc := range springs {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, all := newSpring(t, st, fmt.Sprint("acme", i)), newSpring(t, st, fmt.Sprint("all", i))
			all.opts.planAll = true
			tc.do(s)
			tc.do(all)
			got, over := s.again()
			want, none := all.again()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("another outcome than that of a plan of all (-) where months are passed over (+):\n%s", diff)
			}
			if over != tc.over || none != 0 {
				t.Errorf("%d and %d files passed over, want %d and none", over, none, tc.over)
			}
		})
	}
}
