package dims_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dims"
	"rawlogs/internal/privacy"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

func period(t *testing.T, s string) []rawlog.Period {
	t.Helper()
	p, err := rawlog.ParsePeriod(s)
	if err != nil {
		t.Fatal(err)
	}
	return []rawlog.Period{p}
}

func exec(t *testing.T, st *store.Store, query string) {
	t.Helper()
	if err := st.Conn().Exec(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func TestUpdates(t *testing.T) {
	t.Parallel()
	n, client := network(t)
	st := testkit.Database(t)
	conversion := func(id int, fields map[string]any) {
		base := map[string]any{"ad_id": fmt.Sprintf("tx%d", id), "offer_id": "7", "affiliate_id": 9, "goal_id": "0", "datetime": "2016-09-09 10:00:00",
			"session_datetime": "0000-00-00 00:00:00", "status": "approved", "payout": "2.50000", "revenue": "3.00000", "sale_amount": nil, "currency": "EUR", "is_adjustment": "0"}
		for k, v := range fields {
			base[k] = v
		}
		n.Set("Conversion", id, base)
	}
	for id := 1; id <= 25; id++ {
		conversion(id, map[string]any{"updated": "2016-09-10 12:00:00", "status": "rejected", "payout": "0.00000"})
	}
	conversion(100, map[string]any{"added": "2016-09-11 23:59:59", "is_adjustment": "1", "payout": "-4.5"})
	conversion(200, map[string]any{"updated": "2016-09-12 00:00:00"})

	o := dims.Options{Network: "acme", PageSize: 10}
	r, err := dims.Updates(t.Context(), client, st, o, period(t, "20160910..20160911"))
	// The end is included, so the day after the period is read as well.
	if err != nil || r != (dims.UpdateResult{Days: 2, Rows: 27, Changed: 27}) {
		t.Fatalf("%+v %v", r, err)
	}
	r, err = dims.Updates(t.Context(), client, st, o, period(t, "20160910..20160912"))
	if err != nil || r != (dims.UpdateResult{Days: 3, Rows: 27}) {
		t.Fatalf("again: %+v %v", r, err)
	}
	want(t, st, "SELECT id, found, toString(payout), is_adjustment FROM conversion_updates WHERE id >= 100 ORDER BY id", "(100,'added','-4.5',true)\n(200,'updated','2.5',false)")

	// rejected → approved → rejected are three versions.
	conversion(1, map[string]any{"updated": "2016-09-12 08:00:00"})
	for range 2 {
		if _, err := dims.Updates(t.Context(), client, st, o, period(t, "20160912")); err != nil {
			t.Fatal(err)
		}
	}
	conversion(1, map[string]any{"updated": "2016-09-12 09:00:00", "status": "rejected", "payout": "0"})
	if _, err := dims.Updates(t.Context(), client, st, o, period(t, "20160912")); err != nil {
		t.Fatal(err)
	}
	want(t, st, "SELECT groupArray(status) FROM (SELECT status FROM conversion_updates WHERE id = 1 ORDER BY valid_from)", "(['rejected','approved','rejected'])")
}

// Dates go out plain, and no day is left out whether the API includes end_date or not.
func TestUpdatesWhateverTheEnd(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, c := range []struct {
		network   string
		exclusive bool
		rows      int
	}{{"included", false, 4}, {"excluded", true, 3}} {
		n, client := network(t)
		n.ExclusiveEnds(c.exclusive)
		for id, at := range map[int]string{1: "2016-09-10 00:00:00", 2: "2016-09-10 23:59:59", 3: "2016-09-11 12:00:00", 4: "2016-09-12 00:00:00", 5: "2016-09-09 23:59:59"} {
			n.Set("Conversion", id, map[string]any{"ad_id": "tx", "status": "approved", "updated": at})
		}
		r, err := dims.Updates(t.Context(), client, st, dims.Options{Network: c.network}, period(t, "20160910..20160911"))
		if err != nil || r != (dims.UpdateResult{Days: 2, Rows: c.rows, Changed: c.rows}) {
			t.Errorf("%s: %+v %v", c.network, r, err)
		}
		want(t, st, "SELECT countIf(id IN (1, 2, 3)), countIf(id = 5) FROM conversion_updates WHERE network = '"+c.network+"'", "(3,0)")
	}
}

// Log rows with an id, without one, ambiguous ones, and conversions that no log has.
func TestConversionsCurrent(t *testing.T) {
	t.Parallel()
	n, client := network(t)
	st := testkit.Database(t)
	for i, row := range []string{
		"'tx1', 1, 0, 'approved', 250.5",  // an id, and an update
		"'tx2', 2, 0, 'approved', 250",    // an id, no update
		"'tx3', 0, 0, 'approved', 250",    // no id, one update for click and goal
		"'tx3', 0, 8, 'approved', 999",    // the same click, another goal
		"'tx4', 0, 0, 'approved', 250",    // two of the same click and goal: which one
		"'tx4', 0, 0, 'pending', 251",     // the update means is not known
		"'tx5', 0, 0, 'approved', 250.25", // no id, two updates
		"'', 0, 0, 'approved', 1",         // nothing to go by
	} {
		exec(t, st, fmt.Sprintf("INSERT INTO conversions (transaction_id, id, goal_id, status, payout_cents, network, _file, _line, _hour) SELECT %s, 'acme', 'f', %d, toDateTime('2016-09-09 10:00:00')", row, i+2))
	}
	exec(t, st, "INSERT INTO conversions (transaction_id, id, goal_id, status, payout_cents, network, _file, _line, _hour) SELECT 'tx1', 1, 0, 'other network', 1, 'beta', 'f', 2, toDateTime('2016-09-09 10:00:00')")
	for id, tx := range map[int]string{1: "tx1", 3: "tx3", 4: "tx4", 51: "tx5", 52: "tx5", 60: "", 61: ""} {
		n.Set("Conversion", id, map[string]any{"ad_id": tx, "goal_id": "0", "status": "rejected", "payout": "0.12500", "updated": "2016-09-10 01:00:00"})
	}
	if _, err := dims.Updates(t.Context(), client, st, dims.Options{Network: "acme", Zone: time.UTC}, period(t, "20160910")); err != nil {
		t.Fatal(err)
	}
	want(t, st, "SELECT network, transaction_id, id, goal_id, status, toString(payout), logged_status, toString(logged_payout), origin, isNull(updated_at), _line FROM conversions_current ORDER BY network, transaction_id, _line, id",
		`('acme','',60,0,'rejected','0.125','','0','update',0,0)
('acme','',61,0,'rejected','0.125','','0','update',0,0)
('acme','',0,0,'approved','0.01','approved','0.01','log',1,9)
('acme','tx1',1,0,'rejected','0.125','approved','2.505','log and update',0,2)
('acme','tx2',2,0,'approved','2.5','approved','2.5','log',1,3)
('acme','tx3',3,0,'rejected','0.125','approved','2.5','log and update',0,4)
('acme','tx3',0,8,'approved','9.99','approved','9.99','log',1,5)
('acme','tx4',0,0,'approved','2.5','approved','2.5','log',1,6)
('acme','tx4',0,0,'pending','2.51','pending','2.51','log',1,7)
('acme','tx5',0,0,'approved','2.5025','approved','2.5025','log',1,8)
('beta','tx1',1,0,'other network','0.01','other network','0.01','log',1,2)`)
}

// An update's amounts come with its currency, and count once however many lines
// of the logs have its id.
func TestConversionsCurrentMoney(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	const hour = "toDateTime('2016-09-09 10:00:00', 'UTC')"
	exec(t, st, "INSERT INTO conversions (transaction_id, id, status, payout_cents, revenue_cents, currency, network, datetime, _file, _line, _hour) VALUES"+
		"('a', 1, 'approved', 1000, 2000, 'CZK', 'acme', "+hour+", 'f', 2, "+hour+"),"+
		// The same conversion in two files, and twice in a file without lines of their own.
		"('b', 2, 'approved', 1000, 2000, 'EUR', 'acme', "+hour+", 'f', 3, "+hour+"),"+
		"('b', 2, 'approved', 1000, 2000, 'EUR', 'acme', "+hour+" + 1, 'g', 3, "+hour+"),"+
		"('c', 3, 'approved', 1000, 2000, 'EUR', 'acme', "+hour+", '', 0, "+hour+"),"+
		"('c', 3, 'approved', 1000, 2000, 'EUR', 'acme', "+hour+", '', 0, "+hour+"),"+
		// Twice without an update: the logs say so.
		"('d', 4, 'approved', 1000, 2000, 'EUR', 'acme', "+hour+", 'f', 4, "+hour+"),"+
		"('d', 4, 'approved', 1000, 2000, 'EUR', 'acme', "+hour+", 'g', 4, "+hour+"),"+
		// An update finds one line by its id and another by its click.
		"('e', 5, 'approved', 1000, 2000, 'EUR', 'acme', "+hour+", 'f', 5, "+hour+"),"+
		"('f', 0, 'approved', 1000, 2000, 'EUR', 'acme', "+hour+", 'f', 6, "+hour+"),"+
		// The same ids in another network.
		"('a', 1, 'approved', 1000, 2000, 'EUR', 'beta', "+hour+", 'f', 2, "+hour+")")
	exec(t, st, "INSERT INTO conversion_updates (network, id, ad_id, status, payout, revenue, currency, found, valid_from) VALUES"+
		"('acme', 1, 'a', 'approved', 10, 11, 'USD', 'updated', now64(3)), ('acme', 2, 'b', 'rejected', 1, 2, 'EUR', 'updated', now64(3)),"+
		"('acme', 3, 'c', 'approved', 3, 4, 'EUR', 'updated', now64(3)), ('acme', 5, 'f', 'approved', 5, 6, 'EUR', 'updated', now64(3))")
	want(t, st, "SELECT network, id, transaction_id, status, toString(payout), toString(revenue), currency, toString(logged_payout), logged_currency, origin, _file FROM conversions_current ORDER BY network, transaction_id, _file, origin",
		`('acme',1,'a','approved','10','11','USD','10','CZK','log and update','f')
('acme',2,'b','repeated','0','0','EUR','10','EUR','repeated','f')
('acme',2,'b','rejected','1','2','EUR','10','EUR','log and update','g')
('acme',3,'c','approved','3','4','EUR','10','EUR','log and update','')
('acme',3,'c','repeated','0','0','EUR','10','EUR','repeated','')
('acme',4,'d','approved','10','20','EUR','10','EUR','log','f')
('acme',4,'d','approved','10','20','EUR','10','EUR','log','g')
('acme',5,'e','approved','5','6','EUR','10','EUR','log and update','f')
('acme',0,'f','approved','10','20','EUR','10','EUR','log','f')
('beta',1,'a','approved','10','20','EUR','10','EUR','log','f')`)
}

// Changes of conversions of somebody who was forgotten are not written, however often they are
// shown.
func TestUpdatesForgotten(t *testing.T) {
	t.Parallel()
	n, client := network(t)
	st := testkit.Database(t)
	for id := 1; id <= 25; id++ {
		n.Set("Conversion", id, map[string]any{"ad_id": fmt.Sprintf("transaction-%d", id), "offer_id": "7", "updated": "2016-09-10 12:00:00", "status": "rejected"})
	}
	policy, err := privacy.Parse("", []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	person, err := privacy.NewPerson(privacy.Transaction, "Transaction-3")
	if err != nil {
		t.Fatal(err)
	}
	hashes := policy.Receipt(person)
	receipt := &checkpoint.Receipt{ID: hashes[0], Kind: person.Kind, Hashes: hashes, Key: policy.KeyID(), Asked: time.Now(), Version: 1}
	if err := checkpoint.Open(st, "acme").PutReceipts(t.Context(), "r", []*checkpoint.Receipt{receipt}); err != nil {
		t.Fatal(err)
	}
	o := dims.Options{Network: "acme", PageSize: 10, Privacy: policy}
	for _, changed := range []int{24, 0} {
		if r, err := dims.Updates(t.Context(), client, st, o, period(t, "20160910")); err != nil || r != (dims.UpdateResult{Days: 1, Rows: 24, Changed: changed}) {
			t.Errorf("%+v %v", r, err)
		}
	}
	want(t, st, "SELECT count(), countIf(ad_id = 'transaction-3') FROM conversion_updates", "(24,0)")
	o.Privacy = nil
	var wrong *checkpoint.OtherKeyError
	if _, err := dims.Updates(t.Context(), client, st, o, period(t, "20160910")); !errors.As(err, &wrong) {
		t.Errorf("without the key: %v", err)
	}
}
