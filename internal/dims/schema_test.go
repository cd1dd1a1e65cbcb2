package dims

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/store"
)

// The SQL files and the entities are written apart: this holds them together.
func TestTablesFitEntities(t *testing.T) {
	st := openStore(t, nil)
	for _, e := range append(Entities(), conversions()) {
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
		}
		for _, f := range e.Fields {
			want[f.Name] = f.Kind.Type()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", e.Table, diff)
		}
	}
	rows, err := st.Conn().Query(t.Context(), "SELECT * FROM conversions_current")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	_ = store.Column{}
}
