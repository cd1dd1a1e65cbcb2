// Package term is what reaches a person or a pipe: tables, JSON, numbers, the
// progress of a load, CSV that a spreadsheet does not run, and secrets that are
// hidden. Text of others passes through package plain on its way.
//
// It writes to the writers that it is given and to nothing else.
package term

import (
	"encoding/json"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"rawlogs/internal/plain"
)

// Table writes rows under a header; columns for which numeric holds are aligned
// to the right. Cells may be text of others.
func Table(w io.Writer, header []string, numeric func(i int) bool, rows [][]string) error {
	t := table.NewWriter()
	style := table.StyleLight
	style.Format.Header = text.FormatDefault
	style.Options = table.Options{SeparateColumns: true, SeparateHeader: true}
	style.Box.PaddingLeft, style.Box.PaddingRight = "", ""
	style.Box.MiddleVertical, style.Box.MiddleSeparator = "  ", "  "
	t.SetStyle(style)
	head := make(table.Row, len(header))
	configs := make([]table.ColumnConfig, len(header))
	for i, name := range header {
		head[i] = plain.Text(name)
		configs[i] = table.ColumnConfig{Number: i + 1}
		if numeric(i) {
			configs[i].Align, configs[i].AlignHeader = text.AlignRight, text.AlignRight
		}
	}
	t.AppendHeader(head)
	t.SetColumnConfigs(configs)
	for _, cells := range rows {
		row := make(table.Row, len(cells))
		for i, cell := range cells {
			row[i] = plain.Text(cell)
		}
		t.AppendRow(row)
	}
	_, err := io.WriteString(w, trimLines(t.Render())+"\n")
	return err
}

func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

// JSON writes v, indented.
func JSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// Count is a number with its thousands apart: 1,234.
func Count[N int | int64 | uint64](n N) string { return humanize.Comma(int64(n)) }

// Plural is a count of something: 1 file, 2 files.
func Plural[N int | uint64](n N, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return Count(n) + " " + word + "s"
}

// Size is a number of bytes in decimal units, as storage bills them: 1.2 MB.
func Size(n int64) string { return humanize.Bytes(uint64(max(n, 0))) }

// Duration is a span of time, as exact as a person reads it.
func Duration(d time.Duration) string {
	if d < 10*time.Second {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// Minute is a time in UTC, to the minute.
func Minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// Shorten cuts text to what a table has room for.
func Shorten(s string) string {
	return plain.Cut(s, 40)
}

// IsTerminal reports whether w, a reader or writer, is a terminal.
func IsTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Redirect is a writer whose target can change, so that log lines go above a
// progress bar while there is one. It is safe for concurrent use.
type Redirect struct {
	mu sync.Mutex
	w  io.Writer
}

// NewRedirect returns a Redirect to w.
func NewRedirect(w io.Writer) *Redirect { return &Redirect{w: w} }

func (r *Redirect) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.w.Write(p)
}

// swap changes the target and returns the one before.
func (r *Redirect) swap(w io.Writer) io.Writer {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.w
	r.w = w
	return old
}

// Terminal returns the terminal that r writes to, if it is one.
func (r *Redirect) Terminal() (*os.File, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.w.(*os.File)
	return f, ok && IsTerminal(f)
}
