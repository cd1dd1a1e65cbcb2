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

// archiveCase is an archive, the end of its name, and what becomes of it.
type archiveCase struct {
	name, end string
	body      func(text []byte) []byte
	reason    string // "": it loads
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
		{"gzip", ".csv.gz", gz(same), ""},
		{"gzip in capitals", ".CSV.GZ", gz(same), ""},
		{"gzip members", ".gz", func(text []byte) []byte { return gzipped(t, text[:100], nil, text[100:]) }, ""},
		{"gzip filled up with zeros", ".csv.gz", gz(plus(strings.Repeat("\x00", 4096))), ""},
		{"gzip, cut", ".csv.gz", gz(func(z []byte) []byte { return z[:len(z)/2] }), "cut short"},
		{"gzip, trailer cut", ".csv.gz", gz(less(2)), "cut short"},
		{"gzip, CRC", ".csv.gz", gz(flip(8)), "CRC-32"},
		{"gzip, length", ".csv.gz", gz(flip(4)), "length"},
		{"gzip, damaged data", ".csv.gz", gz(func(z []byte) []byte { z[len(z)/2] ^= 0xff; return z }), "gzip: "},
		{"gzip, and a text after it", ".csv.gz", gz(plus("hello")), "5 bytes follow"},
		{"gzip, second member cut", ".csv.gz", func(text []byte) []byte { z := gzipped(t, text[:100], text[100:]); return z[:len(z)-9] }, "in member 2"},
		{"an honest bomb in gzip", ".csv.gz", func([]byte) []byte { return gzipped(t, bytes.Repeat([]byte("a"), 8<<20)) }, "header"},
		{"zstd", ".csv.zst", zs(same), ""},
		{"zstd frames", ".zst", func(text []byte) []byte { return zstandard(t, text[:100], text[100:]) }, ""},
		{"zstd after a frame to be skipped", ".csv.zst", zs(func(z []byte) []byte { return append([]byte("\x50\x2a\x4d\x18\x03\x00\x00\x00abc"), z...) }), ""},
		{"zstd, cut", ".csv.zst", zs(func(z []byte) []byte { return z[:len(z)/2] }), "cut short"},
		{"zstd, checksum cut", ".csv.zst", zs(less(1)), "cut short"},
		{"zstd, checksum", ".csv.zst", zs(flip(1)), "checksum"},
		{"zstd, and two bytes after it", ".csv.zst", zs(plus("\r\n")), "2 bytes follow"},
		{"text", ".csv", same, ""},
		{"text in capitals, with a BOM", ".CSV", func(text []byte) []byte { return append([]byte("\xef\xbb\xbf"), text...) }, ""},
		{"no text", ".csv", fixed(""), "it is empty"},
		{"a page of HTML", ".csv", fixed("\n <html><body>maintenance</body></html>" + strings.Repeat(" ", 100)), "not a raw log"},
		{"a text that is no log", ".csv", fixed("AccessDenied, Request has expired\n"), "is the header missing?"},
		{"text named .csv.gz", ".csv.gz", same, `instead of "\x1f\x8b"`},
		{"HTML named .csv.zst", ".csv.zst", fixed("<html><body>maintenance"), `begins with "<html>`},
		{"gzip named .zip", ".zip", gz(same), ""},
		{"ZIP named .csv", ".csv", func(text []byte) []byte { return packed(t, text) }, ""},
		{"zstd named .csv.gz", ".csv.gz", zs(same), ""},
	}
}

// Hostile archives of each further format fail with their reason and leave nothing in
// the store and the others alone; once they are mended, as ZIPs, they load.
func TestHostileArchives(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	for _, mode := range []struct {
		name   string
		memory int64
	}{{"whole", 64 << 20}, {"streamed", streamed}} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			r := db.rig(t)
			r.options.MaxMemory = mode.memory
			src := r.folder()
			type sent struct {
				name, path string
				spec       gen.Spec
			}
			var broken []sent
			cases := archiveCases(t)
			for i, tc := range cases {
				spec := gen.Spec{Type: rawlog.Clicks, Hour: hourOf(i), Rows: 30}
				name := gen.FileName(spec.Type, spec.Hour, 7)
				path := strings.TrimSuffix(name, ".zip") + tc.end
				src.put(path, tc.body(r.text(name, spec)))
				if tc.reason != "" {
					r.want[key{spec.Type, name}] = &wanted{failed: tc.reason, hour: spec.Hour}
					broken = append(broken, sent{name, path, spec})
				}
			}
			for try := range 2 {
				sum, err := r.run(src.source())
				if err != nil || sum.Failed != len(broken) || len(sum.Failures) != len(broken) || sum.Loaded+sum.AlreadyLoaded != len(cases)-len(broken) {
					t.Fatalf("run %d: %v, %+v", try, err, sum)
				}
				r.check()
			}
			for _, b := range broken {
				src.drop(b.path)
				src.put(b.name, r.zip(b.name, b.spec))
			}
			r.recover(src.source())
		})
	}
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
	for _, mode := range []struct {
		name   string
		memory int64
	}{{"whole", 64 << 20}, {"streamed", streamed}} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			r := db.rig(t)
			r.options.MaxMemory = mode.memory
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
}
