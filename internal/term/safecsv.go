package term

import (
	"regexp"
	"strings"
)

// A spreadsheet runs a cell that begins like a formula, quoted or not, and cells
// hold what visitors sent. plainNumber begins like one and only is a number.
var (
	formula     = regexp.MustCompile("^[=+@\\t\\r\\n\uFF1D\uFF0B\uFF0D\uFF20-]")
	plainNumber = regexp.MustCompile(`^[+-]?[0-9]+([.,][0-9]+)*(e[+-]?[0-9]+)?$`)
)

// SafeCSV puts an apostrophe before each text of a row that would be run, which
// makes it one to spreadsheets. ClickHouse quotes texts, and nothing else: what
// stands without quotes is a number or NULL.
func SafeCSV(row string) string {
	var b strings.Builder
	for row != "" {
		if row[0] != '"' {
			n := strings.IndexByte(row, ',') + 1
			if n == 0 {
				n = len(row)
			}
			b.WriteString(row[:n])
			row = row[n:]
			continue
		}
		end := 1
		for end < len(row) && (row[end] != '"' || strings.HasPrefix(row[end:], `""`)) {
			if row[end] == '"' {
				end++
			}
			end++
		}
		end = min(end, len(row))
		text := row[1:end]
		b.WriteByte('"')
		if formula.MatchString(text) && !plainNumber.MatchString(text) {
			b.WriteByte('\'')
		}
		b.WriteString(text)
		next := end
		for next < len(row) && row[next] != ',' {
			next++
		}
		next = min(next+1, len(row))
		b.WriteString(row[end:next])
		row = row[next:]
	}
	return b.String()
}
