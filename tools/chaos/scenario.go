package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"

	"rawlogs/internal/rawlog"
)

// source is where a round's files come from. Each is a network of its own in the
// one store, so that what befalls one must leave the other's rows alone.
type source string

const (
	folder source = "folder"
	api    source = "API"
)

var sources = []source{folder, api}

// file is what a source has under a name: a slot's version, sound or not.
type file struct {
	content
	form form
}

func (f file) String() string {
	if f.form == gone {
		return string(f.form)
	}
	return strings.TrimSpace(fmt.Sprintf("v%d %s", f.version, f.form))
}

// scenario is a round's plan, drawn from the seed, the round's number and what
// the rounds before it left at the source.
type scenario struct {
	source  source
	fresh   bool // on an empty store and folder
	served  bool // the store is open all the while, as by an analyst; ingest finds its ClickHouse running
	beside  bool // the store is open when the last run starts
	reload  *selection
	attacks []attack
	late    changes // after the attacks, before the last run
}

// changes are files to put into the source, or to take out of it.
type changes map[string]file

// attack is one run of ingest that is not left alone.
type attack struct {
	before changes
	blows  []blow
	pause  *pause // while ingest is stopped
}

// pause is what happens while a run is stopped (by the first blow).
type pause struct {
	expire bool // its lease runs out
	change changes
	blows  []blow // to the run that comes meanwhile
	end    syscall.Signal
}

// blow is what befalls a run at a moment, in parts of an undisturbed run's time.
type blow struct {
	at     float64
	target target
	signal syscall.Signal
}

type target string

const (
	loader target = "ingest"
	server target = "ClickHouse"
)

func (b blow) String() string { return fmt.Sprintf("%s to %s at %.3f", b.signal, b.target, b.at) }

func (c changes) String() string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		words = append(words, name+" "+c[name].String())
	}
	return "{" + strings.Join(words, ", ") + "}"
}

func (s scenario) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ingest %s from the %s", strings.Join(s.args(), " "), s.source)
	if s.fresh {
		b.WriteString(", empty store")
	}
	if s.served {
		b.WriteString(", store served")
	}
	for _, a := range s.attacks {
		fmt.Fprintf(&b, "\n  %s, then %v", a.before, a.blows)
		if p := a.pause; p != nil {
			fmt.Fprintf(&b, "; meanwhile (lease expires: %v) %s, %v, then %s", p.expire, p.change, p.blows, p.end)
		}
	}
	fmt.Fprintf(&b, "\n  %s, then the last run, store open beside it: %v", s.late, s.beside)
	return b.String()
}

var backfill = []string{"backfill", "2016"}

// args are those of ingest under attack.
func (s scenario) args() []string {
	if s.reload != nil {
		return s.reload.args()
	}
	return backfill
}

// last is what must bring all of the source's files into the store,
// undisturbed. The API tells nothing of a replaced file: what replaces it is the
// reload that was attacked, so that is to be run to its end.
func (s scenario) last() [][]string {
	if s.source == api && s.reload != nil {
		return [][]string{s.args(), backfill}
	}
	return [][]string{backfill}
}

// noticed reports whether the last runs look at a file whatever the ledger says
// of it: the source tells that it changed, or it is reloaded.
func (s scenario) noticed(name string, slot slot) bool {
	return s.source == folder || s.reload != nil && s.reload.covers(name, slot)
}

// selection is what a reload asks for.
type selection struct {
	period string
	typ    rawlog.Type // "": all
	files  []string    // instead of a period
}

var periods = []string{"2016", "201609", "201610", "20160930", "20161001", "20160930..20161001"}

func (r *selection) args() []string {
	args := []string{"reload"}
	if r.files != nil {
		return append(args, r.files...)
	}
	args = append(args, r.period)
	if r.typ != "" {
		args = append(args, "--type", string(r.typ))
	}
	return args
}

func (r *selection) covers(name string, of slot) bool {
	if r.files != nil {
		return slices.Contains(r.files, name)
	}
	return within(r.period, of.hour) && (r.typ == "" || r.typ == of.typ)
}

func within(period string, hour time.Time) bool {
	p, err := rawlog.ParsePeriod(period)
	return err == nil && p.Contains(hour)
}
