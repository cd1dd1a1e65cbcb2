package sqlout

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"rawlogs/internal/plain"
	"rawlogs/internal/term"
)

// result writes rows in one of our formats.
type result struct {
	Options
	w       io.Writer
	columns []column
	begun   bool
	table   [][]string
	dropped int
}

// clickhouseFormat is the format in which ClickHouse shall hand over a row.
func (r *result) clickhouseFormat() string {
	return map[string]string{"table": "JSONCompactStringsEachRow", "tsv": "TSV", "csv": "CSV", "json": "JSONEachRow"}[r.Format]
}

// headed reports whether the format has a header, and so needs the columns of rows that ClickHouse
// formatted.
func (r *result) headed() bool { return r.Format == "table" || r.Format == "csv" }

// line takes a row as ClickHouse formatted it.
func (r *result) line(line string) error {
	if r.Format != "table" {
		if err := r.header(); err != nil {
			return err
		}
		return r.write(line)
	}
	if len(r.table) == MaxTableRows {
		r.dropped++
		return nil
	}
	var cells []string
	if err := json.Unmarshal([]byte(line), &cells); err != nil {
		return fmt.Errorf("row %d of the answer: %w", len(r.table)+1, err)
	}
	r.table = append(r.table, cells)
	return nil
}

// cells takes a row of simple values.
func (r *result) cells(values []any) error {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprint(v)
	}
	switch r.Format {
	case "tsv":
		for i := range texts {
			texts[i] = tsvEscape.Replace(texts[i])
		}
		return r.line(strings.Join(texts, "\t"))
	case "csv":
		for i := range texts {
			texts[i] = `"` + strings.ReplaceAll(texts[i], `"`, `""`) + `"`
		}
		return r.line(strings.Join(texts, ","))
	case "json":
		var b strings.Builder
		for i, c := range r.columns { // by hand: a map would lose the order
			name, _ := json.Marshal(c.name)
			value, err := json.Marshal(values[i])
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, `%s%s:%s`, map[bool]string{true: "{", false: ","}[i == 0], name, value)
		}
		return r.line(b.String() + "}")
	default:
		if len(r.table) < MaxTableRows {
			r.table = append(r.table, texts)
		}
		return nil
	}
}

var tsvEscape = strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\b", `\b`, "\f", `\f`, "\x00", `\0`)

// header writes CSV's first line, once.
func (r *result) header() error {
	if r.Format != "csv" || r.begun {
		return nil
	}
	r.begun = true
	names := make([]string, len(r.columns))
	for i, c := range r.columns {
		names[i] = `"` + strings.ReplaceAll(c.name, `"`, `""`) + `"`
	}
	return r.write(strings.Join(names, ","))
}

// write writes a row in one of the formats for programs.
func (r *result) write(line string) error {
	if r.Safe && r.Format == "csv" { //guard:safe-csv
		line = term.SafeCSV(line)
	}
	if r.Format == "json" { // ClickHouse writes a String's bytes as they are
		line = strings.ToValidUTF8(line, "\uFFFD") //guard:json-utf8
	}
	if r.Terminal { //guard:terminal-escapes
		line = plain.Row(line)
	}
	_, err := io.WriteString(r.w, line+"\n")
	return err
}

func (r *result) end() error {
	if r.Format != "table" {
		return r.header()
	}
	names := make([]string, len(r.columns))
	for i, c := range r.columns {
		names[i] = c.name
	}
	numeric := func(i int) bool { return numericType.MatchString(r.columns[i].typ) }
	if err := term.Table(r.w, names, numeric, r.table); err != nil {
		return err
	}
	if r.dropped > 0 {
		r.Note(fmt.Sprintf("… and %s more rows; add a LIMIT, or use --format tsv, csv or json", term.Count(r.dropped)))
	}
	return nil
}

var numericType = regexp.MustCompile(`^(Nullable\()?(LowCardinality\()?(U?Int|Float|Decimal)`)
