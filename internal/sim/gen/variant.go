package gen

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/rawlog"
)

// Variants lists the headers that logs of conversions may have, by name. Which one a
// network writes is not known: a loader has to read each.
//
//	old    the click header's names and the Conversion entity's of 2016
//	2021   the same with what the entity had by 2021, event id first
//	units  payout and revenue in whole units of currency in the place of cents
//	no-id  neither a number nor an event id
//	api    the entity's own names throughout, amounts in units
func Variants() []string { return []string{"old", "2021", "units", "no-id", "api"} }

// ConversionHeader lists the columns of a variant; nil if there is none of that name. The
// caller owns the slice.
func ConversionHeader(variant string) []string {
	cols := Header(rawlog.Conversions, 2016)
	rename := func(names map[string]string) []string {
		for i, c := range cols {
			if name, ok := names[c]; ok {
				cols[i] = name
			}
		}
		return cols
	}
	units := map[string]string{"payout_cents": "payout", "revenue_cents": "revenue"}
	switch variant {
	case "old":
		return cols
	case "2021":
		cols = append([]string{"tune_event_id"}, Header(rawlog.Conversions, 2022)...)
		return append(cols, entity2021()...)
	case "units":
		return rename(units)
	case "no-id":
		return slices.DeleteFunc(cols, func(c string) bool { return c == "id" })
	case "api":
		cols = append(rename(units), "tune_event_id")
		return rename(map[string]string{"transaction_id": "ad_id", "affiliate_source": "source", "affiliate_sub1": "affiliate_info1", "affiliate_sub2": "affiliate_info2",
			"affiliate_sub3": "affiliate_info3", "affiliate_sub4": "affiliate_info4", "affiliate_sub5": "affiliate_info5"})
	}
	return nil
}

// entity2021 is what the Conversion entity had by 2021, beside the event id.
func entity2021() []string {
	return strings.Fields("batch_date_utc batch_timestamp event_city event_region promo_code adv_unique1 adv_unique2 adv_unique3 adv_unique4 adv_unique5 " +
		"order_id sku_id product_category app_version")
}

// logName is the name that raw logs have for a field of the API.
func logName(name string) string {
	switch name {
	case "ad_id":
		return "transaction_id"
	case "source":
		return "affiliate_source"
	}
	return strings.Replace(name, "affiliate_info", "affiliate_sub", 1)
}

// entityCell writes what only the API's entity has; nil for what it has not.
func entityCell(name string) cell {
	text := func(one func(r *row) string) cell {
		return func(b []byte, r *row) []byte { return append(b, quoted(one(r))...) }
	}
	sometimes := func(prefix string, shift uint) cell {
		return text(func(r *row) string {
			if r.dice>>shift&3 != 0 {
				return ""
			}
			return prefix + strconv.FormatUint(r.number>>shift%100_000, 10)
		})
	}
	switch name {
	case "payout":
		return text(func(r *row) string { return unitsOf(r.paid, r.payout) })
	case "revenue":
		return text(func(r *row) string { return unitsOf(r.paid, r.revenue) })
	case "batch_date_utc":
		return text(func(r *row) string { return time.Unix(r.at+900, 0).UTC().Format(time.DateOnly) })
	case "batch_timestamp":
		return func(b []byte, r *row) []byte { return strconv.AppendInt(b, r.at+900, 10) }
	case "event_city":
		return sometimes("Ville-", 5)
	case "event_region":
		return sometimes("R", 7)
	case "promo_code":
		return sometimes("SAVE", 9)
	case "order_id":
		return sometimes("order-", 11)
	case "sku_id":
		return sometimes("SKU ", 13)
	case "adv_unique1", "adv_unique2":
		return sometimes("u,", uint(len(name))+4)
	}
	return nil
}

func unitsOf(paid bool, m Money) string {
	if !paid {
		return ""
	}
	return m.Units()
}
