package load

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/store"
)

func TestClock(t *testing.T) {
	t.Parallel()
	const layout = "2006-01-02 15:04:05"
	for _, tc := range []struct{ zone, hour, text, want string }{
		{"UTC", "2016-09-09 09:00:00", "2016-09-09 09:00:01", "2016-09-09 09:00:01"},
		{"Europe/Prague", "2016-09-09 09:00:00", "2016-09-09 11:00:01", "2016-09-09 09:00:01"},
		{"Europe/Prague", "2016-01-09 09:00:00", "2016-01-09 10:00:01", "2016-01-09 09:00:01"},
		{"America/New_York", "2016-09-09 09:00:00", "2016-09-09 05:59:59", "2016-09-09 09:59:59"},
		{"Asia/Kolkata", "2016-09-09 09:00:00", "2016-09-09 14:30:00", "2016-09-09 09:00:00"},
		// Autumn: 02:00 to 02:59 come twice; the file's hour decides.
		{"Europe/Prague", "2016-10-30 00:00:00", "2016-10-30 02:30:00", "2016-10-30 00:30:00"},
		{"Europe/Prague", "2016-10-30 01:00:00", "2016-10-30 02:30:00", "2016-10-30 01:30:00"},
		{"Europe/Prague", "2016-10-29 23:00:00", "2016-10-30 02:30:00", "2016-10-30 00:30:00"},
		{"Europe/Prague", "2016-10-30 02:00:00", "2016-10-30 02:30:00", "2016-10-30 01:30:00"},
		{"Europe/Prague", "2016-10-30 02:00:00", "2016-10-30 03:00:00", "2016-10-30 02:00:00"},
		{"Europe/Prague", "2016-10-30 02:00:00", "2016-10-30 01:59:59", "2016-10-29 23:59:59"},
		{"America/New_York", "2016-11-06 05:00:00", "2016-11-06 01:10:00", "2016-11-06 05:10:00"},
		{"America/New_York", "2016-11-06 06:00:00", "2016-11-06 01:10:00", "2016-11-06 06:10:00"},
		// Spring: 02:00 to 02:59 do not exist, and are read with the offset before.
		{"Europe/Prague", "2016-03-27 01:00:00", "2016-03-27 02:30:00", "2016-03-27 01:30:00"},
		{"Europe/Prague", "2016-03-27 01:00:00", "2016-03-27 03:30:00", "2016-03-27 01:30:00"},
		{"Europe/Prague", "2016-03-27 01:00:00", "2016-03-27 01:59:59", "2016-03-27 00:59:59"},
		{"America/New_York", "2016-03-13 07:00:00", "2016-03-13 02:30:00", "2016-03-13 07:30:00"},
		// Half an hour, within an hour.
		{"Australia/Lord_Howe", "2016-04-02 14:00:00", "2016-04-03 01:15:00", "2016-04-02 14:15:00"},
		{"Australia/Lord_Howe", "2016-04-02 14:00:00", "2016-04-03 01:45:00", "2016-04-02 14:45:00"},
		{"Australia/Lord_Howe", "2016-04-02 15:00:00", "2016-04-03 01:45:00", "2016-04-02 15:15:00"},
	} {
		zone, err := time.LoadLocation(tc.zone)
		if err != nil {
			t.Fatal(err)
		}
		hour, err := time.Parse(layout, tc.hour)
		if err != nil {
			t.Fatal(err)
		}
		k := NewClock(zone)
		k.Reset(hour, hour.Add(time.Hour))
		for range 2 {
			got, ok := k.instant([]byte(tc.text))
			if s := time.Unix(got, 0).UTC().Format(layout); !ok || s != tc.want {
				t.Errorf("%s, hour %s: %s is %s, want %s", tc.zone, tc.hour, tc.text, s, tc.want)
			}
		}
	}
}

// TestClockCache holds what a clock with a warm cache says against a fresh one,
// around the transitions of zones of all kinds.
func TestClockCache(t *testing.T) {
	t.Parallel()
	const layout = "2006-01-02 15:04:05"
	for _, name := range []string{"UTC", "Europe/Prague", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, day := range []string{"2016-03-27", "2016-10-16", "2016-10-30", "2016-04-03", "2011-12-30", "2016-06-05"} {
			noon, _ := time.Parse(layout, day+" 12:00:00")
			warm := NewClock(zone)
			warm.Reset(noon, noon.Add(time.Hour))
			for m := -26 * 60; m < 26*60; m += 7 {
				local := noon.Add(time.Duration(m)*time.Minute + 59*time.Second)
				text := []byte(local.Format(layout))
				fresh := NewClock(zone)
				fresh.Reset(noon, noon.Add(time.Hour))
				a, _ := warm.instant(text)
				b, _ := fresh.instant(text)
				if a != b {
					t.Errorf("%s: %s is %d, and %d without a cache", name, text, a, b)
				}
				// Where the zone has the time once, the answer is the library's.
				if back := time.Unix(a, 0).In(zone).Format(layout); back != string(text) {
					if lib, _ := time.ParseInLocation(layout, string(text), zone); lib.Format(layout) == string(text) {
						t.Errorf("%s: %s became %s", name, text, back)
					}
				}
			}
		}
	}
}

func TestLayout(t *testing.T) {
	t.Parallel()
	table := testTable("a String", "b UInt8 DEFAULT", "c UInt8 DEFAULT", "m String MATERIALIZED", "l String ALIAS", "e String EPHEMERAL", "x Array(String)")
	for _, tc := range []struct {
		header  []string
		shape   Shape
		unknown []string
	}{
		{[]string{"a"}, "b\x00c", nil},
		{[]string{"a", "b", "c"}, "", nil},
		{[]string{"c", "m", "l", "e", "x", "nope", "_loaded_at", "_insert"}, "b", []string{"m", "l", "e", "x", "nope", "_loaded_at", "_insert"}},
	} {
		l := NewLayout(table, tc.header)
		if l.Shape() != tc.shape || !slices.Equal(l.Unknown(), tc.unknown) {
			t.Errorf("%v: shape %q, unknown %q", tc.header, l.Shape(), l.Unknown())
		}
		b, err := NewBlock(table)
		if err != nil {
			t.Fatal(err)
		}
		b.SetShape(l.Shape())
		want := []string{"a"}
		for _, c := range []string{"b", "c"} {
			if !l.Shape().omits(c) {
				want = append(want, c)
			}
		}
		want = append(want, "network", "_file", "_line", "_hour", "_insert", "_rescued")
		var got []string
		for _, c := range b.Input() {
			got = append(got, c.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: input (-want +got):\n%s", tc.header, diff)
		}
	}
	var left []string
	for _, c := range table.Unsupported() {
		left = append(left, c.Name)
	}
	if !slices.Equal(left, []string{"x"}) {
		t.Errorf("unsupported: %q", left)
	}
}

// A header's names mean columns in other spellings and in the network's other words,
// and their amounts are in another unit; the real name wins wherever it stands.
func TestAliases(t *testing.T) {
	t.Parallel()
	table := testTable("transaction_id String", "offer_id UInt32", "affiliate_source String", "affiliate_sub_1 String", "payout_cents Decimal(18, 4)", "revenue_cents Float64", "source_id UInt8", "n UInt32")
	for _, tc := range []struct{ header, record, cells, rescued string }{
		{"\ufeff Transaction ID |\"OFFER_ID\"\u00a0|aff_sub", "t|7|s", `t 7 "" s 0 0 0 0`, "[]"},
		{"ad_id|Stat.source|affiliate_info1|payout|revenue", "t|x|s|1.50|0.1", `t 0 x s 1500000 10 0 0`, "[]"},
		{"payout|revenue", "-0.0075|-3", `"" 0 "" "" -7500 -300 0 0`, "[]"},
		{"payout|revenue", ".5|0", `"" 0 "" "" 500000 0 0 0`, "[]"},
		{"payout|revenue", "|", `"" 0 "" "" 0 0 0 0`, "[]"},
		{"payout|payout_cents", "1.5|150", `"" 0 "" "" 1500000 0 0 0`, `[{"payout" "1.5"}]`},
		{"payout_cents|payout|PAYOUT", "150|1.5|1.6", `"" 0 "" "" 1500000 0 0 0`, `[{"payout" "1.5"} {"PAYOUT" "1.6"}]`},
		{"payout|revenue", "free|007", `"" 0 "" "" 0 0 0 0`, `[{"payout" "free"} {"revenue" "007"}]`},
		{"payout|revenue", "99999999999999|5.", `"" 0 "" "" 0 500 0 0`, `[{"payout" "99999999999999"}]`},
		{"payout|revenue", " +1.5|1e1", `"" 0 "" "" 1500000 1000 0 0`, "[]"},
		{"payout|revenue", `\N| `, `"" 0 "" "" 0 0 0 0`, "[]"},
		{"payout|revenue", "0.0000005|1e1", `"" 0 "" "" 0 1000 0 0`, `[{"payout" "0.0000005"}]`},
		{"payout|revenue", "0.0000015|", `"" 0 "" "" 2 0 0 0`, `[{"payout" "0.0000015"}]`},
		{"payout|revenue", "0.0000500|", `"" 0 "" "" 50 0 0 0`, "[]"},
		{"payout|revenue", "1e1|", `"" 0 "" "" 10000000 0 0 0`, `[{"payout" "1e1"}]`},
		{"offer_id| offer_id|Offer-ID", "7|8|9", `"" 7 "" "" 0 0 0 0`, `[{" offer_id" "8"} {"Offer-ID" "9"}]`},
		{"_line|N", "9|8", `"" 0 "" "" 0 0 0 8`, `[{"_line" "9"}]`},
	} {
		layout := NewLayout(table, strings.Split(tc.header, "|"))
		b, err := NewBlock(table)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Append(batchOf(true, strings.Split(tc.record, "|")), layout); err != nil {
			t.Fatal(err)
		}
		cells := decode(t, b)
		var got []string
		for _, c := range table.Columns[:8] {
			v := cells[c.Name][0]
			if v != `""` {
				v = strings.Trim(v, `"`)
			}
			got = append(got, v)
		}
		if s := strings.Join(got, " "); s != tc.cells || cells["_rescued"][0] != tc.rescued {
			t.Errorf("%s: %s: got %s, %s, want %s, %s", tc.header, tc.record, s, cells["_rescued"][0], tc.cells, tc.rescued)
		}
	}
}

// A column of an alias's name is fed as it stands.
func TestAliasIsColumn(t *testing.T) {
	t.Parallel()
	table := testTable("payout_cents Decimal(18, 4)", "payout Decimal(18, 4)")
	for _, name := range []string{"payout", " PAYOUT"} {
		b, err := NewBlock(table)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Append(batchOf(true, []string{"1.5", ""}), NewLayout(table, []string{name, "x"})); err != nil {
			t.Fatal(err)
		}
		if cells := decode(t, b); cells["payout"][0] != "15000" || cells["payout_cents"][0] != "0" {
			t.Errorf("%s: %v", name, cells)
		}
	}
}

func TestLineageIsRequired(t *testing.T) {
	t.Parallel()
	for i, l := range store.Lineage() {
		table := testTable("a String")
		table.Columns = slices.Delete(table.Columns, 1+i, 2+i)
		if _, err := NewBlock(table); err == nil || !strings.Contains(err.Error(), "no column "+l.Name) {
			t.Errorf("without %s: %v", l.Name, err)
		}
		table = testTable("a String")
		table.Columns[1+i].Type = "Array(String)"
		if _, err := NewBlock(table); err == nil || !strings.Contains(err.Error(), l.Name+" is Array(String), want ") {
			t.Errorf("wrong type of %s: %v", l.Name, err)
		}
	}
}

// TestShapes checks that rows of another shape do not slip into a block, and
// that an empty one takes them.
func TestShapes(t *testing.T) {
	t.Parallel()
	table := testTable("a String", "b UInt8 DEFAULT")
	b, err := NewBlock(table)
	if err != nil {
		t.Fatal(err)
	}
	without, with := NewLayout(table, []string{"a"}), NewLayout(table, []string{"a", "b"})
	if _, err := b.Append(batchOf(true, []string{"x"}), without); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Append(batchOf(true, []string{"x", "1"}), with); err == nil {
		t.Error("a block took rows of two shapes")
	}
	b.Reset()
	if _, err := b.Append(batchOf(true, []string{"x", "1"}), with); err != nil {
		t.Error(err)
	}
	if got := decode(t, b)["b"]; !slices.Equal(got, []string{"1"}) {
		t.Errorf("b: %v", got)
	}
}

// TestDictionaries drives a LowCardinality column over the limits of its key
// widths, and checks that a reset block begins anew.
func TestDictionaries(t *testing.T) {
	t.Parallel()
	table := testTable("a LowCardinality(String)")
	layout := NewLayout(table, []string{"a"})
	b, err := NewBlock(table)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{255, 256, 3, 65536, 1} {
		b.Reset()
		var records [][]string
		var want []string
		for i := range n {
			v := strings.Repeat("k", i%20) + "-" + strings.Repeat("é", i%3) + string(rune('a'+i%26)) + time.Duration(i).String()
			records = append(records, []string{v})
			want = append(want, show(v))
		}
		if _, err := b.Append(batchOf(true, records...), layout); err != nil {
			t.Fatal(err)
		}
		if got := decode(t, b, "a")["a"]; !slices.Equal(got, want) {
			t.Errorf("%d values came back otherwise", n)
		}
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	table := testTable("s String", "l LowCardinality(String)", "n UInt32", "d Decimal(18, 4)", "datetime DateTime('UTC')", "ip IPv6", "u UUID", "f Float64", "e Enum8('a' = 1)")
	header := []string{"s", "l", "n", "d", "datetime", "ip", "u", "f", "e", "unknown"}
	layout := NewLayout(table, header)
	b, err := NewBlock(table)
	if err != nil {
		t.Fatal(err)
	}
	row := []string{"some text", "Android", "42", "12.5", "2016-09-09 09:10:11", "10.1.2.3", "00112233-4455-6677-8899-aabbccddeeff", "0.25", "a", "kept"}
	batch := batchOf(true, row, row, row)
	if n := testing.AllocsPerRun(100, func() {
		b.Reset()
		for range 10 {
			if _, err := b.Append(batch, layout); err != nil {
				t.Fatal(err)
			}
		}
	}); n > 0 {
		t.Errorf("%v allocations for 30 rows", n)
	}
}

// BenchmarkBlock is fields to wire bytes, for the kinds of column that most
// fields go to.
func BenchmarkBlock(b *testing.B) {
	for _, bc := range []struct{ name, typ string }{
		{"String", "String"}, {"LowCardinality", "LowCardinality(String)"}, {"UInt32", "UInt32"}, {"Decimal", "Decimal(18, 4)"},
		{"DateTime", "DateTime('UTC')"}, {"IPv6", "IPv6"},
	} {
		b.Run(bc.name, func(b *testing.B) {
			values := map[string][]string{
				"UInt32": {"1", "12345", "", "987654"}, "Decimal": {"", "250", "12.5", ""}, "DateTime": {"2016-09-09 09:10:11", "2016-09-09 09:10:12"},
				"IPv6": {"127.0.0.1", "192.168.100.200"},
			}[bc.name]
			if values == nil {
				values = []string{"", "Android", "00000000-1111-4222-8333-444444444444", "Samsung", "cpa_flat"}
			}
			var records [][]string
			for i := range 128 {
				records = append(records, []string{values[i%len(values)]})
			}
			table := testTable("v " + bc.typ)
			layout := NewLayout(table, []string{"v"})
			block, err := NewBlock(table)
			if err != nil {
				b.Fatal(err)
			}
			batch := batchOf(true, records...)
			col := block.fed[0]
			block.SetShape(layout.shape)
			b.SetBytes(int64(64 * len(batch.Text)))
			b.ReportAllocs()
			for b.Loop() {
				col.reset()
				for range 64 {
					block.fails = col.take(batch, 0, block.fails[:0])
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*64*128), "ns/field")
		})
	}
}
