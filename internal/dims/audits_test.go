package dims_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/dims"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// aWeekAgo makes all that was refreshed be of a week ago.
func aWeekAgo(t *testing.T, st *store.Store) {
	t.Helper()
	for _, query := range []string{
		"INSERT INTO dim_offers SELECT * REPLACE (valid_from - toIntervalDay(7) AS valid_from) FROM dim_offers",
		"ALTER TABLE dim_offers DELETE WHERE valid_from > now() - toIntervalDay(1) SETTINGS mutations_sync = 2",
		"INSERT INTO dim_refreshes SELECT * REPLACE (started_at - toIntervalDay(7) AS started_at, version + 1 AS version) FROM dim_refreshes",
	} {
		if err := st.Conn().Exec(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
}

func audited(n *simnet.Network) int { return n.Usage().Methods["findBrandDataAudits"] }

// When a row changed is what the audits say, where they say it of just that change.
func TestAuditedChanges(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	n, client := network(t)
	offers := pick(t, "offers")
	ids := n.IDs("Offer")
	refresh(t, client, st, dims.Options{Entities: offers})
	aWeekAgo(t, st)
	refresh(t, client, st, dims.Options{Entities: offers})
	if audited(n) != 0 {
		t.Errorf("%d calls for audits, though nothing changed", audited(n))
	}
	aWeekAgo(t, st) // of the second refresh
	day := func(n int) time.Time { return time.Now().UTC().Truncate(time.Second).AddDate(0, 0, -n) }
	when := map[int]string{}
	at := func(id int, t time.Time) { when[id] = t.Format(time.DateTime) }

	n.SetAt(day(2), "Offer", ids[0], map[string]any{"name": "Renamed", "default_payout": "7.50000"})
	n.SetAt(day(1), "Offer", ids[0], map[string]any{"description": "of no column"})
	at(ids[0], day(2))
	n.SetAt(day(3), "Offer", ids[1], map[string]any{"name": "Once"})
	n.SetAt(day(2), "Offer", ids[1], map[string]any{"name": "Twice"})
	at(ids[1], day(2))
	n.Set("Offer", ids[2], map[string]any{"name": "Unaudited"})
	n.SetAt(day(2), "Offer", ids[3], map[string]any{"name": "Audited"})
	n.Set("Offer", ids[3], map[string]any{"name": "And unaudited"})
	n.SetAt(day(30), "Offer", ids[4], map[string]any{"name": "Before it was known otherwise"})
	n.SetAt(day(-1), "Offer", ids[5], map[string]any{"name": "Tomorrow"})
	n.SetAt(day(2), "Offer", 999_999, map[string]any{"name": "New", "expiration_date": "0000-00-00"})
	at(999_999, day(2))
	n.SetAt(day(2), "OfferUrl", ids[6], map[string]any{"name": "Of another table"})
	n.Set("Offer", ids[6], map[string]any{"name": "Of this one"})
	n.RemoveAt(day(2), "Offer", ids[7])
	at(ids[7], day(2))
	n.Remove("Offer", ids[8])

	results := refresh(t, client, st, dims.Options{Entities: offers})
	if results[0].Err != nil || results[0].Changed != 8 || results[0].Vanished != 2 {
		t.Fatalf("%+v", results)
	}
	for _, id := range append(ids[:9:9], 999_999) {
		got := rows(t, st, fmt.Sprintf("SELECT toString(toDateTime(max(valid_from), 'UTC')), max(valid_from) > now() - 600, argMax(deleted, valid_from) FROM dim_offers WHERE id = %d", id))
		want, ok := when[id]
		if ok && !strings.Contains(got, want) || !ok && !strings.Contains(got, "',1,") {
			t.Errorf("offer %d: %s, want %s", id, got, want)
		}
		if strings.HasSuffix(got, ",true)") != (id == ids[7] || id == ids[8]) {
			t.Errorf("offer %d: %s", id, got)
		}
	}
	want(t, st, fmt.Sprintf("SELECT name FROM dim_offers_current WHERE id IN (%d, %d) ORDER BY id", ids[0], ids[1]), "('Renamed')\n('Twice')")
	if audited(n) != 1 {
		t.Errorf("%d calls for audits", audited(n))
	}
	refresh(t, client, st, dims.Options{Entities: offers})
	if audited(n) != 1 {
		t.Errorf("%d calls for audits after a refresh without changes", audited(n))
	}
}

// A network that does not grant its audits, or shows them otherwise, loses nothing else.
func TestNoAudits(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for name, spoil := range map[string]func(*simnet.Network){
		"refused": func(n *simnet.Network) { n.Access.Forbid("Auditor", true) },
		"504":     func(n *simnet.Network) { answerAudits(n, simnet.GatewayTimeout()) },
		"a page":  func(n *simnet.Network) { answerAudits(n, simnet.Page()) },
		"another form": func(n *simnet.Network) {
			n.Set("BrandDataAudit", 1, map[string]any{"table_name": "offer", "action_time_utc": "yesterday"})
			n.Set("BrandDataAudit", 1, map[string]any{"action_time_utc": "yesterday, or so"})
		},
		"no JSON": func(n *simnet.Network) {
			n.Set("BrandDataAudit", 1, map[string]any{"table_name": "offer", "row_key": n.IDs("Offer")[0], "operation": "update", "new_data": "a:1:{s:4:\"name\"}",
				"action_time_utc": time.Now().UTC().AddDate(0, 0, -1).Format(time.DateTime)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, client := network(t)
			o := dims.Options{Network: name, Entities: pick(t, "offers")}
			if _, err := dims.Refresh(t.Context(), client, st, o); err != nil {
				t.Fatal(err)
			}
			spoil(n)
			id := n.IDs("Offer")[0]
			n.SetAt(time.Now(), "Offer", id, map[string]any{"name": "Changed"})
			n.RemoveAt(time.Now(), "Offer", n.IDs("Offer")[1])
			results, err := dims.Refresh(t.Context(), client, st, o)
			if err != nil || results[0].Err != nil || results[0].Changed != 1 || results[0].Vanished != 1 {
				t.Fatalf("%v, %+v", err, results)
			}
			want(t, st, fmt.Sprintf("SELECT name, valid_from > now() - 600 FROM dim_offers_current WHERE network = '%s' AND id = %d", name, id), "('Changed',1)")
			if audited(n) == 0 {
				t.Error("nobody asked for audits")
			}
		})
	}
}

// answerAudits answers every call for audits so.
func answerAudits(n *simnet.Network, a *simnet.Answer) {
	n.Faults.Intercept(func(r simnet.Request) *simnet.Answer {
		if r.Method == "findBrandDataAudits" {
			return a
		}
		return nil
	})
}
