package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// hold is the oracle: of every file of both sources the rows that must be there
// and no others, ledger, summary and ingest's own verification agreeing, and
// nothing left on the disk. loaded are the rounds whose last run is just over.
func (g *game) hold(ctx context.Context, loaded ...scenario) error {
	var errs []error
	for _, from := range sources {
		got, err := sumUp(ctx, g.open, g.network(from))
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(loaded, func(s scenario) bool { return s.source == from }); i >= 0 {
			err = g.settled(ctx, loaded[i], got)
		} else {
			err = g.untouched(from, got)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("from the %s:\n%w", from, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := broken(ctx, g.open); err != nil {
		return err
	}
	for _, s := range loaded {
		verified, err := g.run(ctx, command{source: s.source, args: []string{"verify"}})
		if err != nil {
			return err
		}
		if verified.status != 0 {
			g.last = verified
			return errors.New("ingest verify sees a difference")
		}
	}
	for _, dir := range []string{g.spool, g.temp} {
		entries, err := os.ReadDir(dir)
		errs = append(errs, err)
		for _, e := range entries {
			errs = append(errs, fmt.Errorf("left behind: %s", filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// untouched holds what is there of the source that no run loaded from against
// what was there before.
func (g *game) untouched(from source, got map[string]sums) error {
	want := map[string]sums{}
	for name, r := range g.files[from] {
		if r.loaded != (sums{}) {
			want[name] = r.loaded
		}
	}
	return compare(got, want)
}

// settled judges every file of the source that was just loaded from.
func (g *game) settled(ctx context.Context, s scenario, got map[string]sums) error {
	status, err := g.run(ctx, command{source: s.source, args: []string{"status", "--json"}})
	if err != nil {
		return err
	}
	if status.status != 0 && status.status != 3 {
		return fmt.Errorf("ingest status ended with exit status %d:\n%s", status.status, status.output)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(g.files[s.source])) {
		r := g.files[s.source][name]
		now, err := g.judge(r, got[name], s.noticed(name, g.pool.slots[r.slot]))
		if got[name].Copy {
			now, err = nil, g.copied(s.source, name, got)
		}
		if err == nil && got[name].State != "" && got[name].State != "loaded" {
			g.tally.named++
			err = g.told(name, status.stdout)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w\n  is %+v\n  at the source: %s of %d bytes, earlier in the round: %+v, moved: %v, before it: %+v",
				name, err, got[name], r.file, r.size, r.maybe, r.moved, r.loaded))
		}
		r.loaded, r.held, r.maybe, r.seen, r.moved = got[name], now, nil, false, false
	}
	errs = append(errs, g.listed(ctx, s.source, got), g.doubled(s.source, got))
	for name := range got {
		if g.files[s.source][name] == nil {
			errs = append(errs, fmt.Errorf("%s: in the store, but in no source: %+v", name, got[name]))
		}
	}
	return errors.Join(errs...)
}

// copied checks that a file that was not loaded for being a copy is one: another
// file of its slot has the rows of a version that the source had under its name.
// One that is gone stays an issue when the other is replaced.
func (g *game) copied(from source, name string, got map[string]sums) error {
	r := g.files[from][name]
	versions := []content{r.content}
	for _, v := range r.maybe {
		versions = append(versions, v.content)
	}
	if r.held != nil {
		versions = append(versions, r.held.content)
	}
	if r.twin != nil { // a replacement is not noticed through the API
		versions = append(versions, *r.twin)
	}
	for other, o := range g.files[from] {
		if other == name || o.slot != r.slot || got[other].Copy {
			continue
		}
		for _, v := range versions {
			if want := g.pool.want[v]; got[other].Rows == want.Rows && got[other].Hash == want.Hash {
				r.twin = &v
				return nil
			}
		}
	}
	if r.form == gone || r.loaded.Copy && r.twin == nil { // of which version was not seen, as it was gone at once
		return nil
	}
	return errors.New("taken for a copy, but no other file has its rows")
}

// doubled checks that no two files of a slot have the rows of one version.
func (g *game) doubled(from source, got map[string]sums) error {
	type rows struct {
		slot        int
		count, hash uint64
	}
	holder := map[rows]string{}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(got)) {
		r := g.files[from][name]
		if r == nil || got[name].Rows == 0 {
			continue
		}
		of := rows{r.slot, got[name].Rows, got[name].Hash}
		if other := holder[of]; other != "" {
			errs = append(errs, fmt.Errorf("%s has the rows of %s once more: %+v", name, other, got[name]))
		}
		holder[of] = name
	}
	return errors.Join(errs...)
}

// listed checks that `ingest issues` lists every file that is not as it should be, for
// the reason that the ledger has, and no other.
func (g *game) listed(ctx context.Context, from source, got map[string]sums) error {
	issues, err := g.run(ctx, command{source: from, args: []string{"issues", "--json"}})
	if err != nil {
		return err
	}
	var all []struct{ Name, Kind string }
	if err := json.Unmarshal([]byte(issues.stdout), &all); err != nil {
		return fmt.Errorf("ingest issues: %w\n%s", err, issues.output)
	}
	kinds := map[string][]string{}
	for _, i := range all {
		kinds[i.Name] = append(kinds[i.Name], i.Kind)
	}
	var errs []error
	for name, s := range got {
		slices.Sort(kinds[name])
		if text := strings.Join(kinds[name], " "); text != s.Issues {
			errs = append(errs, fmt.Errorf("%s: ingest issues lists %q, the ledger has %q", name, text, s.Issues))
		}
		if s.State != "loaded" && !strings.Contains(s.Issues, "failed") && !strings.Contains(s.Issues, "lost") {
			errs = append(errs, fmt.Errorf("%s is %s, and its issues are %q", name, s.State, s.Issues))
		}
		delete(kinds, name)
	}
	for name := range kinds {
		errs = append(errs, fmt.Errorf("ingest issues lists %s, which the ledger does not have", name))
	}
	return errors.Join(errs...)
}

// told checks that a file that is not loaded is named by the last run, with an
// exit status that says so, and by ingest status.
func (g *game) told(name, status string) error {
	said, err := named(g.last.stdout, name)
	switch {
	case err != nil:
		return err
	case g.last.status != 3:
		return fmt.Errorf("not loaded, and the last run's exit status is %d", g.last.status)
	case !said:
		return errors.New("not loaded, and not named by the last run")
	case !strings.Contains(status, name):
		return errors.New("not loaded, and not named by ingest status")
	}
	return nil
}
