package rows_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/load"
	"rawlogs/internal/load/insert"
	"rawlogs/internal/parse/csv"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/rows"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
	"rawlogs/schema"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var hour = time.Unix(1473411600, 0).UTC() // 2016-09-09 09:00

// loaded loads a text into a table, in one INSERT of small blocks.
func loaded(t *testing.T, st *store.Store, table string, text []byte) rows.Counts {
	t.Helper()
	tabs, err := load.OpenTables(t.Context(), st, table)
	if err != nil {
		t.Fatal(err)
	}
	rd, err := rows.NewReader(tabs[0], rows.Config{
		Network: "11111",
		Reject:  func(r csv.Rejected) error { return fmt.Errorf("line %d rejected: %s", r.Line, r.Reason) },
	})
	if err != nil {
		t.Fatal(err)
	}
	rd.ResetBytes(rawlog.File{Type: rawlog.Clicks, Name: "f.zip", Hour: hour}, text)
	shape, err := rd.Shape()
	if err != nil {
		t.Fatal(err)
	}
	s, err := insert.NewStream(tabs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rows, err := s.Send(t.Context(), st.Home(), 7, insert.QueryID("test-"+table, 7), shape, func(_ context.Context, b *load.Block) error {
		_, err := rd.Append(b, 500)
		if errors.Is(err, io.EOF) {
			return insert.ErrComplete
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c := rd.Counts()
	if uint64(rows) != c.Rows {
		t.Fatalf("sent %d rows out of %d", rows, c.Rows)
	}
	return c
}

// query returns one string for each row: the query selects one.
func query(t *testing.T, st *store.Store, q string) []string {
	t.Helper()
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"max_query_size": 1 << 30}))
	rows, err := st.Conn().Query(ctx, q)
	if err != nil {
		t.Fatalf("%.500v", err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func exec(t *testing.T, st *store.Store, q string) {
	t.Helper()
	if err := st.Conn().Exec(t.Context(), q); err != nil {
		t.Fatalf("%v\n%s", err, q)
	}
}

const lineage = `network LowCardinality(String), _file LowCardinality(String), _line UInt32, _hour DateTime('UTC'), _insert UInt64,
	_rescued Map(LowCardinality(String), String), _loaded_at DateTime('UTC') DEFAULT now()`

// TestEngineTypes sends a block with a column of every type to ClickHouse, and
// compares with what ClickHouse's own CSV reader makes of the same good values.
func TestEngineTypes(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for i, tc := range []struct {
		typ    string
		values []string
	}{
		{"String", []string{"a", `say "hi"`, "two\nlines", strings.Repeat("long", 100), "ž"}},
		{"FixedString(4)", []string{"abcd", "a"}},
		{"LowCardinality(String)", []string{"a", "b", "a", "a value of more than sixteen bytes", ""}},
		{"LowCardinality(Nullable(String))", []string{"a", "b"}},
		{"UInt8", []string{"0", "255", "7"}},
		{"UInt16", []string{"65535"}},
		{"UInt32", []string{"4294967295", "12345678", "123456789"}},
		{"UInt64", []string{"18446744073709551615"}},
		{"Int8", []string{"-128", "127"}},
		{"Int16", []string{"-32768"}},
		{"Int32", []string{"-2147483648"}},
		{"Int64", []string{"-9223372036854775808", "9223372036854775807"}},
		{"Float32", []string{"1.5", "-0.25"}},
		{"Float64", []string{"0.1", "1e100", "-3"}},
		{"Decimal(9, 2)", []string{"1.5", "-9999999.99", "100"}},
		{"Decimal(18, 4)", []string{"250", "12.5", "-0.0001"}},
		{"Decimal(38, 10)", []string{"1234567890123456789012345678.0123456789", "-1"}},
		{"Bool", []string{"true", "0"}},
		{"Date", []string{"2016-02-29", "2149-06-06"}},
		{"Date32", []string{"1900-01-01", "2299-12-31"}},
		{"DateTime('UTC')", []string{"2016-09-09 09:00:28", "2106-02-07 06:28:15"}},
		{"DateTime64(3, 'UTC')", []string{"2016-09-09 09:00:28.125", "1960-01-01 00:00:00.500"}},
		{"UUID", []string{"00112233-4455-6677-8899-aabbccddeeff"}},
		{"IPv4", []string{"127.0.0.1", "255.1.2.3"}},
		{"IPv6", []string{"2001:db8::1", "::ffff:1.2.3.4", "1.2.3.4"}},
		{"Enum8('a' = -1, 'it\\'s' = 2)", []string{"a", "it's"}},
		{"Enum16('x' = 1000, 'y' = 2)", []string{"x"}},
		{"Nullable(String)", []string{"a"}},
		{"Nullable(Int32)", []string{"-5"}},
		{"Nullable(DateTime('UTC'))", []string{"2016-09-09 09:00:28"}},
	} {
		t.Run(tc.typ, func(t *testing.T) {
			name := fmt.Sprintf("t%d", i)
			exec(t, st, fmt.Sprintf("CREATE TABLE %s (v %s, %s) ENGINE = MergeTree ORDER BY _line", name, tc.typ, lineage))
			text := "v,pad\n"
			quote := `"`
			if tc.typ == "Bool" { // ClickHouse reads it bare only
				quote = ""
			}
			for _, v := range tc.values {
				text += quote + strings.ReplaceAll(v, `"`, `""`) + quote + ",\"\"\n"
			}
			if c := loaded(t, st, name, []byte(text)); c.Rescued > 0 {
				t.Errorf("%+v", c)
			}
			got := query(t, st, "SELECT toString(tuple(v)) FROM "+name+" ORDER BY _line")
			structure := strings.ReplaceAll("v "+tc.typ+", pad String", "'", "''")
			structure = strings.ReplaceAll(structure, `\`, `\\`)
			want := query(t, st, fmt.Sprintf("SELECT toString(tuple(v)) FROM format(CSVWithNames, '%s', %s)", structure, literal(text)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-ClickHouse's CSV reader +ours:\n%s", diff)
			}
			if bad := query(t, st, "SELECT toString(_line) FROM "+name+" WHERE _insert != 7 OR network != '11111' OR _file != 'f.zip' OR _hour != 1473411600 OR notEmpty(_rescued) OR _loaded_at < now() - 1000"); len(bad) > 0 {
				t.Errorf("lineage of lines %v", bad)
			}
		})
	}
}

// An empty field becomes what the server itself takes for the column's default.
func TestEngineDefaults(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	types := []string{"String", "FixedString(4)", "LowCardinality(String)", "LowCardinality(Nullable(String))", "UInt8", "Int64", "Float32",
		"Decimal(38, 10)", "Bool", "Date", "Date32", "DateTime('UTC')", "DateTime64(3, 'UTC')", "UUID", "IPv4", "IPv6",
		"Enum8('a' = 5, 'b' = -3)", "Nullable(Date32)"}
	var columns, header, fields strings.Builder
	for i, typ := range types {
		fmt.Fprintf(&columns, "v%d %s, ", i, typ)
		fmt.Fprintf(&header, "v%d,", i)
		fields.WriteByte(',')
	}
	exec(t, st, "CREATE TABLE defaults ("+columns.String()+lineage+") ENGINE = MergeTree ORDER BY _line")
	if c := loaded(t, st, "defaults", []byte(header.String()+"pad\n"+fields.String()+"\n")); c.Rows != 1 || c.Rescued != 0 {
		t.Errorf("%+v", c)
	}
	for i, typ := range types {
		got := query(t, st, fmt.Sprintf("SELECT toString(tuple(v%d)) FROM defaults", i))
		want := query(t, st, "SELECT toString(tuple(defaultValueOfTypeName("+literal(typ)+")))")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -the server's default +ours:\n%s", typ, diff)
		}
	}
}

// TestEngineSpellings holds what is read of other spellings against what the server's
// lenient parsers make of them.
func TestEngineSpellings(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	exec(t, st, "CREATE TABLE spellings (n Int64, d Decimal(18, 4), t DateTime('UTC'), u DateTime64(3, 'UTC'), raw String, "+lineage+") ENGINE = MergeTree ORDER BY _line")
	var text strings.Builder
	text.WriteString("n,d,t,u,raw\n")
	for _, v := range []string{"2016-09-09T09:00:28Z", "2016-09-09 11:00:28+02:00", "2016-09-09T04:00:28-0500", "2016-09-09 14:30:28 +05:30", "2016-09-09T09:00:28.125Z", "2016/09/09 09:00:28", "1473411628", "1473411628125", "20160909090028"} {
		fmt.Fprintf(&text, ",,\"%s\",\"%s\",\"%s\"\n", v, v, v)
	}
	for _, v := range []string{"+7", " 12 ", "12.0", "-3.000", "+0.5000", "1e3", "-25E-1"} {
		fmt.Fprintf(&text, "\"%s\",\"%s\",,,\"%s\"\n", v, v, v)
	}
	loaded(t, st, "spellings", []byte(text.String()))
	const read = "mapContains(_rescued, 'n')"
	if bad := query(t, st, `SELECT toString((raw, n, d, t, u)) FROM spellings WHERE if(t = 0,
			d != toDecimal64(toFloat64(trimBoth(replaceOne(raw, '+', ''))), 4) OR n != if(`+read+`, 0, toInt64(toFloat64(trimBoth(replaceOne(raw, '+', ''))))),
			t != parseDateTimeBestEffort(if(length(raw) = 13, substring(raw, 1, 10), raw), 'UTC') OR u != parseDateTime64BestEffort(raw, 3, 'UTC'))`); len(bad) > 0 {
		t.Errorf("the server reads these otherwise: %v", bad)
	}
	if n := query(t, st, "SELECT toString((countIf(t > 0), countIf(d != 0), countIf(n != 0))) FROM spellings")[0]; n != "(9,7,4)" {
		t.Errorf("read %s", n)
	}
}

func literal(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// TestEngineRescue sends what does not fit.
func TestEngineRescue(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	exec(t, st, "CREATE TABLE r (a UInt8, b LowCardinality(String), d UInt8 DEFAULT 9, x Array(String), "+lineage+") ENGINE = MergeTree ORDER BY _line")
	c := loaded(t, st, "r", []byte("a,b,x,new,network\n256,x,[],,\n1,\xff,,\"n\"\"ew\",net\n2,y,,,\n"))
	if c.Rescued != 2 || c.Misfit != 1 || c.Inexact != 1 || c.Rows != 3 || !slices.Equal(c.Filled, []string{"a", "b"}) {
		t.Errorf("%+v", c)
	}
	got := query(t, st, "SELECT toString((a, hex(b), d, x, network, mapApply((k, v) -> (k, hex(v)), _rescued))) FROM r ORDER BY _line")
	want := []string{
		"(0,'78',9,[],'11111',{'a':'323536','x':'5B5D'})",
		"(1,'EFBFBD',9,[],'11111',{'b#hex':'4646','new':'6E226577','network':'6E6574'})",
		"(2,'79',9,[],'11111',{})",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A column may have any name: schema evolve makes them of headers.
func TestEngineNames(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	names := []string{"größe", "it`s", `back\slash`, "two\nlines", `quo"te`, "it's", "dot.ted", "emoji 😀", "?{a:b}$1@c", "bad\xff", "цена"}
	var columns, header, values strings.Builder
	for i, name := range names {
		fmt.Fprintf(&columns, "%s String, ", schema.Identifier(name))
		fmt.Fprintf(&header, `"%s",`, strings.ReplaceAll(name, `"`, `""`))
		fmt.Fprintf(&values, "v%d,", i)
	}
	exec(t, st, "CREATE TABLE names (d UInt8 DEFAULT 9, "+columns.String()+lineage+") ENGINE = MergeTree ORDER BY _line")
	c := loaded(t, st, "names", []byte(header.String()+"pad\n"+values.String()+"\n"))
	if c.Rows != 1 || c.Rescued != 0 {
		t.Errorf("%+v", c)
	}
	for i, name := range names {
		if got := query(t, st, "SELECT "+schema.Identifier(name)+" FROM names"); len(got) != 1 || got[0] != fmt.Sprintf("v%d", i) {
			t.Errorf("column %q: %q", name, got)
		}
	}
}

// TestEngineClicks loads a generated hour, and has ClickHouse read the same
// text by itself: the two hold the same rows.
func TestEngineClicks(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	n := gen.New(gen.Config{Seed: 3, Clicks: 3000})
	var csv bytes.Buffer
	truth, err := n.WriteCSV(&csv, gen.Spec{Type: rawlog.Clicks, Hour: hour, Header: gen.Header(rawlog.Clicks, 2022)})
	if err != nil {
		t.Fatal(err)
	}
	c := loaded(t, st, "clicks", csv.Bytes())
	if c.Rows != uint64(truth.Rows) || c.Rescued > 0 || c.OutOfHour > 0 || !c.First.Equal(truth.First) || !c.Last.Equal(truth.Last) {
		t.Errorf("%+v, want %d rows from %s to %s", c, truth.Rows, truth.First, truth.Last)
	}
	var structure []string
	for _, name := range truth.Header {
		typ := query(t, st, "SELECT type FROM system.columns WHERE database = currentDatabase() AND table = 'clicks' AND name = "+literal(name))
		if len(typ) != 1 {
			t.Fatalf("no column %s", name)
		}
		structure = append(structure, name+" "+typ[0])
	}
	sum := func(from string) string {
		return query(t, st, "SELECT toString((count(), sum(cityHash64("+strings.Join(truth.Header, ", ")+")))) FROM "+from)[0]
	}
	ours := sum("clicks")
	theirs := sum("format(CSVWithNames, " + literal(strings.Join(structure, ", ")) + ", " + literal(csv.String()) + ")")
	if ours != theirs {
		t.Errorf("count and hash of all columns: %s, ClickHouse's own reader %s", ours, theirs)
	}
}
