// Package reconcile compares the rows in the store with the totals that the
// network itself reports, in the network's days, and says of each difference
// what most likely made it, with the files and hours that show it.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/report"
	"rawlogs/internal/store"
)

// By is the fineness of the comparison.
type By string

// Days are compared by themselves, hour by hour, or offer by offer.
const (
	Day   By = "day"
	Hour  By = "hour"
	Offer By = "offer"
)

// ParseBy reads the fineness; "" is Day.
func ParseBy(s string) (By, error) {
	switch b := By(s); b {
	case "":
		return Day, nil
	case Day, Hour, Offer:
		return b, nil
	}
	return "", fmt.Errorf("unknown --by %q: day, hour and offer exist", s)
}

// Tolerance is how far apart two totals may lie: so many rows, or a share of
// what the network says. Its zero value is 0.
type Tolerance struct {
	rows  int64
	share *big.Rat // nil: rows counts
}

// ParseTolerance reads 25 or 0.1%; "" is 0.
func ParseTolerance(s string) (Tolerance, error) {
	want := fmt.Errorf("tolerance %q: want a number of rows (25) or a share (0.1%%)", s)
	if text, ok := strings.CutSuffix(s, "%"); ok {
		share, ok := new(big.Rat).SetString(strings.TrimSpace(text))
		if !ok || share.Sign() < 0 || strings.ContainsAny(text, "/eE") {
			return Tolerance{}, want
		}
		return Tolerance{share: share.Quo(share, big.NewRat(100, 1))}, nil
	}
	if s == "" {
		return Tolerance{}, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return Tolerance{}, want
	}
	return Tolerance{rows: n}, nil
}

// Allows reports whether a difference is within the tolerance.
func (t Tolerance) Allows(difference, network int64) bool {
	difference, network = max(difference, -difference), max(network, -network)
	if t.share == nil {
		return difference <= t.rows
	}
	return new(big.Rat).SetInt64(difference).Cmp(new(big.Rat).Mul(t.share, new(big.Rat).SetInt64(network))) <= 0
}

// PublishDelay is how long after an hour's end its file may be awaited: files
// were seen some 16 minutes after it.
const PublishDelay = 30 * time.Minute

// Config says what to compare; zero values mean the defaults named here.
type Config struct {
	Network   string
	Names     *rawlog.Names  // of the source's files; default: the network's own
	Types     []rawlog.Type  // default all
	Zone      *time.Location // of the network's days; default UTC
	By        By             // default Day
	Tolerance Tolerance
	// AllConversions compares every conversion in the store with
	// Stat.conversions; by default only approved ones are, as the network counts.
	AllConversions bool
	// FromReport takes the conversions of the store from the report of them, for a network
	// that has no raw logs.
	FromReport bool
	// NotCounted are rows that the network logs and does not count; where it is not known
	// which, that is found out by comparing.
	NotCounted rawlog.NotCounted
	Now        func() time.Time // default the store's clock
	Log        *slog.Logger
}

// Figure is the field of the network's report that a type's rows are compared with.
func Figure(t rawlog.Type) string {
	switch t {
	case rawlog.Conversions:
		return "Stat.conversions"
	case rawlog.Impressions:
		return "Stat.impressions"
	default:
		return "Stat.gross_clicks" // Stat.clicks is gross or unique, by a setting of the network
	}
}

// Line is one comparison.
type Line struct {
	Type    rawlog.Type `json:"type"`
	Day     string      `json:"day"` // of the network's zone: 2016-09-09
	Hour    *int        `json:"hour,omitempty"`
	Offer   *int64      `json:"offer,omitempty"`
	Store   int64       `json:"store"`
	Network int64       `json:"network"`
	// Difference is Store - Network.
	Difference int64 `json:"difference"`
	// Open lines hold hours whose files are not due yet; they are no verdict.
	Open bool `json:"open,omitempty"`
	// Expired lines hold hours of months that are over: their rows are dropped, or about to be.
	Expired bool    `json:"expired,omitempty"`
	Within  bool    `json:"within"` // the tolerance
	Reasons []Cause `json:"reasons,omitempty"`
}

// Report is the outcome.
type Report struct {
	Network string  `json:"network"`
	Zone    string  `json:"zone"`
	By      By      `json:"by"`
	From    string  `json:"from"`
	To      string  `json:"to"` // last day
	Lines   []Line  `json:"lines"`
	Totals  []Total `json:"totals"`
	// Access is what is known of access_control_decision, of types where that matters.
	Access []Access `json:"access_control,omitempty"`
	// Rows compares conversions row by row with the report of them, on days that have both.
	Rows []RowDay `json:"conversion_rows,omitempty"`
	// Notes tell what could not be looked into.
	Notes []string `json:"notes,omitempty"`
	Calls int      `json:"calls"` // of the API
}

// Total sums up a type.
type Total struct {
	Type       rawlog.Type `json:"type"`
	Lines      int         `json:"lines"`
	Agree      int         `json:"agree"`
	Beyond     int         `json:"beyond"` // lines beyond the tolerance
	Open       int         `json:"open"`
	Expired    int         `json:"expired"` // lines of months that are over
	Store      int64       `json:"store"`
	Network    int64       `json:"network"`
	Difference int64       `json:"difference"`
}

// Beyond counts the lines that are beyond the tolerance, and the days whose conversions are.
func (r *Report) Beyond() int {
	n := 0
	for _, d := range r.Rows {
		if !d.Within {
			n++
		}
	}
	for _, t := range r.Totals {
		n += t.Beyond
	}
	return n
}

type job struct {
	Config
	st     *store.Store
	ask    *report.Asker
	period rawlog.Period
	now    time.Time
	calls  int
	lives  rawlog.Lifetimes

	columns map[rawlog.Type]map[string]bool // of the tables, when they were asked for
}

// Run compares a period of the network's days. It changes nothing.
func Run(ctx context.Context, st *store.Store, ask *report.Asker, period rawlog.Period, cfg Config) (*Report, error) {
	j := &job{Config: cfg, st: st, ask: ask, period: period}
	if len(j.Types) == 0 {
		j.Types = rawlog.Types()
	}
	if j.Zone == nil {
		j.Zone = time.UTC
	}
	if j.By == "" {
		j.By = Day
	}
	if j.Log == nil {
		j.Log = slog.New(slog.DiscardHandler)
	}
	if j.Network == "" {
		return nil, errors.New("reconcile: no network")
	}
	var err error
	if j.Now != nil {
		j.now = j.Now()
	} else if j.now, err = st.Now(ctx); err != nil {
		return nil, err
	}
	if j.lives, err = checkpoint.Open(st, j.Network).Lifetimes(ctx); err != nil {
		return nil, err
	}
	out := &Report{Network: j.Network, Zone: j.Zone.String(), By: j.By,
		From: period.From.Format(isoDay), To: period.To.AddDate(0, 0, -1).Format(isoDay)}
	theirs, err := j.askNetwork(ctx, j.Types, j.period, j.By)
	if err != nil {
		return nil, err
	}
	for _, typ := range j.Types {
		ours, err := j.countStore(ctx, typ, j.period, j.By)
		if err != nil {
			return nil, err
		}
		lines := j.compare(typ, ours, theirs)
		if err := j.explain(ctx, typ, lines, out); err != nil {
			return nil, err
		}
		out.Lines = append(out.Lines, lines...)
		out.Totals = append(out.Totals, total(typ, lines))
	}
	if out.Calls = j.calls; j.FromReport {
		return out, nil
	}
	return out, j.rowByRow(ctx, out)
}

// compare joins the two sides. Days of the period without any row on either
// side have a line by day only, so that a day that nobody counted is seen.
func (j *job) compare(typ rawlog.Type, ours counts, theirs map[rawlog.Type]counts) []Line {
	keys := map[bucket]bool{}
	for b := range ours {
		keys[b] = true
	}
	for b := range theirs[typ] {
		keys[b] = true
	}
	if j.By == Day {
		for _, d := range j.period.Days() {
			keys[bucket{day: d.Format(isoDay)}] = true
		}
	}
	var lines []Line
	for b := range keys {
		l := Line{Type: typ, Day: b.day, Store: ours[b], Network: theirs[typ][b]}
		switch j.By {
		case Hour:
			l.Hour = &b.hour
		case Offer:
			l.Offer = &b.offer
		case Day:
		}
		l.Difference = l.Store - l.Network
		l.Open, l.Expired = j.open(l), j.expired(l)
		l.Within = j.Tolerance.Allows(l.Difference, l.Network)
		lines = append(lines, l)
	}
	slices.SortFunc(lines, func(a, b Line) int {
		return bucketOf(a).compare(bucketOf(b))
	})
	return lines
}

// open reports whether some file of the line is not due yet.
func (j *job) open(l Line) bool {
	hours := j.hoursOf(l.Day)
	if l.Hour != nil {
		hours = slices.DeleteFunc(hours, func(h localHour) bool { return h.hour != *l.Hour })
	}
	for _, h := range hours {
		for _, u := range h.utc {
			if u.Add(time.Hour + PublishDelay).After(j.now) {
				return true
			}
		}
	}
	return false
}

// expired reports whether some hour of the line is of a month that is over.
func (j *job) expired(l Line) bool {
	typ := l.Type
	if j.FromReport {
		typ = rawlog.ConversionReport
	}
	return slices.ContainsFunc(j.hoursOf(l.Day), func(h localHour) bool {
		return slices.ContainsFunc(h.utc, func(u time.Time) bool { return j.lives.Over(typ, u, j.now) }) //guard:expired-no-verdict
	})
}

func total(typ rawlog.Type, lines []Line) Total {
	t := Total{Type: typ, Lines: len(lines)}
	for _, l := range lines {
		t.Store += l.Store
		t.Network += l.Network
		switch {
		case l.Difference == 0:
			t.Agree++
		case l.Open:
			t.Open++
		case l.Expired:
			t.Expired++
		case !l.Within:
			t.Beyond++
		}
	}
	t.Difference = t.Store - t.Network
	return t
}

// explain adds reasons to the lines that differ, and to out what was learned on the way.
func (j *job) explain(ctx context.Context, typ rawlog.Type, lines []Line, out *Report) error {
	if j.FromReport {
		return j.explainReport(ctx, lines)
	}
	days := map[string]bool{}
	for i := range lines {
		l := &lines[i]
		if l.Expired && l.Difference != 0 {
			l.Reasons = []Cause{expiredCause(l)}
		} else if l.Difference != 0 {
			days[l.Day] = true
		}
	}
	facts, err := j.examine(ctx, typ, days)
	if err != nil {
		return err
	}
	access, err := j.access(ctx, facts)
	if err != nil {
		return err
	}
	if access.Text != "" {
		out.Access = append(out.Access, access)
	}
	if err := j.lookByHand(ctx, facts); err != nil {
		return err
	}
	for i := range lines {
		if lines[i].Difference != 0 && !lines[i].Expired {
			lines[i].Reasons = facts.reasons(lines[i], lines)
		}
	}
	return j.askServers(ctx, typ, lines, out)
}
