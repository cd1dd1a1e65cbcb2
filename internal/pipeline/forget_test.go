package pipeline

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/privacy"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

const (
	leftAddress = "203.0.113.77"
	leftDevice  = "6D92078A-8246-4BA4-AE5B-76104861E7DC"
	leftUser    = "user-pl4nted@example.org"
	leftNumber  = "424242"
)

func forgetKey(t *testing.T, text string) *privacy.Policy {
	t.Helper()
	p, err := privacy.Parse(text, []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func people(t *testing.T) []privacy.Person {
	t.Helper()
	var out []privacy.Person
	for _, p := range []struct {
		kind  privacy.Kind
		value string
	}{{privacy.Address, leftAddress}, {privacy.Device, leftDevice}, {privacy.User, leftUser}, {privacy.User, leftNumber}} {
		person, err := privacy.NewPerson(p.kind, p.value)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, person)
	}
	return out
}

const forgetHead = "revenue,transaction_id,offer_id,affiliate_id,datetime,ip,device_id,user_id,affiliate_sub1,url,extra\n"

// forgetRow is one row: number 0 to 6 of ten are the people's, in other ways each.
func forgetRow(i int) string {
	cells := []string{fmt.Sprintf("t%d", i), "1", "2", "2016-09-09 09:00:00", "198.51.100.1", "other-device-id", "17", "", "http://a/?b=c&user_id=7", ""}
	switch i % 10 {
	case 0:
		cells[4] = leftAddress
	case 1:
		cells[5] = strings.ToLower(leftDevice)
	case 2:
		cells[6] = leftNumber
	case 3:
		cells[7] = leftUser
	case 4:
		cells[8] = `"http://a/?x=""y""&to=http%3A%2F%2Fb%2F%3Fmail%3Duser-pl4nted%2540example.org"`
	case 5:
		cells[9] = leftDevice
	case 6:
		cells[8] = "http://a/?b=c&user_id=" + leftNumber
	case 7:
		cells[7], cells[8] = leftNumber, "http://a/?offer_id="+leftNumber // a number that is somebody's elsewhere only
	}
	return fmt.Sprintf("%d.25,", i) + strings.Join(cells, ",")
}

// gone fails the test if the values are found anywhere in the store.
func gone(t *testing.T, st *store.Store, when string) {
	t.Helper()
	planted := []string{leftAddress, "6d92078a", "6D92078A", "pl4nted", "user_id=" + leftNumber}
	if places := found(t, st, planted...); len(places) > 0 {
		t.Errorf("%s: it is found in\n%s", when, strings.Join(places, "\n"))
	}
	if n := count(t, st, "SELECT count() FROM clicks WHERE user_id = '"+leftNumber+"'"); n != 0 {
		t.Errorf("%s: %d rows have the user", when, n)
	}
}

// removed fails the test if rows are there that are only marked as deleted.
func removed(t *testing.T, st *store.Store) {
	t.Helper()
	parts, database := st.Parts()
	if n := count(t, st, "SELECT count() FROM "+parts+" WHERE database = ? AND active AND has_lightweight_delete", database); n != 0 {
		t.Errorf("%d parts hold rows that are only marked", n)
	}
}

// summed fails the test unless the roll-ups of clicks and impressions answer, with the numbers
// and sums of the rows. What verify finds says the same of each roll-up by itself, and of all days.
func summed(t *testing.T, st *store.Store, when string) {
	t.Helper()
	const totals = "SELECT toString((sum(n), sum(cents))) FROM (SELECT network, toDate(datetime) AS day, offer_id, count() AS n, sum(revenue_cents) AS cents FROM %s GROUP BY network, day, offer_id)"
	rolled := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"optimize_use_projections": 1, "force_optimize_projection": 1}))
	for _, table := range []string{"clicks", "impressions"} {
		var byRows, byRollUp string
		query := fmt.Sprintf(totals, table)
		if err := errors.Join(st.Conn().QueryRow(t.Context(), query).Scan(&byRows), st.Conn().QueryRow(rolled, query).Scan(&byRollUp)); err != nil {
			t.Fatalf("%s: %s: %v", when, table, err)
		}
		if byRows != byRollUp || strings.HasSuffix(byRows, ",0)") {
			t.Errorf("%s: %s has %s by its rows, %s by its roll-ups", when, table, byRows, byRollUp)
		}
	}
}

// sums is what ledger and store say of a network: rows, forgotten, and what verify finds, in
// roll-ups as well.
func sums(t *testing.T, st *store.Store, network string) string {
	t.Helper()
	report, err := Verify(t.Context(), st, Options{Network: network, Types: rawlog.All()})
	if err != nil {
		t.Fatal(err)
	}
	found := []any{}
	for _, d := range report.Differences {
		found = append(found, d)
	}
	for _, d := range report.RollUps {
		found = append(found, d)
	}
	return fmt.Sprintf("rows %d, ledger %d, forgotten %d, lines %d, unsettled %d, %v",
		count(t, st, "SELECT (SELECT count() FROM clicks WHERE network = '"+network+"') + (SELECT count() FROM impressions WHERE network = '"+network+"')"), report.Rows,
		count(t, st, "SELECT sum(forgotten) FROM ingest_files_current WHERE network = '"+network+"'"),
		count(t, st, "SELECT toUInt64(abs(toInt64(sum(lines)) - countIf(lines > 0) - sum(rows) - sum(rejected) - sum(forgotten))) FROM ingest_files_current WHERE network = '"+network+"'"),
		report.Unsettled, found)
}

// A person is found nowhere after forget, nor after a reload; another network's rows stay; what
// is broken off in its middle is gone on with.
func TestForget(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f := newFolder(t)
	f.raw(t, 0, 1, forgetHead+lines(30, forgetRow)+"t9,"+leftAddress+",x\nt9,quoted "+leftUser+"\n", zip.Deflate)
	f.raw(t, 1, 2, forgetHead+lines(20, forgetRow), zip.Deflate)
	f.raw(t, 2, 3, forgetHead+lines(3, func(int) string { return forgetRow(0) }), zip.Deflate) // all of them
	f.raw(t, 3, 4, "transaction_id,"+leftUser+","+leftAddress+"\n", zip.Deflate)               // a header that quotes
	f.raw(t, 4, 5, forgetHead+lines(400, func(i int) string { return forgetRow(i) + "&p=" + strings.Repeat("x", 2000) }), zip.Store)
	f.put(gen.FileName(rawlog.Impressions, firstHour, 7), forgetHead+lines(20, forgetRow))
	opts := Options{Network: "n", Log: log, Privacy: forgetKey(t, ""), MaxMemory: 4 << 20, Parsers: 1, Fetchers: 1}
	load := func(network string, reload bool, rows, forgotten uint64) {
		t.Helper()
		opts := opts
		opts.Network, opts.Reload = network, reload
		if sum, err := Run(t.Context(), st, f.source(), opts); err != nil || sum.Rows != rows || sum.Forgotten != forgotten {
			t.Fatalf("%v, %+v", err, sum)
		}
	}
	load("n", false, 473, 0)
	load("n", true, 473, 0) // the rows of before are marked as deleted
	load("other", false, 473, 0)
	exec(t, st, "INSERT INTO "+st.Holding("conversion_updates")+" (network, id, ad_id, other) VALUES ('n', 1, 't1', map('x', '"+leftUser+"')), ('n', 2, 't2', map()), ('other', 3, 't1', map('x', '"+leftUser+"'))")
	exec(t, st, "INSERT INTO "+st.Holding("ingest_runs")+" (network, run, error) VALUES ('n', 'r', 'what "+leftUser+" said')")
	said.Reset()

	dry := opts
	dry.DryRun = true
	found, err := Forget(t.Context(), st, dry, people(t))
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, st, "SELECT count() FROM ingest_forgotten"); n != 0 || sums(t, st, "n") != "rows 473, ledger 473, forgotten 0, lines 0, unsettled 0, []" {
		t.Errorf("a dry run left %d receipts, %s", n, sums(t, st, "n"))
	}
	begin := time.Now()
	got, err := Forget(t.Context(), st, opts, people(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v in %s", got, time.Since(begin))
	if fmt.Sprint(found.Rows, found.Lines, found.Files) != fmt.Sprint(got.Rows, got.Lines, got.Files) {
		t.Errorf("a dry run found %+v, then %+v", found, got)
	}
	// Of 30, 20, 400 and 20 rows seven in ten, and all of three; but not number 7.
	const rows, forgotten = 473 - 21 - 14 - 3 - 280 - 14, 21 + 14 + 3 + 280 + 14
	want := fmt.Sprintf("rows %d, ledger %d, forgotten %d, lines 0, unsettled 0, []", rows, rows, forgotten)
	if got.Rows["clicks"] != forgotten-14 || got.Rows["impressions"] != 14 || got.Rows["conversion_updates"] != 1 || got.Lines != 2 || got.Files != 5 || got.Values != 4 || got.Known != 0 {
		t.Errorf("%+v", got)
	}
	if sums(t, st, "n") != want || sums(t, st, "other") != "rows 473, ledger 473, forgotten 0, lines 0, unsettled 0, []" {
		t.Errorf("%s\n%s", sums(t, st, "n"), sums(t, st, "other"))
	}
	if n := count(t, st, "SELECT count() FROM clicks WHERE network = 'n' AND affiliate_sub1 = '"+leftNumber+"'"); n != 45 {
		t.Errorf("%d of 45 rows are left in which the number is nobody's", n)
	}
	if _, err := Forget(t.Context(), st, Options{Network: "other", Privacy: opts.Privacy}, people(t)); err != nil {
		t.Fatal(err)
	}
	gone(t, st, "after forget")
	removed(t, st)
	summed(t, st, "after forget")
	if text := said.String(); strings.Contains(text, leftAddress) || strings.Contains(text, "pl4nted") || strings.Contains(strings.ToLower(text), "6d92078a") {
		t.Errorf("the log says %s", text)
	}
	if again, err := Forget(t.Context(), st, opts, people(t)); err != nil || len(again.Rows) != 0 || again.Known != 4 || again.Resumed != 0 {
		t.Errorf("%v, %+v", err, again)
	}
	// It does not come back: by a reload, a late file, or a file that failed.
	said.Reset()
	load("n", true, rows, forgotten)
	f.raw(t, 5, 6, forgetHead+lines(10, forgetRow), zip.Deflate)
	load("n", false, 3, 7)
	gone(t, st, "after a reload")
	summed(t, st, "after a reload")
	if sums(t, st, "n") != fmt.Sprintf("rows %d, ledger %d, forgotten %d, lines 0, unsettled 0, []", rows+3, rows+3, forgotten+7) {
		t.Error(sums(t, st, "n"))
	}
	if text := said.String(); strings.Contains(text, leftAddress) || strings.Contains(text, "pl4nted") || strings.Contains(strings.ToLower(text), "6d92078a") {
		t.Errorf("the log says %s", text)
	}
	if n := count(t, st, "SELECT count() FROM rejected_rows WHERE network = 'n' AND raw LIKE '%withheld as somebody was forgotten)'"); n != 2 {
		t.Errorf("%d lines are withheld", n)
	}
	// Without the key, and under another one, nothing is loaded.
	for _, key := range []string{"", "another key of 16"} {
		other, err := privacy.Parse("", []byte(key))
		if err != nil {
			t.Fatal(err)
		}
		opts := opts
		opts.Privacy = other
		var wrong *checkpoint.OtherKeyError
		if _, err := Run(t.Context(), st, f.source(), opts); !errors.As(err, &wrong) || wrong.Receipts != 4 {
			t.Errorf("%v", err)
		}
	}
}

// Rows that a policy hashed are found by the hash; what it cut or dropped is nobody's any more.
func TestForgetHashed(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	f := newFolder(t)
	f.raw(t, 0, 1, forgetHead+lines(10, forgetRow), zip.Deflate)
	opts := Options{Network: "n", Privacy: forgetKey(t, "ip=hash, device_id=hash, user_id=hash, affiliate_sub1=hash, headers.extra=hash, url_params.mail=hash, url_params.user_id=hash")}
	if sum, err := Run(t.Context(), st, f.source(), opts); err != nil || sum.Rows != 10 {
		t.Fatalf("%v, %+v", err, sum)
	}
	gone(t, st, "under the policy")
	got, err := Forget(t.Context(), st, opts, people(t))
	if err != nil || got.Rows["clicks"] != 7 {
		t.Fatalf("%v, %+v", err, got)
	}
	opts.Reload = true
	if sum, err := Run(t.Context(), st, f.source(), opts); err != nil || sum.Rows != 3 || sum.Forgotten != 7 {
		t.Errorf("%v, %+v", err, sum)
	}
	// A cut address stays, until its text is read again.
	cut := Options{Network: "cut", Privacy: forgetKey(t, "ip=truncate")}
	if sum, err := Run(t.Context(), st, f.source(), cut); err != nil || sum.Rows != 10 {
		t.Fatalf("%v, %+v", err, sum)
	}
	if got, err := Forget(t.Context(), st, cut, people(t)); err != nil || got.Rows["clicks"] != 6 {
		t.Errorf("%v, %+v", err, got)
	}
	cut.Reload = true
	if sum, err := Run(t.Context(), st, f.source(), cut); err != nil || sum.Rows != 3 || sum.Forgotten != 7 {
		t.Errorf("%v, %+v", err, sum)
	}
}

// Wherever a forget dies, all states that it leaves are told apart: a load goes on from it and
// calls no row lost, and the same forget ends it.
func TestForgetCrashMatrix(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	f := newFolder(t)
	f.raw(t, 0, 1, forgetHead+lines(10, forgetRow)+"t9,"+leftAddress+",x\n", zip.Deflate)
	f.raw(t, 1, 2, forgetHead+lines(10, forgetRow), zip.Deflate)
	opts := func(network string, reload bool) Options {
		return Options{Network: network, Privacy: forgetKey(t, ""), Parsers: 1, Fetchers: 1, Reload: reload}
	}
	forget := func(s *saboteur, network string) error {
		cfg := cfg
		cfg.Hook = s.hook
		ctx, die := context.WithCancelCause(t.Context())
		defer die(nil)
		s.die = die
		hooked, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer hooked.Close()
		_, err = Forget(ctx, hooked, opts(network, false), people(t))
		return err
	}
	load := func(network string, reload bool) {
		t.Helper()
		if sum, err := Run(t.Context(), st, f.source(), opts(network, reload)); err != nil || sum.Failed > 0 {
			t.Errorf("%s: %v, %+v", network, err, sum)
		}
	}
	load("counted", false)
	counting := new(saboteur)
	if err := forget(counting, "counted"); err != nil {
		t.Fatal(err)
	}
	const want = "rows 6, ledger 6, forgotten 14, lines 0, unsettled 0, []"
	if got := sums(t, st, "counted"); got != want {
		t.Fatal(got)
	}
	struck, networks := 0, 1
	for i, at := range counting.all {
		// What is before a write is what is after the one before it.
		if at.kind == "lease" || at.nth > 2 || at.nth > 1 && at.kind != "ledger" && at.kind != "receipt" {
			continue
		}
		struck++
		var network string
		var s *saboteur
		var err error
		for try := range 5 {
			network = fmt.Sprintf("%d-%s-%d", i, at.kind, try)
			load(network, false)
			networks++
			s = &saboteur{trap: trap{at: at}, fault: dieAfter}
			err = forget(s, network)
			if s.op.Load() != nil || at.kind != "purge" {
				break // else a merge has left the purge nothing to do
			}
		}
		if s.op.Load() == nil || err == nil {
			t.Fatalf("%v: the fault never struck, or it lives: %v", at, err)
		}
		testkit.ExpireLeases(t, st, network)
		if n := count(t, st, "SELECT count() FROM ingest_forgotten FINAL WHERE network = ?", network); n != 4 { // else a reload brought them back
			t.Errorf("%v: there are %d receipts", at, n)
		}
		again := i%2 == 0 // the rows are replaced in between
		load(network, again)
		if report, err := Verify(t.Context(), st, opts(network, false)); err != nil || len(report.Differences)+len(report.RollUps) > 0 || report.Unsettled > 0 {
			t.Errorf("%v: verify before it is repeated: %+v, %v", at, report, err)
		}
		if got, err := Forget(t.Context(), st, opts(network, false), people(t)); err != nil || got.Known != 4 || again && len(got.Rows) > 0 {
			t.Errorf("%v: %+v, %v", at, got, err)
		}
		if got := sums(t, st, network); got != want {
			t.Errorf("%v: %s", at, got)
		}
		if n := count(t, st, "SELECT countIf(state = 'done') FROM ingest_forgotten FINAL WHERE network = ?", network); n != 4 {
			t.Errorf("%v: %d receipts are done", at, n)
		}
	}
	if struck < 7 {
		t.Errorf("only %d faults of %v", struck, counting.all)
	}
	gone(t, st, "after all")
	if n := count(t, st, "SELECT sum(n) FROM (SELECT network, toDate(datetime) AS day, offer_id, count() AS n FROM clicks GROUP BY network, day, offer_id) SETTINGS optimize_use_projections = 1, force_optimize_projection = 1"); n != 6*uint64(networks) {
		t.Errorf("the roll-ups have %d rows, want %d", n, 6*networks)
	}
}

// Of an entry's rows no more count as forgotten than were to be deleted.
func TestForgot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rows, forgetting, there, want, forgotten uint64 }{
		{10, 3, 10, 10, 5}, {10, 3, 8, 8, 7}, {10, 3, 7, 7, 8}, {10, 3, 6, 10, 5}, {10, 3, 11, 10, 5}, {3, 3, 0, 0, 8}, {10, 0, 10, 10, 5},
	} {
		e := checkpoint.Entry{Rows: c.rows, Forgetting: c.forgetting, Forgotten: 5, Rescued: 9, Inexact: 9}
		if forgot(&e, c.there); e.Rows != c.want || e.Forgotten != c.forgotten || e.Forgetting != 0 || e.Rescued > max(e.Rows, 9) || e.Rescued > e.Rows {
			t.Errorf("%+v: %+v", c, e)
		}
	}
}

func exec(t *testing.T, st *store.Store, statement string) {
	t.Helper()
	if err := testkit.OnShards(t.Context(), st, statement); err != nil {
		t.Fatal(err)
	}
}
