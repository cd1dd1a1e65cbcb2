package faults

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
)

// check is the oracle.
func (r *rig) check() {
	r.Helper()
	r.checkRows()
	r.checkLedger()
	r.checkRejected()
	r.checkTraces()
	r.checkSecrets()
}

// checkRows compares every cell of every row of the network with what the
// files hold, by file and line.
func (r *rig) checkRows() {
	r.Helper()
	for _, typ := range rawlog.Types() {
		if typ != rawlog.Clicks { // no scenario has others; wide queries cost the store most
			if n := r.count("SELECT count() FROM "+string(typ)+" WHERE network = ?", r.network); n > 0 {
				r.Errorf("%d rows of %s", n, typ)
			}
			continue
		}
		columns := r.columns(r.T)
		var want []string
		for k, w := range r.want {
			if k.typ != typ {
				continue
			}
			for _, row := range w.rows {
				want = append(want, w.render(r, k.name, row, columns))
			}
		}
		got := r.rows(typ, columns)
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			r.Errorf("rows of %s (-want +got):\n%.4000s", typ, diff)
		}
	}
}

// render is a row as the store must have it, all cells as text.
func (w *wanted) render(t testing.TB, file string, row gen.Row, columns []store.Column) string {
	cells := make(map[string]string)
	rescued := make(map[string]string)
	for i, name := range w.header {
		at := slices.IndexFunc(columns, func(c store.Column) bool { return c.Name == name })
		switch {
		case at >= 0:
			cells[name] = w.cell(t, columns[at].Type, row.Fields[i])
		case row.Fields[i] != "":
			rescued[name] = row.Fields[i]
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d", file, row.Line)
	for _, c := range columns {
		v, ok := cells[c.Name]
		if !ok {
			v = w.cell(t, c.Type, "")
		}
		if v != zero(c.Type) {
			fmt.Fprintf(&b, " %s=%q", c.Name, v)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rescued)) {
		fmt.Fprintf(&b, " %s~%q", name, rescued[name])
	}
	return b.String()
}

func zero(typ string) string {
	switch {
	case strings.HasPrefix(typ, "UInt"), strings.HasPrefix(typ, "Decimal"):
		return "0"
	case strings.HasPrefix(typ, "DateTime"):
		return "1970-01-01 00:00:00"
	case typ == "IPv6":
		return "::"
	}
	return ""
}

// cell is what a good text becomes, found by other means than the loader's.
func (w *wanted) cell(t testing.TB, typ, text string) string {
	switch {
	case text == "":
		return zero(typ)
	case strings.HasPrefix(typ, "Decimal"):
		return decimal(t, text)
	case strings.HasPrefix(typ, "DateTime"):
		return w.instant(t, text).Format(time.DateTime)
	case typ == "IPv6":
		a, err := netip.ParseAddr(text)
		if err != nil {
			t.Fatal(err)
		}
		return netip.AddrFrom16(a.As16()).String()
	}
	return text
}

func decimal(t testing.TB, text string) string {
	v, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("no number: %q", text)
	}
	return v.RatString()
}

// instant reads a local time; of two that look the same the one in the file's
// hour is meant.
func (w *wanted) instant(t testing.TB, text string) time.Time {
	zone := w.zone
	if zone == nil {
		zone = time.UTC
	}
	at, err := time.ParseInLocation(time.DateTime, text, zone)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []time.Duration{-time.Hour, time.Hour} {
		other := at.Add(d)
		if other.In(zone).Format(time.DateTime) == text && other.UTC().Truncate(time.Hour).Equal(w.hour) {
			at = other
		}
	}
	return at.UTC()
}

// rows reads all rows of the network in the same form.
func (r *rig) rows(typ rawlog.Type, columns []store.Column) []string {
	r.Helper()
	list := "concat(toString(_file), ':', toString(_line)), mapKeys(_rescued), mapValues(_rescued)"
	for _, c := range columns {
		list += ", toString(`" + c.Name + "`)"
	}
	rows, err := r.st.Conn().Query(r.Context(), "SELECT "+list+" FROM "+string(typ)+" WHERE network = ?", r.network)
	if err != nil {
		r.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var at string
		var names, values []string
		cells := make([]string, len(columns))
		into := []any{&at, &names, &values}
		for i := range cells {
			into = append(into, &cells[i])
		}
		if err := rows.Scan(into...); err != nil {
			r.Fatal(err)
		}
		for i, c := range columns {
			if strings.HasPrefix(c.Type, "Decimal") {
				cells[i] = decimal(r, cells[i])
			}
			if cells[i] != zero(c.Type) {
				at += fmt.Sprintf(" %s=%q", c.Name, cells[i])
			}
		}
		rescued := make(map[string]string)
		for i := range names {
			rescued[names[i]] = values[i]
		}
		for _, name := range slices.Sorted(maps.Keys(rescued)) {
			at += fmt.Sprintf(" %s~%q", name, rescued[name])
		}
		out = append(out, at)
	}
	if err := rows.Err(); err != nil {
		r.Fatal(err)
	}
	return out
}

// checkLedger compares the ledger with the files, and the INSERTs' ids in it
// with those of the rows.
func (r *rig) checkLedger() {
	r.Helper()
	seen := 0
	for _, e := range r.entries() {
		w := r.want[key{e.File.Type, e.File.Name}]
		if w == nil {
			r.Errorf("ledger: what is %s?", e.File.Name)
			continue
		}
		seen++
		if w.failed != "" {
			if e.State != checkpoint.Failed || !strings.Contains(e.Error, w.failed) || strings.ContainsFunc(e.Error, func(c rune) bool { return c < ' ' }) {
				r.Errorf("ledger: %s is %s (%q), want failed with %q", e.File.Name, e.State, e.Error, w.failed)
			}
		} else if e.State != checkpoint.Loaded || e.Error != "" || e.Lines != 1+e.Rows+e.Rejected && e.Lines != 0 {
			r.Errorf("ledger: %+v", e)
		}
		if e.Rows != uint64(len(w.rows)) || e.Rejected != uint64(len(w.broken)) {
			r.Errorf("ledger: %s has %d rows and %d rejected lines, the file %d and %d", e.File.Name, e.Rows, e.Rejected, len(w.rows), len(w.broken))
		}
		var inserts []uint64
		if err := r.st.Conn().QueryRow(r.Context(), "SELECT groupUniqArray(_insert) FROM "+string(e.File.Type)+" WHERE network = ? AND _file = ?",
			r.network, e.File.Name).Scan(&inserts); err != nil {
			r.Fatal(err)
		}
		for _, id := range inserts {
			if !slices.Contains(e.Inserts, id) {
				r.Errorf("ledger: %s has rows of insert %d, which it does not know", e.File.Name, id)
			}
		}
	}
	if seen != len(r.want) {
		r.Errorf("ledger: %d of %d files", seen, len(r.want))
	}
	report, err := pipeline.Verify(r.Context(), r.st, r.options)
	if err != nil || len(report.Differences) > 0 || report.Unsettled > 0 {
		r.Errorf("verify: %+v, %v", report, err)
	}
}

func (r *rig) entries() []checkpoint.Entry {
	r.Helper()
	entries, err := checkpoint.Open(r.st, r.network).Entries(r.Context(), checkpoint.Filter{})
	if err != nil {
		r.Fatal(err)
	}
	return entries
}

func (r *rig) entry(name string) checkpoint.Entry {
	r.Helper()
	for _, e := range r.entries() {
		if e.File.Name == name {
			return e
		}
	}
	r.Fatalf("the ledger has no %s", name)
	return checkpoint.Entry{}
}

// checkRejected compares the lines put aside with those that are broken.
func (r *rig) checkRejected() {
	r.Helper()
	var want []string
	for k, w := range r.want {
		for _, b := range w.broken {
			want = append(want, fmt.Sprintf("%s %s:%d %q", k.typ, k.name, b.Line, b.Raw))
		}
	}
	got := r.rejected("concat(log_type, ' ', file, ':', toString(line))")
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		r.Errorf("rejected lines (-want +got):\n%.4000s", diff)
	}
}

// rejected lists the lines put aside, each after what an expression says of it,
// its pieces joined.
func (r *rig) rejected(expression string) []string {
	r.Helper()
	rows, err := r.st.Conn().Query(r.Context(), `
		SELECT `+expression+` AS label, arrayStringConcat(arrayMap(x -> x.2, arraySort(groupArray((piece, raw)))))
		FROM rejected_rows WHERE network = ? GROUP BY log_type, file, line, label ORDER BY log_type, file, line`, r.network)
	if err != nil {
		r.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var label, raw string
		if err := rows.Scan(&label, &raw); err != nil {
			r.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %q", label, raw))
	}
	if err := rows.Err(); err != nil {
		r.Fatal(err)
	}
	return out
}

// checkTraces looks for what runs should not leave: files, leases, queries.
func (r *rig) checkTraces() {
	r.Helper()
	if left, err := os.ReadDir(r.options.Spool); err != nil || len(left) > 0 {
		r.Errorf("left in the spool folder: %v, %v", left, err)
	}
	for what, query := range map[string]string{
		"leases": `SELECT count() FROM (SELECT run FROM ingest_leases WHERE network = ? GROUP BY run
			HAVING argMax(state, seq) != 'released')`,
		"doubled lines": `SELECT count() FROM (SELECT _file, _line FROM clicks WHERE network = ? GROUP BY _file, _line HAVING count() > 1)`,
	} {
		if n := r.count(query, r.network); n > 0 {
			r.Errorf("%s: %d", what, n)
		}
	}
}

func (r *rig) count(query string, args ...any) uint64 {
	r.Helper()
	var n uint64
	if err := r.st.Conn().QueryRow(r.Context(), query, args...).Scan(&n); err != nil {
		r.Fatal(err)
	}
	return n
}

// checkSecrets searches everything that was said for what must be nowhere;
// the tables are searched at the database's end.
func (r *rig) checkSecrets() {
	r.Helper()
	text := r.said.String()
	for _, s := range r.secrets {
		if strings.Contains(text, s) {
			r.Errorf("a secret was said: %s…", s[:4])
		}
	}
	r.suspect(r.secrets)
}

// searchTables looks for every scenario's secrets in every table.
func (db *database) searchTables(t *testing.T) {
	if len(db.secrets) == 0 { // the test was skipped
		return
	}
	for _, table := range []string{"clicks", "conversions", "impressions", "rejected_rows", "ingest_files", "ingest_leases"} {
		var n uint64
		if err := db.st.Conn().QueryRow(context.Background(), "SELECT count() FROM "+table+" WHERE multiSearchAny(formatRow('TSVRaw', *), ?)",
			db.secrets).Scan(&n); err != nil {
			t.Error(err)
		}
		if n > 0 {
			t.Errorf("%d rows of %s hold a secret", n, table)
		}
	}
}
