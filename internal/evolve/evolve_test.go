package evolve_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/evolve"
	"rawlogs/internal/load"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"

	"log/slog"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var hour = time.Date(2016, 9, 9, 14, 0, 0, 0, time.UTC)

// put stores click rows with these values in _rescued, in two files.
func put(t *testing.T, st *store.Store, network string, rescued ...map[string]string) {
	t.Helper()
	batch, err := st.Conn().PrepareBatch(t.Context(), "INSERT INTO "+st.Holding("clicks")+" (network, _file, _line, _hour, _rescued)")
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rescued {
		if err := batch.Append(network, fmt.Sprintf("f%d", i%2), uint32(2+i), hour.Add(time.Duration(i%2)*time.Hour), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}

// repeat is n rows with one header, its values in turn.
func repeat(n int, header string, values ...string) []map[string]string {
	out := make([]map[string]string, n)
	for i := range out {
		out[i] = map[string]string{header: values[i%len(values)]}
	}
	return out
}

func cfg() evolve.Config {
	return evolve.Config{MinRows: 10, Run: "test", Zones: map[string]rawlog.Zones{"n": rawlog.InZone(time.UTC)}, Networks: []string{"n"}}
}

func one[T any](t *testing.T, st *store.Store, query string) T {
	t.Helper()
	var v T
	if err := st.Conn().QueryRow(t.Context(), query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func TestTypesAndWhatStays(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	many := make([]string, 50)
	for i := range many {
		many[i] = fmt.Sprintf("text %d", i)
	}
	cases := []struct {
		header string
		values []string
		typ    string
		sum    string // expression over the column that proves the values
		want   string
		left   uint64
	}{
		{"numbers", []string{"1", "18446744073709551615", "0"}, "UInt64", "toString(max(numbers))", "18446744073709551615", 0},
		{"signed", []string{"1", "-9223372036854775808"}, "Int64", "toString(min(signed))", "-9223372036854775808", 0},
		{"codes", []string{"007", "1"}, "LowCardinality(String)", "min(codes)", "007", 0},
		{"huge", []string{"99999999999999999999999"}, "LowCardinality(String)", "min(huge)", "99999999999999999999999", 0},
		{"money", []string{"1.5", "-0.25", "12"}, "Decimal(18, 2)", "toString(min(money))", "-0.25", 0},
		{"precise", []string{"123456789012345678.12345"}, "Decimal(38, 5)", "toString(min(precise))", "123456789012345678.12345", 0},
		{"when", []string{"2016-09-09 14:00:00"}, "DateTime('UTC')", "toString(min(when))", "2016-09-09 14:00:00", 0},
		{"address", []string{"192.0.2.7", "2001:db8::1"}, "IPv6", "toString(min(address))", "::ffff:192.0.2.7", 0},
		{"few", []string{"good", "bad", `"odd", 50 %`}, "LowCardinality(String)", "max(few)", "good", 0},
		{"many", many, "String", "max(many)", "text 9", 0},
		{"half", []string{"1", "n/a"}, "LowCardinality(String)", "max(half)", "n/a", 0},
		{"tidy`quote'\\x\n\x00?{a:b}$1@x é\xff", []string{"v"}, "LowCardinality(String)", "", "", 0},
		{"Stat.dotted", []string{"7"}, "UInt64", "toString(max(`Stat.dotted`))", "7", 0},
		{"broken", []string{"ok", "ok", "ok", "ok", "\xff\xfe"}, "LowCardinality(String)", "max(broken)", "ok", 10},
	}
	rows := make([]map[string]string, 50)
	for i := range rows {
		rows[i] = map[string]string{}
		for _, tc := range cases {
			rows[i][tc.header] = tc.values[i%len(tc.values)]
		}
	}
	put(t, st, "n", rows...)
	r, err := evolve.Run(t.Context(), st, cfg())
	if err != nil || len(r.Columns) != len(cases) {
		t.Fatalf("%+v, %v", r, err)
	}
	columns, err := st.Columns(t.Context(), "clicks")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range cases {
		i := slices.IndexFunc(r.Columns, func(c evolve.Column) bool { return c.Header == tc.header })
		if i < 0 {
			t.Errorf("%q: no column", tc.header)
			continue
		}
		if c := r.Columns[i]; c.Type != tc.typ || !c.New || c.Moved != 50-tc.left || c.Left != tc.left {
			t.Errorf("%q: %+v, want %s and %d left", tc.header, c, tc.typ, tc.left)
		}
		if tc.sum != "" {
			if got := one[string](t, st, "SELECT "+tc.sum+" FROM clicks"); got != tc.want {
				t.Errorf("%q: %s is %q, want %q", tc.header, tc.sum, got, tc.want)
			}
		}
		// What was made is what the next file feeds.
		layout := load.NewLayout(&load.Table{Name: "clicks", Columns: columns}, []string{tc.header})
		if u := layout.Unknown(); len(u) != 0 {
			t.Errorf("the loader does not feed %q", u)
		}
	}
	// Only what did not fit is left, and there is nothing more to do.
	if got := one[uint64](t, st, "SELECT sum(length(mapKeys(_rescued))) FROM clicks"); got != 10 {
		t.Errorf("%d values are left in _rescued, want 10", got)
	}
	if r, err := evolve.Run(t.Context(), st, cfg()); err != nil || len(r.Columns) != 0 {
		t.Errorf("again: %+v, %v", r, err)
	}
}

func TestOneInAHundredStays(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	rows := repeat(200, "n_items", "5")
	rows[17]["n_items"] = "n/a"
	rows[18]["other"] = "kept"
	put(t, st, "n", rows...)
	dry := cfg()
	dry.DryRun = true
	r, err := evolve.Run(t.Context(), st, dry)
	if err != nil || len(r.Columns) != 1 || r.Columns[0].Moved != 199 || r.Columns[0].Left != 1 {
		t.Fatalf("dry run: %+v, %v", r, err)
	}
	if n := one[uint64](t, st, "SELECT count() FROM system.columns WHERE database = currentDatabase() AND name = 'n_items'"); n != 0 {
		t.Fatal("a dry run made a column")
	}
	if _, err := evolve.Run(t.Context(), st, cfg()); err != nil {
		t.Fatal(err)
	}
	got := one[string](t, st, "SELECT toString(tuple(sum(n_items), groupArrayIf(_rescued, notEmpty(_rescued)))) FROM clicks")
	if want := `(995,[{'n_items':'n/a'},{'other':'kept'}])`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestZonesDecideTimes(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	put(t, st, "n", repeat(200, "at", "2016-09-09 14:00:00")...)
	put(t, st, "n", repeat(1, "at", "2016-10-30 02:30:00")...) // twice that night
	put(t, st, "n", repeat(1, "at", "2016-03-27 02:30:00")...) // never
	put(t, st, "unknown", repeat(3, "at", "2016-09-09 14:00:00")...)
	c := cfg()
	c.Zones["n"] = rawlog.InZone(prague)
	if _, err := evolve.Run(t.Context(), st, c); err != nil {
		t.Fatal(err)
	}
	got := one[string](t, st, "SELECT toString(tuple(minIf(at, at > 0), maxIf(at, at > 0), countIf(at > 0), countIf(notEmpty(_rescued)))) FROM clicks")
	if want := "('2016-09-09 12:00:00','2016-09-09 12:00:00',200,5)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestWhatIsNoColumn(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	rows := repeat(50, "offer_id", "x1")
	for i, r := range rows {
		r["affiliate_sub_1"] = "loose spelling of a column"
		r["_file"], r["_row_exists"], r["twice#2"] = "evil", "1", "v"
		r["payout"] = "what an ingest that did not know the name put aside"
		if i < 5 {
			r["rare"] = "1"
		}
		if i%2 == 0 {
			r["one_file"] = "1"
		}
	}
	put(t, st, "n", rows...)
	r, err := evolve.Run(t.Context(), st, cfg())
	if err != nil || len(r.Columns) != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	var got []string
	for _, s := range r.Skipped {
		got = append(got, s.Header)
	}
	if want := []string{"_file", "_row_exists", "affiliate_sub_1", "offer_id", "one_file", "payout", "rare", "twice#2"}; !slices.Equal(got, want) {
		t.Errorf("skipped %v, want %v", got, want)
	}
	drift, err := evolve.Drift(t.Context(), st, []rawlog.Type{rawlog.Clicks})
	if err != nil || len(drift) != 8 {
		t.Fatalf("%+v, %v", drift, err)
	}
	for _, d := range drift {
		if d.Column != slices.Contains([]string{"affiliate_sub_1", "offer_id", "payout"}, d.Header) || !d.First.Equal(hour) || d.Rows == 0 {
			t.Errorf("%+v", d)
		}
	}
	silent, err := evolve.Silent(t.Context(), st, rawlog.Types(), 30)
	if err != nil || !slices.ContainsFunc(silent, func(u evolve.Unused) bool { return u.Column == "offer_id" && u.Rows == 0 && u.Last.IsZero() }) {
		t.Errorf("%+v, %v", silent, err)
	}
}

// Two spellings of one header get one column, which files of both feed.
func TestSpellingsShareAColumn(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	rows := repeat(60, "traffic_class", "a")
	for i, r := range rows {
		if i%3 == 0 {
			delete(r, "traffic_class")
			r[" Traffic_Class"] = "b"
		}
	}
	put(t, st, "n", rows...)
	c := cfg()
	c.MinRows = 10
	r, err := evolve.Run(t.Context(), st, c)
	if err != nil || len(r.Columns) != 1 || len(r.Skipped) != 1 || !strings.Contains(r.Skipped[0].Why, "another spelling of") {
		t.Fatalf("%+v, %v", r, err)
	}
	columns, err := st.Columns(t.Context(), "clicks")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"traffic_class", " Traffic_Class", "TRAFFIC-CLASS"} {
		if u := load.NewLayout(&load.Table{Name: "clicks", Columns: columns}, []string{name}).Unknown(); len(u) != 0 {
			t.Errorf("%q feeds nothing", name)
		}
	}
}

// A run that dies after any of its writes is finished by the next, and a load
// at work is not disturbed.
func TestInterruptedAndHeld(t *testing.T) {
	t.Parallel()
	for _, persisted := range []bool{false, true} {
		for _, kind := range []string{"ddl", "update"} {
			boom := errors.New("lost")
			armed := false
			dbcfg := testkit.DatabaseConfig(t)
			dbcfg.Hook = func(ctx context.Context, op store.Op, do func(context.Context) error) error {
				if !armed || op.Kind != kind {
					return do(ctx)
				}
				if persisted {
					if err := do(ctx); err != nil {
						return err
					}
				}
				return boom
			}
			st := testkit.OpenStore(t, dbcfg)
			put(t, st, "n", repeat(50, "extra", "7")...)
			armed = true
			if _, err := evolve.Run(t.Context(), st, cfg()); !errors.Is(err, boom) {
				t.Fatalf("%s: %v", kind, err)
			}
			armed = false
			if _, err := evolve.Run(t.Context(), st, cfg()); err != nil {
				t.Fatal(err)
			}
			if got := one[string](t, st, "SELECT toString(tuple(sum(extra), countIf(notEmpty(_rescued)))) FROM clicks"); got != "(350,0)" {
				t.Errorf("%s, persisted %v: %s", kind, persisted, got)
			}
		}
	}
	st := testkit.Database(t)
	claim := lease.New(st, "someone", "a load", rawlog.Share{}, slog.New(slog.DiscardHandler))
	if err := claim.Claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := evolve.Run(t.Context(), st, cfg())
	var held *lease.HeldError
	if !errors.As(err, &held) || !strings.Contains(err.Error(), "someone") {
		t.Errorf("while a load is at work: %v", err)
	}
	if err := claim.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := evolve.Run(t.Context(), st, cfg()); err != nil {
		t.Errorf("after it: %v", err)
	}
}
