package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rawlogs/internal/engine"
	"rawlogs/internal/load/insert"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
	"rawlogs/internal/store/check"
	"rawlogs/internal/testkit"
)

// defect is a server, or a user of it, that is not as a loader would have it.
type defect struct {
	name    string
	profile string   // of the user, in users.xml
	grants  []string // of the user; nil is everything
	filter  string   // a row policy on clicks
	sql     []string // by an administrator
	named   string   // by check; "" where check finds nothing
	runs    bool     // all the same
	early   bool     // a run is refused before it writes a row
	limit   bool     // of the profile, which is named with what to do about it
}

// held is a profile with a setting that its user may not change.
func held(name string, value int) string {
	return fmt.Sprintf("<%s>%d</%s><constraints><%s><const/></%s></constraints>", name, value, name, name, name)
}

var loaderGrants = []string{
	"SELECT, INSERT, CREATE TABLE, DROP TABLE, CREATE VIEW, ALTER DELETE, ALTER ADD COLUMN, ALTER MODIFY COLUMN, ALTER UPDATE ON {db}.*",
	"TABLE ENGINE ON MergeTree", "TABLE ENGINE ON ReplacingMergeTree",
	"SELECT ON system.disks", "SELECT ON system.mutations", "SELECT ON system.processes",
}

// grantsBut are the loader's grants but one.
func grantsBut(text string) []string {
	var out []string
	for _, g := range loaderGrants {
		g = strings.Replace(g, text, "", 1)
		g = strings.ReplaceAll(strings.TrimPrefix(g, ", "), ", ,", ",")
		if g != "" {
			out = append(out, g)
		}
	}
	return out
}

var defects = []defect{
	{name: "none", runs: true},
	{name: "only the rights it needs", grants: loaderGrants, runs: true},
	{name: "limits and filters", runs: true, profile: "<extremes>1</extremes><max_result_rows>1</max_result_rows><max_rows_to_read>1</max_rows_to_read>" +
		"<max_query_size>300</max_query_size><additional_result_filter>0</additional_result_filter><max_execution_time>1</max_execution_time>"},
	{name: "a limit that is held", limit: true, named: "max_rows_to_read = 1 ", profile: held("max_rows_to_read", 1)},
	{name: "a limit of answers", limit: true, named: "max_result_rows = 10 ", profile: held("max_result_rows", 10)},
	{name: "a limit of answers' bytes", limit: true, named: "max_result_bytes = 10,", profile: held("max_result_bytes", 10)},
	{name: "a limit of statements", limit: true, named: "max_query_size = 1000,", profile: held("max_query_size", 1000)},
	{name: "a limit of a statement's parts", limit: true, named: "max_ast_elements = 50 ", profile: held("max_ast_elements", 50)},
	{name: "a limit of columns", limit: true, named: "max_columns_to_read = 10 ", profile: held("max_columns_to_read", 10)},
	{name: "a limit that is far away", limit: true, named: "max_rows_to_read = 2000000000 ", runs: true, profile: held("max_rows_to_read", 2_000_000_000)},
	{name: "a limit of time that is held", limit: true, named: "max_execution_time = 600 ", runs: true, profile: held("max_execution_time", 600)},
	{name: "a limit above ours", runs: true, profile: held("max_query_size", 1<<20)},
	{name: "a limit within bounds", limit: true, named: "max_execution_time = 600 ", runs: true,
		profile: "<max_execution_time>600</max_execution_time><constraints><max_execution_time><min>1</min><max>600</max></max_execution_time></constraints>"},
	{name: "a setting within bounds", named: "max_insert_threads = 4", runs: true,
		profile: "<max_insert_threads>4</max_insert_threads><constraints><max_insert_threads><min>2</min><max>8</max></max_insert_threads></constraints>"},
	{name: "extremes that are held", named: "extremes = 1",
		profile: "<extremes>1</extremes><constraints><extremes><const/></extremes></constraints>"},
	{name: "a filter that is held", named: "cut a result of one row short",
		profile: "<additional_result_filter>0</additional_result_filter><constraints><additional_result_filter><const/></additional_result_filter></constraints>"},
	{name: "read-only", named: "read-only", profile: "<readonly>1</readonly>"},
	{name: "no processes", named: "system.processes", grants: grantsBut("SELECT ON system.processes"), runs: true},
	{name: "no mutations", named: "system.mutations", grants: grantsBut("SELECT ON system.mutations"), runs: true},
	{name: "no deletion", named: "ALTER DELETE", grants: grantsBut("ALTER DELETE")},
	{name: "no insertion", named: "INSERT", grants: grantsBut("INSERT")},
	{name: "no new tables", named: "CREATE TABLE", grants: grantsBut("CREATE TABLE"), runs: true},
	{name: "no engine", named: "TABLE ENGINE ON MergeTree", grants: grantsBut("TABLE ENGINE ON MergeTree"), runs: true},
	{name: "a row policy", named: "filtered for this user by", filter: "network = 'x'"},
	{name: "a row policy that it may not list", named: "filtered for this user by", filter: "network = 'x'", grants: loaderGrants},
	{name: "a row policy that hides nothing", filter: "1", runs: true},
	{name: "a projection", named: "has the projection by_offer", runs: true,
		sql: []string{"ALTER TABLE clicks ADD PROJECTION by_offer (SELECT offer_id, count() GROUP BY offer_id)"}},
	{name: "a projection that holds rows", named: "only marked as deleted", runs: true,
		sql: []string{"ALTER TABLE clicks ADD PROJECTION by_hour (SELECT _hour, offer_id ORDER BY _hour)"}},
	{name: "a TTL", named: "loses rows by its TTL", sql: []string{"ALTER TABLE clicks MODIFY TTL _hour + INTERVAL 1 YEAR"}},
	{name: "a constraint", named: "has the constraint few", runs: true, sql: []string{"ALTER TABLE clicks ADD CONSTRAINT few CHECK offer_id < 3"}},
	{name: "a column that cannot always be computed", named: "the column m (DEFAULT toUInt64(affiliate_sub1))", runs: true,
		sql: []string{"ALTER TABLE clicks ADD COLUMN m UInt64 DEFAULT toUInt64(affiliate_sub1)"}},
	{name: "a key that cannot always be computed", named: "the index m on toUInt64(affiliate_sub1)", runs: true,
		sql: []string{"ALTER TABLE clicks ADD INDEX m toUInt64(affiliate_sub1) TYPE minmax"}},
	{name: "a column with a value of its own", runs: true, sql: []string{"ALTER TABLE clicks ADD COLUMN origin String DEFAULT 'raw log'"}},
	{name: "a constraint on the ledger", named: "has the constraint small", early: true, sql: []string{"ALTER TABLE ingest_files ADD CONSTRAINT small CHECK rows < 10"}},
	{name: "a constraint on rejected lines", named: "has the constraint short", early: true, sql: []string{"ALTER TABLE rejected_rows ADD CONSTRAINT short CHECK length(raw) < 10"}},
	{name: "an engine that passes rows on", named: "has the engine Buffer", sql: []string{"RENAME TABLE clicks TO clicks_raw",
		"CREATE TABLE clicks AS clicks_raw ENGINE = Buffer(currentDatabase(), clicks_raw, 1, 10, 100, 10000, 1000000, 10000000, 100000000)"}},
	{name: "an engine that merges rows", named: "the engine ReplacingMergeTree", sql: []string{"RENAME TABLE clicks TO clicks_raw",
		"CREATE TABLE clicks AS clicks_raw ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(_hour) ORDER BY network SETTINGS deduplicate_merge_projection_mode = 'rebuild'"}},
	{name: "an engine that sums rows", named: "the engine SummingMergeTree", sql: []string{"RENAME TABLE clicks TO clicks_raw",
		"CREATE TABLE clicks AS clicks_raw ENGINE = SummingMergeTree PARTITION BY toYYYYMM(_hour) ORDER BY network SETTINGS deduplicate_merge_projection_mode = 'rebuild'"}},
	{name: "a ledger that forgets", named: "loses rows by its TTL", runs: true, sql: []string{"ALTER TABLE ingest_files MODIFY TTL hour + INTERVAL 1 YEAR"}},
}

// Whatever is wrong with a server or its user, check names it, or a run succeeds;
// and what check calls good, runs.
func TestCheckOrRun(t *testing.T) {
	t.Parallel()
	open := defectUsers(t, -1)
	for i, d := range defects {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			st, admin, err := open(t, i)
			if err != nil {
				if d.runs || d.named == "" || !strings.Contains(err.Error(), d.named) {
					t.Errorf("opening it: %v; want %q", err, d.named)
				}
				limitTold(t, d, err)
				return
			}
			r := (&database{st: admin}).rig(t)
			f := r.folder()
			name := gen.FileName(rawlog.Clicks, hourOf(0), 7)
			f.put(name, r.zip(name, gen.Spec{Type: rawlog.Clicks, Hour: hourOf(0), Rows: 20}))
			if d.filter != "" && d.grants != nil { // it shows where there are rows
				r.options.Network += ".other"
				if _, err := r.runOn(admin, f.source()); err != nil {
					t.Fatal(err)
				}
				r.options.Network = r.network
			}
			named, good := false, true
			found := check.Run(t.Context(), st)
			for _, finding := range found {
				if d.limit && (finding.Level == check.Fail) && (d.runs || !strings.Contains(finding.Hint, "ALTER USER")) {
					t.Errorf("%+v; a load succeeds: %v", finding, d.runs)
				}
				if finding.Level != check.OK && !strings.HasPrefix(finding.What, "disk") {
					good = false
					named = named || d.named != "" && strings.Contains(finding.Detail+finding.Hint, d.named)
				}
			}
			if named != (d.named != "") || good != (d.named == "") {
				t.Errorf("check found %+v; want %q", found, d.named)
			}
			_, err = r.runOn(st, f.source())
			if err == nil && (d.grants != nil || d.sql != nil) { // a reload deletes
				r.options.Reload = true
				_, err = r.runOn(st, f.source())
			}
			if runs := err == nil; runs != d.runs {
				t.Errorf("a load and a reload: %v; want success: %v", err, d.runs)
			}
			limitTold(t, d, err)
			noRows(t, d, admin)
		})
	}
	t.Cleanup(func() {
		_, admin, err := open(t, 0)
		if err != nil {
			t.Fatal(err)
		}
		if left := leftovers(t, admin); left > 0 {
			t.Errorf("%d tables of checks are left", left)
		}
	})
}

// noRows looks whether a run that was refused left rows, of which nothing says so.
func noRows(t *testing.T, d defect, st *store.Store) {
	t.Helper()
	if !d.early {
		return
	}
	var rows uint64
	if err := st.Conn().QueryRow(t.Context(), "SELECT count() FROM clicks").Scan(&rows); err != nil || rows > 0 {
		t.Errorf("%d rows without an outcome, %v", rows, err)
	}
}

// limitTold looks whether the error of a store with a limit names it and says what to do.
func limitTold(t *testing.T, d defect, err error) {
	t.Helper()
	if !d.limit || d.runs {
		return
	}
	var limit *store.LimitError
	if !errors.As(err, &limit) || !strings.Contains(err.Error(), strings.TrimRight(d.named, " ,")) || !strings.Contains(limit.Hint(), "ALTER USER `defect") {
		t.Errorf("got %v; want it to name %s", err, d.named)
	}
}

func leftovers(t *testing.T, st *store.Store) (n uint64) {
	t.Helper()
	if err := st.Conn().QueryRow(context.WithoutCancel(t.Context()), "SELECT count() FROM system.tables WHERE database = ? AND startsWith(name, 'ingest_check_')", st.Database()).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// defectUsers makes an engine with a user for each defect, and a database for
// each that is the tables' own; open opens a store as that user, and as an
// administrator. Of only one defect, the others' databases are not made.
func defectUsers(t *testing.T, only int) (open func(t *testing.T, i int) (st, admin *store.Store, err error)) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "store")
	first, err := store.Open(t.Context(), store.Config{Spec: "embedded:" + folder})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	databases := make([]string, len(defects))
	var profiles, users strings.Builder
	for i, d := range defects {
		name, db := fmt.Sprintf("defect%d", i), "shared"
		if len(d.sql) > 0 {
			db = name
		}
		databases[i] = db
		fmt.Fprintf(&profiles, "<%s>%s</%s>", name, d.profile, name)
		fmt.Fprintf(&users, "<%s><password>pw</password><networks><ip>127.0.0.1</ip></networks><profile>%s</profile><quota>default</quota>", name, name)
		if d.grants != nil {
			users.WriteString("<grants>")
			for _, g := range d.grants {
				fmt.Fprintf(&users, "<query>GRANT %s</query>", strings.ReplaceAll(g, "{db}", db))
			}
			users.WriteString("</grants>")
		}
		if d.filter != "" {
			fmt.Fprintf(&users, "<databases><%s><clicks><filter>%s</filter></clicks></%s></databases>", db, d.filter, db)
		}
		fmt.Fprintf(&users, "</%s>", name)
	}
	dir := filepath.Join(folder, "users.d")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	text := "<clickhouse><profiles>" + profiles.String() + "</profiles><users>" + users.String() + "</users></clickhouse>"
	if err := os.WriteFile(filepath.Join(dir, "defects.xml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	admins := make(map[string]*store.Store)
	for i, d := range defects {
		db := databases[i]
		if only >= 0 && i != only {
			continue
		}
		if admins[db] == nil {
			admins[db] = testkit.OpenStore(t, store.Config{Spec: "embedded:" + folder, Engine: engine.Config{Database: db}})
		}
		for _, sql := range d.sql {
			if err := admins[db].Conn().Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
	}
	return func(t *testing.T, i int) (st, admin *store.Store, err error) {
		admin = admins[databases[i]]
		ep, _ := admin.Engine()
		ctx := context.WithoutCancel(t.Context())
		st, err = store.Open(ctx, store.Config{Spec: fmt.Sprintf("clickhouse://defect%d:pw@%s/%s", i, ep.Addr, databases[i])})
		if err == nil {
			t.Cleanup(func() { _ = st.Close() })
		}
		return st, admin, err
	}
}

// A load behind a row policy ends before it writes anything.
func TestLoadBehindRowPolicy(t *testing.T) {
	t.Parallel()
	for _, large := range []bool{false, true} {
		t.Run(fmt.Sprintf("large=%t", large), func(t *testing.T) {
			t.Parallel()
			testLoadBehindRowPolicy(t, large)
		})
	}
}

func testLoadBehindRowPolicy(t *testing.T, large bool) {
	policy := slices.IndexFunc(defects, func(d defect) bool { return d.name == "a row policy that it may not list" })
	st, admin, err := defectUsers(t, policy)(t, policy)
	if err != nil {
		t.Fatal(err)
	}
	r := (&database{st: admin}).rig(t)
	rows := 20
	if large {
		rows = 2000
		r.options.MaxMemory = streamed // sent in slices, of which the first is looked at
	}
	f := r.folder()
	name := gen.FileName(rawlog.Clicks, hourOf(0), 7)
	f.put(name, r.zip(name, gen.Spec{Type: rawlog.Clicks, Hour: hourOf(0), Rows: rows}))
	// Without the right to list policies none shows on an empty table; the first
	// INSERT's rows are not seen either.
	var hidden *insert.HiddenError
	if _, err := r.runOn(st, f.source()); !errors.As(err, &hidden) {
		t.Errorf("the first load: %v; want it told that its rows are hidden", err)
	}
	if _, err := r.runOn(st, f.source()); err == nil || !strings.Contains(err.Error(), "CREATE ROW POLICY") {
		t.Errorf("the second load: %v; want it refused", err)
	}
	var stored uint64
	if err := admin.Conn().QueryRow(t.Context(), "SELECT count() FROM clicks").Scan(&stored); err != nil || stored == 0 || stored > uint64(rows) {
		t.Errorf("%d rows of %d, %v", stored, rows, err)
	}
}
