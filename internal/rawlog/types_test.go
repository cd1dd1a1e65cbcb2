package rawlog

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTypes(t *testing.T) {
	t.Parallel()
	if got := Types(); !slices.Equal(got, []Type{Clicks, Conversions, Impressions}) {
		t.Errorf("raw logs: %v", got)
	}
	if got := All(); !slices.Equal(got, append(Types(), ConversionReport)) || !slices.IsSortedFunc(got, CompareTypes) {
		t.Errorf("all types: %v", got)
	}
	for _, typ := range All() {
		raw := slices.Contains(Types(), typ)
		if typ.Raw() != raw || typ.Snapshot() == raw || typ.Daily() == raw || typ.Loader() == "" || typ.Unit() < time.Hour {
			t.Errorf("%s: raw %v, snapshot %v, daily %v, of %v, loaded by %q", typ, typ.Raw(), typ.Snapshot(), typ.Daily(), typ.Unit(), typ.Loader())
		}
		if _, err := ParseType(string(typ)); (err == nil) != raw {
			t.Errorf("%s as a raw log: %v", typ, err)
		}
		if got, err := ParseAny(string(typ)); got != typ || err != nil {
			t.Errorf("%s: %v, %v", typ, got, err)
		}
	}
	if day := ReportDay(time.Date(2016, 9, 9, 0, 0, 0, 0, time.UTC)); day.End().Sub(day.Hour) != ConversionReport.Unit() {
		t.Errorf("a day of the report ends at %v", day.End())
	}
	// A ledger may name a type of a newer version.
	if later := Type("payouts"); later.Raw() || later.Snapshot() || later.Unit() != time.Hour || CompareTypes(later, Clicks) >= 0 {
		t.Errorf("an unknown type: %+v", later.traits())
	}
	_, err := ParseAny("pixels")
	if err == nil || !strings.HasSuffix(err.Error(), "clicks, conversions, impressions and conversion_report exist") {
		t.Errorf("%v", err)
	}
	// A type is read from a folder's or a flag's word: however long, it is quoted in part.
	if _, err = ParseType(strings.Repeat("x", 1000)); len(err.Error()) > 200 {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
}
