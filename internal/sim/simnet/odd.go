package simnet

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// oddity is a way in which a file of the real world is not as it should be.
type oddity struct {
	kind, what string
	spec       func(*gen.Spec)            // how its rows are made; nil: as always
	text       func([][]string) string    // what becomes of header and rows; nil: CSV as always
	archive    func(zipped []byte) []byte // what becomes of the ZIP; nil: nothing
	again      bool                       // it is a second time what the last hour has, under another name
	beside     bool                       // its hour has a sound file as well
}

// oddRows is how many rows an odd file has: enough for shares of them to count.
const oddRows = 200

// copySeed makes the name of an hour's second file.
const copySeed = 1 << 32

// oddities lists every kind that Odd knows, in the order of the documentation.
func oddities() []oddity {
	return []oddity{
		{kind: "rejected", what: "every fiftieth line is cut", text: func(rows [][]string) string { return cutLines(rows, 50) }},
		{kind: "unread", what: "every line is cut", text: func(rows [][]string) string { return cutLines(rows, 1) }},
		{kind: "misfit", what: "every tenth offer has no number", text: func(rows [][]string) string {
			at := slices.Index(rows[0], "offer_id")
			for i := 10; i < len(rows); i += 10 {
				rows[i][at] = "n/a"
			}
			return toCSV(rows)
		}},
		{kind: "shifted", what: "times are written in a zone of half an hour", spec: func(s *gen.Spec) { s.Zone = time.FixedZone("IST", 5*3600+1800) }},
		{kind: "scattered", what: "times are of another year", spec: func(s *gen.Spec) { s.Shift = -365 * 24 * time.Hour }},
		{kind: "copy", what: "the bytes of another file of its hour", again: true},
		{kind: "overlap", what: "the rows of another file of its hour in another text", beside: true, text: func(rows [][]string) string {
			return strings.ReplaceAll(toCSV(rows), "\n", "\r\n")
		}},
		{kind: "repeated", what: "every row twice: all of them, and then all of them again", text: func(rows [][]string) string {
			return toCSV(append(slices.Clone(rows), rows[1:]...))
		}},
		{kind: "rounded", what: "a spreadsheet made one number of all ids", text: func(rows [][]string) string {
			at := slices.Index(rows[0], "transaction_id")
			for _, row := range rows[1:] {
				row[at] = "1.00E+31"
			}
			return toCSV(rows)
		}},
		{kind: "headless", what: "the header is missing", text: func(rows [][]string) string { return toCSV(rows[1:]) }},
		{kind: "foreign", what: "columns that nobody knows", text: func(rows [][]string) string {
			for i := range rows[0] {
				rows[0][i] = fmt.Sprint("field", i)
			}
			return toCSV(rows)
		}},
		{kind: "twice", what: "two files one after the other, each with its header", text: func(rows [][]string) string {
			return toCSV(rows) + toCSV(rows[:len(rows)/2])
		}},
		{kind: "swapped", what: "a second header in the middle, of another order", text: swapped},
		{kind: "backslash", what: "quotes are escaped by a backslash", text: backslashed},
		{kind: "utf16", what: "the text is UTF-16", text: func(rows [][]string) string { return toUTF16(toCSV(rows)) }},
		{kind: "cr", what: "lines end in CR alone", text: func(rows [][]string) string { return strings.ReplaceAll(toCSV(rows), "\n", "\r") }},
		{kind: "blank", what: "a text of 0 bytes", text: func([][]string) string { return "" }},
		{kind: "page", what: "an HTML page in the place of the ZIP", archive: func([]byte) []byte {
			return []byte("<!DOCTYPE html><html><body>Service unavailable</body></html>")
		}},
		{kind: "truncated", what: "the ZIP is cut", archive: func(z []byte) []byte { return z[:len(z)/2] }},
		{kind: "flipped", what: "a bit of the ZIP is another", archive: func(z []byte) []byte {
			z = bytes.Clone(z)
			z[len(z)/2] ^= 4
			return z
		}},
	}
}

// swapped writes the second half of the rows under a header of the reverse order.
func swapped(rows [][]string) string {
	half := len(rows) / 2
	second := append([][]string{slices.Clone(rows[0])}, rows[half:]...)
	for _, row := range second {
		slices.Reverse(row)
	}
	return toCSV(rows[:half]) + toCSV(second)
}

// OddKinds lists the kinds that Odd knows, each with what is odd about it.
func OddKinds() map[string]string {
	kinds := make(map[string]string)
	for _, o := range oddities() {
		kinds[o.kind] = o.what
	}
	return kinds
}

// Odd publishes clicks of a kind that is not as it should be, for the hour after the
// last one that is published, or for that very hour where it is a copy.
func (n *Network) Odd(ctx context.Context, kind string) (rawlog.File, error) {
	i := slices.IndexFunc(oddities(), func(o oddity) bool { return o.kind == kind })
	if i < 0 {
		return rawlog.File{}, fmt.Errorf("simnet: no odd file is of the kind %q", kind)
	}
	o := oddities()[i]
	last := n.latest(rawlog.Clicks)
	if last == nil {
		return rawlog.File{}, fmt.Errorf("simnet: nothing is published yet")
	}
	if o.again {
		return n.again(ctx, last)
	}
	hour := last.Hour.Add(time.Hour)
	if o.beside {
		sound, err := n.oddZip(oddity{}, hour)
		if err != nil {
			return rawlog.File{}, err
		}
		if _, err = n.PublishBytes(ctx, rawlog.Clicks, gen.FileName(rawlog.Clicks, hour, n.cfg.Seed+copySeed), hour, sound); err != nil {
			return rawlog.File{}, err
		}
	}
	body, err := n.oddZip(o, hour)
	if err != nil {
		return rawlog.File{}, err
	}
	return n.PublishBytes(ctx, rawlog.Clicks, gen.FileName(rawlog.Clicks, hour, n.cfg.Seed), hour, body)
}

// Mend publishes sound rows, which no other file of the hour has, under the name of the
// latest file.
func (n *Network) Mend(ctx context.Context) (rawlog.File, error) {
	last := n.latest(rawlog.Clicks)
	if last == nil {
		return rawlog.File{}, fmt.Errorf("simnet: nothing is published yet")
	}
	return n.Publish(ctx, last.Name, gen.Spec{Type: rawlog.Clicks, Hour: last.Hour, Rows: oddRows, Skip: oddRows})
}

// latest is the file of the latest hour, of several the one that came last by name.
func (n *Network) latest(t rawlog.Type) *published {
	n.mu.Lock()
	defer n.mu.Unlock()
	var last *published
	for _, f := range n.files {
		if f.Type == t && f.listed && (last == nil || f.Hour.After(last.Hour) || f.Hour.Equal(last.Hour) && f.Name > last.Name) {
			last = f
		}
	}
	return last
}

// again publishes a file's rows under another name of its hour.
func (n *Network) again(ctx context.Context, f *published) (rawlog.File, error) {
	spec := gen.Spec{Type: f.Type, Hour: f.Hour, Zone: n.cfg.Zone, Rows: oddRows}
	first, err := n.zipOf(spec, nil)
	if err != nil {
		return rawlog.File{}, err
	}
	if _, err := n.PublishBytes(ctx, f.Type, f.Name, f.Hour, first); err != nil {
		return rawlog.File{}, err
	}
	return n.PublishBytes(ctx, f.Type, gen.FileName(f.Type, f.Hour, n.cfg.Seed+copySeed), f.Hour, first)
}

func (n *Network) oddZip(o oddity, hour time.Time) ([]byte, error) {
	spec := gen.Spec{Type: rawlog.Clicks, Hour: hour, Zone: n.cfg.Zone, Rows: oddRows}
	if o.spec != nil {
		o.spec(&spec)
	}
	body, err := n.zipOf(spec, o.text)
	if err == nil && o.archive != nil {
		body = o.archive(body)
	}
	return body, err
}

// zipOf is a file of a spec, with its rows changed by text.
func (n *Network) zipOf(spec gen.Spec, text func([][]string) string) ([]byte, error) {
	var raw, out bytes.Buffer
	if _, err := n.logs.WriteCSV(&raw, spec); err != nil {
		return nil, err
	}
	whole := raw.String()
	if text != nil {
		rows, err := csv.NewReader(&raw).ReadAll()
		if err != nil {
			return nil, fmt.Errorf("simnet: reading what was made: %w", err)
		}
		whole = text(rows)
	}
	z := zip.NewWriter(&out)
	entry, err := z.Create("log.csv")
	if err != nil {
		return nil, err
	}
	if _, err := entry.Write([]byte(whole)); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func toCSV(rows [][]string) string {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.WriteAll(rows) // a Buffer takes everything
	return b.String()
}

// cutLines cuts every n-th line after the header in half.
func cutLines(rows [][]string, n int) string {
	for i := n; i < len(rows); i += n {
		rows[i] = rows[i][:len(rows[i])/2]
	}
	return toCSV(rows)
}

// backslashed writes quotes as MySQL and PHP do, one in every fifth user agent.
func backslashed(rows [][]string) string {
	at := slices.Index(rows[0], "user_agent")
	var b strings.Builder
	for i, row := range rows {
		if i > 0 && i%5 == 0 {
			row[at] = `Browser "X" 5.0, like`
		}
		for j, cell := range row {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"` + strings.ReplaceAll(strings.ReplaceAll(cell, `\`, `\\`), `"`, `\"`) + `"`)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func toUTF16(text string) string {
	var b strings.Builder
	b.WriteString("\xff\xfe")
	for _, u := range utf16.Encode([]rune(text)) {
		b.Write([]byte{byte(u), byte(u >> 8)})
	}
	return b.String()
}
