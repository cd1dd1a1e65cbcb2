package simnet

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rawlogs/internal/sim/gen"
)

// Entities are the network's things by target, as its find methods show them:
// Offer, Affiliate and so on, made from what its logs speak of. Its zero value
// is ready; its methods may be called while the network serves.
type Entities struct {
	mu    sync.Mutex
	kinds map[string]*kind // by model
	// exclusiveEnds: see Network.ExclusiveEnds.
	exclusiveEnds bool
}

// kind is a table of one entity: rows by id, every value as the API prints it.
type kind struct {
	fields []string // in the API's order, id first
	rows   map[int]map[string]any
	hidden []string // fields that come unless others are named
}

// Set changes one field of a row, which is made if absent. Conversion rows are
// what findUpdatedConversions and findAddedConversions look through: their
// fields updated and added are the days to show them on. One that was published has
// the fields of its log unless others are given.
func (n *Network) Set(model string, id int, fields map[string]any) {
	e := &n.Entities
	e.mu.Lock()
	defer e.mu.Unlock()
	k := e.build(n.logs)[model]
	row := k.rows[id]
	if row == nil {
		row = map[string]any{"id": strconv.Itoa(id)}
		for _, f := range k.fields {
			if f != "id" {
				row[f] = ""
			}
		}
		if model == "Conversion" {
			maps.Copy(row, n.loggedConversion(id, k.fields))
		}
		k.rows[id] = row
	}
	maps.Copy(row, fields)
}

// Remove takes a row away.
func (n *Network) Remove(model string, id int) {
	e := &n.Entities
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.build(n.logs)[model].rows, id)
}

// Forget takes a field away from a kind, as an API that does not know it yet, or has
// retired it: a call that names it is refused, and answers lack it.
func (n *Network) Forget(model, field string) {
	e := &n.Entities
	e.mu.Lock()
	defer e.mu.Unlock()
	k := e.build(n.logs)[model]
	k.fields = slices.DeleteFunc(slices.Clone(k.fields), func(f string) bool { return f == field })
}

// Clear takes all rows of a kind away.
func (n *Network) Clear(model string) {
	e := &n.Entities
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.build(n.logs)[model].rows)
}

// IDs lists the ids of a kind, ascending.
func (n *Network) IDs(model string) []int {
	e := &n.Entities
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Sorted(maps.Keys(e.build(n.logs)[model].rows))
}

// build makes the tables when they are first asked for.
func (e *Entities) build(logs *gen.Network) map[string]*kind {
	if e.kinds == nil {
		e.kinds = map[string]*kind{}
		e.buildPartners(logs)
		e.buildOffers(logs)
		e.buildPlaces(logs)
		e.buildUsers(logs)
		e.buildNames(logs)
		e.table("BrandDataAudit", "id table_name row_key operation old_data new_data action_time_utc")
		e.table("Conversion", "id tune_event_id ad_id affiliate_id advertiser_id offer_id goal_id datetime session_datetime status status_code payout revenue sale_amount "+
			"currency payout_type revenue_type country_code is_adjustment updated added ip user_agent", "updated", "added")
	}
	return e.kinds
}

func (e *Entities) table(model, fields string, hidden ...string) *kind {
	k := &kind{fields: strings.Fields(fields), rows: map[int]map[string]any{}, hidden: hidden}
	e.kinds[model] = k
	return k
}

// put adds a row of the fields after the id, in their order.
func (k *kind) put(id int, values ...any) {
	row := map[string]any{"id": strconv.Itoa(id)}
	for i, v := range values {
		if n, ok := v.(int); ok {
			v = strconv.Itoa(n)
		}
		row[k.fields[i+1]] = v
	}
	k.rows[id] = row
}

// modified was a number in 2016 and a text in 2018: both are here.
func modified(id int, t time.Time) any {
	if id%2 == 0 {
		return t.Unix()
	}
	return t.UTC().Format(time.DateTime)
}

func (e *Entities) buildPartners(logs *gen.Network) {
	const company = "id company status country date_added modified account_manager_id signup_ip zipcode"
	k := e.table("Affiliate", company)
	for _, a := range logs.Affiliates {
		k.put(a.ID, a.Company, a.Status, a.Country, a.Added.Format(time.DateTime), modified(a.ID, a.Added.Add(90*time.Hour)), a.ManagerID, "", "")
	}
	k = e.table("Advertiser", company)
	for _, a := range logs.Advertisers {
		k.put(a.ID, a.Company, a.Status, a.Country, a.Added.Format(time.DateTime), modified(a.ID, a.Added.Add(40*time.Hour)), a.ManagerID, "", "")
	}
}

func (e *Entities) buildOffers(logs *gen.Network) {
	k := e.table("Offer", "id advertiser_id name status currency default_payout max_payout payout_type revenue_type expiration_date offer_url preview_url "+
		"default_goal_name percent_payout max_percent_payout ref_id description")
	files := e.table("OfferFile", "id offer_id filename type width height display status")
	for i, o := range logs.Offers {
		expires := any(o.Expires.Format(time.DateOnly))
		if i%10 == 0 {
			expires = "0000-00-00"
		}
		k.put(o.ID, o.AdvertiserID, o.Name, o.Status, o.Currency, o.Payout.Units(), o.Revenue.Units(), o.PayoutType, o.RevenueType, expires, o.URL, o.PreviewURL, "Sale of "+o.Name, "0.00000", "0.00000", fmt.Sprintf("R-%d", o.ID), nil)
		if i%4 == 0 {
			files.put(o.ID*3, o.ID, fmt.Sprintf("banner-%d.png", o.ID), "image banner", 728, 90, fmt.Sprintf("Banner of %s", o.Name), "active")
		}
	}
	k = e.table("Goal", "id offer_id name status default_payout max_payout payout_type percent_payout ref_id")
	for _, g := range logs.Goals {
		k.put(g.ID, g.OfferID, g.Name, g.Status, g.Payout.Units(), g.Revenue.Units(), "cpa_flat", "0.00000", nil)
	}
}

func (e *Entities) buildPlaces(logs *gen.Network) {
	k := e.table("Country", "id code name")
	for i, c := range logs.Countries {
		k.put(cmp.Or(c.ID, i+1), c.Code, c.Name)
	}
	k = e.table("Browser", "id display_name")
	for id, name := range map[int]string{2: "Firefox", 3: "Safari", 5: "Internet Explorer", 6: "Chrome", 7: "Mobile Safari",
		8: "Chrome Mobile", 9: "Opera", 10: "Android Browser", 11: "Robot"} {
		k.put(id, name)
	}
}

func (e *Entities) buildUsers(logs *gen.Network) {
	// The salt and the hash of the password come along unless fields are named,
	// as recorded; a loader must not keep them.
	k := e.table("AffiliateUser", "id affiliate_id email status join_date password salt", "password", "salt")
	for i, a := range logs.Affiliates {
		if i%3 == 0 {
			joined := any(a.Added.Format(time.DateTime))
			if i%9 == 0 {
				joined = "0000-00-00 00:00:00"
			}
			k.put(a.ID*2, a.ID, fmt.Sprintf("user%d@affiliate.example", a.ID*2), "active", joined, "HASHED", SaltCanary)
		}
	}
}

// SaltCanary is the salt of every user's password: a test that finds it
// anywhere has found a leak.
const SaltCanary = "SALTCANARY0123456789"

// entity answers a target's find methods and changes; nil leaves the call to others.
func (n *Network) entity(q url.Values) *Answer {
	e := &n.Entities
	e.mu.Lock()
	defer e.mu.Unlock()
	kinds := e.build(n.logs)
	target, method := q.Get("Target"), q.Get("Method")
	if a := cmp.Or(n.single(q, kinds), list(kinds, target, method)); a != nil {
		return a
	}
	if target == "Affiliate_Affiliate" && method == "getAccountManager" {
		m := n.logs.Employees[0]
		return success(map[string]string{"id": strconv.Itoa(m.ID), "first_name": m.FirstName, "last_name": m.LastName, "email": m.Email})
	}
	model := strings.TrimPrefix(strings.TrimPrefix(target, "Affiliate_"), "Advertiser_")
	k := kinds[model]
	if k == nil {
		return nil
	}
	switch method {
	case "findAll":
		return n.find(q, model, k, k.all())
	case "findAllIds":
		return n.ids(q, model, k)
	case "findAllByIds":
		var rows []map[string]any
		for _, text := range q["ids[]"] {
			if id, err := strconv.Atoi(text); err == nil && k.rows[id] != nil {
				rows = append(rows, k.rows[id])
			}
		}
		return n.find(q, model, k, rows)
	case "findById":
		id, err := strconv.Atoi(q.Get("id"))
		if err != nil {
			return invalid("id", "id is a required parameter.")
		}
		row := k.rows[id]
		if row == nil {
			return success(nil)
		}
		fields, refused := k.pick(q, model)
		if refused != nil {
			return refused
		}
		return success(map[string]any{model: ordered(row, fields)})
	case "count":
		rows, refused := k.filter(q, model, k.all())
		if refused != nil {
			return refused
		}
		return success(strconv.Itoa(len(rows)))
	case "findUpdatedConversions", "findAddedConversions":
		if model == "Conversion" {
			return n.changedConversions(q, k, map[string]string{"findUpdatedConversions": "updated", "findAddedConversions": "added"}[method])
		}
	case "create", "update", "updateField":
		return k.change(q, model, method)
	}
	return Failure("Method " + target + "::" + method + " does not exist.")
}

// all lists the rows by id.
func (k *kind) all() []map[string]any {
	rows := make([]map[string]any, 0, len(k.rows))
	for _, id := range slices.Sorted(maps.Keys(k.rows)) {
		rows = append(rows, k.rows[id])
	}
	return rows
}

// find is what all find methods end in: filters, order, page and fields.
func (n *Network) find(q url.Values, model string, k *kind, rows []map[string]any) *Answer {
	fields, refused := k.pick(q, model)
	if refused != nil {
		return refused
	}
	if rows, refused = k.filter(q, model, rows); refused != nil {
		return refused
	}
	if refused = k.order(q, model, rows); refused != nil {
		return refused
	}
	limit, _ := strconv.Atoi(q.Get("limit"))
	if limit <= 0 {
		return success(n.withRelated(q, rows, rowsByID(model, rows, fields)))
	}
	page, _ := strconv.Atoi(q.Get("page"))
	page = max(page, 1)
	from := min((page-1)*limit, len(rows))
	shown := rows[from:min(from+limit, len(rows))]
	return success(map[string]any{
		"page": page, "current": from, "count": len(rows), "pageCount": (len(rows) + limit - 1) / limit,
		"data": n.withRelated(q, shown, rowsByID(model, shown, fields)),
	})
}

// rowsByID is a map by id in the rows' order, or an empty array.
func rowsByID(model string, rows []map[string]any, fields []string) any {
	if len(rows) == 0 {
		return []any{}
	}
	var m orderedMap
	for _, row := range rows {
		id := fmt.Sprint(row["id"])
		if event, ok := row["tune_event_id"].(string); ok && id == "" {
			id = event
		}
		m.add(id, orderedMap{{model, ordered(row, fields)}})
	}
	return m
}

func ordered(row map[string]any, fields []string) orderedMap {
	var m orderedMap
	for _, f := range fields {
		m.add(f, row[f])
	}
	return m
}

// orderedMap is a JSON object whose members keep their order, which carries the
// sort of an answer.
type orderedMap []member

type member struct {
	name  string
	value any
}

func (m *orderedMap) add(name string, value any) { *m = append(*m, member{name, value}) }

// MarshalJSON implements json.Marshaler.
func (m orderedMap) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, e := range m {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(mustJSON(e.name))
		b.WriteByte(':')
		b.Write(mustJSON(e.value))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
