package main

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"

	"rawlogs/internal/rawlog"
)

// artist draws a round. What it draws depends on nothing but the seed, the round
// and what the source holds, so that a seed replays whatever the runs came to.
type artist struct {
	*rand.Rand
	round int
	slots []slot
	s     *scenario
	view  map[string]file // what the source will hold
}

// draw makes the scenario of a round. present is what the sources hold.
func draw(seed uint64, round int, slots []slot, present map[source]map[string]file) scenario {
	r := artist{Rand: rand.New(rand.NewPCG(seed, uint64(round))), round: round, slots: slots}
	s := scenario{source: drawSource(seed, round), fresh: r.IntN(15) == 0, served: r.IntN(2) == 0, beside: r.IntN(4) > 0}
	r.s, r.view = &s, map[string]file{}
	if !s.fresh {
		maps.Copy(r.view, present[s.source])
	}
	first := r.changes(r.IntN(5))
	for i := range 2 + r.IntN(7) + r.IntN(3)/2 {
		slot := r.IntN(len(slots))
		if i == 0 && r.IntN(3) == 0 {
			slot = large
		}
		f := file{content{slot, r.IntN(versions)}, sound}
		if r.IntN(8) == 0 {
			f.form = r.spoiled()
		}
		first[slots[slot].name(pair(round))] = f
	}
	maps.Copy(r.view, first)
	if r.IntN(5) < 2 {
		s.reload = r.selection()
	}
	for range 1 + r.IntN(4)/3 + r.IntN(8)/7 {
		a := r.attack()
		if a.before = first; first == nil {
			a.before = r.between()
		}
		first = nil
		if a.pause != nil {
			a.pause.change = r.between()
		}
		s.attacks = append(s.attacks, a)
	}
	s.late = r.between()
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

// between is what changes in the middle of a round: mostly nothing, at times
// most of what there is, as when a source drops what is old.
func (r artist) between() changes {
	c := changes{}
	switch n := r.IntN(10); {
	case n < 4:
		c = r.changes(1 + n)
	case n == 4:
		for _, name := range slices.Sorted(maps.Keys(r.view)) {
			if f := r.view[name]; r.IntN(4) > 0 {
				f.form = gone
				if r.IntN(4) == 0 {
					f.form = r.spoiled()
				}
				c[name] = f
			}
		}
	}
	maps.Copy(r.view, c)
	return c
}

// changes replaces up to n of the source's files.
func (r artist) changes(n int) changes {
	c := changes{}
	names := slices.Sorted(maps.Keys(r.view))
	for range n {
		if len(names) == 0 {
			break
		}
		name := names[r.IntN(len(names))]
		c[name] = file{content{r.view[name].slot, r.IntN(versions)}, r.replaced()}
	}
	return c
}

// replaced is the form of a file that replaces another.
func (r artist) replaced() form {
	switch r.IntN(8) {
	case 0, 1, 2:
		return sound // of the same bytes, too: then its time stamp alone is new
	case 3:
		return padded
	case 4, 5:
		return r.spoiled()
	}
	return gone
}

func (r artist) spoiled() form {
	forms := []form{cut, flipped, nameless, empty, page}
	if r.s.source == api {
		forms = append(forms, dangling)
	}
	return forms[r.IntN(len(forms))]
}

// selection draws what to reload: a period or some files.
func (r artist) selection() *selection {
	if r.IntN(3) > 0 {
		types := append([]rawlog.Type{""}, rawlog.Types()...)
		return &selection{period: periods[r.IntN(len(periods))], typ: types[r.IntN(len(types))]}
	}
	names := slices.Sorted(maps.Keys(r.view))
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return &selection{files: names[:min(len(names), 1+r.IntN(3))]}
}

func (r artist) attack() attack {
	// Most moments lie within the run; a few come when it should be over.
	at := r.Float64() * 1.15
	soon := at + r.Float64()*0.1
	kill := func(at float64, t target) blow { return blow{at, t, syscall.SIGKILL} }
	var blows []blow
	switch r.IntN(13) {
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
	default:
		return r.pause(at)
	}
	slices.SortStableFunc(blows, func(a, b blow) int { return cmp.Compare(a.at, b.at) })
	return attack{blows: blows}
}

// pause stops a run, and lets another come while it sleeps.
func (r artist) pause(at float64) attack {
	p := &pause{expire: r.IntN(4) > 0, end: syscall.SIGCONT}
	if r.IntN(3) == 0 {
		p.blows = []blow{{r.Float64(), loader, syscall.SIGKILL}}
	}
	if r.IntN(6) == 0 {
		p.end = syscall.SIGKILL
	}
	return attack{blows: []blow{{at, loader, syscall.SIGSTOP}}, pause: p}
}
