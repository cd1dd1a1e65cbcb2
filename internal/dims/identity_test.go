package dims_test

import (
	"fmt"
	"testing"

	"rawlogs/internal/dims"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

// The vendor retires the conversion's id for tune_event_id, and any API may be before,
// amid or after that: all are read to their end, page by page.
func TestUpdatesByEvent(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for name, c := range map[string]struct {
		prepare func(n *simnet.Network)
		event   func(i int) any
		id      func(i int) any // nil: as it is
		ids     string          // of what is stored: how many have an id, how many an event
	}{
		"before":        {prepare: func(n *simnet.Network) { n.Forget("Conversion", "tune_event_id") }, ids: "(25,0)"},
		"empty":         {ids: "(25,0)"},
		"both":          {event: func(i int) any { return fmt.Sprintf("e-%02d", i) }, ids: "(25,25)"},
		"id left empty": {event: func(i int) any { return fmt.Sprintf("e-%02d", 30-i) }, id: func(int) any { return "" }, ids: "(0,25)"},
		"id null":       {event: func(i int) any { return fmt.Sprintf("E-%02d", 30-i) }, id: func(int) any { return nil }, ids: "(0,25)"},
		"id zero":       {event: func(i int) any { return fmt.Sprintf("%d-%02d", i%2, i) }, id: func(int) any { return "0" }, ids: "(0,25)"},
		"after":         {prepare: func(n *simnet.Network) { n.Forget("Conversion", "id") }, event: func(i int) any { return fmt.Sprintf("e-%02d", i) }, ids: "(0,25)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, client := network(t)
			for i := 1; i <= 25; i++ {
				fields := map[string]any{"ad_id": "tx", "status": "approved", "payout": "1", "updated": "2016-09-10 12:00:00"}
				if c.event != nil {
					fields["tune_event_id"] = c.event(i)
				}
				if c.id != nil {
					fields["id"] = c.id(i)
				}
				n.Set("Conversion", i, fields)
			}
			if c.prepare != nil {
				c.prepare(n)
			}
			for again, changed := range []int{25, 0} {
				r, err := dims.Updates(t.Context(), client, st, dims.Options{Network: name, PageSize: 10}, period(t, "20160910"))
				if err != nil || r != (dims.UpdateResult{Days: 1, Rows: 25, Changed: changed}) {
					t.Fatalf("reading %d: %+v %v", again+1, r, err)
				}
			}
			want(t, st, "SELECT countIf(id != 0), countIf(tune_event_id != '') FROM conversion_updates WHERE network = '"+name+"'", c.ids)
			want(t, st, "SELECT count(), sum(payout) FROM conversions_current WHERE network = '"+name+"'", "(25,25)")
		})
	}
}

// A conversion that the API shows by id, then by both, then by its event alone, is one.
func TestUpdatesIdentityMoves(t *testing.T) {
	t.Parallel()
	n, client := network(t)
	st := testkit.Database(t)
	show := func(id, event, status string) {
		t.Helper()
		n.Set("Conversion", 5, map[string]any{"id": id, "tune_event_id": event, "status": status, "payout": "1", "updated": "2016-09-10 12:00:00"})
		if _, err := dims.Updates(t.Context(), client, st, dims.Options{Network: "acme"}, period(t, "20160910")); err != nil {
			t.Fatal(err)
		}
	}
	show("5", "", "pending")
	show("5", "abc", "pending")
	show("", "abc", "pending") // nothing new: both were known
	show("", "abc", "approved")
	show("5", "", "rejected")
	want(t, st, "SELECT groupArray((id, tune_event_id, status)) FROM (SELECT * FROM conversion_updates ORDER BY valid_from)",
		"([(5,'','pending'),(5,'abc','pending'),(5,'abc','approved'),(5,'abc','rejected')])")
	want(t, st, "SELECT id, tune_event_id, status FROM conversions_current", "(5,'abc','rejected')")
}

// Lines of the logs and updates find each other by event, else by id, else by click and
// goal, and never against what one of the keys says. Each case is a network: they share
// their ids.
func TestConversionsCurrentByEvent(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	const hour = "toDateTime('2016-09-09 10:00:00', 'UTC')"
	cases := map[string]string{}
	for name, c := range map[string]struct{ lines, updates, want string }{ // id, event, click, goal
		"by event":                          {"(1, 'a', 'x', 0)", "(2, 'a', 'y', 7)", "(2,'a','x',0,'log and update')"},
		"event before id":                   {"(1, 'a', 'x', 0)", "(1, '', 'x', 0), (0, 'a', 'x', 0)", "(1,'a','x',0,'log and update')"},
		"log without event":                 {"(1, '', 'x', 0)", "(1, 'a', 'y', 0)", "(1,'a','x',0,'log and update')"},
		"update without event":              {"(1, 'a', 'x', 0)", "(1, '', 'y', 0)", "(1,'a','x',0,'log and update')"},
		"one id, two events":                {"(1, 'a', 'x', 0)", "(1, 'b', 'x', 0)", "(1,'a','x',0,'log')\n(1,'b','x',0,'update')"},
		"event against id, by click":        {"(0, 'a', 'x', 3)", "(9, '', 'x', 3)", "(9,'a','x',3,'log and update')"},
		"id against event, by click":        {"(9, '', 'x', 3)", "(0, 'a', 'x', 3)", "(9,'a','x',3,'log and update')"},
		"nothing against event, by click":   {"(0, '', 'x', 3)", "(0, 'a', 'x', 3)", "(0,'a','x',3,'log and update')"},
		"another goal":                      {"(9, '', 'x', 3)", "(0, 'a', 'x', 4)", "(9,'','x',3,'log')\n(0,'a','x',4,'update')"},
		"two ids of one click":              {"(8, '', 'x', 3)", "(9, '', 'x', 3)", "(8,'','x',3,'log')\n(9,'','x',3,'update')"},
		"two events of one click":           {"(0, 'a', 'x', 3)", "(0, 'b', 'x', 3)", "(0,'a','x',3,'log')\n(0,'b','x',3,'update')"},
		"two lines of one click":            {"(8, '', 'x', 3), (9, '', 'x', 3)", "(0, 'a', 'x', 3)", "(8,'','x',3,'log')\n(9,'','x',3,'log')"},
		"two lines, one of them tied":       {"(8, '', 'x', 3), (9, '', 'x', 3)", "(8, '', 'x', 3), (9, 'b', 'x', 3), (0, 'a', 'x', 3)", "(8,'','x',3,'log and update')\n(0,'a','x',3,'update')\n(9,'b','x',3,'log and update')"},
		"one event twice in the logs":       {"(1, 'a', 'x', 0), (0, 'a', 'x', 0)", "(0, 'a', 'x', 0)", "(0,'a','x',0,'log and update')\n(1,'a','x',0,'repeated')"},
		"event found twice under two ids":   {"(1, 'a', 'x', 0)", "(1, 'a', 'x', 0), (2, 'a', 'x', 0)", "(2,'a','x',0,'log and update')"},
		"the same event in another network": {"(1, 'a', 'x', 0)", "", "(1,'a','x',0,'log')"},
	} {
		const line = "INSERT INTO conversions (network, id, tune_event_id, transaction_id, goal_id, payout_cents, datetime, _hour, _line) SELECT '%s', c1, c2, c3, c4, 100, " + hour + ", " + hour + ", rowNumberInAllBlocks() + 2 FROM values('c1 UInt64, c2 String, c3 String, c4 UInt32', %s)"
		const update = "INSERT INTO conversion_updates (network, id, tune_event_id, ad_id, goal_id, payout, found, valid_from) SELECT '%s', c1, c2, c3, c4, 2, 'updated', now64(3) + rowNumberInAllBlocks() FROM values('c1 UInt64, c2 String, c3 String, c4 UInt64', %s)"
		exec(t, st, fmt.Sprintf(line, name, c.lines))
		if c.updates != "" {
			exec(t, st, fmt.Sprintf(update, name, c.updates))
		}
		cases[name] = c.want
	}
	wantEach(t, st, "id, tune_event_id, transaction_id, goal_id, origin", "tune_event_id, id, origin", cases)
}
