package dims_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rawlogs/internal/dims"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

func TestDictionaries(t *testing.T) {
	t.Parallel()
	n, client := network(t)
	spec := store.Config{Spec: "embedded:" + filepath.Join(t.TempDir(), "store")}
	st, err := store.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := dims.RenewDictionaries(t.Context(), st); err != nil {
		t.Fatal(err) // there are none yet
	}
	refresh(t, client, st, dims.Options{PageSize: 1000})
	views, taken, err := dims.PutDictionaries(t.Context(), st)
	if err != nil || len(views) > 0 || len(taken) > 0 {
		t.Fatalf("views %v, taken %v, %v: want dictionaries", views, taken, err)
	}
	ask := func(st *store.Store) {
		t.Helper()
		offer, affiliate := n.Logs().Offers[3], n.Logs().Affiliates[3]
		want(t, st, fmt.Sprintf("SELECT dictGet('offers', 'name', ('acme', toUInt32(%d))), dictGet('affiliates', 'company', ('acme', %d)), "+
			"dictGet('countries', 'name', ('acme', 'CZ')), dictGet('browsers', 'name', ('acme', toUInt32(8))), dictGet('offers', 'name', ('other', %[1]d))",
			offer.ID, affiliate.ID),
			fmt.Sprintf("('%s','%s','Czech Republic','Chrome Mobile','')", quote(offer.Name), quote(affiliate.Company)))
		want(t, st, fmt.Sprintf("SELECT o.name FROM (SELECT 'acme' AS network, toUInt32(%d) AS offer_id) AS c JOIN offers AS o ON o.network = c.network AND o.id = c.offer_id", offer.ID),
			fmt.Sprintf("('%s')", quote(offer.Name)))
		goal := n.Logs().Goals[3]
		want(t, st, fmt.Sprintf("SELECT dictGet('goal_names', 'name', ('acme', toUInt32(%d), toUInt32(%d))), dictGet('goal_names', 'name', ('acme', %d, 0)), dictGet('status_codes', 'name', tuple(toUInt32(17)))",
			goal.OfferID, goal.ID, offer.ID), fmt.Sprintf("('%s','Sale of %s','daily cap')", quote(goal.Name), quote(offer.Name)))
		for _, e := range dims.Entities() {
			want(t, st, "SELECT count() > 0 FROM "+e.Name, "(1)")
		}
	}
	ask(st)
	endpoint, _ := st.Engine()
	for _, query := range []string{"SHOW CREATE DICTIONARY offers", "SELECT create_table_query FROM system.tables WHERE name = 'offers'", "SELECT query FROM system.query_log"} {
		if query == "SELECT query FROM system.query_log" {
			if err := st.Conn().Exec(t.Context(), "SYSTEM FLUSH LOGS"); err != nil {
				t.Fatal(err)
			}
		}
		found, err := st.Conn().Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for found.Next() {
			var s string
			if err := found.Scan(&s); err != nil || strings.Contains(s, endpoint.Password) {
				t.Errorf("%s shows the password, or: %v", query, err)
			}
		}
		if err := found.Close(); err != nil {
			t.Error(err)
		}
	}
	// A change shows after a reload.
	n.Set("Offer", n.Logs().Offers[3].ID, map[string]any{"name": "Renamed"})
	refresh(t, client, st, dims.Options{Entities: pick(t, "offers")})
	if err := st.ReloadDictionaries(t.Context(), append(dims.Names(), "goal_names", "status_codes")); err != nil {
		t.Fatal(err)
	}
	want(t, st, fmt.Sprintf("SELECT dictGet('offers', 'name', ('acme', %d))", n.Logs().Offers[3].ID), "('Renamed')")
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if logs, err := os.ReadFile(filepath.Join(strings.TrimPrefix(spec.Spec, "embedded:"), "logs", "clickhouse.log")); err != nil || strings.Contains(string(logs), endpoint.Password) {
		t.Errorf("the server's log shows the password, or: %v", err)
	}

	// Another start has another password.
	n.Set("Offer", n.Logs().Offers[3].ID, map[string]any{"name": n.Logs().Offers[3].Name})
	st = testkit.OpenStore(t, spec)
	if err := dims.RenewDictionaries(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	refresh(t, client, st, dims.Options{Entities: pick(t, "offers")})
	if err := st.ReloadDictionaries(t.Context(), []string{"offers"}); err != nil {
		t.Fatal(err)
	}
	ask(st)
}

func quote(s string) string { return strings.ReplaceAll(s, "'", `\'`) }

// Where dictionaries cannot be, a view answers to the name.
func TestDictionaryElsewise(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	d := store.Dictionary{Name: "names", Keys: 1, Columns: []store.Column{{Name: "id", Type: "NoSuchType"}}, Query: "SELECT 1 AS id",
		Comment: store.DictionaryComment("network, id", "0123456789ab")}
	ok, err := st.PutDictionary(t.Context(), d)
	if ok || err != nil {
		t.Fatalf("%v %v, want a view", ok, err)
	}
	want(t, st, "SELECT * FROM names", "(1)")
	d.Columns[0].Type = "UInt64"
	if ok, err := st.PutDictionary(t.Context(), d); !ok || err != nil {
		t.Fatalf("%v %v, want a dictionary", ok, err)
	}
	want(t, st, "SELECT * FROM names", "(1)")
	if _, err := st.PutDictionary(t.Context(), store.Dictionary{Name: "clicks", Keys: 1, Columns: d.Columns, Query: d.Query}); err == nil {
		t.Error("a table was replaced by a dictionary")
	}
}

// What an analyst made under the name of an entity stays, whatever it is; the
// other names work.
func TestDictionariesLeaveOthers(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	mine := map[string]string{
		"offers":      "CREATE VIEW offers AS SELECT 1 AS mine",
		"countries":   "CREATE TABLE countries (mine String) ENGINE = MergeTree ORDER BY mine",
		"browsers":    "CREATE DICTIONARY browsers (id UInt64, mine String) PRIMARY KEY id SOURCE(NULL()) LAYOUT(FLAT()) LIFETIME(0) COMMENT 'Names by hand.'",
		"offer_files": "CREATE MATERIALIZED VIEW offer_files ENGINE = MergeTree ORDER BY mine AS SELECT dummy AS mine FROM system.one",
		// A view that reads what ours would read, without being ours.
		"goals": "CREATE VIEW goals AS SELECT network, id, name FROM dim_goals_current",
	}
	const asked = "SELECT name, uuid, create_table_query FROM system.tables WHERE database = currentDatabase() AND name IN ('offers', 'countries', 'browsers', 'offer_files', 'goals') ORDER BY name"
	for _, create := range mine {
		if err := st.Conn().Exec(t.Context(), create); err != nil {
			t.Fatal(err)
		}
	}
	before := rows(t, st, asked)
	views, taken, err := dims.PutDictionaries(t.Context(), st)
	if err != nil || len(views) > 0 || len(taken) != len(mine) {
		t.Fatalf("views %v, taken %v, %v", views, taken, err)
	}
	for _, e := range taken {
		if mine[e.Name] == "" || !strings.Contains(e.Error(), "`"+e.Name+"`") || !strings.Contains(e.Error(), "RENAME") {
			t.Errorf("%v", e)
		}
	}
	if err := dims.RenewDictionaries(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	if after := rows(t, st, asked); after != before {
		t.Errorf("they were changed:\n%s\n%s", before, after)
	}
	want(t, st, "SELECT dictGet('affiliates', 'company', ('acme', 1))", "('')")
}

// Views that earlier versions made in the place of dictionaries have no comment,
// and are known by their query.
func TestDictionaryOverFormerView(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	if _, _, err := dims.PutDictionaries(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	query := dims.DictionaryQuery(pick(t, "goals")[0], st)
	for _, sql := range []string{"DROP DICTIONARY goals", "CREATE VIEW goals AS " + query} {
		if err := st.Conn().Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if views, taken, err := dims.PutDictionaries(t.Context(), st); err != nil || len(views)+len(taken) > 0 {
		t.Errorf("views %v, taken %v, %v", views, taken, err)
	}
	want(t, st, "SELECT engine FROM system.tables WHERE database = currentDatabase() AND name = 'goals'", "('Dictionary')")
}
