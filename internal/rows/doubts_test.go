package rows

import (
	"strings"
	"testing"

	"rawlogs/internal/load"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit"
)

// Names that are not read and look like those of columns that got nothing.
func TestDoubts(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, tc := range []struct {
		typ    rawlog.Type
		header string
		filled string // beside the columns that the header feeds: "" all of these
		want   []string
	}{
		{rawlog.Clicks, "transaction_id,offer_id,affiliate_id,datetime,payout_cents,revenue_cents,ip", "", nil},
		{rawlog.Clicks, "Transaction ID,Offer,Affiliate,Date,Payout ($),Session IP", "transaction_id", []string{"datetime", "offer_id", "affiliate_id", "payout_cents"}},
		{rawlog.Clicks, "transaction_id,offer_id,affiliate_id,Datetime (UTC)", "", []string{"datetime"}},
		{rawlog.Clicks, "#transaction_id,offer_id,affiliate_id,datetime", "", []string{"transaction_id"}},
		{rawlog.Clicks, "\u00ef\u00bb\u00bftransaction_id,offer_id,affiliate_id,datetime", "", []string{"transaction_id"}},
		{rawlog.Impressions, "impression_id,offer_id,affiliate_id,datetime", "", []string{"transaction_id"}},
		{rawlog.Clicks, "transaction_id,offer_id;affiliate_id;datetime", "", []string{"datetime", "offer_id", "affiliate_id"}},
		{rawlog.Clicks, "transaction_id,offer_id,offer_id,affiliate_id,datetime", "transaction_id,affiliate_id,datetime", []string{"offer_id"}},
		{rawlog.Conversions, "transaction_id,offer_id,affiliate_id,datetime,payout_usd,Stat.revenue@EUR", "", []string{"payout_cents", "revenue_cents"}},
		{rawlog.Clicks, "transaction_id,offer_id,affiliate_id,datetime,payout_note,update_flag", "", nil},
		{rawlog.Clicks, "transaction_id,offer_id,affiliate_id,datetime,goal_id,session_datetime,sale_amount", "", []string{"conversions"}},
		{rawlog.Conversions, "transaction_id,offer_id,affiliate_id,datetime,goal_id,session_datetime,sale_amount", "", nil},
		{rawlog.Clicks, "transaction_id,offer_id,affiliate_id,datetime,goal_id", "", nil},
	} {
		table := &load.Table{Name: string(tc.typ)}
		var err error
		if table.Columns, err = st.Columns(t.Context(), string(tc.typ)); err != nil {
			t.Fatal(err)
		}
		names := strings.Split(tc.header, ",")
		layout := load.NewLayout(table, names)
		var filled []string
		for _, c := range table.Columns {
			if layout.Feeds(c.Name) && (tc.filled == "" || strings.Contains(tc.filled, c.Name)) {
				filled = append(filled, c.Name)
			}
		}
		got := doubts(tc.typ, layout, names, filled)
		if len(got) != len(tc.want) {
			t.Errorf("%s: %q, want %q", tc.header, got, tc.want)
			continue
		}
		for _, want := range tc.want {
			if !strings.Contains(strings.Join(got, "\n"), want) {
				t.Errorf("%s: %q, want %q", tc.header, got, want)
			}
		}
	}
}
