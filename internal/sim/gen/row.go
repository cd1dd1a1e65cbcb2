package gen

import (
	"time"

	"rawlogs/internal/rawlog"
)

// row is one event before it is written. It is filled anew for every line.
type row struct {
	at      int64 // epoch seconds
	tx      [2]uint64
	camp    *campaign
	offer   *Offer
	agent   *agent
	country *Country
	ip      uint32
	v6      bool
	unique  bool
	uuid    [2]uint64
	device  [2]uint64 // the advertising id
	number  uint64
	refer   int // index into the campaign's pages; -1: none
	noise   noise
	dice    uint64 // for rare cells

	paid             bool // payout and revenue are known
	payout, revenue  Money
	clicked          int64 // a conversion's click, epoch seconds
	id               int64
	goal             int // the goal's id; 0: the offer's own
	sale             Money
	approved, reason int
}

// noise is what makes a text hard to read.
type noise int

const (
	noNoise     noise = iota
	breakAgent        // a line break inside the user agent
	breakRefer        // … the referrer
	breakURL          // … the url
	quotesRefer       // quotes inside the referrer
)

// breaks is the number of line breaks inside the row's texts.
func (r *row) breaks() int {
	if r.noise == breakAgent || r.noise == breakRefer || r.noise == breakURL {
		return 1
	}
	return 0
}

// visit fills a click or an impression: number i of the count that an hour has.
func (n *Network) visit(out *row, t rawlog.Type, hour time.Time, key uint64, i, count int) {
	r := rng(key + uint64(i)*0xd1342543de82ef95)
	*out = row{at: hour.Unix() + spread(&r, i, count)}
	out.tx = [2]uint64{r.next(), r.next()}
	out.camp = &n.campaigns[n.byCampaign.pick(&r)]
	out.offer = &n.Offers[out.camp.offer]
	c := out.camp.country
	if r.perMille(150) {
		c = n.byCountry.pick(&r)
	}
	out.country = &n.Countries[c]
	class := desktop
	if r.perMille(out.country.mobile) {
		class = android
		if r.perMille(out.country.apple) {
			class = apple
		}
	}
	out.agent = &n.agents[class][n.byAgent[class].pick(&r)]
	// Neighbours share prefixes, as the providers of a country do.
	low := r.next()
	prefix := out.country.prefixes[low>>32%uint64(len(out.country.prefixes))]
	out.ip = uint32(prefix)<<24 | uint32(low>>16&0xf*13+uint64(prefix)%7)<<16 | uint32(low&0xffff)
	out.v6 = low>>40&0x7f == 0
	out.unique = !r.perMille(130)
	out.uuid = [2]uint64{r.next(), r.next()}
	out.device = [2]uint64{out.uuid[1], out.tx[1] ^ out.uuid[0]}
	out.number = r.next()
	out.refer = -1
	if len(out.camp.refers) > 0 && !r.perMille(200) {
		out.refer = r.intn(len(out.camp.refers))
	}
	out.dice = r.next()
	n.flood(out)
	switch k := out.dice >> 40 & 0xfff; {
	case k < 3:
		out.noise = noise(1 + k)
	case k < 16:
		out.noise = quotesRefer
	}
	if (t == rawlog.Clicks && out.offer.PayoutType == "cpc") || (t == rawlog.Impressions && out.offer.PayoutType == "cpm") {
		out.paid, out.payout, out.revenue = true, out.offer.Payout, out.offer.Revenue
	}
}

// spread puts event i of count into its place in the hour, in order of time.
func spread(r *rng, i, count int) int64 {
	if count < 1 || i >= count {
		return int64(r.intn(3600))
	}
	return (int64(i)*3600 + int64(r.intn(3600))) / int64(count)
}

// conversion fills conversion number i of an hour: it belongs to a click of the
// same or an earlier hour, and one in ten belongs to the click of the one
// before it, with another goal of the offer.
func (n *Network) conversion(out *row, hour time.Time, key uint64, i, count int) {
	r := rng(key + uint64(i)*0xd1342543de82ef95)
	at := hour.Unix() + spread(&r, i, count)
	id := (hour.Unix()-baseEpoch)/3600*100_000 + int64(i)
	first := i
	switch {
	case n.cfg.Habits != Habits{}:
		own := rng(mix(key, uint64(i)))
		if n.repeat(out, &own, hour, at, id) {
			return
		}
		at = n.clickByHabit(out, &own, hour, at)
	case i > 0 && r.perMille(100):
		first = i - 1
		fallthrough
	default:
		n.clickOf(out, hour, key, first, count)
	}
	out.clicked, out.at = out.at, max(at, out.at)
	out.noise = noNoise
	out.id = id
	out.paid, out.payout, out.revenue = true, out.offer.Payout, out.offer.Revenue
	goals := n.offerGoals[out.camp.offer]
	if g := r.intn(len(goals)+1) - 1; len(goals) > 0 && (g >= 0 || first != i) {
		goal := &n.Goals[goals[max(g, 0)]]
		out.goal, out.payout, out.revenue = goal.ID, goal.Payout, goal.Revenue
	}
	if out.offer.PayoutType == "cpa_percentage" {
		out.sale = Money(10_000 * (5 + r.intn(200)))
		out.payout, out.revenue = out.sale/20+Money(r.intn(2)*50), out.sale/16
	}
	switch k := r.intn(100); {
	case k < 88:
		out.approved = 0
	case k < 95:
		out.approved, out.reason = 1, 20+r.intn(4)
	default:
		out.approved, out.reason = 2, 50+r.intn(9)
	}
	if n.cfg.Habits.Real {
		out.reason = code(&r, out.approved)
	}
}

// baseEpoch is where conversion ids begin: 2010-01-01.
const baseEpoch = 1262304000

// clickOf fills out with the click that conversion i of an hour came from. Most
// convert within the hour; the rest within a day.
func (n *Network) clickOf(out *row, hour time.Time, key uint64, i, count int) {
	r := rng(mix(key, uint64(i)))
	from, before := hour, false
	if r.perMille(450) {
		lag := 1 + min(r.intn(23), r.intn(23), r.intn(23))
		from, before = hour.Add(-time.Duration(lag)*time.Hour), true
	}
	clicks := 0
	if before && (n.cfg.Since.IsZero() || !from.Before(n.cfg.Since)) {
		clicks = n.Rows(rawlog.Clicks, from)
	}
	if clicks == 0 {
		from, before = hour, false
		clicks = n.Rows(rawlog.Clicks, hour)
	}
	at := clicks
	if !before && count > 0 {
		// Within the hour, the click comes before the conversion.
		at = clicks * i / count
	}
	n.visit(out, rawlog.Clicks, from, n.hourKey(rawlog.Clicks, from), r.intn(max(at, 1)), clicks)
}
