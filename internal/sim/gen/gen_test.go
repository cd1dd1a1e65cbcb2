package gen

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/rawlog"
)

func testHour() time.Time { return time.Date(2016, 9, 9, 9, 0, 0, 0, time.UTC) }

func csvOf(t testing.TB, n *Network, s Spec) ([]byte, Truth) {
	t.Helper()
	var b bytes.Buffer
	truth, err := n.WriteCSV(&b, s)
	if err != nil {
		t.Fatal(err)
	}
	if truth.Bytes != int64(b.Len()) {
		t.Fatalf("truth says %d bytes, %d were written", truth.Bytes, b.Len())
	}
	return b.Bytes(), truth
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		typ        rawlog.Type
		old, newer int
	}{{rawlog.Clicks, 57, 65}, {rawlog.Conversions, 64, 70}, {rawlog.Impressions, 56, 64}} {
		if got := len(Header(tc.typ, 2016)); got != tc.old {
			t.Errorf("%s of 2016: %d columns, want %d", tc.typ, got, tc.old)
		}
		if got := len(Header(tc.typ, 2022)); got != tc.newer {
			t.Errorf("%s of 2022: %d columns, want %d", tc.typ, got, tc.newer)
		}
		h := slices.Clone(Header(tc.typ, 2022))
		slices.Sort(h)
		if len(slices.Compact(h)) != tc.newer {
			t.Errorf("%s of 2022: a column twice", tc.typ)
		}
	}
	clicks := Header(rawlog.Clicks, 2022)
	if clicks[7] != "affiliate_click_id" || clicks[14] != "affiliate_unique_1" || clicks[18] != "affiliate_unique_5" ||
		clicks[64] != "access_control_reason_code" {
		t.Errorf("the newer columns are not where they were seen: %v", clicks)
	}
}

func TestDeterministic(t *testing.T) {
	t.Parallel()
	for _, typ := range rawlog.Types() {
		spec := Spec{Type: typ, Hour: testHour(), Rows: 300, Broken: 3}
		a, truthA := csvOf(t, New(Config{Seed: 7}), spec)
		n := New(Config{Seed: 7})
		csvOf(t, n, Spec{Type: typ, Hour: testHour().Add(time.Hour), Rows: 10})
		b, truthB := csvOf(t, n, spec)
		if !bytes.Equal(a, b) {
			t.Errorf("%s: the same seed gives other bytes", typ)
		}
		if diff := cmp.Diff(truthA, truthB); diff != "" {
			t.Errorf("%s: the same seed gives another truth: %s", typ, diff)
		}
		for _, other := range []Config{{Seed: 8}, {Seed: 7, ID: "22222"}} {
			if c, _ := csvOf(t, New(other), spec); bytes.Equal(a, c) {
				t.Errorf("%s: %+v gives the same bytes", typ, other)
			}
		}
	}
}

func TestTruthHolds(t *testing.T) {
	t.Parallel()
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	n := New(Config{Seed: 3})
	for name, spec := range map[string]Spec{
		"clicks 2016":    {Type: rawlog.Clicks, Rows: 6000, Broken: 25},
		"clicks 2022":    {Type: rawlog.Clicks, Rows: 3000, Header: Header(rawlog.Clicks, 2022), Zone: prague},
		"conversions":    {Type: rawlog.Conversions, Rows: 700, Broken: 10},
		"impressions":    {Type: rawlog.Impressions, Rows: 900, Broken: 1, Header: Header(rawlog.Impressions, 2022)},
		"as the network": {Type: rawlog.Clicks},
		"shifted":        {Type: rawlog.Clicks, Rows: 50, Shift: -10 * time.Hour},
		"empty":          {Type: rawlog.Clicks, Empty: true, Broken: 3},
		"unknown":        {Type: rawlog.Clicks, Rows: 200, Unknown: []UnknownColumn{{Name: "fraud_score", At: 5, Values: []string{"1", `a "b", c`}}, {Name: "later", At: -1}}},
		"few columns":    {Type: rawlog.Clicks, Rows: 200, Broken: 7, Header: []string{"offer_id", "datetime", "transaction_id"}},
	} {
		spec.Hour = testHour()
		text, truth := csvOf(t, n, spec)
		rows, err := Recount(text, truth)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := spec.Rows
		if want == 0 && !spec.Empty {
			want = n.Rows(spec.Type, spec.Hour)
		}
		broken := spec.Broken
		if spec.Empty {
			broken = 0
		}
		if len(rows) != want || truth.Rows != want || len(truth.Broken) != broken || truth.Lines != 1+want+broken {
			t.Errorf("%s: %d rows read; truth has %d, %d broken, %d lines; want %d", name, len(rows), truth.Rows, len(truth.Broken), truth.Lines, want)
		}
		sum := 0
		for _, total := range truth.Totals {
			sum += total.Rows
		}
		if sum != want {
			t.Errorf("%s: totals sum up to %d rows, want %d", name, sum, want)
		}
		zone := spec.Zone
		if zone == nil {
			zone = time.UTC
		}
		at := slices.Index(truth.Header, "datetime")
		from := spec.Hour.Add(spec.Shift)
		for _, r := range rows {
			when, err := time.ParseInLocation(time.DateTime, r.Fields[at], zone)
			if err != nil || when.Before(from) || !when.Before(from.Add(time.Hour)) {
				t.Errorf("%s: line %d: datetime %q is not of the hour (%v)", name, r.Line, r.Fields[at], err)
				break
			}
		}
	}
}

// Neither alone nor with the lines that follow may a broken line split.
func TestBrokenLinesAreBroken(t *testing.T) {
	t.Parallel()
	text, truth := csvOf(t, New(Config{Seed: 5}), Spec{Type: rawlog.Clicks, Hour: testHour(), Rows: 100, Broken: 40})
	lines := strings.SplitAfter(string(text), "\n")
	kinds := make(map[BreakKind]int)
	for _, b := range truth.Broken {
		kinds[b.Kind]++
		if lines[b.Line-1] != b.Raw+"\n" {
			t.Errorf("line %d is not the one that truth has", b.Line)
		}
		for _, rest := range []int{0, 1, 5} {
			r := csv.NewReader(strings.NewReader(strings.Join(lines[b.Line-1:min(b.Line+rest, len(lines))], "")))
			r.FieldsPerRecord = len(truth.Header)
			if _, err := r.Read(); err == nil {
				t.Errorf("line %d (%s) reads as good with %d lines more", b.Line, b.Kind, rest)
			}
		}
	}
	if len(kinds) != 5 {
		t.Errorf("kinds of broken lines: %v", kinds)
	}
}

func TestConversionsJoinClicks(t *testing.T) {
	t.Parallel()
	since := testHour().Add(-5 * time.Hour)
	n := New(Config{Seed: 11, Clicks: 400, Since: since})
	clicks := make(map[string][]string)
	for h := since; !h.After(testHour()); h = h.Add(time.Hour) {
		text, truth := csvOf(t, n, Spec{Type: rawlog.Clicks, Hour: h})
		rows, err := Recount(text, truth)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if clicks[r.Fields[0]] != nil {
				t.Fatalf("transaction %s twice", r.Fields[0])
			}
			clicks[r.Fields[0]] = r.Fields
		}
	}
	text, truth := csvOf(t, n, Spec{Type: rawlog.Conversions, Hour: testHour(), Rows: 500})
	rows, err := Recount(text, truth)
	if err != nil {
		t.Fatal(err)
	}
	click := Header(rawlog.Clicks, 2016)
	seen := make(map[string]map[string]bool)
	for _, r := range rows {
		from := clicks[r.Fields[0]]
		if from == nil {
			t.Fatalf("line %d: no click %s", r.Line, r.Fields[0])
		}
		for _, col := range []string{"affiliate_id", "affiliate_manager_id", "advertiser_id", "offer_id", "country_code", "affiliate_sub4", "user_agent"} {
			got, want := r.Fields[slices.Index(truth.Header, col)], from[slices.Index(click, col)]
			if col != "user_agent" && got != want {
				t.Errorf("line %d: %s is %q, its click has %q", r.Line, col, got, want)
			}
		}
		at, session := r.Fields[slices.Index(truth.Header, "datetime")], r.Fields[slices.Index(truth.Header, "session_datetime")]
		if session > at || session != from[slices.Index(click, "datetime")] {
			t.Errorf("line %d: converted %s, session %s, clicked %s", r.Line, at, session, from[slices.Index(click, "datetime")])
		}
		if seen[r.Fields[0]] == nil {
			seen[r.Fields[0]] = make(map[string]bool)
		}
		seen[r.Fields[0]][r.Fields[slices.Index(truth.Header, "goal_id")]] = true
	}
	several := 0
	for _, goals := range seen {
		if len(goals) > 1 {
			several++
		}
	}
	if several == 0 {
		t.Error("no transaction has several goals")
	}
}

func TestArchives(t *testing.T) {
	t.Parallel()
	n := New(Config{Seed: 1})
	spec := Spec{Type: rawlog.Clicks, Hour: testHour(), Rows: 8_000}
	text, truth := csvOf(t, n, spec)
	var b bytes.Buffer
	zipped, err := n.WriteZip(&b, "x.csv", spec)
	if err != nil {
		t.Fatal(err)
	}
	if zipped.Archive != int64(b.Len()) || zipped.Bytes != truth.Bytes {
		t.Errorf("zip of %d bytes from %d: truth says %d from %d", b.Len(), len(text), zipped.Archive, zipped.Bytes)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	entry, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(entry)
	if err != nil || sha256.Sum256(got) != sha256.Sum256(text) || len(z.File) != 1 {
		t.Errorf("the zip does not hold the csv (%v)", err)
	}
	perRow, ratio := float64(truth.Bytes)/float64(truth.Rows), float64(truth.Bytes)/float64(zipped.Archive)
	t.Logf("%.0f bytes a row, compressed %.2f times", perRow, ratio)
	if perRow < 570 || perRow > 680 || ratio < 4.8 || ratio > 6 {
		t.Errorf("%.0f bytes a row, compressed %.2f times: not like the real ones", perRow, ratio)
	}
}

func TestFileName(t *testing.T) {
	t.Parallel()
	name := FileName(rawlog.Clicks, testHour(), 1)
	typ, hour, err := rawlog.ParseName(name)
	if err != nil || typ != rawlog.Clicks || !hour.Equal(testHour()) || len(name) != len("20160909/clicks-1473411600-SlY9UO.zip") {
		t.Errorf("%q: %v %v %v", name, typ, hour, err)
	}
	if FileName(rawlog.Clicks, testHour(), 2) == name || FileName(rawlog.Clicks, testHour(), 1) != name {
		t.Error("the suffix does not follow the seed")
	}
}

func BenchmarkWriteCSV(b *testing.B) {
	n := New(Config{Seed: 1})
	var bytes int64
	for b.Loop() {
		truth, err := n.WriteCSV(io.Discard, Spec{Type: rawlog.Clicks, Hour: testHour(), Rows: 50_000})
		if err != nil {
			b.Fatal(err)
		}
		bytes = truth.Bytes
	}
	b.SetBytes(bytes)
}
