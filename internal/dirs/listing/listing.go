// Package listing gathers what a source lists, refuses what is doubtful, and
// yields the rest in the order that dirs.Source promises.
package listing

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
)

// Files are those of a listing, each name of a type once.
type Files struct {
	types   []rawlog.Type
	periods []rawlog.Period
	files   map[rawlog.Type]map[string]rawlog.File
	hours   map[rawlog.Type]map[string]time.Time // of every name, in the periods or not
	Missing dirs.Incomplete                      // what it cannot vouch for
}

// New returns an empty listing, to be asked for files of the types and periods.
func New(types []rawlog.Type, periods []rawlog.Period) *Files {
	c := &Files{
		types: types, periods: periods,
		files: make(map[rawlog.Type]map[string]rawlog.File), hours: make(map[rawlog.Type]map[string]time.Time),
	}
	for _, t := range types {
		c.files[t], c.hours[t] = make(map[string]rawlog.File), make(map[string]time.Time)
	}
	return c
}

// Wants reports whether a file's hour lies in one of the periods; none are all.
func (c *Files) Wants(f rawlog.File) bool {
	return len(c.periods) == 0 || slices.ContainsFunc(c.periods, func(p rawlog.Period) bool { return p.Contains(f.Hour) })
}

// Add takes f if it was asked for. A name listed again is one file, unless the
// listing contradicts itself about its hour: then it is nobody's.
func (c *Files) Add(f rawlog.File) {
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
			if c.Wants(f) || c.Wants(old) {
				c.Refuse(old, fmt.Errorf("it is listed twice, for the hours %s and %s", Stamp(hour), Stamp(f.Hour)))
			}
		}
		return
	}
	hours[f.Name] = f.Hour
	if c.Wants(f) {
		files[f.Name] = f
	}
}

// Refuse takes note of a file that cannot be taken for what it seems.
func (c *Files) Refuse(f rawlog.File, why error) {
	c.Missing.Files = append(c.Missing.Files, dirs.FileError{File: f, Err: why})
}

// Stamp is an hour as errors show it.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// Yield hands out the files of all types, oldest first.
func (c *Files) Yield(ctx context.Context, yield func(rawlog.File) error) error {
	for _, t := range c.types {
		files := make([]rawlog.File, 0, len(c.files[t]))
		for _, f := range c.files[t] {
			files = append(files, f)
		}
		c.files[t] = nil // named twice among the types or not
		if err := inOrder(ctx, files, yield); err != nil {
			return err
		}
	}
	return nil
}

// inOrder sorts the files of a type, and hands them out.
func inOrder(ctx context.Context, files []rawlog.File, yield func(rawlog.File) error) error {
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
	return nil
}
