package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/term"
)

// reportTable holds the network's report of conversions, where it is loaded.
const reportTable = "conversion_report"

// RowDay is the row-by-row comparison of a day's conversions: the raw log with the network's
// report of conversions, where both are loaded.
type RowDay struct {
	Day    string `json:"day"` // of the network's zone
	Log    int64  `json:"log"`
	Report int64  `json:"report"`
	// Rows that only one of them has, by what is known of them.
	OnlyLog    []Only `json:"only_log,omitempty"`
	OnlyReport []Only `json:"only_report,omitempty"`
	Within     bool   `json:"within"` // rows of which nothing is known are within the tolerance
}

// Only are rows that one side has, for one reason.
type Only struct {
	Why      OnlyWhy  `json:"why"`
	Rows     int64    `json:"rows"`
	Examples []string `json:"examples"` // the first ones
}

// OnlyWhy is what is known of rows that one side has.
type OnlyWhy string

// The reasons; their names are a promise to scripts.
const (
	OnlyUnloaded   OnlyWhy = "file not loaded"           // of the log's hour
	OnlyAdjustment OnlyWhy = "adjustment"                // entered by hand: the log may not have it
	OnlyLater      OnlyWhy = "after the report was read" // or little before it
	OnlyUnknown    OnlyWhy = "unknown"
)

// mostExamples are named of each reason and day.
const mostExamples = 5

// rowByRow adds to out the comparison of conversions row by row.
func (j *job) rowByRow(ctx context.Context, out *Report) (err error) {
	if slices.Contains(j.Types, rawlog.Conversions) {
		out.Rows, err = j.compareRows(ctx)
	}
	return err
}

// compareRows compares the days of the period of which the report is loaded. A day at a time
// is in memory, of the server's too; rows come from it in order and are let go.
func (j *job) compareRows(ctx context.Context) ([]RowDay, error) {
	days, err := j.reportDays(ctx)
	if err != nil || len(days) == 0 {
		return nil, err
	}
	for _, typ := range []rawlog.Type{rawlog.Conversions, reportTable} {
		for _, column := range []string{"tune_event_id", "id", "goal_id"} {
			if has, err := j.has(ctx, typ, column); err != nil || !has {
				return nil, err // a store of before, or whose owner dropped the column
			}
		}
	}
	var out []RowDay
	for _, d := range days {
		hours, err := j.loadedHours(ctx, d.day)
		if err != nil {
			return nil, err
		}
		if len(hours) == 0 {
			continue // the log of the day is not there at all: the totals say so
		}
		row, err := j.compareDay(ctx, d, hours)
		if err != nil {
			return nil, fmt.Errorf("comparing the conversions of %s with the report, row by row: %w", d.day, err)
		}
		out = append(out, row)
	}
	return out, nil
}

type reportDay struct {
	day  string
	read time.Time
}

// reportDays lists the days of the period whose report is loaded, and when each was read.
func (j *job) reportDays(ctx context.Context) ([]reportDay, error) {
	rows, err := j.st.Conn().Query(ctx, "SELECT toString(toDate(hour)) AS day, max(updated_at) FROM "+j.st.TableName("ingest_files_current")+
		" WHERE network = ? AND log_type = ? AND state = 'loaded' AND toDate(hour) >= toDate(?) AND toDate(hour) < toDate(?) GROUP BY day ORDER BY day",
		j.Network, reportTable, j.period.From.Format(isoDay), j.period.To.Format(isoDay))
	if err != nil {
		return nil, fmt.Errorf("reading which days of the report are loaded: %w", err)
	}
	defer rows.Close()
	var out []reportDay
	for rows.Next() {
		var d reportDay
		if err := rows.Scan(&d.day, &d.read); err != nil {
			return nil, fmt.Errorf("reading which days of the report are loaded: %w", err)
		}
		out = append(out, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading which days of the report are loaded: %w", err)
	}
	return out, nil
}

// loadedHours are the UTC hours of a day whose conversions are loaded from the raw log.
func (j *job) loadedHours(ctx context.Context, day string) (map[int64]bool, error) {
	f := &facts{typ: rawlog.Conversions, names: j.Names}
	from, to := bounds(day, j.Zone)
	entries, err := checkpoint.Open(j.st, j.Network).Entries(ctx, checkpoint.Filter{
		Types: []rawlog.Type{f.typ}, Periods: []rawlog.Period{{From: from.Add(-26 * time.Hour), To: to.Add(26 * time.Hour)}},
	})
	if err != nil {
		return nil, err
	}
	out := map[int64]bool{}
	for _, e := range entries {
		if e.State != checkpoint.Loaded {
			continue
		}
		for _, hour := range f.hoursOf(e.File) {
			if hour.Add(time.Hour).After(from) && hour.Before(to) {
				out[hour.Unix()] = true
			}
		}
	}
	return out, nil
}

// identity is what tells a conversion from others; either side may lack any of it.
type identity struct {
	event string
	id    uint64
}

// may reports whether two rows of one click and goal can be the same: what both have is equal
// where they are, and those were matched before.
func (a identity) may(b identity) bool {
	return (a.event == "" || b.event == "") && (a.id == 0 || b.id == 0)
}

// oneRow is a row that the other side has neither by its event nor by its id.
type oneRow struct {
	identity
	click      string
	goal       uint64
	offer      uint64
	at         time.Time
	where      string
	adjustment bool
	log        bool
}

func (r oneRow) String() string {
	name := ""
	switch {
	case r.event != "":
		name = "tune_event_id " + r.event
	case r.id != 0:
		name = fmt.Sprintf("id %d", r.id)
	}
	if name != "" {
		name += ", "
	}
	return fmt.Sprintf("%sclick %s, goal %d, offer %d at %s (%s)", name, r.click, r.goal, r.offer, r.at.UTC().Format(time.DateTime), r.where)
}

// compareDay matches a day's rows: by event and by id in the server, what is left by click
// and goal here, a click at a time.
func (j *job) compareDay(ctx context.Context, d reportDay, hours map[int64]bool) (RowDay, error) {
	out := RowDay{Day: d.day}
	from, to := bounds(d.day, j.Zone)
	count := func(table string, into *int64) error {
		return j.st.Conn().QueryRow(j.params(ctx, from, to),
			"SELECT toInt64(count()) FROM "+j.st.TableName(table)+" WHERE "+inSpan).Scan(into)
	}
	if err := count(string(rawlog.Conversions), &out.Log); err != nil {
		return out, err
	}
	if err := count(reportTable, &out.Report); err != nil {
		return out, err
	}
	log, report := side{string(rawlog.Conversions), "transaction_id", true}, side{reportTable, "ad_id", false}
	query := j.unmatched(log, report) + " UNION ALL " + j.unmatched(report, log)
	rows, err := j.st.Conn().Query(j.params(ctx, from, to), "SELECT * FROM ("+query+") ORDER BY click, goal, log, at, name, line")
	if err != nil {
		return out, err
	}
	defer rows.Close()
	m := matcher{day: &out, hours: hours, read: d.read}
	for rows.Next() {
		var r oneRow
		var adjusted uint8
		var name string
		var line uint64
		if err := rows.Scan(&r.event, &r.id, &r.click, &r.goal, &r.offer, &r.at, &name, &line, &adjusted, &r.log); err != nil {
			return out, err
		}
		r.adjustment, r.where = adjusted != 0, fmt.Sprintf("%s line %d", name, line)
		m.add(r)
	}
	if err := rows.Err(); err != nil {
		return out, err
	}
	m.end()
	var unknown int64
	for _, o := range slices.Concat(out.OnlyLog, out.OnlyReport) {
		if o.Why == OnlyUnknown {
			unknown += o.Rows
		}
	}
	out.Within = j.Tolerance.Allows(unknown, out.Report)
	return out, nil
}

type side struct {
	table, click string
	log          bool
}

// unmatched selects one side's rows of a day that the other does not have by their event or
// their id, on that day or the one beside it. An id says nothing of rows that both have
// an event.
func (j *job) unmatched(a, b side) string {
	table := j.st.TableName(b.table)
	around := " FROM " + table + " WHERE network = {network:String} AND _hour >= fromUnixTimestamp({from:Int64}) - INTERVAL 2 DAY AND _hour < fromUnixTimestamp({to:Int64}) + INTERVAL 2 DAY"
	return fmt.Sprintf("SELECT toString(tune_event_id) AS event, toUInt64(id) AS number, toString(%s) AS click, toUInt64(goal_id) AS goal, toUInt64(offer_id) AS offer, %s AS at,"+
		" toString(_file) AS name, toUInt64(_line) AS line, toUInt8(is_adjustment) AS adjusted, %v AS log FROM %s WHERE %s"+
		" AND NOT (event != '' AND event IN (SELECT toString(tune_event_id)%s AND tune_event_id != ''))"+
		" AND NOT (number != 0 AND number IN (SELECT toUInt64(id)%s AND id != 0 AND tune_event_id = ''))"+
		" AND NOT (number != 0 AND event = '' AND number IN (SELECT toUInt64(id)%s AND id != 0))",
		a.click, instant, a.log, j.st.TableName(a.table), inSpan, around, around, around)
}

// matcher pairs what is left of one click and goal after the other.
type matcher struct {
	day   *RowDay
	hours map[int64]bool
	read  time.Time

	click       string
	goal        uint64
	log, report []oneRow
}

// mostOfOneClick bounds the rows of a click and goal that are held; a click that has
// more cannot be a real one.
const mostOfOneClick = 10_000

func (m *matcher) add(r oneRow) {
	if r.click != m.click || r.goal != m.goal {
		m.end()
		m.click, m.goal = r.click, r.goal
	}
	own := &m.report
	if r.log {
		own = &m.log
	}
	if r.click == "" || len(*own) >= mostOfOneClick { // nothing tells which it is
		m.only(r)
		return
	}
	*own = append(*own, r)
}

// end matches the rows of the click and goal that came last.
func (m *matcher) end() {
	for _, r := range m.log {
		at := slices.IndexFunc(m.report, func(other oneRow) bool { return r.may(other.identity) })
		if at < 0 {
			m.only(r)
			continue
		}
		m.report = slices.Delete(m.report, at, at+1)
	}
	for _, r := range m.report {
		m.only(r)
	}
	m.log, m.report = m.log[:0], m.report[:0]
}

// only notes a row that one side has.
func (m *matcher) only(r oneRow) {
	why, into := OnlyUnknown, &m.day.OnlyReport
	switch {
	case r.log:
		into = &m.day.OnlyLog
		if r.at.Add(PublishDelay).After(m.read) { // reports may lag a little
			why = OnlyLater
		}
	case !m.hours[r.at.Truncate(time.Hour).Unix()]:
		why = OnlyUnloaded
	case r.adjustment:
		why = OnlyAdjustment
	}
	at := slices.IndexFunc(*into, func(o Only) bool { return o.Why == why })
	if at < 0 {
		*into = append(*into, Only{Why: why})
		at = len(*into) - 1
	}
	o := &(*into)[at]
	o.Rows++
	if len(o.Examples) < mostExamples {
		o.Examples = append(o.Examples, r.String())
	}
}

// text says what only one side has, for people; nil where both have the same rows.
func (d RowDay) text() []string {
	var lines []string
	for _, of := range []struct {
		side string
		only []Only
	}{{"the raw log", d.OnlyLog}, {"the network's report", d.OnlyReport}} {
		for _, o := range of.only {
			lines = append(lines, fmt.Sprintf("conversions %s, row by row: only %s has %s (%s): %s", d.Day, of.side, term.Plural(int(o.Rows), "row"), o.Why, few(o.Examples)))
		}
	}
	return lines
}
