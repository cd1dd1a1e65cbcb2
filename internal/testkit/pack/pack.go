// Package pack makes archives for tests, whole ones and odd ones.
package pack

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// Random is n bytes that begin as a ZIP does and go on at random, by the seed.
func Random(n int, seed uint64) []byte {
	b := make([]byte, n)
	random := rand.NewChaCha8([32]byte{byte(seed)})
	_, _ = random.Read(b)
	copy(b, "PK\x03\x04")
	return b
}

// ZIP packs each text as an entry, as archive/zip does: with data descriptors. The
// entries' names would leave any folder.
func ZIP(tb testing.TB, method uint16, texts ...string) []byte {
	tb.Helper()
	entries := make([]zip.FileHeader, len(texts))
	for i := range texts {
		entries[i] = zip.FileHeader{Name: fmt.Sprintf("../../../%d.csv", i), Method: method}
	}
	return zipped(tb, entries, texts)
}

// Named packs texts, each after its name.
func Named(tb testing.TB, pairs ...string) []byte {
	tb.Helper()
	var entries []zip.FileHeader
	var texts []string
	for ; len(pairs) > 0; pairs = pairs[2:] {
		entries, texts = append(entries, zip.FileHeader{Name: pairs[0], Method: zip.Deflate}), append(texts, pairs[1])
	}
	return zipped(tb, entries, texts)
}

func zipped(tb testing.TB, entries []zip.FileHeader, texts []string) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i := range entries {
		f, err := w.CreateHeader(&entries[i])
		if err == nil && texts[i] != "" { // an empty write to a folder is refused
			_, err = io.WriteString(f, texts[i])
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}
