package pipeline

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/testkit"
)

// Whatever header the logs of conversions have, their rows are what happened: amounts in
// whole units become exact cents, what the header lacks is empty, and what has no column
// is kept.
func TestConversionHeaders(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	columns := []string{"transaction_id", "id", "tune_event_id", "affiliate_id", "advertiser_id", "offer_id", "goal_id", "affiliate_click_id", "affiliate_source",
		"affiliate_sub1", "affiliate_sub2", "affiliate_sub3", "affiliate_sub4", "affiliate_sub5", "datetime", "session_datetime", "revenue_cents", "payout_cents",
		"sale_amount", "url", "user_agent", "status", "status_code", "currency"}
	lacks := map[string][]string{
		"old": {"tune_event_id", "affiliate_click_id"}, "2021": {}, "units": {"tune_event_id", "affiliate_click_id"},
		"no-id": {"id", "tune_event_id", "affiliate_click_id"}, "api": {"affiliate_click_id"}, "both": {"tune_event_id", "affiliate_click_id"},
	}
	extra := map[string][]string{"2021": {"batch_date_utc", "batch_timestamp", "event_city", "event_region", "promo_code", "adv_unique1", "adv_unique2", "order_id", "sku_id"}, "both": {"payout", "Stat.revenue"}}
	for _, variant := range append(gen.Variants(), "both") {
		f := newFolder(t)
		f.net = gen.New(gen.Config{Seed: 11})
		header := gen.ConversionHeader(variant)
		if variant == "both" { // amounts in two units: those of logs count, the others are kept
			header = append([]string{"payout"}, gen.ConversionHeader("old")...)
		}
		spec := gen.Spec{Type: rawlog.Conversions, Hour: firstHour, Rows: 300, Broken: 3, Header: header}
		if variant == "both" {
			spec.Unknown = []gen.UnknownColumn{{Name: "Stat.revenue", At: 3, Values: []string{"7.5"}}}
		}
		f.write(spec)
		sum, err := Run(t.Context(), st, f.source(), Options{Network: variant, Log: testLog(t)})
		if err != nil || sum.Rows != 300 || sum.Rejected != 3 || sum.Inexact != 0 {
			t.Fatalf("%s: %v, %+v", variant, err, sum)
		}
		var want []string
		for _, record := range f.net.Records(gen.Spec{Type: rawlog.Conversions, Hour: firstHour, Rows: 300, Unknown: spec.Unknown}, append(slices.Clone(columns), extra[variant]...)) {
			row, kept := "", ""
			for i, value := range record {
				if i >= len(columns) {
					if value != "" {
						kept += " " + extra[variant][i-len(columns)] + "=" + value
					}
					continue
				}
				if slices.Contains(lacks[variant], columns[i]) {
					value = ""
				}
				row += plainCell(columns[i], value) + "|"
			}
			want = append(want, row+kept)
		}
		rows, err := st.Conn().Query(t.Context(), `SELECT [toString(`+strings.Join(columns, "), toString(")+`)], _rescued FROM conversions WHERE network = ? ORDER BY _line`, variant)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for rows.Next() {
			var cells []string
			var rescued map[string]string
			if err := rows.Scan(&cells, &rescued); err != nil {
				t.Fatal(err)
			}
			row, kept := "", ""
			for i, value := range cells {
				row += plainCell(columns[i], value) + "|"
			}
			for _, name := range extra[variant] {
				if v, ok := rescued[name]; ok {
					kept += " " + name + "=" + v
					delete(rescued, name)
				}
			}
			if len(rescued) > 0 {
				kept += fmt.Sprint(" ", rescued)
			}
			got = append(got, row+kept)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-happened +stored):\n%.3000s", variant, diff)
		}
	}
}

// plainCell writes numbers in one way.
func plainCell(column, value string) string {
	switch {
	case strings.HasSuffix(column, "_cents") || column == "sale_amount":
		n, ok := new(big.Rat).SetString("0" + value)
		if !ok {
			return "no number: " + value
		}
		return n.RatString()
	case value == "" && (column == "id" || column == "status_code" || column == "goal_id"):
		return "0"
	}
	return value
}
