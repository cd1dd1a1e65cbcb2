package gen

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
)

// Conversions of a network with real habits come as late as recorded ones, and repeat a
// click's conversion as a rejected duplicate.
func TestRealHabits(t *testing.T) {
	t.Parallel()
	since := testHour().AddDate(0, 0, -60)
	n := New(Config{Seed: 7, Since: since, Flat: true, Clicks: 1500, Habits: Habits{Real: true}})
	kind := map[string]string{}
	for _, o := range n.Offers {
		kind[strconv.Itoa(o.ID)] = o.PayoutType
	}
	seen := map[string]bool{} // transactions
	codes := map[string]int{}
	var shopping, other []float64 // hours
	for h := range 48 {
		spec := Spec{Type: rawlog.Conversions, Hour: testHour().Add(time.Duration(h) * time.Hour)}
		for _, r := range n.Records(spec, []string{"transaction_id", "offer_id", "datetime", "session_datetime", "status", "status_code"}) {
			at, clicked := instant(t, r[2]), instant(t, r[3])
			if at.Before(spec.Hour) || !at.Before(spec.Hour.Add(time.Hour)) || clicked.Before(since) {
				t.Fatalf("%s: %v", spec.Hour, r)
			}
			codes[r[4]+" "+r[5]]++
			if r[5] == "12" {
				continue
			}
			seen[r[0]] = true
			if hours := at.Sub(clicked).Hours(); kind[r[1]] == percentage {
				shopping = append(shopping, hours)
			} else {
				other = append(other, hours)
			}
		}
	}
	slices.Sort(shopping)
	slices.Sort(other)
	share := func(of []float64, most float64) float64 {
		i, _ := slices.BinarySearch(of, most)
		return float64(i) / float64(len(of))
	}
	if m := shopping[len(shopping)/2]; m < 75 || m > 125 || shopping[0] < 0.1 || shopping[len(shopping)-1] > 41*24 || share(shopping, 216) < 0.8 {
		t.Errorf("%d shopping conversions take %.1f hours in the median, %.1f to %.1f", len(shopping), m, shopping[0], shopping[len(shopping)-1])
	}
	if a, b := share(other, 1), share(other, 24); a < 0.7 || a > 0.8 || b < 0.9 || b > 0.98 || len(other) < 1000 {
		t.Errorf("of %d others %.2f are within an hour and %.2f within a day", len(other), a, b)
	}
	if codes["rejected 12"] < 50 || codes["pending 31"] == 0 || codes["approved 12"]+codes["pending 12"]+codes["approved 0"] > 0 {
		t.Errorf("status and code: %v", codes)
	}
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateTime, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Who cheats is as many as asked for, of the seed, and nobody where nobody was asked for;
// clicks that are not theirs stay what they were.
func TestPlanted(t *testing.T) {
	t.Parallel()
	plain := New(Config{Seed: 7})
	n := New(Config{Seed: 7, Habits: Habits{Hijackers: 3, Flooders: 2}})
	p := n.Planted()
	if len(p.Hijackers) != 3 || len(p.Flooders) != 2 || len(plain.Planted().Hijackers)+len(plain.Planted().Flooders) != 0 {
		t.Fatalf("planted %+v, and %+v", p, plain.Planted())
	}
	if again := New(Config{Seed: 7, Habits: Habits{Hijackers: 3, Flooders: 2}}).Planted(); !slices.Equal(again.Hijackers, p.Hijackers) || !slices.Equal(again.Flooders, p.Flooders) {
		t.Errorf("planted %+v, and again %+v", p, again)
	}
	columns := []string{"affiliate_id", "transaction_id", "datetime", "ip", "google_aid", "ios_ifa"}
	spec := Spec{Type: rawlog.Clicks, Hour: testHour()}
	before, after := plain.Records(spec, columns), n.Records(spec, columns)
	addresses := map[string]bool{}
	for i := range before {
		id, err := strconv.Atoi(after[i][0])
		if err != nil {
			t.Fatal(err)
		}
		floods := slices.Contains(p.Flooders, id)
		if floods {
			addresses[after[i][3]] = true
		}
		if same := slices.Equal(before[i], after[i]); same == floods {
			t.Errorf("a click was %v and is %v", before[i], after[i])
		}
	}
	if len(addresses) == 0 || len(addresses) > 8 {
		t.Errorf("the flooders' addresses are %v", addresses)
	}
}
