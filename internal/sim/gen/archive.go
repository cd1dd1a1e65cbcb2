package gen

import (
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zip"
)

// level is the deflate level that the real archives look to be made with.
const level = 6

// WriteZip writes the file as a ZIP with one entry of that name.
func (n *Network) WriteZip(w io.Writer, inner string, s Spec) (Truth, error) {
	out := &counter{w: w}
	z := zip.NewWriter(out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, level)
	})
	// An hour is published 15 minutes and 48 seconds after it ends.
	published := s.Hour.Add(time.Hour + 15*time.Minute + 48*time.Second)
	entry, err := z.CreateHeader(&zip.FileHeader{Name: inner, Method: zip.Deflate, Modified: published})
	if err != nil {
		return Truth{}, fmt.Errorf("writing zip: %w", err)
	}
	truth, err := n.WriteCSV(entry, s)
	if err != nil {
		return truth, err
	}
	if err := z.Close(); err != nil {
		return truth, fmt.Errorf("writing zip: %w", err)
	}
	truth.Archive = out.n
	return truth, nil
}

// WriteGzip writes the same CSV as gzip, for readers that know no ZIP.
func (n *Network) WriteGzip(w io.Writer, s Spec) (Truth, error) {
	out := &counter{w: w}
	z, err := gzip.NewWriterLevel(out, level)
	if err != nil {
		return Truth{}, fmt.Errorf("writing gzip: %w", err)
	}
	truth, err := n.WriteCSV(z, s)
	if err != nil {
		return truth, err
	}
	if err := z.Close(); err != nil {
		return truth, fmt.Errorf("writing gzip: %w", err)
	}
	truth.Archive = out.n
	return truth, nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
