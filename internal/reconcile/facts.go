package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
)

// hourFacts is all that is known of one hour of one type.
type hourFacts struct {
	localHour
	ours, theirs int64
	open         bool
	entries      []checkpoint.Entry // the ledger's, of the UTC hours that it lies in

	byFile     map[string]int64 // counted rows in this hour by file
	pending    int64            // conversions by their status in the log
	rejected   int64
	adjusted   int64
	unreadable int64   // rows whose datetime could not be read
	words      []int64 // rows by their decision, as facts.words
	others     int64   // rows with rarer decisions
	changed    int64   // by which later changes that the store knows of raise the count
}

func (h *hourFacts) difference() int64 { return h.ours - h.theirs }

// facts is what is known of a type around the days that differ.
type facts struct {
	typ   rawlog.Type
	names *rawlog.Names
	zone  *time.Location
	hours []*hourFacts // in order; the days that differ and one more on either side of each run
	days  map[string]bool
	// stored counts every row of a file, wherever its datetime lies.
	stored map[string]uint64
	// states knows the ledger's state of every file that has rows here.
	entries map[string]checkpoint.Entry
	shifts  map[*hourFacts]int // hours by which the two sides seem shifted here
	anyFile bool               // the ledger knows a file of the type in these days

	words []string // of access_control_decision in these days, the most frequent ones
	// What is known of each of them: it is learned that the network does not count it, it is
	// unknown, it counts it though not_counted says otherwise.
	turnedAway, undecided, missed []bool
	verdicts                      []Word
	byHand                        map[*hourFacts][]handPair
}

// examine gathers the facts of the days that differ.
func (j *job) examine(ctx context.Context, typ rawlog.Type, days map[string]bool) (*facts, error) {
	f := &facts{
		typ: typ, names: j.Names, zone: j.Zone, days: days, stored: map[string]uint64{}, entries: map[string]checkpoint.Entry{},
		shifts: map[*hourFacts]int{}, byHand: map[*hourFacts][]handPair{},
	}
	spans := runs(days)
	if len(spans) > 0 {
		var err error
		if f.words, _, err = j.wordsOf(ctx, typ, rawlog.Period{From: spans[0].From, To: spans[len(spans)-1].To}); err != nil {
			return nil, err
		}
	}
	n := len(f.words)
	f.turnedAway, f.undecided, f.missed, f.verdicts = make([]bool, n), make([]bool, n), make([]bool, n), make([]Word, n)
	for _, run := range spans {
		if err := j.examineRun(ctx, f, run); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// runs joins consecutive days, and adds a day before and after each run: a
// shift shows at its edges. Runs that then touch become one.
func runs(days map[string]bool) []rawlog.Period {
	var all []time.Time
	for d := range days {
		if t, err := time.Parse(isoDay, d); err == nil {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	var out []rawlog.Period
	for _, d := range all {
		p := rawlog.Period{From: d.AddDate(0, 0, -1), To: d.AddDate(0, 0, 2)}
		if n := len(out); n > 0 && !p.From.After(out[n-1].To) {
			out[n-1].To = p.To
			continue
		}
		out = append(out, p)
	}
	return out
}

func (j *job) examineRun(ctx context.Context, f *facts, run rawlog.Period) error {
	theirs, err := j.askNetwork(ctx, []rawlog.Type{f.typ}, run, Hour)
	if err != nil {
		return err
	}
	from, _ := bounds(run.From.Format(isoDay), j.Zone)
	to, _ := bounds(run.To.Format(isoDay), j.Zone)
	// Files of the hours around count too: their rows may lie in these.
	entries, err := checkpoint.Open(j.st, j.Network).Entries(ctx, checkpoint.Filter{
		Types: []rawlog.Type{f.typ}, Periods: []rawlog.Period{{From: from.Add(-26 * time.Hour), To: to.Add(26 * time.Hour)}},
	})
	if err != nil {
		return err
	}
	byHour := map[time.Time][]checkpoint.Entry{}
	for _, e := range entries {
		f.entries[e.File.Name] = e
		for _, hour := range f.hoursOf(e.File) {
			byHour[hour] = append(byHour[hour], e)
		}
		f.anyFile = true
	}
	index := map[bucket]*hourFacts{}
	first := len(f.hours)
	for _, day := range run.Days() {
		for _, h := range j.hoursOf(day.Format(isoDay)) {
			b := bucket{day: h.day, hour: h.hour}
			facts := &hourFacts{localHour: h, theirs: theirs[f.typ][b], byFile: map[string]int64{}, words: make([]int64, len(f.words))}
			for _, utc := range h.utc {
				facts.entries = append(facts.entries, byHour[utc]...)
				facts.open = facts.open || utc.Add(time.Hour+PublishDelay).After(j.now)
			}
			index[b] = facts
			f.hours = append(f.hours, facts)
		}
	}
	if err := j.readRows(ctx, f, index, from, to); err != nil {
		return err
	}
	if err := j.readStored(ctx, f, from, to); err != nil {
		return err
	}
	if err := j.readChanges(ctx, f, index, from, to); err != nil {
		return err
	}
	f.findShift(f.hours[first:])
	return nil
}

// hoursOf are the hours that a file is for: one, or those of a day.
func (f *facts) hoursOf(file rawlog.File) []time.Time {
	_, span := f.names.Known(f.typ, file.Name)
	hours := []time.Time{file.Hour}
	for at := file.Hour.Add(time.Hour); at.Before(file.Hour.Add(span)); at = at.Add(time.Hour) {
		hours = append(hours, at)
	}
	return hours
}

// covers reports whether a file is for an hour.
func (f *facts) covers(e checkpoint.Entry, utc time.Time) bool {
	return slices.ContainsFunc(f.hoursOf(e.File), utc.Equal)
}

// readRows counts the rows of each hour by file, and what is odd about them.
func (j *job) readRows(ctx context.Context, f *facts, index map[bucket]*hourFacts, from, to time.Time) error {
	counted, err := j.counted(ctx, f.typ)
	if err != nil {
		return err
	}
	countIf := func(column, condition string) string {
		if ok, failed := j.has(ctx, f.typ, column); failed != nil || !ok {
			err = errors.Join(err, failed)
			return "toInt64(0)" // a table whose owner dropped the column
		}
		return "toInt64(countIf(" + condition + "))"
	}
	query := "SELECT toString(toDate(" + instant + ", {zone:String})) AS day, toUInt8(toHour(" + instant + ", {zone:String})) AS hour," +
		" toString(_file) AS name, toInt64(countIf(" + counted + ")), toInt64(countIf(datetime = toDateTime(0, 'UTC')))," +
		countIf("status", "status = 'pending'") + "," + countIf("status", "status = 'rejected'") + "," +
		countIf("is_adjustment", "is_adjustment != 0") + "," +
		countWords(f.words, j.base(f.typ)) +
		" FROM " + j.st.TableName(string(f.typ)) + " WHERE " + inSpan + " GROUP BY day, hour, name"
	if err != nil {
		return err
	}
	rows, err := j.st.Conn().Query(j.params(ctx, from, to), query)
	if err != nil {
		return fmt.Errorf("looking into %s: %w", f.typ, err)
	}
	defer rows.Close()
	for rows.Next() {
		var b bucket
		var hour uint8
		var name string
		var n, unreadable, pending, rejected, adjusted, others int64
		var words []int64
		if err := rows.Scan(&b.day, &hour, &name, &n, &unreadable, &pending, &rejected, &adjusted, &words, &others); err != nil {
			return fmt.Errorf("looking into %s: %w", f.typ, err)
		}
		b.hour = int(hour)
		h := index[b]
		if h == nil {
			continue // a quarter that this program's and the store's zone data see differently
		}
		h.ours += n
		h.byFile[name] += n
		h.unreadable += unreadable
		if f.typ == rawlog.Conversions { // elsewhere the column has another meaning
			h.pending += pending
			h.rejected += rejected
		}
		h.adjusted += adjusted
		h.others += others
		for w, n := range words {
			h.words[w] += n
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("looking into %s: %w", f.typ, err)
	}
	return nil
}

// readStored counts the rows of each file whole, to compare with the ledger.
func (j *job) readStored(ctx context.Context, f *facts, from, to time.Time) error {
	query := "SELECT toString(_file) AS name, count() FROM " + j.st.TableName(string(f.typ)) +
		" WHERE network = {network:String} AND _hour >= fromUnixTimestamp({from:Int64}) AND _hour < fromUnixTimestamp({to:Int64}) GROUP BY name"
	rows, err := j.st.Conn().Query(j.params(ctx, from.Add(-26*time.Hour), to.Add(26*time.Hour)), query)
	if err != nil {
		return fmt.Errorf("counting the files of %s: %w", f.typ, err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var n uint64
		if err := rows.Scan(&name, &n); err != nil {
			return fmt.Errorf("counting the files of %s: %w", f.typ, err)
		}
		f.stored[name] = n
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("counting the files of %s: %w", f.typ, err)
	}
	return nil
}

// maxShift bounds the shifts that are looked for, in hours: zones reach from
// -12 to +14, and either side may be wrong.
const maxShift = 26

// findShift looks for one number of hours that makes the two sides agree where
// they do not as they stand. It has to explain nine tenths of what differs:
// hours are never that alike by chance, except where every hour is the same.
func (f *facts) findShift(hours []*hourFacts) {
	var plain int64
	differing := 0
	for _, h := range hours {
		if d := h.difference(); d != 0 && !h.open {
			plain += max(d, -d)
			differing++
		}
	}
	if differing < 6 {
		return
	}
	best, cost := 0, plain
	for s := -maxShift; s <= maxShift; s++ {
		var sum int64
		compared := 0
		for i, h := range hours {
			if i+s < 0 || i+s >= len(hours) || h.open {
				continue
			}
			d := hours[i+s].ours - h.theirs
			sum += max(d, -d)
			compared++
		}
		if compared*2 > len(hours) && sum < cost {
			best, cost = s, sum
		}
	}
	if best == 0 || cost*10 > plain {
		return
	}
	for i, h := range hours {
		if i+best < 0 || i+best >= len(hours) || abs(hours[i+best].ours-h.theirs) < abs(h.difference()) {
			f.shifts[h] = best
		}
	}
}

func abs(n int64) int64 { return max(n, -n) }
