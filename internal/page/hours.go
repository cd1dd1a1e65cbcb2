package page

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/reconcile"
	"rawlogs/internal/store"
)

// file is an entry of the ledger as the page has it.
type file struct {
	name    string
	hour    int64 // since 1970
	span    int64 // hours
	state   State
	rows    uint64
	stored  uint64 // rows in the store; that of rows where they were not counted
	reject  uint64
	rescue  uint64
	attempt uint32
	run     int   // of Network.RunIDs; -1: none
	late    int64 // minutes between the end of its time and its last change
	text    int   // of Network.Texts; -1: none
}

// gathering is a network while it is looked at.
type gathering struct {
	q      Question
	limits clickhouse.Settings
	st     *store.Store
	now    time.Time
	lives  rawlog.Lifetimes
	net    Network
	kinds  []*kind
	texts  map[string]int
	runs   map[string]int
}

// kind is a log type while it is looked at.
type kind struct {
	typ     rawlog.Type
	files   []file // by hour
	counted bool
	keep    int
	report  []Report
	differs map[int64]bool // hours in which the network's report disagrees
	first   int64
	states  []State
}

// notice is how many days ahead of its end an hour that is not loaded is marked: a
// week holds a weekend in which nobody looks.
const notice = 7

// island is how long nothing may be known between two files, before it is not a gap any
// more but time that nobody wants: as long as a run looks back for it by default.
const island = 366 * 24

// take reads the entries of the ledger, which are in order.
func (g *gathering) take(entries []checkpoint.Brief, l listing) {
	for _, t := range rawlog.All() {
		g.kinds = append(g.kinds, &kind{typ: t, keep: l.keep[t], differs: map[int64]bool{}})
	}
	for i := range entries {
		e := &entries[i]
		at := slices.IndexFunc(g.kinds, func(k *kind) bool { return k.typ == e.Type })
		if at < 0 {
			continue // of a newer version
		}
		_, span := g.q.Names.Known(e.Type, e.Name)
		f := file{
			name: plain.Text(e.Name), hour: e.Hour.Unix() / hourSeconds, span: max(int64(span/time.Hour), 1), rows: e.Rows, stored: e.Rows,
			reject: e.Rejected, rescue: e.Rescued, attempt: e.Attempt, run: index(g.runs, &g.net.RunIDs, e.Run), text: index(g.texts, &g.net.Texts, said(e)),
		}
		f.late = int64(e.Updated.Sub(e.Hour.Add(time.Duration(f.span) * time.Hour)).Minutes())
		f.state = g.stateOf(e, f, l)
		k := g.kinds[at]
		k.files = append(k.files, f)
		if e.Open() {
			g.note(e, f)
		}
	}
	// What is not a raw log is shown where somebody loads it.
	g.kinds = slices.DeleteFunc(g.kinds, func(k *kind) bool { return !k.typ.Raw() && len(k.files) == 0 })
}

// index numbers texts that many files have; -1 is that of none.
func index(known map[string]int, list *[]string, text string) int {
	if text == "" {
		return -1
	}
	text = plain.Line(text, 600)
	n, ok := known[text]
	if !ok {
		n = len(*list)
		known[text] = n
		*list = append(*list, text)
	}
	return n
}

// said is what the ledger says of a file.
func said(e *checkpoint.Brief) string {
	var parts []string
	if e.Error != "" {
		parts = append(parts, e.Error)
	}
	for i, text := range e.Texts {
		if text != e.Error && i < len(e.Kinds) {
			parts = append(parts, e.Kinds[i]+": "+text)
		}
	}
	if e.Ignored != "" {
		parts = append(parts, "ignored: "+e.Ignored)
	}
	return strings.Join(parts, "; ")
}

func (g *gathering) note(e *checkpoint.Brief, f file) {
	for i, kind := range e.Kinds {
		text := ""
		if i < len(e.Texts) {
			text = e.Texts[i]
		}
		g.net.Issues = append(g.net.Issues, Issue{Type: string(e.Type), Name: f.name, Hour: f.hour, Kind: plain.Text(kind), Text: plain.Line(text, 400), Since: e.Since.Unix()})
	}
}

// stateOf is how a file stands by the ledger and the listing.
func (g *gathering) stateOf(e *checkpoint.Brief, f file, l listing) State {
	has := func(k checkpoint.Kind) bool { return slices.Contains(e.Kinds, string(k)) }
	switch {
	case e.State == checkpoint.Expired: //guard:page-expired
		return Expired
	case e.State == checkpoint.Loaded && has(checkpoint.Mismatch):
		return Differs
	case e.State == checkpoint.Loaded && (f.reject > 0 || f.rescue > 0 || e.Open()), e.Ignored != "":
		return Noted
	case e.State == checkpoint.Loaded:
		return Loaded
	case has(checkpoint.Lost), l.typed[e.Type] && !l.files[fileID{e.Type, e.Name}]: //guard:page-gone
		return Gone
	case has(checkpoint.Copy):
		return Noted
	case g.ending(e.Type, l.keep, f.hour):
		return Soon
	case e.State == checkpoint.Failed:
		return Failed
	case e.State == checkpoint.Loading:
		return Loading
	}
	return Missing
}

// ending reports whether the source deletes the files of an hour within the notice.
func (g *gathering) ending(typ rawlog.Type, keep rawlog.Kept, hour int64) bool {
	left, known := keep.Left(typ, time.Unix(hour*hourSeconds, 0).UTC(), g.now)
	return known && left <= notice
}

// states decides of each hour how it stands.
func (g *gathering) states(l listing) {
	for _, k := range g.kinds {
		first, last, known := k.reach(l.hours[k.typ])
		if !known {
			continue
		}
		now := g.now.Unix() / hourSeconds
		if now-last <= island && !k.typ.Daily() {
			last = max(last, now/24*24+23) // to the end of the day
		}
		k.first = first / 24 * 24
		k.states = make([]State, last-k.first+1)
		for i := range k.states {
			k.states[i] = Unknown
		}
		g.fill(k, first, last, l)
	}
}

// reach is from which hour to which something is known of a type.
func (k *kind) reach(listed map[int64]bool) (first, last int64, known bool) {
	add := func(from, to int64) {
		if !known || from < first {
			first = from
		}
		if !known || to > last {
			last = to
		}
		known = true
	}
	for _, f := range k.files {
		add(f.hour, f.hour+f.span-1)
	}
	for at := range listed {
		add(at, at)
	}
	return first, last, known
}

// fill puts the files' states to their hours, and finds out about hours without one.
func (g *gathering) fill(k *kind, first, last int64, l listing) {
	rank := map[State]int{}
	for i, s := range Worst() {
		rank[s] = i
	}
	for _, f := range k.files {
		for at := f.hour; at < f.hour+f.span; at++ {
			if cell := &k.states[at-k.first]; rank[f.state] < rank[*cell] {
				*cell = f.state
			}
		}
	}
	for at := range k.differs {
		if i := at - k.first; i >= 0 && i < int64(len(k.states)) && rank[Differs] < rank[k.states[i]] && k.states[i] != Unknown {
			k.states[i] = Differs
		}
	}
	if k.typ.Daily() {
		return // no day is due: a period is read when somebody asks for it
	}
	due := g.now.Add(-time.Hour - reconcile.PublishDelay).Unix()
	quiet := first // begin of the hours without anything known
	for at := first; at <= last+1; at++ {
		if at <= last && k.states[at-k.first] == Unknown && !l.hours[k.typ][at] {
			continue
		}
		if at-quiet <= island {
			for ; quiet < at; quiet++ {
				k.states[quiet-k.first] = g.absent(k, quiet, due, l)
			}
		}
		if at <= last && k.states[at-k.first] == Unknown {
			k.states[at-k.first] = g.absent(k, at, due, l)
		}
		quiet = at + 1
	}
}

// absent is how an hour stands of which the ledger has no file. A look since it was due
// says that there was none; what was there and is deleted by now, only a look in time does.
func (g *gathering) absent(k *kind, hour, due int64, l listing) State {
	listed := l.hours[k.typ][hour]
	switch {
	case hour*hourSeconds > due && !listed:
		return Pending
	case !listed && hour*hourSeconds <= l.looked[k.typ][hour/24]: //guard:page-looked
		return Empty
	case g.lives.Over(k.typ, time.Unix(hour*hourSeconds, 0), g.now):
		return Expired
	case !listed && rawlog.Kept(l.keep).Over(k.typ, time.Unix(hour*hourSeconds, 0), g.now):
		return Gone
	case !listed && l.typed[k.typ]:
		return Empty
	case g.ending(k.typ, l.keep, hour):
		return Soon
	}
	return Missing
}

// issueOrder puts the newest hour first.
func issueOrder(a, b Issue) int {
	return cmp.Or(cmp.Compare(b.Hour, a.Hour), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
}
