package trace

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/schema"
)

// names are by which rows of logs and updates belong together.
type names struct{ transactions, ids, events map[string]bool }

func (n names) add(rows []Row, transaction string) {
	for _, r := range rows {
		for to, name := range map[string]map[string]bool{transaction: n.transactions, "id": n.ids, "tune_event_id": n.events} {
			if v := r.text(to); v != "" {
				name[v] = true
			}
		}
	}
}

func (n names) size() int { return len(n.transactions) + len(n.ids) + len(n.events) }

// terms are conditions of which each one finds rows of the table.
func (n names) terms(transaction string) []string {
	var terms []string
	add := func(column string, values map[string]bool, quoted func(string) string) {
		if len(values) > 0 {
			terms = append(terms, column+" IN ("+list(slices.Sorted(maps.Keys(values)), quoted)+")")
		}
	}
	add(transaction, n.transactions, schema.Literal)
	add("id", n.ids, func(s string) string { return Row{"": s}.number("") })
	add("tune_event_id", n.events, schema.Literal)
	return terms
}

func list(values []string, quoted func(string) string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = quoted(v)
	}
	return strings.Join(out, ", ")
}

// readUpdates reads the updates of the conversions, which some name by the id of the
// conversion alone, and what the conversions are worth by now.
func (t *tracer) readUpdates(ctx context.Context) error {
	n := names{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	for _, id := range t.ids {
		n.transactions[id] = true
	}
	n.add(t.rows["conversions"], "transaction_id")
	found, err := t.updatesOf(ctx, n)
	if err != nil {
		return err
	}
	owned := t.owners()
	for _, r := range found {
		if owned(updates, r) != "" {
			t.rows["conversion_updates"] = append(t.rows["conversion_updates"], r)
		}
	}
	if len(t.rows["conversion_updates"])+len(t.rows["conversion_report"]) == 0 { //guard:trace-updates
		for _, r := range t.rows["conversions"] {
			t.rows["conversions_current"] = append(t.rows["conversions_current"], asLogged(r))
		}
		return nil
	}
	n.add(found, "ad_id")
	t.rows["conversions_current"], err = t.current(ctx, n)
	return err
}

func (t *tracer) updatesOf(ctx context.Context, n names) ([]Row, error) {
	where, args := t.within(updates, "("+strings.Join(n.terms("ad_id"), " OR ")+")", nil)
	return t.query(ctx, fmt.Sprintf("SELECT * FROM conversion_updates WHERE %s ORDER BY %s LIMIT %d", where, updates.order, MaxRows+1), args)
}

// owners tells whose a row is: the transaction that it names, or whose conversion it names.
func (t *tracer) owners() func(kind, Row) string {
	by := map[[3]string]string{}
	for _, r := range t.rows["conversions"] {
		for _, name := range []string{"id", "tune_event_id"} {
			if v := r.text(name); v != "" {
				by[[3]string{r.text("network"), name, v}] = r.text("transaction_id")
			}
		}
	}
	return func(k kind, r Row) string {
		id := r.text(k.id)
		if k.table != updates.table || slices.Contains(t.ids, id) {
			return id
		}
		network := r.text("network")
		if owner := by[[3]string{network, "tune_event_id", r.text("tune_event_id")}]; owner != "" {
			return owner
		}
		return by[[3]string{network, "id", r.text("id")}]
	}
}

// asLogged is a conversion of which no update is known, as conversions_current has it.
func asLogged(r Row) Row {
	out := Row{"origin": "log", "payout": r.amount("payout_cents"), "revenue": r.amount("revenue_cents")}
	for _, name := range []string{"network", "id", "tune_event_id", "transaction_id", "affiliate_id", "advertiser_id", "offer_id", "goal_id", "datetime", "session_datetime",
		"country_code", "status", "status_code", "sale_amount", "currency", "is_adjustment", "_file", "_line"} {
		if v, ok := r[name]; ok {
			out[name] = v
		}
	}
	out["logged_payout"], out["logged_revenue"] = out["payout"], out["revenue"]
	if v, ok := r["status"]; ok {
		out["logged_status"] = v
	}
	if v, ok := r["currency"]; ok {
		out["logged_currency"] = v
	}
	return out
}

// mostRounds bounds how often what was found is looked for again.
const mostRounds = 5

// related are rows of the sources of conversions_current.
type related struct{ lines, listed, changes []Row }

// relatives reads all rows that have to do with one another by a click, an id or an event,
// beginning with those that are named. all is false where there are more than MaxRows of a
// table, or still new ones after mostRounds.
func (t *tracer) relatives(ctx context.Context, n names) (r related, all bool, err error) {
	for range mostRounds {
		before := n.size()
		for _, from := range []struct {
			rows        *[]Row
			transaction string
			columns     string
			table       string
		}{
			{&r.lines, "transaction_id", "network, id, tune_event_id, transaction_id, offer_id, affiliate_id, datetime", "conversions"},
			{&r.listed, "ad_id", "network, id, tune_event_id, ad_id, offer_id, affiliate_id, datetime", "conversion_report"},
			{&r.changes, "ad_id", "network, id, tune_event_id, ad_id", "conversion_updates"},
		} {
			var queries []string
			for _, term := range n.terms(from.transaction) { // each has an index of its own
				queries = append(queries, "SELECT "+from.columns+" FROM "+from.table+" WHERE "+term)
			}
			if *from.rows, err = t.query(ctx, strings.Join(queries, " UNION DISTINCT ")+fmt.Sprint(" LIMIT ", MaxRows+1), nil); err != nil {
				return r, false, err
			}
			if len(*from.rows) > MaxRows {
				return r, false, nil
			}
			n.add(*from.rows, from.transaction)
		}
		if n.size() == before {
			return r, true, nil
		}
	}
	return r, false, nil
}

// current asks conversions_current, reading only those rows of its tables that have to do with
// the transactions, or all rows where these could not all be gathered.
func (t *tracer) current(ctx context.Context, n names) ([]Row, error) {
	rows, all, err := t.relatives(ctx, n)
	if err != nil {
		return nil, err
	}
	if all {
		filters := []string{
			t.only("conversions", rows.lines, "offer_id", "affiliate_id", "datetime"),
			t.only("conversion_report", rows.listed, "offer_id", "affiliate_id", "datetime"),
			t.only("conversion_updates", rows.changes, "network", "id"),
		}
		// It holds within views, too.
		ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"additional_table_filters": "{" + strings.Join(filters, ", ") + "}"}))
	}
	where, args := t.within(current, "transaction_id IN ("+list(t.ids, schema.Literal)+")", nil)
	return t.query(ctx, fmt.Sprintf("SELECT * FROM %s WHERE %s ORDER BY %s LIMIT %d", current.table, where, current.order, MaxRows+1), args)
}

// only is an entry of a map of filters: a table's rows that have one of the rows' keys.
func (t *tracer) only(table string, rows []Row, key ...string) string {
	keys := map[string]bool{}
	for _, r := range rows {
		values := make([]string, len(key))
		for i, name := range key {
			switch name {
			case "network":
				values[i] = schema.Literal(r.text(name))
			case "datetime":
				values[i] = "toDateTime(" + schema.Literal(cmp.Or(r.text(name), "1970-01-01 00:00:00")) + ", 'UTC')"
			default:
				values[i] = r.number(name)
			}
		}
		keys["("+strings.Join(values, ", ")+")"] = true
	}
	filter := "0"
	if len(keys) > 0 {
		filter = "(" + strings.Join(key, ", ") + ") IN (" + strings.Join(slices.Sorted(maps.Keys(keys)), ", ") + ")"
	}
	return schema.Literal(t.st.Asked()+"."+table) + ": " + schema.Literal(filter)
}
