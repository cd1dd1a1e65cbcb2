package faults

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/testkit/pack"
)

// Offsets in an archive's records.
const (
	centralFlags, centralMethod, centralCRC            = 8, 10, 16
	centralPacked, centralSize, centralOffset, endSize = 20, 24, 42, 22
)

func zipCases(t *testing.T) []archiveCase {
	edit := func(change func(z []byte, central, end int) []byte) func([]byte) []byte {
		return func(text []byte) []byte {
			z := packed(t, text)
			return change(z, bytes.LastIndex(z, []byte("PK\x01\x02")), len(z)-endSize)
		}
	}
	set32 := func(at int, change func(uint32) uint32) func([]byte) []byte {
		return edit(func(z []byte, central, _ int) []byte {
			binary.LittleEndian.PutUint32(z[central+at:], change(binary.LittleEndian.Uint32(z[central+at:])))
			return z
		})
	}
	fixed := func(z []byte) func([]byte) []byte { return func([]byte) []byte { return z } }
	return []archiveCase{
		{name: "deflated, with a data descriptor, named ../../../0.csv", body: func(text []byte) []byte { return packed(t, text) }},
		{name: "stored", body: func(text []byte) []byte { return pack.ZIP(t, zip.Store, string(text)) }},
		{name: "zip64", body: func(text []byte) []byte { return zip64(t, text) }},
		{name: "bytes before and after it", body: func(text []byte) []byte {
			return joined([]byte("PK\x00 a prefix "), packed(t, text), []byte("\r\n"))
		}},
		{name: "no bytes", body: fixed(nil), reason: "it is empty"},
		{name: "HTML", body: fixed([]byte("<html><body>maintenance")), reason: `begins with "<html>`},
		{name: "truncated", body: func(text []byte) []byte { z := packed(t, text); return z[:len(z)/2] }, reason: "cut short"},
		{name: "no central directory", body: edit(func(z []byte, central, _ int) []byte { return z[:central] }), reason: "no end of central directory"},
		{name: "bad CRC", body: set32(centralCRC, func(v uint32) uint32 { return v ^ 1 }), reason: "CRC-32"},
		{name: "damaged data", body: edit(func(z []byte, central, _ int) []byte { z[central/2] ^= 0xff; return z }), reason: "zip: "},
		{name: "encrypted", body: edit(func(z []byte, central, _ int) []byte { z[central+centralFlags] |= 1; return z }), reason: "encrypted"},
		{name: "unknown method", body: edit(func(z []byte, central, _ int) []byte { z[central+centralMethod] = 99; return z }), reason: "method 99"},
		{name: "no entries", body: fixed(pack.ZIP(t, zip.Deflate)), reason: "0 entries"},
		{name: "a folder only", body: fixed(pack.Named(t, "logs/", "")), reason: "it holds no file"},
		{name: "in a folder, with what a Mac adds", body: func(text []byte) []byte {
			return pack.Named(t, "logs/", "", "logs/a.csv", string(text), "__MACOSX/logs/._a.csv", "x")
		}},
		{name: "two entries", body: func(text []byte) []byte { return pack.ZIP(t, zip.Deflate, string(text), "b") }, reason: "2 entries"},
		{name: "10,000 entries", body: fixed(pack.ZIP(t, zip.Store, make([]string, 10_000)...)), reason: "10000 entries"},
		{name: "declares less than it holds", body: set32(centralSize, func(v uint32) uint32 { return v - 1 }), reason: "more than the declared"},
		{name: "declares more than it holds", body: set32(centralSize, func(v uint32) uint32 { return v + 1 }), reason: "too early"},
		{name: "a bomb by declaration", body: set32(centralSize, func(uint32) uint32 { return 1 << 31 }), reason: "too early"},
		{name: "a bomb that declares little", body: func([]byte) []byte {
			z := packed(t, bytes.Repeat([]byte("a"), 8<<20))
			binary.LittleEndian.PutUint32(z[bytes.LastIndex(z, []byte("PK\x01\x02"))+centralSize:], 20_000)
			return z
		}, reason: "more than the declared"},
		{name: "an honest bomb", body: func([]byte) []byte { return packed(t, bytes.Repeat([]byte("a"), 8<<20)) }, reason: "header"},
		{name: "packed size reaches the directory", body: set32(centralPacked, func(uint32) uint32 { return 1 << 20 }), reason: "cut short"},
		{name: "entry outside", body: set32(centralOffset, func(uint32) uint32 { return 1 << 30 }), reason: "outside"},
	}
}

// Hostile ZIPs fail with their reason and leave the others alone; once they are
// mended they load.
func TestHostileZips(t *testing.T) {
	t.Parallel()
	runArchives(t, zipCases(t))
}

// zip64 is an archive with its sizes in zip64 fields.
func zip64(t testing.TB, text []byte) []byte {
	t.Helper()
	z := packed(t, text)
	le := binary.LittleEndian
	central := bytes.LastIndex(z, []byte("PK\x01\x02"))
	head, end := bytes.Clone(z[central:len(z)-endSize]), bytes.Clone(z[len(z)-endSize:])
	extra := []byte{1, 0, 16, 0}
	extra = le.AppendUint64(extra, uint64(le.Uint32(head[centralSize:])))
	extra = le.AppendUint64(extra, uint64(le.Uint32(head[centralPacked:])))
	le.PutUint32(head[centralSize:], 1<<32-1)
	le.PutUint32(head[centralPacked:], 1<<32-1)
	at := 46 + int(le.Uint16(head[28:]))
	le.PutUint16(head[30:], le.Uint16(head[30:])+uint16(len(extra)))
	head = joined(head[:at], extra, head[at:])
	le.PutUint32(end[12:], uint32(len(head)))
	return joined(z[:central], head, end)
}

func joined(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// textCase is a text and what becomes of it.
type textCase struct {
	name     string
	text     string
	rows     []string // line cells ~rescued
	rejected []string // line reason "raw"
	failed   string
	lines    uint64 // where there are neither rows nor rejected lines
}

// Hostile texts load by header name; lines that do not split are put aside, and
// the next good line is found again.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	wide := make([]string, 10_000)
	for i := range wide {
		wide[i] = fmt.Sprintf("c%d", i)
	}
	longField := strings.Repeat("words, and ", 300_000)
	const h = "transaction_id,offer_id,payout_cents\n"
	db := newDatabase(t)
	runTexts(t, db, 1<<20, []textCase{
		{name: "empty", failed: "the text is empty"},
		{name: "blank lines only", text: "\n\r\n\n", failed: "nothing but blank lines"},
		{name: "a page of HTML", text: "<!DOCTYPE html>\n<title>Sign in</title>\n", failed: "looks like a page of HTML"},
		{name: "an error in JSON", text: `{"response":{"status":-1,"errorMessage":"expired"}}`, failed: "looks like JSON"},
		{name: "UTF-16", text: "\xff\xfet\x00r\x00a\x00n\x00,\x00o\x00\r\x00\n\x00", failed: "UTF-16"},
		{name: "NULs only", text: strings.Repeat("\x00", 3000), failed: "NUL"},
		{name: "line ends of CR alone", text: strings.ReplaceAll(h, "\n", "\r") + "a,1,2\r\"b\",3,4\r",
			rows: []string{`2 transaction_id="a" offer_id="1" payout_cents="2"`, `3 transaction_id="b" offer_id="3" payout_cents="4"`}},
		{name: "line ends of CR CR LF", text: strings.ReplaceAll(h+"a,1,2\n\"b\",3,4\n", "\n", "\r\r\n"),
			rows: []string{`2 transaction_id="a" offer_id="1" payout_cents="2"`, `3 transaction_id="b" offer_id="3" payout_cents="4"`}},
		{name: "line ends of CR, then of LF", text: strings.ReplaceAll(h, "\n", "\r") + "a,1,2\n", failed: "carriage return alone"},
		{name: "line ends of LF CR", text: strings.ReplaceAll(h+"a,1,2\nb,3,4\n", "\n", "\n\r"), failed: "write CR LF or LF"},
		{name: "header only", text: h, lines: 1},
		{name: "header repeated as data", text: h + "a,1,2\n" + h + "b,3,4\n",
			rows: []string{`2 transaction_id="a" offer_id="1" payout_cents="2"`, `4 transaction_id="b" offer_id="3" payout_cents="4"`}, rejected: []string{`3 the header again "transaction_id,offer_id,payout_cents"`}},
		{name: "duplicate header", text: "offer_id,transaction_id,offer_id\n1,a,2\n", rows: []string{`2 transaction_id="a" offer_id="1" offer_id#2~"2"`}},
		{name: "columns added in the middle", text: "transaction_id,brand_new,offer_id,payout_cents\na,x,1,2\nb,,3,4\n",
			rows: []string{`2 transaction_id="a" offer_id="1" payout_cents="2" brand_new~"x"`, `3 transaction_id="b" offer_id="3" payout_cents="4"`}},
		{name: "columns removed and reordered", text: "payout_cents,transaction_id\n2,a\n", rows: []string{`2 transaction_id="a" payout_cents="2"`}},
		{name: "BOM, CRLF, no final line end", text: "\xef\xbb\xbftransaction_id,offer_id\r\n\"a\",1\r\n\"b\",2",
			rows: []string{`2 transaction_id="a" offer_id="1"`, `3 transaction_id="b" offer_id="2"`}},
		{name: "NUL", text: h + "\"a\x00b\",1,2\n", rows: []string{`2 transaction_id="a\x00b" offer_id="1" payout_cents="2"`}},
		{name: "quoted line break, doubled quotes", text: h + "\"a\nb\",1,2\n\"say \"\"hi\"\", then\",3,4\n",
			rows: []string{`2 transaction_id="a\nb" offer_id="1" payout_cents="2"`, `4 transaction_id="say \"hi\", then" offer_id="3" payout_cents="4"`}},
		{name: "lone quote", text: h + "a,1,2\n\"b,1,2\nc,3,4\n\"d\",5,6\n",
			rows:     []string{`2 transaction_id="a" offer_id="1" payout_cents="2"`, `4 transaction_id="c" offer_id="3" payout_cents="4"`, `5 transaction_id="d" offer_id="5" payout_cents="6"`},
			rejected: []string{`3 text after a closing quote "\"b,1,2"`}},
		{name: "short and long lines", text: h + "a\nb,1,2\nc,1,2,3\nd,3,4\n",
			rows:     []string{`3 transaction_id="b" offer_id="1" payout_cents="2"`, `5 transaction_id="d" offer_id="3" payout_cents="4"`},
			rejected: []string{`2 wrong number of fields "a"`, `4 wrong number of fields "c,1,2,3"`}},
		{name: "10,000 columns", text: strings.Join(wide, ",") + ",transaction_id\n" + strings.Repeat(",", 9_999) + "x,a\n", rows: []string{`2 transaction_id="a" c9999~"x"`}},
		{name: "more columns than are believed", text: strings.Repeat("a,", 20_000) + "a\n1\n", failed: "columns"},
		{name: "a field far beyond the memory", text: h + "a,1,2\n\"" + longField + "\",1,2\nb,3,4\n",
			rows:     []string{`2 transaction_id="a" offer_id="1" payout_cents="2"`, `4 transaction_id="b" offer_id="3" payout_cents="4"`},
			rejected: []string{fmt.Sprintf("3 longer than the longest allowed record %q", "\""+longField+"\",1,2")}},
		{name: "a header that is none", text: "a\"b,c\n1,2\n", failed: "header: quote in a bare field"},
		{name: "no header, only rows", text: "c0ffee,17,250\nc0ffef,18,300\n", failed: "is the header missing?"},
		{name: "SQL in header names", text: "transaction_id,\"x'); DROP TABLE clicks; --\",\"`y`\\\"\"\",\"{z:String}\"\na,1,2,3\n",
			rows: []string{`2 transaction_id="a" ` + "`y`\\\"~\"2\" x'); DROP TABLE clicks; --~\"1\" {z:String}~\"3\""}},
		{name: "lineage names in the header", text: "transaction_id,_line,network,_file,_insert\na,7,other,f.zip,9\n",
			rows: []string{`2 transaction_id="a" _file~"f.zip" _insert~"9" _line~"7" network~"other"`}},
		{name: "terminal escapes", text: "transaction_id,\"\x1b[31mred\"\n\"\x1b]0;title\x07\",\x1b[2J\nshort\n",
			rows: []string{"2 transaction_id=\"\\x1b]0;title\\a\" \x1b[31mred~\"\\x1b[2J\""}, rejected: []string{`3 wrong number of fields "short"`}},
	})
}

// Values are never silently changed: a spelling that means one thing is read, what
// fits its column only nearly is kept in _rescued as well, and what does not fit is
// there alone, letter by letter, and the column has its default.
func TestHostileValues(t *testing.T) {
	t.Parallel()
	var cases []textCase
	one := func(column, text, cells string) {
		quoted := `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		want := `2 transaction_id="t"`
		if cells != "" {
			want += " " + cells
		}
		cases = append(cases, textCase{name: column + " " + text, text: "transaction_id," + column + "\nt," + quoted + "\n", rows: []string{want}})
	}
	kept := func(column, text string) { one(column, text, fmt.Sprintf("%s~%q", column, text)) }
	nearly := func(column, text, cell string) {
		one(column, text, fmt.Sprintf("%s=%q %s~%q", column, cell, column, text))
	}
	for _, text := range []string{"4294967296", "99999999999999999999", "-1", "1e3", "12.5", "1,234", "0x10", "twelve", "٣", "007", "01067", "NULL", "-", "NaN"} {
		kept("offer_id", text)
	}
	kept("is_click_unique", "256")
	one("offer_id", "4294967295", `offer_id="4294967295"`)
	for _, text := range []string{"", " ", `\N`} {
		one("offer_id", text, "")
	}
	for _, text := range []string{"12.0", "+12", " 12 ", "12."} {
		one("offer_id", text, `offer_id="12"`)
	}
	for _, text := range []string{"2016-02-30 10:00:00", "1960-01-01 00:00:00", "2150-01-01 00:00:00", "2016-09-09", "2016-09-09 25:00:00", "yesterday", "01/02/2016 09:00:00", "2016090909"} {
		kept("datetime", text)
	}
	one("datetime", "2106-02-07 06:28:15", `datetime="2106-02-07 06:28:15"`)
	one("datetime", "0000-00-00 00:00:00", "")
	for _, text := range []string{"2016-09-09T09:00:28", "2016-09-09T09:00:28Z", "2016-09-09 11:00:28+0200", "2016-09-09 09:00:28.000", "1473411628", "1473411628000"} {
		one("datetime", text, `datetime="2016-09-09 09:00:28"`)
	}
	nearly("datetime", "2016-09-09T11:00:28.5+02:00", "2016-09-09 09:00:28")
	for _, text := range []string{"999.1.1.1", "1.2.3", "fe80::1%eth0", "localhost", "::1::"} {
		kept("ip", text)
	}
	one("ip", "1.2.3.4", `ip="::ffff:1.2.3.4"`)
	one("ip", "2001:db8::1", `ip="2001:db8::1"`)
	for _, text := range []string{"1,5", "999999999999999", "$5", "--1", ".", "007.5", "-01"} {
		kept("payout_cents", text)
	}
	one("payout_cents", "250.5", `payout_cents="501/2"`)
	one("payout_cents", "-12.3400", `payout_cents="-617/50"`)
	nearly("payout_cents", "12.34565", "7716/625") // half to even
	nearly("payout_cents", "1e3", "1000")
	one("payout", "2.505", `payout_cents="501/2"`)
	one("user_agent", "Mozilla \xff\xfe", `user_agent="Mozilla �" user_agent#hex~"4D6F7A696C6C6120FFFE"`)
	one("refer", "caf\xc3", `refer="caf�" refer#hex~"636166C3"`)
	one("offer_id", "\xff1", `offer_id~"�1" offer_id#hex~"FF31"`)
	one("brand_new", "\xff", `brand_new~"�" brand_new#hex~"FF"`)
	one("user_agent", "Žluťoučký kůň", `user_agent="Žluťoučký kůň"`)
	runTexts(t, newDatabase(t), 0, cases)
}

// runTexts loads each text as a file of its own, all of them in one run, twice.
func runTexts(t *testing.T, db *database, memory int64, cases []textCase) {
	t.Helper()
	r := db.rig(t)
	r.options.MaxMemory = memory
	src := r.folder()
	names := make(map[string]textCase)
	failed := 0
	for i, tc := range cases {
		name := gen.FileName(rawlog.Clicks, hourOf(i), 7)
		names[name] = tc
		src.put(name, packed(t, []byte(tc.text)))
		if tc.failed != "" {
			failed++
		}
	}
	for range 2 {
		sum, err := r.run(src.source())
		if err != nil || sum.Failed != failed || sum.Listed != len(cases) || sum.Loaded+sum.AlreadyLoaded+failed != len(cases) {
			t.Fatalf("%v, %+v", err, sum)
		}
	}
	rows, rejected := byFile(r.rows(rawlog.Clicks, db.columns(t))), byFile(r.rejected("concat(file, ':', toString(line), ' ', reason)"))
	for _, e := range r.entries() {
		tc := names[e.File.Name]
		delete(names, e.File.Name)
		tc.compare(t, e, rows[e.File.Name], rejected[e.File.Name])
	}
	if len(names) > 0 {
		t.Errorf("not in the ledger: %v", names)
	}
	r.checkTraces()
	r.checkSecrets()
}
