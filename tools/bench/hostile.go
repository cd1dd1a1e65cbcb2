package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zip"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// hostile are texts that a loader must survive within its memory.
func hostile() []struct {
	name string
	text func(w io.Writer) error
} {
	header := strings.Join(gen.Header(rawlog.Clicks, 2016), ",") + "\n"
	empty := strings.Repeat(`,""`, strings.Count(header, ","))
	repeat := func(w io.Writer, piece string, total int) error {
		piece = strings.Repeat(piece, 1<<20/len(piece))
		for n := 0; n < total; n += len(piece) {
			if _, err := io.WriteString(w, piece); err != nil {
				return err
			}
		}
		return nil
	}
	return []struct {
		name string
		text func(w io.Writer) error
	}{
		{"a ZIP bomb: 2 GiB of empty rows in 5 MB", func(w io.Writer) error {
			_, err := io.WriteString(w, header)
			return errors.Join(err, repeat(w, `""`+empty+"\n", 2<<30))
		}},
		{"a ZIP bomb: one line of 1 GiB", func(w io.Writer) error {
			_, err := io.WriteString(w, header)
			return errors.Join(err, repeat(w, "a", 1<<30))
		}},
		{"a field of 100 MB", func(w io.Writer) error {
			_, err := io.WriteString(w, header+`"`)
			err = errors.Join(err, repeat(w, "words, and ", 100_000_000))
			_, end := io.WriteString(w, `"`+empty+"\n")
			return errors.Join(err, end)
		}},
	}
}

// memory loads what is made to exhaust it.
func memory(ctx context.Context, o options, srv *server, ing *ingest, t *report) error {
	for i, h := range hostile() {
		folder, err := filepath.Abs(filepath.Join(o.data, fmt.Sprintf("hostile-%d", i)))
		if err != nil {
			return err
		}
		if err = writeHostile(filepath.Join(folder, gen.FileName(rawlog.Clicks, day(2016, 9, 9), seed)), h.text); err != nil {
			return err
		}
		if err = srv.clear(ctx); err != nil {
			return err
		}
		u, s, err := ing.run(ctx, nil, "backfill", always, "--type", "clicks", "--source", folder)
		if err != nil {
			return fmt.Errorf("%s: %w", h.name, err)
		}
		fmt.Fprintf(os.Stderr, "memory: %s: %.1f s, %d rows, %d rejected, %d failed, %d MiB\n", h.name, u.wall.Seconds(), s.Rows, s.Rejected, s.Files.Failed, u.rss>>20)
		t.memory(h.name, u.rss, maxRSS)
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
	}
	return srv.clear(ctx)
}

func writeHostile(path string, text func(w io.Writer) error) (err error) {
	if err = os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	z := zip.NewWriter(file)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, 1) })
	entry, err := z.Create("clicks.csv")
	if err != nil {
		return err
	}
	if err := text(entry); err != nil {
		return err
	}
	return z.Close()
}
