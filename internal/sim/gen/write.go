package gen

import (
	"fmt"
	"io"
	"strings"
	"time"

	"rawlogs/internal/rawlog"
)

// Spec says which file to write. Its zero values are a plain hour: the 2016
// header, as many rows as the network has then, times in UTC.
type Spec struct {
	Type rawlog.Type
	Hour time.Time // UTC start of the hour

	// Header lists the columns; nil is Header(Type, 2016). Any order and any
	// subset do; a name the generator does not know is an empty string.
	Header []string
	// Rows is the number of good rows; 0 is Network.Rows of the hour. More than
	// that are rows that no conversion comes from.
	Rows int
	// Skip is the number of the hour's rows that lie in another of its files: without
	// it two files of an hour have the same transactions.
	Skip int
	// Empty writes the header and nothing else.
	Empty bool
	// Zone is the zone that datetime is written in; nil is UTC.
	Zone *time.Location
	// Shift moves the rows' times, as if the file held another hour's rows.
	Shift time.Duration
	// Unknown are columns beside those of the header.
	Unknown []UnknownColumn
	// Broken is the number of lines that do not split into the header's fields,
	// spread evenly among the good rows and not counted in Rows.
	Broken int
}

// UnknownColumn is a column that no schema knows of.
type UnknownColumn struct {
	Name   string
	At     int      // index in the header as it stands then; past the end or negative: last
	Values []string // rows take turns at random; none: always empty
}

// Truth is what was written.
type Truth struct {
	Header  []string
	Rows    int          // good rows
	Lines   int          // records with the header: 1 + Rows + len(Broken)
	Broken  []BrokenLine // by line
	Bytes   int64        // of CSV
	Archive int64        // of the ZIP or gzip; 0 for plain CSV
	First   time.Time    // of the good rows' instants; zero without rows
	Last    time.Time
	Totals  map[OfferDay]Total // of the good rows
}

// OfferDay is a key of totals.
type OfferDay struct {
	Offer int    // its id
	Day   string // UTC, 20160909
}

// Total sums the rows of an offer on a day.
type Total struct {
	Rows            int
	Payout, Revenue Money
}

// BrokenLine is one line that a reader has to put aside.
type BrokenLine struct {
	Line int // number of the physical line; the header is 1
	Kind BreakKind
	Raw  string // without its line end
}

// BreakKind says in what way a line is broken.
type BreakKind string

// The kinds take turns, in this order.
const (
	Short        BreakKind = "short"         // fields are missing at the end
	Long         BreakKind = "long"          // there are fields too many
	OpenQuote    BreakKind = "open quote"    // a quoted field in the middle is not closed
	InnerQuote   BreakKind = "inner quote"   // a quote inside a field is not doubled
	TrailingOpen BreakKind = "trailing open" // the last field opens a quote and the line ends
)

const flushSize = 128 << 10

// WriteCSV writes the file's CSV. Its memory does not depend on the rows.
func (n *Network) WriteCSV(w io.Writer, s Spec) (Truth, error) {
	header := s.header()
	clk := &clock{zone: s.Zone}
	if clk.zone == nil {
		clk.zone = time.UTC
	}
	plan := n.plan(s, header, clk)
	rows, broken := n.size(s)
	truth := Truth{Header: header, Totals: make(map[OfferDay]Total)}
	out := appendHeader(make([]byte, 0, flushSize+64<<10), header)
	var (
		r    row
		line = 2
		key  = n.hourKey(s.Type, s.Hour)
		sum  = totals{into: truth.Totals}
	)
	for i := 0; ; i++ {
		for len(truth.Broken) < broken && i >= (len(truth.Broken)+1)*rows/(broken+1) {
			k := len(truth.Broken)
			n.fill(&r, s, key, rows+k, rows)
			r.noise = noNoise
			raw, kind := plan.broken(&r, k)
			truth.Broken = append(truth.Broken, BrokenLine{Line: line, Kind: kind, Raw: string(raw)})
			out = append(append(out, raw...), '\n')
			line++
		}
		if i == rows {
			break
		}
		n.fill(&r, s, key, i, rows)
		out = plan.append(out, &r)
		line += 1 + r.breaks()
		sum.add(&r)
		if len(out) >= flushSize {
			if _, err := w.Write(out); err != nil {
				return truth, fmt.Errorf("writing csv: %w", err)
			}
			truth.Bytes += int64(len(out))
			out = out[:0]
		}
	}
	if _, err := w.Write(out); err != nil {
		return truth, fmt.Errorf("writing csv: %w", err)
	}
	truth.Bytes += int64(len(out))
	truth.Rows, truth.Lines = rows, 1+rows+len(truth.Broken)
	truth.First, truth.Last = sum.span()
	return truth, nil
}

func appendHeader(b []byte, header []string) []byte {
	for i, name := range header {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, headerCell(name)...)
	}
	return append(b, '\n')
}

// headerCell is a column's name, which logs do not quote; only a name that
// would break the header is.
func headerCell(name string) []byte {
	if strings.ContainsAny(name, ",\"\r\n") {
		return quoted(name)
	}
	return []byte(name)
}

func (s Spec) header() []string {
	header := append([]string(nil), s.Header...)
	if s.Header == nil {
		header = Header(s.Type, 2016)
	}
	for _, u := range s.Unknown {
		at := u.At
		if at < 0 || at > len(header) {
			at = len(header)
		}
		header = append(header[:at:at], append([]string{u.Name}, header[at:]...)...)
	}
	return header
}

func (n *Network) fill(r *row, s Spec, key uint64, i, count int) {
	i, count = i+s.Skip, count+s.Skip
	if s.Type == rawlog.Conversions {
		n.conversion(r, s.Hour, key, i, count)
	} else {
		n.visit(r, s.Type, s.Hour, key, i, count)
	}
	shift := int64(s.Shift / time.Second)
	r.at += shift
	r.clicked += shift
}

// totals sums rows; most rows have the day of the one before.
type totals struct {
	into        map[OfferDay]Total
	first, last int64
	dayNumber   int64
	day         string
	any         bool
}

func (t *totals) add(r *row) {
	if d := r.at / 86400; !t.any || d != t.dayNumber {
		t.dayNumber, t.day = d, time.Unix(r.at, 0).UTC().Format(rawlog.DayLayout)
	}
	if !t.any || r.at < t.first {
		t.first = r.at
	}
	if !t.any || r.at > t.last {
		t.last = r.at
	}
	t.any = true
	key := OfferDay{Offer: r.offer.ID, Day: t.day}
	sum := t.into[key]
	sum.Rows++
	if r.paid {
		sum.Payout += r.payout
		sum.Revenue += r.revenue
	}
	t.into[key] = sum
}

func (t *totals) span() (first, last time.Time) {
	if !t.any {
		return time.Time{}, time.Time{}
	}
	return time.Unix(t.first, 0).UTC(), time.Unix(t.last, 0).UTC()
}
