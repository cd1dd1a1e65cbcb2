package parse

import (
	"bytes"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zip"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// sample is a click file of a large network's hour, made once.
type sample struct {
	text int64 // its length
	zip  []byte
}

var hourOfClicks = sync.OnceValue(func() sample {
	const rows = 50_000
	n := gen.New(gen.Config{Seed: 1, Clicks: rows})
	var text, archive bytes.Buffer
	spec := gen.Spec{Type: rawlog.Clicks, Hour: time.Unix(1473411600, 0).UTC(), Rows: rows}
	if _, err := n.WriteCSV(&text, spec); err != nil {
		panic(err)
	}
	if _, err := n.WriteZip(&archive, "clicks.csv", spec); err != nil {
		panic(err)
	}
	return sample{int64(text.Len()), archive.Bytes()}
})

// BenchmarkInflate is ZIP to verified text.
func BenchmarkInflate(b *testing.B) {
	s := hourOfClicks()
	z := Inflater{Hold: 1 << 30}
	b.SetBytes(s.text)
	b.ReportAllocs()
	for b.Loop() {
		e, err := z.Open(bytes.NewReader(s.zip), int64(len(s.zip)), "clicks.zip")
		if err == nil {
			_, err = z.Bytes(e)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInflateStream is the same for a file too large to be held.
func BenchmarkInflateStream(b *testing.B) {
	s := hourOfClicks()
	var z Inflater
	b.SetBytes(s.text)
	b.ReportAllocs()
	for b.Loop() {
		e, err := z.Open(bytes.NewReader(s.zip), int64(len(s.zip)), "clicks.zip")
		if err == nil {
			_, err = io.Copy(io.Discard, z.Stream(e))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInflateLibrary is the same by klauspost/compress.
func BenchmarkInflateLibrary(b *testing.B) {
	s := hourOfClicks()
	b.SetBytes(s.text)
	b.ReportAllocs()
	for b.Loop() {
		z, err := zip.NewReader(bytes.NewReader(s.zip), int64(len(s.zip)))
		if err != nil {
			b.Fatal(err)
		}
		text, err := z.File[0].Open()
		if err == nil {
			_, err = io.Copy(io.Discard, text)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
