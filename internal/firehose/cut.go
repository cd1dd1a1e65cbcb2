package firehose

import (
	"errors"

	"rawlogs/internal/parse/csv"
	"rawlogs/internal/records"
)

// batchBytes ends a batch of records whose values are long.
const batchBytes = 4 << 20

// slack is how many bytes follow the last value, so that all are read eight at a time.
const slack = 16

// Cutter hands out a plan's events as records, but those that were dropped. A record's
// line is its event's place. It is for one reading.
type Cutter struct {
	plan     *Plan
	scanner  *Scanner
	reject   func(csv.Rejected) error
	records  records.Records
	nth      int // of the plan's events
	rejected uint64
	err      error // what ended the last Cut
}

// NewCutter returns a Cutter that reads the text of a plan once more. reject takes what is
// not an event and belongs to the plan's type; its error ends the reading.
func NewCutter(p *Plan, s *Scanner, reject func(csv.Rejected) error) *Cutter {
	return &Cutter{plan: p, scanner: s, reject: reject}
}

// Header returns the names of the columns.
func (c *Cutter) Header() ([]string, error) {
	names := make([]string, len(c.plan.columns))
	for i, col := range c.plan.columns {
		names[i] = col.name
	}
	return names, nil
}

// Rejected counts what was not an event.
func (c *Cutter) Rejected() uint64 { return c.rejected }

// Next returns what ended the last Cut, if it was not that it had enough.
func (c *Cutter) Next() error { return c.err }

// Cut returns up to limit events.
func (c *Cutter) Cut(limit int) *records.Records {
	r := &c.records
	r.Text, r.Fields, r.Lines = r.Text[:0], r.Fields[:0], r.Lines[:0]
	r.Rows, r.Width, r.Valid = 0, len(c.plan.columns), true
	for c.err == nil && r.Rows < limit && len(r.Text) < batchBytes {
		c.err = c.take()
	}
	for range slack {
		r.Text = append(r.Text, 0)
	}
	return r
}

// take takes up the next item.
func (c *Cutter) take() error {
	item, err := c.scanner.Next()
	if err != nil {
		return err // io.EOF, too
	}
	if item.Type != c.plan.Type {
		return nil
	}
	if item.Event == nil {
		if item.Piece == 0 {
			c.rejected++
		}
		return c.reject(csv.Rejected{Line: item.Place, Piece: item.Piece, Reason: item.Reason, Raw: item.Raw})
	}
	if c.nth == len(c.plan.dropped) {
		return errors.New("the text is another than when it was first read")
	}
	c.nth++
	if c.plan.dropped[c.nth-1] {
		return nil
	}
	cells, err := c.plan.lay(item.Event, false)
	if err != nil {
		return err
	}
	r := &c.records
	first := len(r.Fields)
	for range r.Width {
		r.Fields = append(r.Fields, records.Field{})
	}
	for _, cell := range cells {
		r.Fields[first+cell.at] = records.Field{Off: uint32(len(r.Text)), Len: uint32(len(cell.value))}
		r.Text = append(r.Text, cell.value...)
	}
	r.Lines = append(r.Lines, item.Place)
	r.Rows++
	return nil
}
