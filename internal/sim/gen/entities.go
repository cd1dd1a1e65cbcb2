package gen

import (
	"fmt"
	"strconv"
	"time"
)

// Money is an amount in hundredths of a cent, exact where logs carry half cents.
type Money int64

// Cents prints the amount as a log's cents column does: "250" or "12.5".
func (m Money) Cents() string {
	s := strconv.FormatInt(int64(m)/100, 10)
	switch frac := int64(m) % 100; {
	case frac == 0:
		return s
	case frac%10 == 0:
		return s + "." + strconv.FormatInt(frac/10, 10)
	default:
		return s + fmt.Sprintf(".%02d", frac)
	}
}

// Units prints the amount as the API's entities do, in whole currency: "2.50000".
func (m Money) Units() string {
	return fmt.Sprintf("%d.%04d0", int64(m)/10000, int64(m)%10000)
}

// The dimension rows of a network, under the names of the API's entities.
type (
	// Employee manages affiliates or advertisers.
	Employee struct {
		ID                         int
		FirstName, LastName, Email string
	}

	// Advertiser owns offers.
	Advertiser struct {
		ID, ManagerID            int
		Company, Status, Country string
		Added                    time.Time
	}

	// Affiliate sends traffic.
	Affiliate struct {
		ID, ManagerID            int
		Company, Status, Country string
		Added                    time.Time
	}

	// Offer is what affiliates advertise. Its goals are in Network.Goals.
	Offer struct {
		ID, AdvertiserID        int
		Name, Status, Currency  string
		PayoutType, RevenueType string
		Payout, Revenue         Money
		URL, PreviewURL         string
		Expires                 time.Time
	}

	// Goal is an event of an offer that pays beside the offer's own; a
	// conversion with goal 0 is the offer's own.
	Goal struct {
		ID, OfferID     int
		Name, Status    string
		Payout, Revenue Money
	}
)

const (
	advertisers       = 60
	affiliates        = 700
	offers            = 400
	affiliateManagers = 11
	advertiserMgrs    = 6
)

// buildEntities draws all of it from one sequence, so in this order.
func (n *Network) buildEntities() {
	r := rng(mix(n.key, 1))
	n.hire(&r)
	n.sign(&r)
	for i := range offers {
		o := n.offer(&r, i)
		n.Offers = append(n.Offers, o)
		n.offerGoals = append(n.offerGoals, n.addGoals(&r, o.ID))
	}
}

// someDay is when somebody joined.
func someDay(r *rng) time.Time {
	since := time.Date(2012, 1, 1, 0, 0, 0, 0, time.UTC)
	return since.AddDate(0, 0, r.intn(1600)).Add(time.Duration(r.intn(86400)) * time.Second)
}

// hire brings in the managers of affiliates and of advertisers.
func (n *Network) hire(r *rng) {
	for i := range affiliateManagers + advertiserMgrs {
		first, last := pick(r, n.words.firstNames), pick(r, n.words.lastNames)
		n.Employees = append(n.Employees, Employee{
			ID: 2 + 2*i, FirstName: first, LastName: last,
			Email: fmt.Sprintf("manager%d@network.example", 2+2*i),
		})
	}
}

// sign brings in the advertisers and the affiliates.
func (n *Network) sign(r *rng) {
	for i := range advertisers {
		n.Advertisers = append(n.Advertisers, Advertiser{
			ID: 2 + 2*i + r.intn(2), ManagerID: n.Employees[affiliateManagers+r.intn(advertiserMgrs)].ID,
			Company: pick(r, n.words.brandHeads) + " " + pick(r, n.words.brandTails) + " " + pick(r, n.words.forms),
			Status:  status(r), Country: n.Countries[n.byCountry.pick(r)].Code, Added: someDay(r),
		})
	}
	for i := range affiliates {
		n.Affiliates = append(n.Affiliates, Affiliate{
			ID: 3 + 2*i + r.intn(2), ManagerID: n.Employees[r.intn(affiliateManagers)].ID,
			Company: pick(r, n.words.lastNames) + " " + pick(r, n.words.mediaTails),
			Status:  status(r), Country: n.Countries[n.byCountry.pick(r)].Code, Added: someDay(r),
		})
	}
}

func (n *Network) offer(r *rng, i int) Offer {
	adv := n.Advertisers[min(r.intn(advertisers), r.intn(advertisers))]
	product := pick(r, n.words.products)
	country := n.Countries[n.byCountry.pick(r)]
	o := Offer{
		ID: 5 + 2*i + r.intn(2), AdvertiserID: adv.ID,
		Name:   adv.Company + " - " + product + " (" + country.Code + ")",
		Status: status(r), Currency: country.currency,
		PayoutType: "cpa_flat", RevenueType: "cpa_flat",
		Payout:  Money(2500 * (1 + r.intn(80))),
		Expires: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, r.intn(1500)),
	}
	host := fmt.Sprintf("www.%s%d.example", product, i)
	o.URL = "http://" + host + "/landing?tid={transaction_id}&pub={affiliate_id}"
	o.PreviewURL = "http://" + host + "/"
	switch k := r.intn(100); {
	case k < 12:
		o.PayoutType, o.RevenueType = "cpc", "cpc"
		o.Payout = Money(50 * (2 + r.intn(60)))
	case k < 24:
		o.PayoutType, o.RevenueType = "cpa_percentage", "cpa_percentage"
	case k < 28:
		o.PayoutType = "cpm"
		o.Payout = Money(25 * (1 + r.intn(20)))
	}
	o.Revenue = o.Payout + o.Payout*Money(10+r.intn(40))/100
	return o
}

// addGoals gives an offer some goals and returns their places in n.Goals.
func (n *Network) addGoals(r *rng, offer int) (of []int) {
	for g := range max(0, r.intn(5)-1) {
		payout := Money(2500 * (1 + r.intn(40)))
		n.Goals = append(n.Goals, Goal{
			ID: 1 + 2*len(n.Goals), OfferID: offer, Name: n.words.goals[g], Status: "active",
			Payout: payout, Revenue: payout + payout*Money(15+r.intn(30))/100,
		})
		of = append(of, len(n.Goals)-1)
	}
	return of
}

func status(r *rng) string {
	switch k := r.intn(100); {
	case k < 88:
		return "active"
	case k < 94:
		return "paused"
	case k < 98:
		return "pending"
	default:
		return "deleted"
	}
}

func pick[T any](r *rng, list []T) T { return list[r.intn(len(list))] }
