package convreport

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"rawlogs/internal/fetch"
	"rawlogs/internal/parse"
	"rawlogs/internal/parse/csv"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/records"
)

// headerError is of a file whose columns are not those that were asked for. Files of other
// days would be like it.
type headerError struct{ text string }

func (e *headerError) Error() string { return e.text }

// mostNamed is how many columns an error names.
const mostNamed = 5

// columns says which field each column of a file is.
type columns struct {
	fields []string // by column
	first  []int    // the first column of the same field
	order  []int    // columns by their fields' names, as a page's are
}

// layOut reads a header. All fields that were asked for must be there, by their own names
// or those of the columns that they feed; others may be.
func layOut(names, asked []string) (columns, error) {
	known := make(map[string]string, 2*len(asked))
	for _, f := range asked {
		known[strings.ToLower(f)], known[Column(f)] = f, f
	}
	c := columns{make([]string, len(names)), make([]int, len(names)), make([]int, len(names))}
	seen := make(map[string]int, len(names))
	for i, name := range names {
		name = strings.TrimSpace(name)
		field, ok := known[strings.ToLower(name)]
		switch {
		case ok:
		case name == "":
			field = fmt.Sprintf("column %d", i+1)
		default:
			field = name
		}
		if _, again := seen[field]; !again {
			seen[field] = i
		}
		c.fields[i], c.first[i], c.order[i] = field, seen[field], i
	}
	slices.SortStableFunc(c.order, func(a, b int) int { return strings.Compare(c.fields[a], c.fields[b]) })
	missing := slices.DeleteFunc(slices.Clone(asked), func(f string) bool { _, ok := seen[f]; return ok })
	switch n := len(missing); {
	case n == len(asked):
		return c, &headerError{fmt.Sprintf("none of its columns was asked for, the first is %.60q", names[0])}
	case n > mostNamed:
		return c, &headerError{fmt.Sprintf("it lacks %d columns that were asked for: %s and others", n, strings.Join(missing[:mostNamed], ", "))}
	case n > 0: //guard:report-file-columns
		return c, &headerError{"it lacks columns that were asked for: " + strings.Join(missing, ", ")}
	}
	return c, nil
}

// readCSV puts the rows of a file into the day, and returns how many there are. A file with
// a line that is not a row is none.
func (s *Source) readCSV(d *day, archive *fetch.Archive) (rows int, err error) {
	var z parse.Inflater
	text, err := z.Open(archive, archive.Size(), rawlog.ReportDay(d.of).Name)
	if err != nil {
		return 0, err
	}
	stream := z.Stream(text)
	defer func() { err = errors.Join(err, stream.Close()) }()
	cutter, err := csv.New(0, func(r csv.Rejected) error {
		return fmt.Errorf("line %d is not a row: %s", r.Line, r.Reason)
	})
	if err != nil {
		return 0, err
	}
	end := &lastByte{from: stream}
	cutter.Reset(end)
	names, err := cutter.Header()
	if err != nil {
		return 0, err
	}
	m := s.manner()
	c, err := layOut(names, m.fields)
	if err != nil {
		return 0, err
	}
	for err == nil {
		var kept int
		kept, err = s.keepAll(d, c, cutter.Cut(128), m.by)
		if rows += kept; err == nil {
			err = cutter.Next()
		}
	}
	switch {
	case !errors.Is(err, io.EOF):
		return rows, err
	case end.last != '\n': //guard:report-file-end
		return rows, errors.New("its last line has no end: it may be cut short")
	}
	return rows, nil
}

// keepAll puts the rows of some records into the day, and returns how many there are.
func (s *Source) keepAll(d *day, c columns, cut *records.Records, by pageKey) (int, error) {
	rows := 0
	for i := range cut.Rows {
		row, err := c.row(cut, i)
		if err != nil {
			return rows, err
		}
		isNew, _, err := s.keep(d, row, by)
		if err != nil {
			return rows, err
		}
		if isNew {
			rows++
		}
	}
	return rows, nil
}

// row takes a record apart; what is empty is left out, as nulls of a page are.
func (c columns) row(cut *records.Records, i int) ([]field, error) {
	row := make([]field, 0, cut.Width)
	var scratch []byte
	var value []byte
	for _, k := range c.order {
		name := c.fields[k]
		value, scratch = cut.Value(i, k, scratch)
		if first := c.first[k]; first != k {
			if was, _ := cut.Value(i, first, nil); string(was) != string(value) { //guard:report-file-twice
				return nil, &headerError{fmt.Sprintf("its column %s stands there twice, with different values in line %d", plain.Text(name), cut.Lines[i])}
			}
			continue
		}
		if len(value) > 0 {
			row = append(row, field{name, string(value)})
		}
	}
	return withoutIDs(row), nil
}

// lastByte remembers the last byte that was read.
type lastByte struct {
	from io.Reader
	last byte
}

func (l *lastByte) Read(p []byte) (int, error) {
	n, err := l.from.Read(p)
	if n > 0 {
		l.last = p[n-1]
	}
	return n, err
}
