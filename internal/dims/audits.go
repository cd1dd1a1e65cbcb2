package dims

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"rawlogs/internal/hasoffers"
)

// trail is what the network's audits say of changes since the refresh before this one: when
// they were made, where a refresh only sees that they were. It is asked for when a first row
// has changed. Networks that do not grant it, or answer in a form that is not understood,
// have none: rows are then dated by when they were seen.
type trail struct {
	client *hasoffers.Client
	log    *slog.Logger
	since  time.Time // audits from then on are in known; zero: none was asked for
	known  map[string]map[uint64][]audit
	none   bool
}

// audit is one change of a row.
type audit struct {
	at         time.Time
	operation  string
	old, fresh map[string]string // by field; nil where they are in no form that is known
}

const (
	auditPage  = 500
	auditPages = 100 // 50,000 changes between two refreshes
	// auditSkew is how far the clocks of network and store may be apart.
	auditSkew = time.Hour
)

// of returns the audits of an entity since the refresh before, by id; nil without one.
func (t *trail) of(ctx context.Context, e Entity, since time.Time) map[uint64][]audit {
	if t == nil || since.IsZero() {
		return nil
	}
	since = since.Add(-auditSkew)
	if !t.none && (t.since.IsZero() || since.Before(t.since)) {
		known, err := t.read(ctx, since)
		if err != nil {
			t.none = true
			t.log.Info("the network's audits cannot be read; changes are dated by when they were seen", "err", err)
		}
		t.since, t.known = since, known
	}
	return t.known[tableOf(e)]
}

// tableOf is an entity's table in the spelling of tableName.
func tableOf(e Entity) string {
	if e.Model != "" {
		return tableName(e.Model)
	}
	return tableName(e.Name)
}

// tableName gives one spelling to offer_urls, OfferUrl and offer_url.
func tableName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 'a' || r > 'z' {
			return -1
		}
		return r
	}, strings.ToLower(s))
	return strings.TrimSuffix(s, "s")
}

func (t *trail) read(ctx context.Context, since time.Time) (map[string]map[uint64][]audit, error) {
	known := make(map[string]map[uint64][]audit)
	after := place{}
	for range auditPages {
		q := hasoffers.Query{
			Filters: []hasoffers.Filter{{Field: "action_time_utc", Op: "GREATER_THAN_OR_EQUAL_TO", Value: since.UTC().Format(time.DateTime)}},
			Sort:    []hasoffers.Sort{{Field: "id"}}, Limit: auditPage, Page: 1,
		}
		if !after.begins() {
			q.Filters = append(q.Filters, hasoffers.Filter{Field: "id", Op: "GREATER_THAN", Value: after.text(false)})
		}
		page, err := t.client.Find(ctx, "Auditor", "findBrandDataAudits", "", q, nil)
		if err != nil {
			return nil, err
		}
		for _, row := range page.Rows {
			v, err := (Entity{Name: "audits"}).read(row, time.UTC, nil)
			if err != nil {
				return nil, err
			}
			if v.id <= after.id {
				return nil, fmt.Errorf("audit %d comes after %d: the answer is not sorted or not filtered", v.id, after.id)
			}
			after.id = v.id
			table, id, a, err := readAudit(row.Values())
			if err != nil {
				return nil, fmt.Errorf("audit %d: %w", v.id, err)
			}
			if known[table] == nil {
				known[table] = make(map[uint64][]audit)
			}
			known[table][id] = append(known[table][id], a)
		}
		if len(page.Rows) < auditPage {
			return known, nil
		}
	}
	return nil, fmt.Errorf("more than %d changes since %s", auditPages*auditPage, since.Format(time.DateTime))
}

// readAudit takes an audit apart. What the vendor calls the key of the row is not known
// for certain: of the names that it may have, the first one counts.
func readAudit(fields map[string]string) (table string, id uint64, a audit, err error) {
	if a.at, err = hasoffers.ParseTime(fields["action_time_utc"], time.UTC); err != nil || a.at.IsZero() {
		return "", 0, a, fmt.Errorf("its action_time_utc is %.40q", fields["action_time_utc"])
	}
	for _, name := range []string{"row_key", "row_id", "primary_key", "record_id", "table_key", "key"} {
		if key, ok := fields[name]; ok {
			value, _, err := Number.read(key, time.UTC)
			if n, is := value.(uint64); err == nil && is {
				id = n // of a key of several columns nothing is known here
			}
			break
		}
	}
	a.operation = strings.ToLower(fields["operation"])
	a.old, a.fresh = object(fields["old_data"]), object(fields["new_data"])
	return tableName(fields["table_name"]), id, a, nil
}

// object reads the fields of a JSON object; nil for what is not one.
func object(text string) map[string]string {
	var raw map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &raw) != nil {
		return nil
	}
	return hasoffers.Row{Fields: json.RawMessage(text)}.Values()
}

// dated returns when a row became what it is: the latest of its audits, after the version
// before and up to now, that changed a field which is kept to what the row shows. Without
// one, it is now.
func dated(e Entity, audits []audit, v version, before, now time.Time) time.Time {
	at := before
	for _, a := range audits {
		if a.at.After(at) && !a.at.After(now) && !removes(a) && a.explains(e, v) {
			at = a.at
		}
	}
	if at.Equal(before) {
		return now
	}
	return at
}

// removed returns when a row was deleted, as dated does.
func removed(audits []audit, before, now time.Time) time.Time {
	for _, a := range slices.Backward(audits) {
		if removes(a) && a.at.After(before) && !a.at.After(now) {
			return a.at
		}
	}
	return now
}

func removes(a audit) bool {
	return strings.HasPrefix(a.operation, "delete") || a.operation == "remove"
}

// explains reports whether the change made the row what it is: every field that it changed
// and that is kept, one at least, is as the row has it.
func (a audit) explains(e Entity, v version) bool {
	changed := false
	for i, f := range e.Fields {
		text, ok := a.fresh[f.Name]
		if !ok {
			continue
		}
		if old, told := a.old[f.Name]; told && old == text {
			continue // it shows the whole row
		}
		value, _, err := f.Kind.read(text, time.UTC)
		if err != nil || f.Kind != Time && !same(value, v.values[i]) { // times are written in the network's zone
			return false
		}
		changed = true
	}
	return changed
}

func same(a, b any) bool {
	switch x := a.(type) {
	case decimal.Decimal:
		y, ok := b.(decimal.Decimal)
		return ok && x.Equal(y)
	case *time.Time:
		y, ok := b.(*time.Time)
		return ok && (x == nil) == (y == nil) && (x == nil || x.Equal(*y))
	}
	return a == b
}
