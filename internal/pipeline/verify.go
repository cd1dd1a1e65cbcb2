package pipeline

import (
	"context"
	"math"
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// mostCompared is how many files Verify holds at once, if they are not of a single month.
const mostCompared = 20_000

// VerifyReport is what Verify counted.
type VerifyReport struct {
	Files       int
	Rows        uint64 // by the ledger
	Unsettled   int    // files left loading, or about to be dropped, by a run that is at work or dead; not compared
	Expired     int    // of Files: whose month is over, and which have no rows any more
	Differences []Difference
	RollUps     []store.RollUpDifference // of the tables of Options.Types, whatever the period
}

// Verify compares the ledger of a network with the rows in the store, for
// opts.Types and opts.Periods, in both directions: files with other rows than
// the ledger says, and rows of files that the ledger does not know.
func Verify(ctx context.Context, st *store.Store, opts Options) (VerifyReport, error) {
	opts = opts.withDefaults()
	v := verification{st: st, network: opts.Network, most: opts.mostCompared, unknown: make(map[fileKey]*stored)}
	periods := joined(opts.Periods)
	if len(periods) == 0 {
		periods = []rawlog.Period{{}}
	}
	for _, typ := range opts.Types {
		for _, period := range periods {
			if err := v.period(ctx, typ, period); err != nil {
				return VerifyReport{}, err
			}
		}
	}
	v.conclude()
	for _, typ := range opts.Types {
		found, err := st.DifferentRollUps(ctx, string(typ), opts.Network)
		if err != nil {
			return VerifyReport{}, err
		}
		v.RollUps = append(v.RollUps, found...)
	}
	return v.VerifyReport, nil
}

// verification is a Verify at work. It goes through the months of a ledger, oldest first, and
// keeps of those that are behind it only what differs.
type verification struct {
	VerifyReport
	st      *store.Store
	network string
	most    int

	unsettled []fileKey
	differ    []differing
	unknown   map[fileKey]*stored // rows that no entry was found for
}

// differing is an entry that the store does not hold as it is.
type differing struct {
	checkpoint.Entry
	held *stored
}

// period compares the files of a type whose hours lie in a period; the zero Period is all of them.
func (v *verification) period(ctx context.Context, typ rawlog.Type, of rawlog.Period) error {
	which := checkpoint.Filter{Types: []rawlog.Type{typ}}
	if of != (rawlog.Period{}) {
		which.Periods = []rawlog.Period{of}
	}
	var entries []checkpoint.Entry // that are not compared yet
	err := checkpoint.Open(v.st, v.network).Each(ctx, which, func(e checkpoint.Entry) error {
		month := rawlog.MonthOf(e.File.Hour).From
		if len(entries) >= v.most && entries[len(entries)-1].File.Hour.Before(month) {
			if err := v.compare(ctx, typ, rawlog.Period{From: of.From, To: month}, entries); err != nil {
				return err
			}
			entries, of = entries[:0], rawlog.Period{From: month, To: of.To}
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return err
	}
	return v.compare(ctx, typ, of, entries)
}

// compare counts the rows of a type in a period, whose entries these are. A bound that is zero
// is none.
func (v *verification) compare(ctx context.Context, typ rawlog.Type, of rawlog.Period, entries []checkpoint.Entry) error {
	if of != (rawlog.Period{}) {
		if of.From.IsZero() {
			of.From = time.Unix(0, 0)
		}
		if of.To.IsZero() {
			of.To = time.Unix(math.MaxUint32, 0) // no DateTime is later
		}
	}
	counted, err := countStored(ctx, v.st, v.network, []rawlog.Type{typ}, of)
	if err != nil {
		return err
	}
	carry := carriers(entries)
	for _, e := range entries {
		held := counted[keyOf(e.File)]
		delete(counted, keyOf(e.File))
		expired := e.State == checkpoint.Expired
		if e.State == checkpoint.Loading || e.Forgetting > 0 || expired && hasRows(&e) { //guard:expired-not-lost
			v.Unsettled++
			v.unsettled = append(v.unsettled, keyOf(e.File))
			continue
		}
		if expired {
			v.Expired++
		}
		v.Files++
		v.Rows += e.Rows
		switch {
		case held.compare(e) != nil:
			v.differ = append(v.differ, differing{e, held})
		case e.State == checkpoint.Loaded && e.Has(checkpoint.Copy) && !carry(e): //guard:copies-verified
			v.Differences = append(v.Differences, Difference{File: e.File, Uncarried: true})
		}
	}
	for key, held := range counted {
		v.unknown[key] = held.with(v.unknown[key])
	}
	return nil
}

// carriers tells of a copy whether the rows of its text are another file's.
func carriers(entries []checkpoint.Entry) func(copied checkpoint.Entry) bool {
	texts := make(map[twinKey]bool)
	for i := range entries {
		if e := &entries[i]; holdsText(e) {
			texts[keyOfText(e.File, e.Contents)] = true
		}
	}
	return func(copied checkpoint.Entry) bool { return texts[keyOfText(copied.File, copied.Contents)] }
}

// conclude makes differences of what differs. Rows of one stretch may be those that an entry of another
// one lacks: the hour of a file was another one when it was loaded.
func (v *verification) conclude() {
	for _, d := range v.differ {
		key := keyOf(d.File)
		if found := d.held.with(v.unknown[key]).compare(d.Entry); found != nil { //guard:verify-across
			v.Differences = append(v.Differences, *found)
		}
		delete(v.unknown, key)
	}
	for _, key := range v.unsettled {
		delete(v.unknown, key)
	}
	for key, held := range v.unknown {
		nobodys := checkpoint.Entry{File: rawlog.File{Type: key.typ, Name: key.name, Size: -1}}
		v.Differences = append(v.Differences, *held.compare(nobodys))
	}
	slices.SortFunc(v.Differences, func(a, b Difference) int { return compareFiles(a.File, b.File) })
}
