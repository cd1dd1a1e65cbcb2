package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
)

// # Months that are over
//
// `ingest schema ttl` writes into the store for how many months files of a type stay. A run
// drops what is over at its end, month by month:
//
//  1. The ledger says `expired` of the month's files; what it counts of them stays.
//  2. The rows and rejected lines of the network in that month are deleted, whoever loaded
//     them, under the lease. It is not the partition that is dropped: other networks may have
//     rows in it, and may be sending more.
//  3. They are counted: none.
//  4. The ledger counts none any more.
//
// Crash after 1, or in 2: the files count as unsettled, and the next run goes on. If they
// are to be kept by then, recovery says of each what is still there.

// Bounds of the doubt in a clock. What a clock says that is wrong by years looks like rows
// that are old by years.
const (
	clocksApart = 24 * time.Hour      // between the server's clock and ours
	quietFor    = 62 * 24 * time.Hour // since the newest hour that anybody knows of
)

// horizon is from when on files are kept.
type horizon struct {
	lives  rawlog.Lifetimes
	now    time.Time // by the clock that is behind
	apart  time.Duration
	newest time.Time // hour that is loaded or listed; zero where none is
}

// lookAhead reads from when on files are kept.
func (r *run) lookAhead(ctx context.Context) error {
	if r.st == nil {
		return nil
	}
	return r.steady(ctx, func(ctx context.Context) error {
		lives, err := r.ledger.Lifetimes(ctx)
		if err == nil {
			r.ahead, err = r.horizon(ctx, lives)
		}
		return err
	})
}

func (r *run) horizon(ctx context.Context, lives rawlog.Lifetimes) (h horizon, err error) {
	if len(lives) == 0 {
		return h, nil
	}
	theirs, err := r.st.Now(ctx)
	if err != nil {
		return h, err
	}
	ours := r.Now()
	h = horizon{lives: lives, now: earlier(theirs, ours), apart: theirs.Sub(ours).Abs()}
	h.newest, err = r.ledger.Newest(ctx, h.soon())
	return h, err
}

// soon is the latest hour that a file can be of.
func (h *horizon) soon() time.Time { return h.now.Add(2 * clocksApart) }

// reach takes files of a listing as a sign of what time it is.
func (h *horizon) reach(files []rawlog.File) {
	for _, f := range files {
		if f.Hour.After(h.newest) && !f.Hour.After(h.soon()) { //guard:future-names-no-clock
			h.newest = f.Hour
		}
	}
}

// over reports whether the file's month is over.
func (h *horizon) over(f rawlog.File) bool { return h.lives.Over(f.Type, f.Hour, h.now) }

// apartText says that the clocks do not agree; "" where they do.
func (h *horizon) apartText() string {
	if h.apart <= clocksApart { //guard:clocks-agree
		return ""
	}
	return fmt.Sprintf("the store's clock and this machine's are %s apart: set them right", h.apart.Round(time.Minute))
}

// doubt is why nothing is dropped by the clock alone; "" for no doubt.
func (h *horizon) doubt() string {
	switch text := h.apartText(); {
	case text != "":
		return text
	case h.newest.IsZero():
		return fmt.Sprintf("no file of the last %d days is known, so the clock may be wrong", quietFor/(24*time.Hour))
	case h.now.Sub(h.newest) > quietFor: //guard:clock-doubted
		return fmt.Sprintf("the newest file that is known is of %s, so the clock may be ahead (it says %s)", h.newest.Format(time.DateOnly), h.now.Format(time.DateOnly))
	}
	return ""
}

// tooOld settles a listed file whose month is over: it is recorded as expired, and not
// fetched. In doubt of the clock nothing is recorded. Rows that it has are for expire.
func (r *run) tooOld(f rawlog.File, e *checkpoint.Entry) {
	r.sum.add(func(s *Summary) { s.Expired++ })
	switch doubt := r.ahead.doubt(); {
	case doubt != "":
		r.undropped(fmt.Sprintf("files of %s before %s are neither loaded nor recorded as expired: %s", f.Type, r.firstKept(f.Type), doubt))
		return
	case e == nil:
		e = &checkpoint.Entry{File: f}
	case e.State == checkpoint.Expired || hasRows(e):
		return
	}
	r.expireEntry(e)
	r.expired = append(r.expired, e)
}

// firstKept is the first day of a type that is kept, for people.
func (r *run) firstKept(typ rawlog.Type) string {
	end, _ := r.ahead.lives.End(typ, r.ahead.now)
	return end.Format(time.DateOnly)
}

// undropped notes once why months that are over stay.
func (r *run) undropped(why string) {
	r.sum.add(func(s *Summary) {
		if !slices.Contains(s.Undropped, why) {
			s.Undropped = append(s.Undropped, why)
		}
	})
}

// expireEntry makes an entry say that its month is over. It goes on counting its rows.
func (r *run) expireEntry(e *checkpoint.Entry) {
	e.State, e.Run, e.Error = checkpoint.Expired, r.id, ""
	e.Issues, e.Ignored, e.Since = nil, "", time.Time{}
	if !hasRows(e) {
		emptied(e)
	}
}

// expire drops the months that are over. Where somebody asked for it by hand, sure, neither
// what is known of the time nor that nothing would be left holds it up.
func (r *run) expire(ctx context.Context, sure bool) error {
	if !r.Share.All() { //guard:expire-alone
		return nil // a run of all of the network does
	}
	for _, typ := range rawlog.All() {
		if _, ends := r.ahead.lives[typ]; !ends || !slices.Contains(r.Types, typ) {
			continue
		}
		if err := r.expireType(ctx, typ, sure); err != nil {
			return fmt.Errorf("dropping months of %s that are over: %w", typ, err)
		}
	}
	return nil
}

func (r *run) expireType(ctx context.Context, typ rawlog.Type, sure bool) error {
	r.Progress.enter("expiring")
	months, err := r.overdue(ctx, typ, sure)
	if err != nil || len(months) == 0 {
		return err
	}
	why, err := r.mayDrop(ctx, typ, months, sure)
	if err != nil {
		return err
	}
	if why != "" {
		r.undropped(fmt.Sprintf("%s before %s are over and were not dropped: %s", typ, r.firstKept(typ), why))
		months = slices.DeleteFunc(months, func(m overMonth) bool { return !m.begun() })
	}
	for _, m := range months {
		if r.stopped() {
			return nil // the next run goes on
		}
		if err := r.expireMonth(ctx, typ, m); err != nil {
			return err
		}
	}
	return nil
}

// overMonth is a month that is over, with those of its files that are to be expired.
type overMonth struct {
	rawlog.Period
	entries []*checkpoint.Entry
}

// begun reports whether a run that died had begun to drop the month: then the clock was not
// in doubt, or somebody was sure.
func (m overMonth) begun() bool {
	return slices.ContainsFunc(m.entries, func(e *checkpoint.Entry) bool { return e.State == checkpoint.Expired })
}

// rows counts the files that have any, and their rows.
func (m overMonth) rows() (d Dropped) {
	d.Month = m.From
	for _, e := range m.entries {
		if hasRows(e) {
			d.Files, d.Rows, d.Rejected = d.Files+1, d.Rows+e.Rows, d.Rejected+e.Rejected
		}
	}
	return d
}

// overdue lists the months of a type that are over and of which the ledger has files with
// rows, or open ones. With all those are added of which the table alone has rows.
func (r *run) overdue(ctx context.Context, typ rawlog.Type, all bool) ([]overMonth, error) {
	end, ends := r.ahead.lives.End(typ, r.ahead.now)
	if !ends {
		return nil, nil
	}
	past := rawlog.Period{From: time.Unix(0, 0).UTC(), To: end}
	entries, err := r.entries(ctx, checkpoint.Filter{Types: []rawlog.Type{typ}, Periods: []rawlog.Period{past}, Undone: true})
	if err != nil {
		return nil, err
	}
	byMonth := make(map[rawlog.Period][]*checkpoint.Entry)
	for i := range entries {
		m := rawlog.MonthOf(entries[i].File.Hour)
		byMonth[m] = append(byMonth[m], &entries[i])
	}
	if all {
		for _, scope := range r.scopes(typ, past) {
			var stray []uint32
			err := r.steady(ctx, func(ctx context.Context) (err error) {
				stray, err = r.st.Months(ctx, scope)
				return err
			})
			if err != nil {
				return nil, err
			}
			for _, m := range stray {
				month := rawlog.MonthOf(time.Date(int(m/100), time.Month(m%100), 1, 0, 0, 0, 0, time.UTC))
				byMonth[month] = append(byMonth[month], nil...)
			}
		}
	}
	var out []overMonth
	for m, of := range byMonth {
		out = append(out, overMonth{m, of})
	}
	slices.SortFunc(out, func(a, b overMonth) int { return a.From.Compare(b.From) })
	return out, nil
}

// mayDrop says why the months are not to be dropped; "" where they are.
func (r *run) mayDrop(ctx context.Context, typ rawlog.Type, months []overMonth, sure bool) (why string, err error) {
	if sure {
		return r.ahead.apartText(), nil
	}
	if why = r.ahead.doubt(); why != "" {
		return why, nil
	}
	var files int
	for _, m := range months {
		if !m.begun() {
			files += m.rows().Files
		}
	}
	end, _ := r.ahead.lives.End(typ, r.ahead.now)
	var kept uint64
	err = r.steady(ctx, func(ctx context.Context) (err error) {
		kept, err = r.ledger.KeptFiles(ctx, typ, end)
		return err
	})
	if err == nil && files > 0 && kept == 0 { //guard:never-everything
		why = fmt.Sprintf("nothing of %s would be left; if that is meant: ingest schema ttl %s '%s' --yes", typ, typ, rawlog.LifetimeText(r.ahead.lives[typ]))
	}
	return why, err
}

// expireMonth drops the rows of a month; see the top of this file for the order of writes.
func (r *run) expireMonth(ctx context.Context, typ rawlog.Type, m overMonth) error {
	sum := m.rows()
	sum.Type = typ
	var held []*checkpoint.Entry
	for _, e := range m.entries {
		r.expireEntry(e)
		if hasRows(e) {
			held = append(held, e)
		}
	}
	if err := r.record(ctx, m.entries); err != nil { //guard:expired-first
		return err
	}
	for _, scope := range r.scopes(typ, m.Period) {
		err := r.steady(ctx, func(ctx context.Context) error { return r.st.DropRows(ctx, scope, r.lease.Fence()) })
		if err != nil {
			return err
		}
	}
	for _, e := range held {
		emptied(e)
	}
	if err := r.record(ctx, held); err != nil {
		return err
	}
	r.Log.Info("dropped a month that is over", "type", typ, "month", m.String(), "files", sum.Files, "rows", sum.Rows)
	r.sum.add(func(s *Summary) { s.Dropped = append(s.Dropped, sum) })
	return nil
}
