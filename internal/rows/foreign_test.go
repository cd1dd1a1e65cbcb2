package rows

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
)

// Texts whose first line is not a header fail, and the reason says what they are.
func TestReaderForeign(t *testing.T) {
	t.Parallel()
	const h, row = "transaction_id,offer_id,affiliate_id,datetime,payout_cents,country_code\n", "a,17,3,2016-09-09 09:00:01,5,CZ\n"
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(h + row)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	tar := make([]byte, 512)
	copy(tar, "x.csv")
	copy(tar[100:], "0000644")
	copy(tar[257:], "ustar\x0000")
	utf32 := func(s string) (out string) {
		for _, c := range []byte(s) {
			out += string([]byte{c, 0, 0, 0})
		}
		return out
	}
	const binary = `it holds bytes that are not text, and `
	for _, tc := range []struct{ name, text, says, looks string }{
		{"a tar", string(tar) + h + row, binary, "the text is a tar archive: take the file out of it"},
		{"a stored ZIP", "PK\x03\x04\x14\x00\x00\x00\x00\x00\x01\x02\x03\x04x.csv" + h + row, binary, "the text is a ZIP: it was packed twice"},
		{"a ZIP behind another text", "x.csv PK\x03\x04" + h + row, binary, `"x.csv PK\x03\x04transaction_id" is not the name of a column`},
		{"a hole", strings.Repeat("\x00", 9) + h[9:] + row, binary, "NUL bytes"},
		{"a hole within", h[:60] + "\x00\x00\x00" + h[63:] + row, binary, `"transaction_id" is not the name`},
		{"gzip again", packed.String(), "line 1: header: ", "the text is gzip once more: it was packed twice"},
		{"UTF-32", "\xff\xfe\x00\x00" + utf32(h), "line 1: header: ", "the text is UTF-32: convert it to UTF-8"},
		{"UTF-32, high bytes first", "\x00\x00\xfe\xff\x00\x00" + utf32(h), "line 1: header: ", "the text is UTF-32: convert it to UTF-8"},
		{"tabs", strings.ReplaceAll(h+row, ",", "\t"), "its one name", "they are separated by tabs, those of a raw log by commas"},
		{"semicolons, in quotes", `"` + strings.ReplaceAll(h[:len(h)-1], ",", `";"`) + "\"\n", "", "separated by semicolons"},
		{"semicolons", strings.ReplaceAll(h+row, ",", ";"), "its one name", "they are separated by semicolons, those of a raw log by commas"},
		{"pipes", strings.ReplaceAll(h+row, ",", "|"), "its one name", "they are separated by pipes, those of a raw log by commas"},
		{"a spreadsheet's sep=", "sep=,\n" + h + row, "none of its 2 names", "take it out"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newReading(t, testTable(clickColumns()...), Config{})
			for _, m := range modes() {
				got := r.read(t, m, []byte(tc.text))
				if got.Rows != nil || !strings.Contains(got.Err, tc.says) || !strings.Contains(got.Err, tc.looks) {
					t.Errorf("%s: %q, error %s", m.name, got.Rows, got.Err)
				}
			}
		})
	}
}
