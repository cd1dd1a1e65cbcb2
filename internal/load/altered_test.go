package load

import (
	"testing"

	"github.com/ClickHouse/ch-go/proto"
)

// What the server would have to convert is another type; a zone to show times
// in and a dictionary are not.
func TestAltered(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		was, is string
		want    bool
	}{
		{"UInt32", "UInt32", false},
		{"UInt32", "UInt64", true},
		{"UInt32", "Nullable(UInt32)", true},
		{"String", "LowCardinality(String)", false},
		{"LowCardinality(Nullable(String))", "Nullable(String)", false},
		{"LowCardinality(String)", "FixedString(2)", true},
		{"DateTime('UTC')", "DateTime('Europe/Prague')", false},
		{"DateTime", "DateTime('UTC')", false},
		{"DateTime('UTC')", "DateTime64(3, 'UTC')", true},
		{"DateTime64(3)", "DateTime64(0)", true},
		{"Decimal(18, 4)", "Decimal(18, 2)", true},
		{"Enum8('a' = 1, 'b' = 2)", "Enum8('a' = 2, 'b' = 1)", true},
	} {
		c, err := newColumn("c", tc.was)
		if err != nil {
			t.Fatal(err)
		}
		if c.altered() {
			t.Errorf("%s: altered before anything is known", tc.was)
		}
		if err := c.Infer(proto.ColumnType(tc.is)); err != nil || c.altered() != tc.want {
			t.Errorf("%s, now %s: altered %v, %v", tc.was, tc.is, c.altered(), err)
		}
	}
}
