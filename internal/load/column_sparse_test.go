package load

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
)

// A column without values is sent in the sparse form where the server takes it; one of another
// type, one with a value, and any to an older server in the usual form.
func TestSparseForm(t *testing.T) {
	t.Parallel()
	table := testTable("a String", "b UInt32", "c Int64", "d String", "e UInt8", "f LowCardinality(String)", "g Nullable(UInt8)", "h Float64")
	layout := NewLayout(table, []string{"a", "b", "c", "d", "e", "f", "g", "h"})
	rows := [][]string{{"", "0", "", "", "", "", "", ""}, {"", "", "0", "x", "", "", "", ""}, {"", "", "", "", "7", "", "", ""}}
	encode := func(sparse bool, version int) []byte {
		t.Helper()
		b, err := NewBlock(table)
		if err != nil {
			t.Fatal(err)
		}
		b.SetSparse(sparse)
		if _, err := b.Append(batchOf(true, rows...), layout); err != nil {
			t.Fatal(err)
		}
		in := b.Input()
		head := proto.Block{Columns: len(in), Rows: b.Rows()}
		buffered := new(proto.Buffer)
		if err := head.EncodeRawBlock(buffered, version, in); err != nil {
			t.Fatal(err)
		}
		var written bytes.Buffer
		w := proto.NewWriter(&written, new(proto.Buffer))
		if err := head.WriteBlock(w, version, in); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if whole := buffered.Buf; !bytes.HasSuffix(written.Bytes(), whole) {
			t.Fatal("EncodeColumn and WriteColumn differ")
		}
		return buffered.Buf
	}
	const older = int(proto.FeatureCustomSerialization) - 1
	if !bytes.Equal(encode(true, older), encode(false, older)) {
		t.Error("a server that knows one form was sent another")
	}
	now := encode(true, proto.Version)
	for _, c := range []struct {
		name, typ string
		sparse    bool
	}{{"a", "String", true}, {"b", "UInt32", true}, {"c", "Int64", true}, {"d", "String", false}, {"e", "UInt8", false}, {"f", "LowCardinality(String)", false}, {"g", "Nullable(UInt8)", false}, {"h", "Float64", false}} {
		head := append(append([]byte{1}, c.name...), append([]byte{byte(len(c.typ))}, c.typ...)...)
		form := binary.AppendUvarint([]byte{1, sparseForm}, uint64(len(rows))|endOfBlock)
		at := bytes.Index(now, head)
		if at < 0 {
			t.Fatalf("no column %s", c.name)
		}
		if got := bytes.HasPrefix(now[at+len(head):], form); got != c.sparse {
			t.Errorf("%s %s is sent in the sparse form: %v", c.name, c.typ, got)
		}
	}
	for version, want := range map[[2]int]bool{{26, 7}: true, {26, 6}: false, {25, 12}: false, {27, 1}: true, {23, 8}: false} {
		if got := Sparse(version[0], version[1]); got != want {
			t.Errorf("ClickHouse %v: %v", version, got)
		}
	}
}
