package faults

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// clocks are what a machine's clock may show at each look at it, in each run,
// while it is noon after the first files' day.
func clocks() map[string]func(run, look int) time.Time {
	noon := time.Date(2016, 10, 1, 12, 0, 0, 0, time.UTC)
	off := func(by ...time.Duration) func(int, int) time.Time {
		return func(run, _ int) time.Time {
			return noon.Add(time.Duration(run) * time.Minute).Add(by[run%len(by)])
		}
	}
	const day = 24 * time.Hour
	return map[string]func(run, look int) time.Time{
		"an hour back from the second run on": off(0, -time.Hour, -time.Hour, -time.Hour, -time.Hour),
		"a day ahead from the second run on":  off(0, day, day, day, day),
		"to and fro between runs":             off(day, -time.Hour, day, -time.Hour),
		"to and fro in mid-run": func(run, look int) time.Time {
			return noon.Add([]time.Duration{0, day, -time.Hour}[(run+look)%3])
		},
		"stands still":    func(int, int) time.Time { return noon },
		"1970":            func(int, int) time.Time { return time.Unix(0, 0) },
		"before 1970":     func(run, look int) time.Time { return time.Unix(int64(-run-look), 0) },
		"1970 in mid-run": func(_, look int) time.Time { return []time.Time{noon, time.Unix(0, 0)}[look%2] },
	}
}

// However the machine's clock jumps, between runs or in mid-run: late, replaced
// and mended files are loaded, each once, what is loaded stays so, and no two
// INSERTs have the same id.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	for name, clock := range clocks() {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			r := db.rig(t)
			var run int
			var look atomic.Int64
			r.options.Now = func() time.Time { return clock(run, int(look.Add(1)-1)) }
			f := r.folder()
			most := make(map[string]int)
			put := func(hour int, s gen.Spec) (name string, body []byte) {
				s.Type, s.Hour = rawlog.Clicks, hourOf(hour)
				name = gen.FileName(s.Type, s.Hour, 7)
				most[name] = max(most[name], s.Rows)
				body = r.zip(name, s)
				f.put(name, body)
				return name, body
			}
			ids := make(map[uint64]string) // INSERTs, by run
			runs := make(map[string]bool)
			load := func(loaded, failed int) {
				t.Helper()
				look.Store(0)
				stop := r.watch(most)
				sum, err := r.run(keeper{Source: f.source(), days: kept(1)})
				stop()
				run++
				if err != nil || sum.Loaded != loaded || sum.Failed != failed || len(sum.Missing) > 0 {
					t.Fatalf("run %d: %v, %+v", run, err, sum)
				}
				if runs[sum.Run] {
					t.Errorf("two runs are called %s", sum.Run)
				}
				runs[sum.Run] = true
				for _, e := range r.entries() {
					for _, id := range e.Inserts {
						if other, ok := ids[id]; e.Run == sum.Run && ok && other != e.Run {
							t.Errorf("insert %d is of the runs %s and %s", id, other, e.Run)
						}
						if e.Run == sum.Run {
							ids[id] = e.Run
						}
					}
				}
			}

			put(1, gen.Spec{Rows: 12})
			put(2, gen.Spec{Rows: 12})
			put(6, gen.Spec{Rows: 12}) // October: an INSERT of its own
			load(3, 0)
			load(0, 0)
			put(0, gen.Spec{Rows: 9, Broken: 2})  // late
			put(2, gen.Spec{Rows: 15})            // replaced
			put(7, gen.Spec{Rows: 11, Broken: 1}) // new
			broken, body := put(3, gen.Spec{Rows: 8})
			f.put(broken, append([]byte("x"), body...)[:len(body)/2])
			load(3, 1)
			f.put(broken, body)
			r.options.Periods = []rawlog.Period{rawlog.DayOf(hourOf(6))} // the day before is not asked for
			load(1, 0)
			r.options.Periods = nil
			load(0, 0)
			r.recover(f.source())

			if n := r.count(`SELECT count() FROM (SELECT _insert FROM clicks WHERE network = ? GROUP BY _insert HAVING uniqExact(toYYYYMM(_hour)) > 1)`, r.network); n > 0 {
				t.Errorf("%d ids are of two INSERTs", n)
			}
			if n := r.count("SELECT uniqExact(_insert) FROM clicks WHERE network = ?", r.network); n < 5 || len(ids) < int(n) {
				t.Errorf("only %d INSERTs, %d of them in the ledger", n, len(ids))
			}
			if n := r.count("SELECT count() FROM rejected_rows WHERE network = ? AND _insert IN (SELECT _insert FROM clicks)", r.network); n > 0 {
				t.Errorf("%d rejected lines have the id of an INSERT of rows", n)
			}
		})
	}
}
