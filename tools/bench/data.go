package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/zip"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// dataSet is a folder of ZIPs as a network delivers them, and the same CSV as
// gzip, with the same deflate stream, for readers that know no ZIP.
type dataSet struct {
	Name  string
	Files int
	Rows  int // of each file
	First time.Time

	Bytes int64 // of CSV, all files
	Zips  int64

	root string
}

// dataSets are the work of docs/performance.md.
func dataSets() []*dataSet {
	return []*dataSet{
		{Name: "hours", Files: 24, Rows: 50_000, First: day(2016, 9, 9)},
		{Name: "small", Files: 1000, Rows: 1500, First: day(2016, 8, 1)},
		{Name: "huge", Files: 1, Rows: 3_300_000, First: day(2016, 9, 9)},
	}
}

func day(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }

// seed makes all data; another one makes other data of the same kind.
const seed = 1

func (d *dataSet) zips() string  { return filepath.Join(d.root, "zip") }
func (d *dataSet) gzips() string { return filepath.Join(d.root, "gzip") }

// make writes the data set unless a former run did.
func (d *dataSet) make(folder string) error {
	root, err := filepath.Abs(filepath.Join(folder, d.Name))
	if err != nil {
		return err
	}
	d.root = root
	made := filepath.Join(root, "made.json")
	var old dataSet
	text, err := os.ReadFile(made)
	switch {
	case err == nil && json.Unmarshal(text, &old) == nil && old.Files == d.Files && old.Rows == d.Rows && old.First.Equal(d.First):
		d.Bytes, d.Zips = old.Bytes, old.Zips
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err = os.RemoveAll(root); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "making %s: %d files of %d rows\n", d.Name, d.Files, d.Rows)
	if err = os.MkdirAll(d.gzips(), 0o700); err != nil {
		return err
	}
	logs := gen.New(gen.Config{Seed: seed, Clicks: d.Rows})
	for i := range d.Files {
		spec := gen.Spec{Type: rawlog.Clicks, Hour: d.First.Add(time.Duration(i) * time.Hour), Rows: d.Rows}
		if err = d.file(logs, spec); err != nil {
			return err
		}
	}
	text, err = json.Marshal(d)
	if err != nil {
		return err
	}
	return os.WriteFile(made, text, 0o600)
}

// file writes one hour: the gzip first, and the ZIP with what is deflated in it.
func (d *dataSet) file(logs *gen.Network, spec gen.Spec) (err error) {
	name := gen.FileName(spec.Type, spec.Hour, seed)
	gzip, err := os.Create(filepath.Join(d.gzips(), filepath.Base(name)+".csv.gz"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, gzip.Close()) }()
	truth, err := logs.WriteGzip(gzip, spec)
	if err != nil {
		return err
	}
	// What the gzip's head and tail hold beside the deflate stream.
	const head, tail = 10, 8
	deflated := io.NewSectionReader(gzip, head, truth.Archive-head-tail)
	var sums [tail]byte
	if _, err = gzip.ReadAt(sums[:], truth.Archive-tail); err != nil {
		return err
	}
	size, err := writeZip(filepath.Join(d.zips(), name), &zip.FileHeader{
		Name: "clicks.csv", Method: zip.Deflate, Modified: spec.Hour,
		CRC32:            uint32(sums[0]) | uint32(sums[1])<<8 | uint32(sums[2])<<16 | uint32(sums[3])<<24,
		CompressedSize64: uint64(deflated.Size()), UncompressedSize64: uint64(truth.Bytes),
	}, deflated)
	d.Bytes += truth.Bytes
	d.Zips += size
	return err
}

// writeZip writes a ZIP with one entry whose data is deflated already.
func writeZip(path string, header *zip.FileHeader, deflated io.Reader) (size int64, err error) {
	if err = os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return 0, err
	}
	file, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	z := zip.NewWriter(file)
	entry, err := z.CreateRaw(header)
	if err != nil {
		return 0, err
	}
	if _, err = io.Copy(entry, deflated); err != nil {
		return 0, err
	}
	if err = z.Close(); err != nil {
		return 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
