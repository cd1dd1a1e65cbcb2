package main

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"

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

// scenario is a round's plan, drawn from the seed, the round's number and what
// the rounds before it left to be replaced.
type scenario struct {
	source  source
	fresh   bool               // on an empty store and folder
	served  bool               // the store is open all the while, as by an analyst; ingest finds its ClickHouse running
	beside  bool               // the store is open when the last run starts
	change  map[string]content // files to put into the source
	args    []string           // of ingest under attack
	attacks []attack
}

// attack is one run of ingest that is not left alone.
type attack struct {
	blows []blow
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

func (s scenario) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ingest %s from the %s", strings.Join(s.args, " "), s.source)
	if s.fresh {
		b.WriteString(", empty store")
	}
	if s.served {
		b.WriteString(", store served")
	}
	for _, a := range s.attacks {
		fmt.Fprintf(&b, "; %v", a.blows)
	}
	fmt.Fprintf(&b, "; %d files changed, store open beside the last run: %v", len(s.change), s.beside)
	return b.String()
}

// last is what must bring all of the source's files into the store,
// undisturbed. The API tells nothing of a replaced file: what replaces it is the
// reload that was attacked, so that is to be run to its end.
func (s scenario) last() [][]string {
	if s.source == api && s.reloads() {
		return [][]string{s.args, backfill}
	}
	return [][]string{backfill}
}

func (s scenario) reloads() bool { return s.args[0] == "reload" }

var (
	backfill = []string{"backfill", "2016"}
	reload   = []string{"reload", reloadDay, "--type", string(rawlog.Conversions)}
)

const reloadDay = "20160930"

// draw makes the scenario of a round. present is what the sources hold.
func draw(seed uint64, round int, slots []slot, present map[source]map[string]content) scenario {
	r := rand.New(rand.NewPCG(seed, uint64(round)))
	s := scenario{
		source: drawSource(seed, round),
		fresh:  r.IntN(15) == 0, served: r.IntN(2) == 0, beside: r.IntN(4) > 0,
		change: map[string]content{}, args: backfill,
	}
	fresh := r.Perm(len(slots))[:2+r.IntN(7)]
	if r.IntN(3) == 0 {
		fresh = append(fresh, large)
	}
	for _, i := range fresh {
		s.change[slots[i].name(pair(round))] = content{i, r.IntN(versions)}
	}
	if r.IntN(10) == 0 {
		s.args = reload
	}
	names := slices.Sorted(maps.Keys(present[s.source]))
	if s.source == api {
		names = slices.DeleteFunc(names, func(name string) bool { return !s.reloads() || !reloaded(name) })
	}
	for range r.IntN(4) {
		if len(names) == 0 || s.fresh {
			break
		}
		name := names[r.IntN(len(names))]
		c := present[s.source][name]
		s.change[name] = content{c.slot, (c.version + 1 + r.IntN(versions-1)) % versions}
	}
	for range 1 + r.IntN(4)/3 + r.IntN(8)/7 {
		s.attacks = append(s.attacks, drawAttack(r))
	}
	return s
}

// pair numbers two rounds alike, 1 and 2, 3 and 4: one loads from the folder and
// the other through the API. Their new files go by the same names, so that what
// takes one network's file for the other's shows.
func pair(round int) int { return (round - 1) >> 1 }

// drawSource draws which round of a pair loads from the folder.
func drawSource(seed uint64, round int) source {
	r := rand.New(rand.NewPCG(seed, ^uint64(pair(round))))
	if r.IntN(2) == round&1 {
		return folder
	}
	return api
}

// reloaded tells whether `reload` loads a file again.
func reloaded(name string) bool {
	return strings.HasPrefix(name, reloadDay+"/"+string(rawlog.Conversions)+"-")
}

func drawAttack(r *rand.Rand) attack {
	// Most moments lie within the run; a few come when it should be over.
	at := r.Float64() * 1.15
	soon := at + r.Float64()*0.1
	kill := func(at float64, t target) blow { return blow{at, t, syscall.SIGKILL} }
	var blows []blow
	switch r.IntN(10) {
	case 0, 1, 2:
		blows = []blow{kill(at, loader)}
	case 3, 4:
		blows = []blow{kill(at, server)}
	case 5:
		blows = []blow{kill(at, loader), kill(at, server)}
	case 6:
		blows = []blow{kill(at, server), kill(soon, loader)}
	case 7:
		blows = []blow{{at, loader, syscall.SIGINT}}
	case 8:
		blows = []blow{{at, loader, syscall.SIGINT}, {soon, loader, syscall.SIGTERM}}
	case 9:
		blows = []blow{{at, loader, syscall.SIGTERM}, kill(soon, server)}
	}
	slices.SortStableFunc(blows, func(a, b blow) int { return cmp.Compare(a.at, b.at) })
	return attack{blows}
}
