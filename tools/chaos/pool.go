package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	files "rawlogs/internal/dirs/folder"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
)

// A source has slots, each with one file in one of several versions. They
// lie around the turn of a month, so that a load fills two partitions.
const (
	clickHours = 20
	otherHours = 4
	versions   = 3
	rowsEach   = 150
	rowsLarge  = 14_000      // more text than --max-memory lets be held whole
	sizeLarge  = 512<<10 + 1 // bytes of ZIP that a download spools to disk, with that memory and 8 downloads
)

var firstHour = time.Date(2016, 9, 30, 14, 0, 0, 0, time.UTC)

// sums is what is to be in the store of one file: counts, and a hash of
// all columns that come from it.
type sums struct {
	Rows, Hash         uint64
	Rejected, Rejects  uint64 // lines put aside, and a hash of them
	Lines, Size        uint64
	Type, State, Error string
	Copy               bool   // of another file of its hour, and not loaded for it
	Issues             string // kinds, in order
}

// kolkata is a zone that nobody set: rows written in it are off their file's hour.
var kolkata = time.FixedZone("IST", 5*3600+1800)

// content is one version of one slot's file.
type content struct{ slot, version int }

// pool is every version of every slot, and what a load of it comes to.
type pool struct {
	dir   string
	slots []slot
	want  map[content]sums
}

type slot struct {
	typ  rawlog.Type
	hour time.Time
}

// name is the slot's n-th file: storage may hold several for one hour.
func (s slot) name(n int) string { return gen.FileName(s.typ, s.hour, uint64(n)) }

func (p *pool) path(c content) string {
	return filepath.Join(p.dir, fmt.Sprint(c.version), filepath.FromSlash(p.slots[c.slot].name(0)))
}

// newPool writes the files, and loads each version once, undisturbed, into a
// store of its own, which says what their rows come to. The counts must be the
// generator's.
func newPool(ctx context.Context, dir string, seed uint64) (p *pool, err error) {
	p = &pool{dir: dir, slots: slots(), want: map[content]sums{}}
	st, err := store.Open(ctx, store.Config{Spec: "embedded:" + filepath.Join(dir, "reference")})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if _, err := st.Apply(ctx); err != nil {
		return nil, err
	}
	for v := range versions {
		network := fmt.Sprintf("v%d", v)
		truths, err := p.write(v, gen.New(gen.Config{Seed: seed + uint64(v)}))
		if err != nil {
			return nil, err
		}
		root := filepath.Join(dir, fmt.Sprint(v))
		if _, err = pipeline.Run(ctx, st, files.New(root, nil), pipeline.Options{Network: network}); err != nil {
			return nil, fmt.Errorf("the undisturbed load: %w", err)
		}
		got, err := sumUp(ctx, st, network)
		if err != nil {
			return nil, err
		}
		for i, truth := range truths {
			name := p.slots[i].name(0)
			s := got[name]
			if s.Rows != uint64(truth.Rows) || s.Lines != uint64(truth.Lines) || s.Rejected != uint64(len(truth.Broken)) {
				return nil, fmt.Errorf("the undisturbed load of %s: %+v, want %d rows, %d lines, %d rejected", name, s, truth.Rows, truth.Lines, len(truth.Broken))
			}
			if i == large && s.Size < sizeLarge {
				return nil, fmt.Errorf("%s has %d bytes, too few to be spooled", name, s.Size)
			}
			p.want[content{i, v}] = s
		}
		if len(got) != len(truths) {
			return nil, fmt.Errorf("the undisturbed load has %d files, want %d", len(got), len(truths))
		}
	}
	return p, nil
}

// large is the slot of the file that is streamed.
const large = clickHours / 2

func slots() []slot {
	var all []slot
	for i := range clickHours {
		all = append(all, slot{rawlog.Clicks, firstHour.Add(time.Duration(i) * time.Hour)})
	}
	for i := range otherHours {
		hour := firstHour.Add(time.Duration(8+i) * time.Hour)
		all = append(all, slot{rawlog.Conversions, hour}, slot{rawlog.Impressions, hour})
	}
	return all
}

// write makes one version of every slot's file.
func (p *pool) write(version int, network *gen.Network) ([]gen.Truth, error) {
	truths := make([]gen.Truth, len(p.slots))
	for i, slot := range p.slots {
		spec := gen.Spec{Type: slot.typ, Hour: slot.hour, Rows: rowsEach + 20*version + i}
		switch {
		case i == large:
			spec.Rows = rowsLarge + 500*version
		case slot.typ != rawlog.Clicks:
			spec.Rows = 30 + 10*version + i
		case (i+version)%6 == 0:
			spec.Broken = 1 + version
		case (i+version)%6 == 3:
			spec.Zone = kolkata
		}
		path := p.path(content{i, version})
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		f, err := os.Create(path)
		if err != nil {
			return nil, err
		}
		truths[i], err = network.WriteZip(f, "log.csv", spec)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
	return truths, nil
}

// sums is what a load of the version comes to.
func (p *pool) sums(v version) sums {
	s := p.want[v.content]
	s.Size = uint64(v.size)
	return s
}

// matches reports whether the store has a version's rows and rejected lines, and
// the ledger says so. Of a file whose newer version failed, it speaks of that.
func (p *pool) matches(got sums, v version) bool {
	want := p.sums(v)
	if got.State == "failed" {
		got.State, got.Error, got.Lines, got.Size, got.Issues = want.State, want.Error, want.Lines, want.Size, want.Issues
	}
	return got == want
}
