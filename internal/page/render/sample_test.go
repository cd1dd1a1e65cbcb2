package render

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"rawlogs/internal/page"
)

// hostile are texts of visitors, networks and files that mean to be more than text.
var hostile = []string{
	`</script><script>window.owned = 1</script>`, `<img src=x onerror="window.owned = 1">`, "\u2028window.owned=1//\u2029", `"]}<!--<script>`,
	`javascript:window.owned=1`, `{{.Data}}`, `'"><svg onload=window.owned=1>`, "\u202egpj.exe\u202c", `]]>`, "`${window.owned=1}`", `&lt;b&gt;`,
}

// sample is a page as gathered from so many years of a network, up to a time.
func sample(years int, now time.Time, ids ...string) page.Data {
	d := page.Data{Made: now.Unix(), Version: "1.2.3", Store: "embedded:data/clickhouse", Kinds: page.Kinds(), Networks: []page.Network{}, Disk: []page.Disk{}, Headers: []page.Header{}, Warnings: []string{}}
	r := rand.New(rand.NewPCG(1, 2))
	for i, id := range ids {
		d.Networks = append(d.Networks, sampled(r, years, now, id, i))
	}
	for m := range years * 12 {
		at := now.AddDate(0, -m, 0)
		for i, table := range []string{"clicks", "conversions", "impressions", "rejected_rows"} {
			rows := uint64([]int{1_200_000, 24_000, 9_000_000, 300}[i]) * uint64(90+m%20) / 100
			d.Disk = append(d.Disk, page.Disk{Table: table, Month: at.Format("200601"), Rows: rows, Bytes: rows * 38})
		}
	}
	d.Headers = []page.Header{{Type: "clicks", Name: "privacy_flag", Rows: 81_220, Files: 1204, Last: now.Unix()/3600 - 2}, {Type: "conversions", Name: "sale_amount", Column: true, Rows: 17, Files: 3, Last: now.Unix()/3600 - 400}}
	return d
}

func sampled(r *rand.Rand, years int, now time.Time, id string, nth int) page.Network {
	last := now.Unix() / 3600
	first := now.AddDate(-years, 0, 3).Unix() / 3600 / 24 * 24
	n := page.Network{ID: id, Source: "hasoffers:", Looked: now.Unix() - 9000, Zone: zone(first, last), Types: []page.Calendar{}, Issues: []page.Issue{}, Rejected: []page.Rejected{}, Runs: []page.Run{}, Sums: map[string]int{},
		RunIDs:   []string{"20261126T021503Z-7c41", "20261127T021501Z-91be"},
		Texts:    []string{"fetch: not found: HTTP 404 NoSuchKey (it was listed but is gone: its retention may be over)", "rejected: 12 of 4,811 lines have 61 fields, want 62", "unzip: the CRC-32 differs: the archive is damaged"},
		Headline: page.Headline{Level: "bad", Text: "3 hours are missing, 1 hour failed, 2 will be lost within 7 days", More: "14 hours gone at the source · 41 hours with rejected or rescued · 26,120 hours loaded"}}
	if nth > 0 {
		n.Headline = page.Headline{Level: "good", Text: "All hours of the last 30 days are loaded", More: "26,274 hours loaded"}
	}
	for ti, typ := range []string{"clicks", "conversions", "impressions"} {
		c := page.Calendar{Type: typ, First: first, Day: first / 24, Keep: 62, Count: true, Report: []page.Report{}}
		var states []page.State
		for day := first / 24; day <= last/24; day++ {
			var text []string
			for h := range int64(24) {
				at, state := day*24+h, pick(r, last-(day*24+h), ti, nth)
				states = append(states, page.State(state[0]))
				n.Sums[state]++
				if strings.Contains("lndfw", state) {
					text = append(text, fileText(r, h, state, ti, at))
				}
			}
			c.Files = append(c.Files, strings.Join(text, "\n"))
		}
		c.States = page.Lengths(states)
		if nth == 0 {
			yesterday := time.Unix((last/24-9)*86400, 0).UTC().Format(time.DateOnly)
			c.Report = append(c.Report, page.Report{Day: yesterday, Store: 118_220, Network: 118_220 + int64(ti)*31, Differs: ti > 0})
		}
		n.Types = append(n.Types, c)
	}
	if nth == 0 {
		n.Types = append(n.Types, reported(&n, first/24, last/24))
	}
	for i := range 60 {
		run := page.Run{ID: fmt.Sprintf("202611%02dT0215Z-%04x", i%28+1, r.Uint32()>>16), Command: "run", Begun: now.AddDate(0, 0, -i).Unix() - 2000, Seconds: 40 + r.Float64()*60, Status: "done", Files: 72, Rows: 250_000 + r.Uint64N(90_000)}
		switch {
		case i%13 == 4:
			run.Status = "incomplete"
		case i == 21:
			run.Status, run.Error, run.Seconds = "failed", "store: connection refused", 2
		case i == 33:
			run.Command, run.Seconds, run.Rows = "backfill", 2400, 31_000_000
		}
		n.Runs = append(n.Runs, run)
	}
	n.Issues = append(n.Issues, page.Issue{Type: "clicks", Name: "20261124/clicks-1795500000-Xa81kQ.zip", Hour: last - 60, Kind: "failed", Text: n.Texts[2], Since: now.Unix() - 200_000},
		page.Issue{Type: "conversions", Name: "20261118/conversions-1795000000-pP2m1c.zip", Hour: last - 200, Kind: "rejected", Text: n.Texts[1], Since: now.Unix() - 800_000})
	n.Rejected = append(n.Rejected, page.Rejected{Type: "clicks", Reason: "61 fields, want 62", Lines: 912, Files: 31, Last: last - 40}, page.Rejected{Type: "impressions", Reason: "a quote that does not end", Lines: 4, Files: 2, Last: last - 900})
	return n
}

func zone(first, last int64) page.Zone {
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		panic(err)
	}
	z := page.Zone{Name: "Europe/Prague"}
	before := 0
	for at := first; at <= last; at++ {
		if _, off := time.Unix(at*3600, 0).In(prague).Zone(); off != before {
			z.From, before = append(z.From, [2]int64{at, int64(off / 60)}), off
		}
	}
	return z
}

// pick draws how an hour stands that is so many hours ago.
func pick(r *rand.Rand, ago int64, typ, nth int) string {
	switch n := r.IntN(10_000); {
	case ago < 1:
		return "p"
	case nth > 0:
		return "l"
	case typ == 0 && (ago == 55 || ago == 56), typ == 2 && ago == 54:
		return "m"
	case typ == 0 && ago == 80:
		return "f"
	case typ == 1 && ago == 30:
		return "w"
	case typ == 1 && ago > 58*24 && ago < 59*24, ago > 100 && n > 9980:
		return "e"
	case typ == 1 && ago > 56*24 && ago < 56*24+3:
		return "s"
	case ago > 2000 && ago < 2300 && n < 9000:
		return "g"
	case ago > 4000 && n < 3:
		return "g"
	case n < 5:
		return "d"
	case n < 40:
		return "n"
	}
	return "l"
}

func fileText(r *rand.Rand, h int64, state string, typ int, at int64) string {
	rows := []int64{1800, 40, 12_000}[typ] + r.Int64N(300)
	stored, rejected, rescued, run, late, text := "", "", "", "", fmt.Sprint(16+r.IntN(80)), ""
	switch state {
	case "d":
		stored = fmt.Sprint(rows - 17)
	case "n":
		rejected, rescued, text = "12", "3", "1"
	case "w":
		rows = 0
	case "f":
		rows, text = 0, "2"
	}
	if h == 0 {
		run = fmt.Sprint(at % 2)
	}
	return fmt.Sprintf("%d,%s,%d,%s,%s,%s,,%s,%s,%s,,%s", h, state, rows, stored, rejected, rescued, run, late, text, suffix(r))
}

func suffix(r *rand.Rand) string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz0123456789"
	b := make([]byte, 6)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}
