package fx

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"rawlogs/internal/plain"
)

// Euro is the currency that all rates are for one of.
const Euro = "EUR"

// mostBytes bounds a file, packed and unpacked: the central bank's whole history takes a
// hundredth of it.
const mostBytes = 64 << 20

// Rate is what one euro was worth on a day.
type Rate struct {
	Day      time.Time // midnight UTC
	Currency string    // ISO 4217
	// Value is units of Currency for one euro, with at most 8 decimals; 0 where the file has
	// none.
	Value decimal.Decimal
}

// Error says what is wrong with a file. Nothing of such a file is stored.
type Error struct {
	Line int // counted from 1; 0 where it is about the whole
	what string
	hint string
}

// Error names the line.
func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.what)
	}
	return e.what
}

// Hint says what to do.
func (e *Error) Hint() string { return e.hint }

const shape = "want the European Central Bank's CSV, as it is or zipped: Date,USD,JPY,… with a day a line and units for one euro"

// Parse reads the European Central Bank's file of rates, eurofxref.csv or
// eurofxref-hist.csv, or the ZIP of it. The error is an *Error where the file is at fault.
//
// The format is that of https://www.ecb.europa.eu/stats/eurofxref/: a line a day, a column a
// currency, N/A where there is no rate, a comma too many at the end of lines. The file of
// one day writes 27 November 2026 where the others write 2026-11-27.
func Parse(r io.Reader) ([]Rate, error) {
	text, err := unpack(r)
	if err != nil {
		return nil, err
	}
	lines := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	lines.FieldsPerRecord, lines.TrimLeadingSpace = -1, true
	header, err := lines.Read()
	if errors.Is(err, io.EOF) {
		return nil, &Error{what: "the file is empty", hint: shape}
	}
	if err != nil {
		return nil, broken(err)
	}
	p := &parser{seen: map[time.Time]int{}}
	if err := p.head(header); err != nil {
		return nil, err
	}
	for {
		record, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, broken(err)
		}
		line, _ := lines.FieldPos(0)
		if err := p.day(line, record); err != nil {
			return nil, err
		}
	}
	if len(p.seen) == 0 {
		return nil, &Error{what: "the file has a header and no day", hint: shape}
	}
	return p.rates, nil
}

// unpack returns the text of a file, which is in a ZIP or not.
func unpack(r io.Reader) ([]byte, error) {
	data, err := bounded(r)
	if err != nil || !bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		return data, err
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, &Error{what: "the ZIP cannot be read: " + err.Error(), hint: "fetch it again"}
	}
	var names []string
	for _, f := range z.File {
		names = append(names, plain.Name(f.Name))
	}
	if len(z.File) != 1 {
		return nil, &Error{what: fmt.Sprintf("the ZIP holds %d files (%s)", len(names), plain.Cut(strings.Join(names, ", "), 200)), hint: "want one, the table of rates"}
	}
	entry, err := z.File[0].Open()
	if err != nil {
		return nil, &Error{what: "the ZIP cannot be read: " + err.Error(), hint: "fetch it again"}
	}
	defer func() { _ = entry.Close() }() // it was only read
	text, err := bounded(entry)
	var own *Error
	if err != nil && !errors.As(err, &own) {
		err = &Error{what: "the ZIP cannot be read: " + err.Error(), hint: "fetch it again"}
	}
	return text, err
}

func bounded(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, mostBytes+1))
	if err == nil && len(data) > mostBytes {
		err = &Error{what: fmt.Sprintf("the file has more than %d MiB", mostBytes>>20), hint: shape}
	}
	return data, err
}

func broken(err error) error {
	var at *csv.ParseError
	if errors.As(err, &at) {
		return &Error{Line: at.Line, what: at.Err.Error(), hint: shape}
	}
	return err
}

type parser struct {
	currencies []string          // of the columns after the first; "" for the comma too many
	seen       map[time.Time]int // line of each day
	rates      []Rate
}

var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

func (p *parser) head(record []string) error {
	fault := func(format string, args ...any) error {
		return &Error{Line: 1, what: fmt.Sprintf(format, args...), hint: shape}
	}
	if !strings.EqualFold(strings.TrimSpace(record[0]), "date") {
		return fault("the first column is %q", plain.Cut(record[0], 40))
	}
	for i, name := range record[1:] {
		name = strings.TrimSpace(name)
		switch {
		case name == "" && i == len(record)-2:
		case !currencyCode.MatchString(name):
			return fault("column %d, %q, is not an ISO 4217 currency code", i+2, plain.Cut(name, 40))
		case name == Euro:
			return fault("column %d is EUR, which all rates are for one of", i+2)
		case slices.Contains(p.currencies, name):
			return fault("two columns are %s", name)
		}
		p.currencies = append(p.currencies, name)
	}
	if len(p.currencies) == 0 || p.currencies[0] == "" {
		return fault("there is no currency")
	}
	return nil
}

var value = regexp.MustCompile(`^[0-9]{1,10}(\.[0-9]{1,8})?$`)

func (p *parser) day(line int, record []string) error {
	fault := func(format string, args ...any) error {
		return &Error{Line: line, what: fmt.Sprintf(format, args...), hint: "nothing of the file was stored; mend it, or fetch it again"}
	}
	day, err := date(strings.TrimSpace(record[0]))
	if err != nil {
		return fault("%q is not a date such as 2026-11-27", plain.Cut(record[0], 40))
	}
	if former := p.seen[day]; former > 0 {
		return fault("%s is also in line %d", day.Format(time.DateOnly), former)
	}
	p.seen[day] = line
	if len(record)-1 < len(p.currencies) && p.currencies[len(record)-1] != "" {
		return fault("%d columns instead of %d: it was cut off", len(record), len(p.currencies)+1)
	}
	for i, text := range record[1:] {
		text = strings.TrimSpace(text)
		var rate decimal.Decimal
		switch {
		case i >= len(p.currencies) || p.currencies[i] == "":
			if text != "" {
				return fault("column %d, %q, has no header", i+2, plain.Cut(text, 40))
			}
			continue
		case text == "" || text == "N/A" || text == "-":
		case value.MatchString(text):
			rate, err = decimal.NewFromString(text)
			fallthrough
		default:
			if err != nil || !rate.IsPositive() {
				return fault("%s is %q: want a number above 0 with at most 8 decimals, or N/A", p.currencies[i], plain.Cut(text, 40))
			}
		}
		p.rates = append(p.rates, Rate{day, p.currencies[i], rate})
	}
	return nil
}

func date(text string) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		day, err = time.Parse("2 January 2006", text)
	}
	if err == nil && (day.Year() < 1999 || day.Year() > 2149) { // the euro's first year, and the last of ClickHouse's Date
		err = errors.New("out of range")
	}
	return day, err
}
