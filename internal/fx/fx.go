// Package fx keeps the exchange rates at which analysts turn amounts of one currency into
// another: as the European Central Bank publishes them, by day.
//
// A rate holds until the next one, for at most MaxAge: over weekends and holidays. Beyond
// that an amount has no rate, and is counted as such rather than converted at a guess.
package fx

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"rawlogs/internal/plain"
	"rawlogs/internal/store"
	"rawlogs/internal/term"
)

const table = "fx_rates"

// MaxAge is for how many days a rate holds at most. The bank's longest pause is four days,
// Easter or Christmas with a weekend beside it. The view fx_daily says the same.
const MaxAge = 7

// Options say what is loaded.
type Options struct {
	Source string // what the rates were read from, for people
	// Gaps accepts more than MaxAge days in a row without rates.
	Gaps bool
	Now  time.Time // rates of later days are refused
}

// Gap is a time without rates.
type Gap struct {
	After  string `json:"after"`  // the last day before it
	Before string `json:"before"` // the first day after it
}

// String names both days.
func (g Gap) String() string { return "between " + g.After + " and " + g.Before }

// Result is what a load of rates did, and what the store has after it.
type Result struct {
	Source  string `json:"source"`
	Read    int    `json:"read"` // rates in the file
	New     int    `json:"new"`
	Changed int    `json:"changed"` // known otherwise before, or withdrawn by the file
	Stored  Extent `json:"stored"`
	Gaps    []Gap  `json:"gaps,omitempty"` // that begin or end at a day of the file
}

// Extent is what the store has.
type Extent struct {
	Rates      uint64 `json:"rates"`
	Currencies uint64 `json:"currencies"`
	First      string `json:"first"`
	Last       string `json:"last"`
}

// Print writes the sums.
func (r *Result) Print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "rates     read %s from %s: %s new, %s changed\nstored    %s of %s, %s to %s\n",
		term.Count(r.Read), plain.Text(r.Source), term.Count(r.New), term.Count(r.Changed),
		term.Plural(r.Stored.Rates, "rate"), currencies(r.Stored.Currencies), r.Stored.First, r.Stored.Last)
	for _, g := range r.Gaps {
		if err == nil {
			_, err = fmt.Fprintf(w, "gap       %s: amounts of those days have no rate\n", g)
		}
	}
	return err
}

func currencies(n uint64) string {
	if n == 1 {
		return "1 currency"
	}
	return term.Count(n) + " currencies"
}

// Load stores what differs from what the store has: all of it in one INSERT, or nothing.
// The same rates again change nothing. An *Error says what is wrong with the file.
func Load(ctx context.Context, st *store.Store, rates []Rate, o Options) (*Result, error) {
	have, err := known(ctx, st)
	if err != nil {
		return nil, err
	}
	r := &Result{Source: o.Source}
	var fresh []Rate
	for _, rate := range rates {
		if rate.Day.After(o.Now) {
			return nil, &Error{what: fmt.Sprintf("%s is a day that has not come", rate.Day.Format(time.DateOnly)), hint: "is this machine's clock right? Nothing of the file was stored"}
		}
		was := have[key{rate.Day, rate.Currency}]
		if !rate.Value.IsZero() {
			r.Read++
		}
		switch {
		case rate.Value.Equal(was.value): // also none in the file and none known
			continue
		case was.value.IsZero():
			r.New++
		default:
			r.Changed++
		}
		fresh = append(fresh, rate)
	}
	if r.Gaps = gaps(have, rates); len(r.Gaps) > 0 && !o.Gaps { //guard:fx-gap
		return nil, &Error{what: fmt.Sprintf("no rates %s, which is more than %d days: amounts of those days would have none", r.Gaps[0], MaxAge),
			hint: "load the file of all days (eurofxref-hist.zip), or accept the gap with --allow-gaps"}
	}
	if len(fresh) > 0 {
		if err = insert(ctx, st, fresh, have, o.Source); err != nil {
			return nil, err
		}
	}
	r.Stored, err = extent(ctx, st)
	return r, err
}

type key struct {
	day      time.Time
	currency string
}

// version is a rate as the store has it.
type version struct {
	value  decimal.Decimal // 0 for one that was withdrawn
	number uint64
}

func known(ctx context.Context, st *store.Store) (map[key]version, error) {
	rows, err := st.Conn().Query(ctx, "SELECT day, currency, per_euro, version FROM "+st.TableName(table)+" FINAL")
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", table, err)
	}
	defer rows.Close()
	out := map[key]version{}
	for rows.Next() {
		var k key
		var v version
		if err := rows.Scan(&k.day, &k.currency, &v.value, &v.number); err != nil {
			return nil, fmt.Errorf("reading %s: %w", table, err)
		}
		out[k] = v
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", table, err)
	}
	return out, nil
}

// insert writes the rates, each as the version after the one that is known. A write whose
// answer was lost may be made again: it is the same rows.
func insert(ctx context.Context, st *store.Store, rates []Rate, have map[key]version, source string) error {
	op := store.Op{Kind: "rates", Detail: fmt.Sprint(len(rates))}
	err := st.Write(ctx, op, func(ctx context.Context) error {
		ctx = st.InsertContext(ctx)
		batch, err := st.Conn().PrepareBatch(ctx, "INSERT INTO "+st.Holding(table)+" (day, currency, per_euro, source, version)")
		if err != nil {
			return err
		}
		defer func() { _ = batch.Close() }() // after Send it has nothing left to say
		for _, r := range rates {
			if err := batch.Append(r.Day, r.Currency, r.Value, plain.Cut(plain.Text(source), 200), have[key{r.Day, r.Currency}].number+1); err != nil {
				return err
			}
		}
		return batch.Send()
	})
	if err != nil {
		return fmt.Errorf("writing %s: %w", table, err)
	}
	return nil
}

// gaps are the times without rates that begin or end at a day of the file; those that were
// accepted earlier are not reported again.
func gaps(have map[key]version, rates []Rate) []Gap {
	ofFile, days := map[time.Time]bool{}, map[time.Time]bool{}
	for _, r := range rates {
		if !r.Value.IsZero() {
			ofFile[r.Day], days[r.Day] = true, true
		}
	}
	for k, v := range have {
		if !v.value.IsZero() {
			days[k.day] = true
		}
	}
	var all []time.Time
	for day := range days {
		all = append(all, day)
	}
	slices.SortFunc(all, time.Time.Compare)
	var out []Gap
	for i := 1; i < len(all); i++ {
		before, after := all[i-1], all[i]
		if after.Sub(before) > MaxAge*24*time.Hour && (ofFile[before] || ofFile[after]) {
			out = append(out, Gap{before.Format(time.DateOnly), after.Format(time.DateOnly)})
		}
	}
	return out
}

func extent(ctx context.Context, st *store.Store) (Extent, error) {
	var e Extent
	var first, last time.Time
	err := st.Conn().QueryRow(ctx, "SELECT count(), uniqExact(currency), min(day), max(day) FROM "+st.TableName(table)+" FINAL WHERE per_euro > 0").
		Scan(&e.Rates, &e.Currencies, &first, &last)
	if err != nil {
		return e, fmt.Errorf("reading %s: %w", table, err)
	}
	e.First, e.Last = first.Format(time.DateOnly), last.Format(time.DateOnly)
	return e, nil
}
