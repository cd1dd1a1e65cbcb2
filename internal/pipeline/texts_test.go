package pipeline

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	diskfolder "rawlogs/internal/dirs/folder"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
)

const header = "transaction_id,offer_id,ip\n"

// raw puts a text into the folder, as the clicks of an hour, packed by method, and
// returns its name.
func (f *folder) raw(t *testing.T, hour, seed int, text string, method uint16) string {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	entry, err := w.CreateHeader(&zip.FileHeader{Name: "clicks.csv", Method: method})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := entry.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name := gen.FileName(rawlog.Clicks, firstHour.Add(time.Duration(hour)*time.Hour), uint64(seed))
	path := filepath.Join(f.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func lines(n int, line func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(line(i) + "\n")
	}
	return b.String()
}

func good(i int) string { return fmt.Sprintf(`"t%d",%d,"1.2.3.4"`, i, i%9) }

func kinds(issues []checkpoint.Issue) string {
	var out []string
	for _, i := range issues {
		out = append(out, string(i.Kind))
	}
	return strings.Join(out, " ")
}

// export is a text with a row for each id of a click.
func export(ids ...int) string {
	var b strings.Builder
	b.WriteString("transaction_id,offer_id,affiliate_id,ip\n")
	for _, i := range ids {
		fmt.Fprintf(&b, "t%d,%d,7,1.2.3.4\n", i, i%9)
	}
	return b.String()
}

// ids are the numbers from one to another, both included.
func ids(from, to int) (out []int) {
	for i := from; i <= to; i++ {
		out = append(out, i)
	}
	return out
}

// put writes a text under a name into the folder, packed if the name says so.
func (f *folder) put(name, text string) {
	f.tb.Helper()
	data := []byte(text)
	if strings.HasSuffix(name, ".zip") {
		var buf bytes.Buffer
		w := zip.NewWriter(&buf)
		entry, err := w.Create("log.csv")
		if err == nil {
			_, err = entry.Write(data)
		}
		if err = errors.Join(err, w.Close()); err != nil {
			f.tb.Fatal(err)
		}
		data = buf.Bytes()
	}
	path := filepath.Join(f.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		f.tb.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		f.tb.Fatal(err)
	}
}

// hourly names a file of the first hour.
func hourly(suffix string) string { return ofHour(0, suffix) }

func ofHour(i int, suffix string) string {
	hour := firstHour.Add(time.Duration(i) * time.Hour)
	return fmt.Sprintf("%s/clicks-%d-%s.zip", hour.Format(rawlog.DayLayout), hour.Unix(), suffix)
}

// night runs once and returns what is told of which file.
func (f *folder) night(st *store.Store, opts Options) string {
	f.tb.Helper()
	sum, err := Run(context.Background(), st, diskfolder.NewNamed(f.root, opts.Names, nil), opts)
	if err != nil || sum.Failed > 0 {
		f.tb.Fatalf("%+v, %v", sum, err)
	}
	var told []string
	for _, e := range sum.Issues {
		if e.Has(checkpoint.Overlap) && strings.Contains(e.Issues[0].Text, uncompared) {
			f.tb.Errorf("%s was not compared", e.File.Name)
		}
		told = append(told, e.File.Name+" "+kinds(e.Issues))
	}
	return strings.Join(told, ", ")
}

func entryOf(t *testing.T, st *store.Store, opts Options, name string) checkpoint.Entry {
	t.Helper()
	entries, err := checkpoint.Open(st, opts.Network).Entries(t.Context(), checkpoint.Filter{Files: []string{name}})
	if err != nil || len(entries) != 1 {
		t.Fatalf("%+v, %v", entries, err)
	}
	return entries[0]
}
