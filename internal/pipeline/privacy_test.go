package pipeline

import (
	"archive/zip"
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	firehosedir "rawlogs/internal/dirs/firehose"
	diskfolder "rawlogs/internal/dirs/folder"
	"rawlogs/internal/privacy"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// found lists where the planted values are: in which tables of the store, and in what the
// server says of its statements.
func found(t *testing.T, st *store.Store, planted ...string) (out []string) {
	t.Helper()
	if err := st.Conn().Exec(t.Context(), "SYSTEM FLUSH LOGS"); err != nil {
		t.Fatal(err)
	}
	tables := list(t, st, "SELECT groupArray(name) FROM system.tables WHERE database = currentDatabase() AND (engine LIKE '%MergeTree' OR engine = 'Distributed') AND ? = ''", "")
	var parts []string
	for _, name := range tables {
		parts = append(parts, "SELECT '"+name+"' AS place, toString(tuple(*)) AS text FROM "+name)
	}
	if count(t, st, "SELECT count() FROM system.tables WHERE database = 'system' AND name = 'query_log'") > 0 {
		parts = append(parts, "SELECT 'query_log' AS place, concat(query, exception) AS text FROM system.query_log WHERE query NOT LIKE '%AS place%'")
	}
	conditions := make([]string, len(planted))
	for i, p := range planted {
		conditions[i] = "position(text, '" + p + "') > 0"
	}
	rows, err := st.Conn().Query(t.Context(), "SELECT place, substring(any(text), 1, 600) FROM ("+strings.Join(parts, " UNION ALL ")+") WHERE "+strings.Join(conditions, " OR ")+" GROUP BY place ORDER BY place")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var place, text string
		if err := rows.Scan(&place, &text); err != nil {
			t.Fatal(err)
		}
		out = append(out, place+": "+text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// What a policy takes is nowhere: in no table, ledger and rejected lines included, and in no
// log; of events as of raw logs, small or in slices. A reload brings the policy of now.
func TestPrivacyNowhere(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	policy := func(text string) *privacy.Policy {
		p, err := privacy.Parse(text, []byte("0123456789abcdef"))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	const taken = "ip=drop, session_ip=drop, device_id=drop, customer_id=drop, affiliate_sub1=drop, headers.e-mail=drop, url_params.mail=drop"
	planted := []string{"203.0.113.77", "pl4nted"}
	f := newFolder(t)
	const head = "transaction_id,offer_id,affiliate_id,datetime,ip,device_id,affiliate_sub1,url,e-mail\n"
	row := func(i int) string {
		return fmt.Sprintf(`t%d,1,2,2016-09-30 21:00:%02d,203.0.113.77,dev-pl4nted,"sub ""pl4nted""",http://a/?b=c&mail=pl4nted%%40x,pl4nted`, i, i%60)
	}
	first := f.raw(t, 0, 1, head+lines(3, row)+"t9,203.0.113.77,pl4nted\n"+lines(2, row), zip.Deflate)
	f.raw(t, 1, 2, head+lines(20, func(i int) string { return fmt.Sprintf("t%d,1,2,2016-09-30 22:00:00,pl4nted,,,,", i) }), zip.Deflate)
	f.raw(t, 2, 3, strings.ReplaceAll(lines(3, row), "t0", "pl4nted"), zip.Deflate)
	f.raw(t, 4, 5, "transaction_id,pl4nted,203.0.113.77,dev-pl4nted\n", zip.Deflate) // one that lost its line ends
	large := f.raw(t, 3, 4, head+lines(400, func(i int) string { return row(i) + strings.Repeat("x", 2000) }), zip.Store)
	opts := Options{Network: "n", Log: log, MaxMemory: 4 << 20, Parsers: 1, Fetchers: 1}

	events := t.TempDir()
	event := `{"timestamp":1473411601,"event_id":"e1","transaction_id":"t1","action":"conversion","offer_id":1,"affiliate_id":2,"session_ip":"203.0.113.77","device_id":"pl4nted","aff_sub":"pl4nted","e-mail":"pl4nted","url":"http://a/?mail=pl4nted"}`
	name := filepath.Join(events, "2016", "09", "09", "events.json")
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(event+"\n"+`{"action":"pl4nted","ip":"203.0.113.77"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func(p *privacy.Policy, reload bool, failed int, rows uint64) {
		t.Helper()
		opts := opts
		opts.Privacy, opts.Reload = p, reload
		if sum, err := Run(t.Context(), st, f.source(), opts); err != nil || sum.Failed != failed || sum.Rows != rows {
			t.Fatalf("%v, %+v", err, sum)
		}
		opts.Events, opts.Network, opts.MaxMemory = true, "e", 0
		if sum, err := Run(t.Context(), st, firehosedir.New(diskfolder.New(events, nil), nil), opts); err != nil || sum.Rows != 1 {
			t.Fatalf("%v, %+v", err, sum)
		}
	}
	under := func() string {
		t.Helper()
		return strings.Join(list(t, st, "SELECT arraySort(groupUniqArray(toString(privacy))) FROM ingest_files_current WHERE state = 'loaded' AND ? = ''", ""), "; ")
	}
	load(policy(taken), false, 1, 425)
	if places := found(t, st, planted...); len(places) > 0 || strings.Contains(said.String(), "pl4nted") || strings.Contains(said.String(), planted[0]) {
		t.Errorf("it is found in\n%s\n%s", strings.Join(places, "\n"), said.String())
	}
	if n := count(t, st, "SELECT count() FROM rejected_rows WHERE raw LIKE '(% bytes, withheld by the privacy policy)'"); n != 2 {
		t.Errorf("%d lines are withheld", n)
	}
	if want := policy(taken).String(); under() != want {
		t.Errorf("the ledger says %q, want %q", under(), want)
	}
	if e := entryOf(t, st, opts, large); e.Rows != 400 || e.Privacy == "" {
		t.Errorf("%+v", e)
	}
	// Without a policy all of them are found, which shows that the search works.
	load(nil, true, 2, 405) // "pl4nted" is not an address
	places := strings.Join(found(t, st, planted...), "\n")
	for _, table := range []string{"clicks: ", "conversions: ", "rejected_rows: ", "ingest_files: "} {
		if !strings.Contains("\n"+places, "\n"+table) {
			t.Errorf("%s is not among\n%s", table, places)
		}
	}
	if under() != "" {
		t.Errorf("the ledger says %q", under())
	}
	load(policy("transaction_id=hash, ip=truncate"), true, 1, 425)
	if n := count(t, st, "SELECT countIf(length(transaction_id) = 32 AND ip = toIPv6('203.0.113.0')) FROM clicks WHERE network = 'n' AND ip != toIPv6('::')"); n != 405 {
		t.Errorf("%d rows are hashed", n)
	}
	// A file that comes again is loaded again though its text is the same.
	if err := os.Chtimes(filepath.Join(f.root, first), firstHour, firstHour); err != nil {
		t.Fatal(err)
	}
	opts.Privacy = policy(taken)
	if sum, err := Run(t.Context(), st, f.source(), opts); err != nil || sum.Loaded != 1 || entryOf(t, st, opts, first).Privacy != policy(taken).String() {
		t.Errorf("%v, %+v", err, sum)
	}
}
