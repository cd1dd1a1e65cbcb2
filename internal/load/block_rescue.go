package load

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ClickHouse/ch-go/proto"
)

// fail is a field whose column does not hold all of it: near or misfit.
type fail struct {
	row, field int32
	fit        fit
}

// HexSuffix follows a header's name in _rescued where the bytes of its value are not
// UTF-8: unhex(_rescued['refer#hex']) are they.
const HexSuffix = "#hex"

// rescue is the column _rescued: what would otherwise be lost of each row,
// under its header's name.
type rescue struct {
	rows    int
	offsets []byte // by row: the number of entries so far
	keys    column // LowCardinality(String)
	values  []byte
	scratch []byte
}

const rescueType = "Map(LowCardinality(String), String)"

func (r *rescue) reset() {
	r.rows = 0
	r.keys.kind = kindLow
	r.keys.reset()
	r.offsets, r.values = r.offsets[:0], r.values[:0]
	if cap(r.values) > MaxBytes {
		r.values = nil
	}
}

func (r *rescue) size() int { return len(r.offsets) + len(r.values) + r.keys.size() }

// take appends a batch's rows: the fields that failed, and those that feed no
// column and are not empty, in the order of the header.
func (r *rescue) take(b *Batch, l *Layout, fails []fail) (kept Kept) {
	slices.SortFunc(fails, func(x, y fail) int {
		return cmp.Or(cmp.Compare(x.row, y.row), cmp.Compare(x.field, y.field))
	})
	for row := range b.Rows {
		before := r.keys.rows
		kept.count(fails, row)
		for _, f := range l.unknown {
			for len(fails) > 0 && int(fails[0].row) == row && int(fails[0].field) < f {
				r.keep(b, l, fails[0])
				fails = fails[1:]
			}
			if b.Fields[row*b.Width+f].Len != 0 {
				r.keep(b, l, fail{int32(row), int32(f), misfit}) //guard:unknown-rescued
			}
		}
		for len(fails) > 0 && int(fails[0].row) == row {
			r.keep(b, l, fails[0]) //guard:unfit-rescued
			fails = fails[1:]
		}
		if r.keys.rows > before {
			kept.Rescued++
		}
		r.offsets = binary.LittleEndian.AppendUint64(r.offsets, uint64(r.keys.rows))
	}
	r.rows += b.Rows
	return kept
}

// count looks at the fails of a row, which come first.
func (k *Kept) count(fails []fail, row int) {
	misfits, inexact := 0, 0
	for _, f := range fails {
		if int(f.row) != row {
			break
		}
		switch {
		case f.fit != misfit:
			inexact = 1 //guard:inexact-counted
		case k.Misfit+misfits == 0:
			k.Row, k.Field = row, int(f.field)
			fallthrough
		default:
			misfits = 1
		}
	}
	k.Misfit += misfits
	k.Inexact += inexact
}

// keep appends a field under its header's name. All of it is UTF-8, so that whatever
// reads it as JSON can; other bytes are kept in hexadecimal beside it. Where the column
// holds the text but for those bytes, they alone are kept.
func (r *rescue) keep(b *Batch, l *Layout, f fail) {
	var v []byte
	v, r.scratch = b.Value(int(f.row), int(f.field), r.scratch)
	key := l.keys[f.field]
	if utf8.Valid(v) {
		r.entry(key, v)
		return
	}
	if f.fit == misfit {
		r.entry(key, bytes.ToValidUTF8(v, []byte("\uFFFD")))
	}
	r.entry(key+HexSuffix, []byte(strings.ToUpper(hex.EncodeToString(v)))) //guard:bytes-kept
}

func (r *rescue) entry(key string, v []byte) {
	r.keys.dict.keys = append(r.keys.dict.keys, r.keys.dict.find(&r.keys.data, []byte(key)))
	r.keys.rows++
	r.values = binary.AppendUvarint(r.values, uint64(len(v)))
	r.values = append(r.values, v...)
}

// Type returns the type that the schema declares.
func (r *rescue) Type() proto.ColumnType { return rescueType }

// Rows returns the number of rows held.
func (r *rescue) Rows() int { return r.rows }

// Prepare writes the keys as they go over the wire.
func (r *rescue) Prepare() error { return r.keys.Prepare() }

// EncodeState writes the state of the keys.
func (r *rescue) EncodeState(b *proto.Buffer) { r.keys.EncodeState(b) }

// EncodeColumn copies the wire bytes into b; Prepare must have run. Where no
// row holds anything the offsets are all there is.
func (r *rescue) EncodeColumn(b *proto.Buffer) {
	b.PutRaw(r.offsets)
	if r.keys.rows > 0 {
		r.keys.EncodeColumn(b)
		b.PutRaw(r.values)
	}
}

// WriteColumn hands the wire bytes to w without copying them.
func (r *rescue) WriteColumn(w *proto.Writer) {
	w.ChainWrite(r.offsets)
	if r.keys.rows > 0 {
		r.keys.WriteColumn(w)
		w.ChainWrite(r.values)
	}
}
