package parse

import (
	"bytes"
	stdgzip "compress/gzip"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit/pack"
)

const someText = "transaction_id,offer_id\n\"abc\",1\n\"d\",2\n"

// gzipOf packs each text as a member of its own.
func gzipOf(t testing.TB, head stdgzip.Header, texts ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	for _, text := range texts {
		w := stdgzip.NewWriter(&buf)
		w.Header = head
		_, err := io.WriteString(w, text)
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

// zstdOf packs each text as a frame of its own.
func zstdOf(t testing.TB, options []zstd.EOption, texts ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	for _, text := range texts {
		w, err := zstd.NewWriter(&buf, options...)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(w, text)
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

// skippable is a frame that readers of zstd leave out.
func skippable(text string) string {
	return "\x53\x2a\x4d\x18" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(text)))) + text
}

// withHeadCRC gives a gzip member the CRC-16 of its header that RFC 1952 allows, and
// text as FLG's promise of ASCII.
func withHeadCRC(z []byte) []byte {
	head := bytes.Clone(z[:10])
	head[3] |= 1<<1 | 1<<0
	head = binary.LittleEndian.AppendUint16(head, uint16(crc32.ChecksumIEEE(head)))
	return append(head, z[10:]...)
}

func TestFormats(t *testing.T) {
	t.Parallel()
	text := strings.Repeat(someText, 20_000)
	half := len(text) / 2
	gz, zs := gzipOf(t, stdgzip.Header{}, text), zstdOf(t, nil, text)
	edit := func(z []byte, change func(z []byte) []byte) []byte { return change(bytes.Clone(z)) }
	plus := func(z []byte, more string) []byte { return append(bytes.Clone(z), more...) }
	unchecked := zstdOf(t, []zstd.EOption{zstd.WithEncoderCRC(false)}, text)
	wide := zstdFrame(16<<3, 100, someText) // 1 KiB << 16
	for _, tc := range []struct {
		name, file, reason string // "" is the text
		archive            []byte
		format             rawlog.Format
	}{
		{"gzip", "a.csv.gz", "", gz, rawlog.Gzip},
		{"gzip with name, comment, extra field", "a.csv.gz", "", gzipOf(t, stdgzip.Header{Name: "../../etc/x.csv", Comment: "ü", Extra: []byte("EX\x02\x00yz"), OS: 255}, text), rawlog.Gzip},
		{"gzip with a CRC of its header", "a.csv.gz", "", withHeadCRC(gz), rawlog.Gzip},
		{"gzip members", "a.csv.gz", "", gzipOf(t, stdgzip.Header{}, text[:half], "", text[half:]), rawlog.Gzip},
		{"gzip, stored", "a.csv.gz", "", storedGzip(t, text), rawlog.Gzip},
		{"gzip filled up with zeros", "a.csv.gz", "", plus(gz, strings.Repeat("\x00", 70_000)), rawlog.Gzip},
		{"gzip named .zip", "a.zip", "", gz, rawlog.Gzip},
		{"gzip named .csv", "a.csv", "", gz, rawlog.Gzip},
		{"gzip of nothing", "a.csv.gz", "", gzipOf(t, stdgzip.Header{}, ""), rawlog.Gzip},
		{"gzip cut in its data", "a.csv.gz", "too early: cut short", gz[:len(gz)/2], ""},
		{"gzip cut in its trailer", "a.csv.gz", "too early: cut short", gz[:len(gz)-3], ""},
		{"gzip without its trailer", "a.csv.gz", "too early: cut short", gz[:len(gz)-8], ""},
		{"gzip cut in its header", "a.csv.gz", "too early: cut short", gz[:6], ""},
		{"gzip cut in its second member", "a.csv.gz", "too early in member 2: cut short", plus(gz, string(gz[:len(gz)-5])), ""},
		{"gzip, CRC", "a.csv.gz", "CRC-32 or length is not the declared", edit(gz, func(z []byte) []byte { z[len(z)-8] ^= 1; return z }), ""},
		{"gzip, length", "a.csv.gz", "CRC-32 or length is not the declared", edit(gz, func(z []byte) []byte { z[len(z)-4] ^= 1; return z }), ""},
		{"gzip, CRC of the first member", "a.csv.gz", "not the declared one: damaged", plus(edit(gz, func(z []byte) []byte { z[len(z)-8] ^= 1; return z }), string(gz)), ""},
		{"gzip, CRC of its header", "a.csv.gz", "header", edit(withHeadCRC(gz), func(z []byte) []byte { z[10] ^= 1; return z }), ""},
		{"gzip of another method", "a.csv.gz", "header", edit(gz, func(z []byte) []byte { z[2] = 7; return z }), ""},
		{"gzip and a text", "a.csv.gz", "18 bytes follow", plus(gz, "and something more"), ""},
		{"gzip and one byte", "a.csv.gz", "1 bytes follow", plus(gz, "\n"), ""},
		{"gzip, zeros and a byte", "a.csv.gz", "101 bytes follow", plus(gz, strings.Repeat("\x00", 100)+"x"), ""},
		{"zstd", "a.csv.zst", "", zs, rawlog.Zstd},
		{"zstd without a checksum", "a.csv.zst", "", unchecked, rawlog.Zstd},
		{"zstd frames among skippable ones", "a.csv.zst", "", []byte(skippable("head") + string(zstdOf(t, nil, text[:half], text[half:])) + skippable("")), rawlog.Zstd},
		{"zstd of one segment", "a.csv.zst", "", zstdOf(t, []zstd.EOption{zstd.WithSingleSegment(true)}, text), rawlog.Zstd},
		{"zstd named .csv.gz", "a.csv.gz", "", zs, rawlog.Zstd},
		{"zstd cut in its data", "a.csv.zst", "too early: cut short", zs[:len(zs)/2], ""},
		{"zstd without its checksum", "a.csv.zst", "too early: cut short", zs[:len(zs)-4], ""},
		{"zstd without a checksum, cut", "a.csv.zst", "too early: cut short", unchecked[:len(unchecked)-1], ""},
		{"zstd cut in its second frame's magic", "a.csv.zst", "2 bytes follow", plus(zs, string(zs[:2])), ""},
		{"zstd cut in a skippable frame", "a.csv.zst", "too early: cut short", plus(zs, skippable("xyz")[:10]), ""},
		{"zstd, checksum", "a.csv.zst", "checksum is not the declared", edit(zs, func(z []byte) []byte { z[len(z)-1] ^= 1; return z }), ""},
		{"zstd and a text", "a.csv.zst", "5 bytes follow", plus(zs, "hello"), ""},
		{"zstd and one byte", "a.csv.zst", "1 bytes follow", plus(zs, "\n"), ""},
		{"zstd of a large window", "a.csv.zst", "points 16777216 bytes back, of which 8388608 are held", wide, ""},
		{"zstd from a pipe", "a.csv.zst", "", append(zstdFrame(17<<3, 0, text[:half]), zstdFrame(16<<3, 0, text[half:])...), rawlog.Zstd},
		{"zstd with a dictionary", "a.csv.zst", "dictionary", []byte("\x28\xb5\x2f\xfd\x01\x50\x07"), ""},
		{"a bomb in zstd", "a.csv.zst", "a bomb?", zstdFrame(0, 8200, ""), ""},
		{"a text", "a.csv", "", []byte(text), rawlog.Plain},
		{"a text that begins like a ZIP", "a.csv", "", []byte("PK" + text), rawlog.Plain},
		{"a text named .csv.gz", "a.csv.gz", "not a ZIP", []byte(text), ""},
		{"a ZIP named .csv", "a.csv", "", pack.ZIP(t, 8, text), rawlog.Zip},
		{"a ZIP named .csv.gz", "a.csv.gz", "", pack.ZIP(t, 8, text), rawlog.Zip},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := unpack(t, tc.archive, tc.file)
			var own *Error
			switch {
			case tc.reason != "":
				if !errors.As(err, &own) || !strings.Contains(own.Error(), tc.reason) {
					t.Errorf("got %v, want %q", err, tc.reason)
				}
			case err != nil:
				t.Error(err)
			case got != text && got != "PK"+text && tc.name != "gzip of nothing":
				t.Errorf("got %d bytes", len(got))
			default:
				z := Inflater{Hold: 10}
				text, err := z.Open(bytes.NewReader(tc.archive), int64(len(tc.archive)), tc.file)
				if err != nil || text.Format != tc.format || text.CRC32 != crc32.ChecksumIEEE([]byte(got)) || text.Size != int64(len(got)) ||
					text.Proven != (tc.format != rawlog.Zip) {
					t.Errorf("%+v, %v", text, err)
				}
			}
		})
	}
	z := Inflater{Hold: 1 << 20, Window: 64 << 20}
	if text, err := z.Open(bytes.NewReader(wide), int64(len(wide)), "a.csv.zst"); err != nil || text.Size != int64(100<<17+len(someText)) {
		t.Errorf("a large window, allowed: %+v, %v", text, err)
	}
}

// zstdFrame is a frame of a window, of many blocks of one byte repeated 128 Ki times,
// and of blocks as they are.
func zstdFrame(window byte, many int, last string) []byte {
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, window | 7<<3}
	if window != 0 {
		frame[5] = window
	}
	block := func(size, kind, end int, data string) {
		head := binary.LittleEndian.AppendUint32(nil, uint32(size<<3|kind<<1|end))
		frame = append(append(frame, head[:3]...), data...)
	}
	for range many {
		block(128<<10, 1, 0, "a")
	}
	for ; len(last) > 100_000; last = last[100_000:] {
		block(100_000, 0, 0, last[:100_000])
	}
	block(len(last), 0, 1, last)
	return frame
}

// storedGzip is gzip whose DEFLATE blocks pack nothing.
func storedGzip(t testing.TB, text string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := stdgzip.NewWriterLevel(&buf, stdgzip.NoCompression)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// The memory of an Inflater is bounded by Hold, however its texts come.
func TestHold(t *testing.T) {
	t.Parallel()
	text := strings.Repeat(someText, 1000)
	z := Inflater{Hold: int64(len(text))}
	for _, archive := range []struct {
		name string
		data []byte
	}{
		{"a.csv", []byte(text)}, {"a.csv.gz", gzipOf(t, stdgzip.Header{}, text)}, {"a.zip", pack.ZIP(t, 8, text)}, {"a.csv.zst", zstdOf(t, nil, text)},
		{"b.csv", []byte(text + "x")}, {"b.csv.gz", gzipOf(t, stdgzip.Header{}, text+"x")}, {"b.zip", pack.ZIP(t, 8, text+"x")}, {"b.csv.zst", zstdOf(t, nil, text+"x")},
	} {
		body, err := z.Open(bytes.NewReader(archive.data), int64(len(archive.data)), archive.name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := z.Bytes(body)
		if small := archive.name[0] == 'a'; small != (err == nil) || small && string(got) != text {
			t.Errorf("%s: %d bytes, %v", archive.name, len(got), err)
		}
		if int64(cap(z.text)) > z.Hold+z.Hold/8+1024 {
			t.Errorf("%s: %d bytes are kept, of %d", archive.name, cap(z.text), z.Hold)
		}
	}
}

// A text that was read while it was opened is not taken for another.
func TestHeldText(t *testing.T) {
	t.Parallel()
	z := Inflater{Hold: 1 << 20}
	open := func(text string) *Text {
		data := gzipOf(t, stdgzip.Header{}, text)
		body, err := z.Open(bytes.NewReader(data), int64(len(data)), "a.csv.gz")
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	one, two := open("one"), open("two and more")
	for body, want := range map[*Text]string{one: "one", two: "two and more"} {
		for range 2 {
			if got, err := z.Bytes(body); err != nil || string(got) != want {
				t.Errorf("got %q, %v", got, err)
			}
		}
	}
}

// A failing source is not taken for a bad archive, whatever the format.
func TestFormatReadErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	var text strings.Builder
	for i := range 60_000 {
		text.WriteString(strings.Repeat("x", i%7) + string(rune('a'+i*i%26)) + ",")
	}
	for name, good := range map[string][]byte{
		"a.csv": []byte(text.String()), "a.csv.gz": storedGzip(t, text.String()),
		"a.csv.zst": zstdOf(t, []zstd.EOption{zstd.WithEncoderLevel(zstd.SpeedFastest)}, text.String()),
	} {
		failed := 0
		for after := range 30 {
			z := Inflater{Hold: 1 << 20}
			r := &failingAt{ReaderAt: bytes.NewReader(good), left: after, err: broken}
			body, err := z.Open(r, int64(len(good)), name)
			if err == nil {
				_, err = io.ReadAll(z.Stream(body))
			}
			if err != nil {
				failed++
			}
			if err != nil && !errors.Is(err, broken) {
				t.Errorf("%s after %d reads: %v", name, after, err)
			}
		}
		if failed < 3 {
			t.Errorf("%s failed %d times", name, failed)
		}
	}
}

// FuzzGzip checks that any bytes are read or refused, in both ways alike, and that
// what the standard library reads to its end is what comes out here, and the reverse.
func FuzzGzip(f *testing.F) {
	good := gzipOf(f, stdgzip.Header{Name: "x", Extra: []byte("yz")}, someText)
	f.Add(good)
	f.Add(gzipOf(f, stdgzip.Header{}, "a", "", "b"))
	f.Add(withHeadCRC(good))
	f.Add(storedGzip(f, someText))
	f.Add(good[:len(good)-5])
	f.Add(append(bytes.Clone(good), 0, 0))
	f.Add(append(bytes.Clone(good), 0, 1))
	f.Fuzz(func(t *testing.T, archive []byte) {
		archive = append([]byte("\x1f\x8b"), archive[min(2, len(archive)):]...)
		got, err := unpack(t, archive, "a.csv.gz")
		var want []byte
		r, serr := stdgzip.NewReader(bytes.NewReader(bytes.TrimRight(archive, "\x00")))
		if serr == nil {
			want, serr = io.ReadAll(r)
		}
		if serr == nil && (err != nil || string(want) != got) {
			t.Fatalf("got %q, %v; compress/gzip %q", got, err, want)
		}
		if serr != nil && err == nil { // a trailer may end with zeros
			r, serr = stdgzip.NewReader(bytes.NewReader(archive))
			if serr == nil {
				want, serr = io.ReadAll(r)
			}
			if string(want) != got || serr != nil && !strings.HasSuffix(string(archive), "\x00") {
				t.Fatalf("got %q; compress/gzip %q, %v", got, want, serr)
			}
		}
	})
}

// FuzzZstd checks that any bytes are read or refused, in both ways alike, and that
// what comes out is what the library makes of them at once.
func FuzzZstd(f *testing.F) {
	good := zstdOf(f, nil, someText)
	f.Add(good)
	f.Add(zstdOf(f, []zstd.EOption{zstd.WithEncoderCRC(false)}, "a", "b"))
	f.Add([]byte(skippable("x") + string(good) + skippable("")))
	f.Add(zstdOf(f, []zstd.EOption{zstd.WithSingleSegment(true)}, strings.Repeat("a", 1000)))
	f.Add(good[:len(good)-5])
	f.Add(append(bytes.Clone(good), 'x'))
	f.Add(zstdFrame(17<<3, 2, someText))
	library, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, archive []byte) {
		if _, ok := rawlog.FormatOf(archive, "a.csv.zst"); !ok {
			return
		}
		got, err := unpack(t, archive, "a.csv.zst")
		if format, _ := rawlog.FormatOf(archive, ""); format != rawlog.Zstd {
			return
		}
		want, lerr := library.DecodeAll(archive, nil)
		if err == nil && !errors.Is(lerr, zstd.ErrWindowSizeExceeded) && (lerr != nil || string(want) != got) { // ours is put in place
			t.Fatalf("got %.100q; the library %.100q, %v", got, want, lerr)
		}
	})
}
