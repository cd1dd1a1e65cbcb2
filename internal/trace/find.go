package trace

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/store"
)

// scope is where clicks and impressions are looked for: in files of these hours, at these
// offers and affiliates.
type scope struct {
	known    bool
	from, to string
	pairs    [][2]string
}

const (
	clock = "2006-01-02 15:04:05"
	// longest is how long after its click a conversion may come. The longest that was
	// seen on a real network is 41 days.
	longest = 45 * 24 * time.Hour
	// slack is between a row's time and the hour of its file: zones, late files.
	slack = 2 * 24 * time.Hour
)

// near is where the clicks of rows are that stand for their conversions, or are clicks.
func (t *tracer) near(rows []Row) scope {
	var from, to time.Time
	var s scope
	for _, r := range rows {
		at, err := time.Parse(clock, r.text("datetime"))
		if err != nil {
			return scope{} // one of them may be anywhere
		}
		begin := at.Add(-longest)
		if session, err := time.Parse(clock, r.text("session_datetime")); err == nil && session.Before(at) {
			begin = session
		}
		if from.IsZero() || begin.Before(from) {
			from = begin
		}
		if at.After(to) {
			to = at
		}
		if pair := [2]string{r.number("offer_id"), r.number("affiliate_id")}; !slices.Contains(s.pairs, pair) {
			s.pairs = append(s.pairs, pair)
		}
	}
	if from.IsZero() || t.Everywhere || len(t.Periods) > 0 {
		return scope{}
	}
	s.known, s.from, s.to = true, from.Add(-slack).Format(clock), to.Add(slack).Format(clock)
	return s
}

// find takes the ids of the transactions in question, and returns a row of each where
// they had to be looked for.
func (t *tracer) find(ctx context.Context) ([]Row, error) {
	if t.By == Transaction {
		t.ids = []string{t.Value}
		return nil, nil
	}
	var all []Row
	for _, k := range []kind{clicks, conversions, report, impressions} {
		where, args, err := t.matches(ctx, k)
		if err != nil {
			return nil, err
		}
		if where == "" {
			continue
		}
		where, args = t.within(k, where, args)
		rows, err := t.query(ctx, `SELECT network, `+k.id+` AS transaction_id, datetime, offer_id, affiliate_id FROM `+k.table+`
			WHERE `+where+` AND `+k.id+` != '' ORDER BY datetime DESC, network, `+k.id+` LIMIT 1 BY network, `+k.id+fmt.Sprintf(" LIMIT %d", t.Limit+1), args)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	slices.SortStableFunc(all, func(a, b Row) int { return strings.Compare(b.text("datetime"), a.text("datetime")) })
	for i, r := range all {
		id := r.text("transaction_id")
		if slices.Contains(t.ids, id) {
			continue
		}
		if len(t.ids) == t.Limit { //guard:trace-limit
			t.out.More = true
			return all[:i], nil
		}
		t.ids = append(t.ids, id)
	}
	return all, nil
}

// devices are the columns that hold an id of a device or its user.
const devices = `^(device_id|android_id|mac_address|ios_ifa|google_aid)(_md5|_sha1)?$|^(odin|open_udid|ios_ifv|user_id|unknown_id)$`

// matches is the condition on a table's rows; "" where it has no such column.
func (t *tracer) matches(ctx context.Context, k kind) (where string, args []any, err error) {
	pattern := "^" + string(t.By) + "$"
	switch t.By {
	case Transaction, AffiliateClick: // columns of that name
	case Address:
		pattern = "^(session_)?ip$"
	case Device:
		pattern = devices
	}
	var names []string
	err = t.st.Conn().QueryRow(ctx, "SELECT groupArray(name) FROM (SELECT name FROM system.columns WHERE database = currentDatabase() AND table = ? AND match(name, ?) ORDER BY name)", k.table, pattern).Scan(&names)
	if err != nil || len(names) == 0 {
		return "", nil, err
	}
	var terms []string
	for _, name := range names {
		term := name + " = ?"
		if t.By == Address {
			term = name + " = toIPv6(?)"
		}
		terms, args = append(terms, term), append(args, t.Value)
	}
	return "(" + strings.Join(terms, " OR ") + ")", args, nil
}

// within adds network and periods to a condition.
func (t *tracer) within(k kind, where string, args []any) (string, []any) {
	if t.Network != "" {
		where, args = where+" AND network = ?", append(args, t.Network)
	}
	if len(t.Periods) == 0 || !k.log {
		return where, args
	}
	var terms []string
	for _, p := range t.Periods {
		terms = append(terms, "_hour >= toDateTime(?, 'UTC') AND _hour < toDateTime(?, 'UTC')")
		args = append(args, p.From.UTC().Format(clock), p.To.UTC().Format(clock))
	}
	return where + " AND (" + strings.Join(terms, " OR ") + ")", args
}

// rowsOf reads the rows of a table that belong to the transactions.
func (t *tracer) rowsOf(ctx context.Context, k kind, s scope) ([]Row, error) {
	where := k.id + " IN (?" + strings.Repeat(", ?", len(t.ids)-1) + ")"
	var args []any
	for _, id := range t.ids {
		args = append(args, id)
	}
	where, args = t.within(k, where, args)
	if s.known {
		where += " AND _hour >= toDateTime(?, 'UTC') AND _hour <= toDateTime(?, 'UTC')"
		args = append(args, s.from, s.to)
		var pairs []string
		for _, p := range s.pairs {
			pairs = append(pairs, "("+p[0]+", "+p[1]+")")
		}
		where += " AND (offer_id, affiliate_id) IN (" + strings.Join(pairs, ", ") + ")"
	}
	return t.query(ctx, fmt.Sprintf("SELECT * FROM %s WHERE %s ORDER BY %s LIMIT %d", k.table, where, k.order, MaxRows+1), args)
}

// query reads rows, of whatever columns. A table that an older store lacks has none.
func (t *tracer) query(ctx context.Context, query string, args []any) ([]Row, error) {
	rows, err := t.st.Conn().Query(ctx, "SELECT formatRowNoNewline('JSONEachRow', *) FROM ("+query+")", args...)
	if store.NoTable(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for %s: %w", t.By, err)
	}
	defer rows.Close()
	var out []Row
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, err
		}
		decoder := json.NewDecoder(bytes.NewReader([]byte(strings.ToValidUTF8(line, "\uFFFD"))))
		decoder.UseNumber() // ids are larger than a float holds exactly
		var row Row
		if err := decoder.Decode(&row); err != nil {
			return nil, fmt.Errorf("looking for %s: %w", t.By, err)
		}
		row.trim()
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("looking for %s: %w", t.By, err)
	}
	return out, nil
}
