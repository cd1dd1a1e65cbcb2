package pipeline

import (
	"bytes"
	"log/slog"
	"net/url"
	"slices"
	"testing"
	"time"

	"rawlogs/internal/dirs/convreport"
	"rawlogs/internal/dirs/hoapi"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

// Days that are read by their files come to the rows that pages come to, in all columns, and
// the ledger to the network's counts.
func TestReportByFile(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	n := testkit.Simnet(t, simnet.Config{Limit: 100_000, Zone: zone})
	at := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, at)
	client, err := hasoffers.New(hasoffers.Config{NetworkID: n.ID(), Auth: hasoffers.NetworkToken(n.Token()), BaseURL: n.URL, Calls: 100_000, Backoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ways := map[string]*reported{}
	logs := map[string]*bytes.Buffer{}
	for _, way := range []string{"pages", "files"} {
		now := func() time.Time { return time.Date(2016, 9, 13, 12, 0, 0, 0, time.UTC) }
		logs[way] = new(bytes.Buffer)
		cfg := convreport.Config{Client: client, Zone: zone, Limit: 25, Spool: t.TempDir(), Now: now, Log: slog.New(slog.NewTextHandler(logs[way], nil))}
		if way == "files" {
			cfg.Links = func(ask convreport.Ask) convreport.Opener { return hoapi.Links(hoapi.Config{Client: client}, ask) }
		}
		ways[way] = &reported{t, n.Network, at, st, convreport.New(cfg), Options{Network: way, Types: []rawlog.Type{rawlog.ConversionReport}, Now: now, Zones: rawlog.InZone(zone), Log: testLog(t), Fetchers: 1, Parsers: 1}}
	}
	for i, rows := range []int{0, 60, 10, 130} {
		n.Happen(string(rune('a'+i)), gen.Spec{Type: rawlog.Conversions, Hour: nine.AddDate(0, 0, i), Rows: rows + 1})
	}
	counts := func() (days []uint64) {
		for day := range 4 {
			date := nine.AddDate(0, 0, day).Format(time.DateOnly)
			data, err := client.Call(t.Context(), "Report", "getConversions", url.Values{"fields[]": {"Stat.datetime"}, "limit": {"1"}, "page": {"1"},
				"filters[Stat.date][conditional]": {"BETWEEN"}, "filters[Stat.date][values][0]": {date}, "filters[Stat.date][values][1]": {date}})
			if err != nil {
				t.Fatal(err)
			}
			page, err := hasoffers.SplitPage(data)
			if err != nil {
				t.Fatal(err)
			}
			days = append(days, uint64(page.Count))
		}
		return days
	}
	same := func() {
		t.Helper()
		want := counts()
		for way, r := range ways {
			sum := r.load("20160909..20160912")
			if sum.Failed > 0 || len(sum.Issues) > 0 {
				t.Errorf("%s: %+v", way, sum)
			}
		}
		const all = "SELECT count(), toString(arraySort(groupArray(cityHash64(* EXCEPT (network, _insert, _loaded_at))))) FROM conversion_report WHERE network = ?"
		var rows [2]uint64
		var prints [2]string
		for i, way := range []string{"pages", "files"} {
			if err := st.Conn().QueryRow(t.Context(), all, way).Scan(&rows[i], &prints[i]); err != nil {
				t.Fatal(err)
			}
			var days []uint64
			if err := st.Conn().QueryRow(t.Context(), "SELECT arrayMap(f -> f.2, arraySort(groupArray((file, rows)))) FROM ingest_files_current WHERE network = ?", way).Scan(&days); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(days, want) {
				t.Errorf("%s: the ledger has %v rows a day, the network %v", way, days, want)
			}
		}
		if rows[0] != rows[1] || prints[0] != prints[1] {
			t.Errorf("pages have %d rows, files %d, or other values", rows[0], rows[1])
		}
	}
	same()
	n.ForgetCalls()
	ways["files"].load("20160909..20160912")
	if calls := n.Usage().Methods; calls["getConversions"] != 4 || calls["getDownloadReportLink"] != 2 {
		t.Errorf("%v", calls)
	}
	// What changes since, in several currencies, and a field fewer.
	n.Conversions.Currencies("USD", "EUR")
	n.Conversions.Refuse(true, "Stat.session_ip")
	n.Revise(3)
	n.Downloads.Halve(1)
	same()
	// A file that lacks rows is none.
	n.Happen("e", gen.Spec{Type: rawlog.Conversions, Hour: nine.Add(2 * time.Hour), Rows: 40})
	n.Downloads.Edit(func(rows [][]string) [][]string { return rows[:len(rows)-1] })
	same()
	if !bytes.Contains(logs["files"].Bytes(), []byte("reading the day's pages")) || bytes.Contains(logs["pages"].Bytes(), []byte("file of the report")) {
		t.Errorf("%s\n%s", logs["files"], logs["pages"])
	}
}
