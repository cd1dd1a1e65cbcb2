package simnet

import (
	"net/url"
	"slices"
	"strconv"
	"time"
)

// NotCounting leaves rows whose access_control_decision is one of the words out of the
// totals. It is for logs whose header has that column; others have no decision.
func (r *Reports) NotCounting(decisions ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turnedAway = decisions
	for _, f := range r.files {
		f.done = false
	}
}

// counts reports whether the totals have a row with that decision.
func counts(turnedAway []string, decision string) bool { return !slices.Contains(turnedAway, decision) }

// AdjustClicks adds clicks of an affiliate by hand, or takes them off: totals have
// them in the first hour of the day, whenever on it they are said to be.
func (r *Reports) AdjustClicks(day time.Time, offer, affiliate, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.extra = append(r.extra, event{key: key{slot: day.Unix(), offer: offer, affiliate: affiliate}, clicks: n, unique: n})
}

// adjustClicks answers Affiliate::adjustAffiliateClicks; nil where the call is about
// something else.
func (n *Network) adjustClicks(q url.Values) *Answer {
	if q.Get("Target") != "Affiliate" || q.Get("Method") != "adjustAffiliateClicks" {
		return nil
	}
	n.Reports.mu.Lock()
	zone := n.Reports.zone
	n.Reports.mu.Unlock()
	if zone == nil {
		zone = n.cfg.Zone
	}
	at, err := time.ParseInLocation(time.DateTime, q.Get("datetime"), zone)
	if err != nil {
		return invalidParameter("datetime", "datetime must be a date and time.")
	}
	numbers := map[string]int{}
	for _, name := range []string{"affiliate_id", "offer_id", "quantity"} {
		v, err := strconv.Atoi(q.Get(name))
		if err != nil || v <= 0 {
			return invalidParameter(name, name+" must be a positive integer.")
		}
		numbers[name] = v
	}
	quantity := numbers["quantity"]
	switch q.Get("action") {
	case "add":
	case "remove":
		quantity = -quantity
	default:
		return invalidParameter("action", "action must be one of add, remove.")
	}
	midnight := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, zone)
	n.Reports.AdjustClicks(midnight, numbers["offer_id"], numbers["affiliate_id"], quantity)
	return success(true)
}
