package load

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ClickHouse/ch-go/proto"

	"rawlogs/internal/records"
	"rawlogs/internal/store"
)

var testHour = time.Unix(1473411600, 0).UTC() // 2016-09-09 09:00

// testTable has the columns, given as "name Type" or "name Type KIND", and the
// lineage.
func testTable(columns ...string) *Table {
	t := &Table{Database: "d", Name: "clicks"}
	add := func(name, typ string) {
		kind := ""
		for _, k := range []string{"DEFAULT", "MATERIALIZED", "ALIAS", "EPHEMERAL"} {
			if s, ok := strings.CutSuffix(typ, " "+k); ok {
				typ, kind = s, k
			}
		}
		t.Columns = append(t.Columns, store.Column{Name: name, Type: typ, DefaultKind: kind})
	}
	for _, c := range columns {
		name, typ, _ := strings.Cut(c, " ")
		add(name, typ)
	}
	for _, l := range store.Lineage() {
		add(l.Name, l.Types[0])
	}
	return t
}

// batchOf makes a batch of records of quoted and bare fields, all of one width.
func batchOf(valid bool, cells ...[]string) *Batch {
	b := &Batch{Network: "11111", File: "f.zip", Hour: testHour, Clock: NewClock(nil), Records: &records.Records{Valid: valid, Rows: len(cells)}}
	b.Clock.Reset(testHour, testHour.Add(time.Hour))
	for i, rec := range cells {
		b.Width = len(rec)
		b.Lines = append(b.Lines, uint32(i+2))
		for _, v := range rec {
			raw := strings.ReplaceAll(v, `"`, `""`)
			f := records.Field{Off: uint32(len(b.Text)), Len: uint32(len(raw))}
			if raw != v {
				f.Len |= records.Doubled
			}
			b.Fields = append(b.Fields, f)
			b.Text = append(append(b.Text, raw...), ',')
		}
	}
	return b
}

// decode reads a block's wire bytes, encoded in both ways that ch-go knows,
// with ch-go's own decoder: cells as text, by column, of the named columns or all.
func decode(t testing.TB, b *Block, names ...string) map[string][]string {
	t.Helper()
	in := b.Input()
	head := proto.Block{Columns: len(in), Rows: b.Rows()}
	encoded := new(proto.Buffer)
	if err := head.EncodeRawBlock(encoded, proto.Version, in); err != nil {
		t.Fatal(err)
	}
	var written bytes.Buffer
	w := proto.NewWriter(&written, new(proto.Buffer))
	if err := head.WriteBlock(w, 0, in); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	again := new(proto.Buffer)
	if err := head.EncodeRawBlock(again, 0, in); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(written.Bytes(), again.Buf) {
		t.Fatal("EncodeColumn and WriteColumn differ")
	}
	var out proto.Results
	for _, c := range in {
		out = append(out, proto.ResultColumn{Name: c.Name, Data: resultOf(t, c.Data.Type())})
	}
	rd := proto.NewReader(bytes.NewReader(encoded.Buf))
	if err := head.DecodeRawBlock(rd, proto.Version, out); err != nil {
		t.Fatal(err)
	}
	if _, err := rd.ReadByte(); err == nil {
		t.Fatal("bytes follow the block")
	}
	cells := make(map[string][]string)
	for _, c := range out {
		if len(names) > 0 && !slices.Contains(names, c.Name) {
			continue
		}
		for i := range b.Rows() {
			if m, ok := c.Data.(*proto.ColMap[string, string]); ok {
				cells[c.Name] = append(cells[c.Name], fmt.Sprintf("%q", m.RowKV(i)))
				continue
			}
			v := reflect.ValueOf(c.Data).MethodByName("Row").Call([]reflect.Value{reflect.ValueOf(i)})[0].Interface()
			cells[c.Name] = append(cells[c.Name], show(v))
		}
	}
	return cells
}

func show(v any) string {
	switch v := v.(type) {
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.999999999")
	case []byte:
		return fmt.Sprintf("%q", v)
	case string:
		return fmt.Sprintf("%q", v)
	case proto.Decimal128:
		if v.High>>63 == 0 {
			return fmt.Sprintf("%d:%d", v.High, v.Low)
		}
		return fmt.Sprintf("%x:%x", v.High, v.Low)
	}
	if s := fmt.Sprintf("%T", v); strings.HasPrefix(s, "proto.Nullable[") {
		n := reflect.ValueOf(v)
		if !n.FieldByName("Set").Bool() {
			return "NULL"
		}
		return show(n.FieldByName("Value").Interface())
	}
	return fmt.Sprint(v)
}

func resultOf(t testing.TB, typ proto.ColumnType) proto.ColResult {
	switch {
	case strings.HasPrefix(string(typ), "Map("):
		return proto.NewMap[string, string](new(proto.ColStr).LowCardinality(), new(proto.ColStr))
	case typ.Base() == "LowCardinality":
		return lowCardinality{new(proto.ColStr).LowCardinality(), typ}
	case typ.Base() == "FixedString":
		var n int
		if _, err := fmt.Sscanf(string(typ), "FixedString(%d)", &n); err != nil {
			t.Fatal(err)
		}
		return &proto.ColFixedStr{Size: n}
	case typ == "Nullable(DateTime('UTC'))":
		return new(proto.ColDateTime).Nullable()
	}
	c := new(proto.ColAuto)
	if err := c.Infer(typ); err != nil {
		t.Fatal(err)
	}
	return c.Data
}

// lowCardinality is of Nullable(String) too: the dictionary is of plain strings.
type lowCardinality struct {
	*proto.ColLowCardinality[string]
	typ proto.ColumnType
}

func (c lowCardinality) Type() proto.ColumnType { return c.typ }

const (
	no     = "\x00" // the text is refused
	almost = "≈"    // before a cell: it holds nearly what the text says, which is kept
)

func TestTypes(t *testing.T) {
	t.Parallel()
	ten38 := strings.Repeat("9", 38)
	for _, tc := range []struct {
		typ, zero string
		texts     map[string]string // text: the cell, or no
	}{
		{"String", `""`, map[string]string{"a": `"a"`, `say "hi"`: `"say \"hi\""`, "ž\x00": `"ž\x00"`, "\xff": almost + `"�"`, "caf\xe9 cr\xe8me": almost + `"caf� cr�me"`, " a ": `" a "`, `\N`: `"\\N"`, "NULL": `"NULL"`,
			strings.Repeat("x", 31): `"` + strings.Repeat("x", 31) + `"`, strings.Repeat("x", 32): `"` + strings.Repeat("x", 32) + `"`,
			strings.Repeat("y", 33): `"` + strings.Repeat("y", 33) + `"`, strings.Repeat("z", 127): `"` + strings.Repeat("z", 127) + `"`,
			strings.Repeat("z", 128): `"` + strings.Repeat("z", 128) + `"`, strings.Repeat("z", 70000): `"` + strings.Repeat("z", 70000) + `"`}},
		{"LowCardinality(String)", `""`, map[string]string{"a": `"a"`, `"`: `"\""`, "12345678": `"12345678"`, "123456789": `"123456789"`,
			"0123456789abcdef": `"0123456789abcdef"`, "0123456789abcdefg": `"0123456789abcdefg"`, "a\x00": `"a\x00"`, "\x00": `"\x00"`, "\xff": almost + `"�"`}},
		{"LowCardinality(Nullable(String))", `""`, map[string]string{"a": `"a"`, "0123456789abcdefg": `"0123456789abcdefg"`, "\xff": almost + `"�"`}},
		{"FixedString(3)", `"\x00\x00\x00"`, map[string]string{"abc": `"abc"`, "a": `"a\x00\x00"`, "abcd": no, "a\x00": no, "ab\x00": `"ab\x00"`, "\xff": no}},
		{"UInt8", "0", map[string]string{"0": "0", "255": "255", "256": no, "-1": no, "-0": no, "007": no, "00": no, "1e3": no, " 12 ": "12", "+5": "5", "1.0": "1", "12.000": "12", "12.": "12", "\u00a07\t": "7", " +7.0 ": "7", "12.5": no, "7e0": no, "+": no, "+-7": no, "+07": no, ".": no, ".0": "0", "1 2": no, "1,234": no, "NULL": no, "-": no, "NaN": no, "256.0": no, `\N`: "0", "  ": "0", "0000-00-00": no, "\xff": no, "x": no, "0000000000255": no, "٣": no}},
		{"UInt16", "0", map[string]string{"65535": "65535", "65536": no}},
		{"UInt32", "0", map[string]string{"12345678": "12345678", "4294967295": "4294967295", "4294967296": no, "4294967299": no, "99999999": "99999999", "123456789": "123456789", "1234567:": no, "/": no, "01067": no, "10670": "10670"}},
		{"UInt64", "0", map[string]string{"18446744073709551615": "18446744073709551615", "18446744073709551616": no, "99999999999999999999999": no}},
		{"Int8", "0", map[string]string{"127": "127", "128": no, "-128": "-128", "-128.0": "-128", "-128.5": no, "-129": no, "-": no, "--1": no, "-0": "0", "-01": no, "-00": no}},
		{"Int16", "0", map[string]string{"-32768": "-32768", "32767": "32767", "32768": no}},
		{"Int32", "0", map[string]string{"-2147483648": "-2147483648", "2147483647": "2147483647", "2147483648": no}},
		{"Int64", "0", map[string]string{"-9223372036854775808": "-9223372036854775808", "9223372036854775807": "9223372036854775807", "9223372036854775808": no, "-9223372036854775809": no}},
		{"Float32", "0", map[string]string{"1.5": "1.5", "-1": "-1", "1e3": "1000", "1e39": no, "inf": no, "NaN": no, "0x1": no, "+1": "1", "1_0": no, " 1": "1", "1.": "1", "0.5": "0.5", "007.5": no, "-01": no, "00": no}},
		{"Float64", "0", map[string]string{"0.1": "0.1", "1e308": "1e+308", "1e309": no, ".": no, "1E+2": "100"}},
		{"Decimal(9, 2)", "0", map[string]string{"1": "100", "1.5": "150", "-1.55": "-155", "1.555": almost + "156", "1.545": almost + "154", "1.5450001": almost + "155", "-1.555": almost + "-156", "9.995": almost + "1000", "0.0001": almost + "0", "9999999.995": no, "1.550": "155", "9999999.99": "999999999", "10000000": no, "10000000.00": no, "1e3": almost + "100000", "1.5E-1": almost + "15", "1e-9": almost + "0", "1e99": no, "1e": no, "e3": no, "1e+2": almost + "10000", "1.2e3.4": no, ".5": "50", "5.": "500", ".": no, "-": no, "1.2.3": no, "+1": "100", " 1": "100", "1,5": no, "1 000": no, "$5": no, "000001": no, "0": "0", "0.5": "50", "-0.5": "-50", "007.5": no, "-007.5": no, "01": no, "00": no, "1_000": no, "+07": no, "12345678": no}},
		{"Decimal(18, 4)", "0", map[string]string{"250": "2500000", "0250": no, "12.5": "125000", "99999999999999.9999": "999999999999999999", "100000000000000": no, "-0.0001": "-1"}},
		{"Decimal(38, 0)", "0:0", map[string]string{"1": "0:1", ten38: "5421010862427522170:687399551400673279", ten38 + "0": no, "-1": "ffffffffffffffff:ffffffffffffffff", "01": no, "18446744073709551616": "1:0"}},
		{"Decimal(38, 38)", "0:0", map[string]string{"0.5": "2710505431213761085:343699775700336640", "1": no}},
		{"Bool", "false", map[string]string{"1": "true", "0": "false", "true": "true", "false": "false", "TRUE": "true", " False": "false", "yes": no, "2": no, "01": no, "00": no}},
		{"Date", "1970-01-01T00:00:00", map[string]string{"2016-02-29": "2016-02-29T00:00:00", "2015-02-29": no, "1969-12-31": no, "2149-06-06": "2149-06-06T00:00:00", "2149-06-07": no, "2016-02-30": no, "0000-00-00": "1970-01-01T00:00:00", "2016-1-01": no, "2016-01-01 00:00:00": "2016-01-01T00:00:00", "2016-01-01T00:00:00.000": "2016-01-01T00:00:00", "2016-01-01 00:00:01": no, "2016-01-01x": no, "2016/01/01": "2016-01-01T00:00:00", "2016-01/01": no, "01/02/2016": no, " 2016-01-01 ": "2016-01-01T00:00:00"}},
		{"Date32", "1900-01-01T00:00:00", map[string]string{"1900-01-01": "1900-01-01T00:00:00", "2299-12-31": "2299-12-31T00:00:00", "1899-12-31": no, "2300-01-01": no, "1900-02-29": no, "2000-02-29": "2000-02-29T00:00:00"}},
		{"DateTime('UTC')", "1970-01-01T00:00:00", map[string]string{"2016-09-09 09:00:28": "2016-09-09T09:00:28", "2016-09-09 09:59:59": "2016-09-09T09:59:59", "2016-09-09 09:60:00": no, "2016-09-09 09:00:60": no, "2016-09-09 24:00:00": no,
			"0000-00-00 00:00:00": "1970-01-01T00:00:00", "0000-00-00": "1970-01-01T00:00:00", "1960-01-01 00:00:00": no, "2150-01-01 00:00:00": no,
			"2016-09-09T09:00:28Z": "2016-09-09T09:00:28", "2016-09-09t09:00:28z": "2016-09-09T09:00:28", "2016-09-09 11:00:28+02:00": "2016-09-09T09:00:28", "2016-09-09T04:00:28 -0500": "2016-09-09T09:00:28", "2016-09-09T14:30:28+05:30": "2016-09-09T09:00:28",
			"2016-09-09 09:00:28 UTC": "2016-09-09T09:00:28", "2016-09-09 11:00:28+02": "2016-09-09T09:00:28", "2016-09-09 09:00:28 CET": no, "2016-09-09 09:00:28+1500": no, "2016-09-09 09:00:28+2": no, "2016-09-09 09:00:28+": no, "1970-01-01 00:30:00+01:00": no,
			"2016-09-09 09:00:28.000": "2016-09-09T09:00:28", "2016-09-09T09:00:28.000000Z": "2016-09-09T09:00:28", "2016-09-09 09:00:28.125": almost + "2016-09-09T09:00:28", "2016-09-09 09:00:28.5Z": almost + "2016-09-09T09:00:28", "2016-09-09 09:00:28.": no, "2016-09-09 09:00": almost + "2016-09-09T09:00:00", "2016-09-09 09:00Z": almost + "2016-09-09T09:00:00",
			"2016/09/09 09:00:28": "2016-09-09T09:00:28", "09/09/2016 09:00:28": no, "01/02/2016": no, "2016-09-09 25:00:00Z": no, "2016-09-31T09:00:28": no, "2016-09-09 09:00:28 PM": no, "yesterday": no, "NULL": no, `\N`: "1970-01-01T00:00:00", " ": "1970-01-01T00:00:00",
			"1473411628": "2016-09-09T09:00:28", "1473411628000": "2016-09-09T09:00:28", "1473411628125": almost + "2016-09-09T09:00:28", "1473411628.0": "2016-09-09T09:00:28", "1473411628.5": almost + "2016-09-09T09:00:28", "2016090909": no, "2016090999": no, "2016130909": "2033-11-20T20:21:49", "147341162": no, "14734116280": no, "0473411628": no, "20160909090028": "2016-09-09T09:00:28", "20160931090028": no, "-1473411628": no, "2106-02-07 06:28:15": "2106-02-07T06:28:15", "2106-02-07 06:28:16": no, "2016-02-30 00:00:00": no, "2016-09-09T09:00:28": "2016-09-09T09:00:28", "2016-09-09": no,
			"2016-09-09 09:00:28.0": "2016-09-09T09:00:28", " 2016-09-09 09:00:28": "2016-09-09T09:00:28", "2016-09-09 9:00:28": no, "2016-09-09 09-00:28": no, "2016-09-09 09:0a:28": no}},
		{"DateTime64(3, 'UTC')", "1970-01-01T00:00:00", map[string]string{"2016-09-09 09:00:28": "2016-09-09T09:00:28", "2016-09-09 09:00:28.5": "2016-09-09T09:00:28.5", "2016-09-09 09:00:28.1234": almost + "2016-09-09T09:00:28.123", "1473411628125": "2016-09-09T09:00:28.125", "2016-09-09T11:00:28.125+02:00": "2016-09-09T09:00:28.125", "2016-09-09 09:00:28.1230": "2016-09-09T09:00:28.123",
			"1960-01-01 00:00:00.001": "1960-01-01T00:00:00.001", "2150-01-01 00:00:00": "2150-01-01T00:00:00", "2016-09-09 09:00:28.": no, "2016-09-09 09:00:28,5": "2016-09-09T09:00:28.5", "0000-00-00 00:00:00": "1970-01-01T00:00:00"}},
		{"DateTime64(9, 'UTC')", "1970-01-01T00:00:00", map[string]string{"2262-01-01 00:00:00.000000001": "2262-01-01T00:00:00.000000001", "2263-01-01 00:00:00": no}},
		{"UUID", "00000000-0000-0000-0000-000000000000", map[string]string{"00112233-4455-6677-8899-aabbccddeeff": "00112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-AABBCCDDEEFF": "00112233-4455-6677-8899-aabbccddeeff",
			"00112233445566778899aabbccddeeff": no, "g0112233-4455-6677-8899-aabbccddeeff": no, "00112233-4455-6677-8899-aabbccddeef-": no}},
		{"IPv4", "0.0.0.0", map[string]string{"127.0.0.1": "127.0.0.1", "255.255.255.255": "255.255.255.255", " 1.2.3.4 ": "1.2.3.4", `\N`: "0.0.0.0", "256.0.0.1": no, "1.2.3": no, "1.2.3.4.5": no, "01.2.3.4": no, "1..2.3": no, "::1": no, "1.2.3.": no, "0.0.0.00": no}},
		{"IPv6", "::", map[string]string{"127.0.0.1": "::ffff:127.0.0.1", "::1": "::1", "2001:db8::ff00:42:8329": "2001:db8::ff00:42:8329", "::ffff:1.2.3.4": "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8": "1:2:3:4:5:6:7:8", "1::8": "1::8", "1:2:3:4:5:6:7::": "1:2:3:4:5:6:7:0",
			"fe80::1%eth0": no, "1:2:3:4:5:6:7": no, "1:2:3:4:5:6:7:8:9": no, "::1::": no, ":1": no, "1:": no, "12345::": no, "1:2:3:4:5:6:7:8::": no, "localhost": no, "1.2.3.4.": no, ":::": no, "::1.2.3": no}},
		{"Enum8('a' = 1, 'it\\'s' = -2)", `"it\\'s"`, map[string]string{"a": `"a"`, "it's": `"it\\'s"`, "b": no, "1": no}},
		{"Enum16('x' = 1000, '' = 3)", `""`, map[string]string{"x": `"x"`}},
		{"Nullable(String)", "NULL", map[string]string{"a": `"a"`, "\xff": almost + `"�"`}},
		{"Nullable(UInt32)", "NULL", map[string]string{"0": "0", "7": "7", "7.0": "7", `\N`: "NULL", " ": "NULL", "-7": no}},
		{"Nullable(DateTime('UTC'))", "NULL", map[string]string{"2016-09-09 09:00:28": "2016-09-09T09:00:28", "0000-00-00 00:00:00": "NULL", "x": no}},
	} {
		t.Run(tc.typ, func(t *testing.T) {
			t.Parallel()
			table := testTable("v " + tc.typ)
			layout := NewLayout(table, []string{"pad", "v", "pad"})
			b, err := NewBlock(table)
			if err != nil {
				t.Fatal(err)
			}
			b.SetInsert(42)
			var records [][]string
			var want, rescued []string
			var wantKept Kept
			for text, cell := range tc.texts {
				records = append(records, []string{"", text, ""}, []string{"", "", ""}, []string{"", text, ""})
				kept := "[]"
				nearly, inexact := strings.CutPrefix(cell, almost)
				bytes := fmt.Sprintf("{\"v#hex\" \"%X\"}", text)
				switch {
				case cell == no && utf8.ValidString(text):
					cell, kept = tc.zero, fmt.Sprintf("[{\"v\" %q}]", text)
				case cell == no:
					cell, kept = tc.zero, fmt.Sprintf("[{\"v\" %q} %s]", strings.ToValidUTF8(text, "\uFFFD"), bytes)
				case inexact && utf8.ValidString(text):
					cell, kept = nearly, fmt.Sprintf("[{\"v\" %q}]", text)
				case inexact:
					cell, kept = nearly, "["+bytes+"]"
				}
				wantKept.Rescued += 2 * min(1, len(kept)-2)
				if inexact {
					wantKept.Inexact += 2
				} else if kept != "[]" {
					wantKept.Misfit += 2
				}
				want = append(want, cell, tc.zero, cell)
				rescued = append(rescued, kept, "[]", kept)
			}
			for _, valid := range []bool{false, true} {
				b.Reset()
				batch := batchOf(valid, records...)
				batch.Valid = batch.Valid && utf8.Valid(batch.Text)
				kept, err := b.Append(batch, layout)
				if kept.Misfit > 0 && (kept.Field != 1 || rescued[kept.Row] == "[]") {
					t.Fatalf("the first misfit is in field %d of row %d", kept.Field, kept.Row)
				}
				if kept.Row, kept.Field = 0, 0; err != nil || kept != wantKept {
					t.Fatalf("%+v, %v, want %+v", kept, err, wantKept)
				}
				cells := decode(t, b)
				for i := range want {
					if cells["v"][i] != want[i] || cells["_rescued"][i] != rescued[i] {
						t.Errorf("%.50q: got %.80s, _rescued %.80s, want %.80s, %.80s", records[i][1], cells["v"][i], cells["_rescued"][i], want[i], rescued[i])
					}
				}
				if cells["_insert"][0] != "42" || cells["_line"][1] != "3" || cells["network"][0] != `"11111"` || cells["_file"][0] != `"f.zip"` || cells["_hour"][0] != "2016-09-09T09:00:00" {
					t.Errorf("lineage: %v %v %v %v %v", cells["_insert"][0], cells["_line"][1], cells["network"][0], cells["_file"][0], cells["_hour"][0])
				}
			}
		})
	}
}
