package simnet

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/sim/gen"
)

// SetAt is Set with the instant of the change, which Auditor::findBrandDataAudits shows.
// Set itself leaves no trace there, as changes did before a network was audited.
func (n *Network) SetAt(at time.Time, model string, id int, fields map[string]any) {
	before := n.row(model, id)
	n.Set(model, id, fields)
	after := n.row(model, id)
	old, fresh := map[string]any{}, map[string]any{}
	for f, v := range after {
		if before == nil || before[f] != v {
			old[f], fresh[f] = before[f], v
		}
	}
	operation := "update"
	if before == nil {
		operation, old = "insert", map[string]any{}
	}
	n.audit(at, model, id, operation, old, fresh)
}

// RemoveAt is Remove with the instant.
func (n *Network) RemoveAt(at time.Time, model string, id int) {
	before := n.row(model, id)
	n.Remove(model, id)
	n.audit(at, model, id, "delete", before, map[string]any{})
}

func (n *Network) row(model string, id int) map[string]any {
	e := &n.Entities
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.build(n.logs)[model].rows[id])
}

func (n *Network) audit(at time.Time, model string, id int, operation string, old, fresh map[string]any) {
	e := &n.Entities
	e.mu.Lock()
	defer e.mu.Unlock()
	k := e.build(n.logs)["BrandDataAudit"]
	k.put(len(k.rows)+1, auditTable(model), id, operation, string(mustJSON(old)), string(mustJSON(fresh)), at.UTC().Format(time.DateTime))
}

var inner = regexp.MustCompile(`([a-z])([A-Z])`)

// auditTable is the table of a model: offer_url of OfferUrl.
func auditTable(model string) string {
	return strings.ToLower(inner.ReplaceAllString(model, "${1}_${2}"))
}

// single answers methods that are the only ones of their kind; nil leaves the call to others.
func (n *Network) single(q url.Values, kinds map[string]*kind) *Answer {
	switch q.Get("Target") + "::" + q.Get("Method") {
	case "Application::findAllOfferCategoryOfferIds":
		return categoryOffers(n.logs, q.Get("id"))
	case "Auditor::findBrandDataAudits":
		k := kinds["BrandDataAudit"]
		return n.find(q, "BrandDataAudit", k, k.all())
	}
	return nil
}

// categoryOffers answers findAllOfferCategoryOfferIds: every third offer is a loan, every
// fifth a shop, and some are both.
func categoryOffers(logs *gen.Network, category string) *Answer {
	every := map[string]int{"1": 3, "2": 5}[category]
	ids := []any{}
	for i, o := range logs.Offers {
		if every > 0 && i%every == 0 {
			ids = append(ids, strconv.Itoa(o.ID))
		}
	}
	return success(ids)
}

// Revise changes conversions that were published, as networks do days later: of each
// every ones, one is rejected, one has another payout and one is added by hand. The changes
// are shown on the third day after the conversion. It returns how many changed.
func (n *Network) Revise(every int) int {
	all, at := n.Reports.conversions(time.Unix(0, 0), time.Unix(1<<32-1, 0))
	ids := make([]int, 0, len(all))
	logged := make(map[int][]string, len(all))
	for _, c := range all {
		id, err := strconv.Atoi(c.logged[at["id"]])
		if err != nil {
			continue
		}
		ids, logged[id] = append(ids, id), c.logged
	}
	slices.Sort(ids)
	changed := 0
	for i, id := range ids {
		record := logged[id]
		when, err := time.Parse(time.DateTime, record[at["datetime"]])
		if err != nil {
			continue
		}
		day := when.In(n.cfg.Zone).AddDate(0, 0, 3).Format(time.DateTime)
		amount := cents(record[at["payout_cents"]])
		switch i % max(every, 3) {
		case 0:
			n.Set("Conversion", id, map[string]any{"status": "rejected", "status_code": "57", "payout": "0.00000", "revenue": "0.00000", "updated": day})
		case 1:
			n.Set("Conversion", id, map[string]any{"payout": units(amount + 12345), "updated": day})
		case 2:
			n.Set("Conversion", id*10, map[string]any{
				"tune_event_id": fmt.Sprintf("adjusted-%d", id), "ad_id": "", "affiliate_id": record[at["affiliate_id"]],
				"advertiser_id": record[at["advertiser_id"]], "offer_id": record[at["offer_id"]], "goal_id": "0", "datetime": when.In(n.cfg.Zone).Format(time.DateTime),
				"status": "approved", "payout": "1.50000", "revenue": "-2.25000", "currency": record[at["currency"]], "is_adjustment": "1", "added": day,
			})
		default:
			continue
		}
		changed++
	}
	return changed
}
