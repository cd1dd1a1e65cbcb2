package load

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/ClickHouse/ch-go/proto"
)

// column is one column of a block, kept as the wire bytes that an INSERT
// sends. It implements proto.ColInput. A value is appended by add or, many at
// a time, by the loops in column_fast.go; both give the same bytes.
type column struct {
	typeSpec
	name     string
	typ      proto.ColumnType
	now      proto.ColumnType // what the server calls it since the INSERT began
	rows     int
	data     []byte // values; of a LowCardinality the dictionary's entries
	nulls    []byte // of a Nullable: 1 where a row has no value
	dict     dict   // of a LowCardinality
	narrow   []byte // dict.keys at the width that the wire wants
	scratch  []byte
	constant bool // all rows are equal and written at encoding time
	value    uint64

	mayBeSparse bool // the server takes that form
	sparse      bool // what is about to be sent has it
}

// What ch-go looks for by type assertion, and goes on without where it is missing:
// that nothing were inferred would let a column altered in mid-run through.
var (
	_ proto.ColInput     = (*column)(nil)
	_ proto.Inferable    = (*column)(nil)
	_ proto.Preparable   = (*column)(nil)
	_ proto.StateEncoder = (*column)(nil)
	_ proto.ColInput     = (*rescue)(nil)
	_ proto.Preparable   = (*rescue)(nil)
	_ proto.StateEncoder = (*rescue)(nil)
)

// wireSlack is how far beyond a value's end the fast loops may write.
const wireSlack = 32

func newColumn(name, typ string) (*column, error) {
	spec, ok := parseType(typ)
	if !ok {
		return nil, fmt.Errorf("column %s: type %s cannot be filled from text", name, typ)
	}
	c := &column{typeSpec: spec, name: name, typ: proto.ColumnType(typ)}
	c.reset()
	return c, nil
}

// reset forgets the rows and keeps the memory.
func (c *column) reset() {
	c.rows = 0
	c.data, c.nulls = c.data[:0], c.nulls[:0]
	if c.kind == kindLow {
		c.dict.reset()
		// Entry 0 is the default: NULL where the type is nullable, else the
		// empty text. No other entry is ever empty.
		c.dict.find(&c.data, nil)
	}
}

// trim gives back memory that an unusual block left behind.
func (c *column) trim() {
	c.data, c.nulls, c.narrow, c.scratch = nil, nil, nil, nil
	c.dict = dict{}
	c.reset()
}

// size is the bytes that the rows take so far.
func (c *column) size() int { return len(c.data) + len(c.nulls) + len(c.dict.keys) }

// zeros appends n rows of the type's default, NULL for a Nullable.
func (c *column) zeros(n int) {
	c.rows += n
	if c.kind == kindLow {
		c.dict.keys = append(c.dict.keys, make([]uint32, n)...)
		return
	}
	for range n {
		c.data = append(c.data, c.zero...)
		if c.nullable {
			c.nulls = append(c.nulls, 1)
		}
	}
}

// add appends one value. An empty text is the type's default, and so is what is
// appended for a misfit.
func (c *column) add(v []byte, k *Clock) fit { return c.addScaled(v, 0, k) }

// addScaled is add of a number times ten to the scale.
func (c *column) addScaled(v []byte, scale int, k *Clock) (f fit) {
	switch {
	case len(v) == 0:
		c.zeros(1)
		return exact
	case scale != 0:
		f = c.putNumber(v, scale, k)
	case !c.put(v, k):
		f = c.respell(v, k)
	}
	switch f {
	case absent:
		c.zeros(1)
		return exact
	case misfit:
		c.zeros(1)
		return misfit
	}
	c.rows++
	if c.nullable && c.kind != kindLow {
		c.nulls = append(c.nulls, 0)
	}
	return f
}

// filled reports whether any of the last rows, whose bytes begin at from, is other than
// the type's default.
func (c *column) filled(from, rows int) bool {
	switch c.kind {
	case kindLow:
		return slices.ContainsFunc(c.dict.keys[len(c.dict.keys)-rows:], func(k uint32) bool { return k != 0 })
	case kindString:
		return len(c.data)-from > rows // an empty text is one byte
	}
	tail := c.data[from:]
	if bytes.Count(c.zero, []byte{0}) == len(c.zero) {
		return bytes.Count(tail, []byte{0}) != len(tail)
	}
	for ; len(tail) > 0; tail = tail[len(c.zero):] {
		if !bytes.HasPrefix(tail, c.zero) {
			return true
		}
	}
	return false
}

// repeat appends n rows of a text that fits.
func (c *column) repeat(v []byte, n int) {
	if c.kind == kindLow {
		id := c.dict.find(&c.data, v)
		for range n {
			c.dict.keys = append(c.dict.keys, id)
		}
		c.rows += n
		return
	}
	for range n {
		c.data = binary.AppendUvarint(c.data, uint64(len(v)))
		c.data = append(c.data, v...)
	}
	c.rows += n
}

// appendInt appends the low bytes of v, as many as the type has.
func (c *column) appendInt(v uint64) {
	switch c.width {
	case 1:
		c.data = append(c.data, byte(v))
	case 2:
		c.data = binary.LittleEndian.AppendUint16(c.data, uint16(v))
	case 4:
		c.data = binary.LittleEndian.AppendUint32(c.data, uint32(v))
	default:
		c.data = binary.LittleEndian.AppendUint64(c.data, v)
	}
}

// Type returns the column's type as the table declares it.
func (c *column) Type() proto.ColumnType { return c.typ }

// Rows returns the number of rows held.
func (c *column) Rows() int { return c.rows }

// Infer is told the type that the server wants now, before anything is sent,
// and takes note of it for Block.Altered. An error from here would leave the
// connection waiting for an answer to what was never sent.
func (c *column) Infer(t proto.ColumnType) error {
	c.now = t
	return nil
}

// altered reports whether the column has a type by now that the values were not
// made for. What the server would convert by itself it wraps and rounds, so only
// what changes no value passes.
func (c *column) altered() bool {
	plain := func(t proto.ColumnType) string {
		if t.Base() == proto.ColumnTypeDateTime { // in whatever zone it is shown
			return string(proto.ColumnTypeDateTime)
		}
		if t.Base() == proto.ColumnTypeLowCardinality {
			t = t.Elem()
		}
		return string(t)
	}
	return c.now != "" && plain(c.now) != plain(c.typ) //guard:decimal-scale
}

// Prepare writes what is only known once all rows are there.
func (c *column) Prepare() error {
	if c.constant {
		c.data = c.data[:0]
		for range c.rows {
			c.appendInt(c.value)
		}
	}
	if c.kind == kindLow {
		c.narrow = c.dict.narrow(c.narrow[:0])
	}
	c.sparse = c.mayBeSparse && c.empty()
	return nil
}

// lowVersion is the only serialization of LowCardinality there is: shared
// dictionaries with additional keys.
const lowVersion = 1

// Bits of the word before a LowCardinality column: the dictionary comes with
// the block, and replaces the one before.
const (
	lowAdditionalKeys = 1 << 9
	lowUpdate         = 1 << 10
)

// EncodeState writes what precedes a column of another form than the usual, or of a
// LowCardinality.
func (c *column) EncodeState(b *proto.Buffer) {
	switch {
	case c.sparse:
		c.markSparse(b)
	case c.kind == kindLow:
		b.PutInt64(lowVersion)
	}
}

// EncodeColumn copies the wire bytes into b; Prepare must have run.
func (c *column) EncodeColumn(b *proto.Buffer) {
	if c.sparse {
		c.encodeSparse(b)
		return
	}
	c.lowHead(b)
	b.PutRaw(c.nulls)
	b.PutRaw(c.data)
	c.lowTail(b)
	b.PutRaw(c.narrow)
}

// WriteColumn hands the wire bytes to w without copying them. They must stay
// as they are until w is flushed; Prepare must have run.
func (c *column) WriteColumn(w *proto.Writer) {
	if c.sparse {
		w.ChainBuffer(c.encodeSparse)
		return
	}
	w.ChainBuffer(c.lowHead)
	if len(c.nulls) > 0 {
		w.ChainWrite(c.nulls)
	}
	w.ChainWrite(c.data)
	if c.kind == kindLow {
		w.ChainBuffer(c.lowTail)
		w.ChainWrite(c.narrow)
	}
}

func (c *column) lowHead(b *proto.Buffer) {
	if c.kind == kindLow && c.rows > 0 {
		b.PutInt64(lowAdditionalKeys | lowUpdate | int64(c.dict.keyWidth()))
		b.PutInt64(int64(c.dict.entries))
	}
}

func (c *column) lowTail(b *proto.Buffer) {
	if c.kind == kindLow && c.rows > 0 {
		b.PutInt64(int64(c.rows))
	}
}

// keyWidth is the wire's code for the narrowest integer that numbers every
// entry: 0 for a byte, 1 for two, 2 for four.
func (d *dict) keyWidth() int {
	switch {
	case d.entries <= math.MaxUint8+1:
		return 0
	case d.entries <= math.MaxUint16+1:
		return 1
	}
	return 2
}

func (d *dict) narrow(out []byte) []byte {
	switch d.keyWidth() {
	case 0:
		for _, k := range d.keys {
			out = append(out, byte(k))
		}
	case 1:
		for _, k := range d.keys {
			out = binary.LittleEndian.AppendUint16(out, uint16(k))
		}
	default:
		for _, k := range d.keys {
			out = binary.LittleEndian.AppendUint32(out, k)
		}
	}
	return out
}
