package gen

import (
	"math"
	"time"

	"rawlogs/internal/rawlog"
)

// Habits are what real networks show that a plain made-up one does not. Without any,
// logs are as they always were.
type Habits struct {
	// Real gives conversions the delays of real ones, to be seen over weeks: offers that
	// pay a share of the sale convert four days after the click in the median and up to 41
	// days, others mostly within the hour with a tail of days. One conversion in twenty
	// repeats an earlier one of the same click and is rejected as a duplicate, and
	// status codes are the vendor's.
	Real bool
	// Hijackers is the number of affiliates whose clicks are made when somebody is about
	// to convert anyway: a few seconds before.
	Hijackers int
	// Flooders is the number of affiliates who send clicks from a few addresses and
	// devices; what converts at some time of the next day is counted as theirs.
	Flooders int
}

// Planted are the ids of the affiliates who cheat.
type Planted struct {
	Hijackers []int `json:"hijackers"`
	Flooders  []int `json:"flooders"`
}

// Planted returns the affiliates who cheat.
func (n *Network) Planted() Planted {
	var p Planted
	for i := range n.Affiliates {
		switch n.cheats[i] {
		case hijacks:
			p.Hijackers = append(p.Hijackers, n.Affiliates[i].ID)
		case floods:
			p.Flooders = append(p.Flooders, n.Affiliates[i].ID)
		default:
		}
	}
	return p
}

// habit is in what way an affiliate's clicks convert.
type habit int

const (
	usual    habit = iota
	shopping       // pays a share of the sale: days later
	hijacks
	floods
)

// plant chooses who cheats: affiliates of the busiest campaigns, each of another offer, so
// that they are seen beside honest ones.
func (n *Network) plant() {
	n.cheats = make(map[int]habit)
	offers := make(map[int]bool)
	hijackers, flooders := n.cfg.Habits.Hijackers, n.cfg.Habits.Flooders
	for _, c := range n.campaigns {
		if n.cheats[c.affiliate] != usual || offers[c.offer] || n.Offers[c.offer].PayoutType == percentage {
			continue
		}
		switch {
		case hijackers > 0:
			n.cheats[c.affiliate], hijackers = hijacks, hijackers-1
		case flooders > 0:
			n.cheats[c.affiliate], flooders = floods, flooders-1
		default:
			return
		}
		offers[c.offer] = true
	}
}

const percentage = "cpa_percentage"

func (n *Network) habitOf(c *campaign) habit {
	if h := n.cheats[c.affiliate]; h != usual {
		return h
	}
	if n.cfg.Habits.Real && n.Offers[c.offer].PayoutType == percentage {
		return shopping
	}
	return usual
}

// flood makes a click one of a few machines', if its affiliate floods.
func (n *Network) flood(out *row) {
	if n.cheats[out.camp.affiliate] != floods {
		return
	}
	machine := mix(n.key, uint64(out.camp.affiliate), out.dice>>50&3)
	out.v6 = false
	out.ip = 198<<24 | 51<<16 | uint32(machine&0xffff)
	out.device = [2]uint64{machine, scramble(machine)}
}

// clickByHabit fills out with the click of a conversion at a time, and returns that time,
// which is another for a click that was made for the conversion.
func (n *Network) clickByHabit(out *row, r *rng, hour time.Time, at int64) int64 {
	const rounds, tries = 20, 30
	for range rounds {
		like := &n.campaigns[n.byCampaign.pick(r)]
		h := n.habitOf(like)
		for range tries {
			clicked := at - int64(n.lag(r, h)/time.Second)
			if h == hijacks {
				clicked = hour.Unix() + int64(r.intn(3590))
			}
			if !n.clickLike(out, like, h, clicked) {
				continue
			}
			if h == hijacks && out.at+10 < hour.Add(time.Hour).Unix() {
				return out.at + 3 + int64(r.intn(7))
			}
			if took := time.Duration(at-out.at) * time.Second; h != hijacks && took >= least[h] && took <= most[h] {
				return at
			}
		}
	}
	// Nothing suits, as in the network's first hours: the hour's first honest click.
	clicks := n.Rows(rawlog.Clicks, hour)
	for i := range max(clicks, 1) {
		n.visit(out, rawlog.Clicks, hour, n.hourKey(rawlog.Clicks, hour), i, clicks)
		if n.habitOf(out.camp) == usual {
			break
		}
	}
	return max(at, out.at)
}

// clickLike fills out with the last click before an instant, of its hour, that converts as a
// campaign's do; if the campaign's affiliate cheats, with one of that affiliate.
func (n *Network) clickLike(out *row, like *campaign, h habit, at int64) bool {
	hour := time.Unix(at, 0).UTC().Truncate(time.Hour)
	if !n.cfg.Since.IsZero() && hour.Before(n.cfg.Since) {
		return false
	}
	clicks := n.Rows(rawlog.Clicks, hour)
	for i := clicks * int(at-hour.Unix()) / 3600; i >= 0 && clicks > 0; i-- {
		n.visit(out, rawlog.Clicks, hour, n.hourKey(rawlog.Clicks, hour), i, clicks)
		if n.habitOf(out.camp) == h && (h == usual || h == shopping || out.camp.affiliate == like.affiliate) {
			return true
		}
	}
	return false
}

// least and most are between which a conversion follows its click.
var (
	least = [...]time.Duration{usual: 15 * time.Second, shopping: 7 * time.Minute, floods: 2 * time.Hour}
	most  = [...]time.Duration{usual: 30 * 24 * time.Hour, shopping: 41 * 24 * time.Hour, floods: 24 * time.Hour}
)

// lag draws how long a conversion takes.
func (n *Network) lag(r *rng, h habit) time.Duration {
	uniform := func(from, to time.Duration) time.Duration {
		return from + time.Duration(r.intn(int((to-from)/time.Second)))*time.Second
	}
	const day = 24 * time.Hour
	switch h {
	case floods:
		return uniform(2*time.Hour, day)
	case shopping:
		// As recorded: median 99 hours, nine of ten within 216.
		z := -6.0
		for range 12 {
			z += float64(r.intn(1<<20)) / (1 << 20)
		}
		return time.Duration(99 * math.Exp(0.609*z) * float64(time.Hour))
	default:
	}
	// 75 % within the hour, most of them early, and 94 % within a day.
	switch k := r.intn(1000); {
	case k < 750:
		return min(uniform(least[usual], time.Hour), uniform(least[usual], time.Hour))
	case k < 940:
		return min(uniform(time.Hour, day), uniform(time.Hour, day), uniform(time.Hour, day))
	default:
		return min(uniform(day, 10*day), uniform(day, 10*day))
	}
}

// repeat makes out the repetition of an earlier conversion of the same click, which
// networks reject as a duplicate, and reports whether it did.
func (n *Network) repeat(out *row, r *rng, hour time.Time, at, id int64) bool {
	if !n.cfg.Habits.Real || !r.perMille(50) {
		return false
	}
	from := hour.Add(-time.Duration(1+r.intn(72)) * time.Hour)
	if n.cfg.Since.IsZero() || from.Before(n.cfg.Since) {
		return false
	}
	count := n.Rows(rawlog.Conversions, from)
	if count == 0 {
		return false
	}
	n.conversion(out, from, n.hourKey(rawlog.Conversions, from), r.intn(count), count)
	out.at, out.id, out.approved, out.reason = at, id, 2, duplicate
	return true
}

const duplicate = 12

// code draws the vendor's code for a status.
func code(r *rng, approved int) int {
	switch approved {
	case 0:
		return pick(r, []int{41, 42, 43, 43})
	case 1:
		return 31
	}
	return pick(r, []int{11, 13, 14, 16, 17, 18, 61, 81})
}
