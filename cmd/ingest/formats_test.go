package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
)

// repackCmd puts the text of a file into another, in the format that its name says,
// and takes the first away: repack TARGET SOURCE
func repackCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: repack TARGET SOURCE")
	}
	pack(ts, args[0], unpacked(ts, args[1]))
	ts.Check(os.Remove(ts.MkAbs(args[1])))
}

// mergeCmd puts the texts of several files into one, with one header:
// merge TARGET SOURCE…
func mergeCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: merge TARGET SOURCE…")
	}
	var all string
	for _, source := range args[1:] {
		text := unpacked(ts, source)
		if all != "" {
			_, text, _ = strings.Cut(text, "\n")
		}
		all += text
	}
	pack(ts, args[0], all)
}

func unpacked(ts *testscript.TestScript, name string) string {
	raw, err := os.ReadFile(ts.MkAbs(name))
	ts.Check(err)
	var r io.Reader = bytes.NewReader(raw)
	switch strings.ToLower(filepath.Ext(name)) {
	case ".zip":
		z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
		ts.Check(err)
		r, err = z.File[0].Open()
		ts.Check(err)
	case ".gz":
		r, err = gzip.NewReader(r)
		ts.Check(err)
	case ".zst":
		r, err = zstd.NewReader(r)
		ts.Check(err)
	}
	text, err := io.ReadAll(r)
	ts.Check(err)
	return string(text)
}

func pack(ts *testscript.TestScript, name, text string) {
	var buf bytes.Buffer
	var w io.Writer = &buf
	switch strings.ToLower(filepath.Ext(name)) {
	case ".gz":
		w = gzip.NewWriter(&buf)
	case ".zst":
		z, err := zstd.NewWriter(&buf)
		ts.Check(err)
		w = z
	}
	_, err := io.WriteString(w, text)
	ts.Check(err)
	if c, ok := w.(io.Closer); ok {
		ts.Check(c.Close())
	}
	ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(name)), 0o755))
	ts.Check(os.WriteFile(ts.MkAbs(name), buf.Bytes(), 0o644))
}
