package parse

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"rawlogs/internal/testkit/pack"
)

// unzip reads a ZIP in both ways, which must agree.
func unzip(t testing.TB, archive []byte) (string, error) {
	t.Helper()
	return unpack(t, archive, "clicks.zip")
}

// unpack reads an archive in both ways, which must agree.
func unpack(t testing.TB, archive []byte, name string) (string, error) {
	t.Helper()
	z := Inflater{Hold: 64 << 20}
	e, err := z.Open(bytes.NewReader(archive), int64(len(archive)), name)
	if err != nil {
		return "", err
	}
	got, err := z.Bytes(e)
	if e.Size > z.Hold {
		return "", err
	}
	whole := string(got)
	s := z.Stream(e)
	streamed, serr := io.ReadAll(s)
	if int64(len(streamed)) > e.Size {
		t.Fatalf("%d bytes came out of an entry of %d", len(streamed), e.Size)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	of, _ := e.packed.(*entry)
	if (err == nil) != (serr == nil) && (of == nil || of.compressed <= e.Size+e.Size/8+1024) {
		t.Fatalf("whole: %v, streamed: %v", err, serr)
	}
	if err == nil && whole != string(streamed) {
		t.Fatal("whole and streamed differ")
	}
	// The Inflater is as new after any error, and holds no other text for this one.
	z.holds = nil
	again, err2 := z.Bytes(e)
	if (err == nil) != (err2 == nil) || err == nil && !bytes.Equal(again, streamed) {
		t.Fatalf("again: %v, before: %v", err2, err)
	}
	return whole, err
}

func TestZip(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("transaction_id,offer_id\n\"abc\",1\n", 10_000)
	good := pack.ZIP(t, zip.Deflate, text)
	edit := func(change func(z []byte) []byte) []byte { return change(bytes.Clone(good)) }
	central := bytes.LastIndex(good, []byte("PK\x01\x02"))
	end := len(good) - endLen
	data := localLen + len("../../0.csv")
	for _, tc := range []struct {
		name, reason string
		archive      []byte
	}{
		{"deflated", "", good},
		{"stored", "", pack.ZIP(t, zip.Store, text)},
		{"bytes before it", "", append([]byte("#!/bin/sh\n"), good...)},
		{"another archive before it", "two archives joined", slices.Concat(pack.ZIP(t, zip.Deflate, "a"), good)},
		{"two others before it", "two archives joined", slices.Concat(pack.ZIP(t, zip.Store, text), pack.ZIP(t, zip.Deflate, "a"), good)},
		{"itself twice", "two archives joined", slices.Concat(good, good)},
		{"comment", "", edit(func(z []byte) []byte {
			z[end+20] = 4
			return append(z, "PK\x05\x06"...)
		})},
		{"bytes after it", "", append(bytes.Clone(good), "\r\n"...)},
		{"zip64", "", zip64Of(t, good, text)},
		{"nothing", "it is empty", nil},
		{"HTML", "not a ZIP", []byte("<html>" + strings.Repeat("x", 100))},
		{"no entries", "0 entries", pack.ZIP(t, zip.Deflate)},
		{"a folder only", `only the folder "logs/"`, pack.Named(t, "logs/", "")},
		{"folders only", `only the folder "logs\\"`, pack.Named(t, "a/", "", `logs\`, "")},
		{"litter only", "adds to archives", pack.Named(t, "__MACOSX/._a.csv", "x", ".DS_Store", "x")},
		{"in a folder, with litter and an empty file", "", pack.Named(t, "logs/", "", "logs/.DS_Store", "x", "logs/a.csv", text, "logs/empty", "",
			"__MACOSX/", "", "__MACOSX/logs/._a.csv", "x", "Thumbs.db", "x")},
		{"a file twice", "2 entries", pack.Named(t, "a.csv", text, "a.csv", text)},
		{"two files in a folder", "2 entries", pack.Named(t, "logs/", "", "logs/a.csv", text, "logs/b.csv", "x")},
		{"Deflate64", "Deflate64, pack it again", edit(func(z []byte) []byte { z[central+10] = 9; return z })},
		{"second head cut short", "central directory", func() []byte {
			z := pack.Named(t, "a/", "", "a.csv", text)
			z[len(z)-endLen+12] -= 40
			return z
		}()},
		{"two entries", "2 entries", pack.ZIP(t, zip.Deflate, "a", "b")},
		{"many entries", "10000 entries", pack.ZIP(t, zip.Store, make([]string, 10_000)...)},
		{"cut short", "cut short", good[:len(good)/2]},
		{"cut at the directory", "cut short", good[:end]},
		{"encrypted", "encrypted", edit(func(z []byte) []byte { z[central+8] |= 1; return z })},
		{"unknown method", "method 99", edit(func(z []byte) []byte { z[central+10] = 99; return z })},
		{"wrong CRC", "CRC-32", edit(func(z []byte) []byte { z[central+16] ^= 1; return z })},
		{"damaged data", "", edit(func(z []byte) []byte { z[data+40] ^= 0xff; return z })},
		{"declared too small", "more than the declared", edit(func(z []byte) []byte {
			binary.LittleEndian.PutUint32(z[central+24:], uint32(len(text)-1))
			return z
		})},
		{"declared too large", "too early", edit(func(z []byte) []byte {
			binary.LittleEndian.PutUint32(z[central+24:], uint32(len(text)+1))
			return z
		})},
		{"a bomb by declaration", "fit in memory", edit(func(z []byte) []byte {
			binary.LittleEndian.PutUint32(z[central+24:], 1<<31)
			return z
		})},
		{"packed size too small", "too early", edit(func(z []byte) []byte {
			binary.LittleEndian.PutUint32(z[central+20:], binary.LittleEndian.Uint32(z[central+20:])-1)
			return z
		})},
		{"packed size too large", "follow the end", edit(func(z []byte) []byte {
			binary.LittleEndian.PutUint32(z[central+20:], binary.LittleEndian.Uint32(z[central+20:])+1)
			return z
		})},
		{"entry outside", "outside", edit(func(z []byte) []byte {
			binary.LittleEndian.PutUint32(z[central+42:], 1<<30)
			return z
		})},
		{"entry into the directory", "cut short", edit(func(z []byte) []byte {
			binary.LittleEndian.PutUint32(z[central+20:], 1<<20)
			return z
		})},
		{"directory outside", "outside", edit(func(z []byte) []byte {
			binary.LittleEndian.PutUint32(z[end+16:], 1<<30)
			return z
		})},
		{"several disks", "set of several", edit(func(z []byte) []byte { z[end+4] = 1; return z })},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := unzip(t, tc.archive)
			var zerr *Error
			switch {
			case tc.name == "damaged data":
				if !errors.As(err, &zerr) {
					t.Errorf("got %v", err)
				}
			case tc.reason == "":
				if err != nil || got != text {
					t.Errorf("got %d bytes, %v", len(got), err)
				}
			case !errors.As(err, &zerr) || !strings.Contains(zerr.Reason, tc.reason):
				t.Errorf("got %v, want %q", err, tc.reason)
			}
		})
	}
}

// zip64Of rewrites an archive with all of its numbers in zip64 fields.
func zip64Of(t testing.TB, z []byte, text string) []byte {
	t.Helper()
	central := bytes.LastIndex(z, []byte("PK\x01\x02"))
	le := binary.LittleEndian
	head := bytes.Clone(z[central : len(z)-endLen])
	packed := le.Uint32(head[20:])
	nameLen, extraLen := int(le.Uint16(head[28:])), int(le.Uint16(head[30:]))
	extra := append([]byte{1, 0, 24, 0}, make([]byte, 24)...)
	le.PutUint64(extra[4:], uint64(len(text)))
	le.PutUint64(extra[12:], uint64(packed))
	le.PutUint32(head[20:], 1<<32-1)
	le.PutUint32(head[24:], 1<<32-1)
	le.PutUint32(head[42:], 1<<32-1)
	le.PutUint16(head[30:], uint16(extraLen+len(extra)))
	head = append(head[:centralLen+nameLen+extraLen:centralLen+nameLen+extraLen], append(extra, head[centralLen+nameLen+extraLen:]...)...)
	out := append(bytes.Clone(z[:central]), head...)
	end := make([]byte, end64Len)
	copy(end, "PK\x06\x06")
	le.PutUint64(end[4:], end64Len-12)
	le.PutUint64(end[24:], 1)
	le.PutUint64(end[32:], 1)
	le.PutUint64(end[40:], uint64(len(head)))
	le.PutUint64(end[48:], uint64(central))
	at := len(out)
	out = append(out, end...)
	locator := make([]byte, locator64Len)
	copy(locator, "PK\x06\x07")
	le.PutUint64(locator[8:], uint64(at))
	le.PutUint32(locator[16:], 1)
	out = append(out, locator...)
	small := make([]byte, endLen)
	copy(small, "PK\x05\x06")
	for i := 8; i < 20; i++ {
		small[i] = 0xff
	}
	return append(out, small...)
}

// TestZipReadErrors checks that a failing source is not taken for a bad archive.
func TestZipReadErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	good := pack.ZIP(t, zip.Deflate, strings.Repeat("a,b\n", 1000))
	for after := range 8 {
		r := &failingAt{ReaderAt: bytes.NewReader(good), left: after, err: broken}
		z := Inflater{Hold: 1 << 20}
		e, err := z.Open(r, int64(len(good)), "clicks.zip")
		if err == nil {
			_, err = z.Bytes(e)
			if err == nil {
				_, err = io.ReadAll(z.Stream(e))
			}
		}
		if err != nil && !errors.Is(err, broken) {
			t.Errorf("after %d reads: %v", after, err)
		}
	}
}

type failingAt struct {
	io.ReaderAt
	left int
	err  error
}

func (f *failingAt) ReadAt(p []byte, at int64) (int, error) {
	if f.left--; f.left < 0 {
		return 0, f.err
	}
	return f.ReaderAt.ReadAt(p, at)
}

// FuzzZip checks that any archive is read or refused, in both ways alike, and
// that what archive/zip reads out of one entry is what comes out here.
func FuzzZip(f *testing.F) {
	text := strings.Repeat("a,b\n1,\"x\"\n", 200)
	good := pack.ZIP(f, zip.Deflate, text)
	f.Add(good)
	f.Add(pack.ZIP(f, zip.Store, "a\n1\n"))
	f.Add(pack.ZIP(f, zip.Deflate, "a", "b"))
	f.Add(zip64Of(f, good, text))
	f.Add(pack.Named(f, "logs/", "", "logs/a.csv", text, "__MACOSX/._a.csv", "x", "empty", ""))
	f.Add(good[:len(good)-5])
	f.Fuzz(func(t *testing.T, archive []byte) {
		got, err := unzip(t, archive)
		std, zerr := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
		if err != nil || zerr != nil || len(std.File) != 1 {
			return
		}
		rc, zerr := std.File[0].Open()
		if zerr != nil {
			return
		}
		want, zerr := io.ReadAll(rc)
		if zerr == nil && string(want) != got {
			t.Fatalf("got %q, archive/zip %q", got, want)
		}
	})
}
