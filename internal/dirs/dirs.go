// Package dirs lists the raw-log files of a network: from its API, from a
// bucket or from a folder. It decides nothing about them.
package dirs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"rawlogs/internal/rawlog"
)

// Walker lists files.
type Walker interface {
	// Walk yields every file of the types whose hour lies in one of the periods
	// (in any, if there are none): type by type in the order given, oldest hour
	// first, each name once. It lists a type completely before it yields the
	// first file of it. An error of yield ends the walk and is returned as it is.
	// An *Incomplete names what was not yielded, beside everything else that was;
	// any other error means that more may be missing.
	Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error
}

// Skipped is told of everything that a bucket or folder holds besides raw logs
// and that a walk therefore leaves out; it may be nil.
type Skipped func(name string, why error)

func (s Skipped) tell(name string, why error) {
	if s != nil {
		s(name, why)
	}
}

func wanted(periods []rawlog.Period, f rawlog.File) bool {
	return len(periods) == 0 || slices.ContainsFunc(periods, func(p rawlog.Period) bool { return p.Contains(f.Hour) })
}

// collection gathers the files of a listing, each name of a type once.
type collection struct {
	types   []rawlog.Type
	periods []rawlog.Period
	files   map[rawlog.Type]map[string]rawlog.File
	hours   map[rawlog.Type]map[string]time.Time // of every name, in the periods or not
	missing Incomplete
}

func collect(types []rawlog.Type, periods []rawlog.Period) *collection {
	c := &collection{
		types: types, periods: periods,
		files: make(map[rawlog.Type]map[string]rawlog.File), hours: make(map[rawlog.Type]map[string]time.Time),
	}
	for _, t := range types {
		c.files[t], c.hours[t] = make(map[string]rawlog.File), make(map[string]time.Time)
	}
	return c
}

// add takes f if it was asked for. A name listed again is one file, unless the
// listing contradicts itself about its hour: then it is nobody's.
func (c *collection) add(f rawlog.File) {
	files, ok := c.files[f.Type]
	if !ok {
		return
	}
	hours := c.hours[f.Type]
	if hour, ok := hours[f.Name]; ok && !hour.Equal(f.Hour) { //guard:one-hour-listed
		if !hour.IsZero() {
			hours[f.Name] = time.Time{}
			delete(files, f.Name)
			old := f
			old.Hour = hour
			if wanted(c.periods, f) || wanted(c.periods, old) {
				c.refuse(old, fmt.Errorf("it is listed twice, for the hours %s and %s", stamp(hour), stamp(f.Hour)))
			}
		}
		return
	}
	hours[f.Name] = f.Hour
	if wanted(c.periods, f) {
		files[f.Name] = f
	}
}

// refuse takes note of a file that cannot be taken for what it seems.
func (c *collection) refuse(f rawlog.File, why error) {
	c.missing.Files = append(c.missing.Files, FileError{f, why})
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// yield hands out the files of all types, oldest first.
func (c *collection) yield(ctx context.Context, yield func(rawlog.File) error) error {
	for _, t := range c.types {
		files := make([]rawlog.File, 0, len(c.files[t]))
		for _, f := range c.files[t] {
			files = append(files, f)
		}
		c.files[t] = nil // named twice among the types or not
		slices.SortFunc(files, func(a, b rawlog.File) int {
			return cmp.Or(a.Hour.Compare(b.Hour), cmp.Compare(a.Name, b.Name))
		})
		for _, f := range files {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := yield(f); err != nil {
				return err
			}
		}
	}
	return nil
}
