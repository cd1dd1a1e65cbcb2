package page

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/term"
)

// mostNamed is of how many files a network's page tells more than their hour's state,
// the newest first: they are some 25 bytes each.
const mostNamed = 400_000

// finish puts what was gathered into the form of the page.
func (g *gathering) finish() Network {
	n := &g.net
	if g.q.Source != nil {
		n.Source = g.sourceName()
	}
	slices.SortFunc(n.Issues, issueOrder)
	n.Issues = n.Issues[:min(len(n.Issues), mostIssues)]
	n.Sums, n.DaySums = map[string]int{}, map[string]int{}
	var first, last int64
	left := mostNamed
	for _, k := range g.kinds {
		c := Calendar{Type: string(k.typ), Loader: k.typ.Loader(), Daily: k.typ.Daily(), First: k.first, States: Lengths(k.states), Keep: k.keep, Count: k.counted, Report: k.report, Files: []string{}}
		if c.Report == nil {
			c.Report = []Report{}
		}
		c.files(k.files, left/3)
		sums := n.Sums
		if k.typ.Daily() {
			sums = n.DaySums
		}
		for s, units := range k.sums() {
			sums[string(s)] += units
		}
		if len(k.states) > 0 {
			if first == 0 || k.first < first {
				first = k.first
			}
			last = max(last, k.first+int64(len(k.states)))
		}
		n.Types = append(n.Types, c)
	}
	n.Zone = zoneOf(g.q.Zones, first, last)
	n.Headline = g.headline()
	return *n
}

func (g *gathering) sourceName() string {
	if src, err := g.q.Source(); err == nil {
		return src.Name()
	}
	return ""
}

// files writes a text for each day, of the newest files at most so many.
func (c *Calendar) files(files []file, most int) {
	if len(files) == 0 {
		return
	}
	c.Day = files[0].hour / 24
	if len(files) > most {
		c.Cut = files[len(files)-most].hour/24 + 1
		c.Day = c.Cut
	}
	days := make([]strings.Builder, files[len(files)-1].hour/24-c.Day+1)
	run := -1
	for i := range files {
		f := &files[i]
		if f.hour/24 < c.Day {
			continue
		}
		b := &days[f.hour/24-c.Day]
		if b.Len() == 0 {
			run = -1
		} else {
			b.WriteByte('\n')
		}
		f.line(b, c.Type, run)
		run = f.run
	}
	for i := range days {
		c.Files = append(c.Files, days[i].String())
	}
}

// line writes a file: hour of the day, state, rows, rows in the store, rejected, rescued,
// attempts, run, minutes late, text, span, name. What is usual is empty: rows that are
// all in the store, one attempt, the run of the file before, a span of an hour. A name is
// short if type and hour say the rest.
func (f *file) line(b *strings.Builder, typ string, run int) {
	put := func(n, usual int64) {
		b.WriteByte(',')
		if n != usual {
			b.WriteString(strconv.FormatInt(n, 10))
		}
	}
	b.WriteString(strconv.FormatInt(f.hour%24, 10))
	b.WriteByte(',')
	b.WriteByte(byte(f.state))
	put(int64(f.rows), 0)
	put(int64(f.stored), int64(f.rows))
	put(int64(f.reject), 0)
	put(int64(f.rescue), 0)
	put(int64(f.attempt), 1)
	put(int64(f.run), int64(run))
	put(f.late, 0)
	put(int64(f.text), -1)
	put(f.span, 1)
	b.WriteByte(',')
	b.WriteString(short(f.name, typ, f.hour))
}

// short is the suffix of a name that the network gave, and any other name behind a /.
func short(name, typ string, hour int64) string {
	dir, base := path.Split(name)
	suffix, ok := strings.CutPrefix(base, typ+"-"+strconv.FormatInt(hour*hourSeconds, 10)+"-")
	suffix, zip := strings.CutSuffix(suffix, ".zip")
	if ok && zip && suffix != "" && !strings.HasPrefix(suffix, "/") && dir == time.Unix(hour*hourSeconds, 0).UTC().Format(rawlog.DayLayout)+"/" {
		return suffix
	}
	return "/" + name
}

// zoneOf lists the zone's distances from UTC, from one hour to another.
func zoneOf(zones rawlog.Zones, first, last int64) Zone {
	z := Zone{Name: zones.String(), From: [][2]int64{}}
	if z.Name == "" {
		z.Name = "UTC"
	}
	before := int64(1 << 40)
	for at := first; at <= last+48; at++ {
		t := time.Unix(at*hourSeconds, 0).UTC()
		_, offset := t.In(zones.At(t)).Zone()
		if minutes := int64(offset / 60); minutes != before {
			z.From = append(z.From, [2]int64{at, minutes})
			before = minutes
		}
	}
	return z
}

// recent is how many days the headline speaks of when all is well.
const recent = 30

// view is what the headline is made of.
type view struct {
	hours, days   map[State]int
	reports       int  // days unlike the network's totals
	late          int  // of the recent hours: gone
	hourly, daily bool // something is known of what is loaded by hour, by day
	oldest        int64
	newest        int64 // first hour of the newest day that is loaded
}

func (g *gathering) view() view {
	v := view{hours: map[State]int{}, days: map[State]int{}}
	now := g.now.Unix() / hourSeconds
	for _, k := range g.kinds {
		if k.typ.Daily() {
			v.daily = true
			for s, n := range k.sums() {
				v.days[s] += n
			}
			for _, f := range k.files {
				if f.state == Loaded || f.state == Noted {
					v.newest = max(v.newest, f.hour)
				}
			}
			continue
		}
		for i, s := range k.states {
			v.hours[s]++
			at := k.first + int64(i)
			if s != Unknown && s != Pending {
				if !v.hourly || at < v.oldest {
					v.oldest = at
				}
				v.hourly = true
			}
			if s == Gone && now-at <= recent*24 {
				v.late++
			}
		}
		for _, r := range k.report {
			if r.Differs {
				v.reports++
			}
		}
	}
	return v
}

// sums counts the type's units of time by state.
func (k *kind) sums() map[State]int {
	step := max(1, int(k.typ.Unit()/time.Hour))
	sums := map[State]int{}
	for i := 0; i < len(k.states); i += step {
		if s := k.states[i]; s != Unknown {
			sums[s]++
		}
	}
	return sums
}

// headline says what there is to care for.
func (g *gathering) headline() Headline {
	v := g.view()
	hours, days := v.hours, v.days
	if !v.hourly && !v.daily {
		return Headline{"warn", "Nothing is loaded yet", "`ingest backfill` loads a period, `ingest run` the last days."}
	}
	var parts []string
	add := func(n int, unit, one, more string) {
		if n == 1 {
			more = one
		}
		if n > 0 {
			parts = append(parts, term.Plural(n, unit)+more)
		}
	}
	add(hours[Missing]+hours[Soon], "hour", " is missing", " are missing")
	add(hours[Failed], "hour", " failed", " failed")
	if n := hours[Soon]; n > 0 {
		parts = append(parts, term.Count(n)+" will be lost within 7 days")
	}
	add(days[Missing]+days[Soon], "day", " of the report is missing", " of the report are missing")
	add(days[Failed], "day", " of the report failed", " of the report failed")
	h := Headline{Level: "good", More: v.more()}
	if len(parts) > 0 {
		h.Level, h.Text = "bad", strings.Join(parts, ", ")
		return h
	}
	if hours[Gone]+hours[Differs]+v.reports+hours[Loading]+days[Loading]+days[Differs] > 0 {
		h.Level = "warn"
	}
	add(hours[Loading], "hour", "", "")
	add(days[Loading], "day", " of the report", " of the report")
	if len(parts) > 0 {
		h.Text = strings.Join(parts, ", ") + " not loaded yet: a run is at work, or died"
		return h
	}
	now := g.now.Unix() / hourSeconds
	if v.hourly {
		h.Text = calm(now, v.oldest, v.late)
		return h
	}
	if v.newest == 0 {
		return Headline{"warn", "No day of the report is loaded", h.More}
	}
	h.Text = "The report of conversions is loaded until " + time.Unix(v.newest*hourSeconds, 0).UTC().Format("2 January 2006")
	if now-v.newest > stale {
		h.Level = "warn"
	}
	return h
}

// stale is how many hours ago the newest day of the report may have begun on a network that
// has nothing else: a nightly load reads the day that begins.
const stale = 50

// calm is the headline where nothing is left to load: late of the recent hours are gone.
func calm(now, oldest int64, late int) string {
	switch {
	case late > 0:
		return term.Plural(late, "hour") + " of the last 30 days cannot be had any more"
	case now-oldest >= recent*24:
		return fmt.Sprintf("All hours of the last %d days are loaded", recent)
	}
	return "All hours since " + time.Unix(oldest*hourSeconds, 0).UTC().Format("2 January 2006") + " are loaded"
}

// more is the sentence below the headline.
func (v view) more() string {
	sums, reports := v.hours, v.reports
	var parts []string
	if n := sums[Gone]; n > 0 {
		parts = append(parts, term.Plural(n, "hour")+" gone at the source")
	}
	if n := sums[Differs]; n > 0 {
		parts = append(parts, term.Plural(n, "hour")+" with different counts")
	}
	if reports > 0 {
		parts = append(parts, term.Plural(reports, "day")+" unlike the network's report")
	}
	if n := sums[Noted]; n > 0 {
		parts = append(parts, term.Plural(n, "hour")+" with rejected or rescued")
	}
	if n := sums[Loading]; n > 0 {
		parts = append(parts, term.Plural(n, "hour")+" loading")
	}
	if n := sums[Empty]; n > 0 {
		parts = append(parts, term.Plural(n, "hour")+" without a file")
	}
	if n := sums[Expired]; n > 0 {
		parts = append(parts, term.Plural(n, "hour")+" expired")
	}
	if n := sums[Loaded]; n > 0 {
		parts = append(parts, term.Plural(n, "hour")+" loaded")
	}
	for _, d := range []struct {
		state State
		what  string
	}{{Differs, "with different counts"}, {Noted, "with rejected or rescued"}, {Expired, "expired"}, {Loaded, "loaded"}} {
		if n := v.days[d.state]; n > 0 {
			parts = append(parts, term.Plural(n, "day")+" of the report "+d.what)
		}
	}
	return strings.Join(parts, " · ")
}
