package convreport_test

import (
	"strings"
	"testing"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/convreport"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
)

// A partner's report has that partner's rows: others fail the day.
func TestPartnersRows(t *testing.T) {
	t.Parallel()
	rows := func(ids ...string) []row {
		all := day20(len(ids))
		for i, id := range ids {
			all[i]["Stat"]["affiliate_id"] = id
		}
		return all
	}
	for _, tc := range []struct {
		side, of string
		ids      []string
		wrong    bool
	}{
		{hasoffers.Affiliate, "", []string{"7", "7"}, false},
		{hasoffers.Affiliate, "", []string{"7", "8"}, true},
		{hasoffers.Affiliate, "7", []string{"7", "0", ""}, false},
		{hasoffers.Affiliate, "8", []string{"7", "7"}, true},
		{hasoffers.Advertiser, "7", []string{"8", "9"}, false}, // an advertiser has many
		{"", "7", []string{"8", "9"}, false},
	} {
		s := source(t, &fake{rows: rows(tc.ids...)}, convreport.Config{Side: tc.side})
		if tc.of != "" {
			s.Of(tc.of)
		}
		for range 2 {
			body, err := s.Open(t.Context(), rawlog.ReportDay(day), 0, "")
			if (err != nil) != tc.wrong || err != nil && (dirs.ScopeOf(err) != dirs.ScopeFile || !strings.Contains(err.Error(), "the rows before are those of affiliate")) {
				t.Errorf("%+v: %v", tc, err)
			}
			if err == nil {
				err = body.Close()
			}
			if err != nil && !tc.wrong {
				t.Error(err)
			}
		}
	}
}
