package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// clean escapes what a terminal would act on or hide: control characters,
// invalid UTF-8, and the format characters that reorder text. File names,
// errors of others and cells pass through it before they are shown.
func clean(s string) string {
	plain := func(r rune) bool { return r != utf8.RuneError && unicode.IsPrint(r) }
	if strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 { //guard:terminal-clean
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case plain(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == utf8.RuneError && n <= 1, r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		s = s[n:]
	}
	return b.String()
}

// cleanRow is clean for a row of tsv, csv or json, in which tabs part cells and a
// quoted cell may hold line breaks.
func cleanRow(s string) string {
	var b strings.Builder
	for {
		i := strings.IndexAny(s, "\t\n")
		if i < 0 {
			b.WriteString(clean(s))
			return b.String()
		}
		b.WriteString(clean(s[:i]))
		b.WriteByte(s[i])
		s = s[i+1:]
	}
}

// cleanLines is clean for our own text of several lines.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = clean(line)
	}
	return strings.Join(lines, "\n")
}

// printTable writes rows under a header; columns whose name is in numeric are
// right-aligned. Cells are cleaned.
func printTable(w io.Writer, header []string, numeric func(i int) bool, rows [][]string) error {
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
		head[i] = clean(name)
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
			row[i] = clean(cell)
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

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// comma prints a count with thousands separated.
func comma[N int | int64 | uint64](n N) string { return humanize.Comma(int64(n)) }

// size prints bytes in decimal units, as storage bills them.
func size(n int64) string { return humanize.Bytes(uint64(max(n, 0))) }

func duration(d time.Duration) string {
	if d < 10*time.Second {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }
