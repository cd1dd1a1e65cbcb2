package gen

import (
	"fmt"
	"math"
	"time"

	"rawlogs/internal/rawlog"
)

// Config tells what network to make up.
type Config struct {
	Seed uint64
	ID   string // the network's id, part of the seed; "" is "11111"

	// Clicks is the mean number of clicks an hour; 0 is 1500, a small network.
	Clicks int
	// Flat gives every hour the same number of rows instead of a day's curve.
	Flat bool
	// Since is the network's first hour: no conversion comes from a click
	// before it. Zero is no bound.
	Since time.Time
	// Count overrides the number of rows of an hour, for hours without any
	// say. It must be pure; nil is Curve.
	Count func(rawlog.Type, time.Time) int
	// Decisions are the words of access_control_decision, that of most rows first;
	// nil is allow and deny. No list of the real ones is public.
	Decisions []string
	// Habits are what makes conversions like real ones, and who cheats.
	Habits Habits
}

// Network is a made-up network: its entities, and any hour of its logs.
type Network struct {
	ID          string
	Countries   []Country
	Employees   []Employee
	Advertisers []Advertiser
	Affiliates  []Affiliate
	Offers      []Offer
	Goals       []Goal // by offer, in the order of their ids

	cfg        Config
	key        uint64
	words      vocabulary
	campaigns  []campaign
	offerGoals [][]int // indexes into Goals, by offer
	agents     [agentClasses][]agent
	cheats     map[int]habit // by index of the affiliate; the honest are absent

	byCountry, byCampaign *picker
	byAgent               [agentClasses]*picker
}

// New makes the network of a seed: the same one for the same Seed and ID.
func New(cfg Config) *Network {
	if cfg.ID == "" {
		cfg.ID = "11111"
	}
	if cfg.Clicks <= 0 {
		cfg.Clicks = 1500
	}
	if len(cfg.Decisions) == 0 {
		cfg.Decisions = []string{"allow", "deny"}
	}
	n := &Network{
		ID: cfg.ID, Countries: Countries(),
		cfg: cfg, key: mix(cfg.Seed, mixString(cfg.ID)),
		words: newVocabulary(), agents: agents(),
	}
	weights := make([]float64, len(n.Countries))
	for i, c := range n.Countries {
		weights[i] = c.weight
	}
	n.byCountry = newPicker(weights)
	n.buildEntities()
	n.buildCampaigns()
	n.plant()
	n.byCampaign = newPicker(zipf(len(n.campaigns), 0.9))
	r := rng(mix(n.key, 3))
	for c, list := range n.agents {
		// Which agent is popular differs from network to network.
		for i := range list {
			j := i + r.intn(len(list)-i)
			list[i], list[j] = list[j], list[i]
		}
		n.byAgent[c] = newPicker(zipf(len(list), 0.85))
	}
	return n
}

// Rows is the number of rows of an hour's file.
func (n *Network) Rows(t rawlog.Type, hour time.Time) int {
	if n.cfg.Count != nil {
		return n.cfg.Count(t, hour)
	}
	return n.Curve(t, hour)
}

// Curve is the number of rows that an hour has by the day's curve alone. Some
// 3 % of clicks convert; impressions are twice the clicks.
func (n *Network) Curve(t rawlog.Type, hour time.Time) int {
	clicks := float64(n.cfg.Clicks)
	if !n.cfg.Flat {
		h := float64(hour.UTC().Hour())
		// Quietest at 04:00, busiest at 16:00, weekends a fifth lower.
		clicks *= 1 - 0.55*math.Cos((h-4)*math.Pi/12)
		if d := hour.UTC().Weekday(); d == time.Saturday || d == time.Sunday {
			clicks *= 0.8
		}
		noise := rng(n.hourKey(t, hour))
		clicks *= 0.92 + 0.16*float64(noise.intn(1000))/1000
	}
	switch t {
	case rawlog.Conversions:
		clicks *= 0.03
	case rawlog.Impressions:
		clicks *= 2
	case rawlog.Clicks, rawlog.ConversionReport: // a report has no file of an hour
	}
	return max(1, int(clicks))
}

func (n *Network) hourKey(t rawlog.Type, hour time.Time) uint64 {
	return mix(n.key, mixString(string(t)), uint64(hour.Unix()))
}

// FileName names an hour's file as networks do:
// 20160909/clicks-1473411600-SlY9UO.zip. The suffix comes from the seed, so
// another seed names a second file for the same hour.
func FileName(t rawlog.Type, hour time.Time, seed uint64) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
	r := rng(mix(seed, mixString(string(t)), uint64(hour.Unix())))
	var suffix [6]byte
	for i := range suffix {
		suffix[i] = letters[r.intn(len(letters))]
	}
	return fmt.Sprintf("%s/%s-%d-%s.zip", hour.UTC().Format(rawlog.DayLayout), t, hour.Unix(), suffix[:])
}
