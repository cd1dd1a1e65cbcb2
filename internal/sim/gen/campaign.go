package gen

import "fmt"

// campaign is one affiliate pushing one offer in its own way: what its rows
// share is written once, as ready cells.
type campaign struct {
	affiliate, offer int // indexes
	advertiser       int
	country          int // where most of its traffic comes from

	ids      []byte // affiliate, its manager, advertiser, its manager, offer: five cells
	creative []byte
	source   []byte
	sub      [5]sub
	clickID  bool // the affiliate passes a click id of its own
	url      string
	refers   []string // pages that link here; empty: none is sent
	currency []byte
	payout   []byte // payout_type and revenue_type: two cells
	device   bool   // the url tells the connection
}

// sub is what an affiliate passes in one sub id.
type sub struct {
	kind  subKind
	fixed string
}

type subKind int

const (
	subEmpty subKind = iota
	subFixed
	subUUID
	subNumber
)

const campaigns = 2500

func (n *Network) buildCampaigns() {
	r := rng(mix(n.key, 2))
	byOffer := newPicker(zipf(len(n.Offers), 0.95))
	byAffiliate := newPicker(zipf(len(n.Affiliates), 0.85))
	advertiserAt := make(map[int]int, len(n.Advertisers))
	for i, a := range n.Advertisers {
		advertiserAt[a.ID] = i
	}
	for range campaigns {
		c := campaign{offer: byOffer.pick(&r), affiliate: byAffiliate.pick(&r), country: n.byCountry.pick(&r)}
		offer, aff := n.Offers[c.offer], n.Affiliates[c.affiliate]
		c.advertiser = advertiserAt[offer.AdvertiserID]
		adv := n.Advertisers[c.advertiser]
		c.ids = fmt.Appendf(nil, "%d,%d,%d,%d,%d", aff.ID, aff.ManagerID, adv.ID, adv.ManagerID, offer.ID)
		c.creative = []byte(`""`)
		if r.perMille(250) {
			c.creative = fmt.Appendf(nil, "%d", offer.ID*3+r.intn(3))
		}
		source := ""
		if r.perMille(600) {
			source = pick(&r, n.words.sources)
		}
		c.source = quoted(source)
		c.sub[0] = n.pickSub(&r, n.words.sub1s, 550, 100)
		c.sub[1] = n.pickSub(&r, n.words.sub2s, 450, 150)
		c.sub[2] = n.pickSub(&r, n.words.sub2s, 200, 50)
		if r.perMille(820) {
			c.sub[3] = sub{kind: subUUID}
		} else {
			c.sub[3] = n.pickSub(&r, n.words.sub1s, 100, 600)
		}
		c.sub[4] = n.pickSub(&r, n.words.sub2s, 100, 350)
		c.clickID = r.perMille(500)
		c.device = r.perMille(300)
		c.url = fmt.Sprintf("http://%s.go2network.example/aff_c?offer_id=%d&aff_id=%d", n.ID, offer.ID, aff.ID)
		if source != "" {
			c.url += "&source=" + source
		}
		for range r.intn(6) {
			page := fmt.Sprintf("http://www.%s%d.example%s", pick(&r, n.words.sites), aff.ID, pick(&r, n.words.paths))
			c.refers = append(c.refers, page)
		}
		c.currency = quoted(offer.Currency)
		c.payout = []byte(`"` + offer.PayoutType + `","` + offer.RevenueType + `"`)
		n.campaigns = append(n.campaigns, c)
	}
}

// pickSub draws what a sub id holds: a fixed word or a running number, each with
// its chance of 1000; else nothing.
func (n *Network) pickSub(r *rng, list []string, fixed, number int) sub {
	switch k := r.intn(1000); {
	case k < fixed:
		return sub{kind: subFixed, fixed: pick(r, list)}
	case k < fixed+number:
		return sub{kind: subNumber}
	default:
		return sub{}
	}
}
