// Package trace tells a transaction's whole story: its impressions, clicks and
// conversions in the logs, what the network's report and later updates say of them, and
// what they are worth by now, each with the file and line that it is from. It only reads.
package trace

import (
	"cmp"
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// By is what a transaction is looked for by.
type By string

// What a transaction is looked for by.
const (
	Transaction    By = "transaction_id"
	AffiliateClick By = "affiliate_click_id"
	Address        By = "ip"
	Device         By = "device_id" // in any of the columns for ids of devices and users
)

// Question is what to look for, and how far.
type Question struct {
	By         By
	Value      string
	Network    string          // "" is any
	Periods    []rawlog.Period // of the files to look at; none is all
	Limit      int             // transactions at most; the latest are taken
	Everywhere bool            // look at all clicks and impressions, whatever is known of their time
}

// MaxRows bounds what is shown of one kind.
const MaxRows = 1000

// Trace is the answer. Transactions of two networks are two, though they share an id.
type Trace struct {
	By         By       `json:"by"`
	Value      string   `json:"value"`
	Stories    []Story  `json:"transactions"`
	More       bool     `json:"more"`                  // there are more transactions than were asked for
	Cut        []string `json:"cut,omitempty"`         // kinds of which there are more rows than MaxRows
	LookedFrom string   `json:"looked_from,omitempty"` // clicks and impressions of files of these hours were looked at; "" is all
	LookedTo   string   `json:"looked_to,omitempty"`
}

// Story is one transaction of one network. Rows are in the order of time and have the
// names of their table's columns; empty fields and zeros are left out.
type Story struct {
	Network     string `json:"network"`
	Transaction string `json:"transaction_id"`
	Impressions []Row  `json:"impressions"`
	Clicks      []Row  `json:"clicks"`
	Conversions []Row  `json:"conversions"`
	Report      []Row  `json:"report"`  // conversion_report
	Updates     []Row  `json:"updates"` // conversion_updates, former versions too
	Now         []Row  `json:"now"`     // conversions_current
}

// kind is a table with rows of transactions.
type kind struct {
	table, id, order string
	log              bool // has _hour
	of               func(*Story) *[]Row
}

var (
	impressions = kind{"impressions", "transaction_id", "datetime, _file, _line", true, func(s *Story) *[]Row { return &s.Impressions }}
	clicks      = kind{"clicks", "transaction_id", "datetime, _file, _line", true, func(s *Story) *[]Row { return &s.Clicks }}
	conversions = kind{"conversions", "transaction_id", "datetime, _file, _line", true, func(s *Story) *[]Row { return &s.Conversions }}
	report      = kind{"conversion_report", "ad_id", "datetime, _file, _line", true, func(s *Story) *[]Row { return &s.Report }}
	updates     = kind{"conversion_updates", "ad_id", "valid_from, id", false, func(s *Story) *[]Row { return &s.Updates }}
	current     = kind{"conversions_current", "transaction_id", "datetime, _file, _line", false, func(s *Story) *[]Row { return &s.Now }}
)

// kinds are all of them, in the order of a story.
func kinds() []kind { return []kind{impressions, clicks, conversions, report, updates, current} }

// tracer answers one question.
type tracer struct {
	Question
	st   *store.Store
	ids  []string
	out  *Trace
	rows map[string][]Row // by table
}

// Ask looks for what q asks for.
//
// Clicks and impressions are many, so they are looked for last: by the offers, affiliates
// and hours that the conversions name. A click that is not found there is looked for
// everywhere.
func Ask(ctx context.Context, st *store.Store, q Question) (*Trace, error) {
	t := &tracer{Question: q, st: st, out: &Trace{By: q.By, Value: q.Value, Stories: []Story{}}, rows: map[string][]Row{}}
	found, err := t.find(ctx)
	if err != nil || len(t.ids) == 0 {
		return t.out, err
	}
	if err = t.read(ctx, scope{}, conversions, report); err != nil {
		return nil, err
	}
	if err = t.readUpdates(ctx); err != nil {
		return nil, err
	}
	named := slices.Concat(found, t.rows["conversions"], t.rows["conversion_report"])
	if len(named) == 0 {
		named = t.rows["conversion_updates"]
	}
	near := t.near(named)
	if err = t.read(ctx, near, clicks); err != nil {
		return nil, err
	}
	if near.known && t.lacksClicks() { //guard:trace-all-clicks
		near = scope{}
		if err = t.read(ctx, near, clicks); err != nil {
			return nil, err
		}
		near = t.near(slices.Concat(found, t.rows["clicks"], t.rows["conversions"]))
	}
	if err = t.read(ctx, near, impressions); err != nil {
		return nil, err
	}
	t.out.LookedFrom, t.out.LookedTo = near.from, near.to
	t.tell()
	return t.out, nil
}

// read reads the rows of several tables at a time.
func (t *tracer) read(ctx context.Context, within scope, of ...kind) error {
	group, ctx := errgroup.WithContext(ctx)
	all := make([][]Row, len(of))
	for i, k := range of {
		group.Go(func() (err error) {
			all[i], err = t.rowsOf(ctx, k, within)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, k := range of {
		t.rows[k.table] = all[i]
	}
	return nil
}

// lacksClicks reports whether a transaction was found without its click.
func (t *tracer) lacksClicks() bool {
	have := map[[2]string]bool{}
	for _, r := range t.rows["clicks"] {
		have[[2]string{r.text("network"), r.text("transaction_id")}] = true
	}
	owner := t.owners()
	for _, k := range []kind{conversions, report, updates} {
		for _, r := range t.rows[k.table] {
			if !have[[2]string{r.text("network"), owner(k, r)}] {
				return true
			}
		}
	}
	return len(have) < len(t.ids)
}

// tell puts the rows into stories, the latest transaction first.
func (t *tracer) tell() {
	stories, last := map[[2]string]*Story{}, map[[2]string]string{}
	owner := t.owners()
	for _, k := range kinds() {
		rows := t.rows[k.table]
		if len(rows) > MaxRows { //guard:trace-cut
			t.out.Cut, rows = append(t.out.Cut, k.table), rows[:MaxRows]
		}
		for _, r := range rows {
			key := [2]string{r.text("network"), owner(k, r)} //guard:trace-network
			s := stories[key]
			if s == nil {
				s = &Story{Network: key[0], Transaction: key[1]}
				stories[key] = s
			}
			to := k.of(s)
			*to = append(*to, r)
			last[key] = max(last[key], r.text("datetime"))
		}
	}
	for _, s := range stories {
		for _, k := range kinds() {
			if to := k.of(s); *to == nil {
				*to = []Row{}
			}
		}
		t.out.Stories = append(t.out.Stories, *s)
	}
	slices.SortFunc(t.out.Stories, func(a, b Story) int {
		ka, kb := [2]string{a.Network, a.Transaction}, [2]string{b.Network, b.Transaction}
		return cmp.Or(cmp.Compare(last[kb], last[ka]), cmp.Compare(a.Network, b.Network), cmp.Compare(a.Transaction, b.Transaction))
	})
}
