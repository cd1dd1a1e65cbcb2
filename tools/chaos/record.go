package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// record is what the game knows of one file of one source.
type record struct {
	file
	size int64 // at the source

	loaded sums      // as the last round left it, or nothing
	held   *version  // whose rows these are
	twin   *content  // what it is a copy of, where it is one
	maybe  []version // that a run of this round may have loaded
	seen   bool      // by a run of this round
	moved  bool      // after that
}

// version is a sound file that was at the source.
type version struct {
	content
	size int64
}

// present is what the sources hold.
func (g *game) present() map[source]map[string]file {
	out := map[source]map[string]file{}
	for from, files := range g.files {
		out[from] = map[string]file{}
		for name, f := range files {
			out[from][name] = f.file
		}
	}
	return out
}

// change puts files into a source and takes others out of it.
func (g *game) change(ctx context.Context, at source, c changes) error {
	for name, f := range c {
		r := g.files[at][name]
		if r == nil {
			r = &record{}
			g.files[at][name] = r
		}
		size, err := g.put(ctx, at, name, f, r.size)
		if err != nil {
			return fmt.Errorf("putting %s (%s) into the %s: %w", name, f, at, err)
		}
		r.file, r.size = f, size
		r.moved = r.seen
	}
	return nil
}

// put returns the size of the file that is at the source now.
func (g *game) put(ctx context.Context, at source, name string, f file, former int64) (int64, error) {
	taken, path := g.pool.slots[f.slot], filepath.Join(g.world.files, filepath.FromSlash(name))
	switch {
	case f.form == gone && at == folder:
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		return 0, nil
	case f.form == gone:
		return 0, g.sim.remove(ctx, taken.typ, name)
	case f.form == dangling:
		if err := g.sim.put(ctx, taken, name, []byte("PK")); err != nil {
			return 0, err
		}
		return 0, g.sim.Vanish(ctx, taken.typ, name)
	}
	data, err := os.ReadFile(g.pool.path(f.content))
	if err != nil {
		return 0, err
	}
	if data, err = spoil(f.form, data, former, f.slot == large); err != nil {
		return 0, err
	}
	if at == api {
		return int64(len(data)), g.sim.put(ctx, taken, name, data)
	}
	return int64(len(data)), writeFile(path, data)
}

func writeFile(path string, data []byte) error {
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600))
}

// note remembers what a run that begins now may load.
func (g *game) note(at source) {
	for _, r := range g.files[at] {
		r.seen = true
		if v := (version{r.content, r.size}); r.form.loads() && !slices.Contains(r.maybe, v) {
			r.maybe = append(r.maybe, v)
		}
	}
}

// judge compares what the store has of a file with what it must have: the rows
// of the version at the source, if it can be loaded and the last runs looked at
// it; else those of the last version that was loaded, if any was, or the ledger
// says that they are lost. It returns the version whose rows there are, or nil.
func (g *game) judge(r *record, got sums, noticed bool) (*version, error) {
	find := func(of []version) *version {
		for i := range of {
			if g.pool.matches(got, of[i]) {
				return &of[i]
			}
		}
		return nil
	}
	at := version{r.content, r.size}
	sure := noticed || r.loaded.State != "loaded" && !r.moved
	could := r.maybe
	if r.held != nil {
		could = append(slices.Clone(could), *r.held)
	}
	if r.form.loads() && sure {
		could = []version{at}
	}
	now, err := find(could), error(nil)
	switch {
	case r.form.loads() && sure && (now == nil || got.State != "loaded"):
		err = fmt.Errorf("want the version at the source, loaded: %+v", g.pool.sums(at))
	case r.form != gone && !r.form.loads() && sure && got.State != "failed":
		err = errors.New("want it failed, as the file at the source is broken")
	case now != nil && got.State != "loaded" && got.State != "failed":
		err = fmt.Errorf("has rows, but is %q", got.State)
	case now != nil:
	case got.State == "failed" && !r.form.loads() && r.leaves(got):
		// A run died between the deletion of the old rows and the end of the INSERT
		// of the new ones, which can no longer be had; it is named.
		if r.held != nil {
			g.tally.lost++
		}
	case got.Rows > 0 || got.Rejected > 0:
		err = fmt.Errorf("want one of %+v", could)
	case r.held != nil:
		err = fmt.Errorf("its rows are gone: %+v", g.pool.sums(*r.held))
	case got.State == "loaded" || got.State == "loading":
		err = fmt.Errorf("without rows, and %s", got.State)
	case got.State == "" && r.form != gone:
		err = errors.New("not in the ledger")
	}
	return now, err
}

// leaves reports whether got can be what is left of the rows that were there: they are
// deleted before the rejected lines, and those of a large file part by part.
func (r *record) leaves(got sums) bool {
	return r.loaded.Rows+r.loaded.Rejected > 0 && got.Rows <= r.loaded.Rows && got.Rejected <= r.loaded.Rejected
}

// named reports whether a run's summary in JSON names a file as one that it did
// not load.
func named(summary, name string) (bool, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(summary), &members); err != nil {
		return false, fmt.Errorf("the run's summary: %w\n%s", err, summary)
	}
	for member, text := range members {
		switch member {
		case "two_files_for_an_hour", "shifted_files", "planned", "count_differences":
		default:
			if strings.Contains(string(text), name) {
				return true, nil
			}
		}
	}
	return false, nil
}
