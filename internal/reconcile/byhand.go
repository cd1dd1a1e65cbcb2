package reconcile

import (
	"context"
	"fmt"
	"slices"

	"rawlogs/internal/rawlog"
)

// What people add to or take from clicks by hand (Affiliate::adjustAffiliateClicks, "Adjust
// Stats") is of one offer and affiliate, and shown in the first hour of its day. The API
// does not list it: only its shape gives it away.
const (
	mostHandHours = 12 // that are looked into, each a call
	mostHandPairs = 3  // adjustments of one day, in its first hour
)

// handPair is an offer and affiliate whose clicks differ while those of all others agree.
type handPair struct {
	pair
	difference int64
}

// lookByHand looks into the hours whose difference nothing else explains.
func (j *job) lookByHand(ctx context.Context, f *facts) error {
	if f.typ != rawlog.Clicks {
		return nil
	}
	var hours []*hourFacts
	for i, h := range f.hours {
		if !f.days[h.day] {
			continue
		}
		before, next := f.around(i)
		for _, c := range f.explain(h, before, next) {
			if c.Kind == NotInLogs || c.Kind == NotInReport || c.Kind == MovedHour {
				hours = append(hours, h)
			}
		}
	}
	first := func(h *hourFacts) int { return min(h.hour, 1) }
	slices.SortStableFunc(hours, func(a, b *hourFacts) int { return first(a) - first(b) })
	for _, h := range hours[:min(len(hours), mostHandHours)] {
		pairs, others, err := j.comparePairs(ctx, f, h)
		if err != nil {
			return err
		}
		most := 1
		if h.hour == 0 {
			most = mostHandPairs
		}
		anonymous := slices.ContainsFunc(pairs, func(p handPair) bool { return p.affiliate == 0 || p.offer == 0 })
		// One event that is lost is of one offer and affiliate as well.
		alone := len(pairs) == 1 && max(pairs[0].difference, -pairs[0].difference) == 1
		if len(pairs) > 0 && len(pairs) <= most && !anonymous && !alone && others > 0 {
			f.byHand[h] = pairs
		}
	}
	return nil
}

// comparePairs compares an hour by offer and affiliate: those that differ, and how many agree.
func (j *job) comparePairs(ctx context.Context, f *facts, h *hourFacts) (differ []handPair, agree int, err error) {
	theirs, ready, err := j.askPairs(ctx, f.typ, h.day, &h.hour)
	if err != nil || !ready {
		return nil, 0, err
	}
	counted, err := j.counted(ctx, f.typ)
	if err != nil {
		return nil, 0, err
	}
	if words := f.learnedAway(); len(words) > 0 {
		counted += " AND NOT " + oneOf(words)
	}
	from, to := bounds(h.day, j.Zone)
	rows, err := j.st.Conn().Query(j.params(ctx, from, to), "SELECT toInt64(offer_id) AS offer, toInt64(affiliate_id) AS affiliate, toInt64(count()) FROM "+
		j.st.TableName(string(f.typ))+" WHERE "+inSpan+" AND toHour("+instant+", {zone:String}) = "+fmt.Sprint(h.hour)+" AND "+counted+" GROUP BY offer, affiliate")
	if err != nil {
		return nil, 0, fmt.Errorf("counting %s by offer and affiliate: %w", f.typ, err)
	}
	defer rows.Close()
	for rows.Next() {
		var p pair
		var n int64
		if err := rows.Scan(&p.offer, &p.affiliate, &n); err != nil {
			return nil, 0, fmt.Errorf("counting %s by offer and affiliate: %w", f.typ, err)
		}
		if d := n - theirs[p]; d != 0 {
			differ = append(differ, handPair{p, d})
		} else {
			agree++
		}
		delete(theirs, p)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("counting %s by offer and affiliate: %w", f.typ, err)
	}
	for p, n := range theirs {
		if n != 0 {
			differ = append(differ, handPair{p, -n})
		}
	}
	slices.SortFunc(differ, func(a, b handPair) int { return a.compare(b.pair) })
	return differ, agree, nil
}

// handCause is the reason for what is left of an hour's difference, if its shape fits.
func (f *facts) handCause(h *hourFacts, left int64) (Cause, bool) {
	pairs := f.byHand[h]
	var sum int64
	for _, p := range pairs {
		sum += p.difference
	}
	if len(pairs) == 0 || sum != left {
		return Cause{}, false
	}
	return Cause{Kind: ClickAdjustment, Rows: left, Files: names(h.entries), pairs: pairs}, true
}

func (f *facts) handText(c *Cause, hours string) string {
	var parts []string
	for _, p := range c.pairs {
		word, n := "more", -p.difference
		if n < 0 {
			word, n = "fewer", -n
		}
		parts = append(parts, fmt.Sprintf("offer %d of affiliate %d (%d %s)", p.offer, p.affiliate, n, word))
	}
	return fmt.Sprintf("in %s the network counts another number of clicks than their files hold for %s and the same for all others, as after an adjustment by hand "+
		"(Affiliate::adjustAffiliateClicks), which is shown in the first hour of its day; the API does not list these: ask the network", hours, few(parts))
}
