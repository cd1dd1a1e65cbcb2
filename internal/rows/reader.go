// Package rows turns the text of a file into blocks of a table's rows: parse/csv cuts
// it, load converts what was cut, and a Reader accounts for every line.
package rows

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/load"
	"rawlogs/internal/parse/csv"
	"rawlogs/internal/privacy"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/records"
)

// Config says how a Reader reads.
type Config struct {
	Network string
	Zones   rawlog.Zones    // of the texts' times
	Escapes rawlog.Escapes  // of the texts' quotes
	Privacy *privacy.Policy // what becomes of personal data; nil: nothing
	// MaxLine bounds a record in bytes; 0 means DefaultMaxLine. In streaming
	// mode it also bounds the Reader's memory, which may grow to little more.
	MaxLine int
	// Reject takes each line that is not a record, in order. Its error ends the
	// reading. It is required: without it lines would vanish.
	Reject func(csv.Rejected) error
}

// Counts says what became of a text: Lines = 1 + Rows + Rejected + Forgotten.
type Counts struct {
	Lines    uint64 // header, rows and rejected lines; blank lines are none, and events have no header
	Rows     uint64
	Rescued  uint64 // rows with something in _rescued
	Misfit   uint64 // rows with a value that did not fit the column that it feeds
	Unfit    Unfit  // the first of these values
	Inexact  uint64 // rows with a value whose column holds only nearly what it says
	Rejected uint64 // lines, however many pieces each had
	// Forgotten counts rows of people who were forgotten: nothing of them is stored.
	Forgotten uint64
	Escaped   uint64 // rejected lines of records that are whole if their quotes are escaped by a backslash
	// First and Last are the earliest and the latest time of the datetime
	// column, zero where no row has one.
	First, Last time.Time
	Timed       uint64 // rows with a time
	OutOfHour   uint64 // rows whose time is not in the file's hour
	// Shift is not 0 when more than two thirds of the rows lie the same time, in whole
	// quarters of an hour, after (or, below zero, before) the file's hour: a zone that
	// is so much further east would explain it.
	Shift time.Duration
	// Filled are the columns that got a value other than their type's default, in the
	// table's order.
	Filled []string
	Dated  bool // the header names datetime
	// Doubts are what its header makes one doubt: names that are not read and look like
	// those of columns that got nothing.
	Doubts []string
	// OneID is the transaction id that each row of several has, cut short.
	OneID string
	// Again is the line on which the first rows come once more in their order, or 0.
	Again uint64
}

// Unfit is a value that did not fit its column. Its text is cut short.
type Unfit struct {
	Line        uint64 // as an editor counts
	Name, Value string // of the header, and of the value
}

// mostShown is how much of a value is shown, in bytes.
const mostShown = 40

// Cutter cuts a text into records. Header comes before the first Cut, and Next after each:
// it deals with what ended the Cut, and returns io.EOF at the end of the text.
type Cutter interface {
	Header() ([]string, error)
	Cut(limit int) *records.Records
	Next() error
	Rejected() uint64 // lines that are not records
}

// Reader reads the CSV text of one file after the other into blocks of one
// table; see csv.Cutter for what a record is. It is not safe for concurrent use.
type Reader struct {
	csv     *csv.Cutter
	cutter  Cutter // csv, or that of a text which is something else
	table   *load.Table
	zones   rawlog.Zones
	escapes rawlog.Escapes
	zone    *time.Location // of the batch's clock
	batch   load.Batch

	names    []string // the header
	layout   *load.Layout
	privacy  *privacy.Policy
	mask     *privacy.Mask // of the header; nil: every value is kept
	ready    bool          // the header is laid onto the table
	headings int           // of the cutter, that were laid onto the table
	err      error         // sticky
	counts   Counts
	repeats  repeats
}

// NewReader returns a Reader for texts that go into one table.
func NewReader(t *load.Table, cfg Config) (*Reader, error) {
	if err := t.CheckLineage(); err != nil {
		return nil, err
	}
	cutter, err := csv.New(cfg.MaxLine, cfg.Reject)
	if err != nil {
		return nil, err
	}
	r := &Reader{csv: cutter, cutter: cutter, table: t, zones: cfg.Zones, escapes: cfg.Escapes, privacy: cfg.Privacy, err: errors.New("rows: Reset comes before reading")}
	cutter.SetNames(load.NamesOf(t).Has)
	r.batch.Network = cfg.Network
	return r, nil
}

// Reset begins a file whose text is streamed from src. The Reader holds a
// window of it: some 256 KiB, or as much as its longest record needs.
func (r *Reader) Reset(f rawlog.File, src io.Reader) {
	r.reset(f)
	r.csv.Reset(src)
}

// ResetBytes begins a file whose text is in memory. The Reader uses text until
// the next Reset, and does not change it.
func (r *Reader) ResetBytes(f rawlog.File, text []byte) {
	r.reset(f)
	r.csv.ResetBytes(text)
}

// ResetCutter begins a file whose text is cut by other means than CSV's.
func (r *Reader) ResetCutter(f rawlog.File, c Cutter) {
	r.reset(f)
	r.csv.ResetBytes(nil)
	r.cutter = c
}

func (r *Reader) reset(f rawlog.File) {
	r.err, r.ready, r.headings, r.cutter = nil, false, 0, r.csv
	r.counts = Counts{}
	r.repeats.reset()
	r.batch.File, r.batch.Hour = f.Name, f.Hour
	if zone := r.zones.At(f.Hour); r.batch.Clock == nil || zone != r.zone {
		r.zone, r.batch.Clock = zone, load.NewClock(zone)
	}
	r.batch.Clock.Reset(f.Hour, f.End())
	r.csv.SetEscape(r.escapes.At(f.Hour))
}

// Shape reads the header and returns which columns with a DEFAULT expression
// it lacks. A *HeaderError says that the file is not what it should be.
func (r *Reader) Shape() (load.Shape, error) {
	if err := r.header(); err != nil {
		return "", err
	}
	return r.layout.Shape(), nil
}

// Unknown reads the header and lists its names that feed no column.
func (r *Reader) Unknown() ([]string, error) {
	if err := r.header(); err != nil {
		return nil, err
	}
	return r.layout.Unknown(), nil
}

// Append adds up to maxRows rows to b, fewer when b is full or the text ends,
// and returns their number; at the end it returns io.EOF, with or without
// rows. An error of the source or of Config.Reject is returned as it is, and
// the file cannot be read on.
func (r *Reader) Append(b *load.Block, maxRows int) (n int, err error) {
	if err := r.header(); err != nil {
		return 0, err
	}
	for n < maxRows && !b.Full() {
		if r.err != nil {
			return n, r.err
		}
		r.batch.Records = r.cutter.Cut(min(r.batchRows(), maxRows-n))
		if r.mask != nil { //guard:privacy-applied
			r.batch.Records = r.mask.Apply(r.batch.Records)
			r.counts.Forgotten += uint64(r.mask.Forgotten())
		}
		if r.batch.Rows > 0 {
			kept, err := b.Append(&r.batch, r.layout)
			if err != nil {
				r.err = err
				return n, err
			}
			r.repeats.look(r.batch.Records)
			n += r.batch.Rows
			r.counts.Rows += uint64(r.batch.Rows)
			r.counts.Rescued += uint64(kept.Rescued)
			if kept.Misfit > 0 && r.counts.Misfit == 0 {
				r.counts.Unfit = r.unfit(kept)
			}
			r.counts.Misfit += uint64(kept.Misfit)
			r.counts.Inexact += uint64(kept.Inexact)
		}
		if r.err = r.cutter.Next(); r.csv.Headings() > r.headings && r.err == nil {
			r.err = r.reheader()
		}
	}
	if r.err != nil {
		return n, r.err
	}
	return n, nil
}

// unfit is the first value of the batch that did not fit.
func (r *Reader) unfit(kept load.Kept) Unfit {
	v, _ := r.batch.Value(kept.Row, kept.Field, nil)
	return Unfit{Line: uint64(r.batch.Lines[kept.Row]), Name: r.names[kept.Field], Value: string(v[:min(len(v), mostShown)])}
}

// reheader lays another header, which stands in mid-text, onto the table. All rows of a
// file go into INSERTs of one shape.
func (r *Reader) reheader() error {
	r.headings = r.csv.Headings()
	names, err := r.cutter.Header()
	if err != nil {
		return err
	}
	layout := load.NewLayout(r.table, names)
	if layout.Shape() != r.layout.Shape() {
		return r.csv.Not("another header in mid-text, which has or lacks a column with a DEFAULT expression that the first lacks or has: cut the file in two")
	}
	// As the first header's lines were read, a column has its name. One that is gone while
	// a name is not known may have that name now, and its values would be lost to it.
	if lost := layout.Lacks(r.layout); len(lost) > 0 && len(layout.Unknown()) > 0 { //guard:strange-heading
		return r.csv.Strange(fmt.Sprintf("looks like a header of another layout, in which %.40q is not the name of a column and none feeds %s: mend the line, or cut the file in two",
			layout.Unknown()[0], strings.Join(lost, ", ")))
	}
	r.names, r.layout = names, layout
	r.lay()
	r.csv.SetSigns(layout.Signs())
	return nil
}

func (r *Reader) lay() {
	r.repeats.lay(rawlog.Type(r.table.Name), r.layout.Field("transaction_id"))
	r.mask = r.privacy.Lay(r.names, r.table.Columns, r.layout.Field)
}

// batchRows is how many records are cut before they are converted: enough that
// a column's loop pays, few enough that text and fields stay in the cache.
func (r *Reader) batchRows() int { return max(1, min(128, 8192/len(r.names))) }

// Counts returns the account of what was read since Reset.
func (r *Reader) Counts() Counts {
	c := r.counts
	c.Rejected, c.Escaped = r.cutter.Rejected(), r.csv.Escaped()
	if r.ready {
		c.Lines = c.Rows + c.Rejected + c.Forgotten
		if r.isCSV() {
			c.Lines++
		}
		c.Filled, c.Dated = r.layout.Names(r.batch.Filled), r.layout.Feeds("datetime")
		if c.Rows > 0 {
			c.OneID, c.Again = r.repeats.one(), uint64(r.repeats.again)
			c.Doubts = doubts(rawlog.Type(r.table.Name), r.layout, r.names, c.Filled)
		} else if unknown := r.layout.Unknown(); c.Rejected == 0 && c.Forgotten == 0 && 2*len(unknown) > len(r.names) { //guard:lone-header
			c.Doubts = []string{fmt.Sprintf("it has no rows, and %d of the %d names in its one line, the first of them %.40q, are not those of columns: did it lose its line ends?", len(unknown), len(r.names), unknown[0])}
		}
	}
	if r.batch.Clock == nil {
		return c
	}
	if seen := r.batch.Clock.Seen(); seen.Rows > 0 {
		c.First, c.Last = time.Unix(seen.First, 0).UTC(), time.Unix(seen.Last, 0).UTC()
		c.Timed, c.OutOfHour, c.Shift = seen.Rows, seen.OutOfHour, seen.Shift()
	}
	return c
}

// isCSV reports whether the text is one, with a header of its own.
func (r *Reader) isCSV() bool { return r.cutter == Cutter(r.csv) }

// header reads the first record and lays it onto the table, once.
func (r *Reader) header() error {
	if r.ready {
		return nil
	}
	if r.err != nil {
		return r.err
	}
	names, err := r.cutter.Header()
	if err != nil {
		r.err = err
		return err
	}
	if r.layout == nil || !slices.Equal(names, r.names) { //guard:fields-by-name
		r.layout = load.NewLayout(r.table, names)
		r.names = names
	}
	if len(r.layout.Unknown()) == len(names) { //guard:header-known
		why := "is the header missing?"
		if sep := r.csv.Separator(); sep != "" { //guard:separator-named
			why = "they are separated by " + sep + ", those of a raw log by commas"
		}
		none := fmt.Sprintf("its one name, %.40q, is not a column of", names[0])
		if len(names) > 1 {
			none = fmt.Sprintf("none of its %d names, the first of them %.40q, is a column of", len(names), names[0])
		}
		r.err = r.csv.Not(fmt.Sprintf("%s %s: %s", none, r.table.Name, why))
		return r.err
	}
	if r.isCSV() && r.csv.Binary() { //guard:binary-header
		r.err = r.csv.Not(fmt.Sprintf("it holds bytes that are not text, and %.40q is not the name of a column", names[0]))
		return r.err
	}
	if r.isCSV() {
		r.csv.SetSigns(r.layout.Signs())
	}
	r.batch.Filled = make([]bool, r.layout.Columns())
	r.lay()
	r.ready = true
	return nil
}
