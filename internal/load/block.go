package load

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"rawlogs/internal/records"
)

// MaxBytes is where a block counts as full: enough for 16,000 ordinary rows,
// and a bound for rows that are not ordinary.
const MaxBytes = 16 << 20

// Batch is some whole records of one file, cut into fields that are not yet
// converted. A block takes them column by column, which is much faster than
// field by field.
type Batch struct {
	Network string
	File    string
	Hour    time.Time
	Clock   *Clock
	// Filled notes which of the columns that can be fed got a value other than their
	// type's default; see Layout.Names. Nil notes nothing.
	Filled []bool
	*records.Records
}

// Block is one wire block: typed columns in ClickHouse's Native encoding,
// filled straight from text and used again and again. It is not safe for
// concurrent use.
type Block struct {
	table *Table
	fed   []*column // columns that headers feed, in the table's order
	omit  []bool    // of fed: left out of the INSERT by the shape
	shape Shape
	rows  int

	network, file, line, hour, insert *column
	rescue                            rescue
	fails                             []fail
}

// NewBlock returns an empty block for a table, which must have the lineage
// columns.
func NewBlock(t *Table) (*Block, error) {
	if err := t.CheckLineage(); err != nil {
		return nil, err
	}
	b := &Block{table: t}
	for _, c := range t.fed() {
		col, err := newColumn(c.Name, c.Type)
		if err != nil {
			return nil, err
		}
		b.fed = append(b.fed, col)
	}
	b.omit = make([]bool, len(b.fed))
	for _, l := range []struct {
		to   **column
		name string
	}{
		{&b.network, colNetwork}, {&b.file, colFile}, {&b.line, colLine}, {&b.hour, colHour}, {&b.insert, colInsert},
	} {
		c, _ := t.column(l.name)
		col, err := newColumn(c.Name, c.Type)
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", t.Name, err)
		}
		*l.to = col
	}
	b.insert.constant = true
	b.rescue.reset()
	return b, nil
}

// Rows returns the number of rows held.
func (b *Block) Rows() int { return b.rows }

// Bytes returns the wire bytes held, within a few per cent.
func (b *Block) Bytes() int {
	n := b.rows*8 + b.rescue.size()
	for _, c := range b.fed {
		n += c.size()
	}
	for _, c := range []*column{b.network, b.file, b.line, b.hour} {
		n += c.size()
	}
	return n
}

// Full reports whether the block should be sent before it takes more rows.
func (b *Block) Full() bool { return b.Bytes() >= MaxBytes }

// Reset forgets the rows and keeps shape, insert and, within reason, the memory.
func (b *Block) Reset() {
	b.rows = 0
	capacity := 0
	for _, c := range b.fed {
		capacity += cap(c.data)
	}
	for _, c := range b.fed {
		// Fields of many megabytes, each in another column, would otherwise
		// leave every column with a buffer for the longest.
		if capacity > 4*MaxBytes && cap(c.data) > 4*len(c.data) {
			c.trim()
		}
	}
	for _, c := range b.fed {
		c.reset()
	}
	for _, c := range []*column{b.network, b.file, b.line, b.hour, b.insert} {
		c.reset()
	}
	b.rescue.reset()
}

// Shape returns the shape that the block was set to.
func (b *Block) Shape() Shape { return b.shape }

// SetShape sets which columns Input leaves out. The block must be empty.
func (b *Block) SetShape(s Shape) {
	b.shape = s
	for i, c := range b.fed {
		b.omit[i] = s.omits(c.name)
	}
}

// SetInsert sets the id that every row carries in _insert.
func (b *Block) SetInsert(id uint64) { b.insert.value = id }

// Input returns the columns to send, for the block's shape. They stay the
// block's own: what is appended later is sent later.
func (b *Block) Input() proto.Input {
	var in proto.Input
	for i, c := range b.fed {
		if !b.omit[i] {
			in = append(in, proto.InputColumn{Name: c.name, Data: c})
		}
	}
	for _, c := range []*column{b.network, b.file, b.line, b.hour, b.insert} {
		in = append(in, proto.InputColumn{Name: c.name, Data: c})
	}
	return append(in, proto.InputColumn{Name: colRescued, Data: &b.rescue})
}

// Altered returns an *AlteredError where a column has another type, since the
// present INSERT began, than the block was made for.
func (b *Block) Altered() error {
	for _, in := range b.Input() {
		if c, ok := in.Data.(*column); ok && c.altered() {
			return &AlteredError{Table: b.table.Name, Column: c.name, Was: string(c.typ), Is: string(c.now)}
		}
	}
	return nil
}

// AlteredError tells of a column whose type was changed after the table was
// looked at: another run looks again.
type AlteredError struct{ Table, Column, Was, Is string }

// Error names the column and what to do.
func (e *AlteredError) Error() string {
	return fmt.Sprintf("table %s: column %s was %s when the run began and is %s now; run again", e.Table, e.Column, e.Was, e.Is)
}

// Kept counts rows whose values were not all put into their columns.
type Kept struct {
	Rescued int // rows with something in _rescued
	Misfit  int // those of them with a value that did not fit the column that it feeds
	Row     int // the first of these, and the field of the value
	Field   int
	Inexact int // those of them with a value whose column holds only nearly what it says
}

// Append converts a batch and returns what it had to put aside. The layout's shape
// must be the block's; an empty block takes it.
func (b *Block) Append(batch *Batch, l *Layout) (Kept, error) {
	if l.shape != b.shape {
		if b.rows > 0 {
			return Kept{}, fmt.Errorf("table %s: a block of shape %q cannot take rows of shape %q", b.table.Name, b.shape, l.shape)
		}
		b.SetShape(l.shape)
	}
	if len(l.fields) != len(b.fed) || l.width != batch.Width {
		return Kept{}, fmt.Errorf("table %s: the header was laid onto another table", b.table.Name)
	}
	b.fails = b.fails[:0]
	for i, c := range b.fed {
		f := l.fields[i]
		switch {
		case b.omit[i]:
		case f < 0:
			c.zeros(batch.Rows)
		default:
			from := len(c.data)
			if scale := l.scales[i]; scale != 0 {
				b.fails = c.takeScaled(batch, f, scale, b.fails)
			} else {
				b.fails = c.take(batch, f, b.fails)
			}
			if batch.Filled != nil && !batch.Filled[i] {
				batch.Filled[i] = c.filled(from, batch.Rows)
			}
			if c.name == colTime {
				c.account(batch)
			}
		}
	}
	b.network.repeat([]byte(batch.Network), batch.Rows)
	b.file.repeat([]byte(batch.File), batch.Rows)
	hour := uint64(batch.Hour.Unix())
	for r := range batch.Rows {
		b.line.appendInt(uint64(batch.Lines[r]))
		b.hour.appendInt(hour)
	}
	b.line.rows += batch.Rows
	b.hour.rows += batch.Rows
	b.insert.rows += batch.Rows
	b.rows += batch.Rows
	return b.rescue.take(batch, l, b.fails), nil
}

// colTime is the column whose times are held against the file's hour.
const colTime = "datetime"

// account shows the batch's times, the last that were appended, to its clock.
// A default does not count as a time.
func (c *column) account(batch *Batch) {
	tail := c.data[len(c.data)-batch.Rows*c.width:]
	switch c.kind {
	case kindDateTime:
		for ; len(tail) > 0; tail = tail[4:] {
			if t := binary.LittleEndian.Uint32(tail); t != 0 {
				batch.Clock.see(int64(t))
			}
		}
	case kindDateTime64:
		unit := int64(pow10(c.scale)[1])
		for ; len(tail) > 0; tail = tail[8:] {
			if t := int64(binary.LittleEndian.Uint64(tail)); t != 0 {
				batch.Clock.see(floorDiv(t, unit))
			}
		}
	}
}
