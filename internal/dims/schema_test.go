package dims_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/dims"
	"rawlogs/internal/testkit"
)

// The SQL files and the entities are written apart: this holds them together.
func TestTablesFitEntities(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, e := range append(dims.Entities(), dims.ConversionEntity()) {
		columns, err := st.Columns(t.Context(), e.Table)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, c := range columns {
			got[c.Name] = c.Type
		}
		want := map[string]string{
			"network": "LowCardinality(String)", "id": "UInt64", "other": "Map(LowCardinality(String), String)",
			"hash": "UInt64", "deleted": "Bool", "valid_from": "DateTime64(3, 'UTC')",
		}
		if e.Table == "conversion_updates" {
			want["found"] = "LowCardinality(String)"
			want[e.Event] = "String"
		}
		for _, f := range e.Fields {
			want[f.Name] = f.Kind.Type()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", e.Table, diff)
		}
	}
}
