package faults

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

func gzipped(t testing.TB, texts ...[]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	for _, text := range texts {
		w := gzip.NewWriter(&buf)
		w.Name, w.Extra = "../../x.csv", []byte("extra")
		_, err := w.Write(text)
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

func zstandard(t testing.TB, texts ...[]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	for _, text := range texts {
		w, err := zstd.NewWriter(&buf)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Write(text)
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

func archiveCases(t *testing.T) []archiveCase {
	gz := func(change func(z []byte) []byte) func([]byte) []byte {
		return func(text []byte) []byte { return change(gzipped(t, text)) }
	}
	zs := func(change func(z []byte) []byte) func([]byte) []byte {
		return func(text []byte) []byte { return change(zstandard(t, text)) }
	}
	same := func(z []byte) []byte { return z }
	flip := func(fromEnd int) func(z []byte) []byte {
		return func(z []byte) []byte { z[len(z)-fromEnd] ^= 1; return z }
	}
	less := func(n int) func(z []byte) []byte { return func(z []byte) []byte { return z[:len(z)-n] } }
	plus := func(more string) func(z []byte) []byte {
		return func(z []byte) []byte { return append(z, more...) }
	}
	fixed := func(text string) func([]byte) []byte { return func([]byte) []byte { return []byte(text) } }
	return []archiveCase{
		{name: "gzip", end: ".csv.gz", body: gz(same)},
		{name: "gzip in capitals", end: ".CSV.GZ", body: gz(same)},
		{name: "gzip members", end: ".gz", body: func(text []byte) []byte { return gzipped(t, text[:100], nil, text[100:]) }},
		{name: "gzip filled up with zeros", end: ".csv.gz", body: gz(plus(strings.Repeat("\x00", 4096)))},
		{name: "gzip, cut", end: ".csv.gz", body: gz(func(z []byte) []byte { return z[:len(z)/2] }), reason: "cut short"},
		{name: "gzip, trailer cut", end: ".csv.gz", body: gz(less(2)), reason: "cut short"},
		{name: "gzip, CRC", end: ".csv.gz", body: gz(flip(8)), reason: "CRC-32"},
		{name: "gzip, length", end: ".csv.gz", body: gz(flip(4)), reason: "length"},
		{name: "gzip, damaged data", end: ".csv.gz", body: gz(func(z []byte) []byte { z[len(z)/2] ^= 0xff; return z }), reason: "gzip: "},
		{name: "gzip, and a text after it", end: ".csv.gz", body: gz(plus("hello")), reason: "5 bytes follow"},
		{name: "gzip, second member cut", end: ".csv.gz", body: func(text []byte) []byte { z := gzipped(t, text[:100], text[100:]); return z[:len(z)-9] }, reason: "in member 2"},
		{name: "an honest bomb in gzip", end: ".csv.gz", body: func([]byte) []byte { return gzipped(t, bytes.Repeat([]byte("a"), 8<<20)) }, reason: "header"},
		{name: "zstd", end: ".csv.zst", body: zs(same)},
		{name: "zstd frames", end: ".zst", body: func(text []byte) []byte { return zstandard(t, text[:100], text[100:]) }},
		{name: "zstd after a frame to be skipped", end: ".csv.zst", body: zs(func(z []byte) []byte { return append([]byte("\x50\x2a\x4d\x18\x03\x00\x00\x00abc"), z...) })},
		{name: "zstd, cut", end: ".csv.zst", body: zs(func(z []byte) []byte { return z[:len(z)/2] }), reason: "cut short"},
		{name: "zstd, checksum cut", end: ".csv.zst", body: zs(less(1)), reason: "cut short"},
		{name: "zstd, checksum", end: ".csv.zst", body: zs(flip(1)), reason: "checksum"},
		{name: "zstd, and two bytes after it", end: ".csv.zst", body: zs(plus("\r\n")), reason: "2 bytes follow"},
		{name: "text", end: ".csv", body: same},
		{name: "text in capitals, with a BOM", end: ".CSV", body: func(text []byte) []byte { return append([]byte("\xef\xbb\xbf"), text...) }},
		{name: "no text", end: ".csv", body: fixed(""), reason: "it is empty"},
		{name: "a page of HTML", end: ".csv", body: fixed("\n <html><body>maintenance</body></html>" + strings.Repeat(" ", 100)), reason: "not a raw log"},
		{name: "a text that is no log", end: ".csv", body: fixed("AccessDenied, Request has expired\n"), reason: "is the header missing?"},
		{name: "text named .csv.gz", end: ".csv.gz", body: same, reason: `instead of "\x1f\x8b"`},
		{name: "HTML named .csv.zst", end: ".csv.zst", body: fixed("<html><body>maintenance"), reason: `begins with "<html>`},
		{name: "gzip named .zip", end: ".zip", body: gz(same)},
		{name: "ZIP named .csv", end: ".csv", body: func(text []byte) []byte { return packed(t, text) }},
		{name: "zstd named .csv.gz", end: ".csv.gz", body: zs(same)},
	}
}

// Hostile archives of each further format fail with their reason and leave nothing in
// the store and the others alone; once they are mended, as ZIPs, they load.
func TestHostileArchives(t *testing.T) {
	t.Parallel()
	runArchives(t, archiveCases(t))
}

func (f *folder) drop(name string) {
	f.Helper()
	if err := os.Remove(filepath.Join(f.root, name)); err != nil {
		f.Fatal(err)
	}
}

// A file that is packed anew is the same file: nothing of it is loaded again, nor is
// it when both are there. A text under another name is a copy in any format.
func TestPackedAnew(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	eachMode(t, db, func(t *testing.T, r *rig) {
		src := r.folder()
		ends := []string{".zip", ".csv.gz", ".csv.zst", ".csv"}
		as := func(end string, text []byte) []byte {
			switch end {
			case ".zip":
				return packed(t, text)
			case ".csv.gz":
				return gzipped(t, text)
			case ".csv.zst":
				return zstandard(t, text)
			}
			return text
		}
		var stems []string
		var texts [][]byte
		for i, end := range ends {
			spec := gen.Spec{Type: rawlog.Clicks, Hour: hourOf(i), Rows: 40}
			name := gen.FileName(spec.Type, spec.Hour, 7)
			stems, texts = append(stems, strings.TrimSuffix(name, ".zip")), append(texts, r.text(name, spec))
			src.put(stems[i]+end, as(end, texts[i]))
		}
		r.recover(src.source())
		nothing := func(when string) {
			t.Helper()
			for range 2 {
				sum, err := r.run(src.source())
				if err != nil || sum.Listed != len(ends) || sum.AlreadyLoaded != len(ends) || sum.Loaded+sum.Replaced+sum.Failed != 0 || len(sum.Issues) > 0 {
					t.Fatalf("%s: %v, %+v", when, err, sum)
				}
			}
			r.check()
		}
		for i := range ends {
			next := ends[(i+1)%len(ends)]
			src.drop(stems[i] + ends[i])
			src.put(stems[i]+next, as(next, texts[i]))
		}
		nothing("each in another format")
		for i := range ends {
			for _, end := range ends {
				src.put(stems[i]+end, as(end, texts[i]))
			}
		}
		nothing("each in all formats")
		other := stems[2] + "x.csv.gz"
		src.put(other, gzipped(t, texts[2]))
		sum, err := r.run(src.source())
		if err != nil || len(sum.Issues) != 1 || !sum.Issues[0].Has(checkpoint.Copy) || sum.Issues[0].File.Name != stems[2]+"x.zip" {
			t.Fatalf("a copy in another format: %v, %+v", err, sum)
		}
		if n := len(r.rows(rawlog.Clicks, db.columns(t))); n != 4*40 {
			t.Errorf("%d rows, want %d", n, 4*40)
		}
	})
}
