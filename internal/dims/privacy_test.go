package dims

import (
	"encoding/json"
	"testing"
	"time"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/privacy"
)

// A conversion's later changes name its click as its row does.
func TestUpdatePrivacy(t *testing.T) {
	t.Parallel()
	policy, err := privacy.Parse("transaction_id=hash, country_code=drop", []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	row := hasoffers.Row{Fields: json.RawMessage(`{"id": "7", "ad_id": "t", "country_code": "DE", "status": "approved"}`)}
	e := conversions()
	v, err := e.read(row, time.UTC, policy)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range e.Fields {
		want := map[string]string{"ad_id": "9a0c78e6cec1c3d82f7be54060bb9184", "country_code": "", "status": "approved"}
		if w, ok := want[f.Name]; ok && v.values[i] != w {
			t.Errorf("%s is %v, want %q", f.Name, v.values[i], w)
		}
	}
}
