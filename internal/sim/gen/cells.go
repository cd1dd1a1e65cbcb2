package gen

import (
	"strconv"
	"time"

	"rawlogs/internal/rawlog"
)

// cell appends one field of a row, quotes included.
type cell func(b []byte, r *row) []byte

const (
	none = `""`
	zero = "0"
)

// cells are the columns that are written of their row alone, the same in every type.
var cells = map[string]cell{
	"transaction_id":       appendTransaction,
	"creative_url_id":      func(b []byte, r *row) []byte { return append(b, r.camp.creative...) },
	"affiliate_click_id":   appendClickID,
	"affiliate_source":     func(b []byte, r *row) []byte { return append(b, r.camp.source...) },
	"revenue_cents":        func(b []byte, r *row) []byte { return appendCents(b, r.paid, r.revenue) },
	"payout_cents":         func(b []byte, r *row) []byte { return appendCents(b, r.paid, r.payout) },
	"sale_amount":          appendSale,
	"refer":                appendRefer,
	"url":                  appendURL,
	"ip":                   appendIP,
	"session_ip":           appendIP,
	"user_agent":           appendAgent,
	"country_code":         appendCountry,
	"browser_id":           func(b []byte, r *row) []byte { return strconv.AppendInt(b, int64(r.agent.browser), 10) },
	"is_click_unique":      appendUnique,
	"currency":             func(b []byte, r *row) []byte { return append(b, r.camp.currency...) },
	"ios_ifa":              func(b []byte, r *row) []byte { return appendAdvertisingID(b, r, r.agent.app && r.agent.ios) },
	"google_aid":           func(b []byte, r *row) []byte { return appendAdvertisingID(b, r, r.agent.app && !r.agent.ios) },
	"req_connection_speed": func(b []byte, r *row) []byte { return append(b, r.agent.connection...) },
}

// cellOf is how the column of that name is written; a name that the generator
// does not know, and every id that networks leave empty, is an empty string.
func (n *Network) cellOf(t rawlog.Type, name string, clock *clock) (c cell, constant string) {
	if t == rawlog.Conversions {
		name = logName(name)
	}
	if c := cells[name]; c != nil {
		return c, ""
	}
	switch name {
	case "affiliate_id", "affiliate_manager_id", "advertiser_id", "advertiser_manager_id", "offer_id":
		at := idIndex(name)
		return func(b []byte, r *row) []byte { return append(b, nth(r.camp.ids, at)...) }, ""
	case "affiliate_sub1", "affiliate_sub2", "affiliate_sub3", "affiliate_sub4", "affiliate_sub5":
		at := int(name[len(name)-1] - '1')
		return func(b []byte, r *row) []byte {
			b = append(b, '"')
			b = appendSub(b, r, at)
			return append(b, '"')
		}, ""
	case "datetime":
		return func(b []byte, r *row) []byte { return clock.append(b, r.at) }, ""
	case "session_datetime":
		return func(b []byte, r *row) []byte { return clock.append(b, r.clicked) }, ""
	case "access_control_decision":
		return n.decisionCell(), ""
	case "access_control_reason_code":
		return n.appendReason, ""
	case "payout_type":
		return func(b []byte, r *row) []byte { return append(b, nth(r.camp.payout, 0)...) }, ""
	case "revenue_type":
		return func(b []byte, r *row) []byte { return append(b, nth(r.camp.payout, 1)...) }, ""
	case "device_brand", "device_model", "device_os", "device_os_version":
		at := deviceIndex(name)
		return func(b []byte, r *row) []byte { return append(b, nth(r.agent.device, at)...) }, ""
	case "payout_group_id", "revenue_group_id", "is_adjustment":
		return nil, zero
	}
	if t == rawlog.Conversions {
		if c := entityCell(name); c != nil {
			return c, ""
		}
		return conversionCell(name)
	}
	return nil, none
}

func appendClickID(b []byte, r *row) []byte {
	if !r.camp.clickID {
		return append(b, none...)
	}
	b = append(b, '"')
	b = appendHex(b, r.number, 16)
	return append(b, '"')
}

func appendSale(b []byte, r *row) []byte {
	if r.sale == 0 {
		return append(b, none...)
	}
	b = append(b, '"')
	b = strconv.AppendInt(b, int64(r.sale)/10_000, 10)
	return append(b, `.00"`...)
}

func appendThankYou(b []byte, r *row) []byte {
	if r.dice&3 != 0 {
		return append(b, none...)
	}
	b = append(b, '"')
	b = append(b, r.offer.PreviewURL...)
	return append(b, `thank-you"`...)
}

func appendCountry(b []byte, r *row) []byte {
	b = append(b, '"')
	b = append(b, r.country.Code...)
	return append(b, '"')
}

func appendUnique(b []byte, r *row) []byte {
	if r.unique {
		return append(b, '1')
	}
	return append(b, '0')
}

// decision is the index of the row's word among those of access control: the
// first for most rows, each other one for a sixty-fourth.
func (n *Network) decision(r *row) int {
	if d := int(r.dice & 0x3f); d < len(n.cfg.Decisions) {
		return d
	}
	return 0
}

func (n *Network) decisionCell() cell {
	words := make([][]byte, len(n.cfg.Decisions))
	for i, word := range n.cfg.Decisions {
		words[i] = quoted(word)
	}
	return func(b []byte, r *row) []byte { return append(b, words[n.decision(r)]...) }
}

func (n *Network) appendReason(b []byte, r *row) []byte {
	if n.decision(r) > 0 {
		return strconv.AppendInt(b, 100+int64(r.dice>>6&7), 10)
	}
	return append(b, none...)
}

func conversionCell(name string) (c cell, constant string) {
	switch name {
	case "pixel_refer":
		return appendThankYou, ""
	case "id":
		return func(b []byte, r *row) []byte { return strconv.AppendInt(b, r.id, 10) }, ""
	case "tune_event_id":
		return func(b []byte, r *row) []byte {
			b = appendUUID(append(b, '"'), mix(uint64(r.id)), scramble(uint64(r.id)))
			return append(b, '"')
		}, ""
	case "goal_id":
		return func(b []byte, r *row) []byte { return strconv.AppendInt(b, int64(r.goal), 10) }, ""
	case "customer_id":
		return func(b []byte, r *row) []byte {
			if r.dice>>8&7 != 0 {
				return append(b, `""`...)
			}
			return strconv.AppendUint(b, r.number%1_000_000, 10)
		}, ""
	case "advertiser_info":
		return func(b []byte, r *row) []byte {
			b = append(b, `"order-`...)
			b = strconv.AppendUint(b, r.number%10_000_000, 10)
			return append(b, '"')
		}, ""
	case "status":
		return func(b []byte, r *row) []byte {
			switch r.approved {
			case 0:
				return append(b, `"approved"`...)
			case 1:
				return append(b, `"pending"`...)
			default:
				return append(b, `"rejected"`...)
			}
		}, ""
	case "status_code":
		return func(b []byte, r *row) []byte { return strconv.AppendInt(b, int64(r.reason), 10) }, ""
	}
	return nil, `""`
}

func idIndex(name string) int {
	switch name {
	case "affiliate_id":
		return 0
	case "affiliate_manager_id":
		return 1
	case "advertiser_id":
		return 2
	case "advertiser_manager_id":
		return 3
	}
	return 4
}

func deviceIndex(name string) int {
	switch name {
	case "device_brand":
		return 0
	case "device_model":
		return 1
	case "device_os":
		return 2
	}
	return 3
}

// nth is field at of a few ready cells, none of which holds a comma.
func nth(cells []byte, at int) []byte {
	start := 0
	for i, c := range cells {
		if c != ',' {
			continue
		}
		if at == 0 {
			return cells[start:i]
		}
		at--
		start = i + 1
	}
	return cells[start:]
}

// clock prints instants in the network's zone, the last one from memory.
type clock struct {
	zone *time.Location
	last int64
	text []byte
}

func (c *clock) append(b []byte, at int64) []byte {
	if c.text == nil || at != c.last {
		c.text = time.Unix(at, 0).In(c.zone).AppendFormat(c.text[:0], `"2006-01-02 15:04:05"`)
		c.last = at
	}
	return append(b, c.text...)
}
