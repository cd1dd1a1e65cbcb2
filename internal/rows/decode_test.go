package rows

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"rawlogs/internal/load"
	"rawlogs/internal/parse/csv"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// testHour is the hour of every file in these tests: 2016-09-09 09:00 UTC.
var testHour = time.Unix(1473411600, 0).UTC()

var testFile = rawlog.File{Type: rawlog.Clicks, Name: "20160909/clicks-1473411600-SlY9UO.zip", Hour: testHour}

// testTable has the named columns and the lineage. A column is "name Type", and
// "name Type DEFAULT" has an expression.
func testTable(columns ...string) *load.Table {
	t := &load.Table{Database: "d", Name: "clicks"}
	for _, c := range append(columns,
		"network LowCardinality(String)", "_file LowCardinality(String)", "_line UInt32", "_hour DateTime('UTC')",
		"_insert UInt64", "_rescued Map(LowCardinality(String), String)", "_loaded_at DateTime('UTC') DEFAULT") {
		name, typ, _ := strings.Cut(c, " ")
		typ, isDefault := strings.CutSuffix(typ, " DEFAULT")
		col := store.Column{Name: name, Type: typ}
		if isDefault {
			col.DefaultKind, col.DefaultExpr = "DEFAULT", "now()"
		}
		t.Columns = append(t.Columns, col)
	}
	return t
}

// decode reads a block's wire bytes with ch-go's own decoder into one line of
// text a row: name=value for each column that is not lineage, and the rescued
// ones as name~value.
func decode(t testing.TB, b *load.Block) []string {
	t.Helper()
	in := b.Input()
	buf := new(proto.Buffer)
	if err := (proto.Block{Columns: len(in), Rows: b.Rows()}).EncodeRawBlock(buf, proto.Version, in); err != nil {
		t.Fatal(err)
	}
	if b.Rows() == 0 {
		return nil
	}
	var out proto.Results
	for _, c := range in {
		out = append(out, proto.ResultColumn{Name: c.Name, Data: resultOf(t, c.Data.Type())})
	}
	rd := proto.NewReader(bytes.NewReader(buf.Buf))
	var head proto.Block
	if err := head.DecodeRawBlock(rd, proto.Version, out); err != nil {
		t.Fatal(err)
	}
	rows := make([]string, b.Rows())
	for i := range rows {
		var cells []string
		for _, c := range out {
			switch c.Name {
			case "network", "_file", "_hour", "_insert":
				continue
			case "_rescued":
				for _, kv := range c.Data.(*proto.ColMap[string, string]).RowKV(i) {
					cells = append(cells, fmt.Sprintf("%s~%q", kv.Key, kv.Value))
				}
				continue
			}
			cells = append(cells, fmt.Sprintf("%s=%v", c.Name, cell(c.Data, i)))
		}
		rows[i] = strings.Join(cells, " ")
	}
	return rows
}

func resultOf(t testing.TB, typ proto.ColumnType) proto.ColResult {
	switch typ.Base() {
	case "LowCardinality":
		return new(proto.ColStr).LowCardinality()
	case "Map":
		return proto.NewMap[string, string](new(proto.ColStr).LowCardinality(), new(proto.ColStr))
	}
	c := new(proto.ColAuto)
	if err := c.Infer(typ); err != nil {
		t.Fatal(err)
	}
	return c.Data
}

func cell(c proto.ColResult, i int) string {
	switch c := c.(type) {
	case *proto.ColStr:
		return fmt.Sprintf("%q", c.Row(i))
	case *proto.ColLowCardinality[string]:
		return fmt.Sprintf("%q", c.Row(i))
	case *proto.ColUInt8:
		return fmt.Sprint(c.Row(i))
	case *proto.ColUInt32:
		return fmt.Sprint(c.Row(i))
	case *proto.ColUInt64:
		return fmt.Sprint(c.Row(i))
	case *proto.ColDateTime:
		return c.Row(i).UTC().Format("2006-01-02T15:04:05Z")
	}
	return fmt.Sprintf("%T", c)
}

// result is all that a text gave.
type result struct {
	Rows     []string
	Rejected []string // line reason: raw, its pieces put together
	Counts   Counts
	Err      string
	Shape    load.Shape
}

// mode is a way of reading the same text.
type mode struct {
	name  string
	start func(r *Reader, text []byte)
	rows  int
}

func modes() []mode {
	stream := func(wrap func(io.Reader) io.Reader) func(*Reader, []byte) {
		return func(r *Reader, text []byte) { r.Reset(testFile, wrap(bytes.NewReader(text))) }
	}
	return []mode{
		{"bytes", func(r *Reader, text []byte) { r.ResetBytes(testFile, text) }, 1000},
		{"bytes, three rows", func(r *Reader, text []byte) { r.ResetBytes(testFile, slices.Clip(text)) }, 3},
		{"stream", stream(func(r io.Reader) io.Reader { return r }), 1000},
		{"one byte", stream(iotest.OneByteReader), 7},
		{"data with EOF", stream(iotest.DataErrReader), 1000},
	}
}

// reading reads texts of one table, in whatever mode.
type reading struct {
	rd       *Reader
	block    *load.Block
	rejected []csv.Rejected
}

func newReading(t testing.TB, table *load.Table, cfg Config) *reading {
	t.Helper()
	r := new(reading)
	cfg.Network = "11111"
	cfg.Reject = func(x csv.Rejected) error {
		x.Raw = bytes.Clone(x.Raw)
		r.rejected = append(r.rejected, x)
		return nil
	}
	var err error
	if r.rd, err = NewReader(table, cfg); err != nil {
		t.Fatal(err)
	}
	if r.block, err = load.NewBlock(table); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *reading) read(t testing.TB, m mode, text []byte) (out result) {
	t.Helper()
	r.rejected = nil
	m.start(r.rd, text)
	shape, err := r.rd.Shape()
	out.Shape = shape
	for err == nil {
		r.block.Reset()
		var n int
		n, err = r.rd.Append(r.block, m.rows)
		if n != r.block.Rows() {
			t.Fatalf("Append returned %d, the block holds %d rows", n, r.block.Rows())
		}
		out.Rows = append(out.Rows, decode(t, r.block)...)
	}
	if !errors.Is(err, io.EOF) {
		out.Err = err.Error()
	}
	for _, x := range r.rejected {
		if x.Piece == 0 {
			out.Rejected = append(out.Rejected, fmt.Sprintf("%d %s: ", x.Line, x.Reason))
		}
		out.Rejected[len(out.Rejected)-1] += string(x.Raw)
	}
	out.Counts = r.rd.Counts()
	return out
}
