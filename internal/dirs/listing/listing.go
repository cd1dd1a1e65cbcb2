// Package listing gathers what a source lists, refuses what is doubtful, and
// yields the rest in the order that dirs.Source promises.
package listing

import (
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
	files   map[rawlog.Type]*rawlog.Pack // in the periods or not
	Missing dirs.Incomplete              // what it cannot vouch for, once all are yielded
}

// New returns an empty listing, to be asked for files of the types and periods.
func New(types []rawlog.Type, periods []rawlog.Period) *Files {
	return &Files{types: types, periods: periods, files: packs(types)}
}

func packs(types []rawlog.Type) map[rawlog.Type]*rawlog.Pack {
	out := make(map[rawlog.Type]*rawlog.Pack)
	for _, t := range types {
		out[t] = new(rawlog.Pack)
	}
	return out
}

// Wants reports whether a file's hour lies in one of the periods; none are all.
func (c *Files) Wants(f rawlog.File) bool {
	return len(c.periods) == 0 || slices.ContainsFunc(c.periods, func(p rawlog.Period) bool { return p.Contains(f.Hour) })
}

// Add takes f if it was asked for.
func (c *Files) Add(f rawlog.File) {
	if files, ok := c.files[f.Type]; ok {
		files.Add(f, 0)
	}
}

// once leaves each name once. One that is listed again is one file, unless the listing contradicts
// itself about its hour: then it is nobody's.
func (c *Files) once(files *rawlog.Pack) error {
	files.SortByName()
	return files.Choose(func(from, to int) (int, error) {
		first, _ := files.At(from)
		for i := from + 1; i < to; i++ {
			f, _ := files.At(i)
			if !first.Hour.Equal(f.Hour) { //guard:one-hour-listed
				if c.Wants(f) || c.Wants(first) {
					c.Refuse(first, fmt.Errorf("it is listed twice, for the hours %s and %s", Stamp(first.Hour), Stamp(f.Hour)))
				}
				return -1, nil
			}
		}
		return to - 1, nil
	})
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
		files := c.files[t]
		delete(c.files, t) // named twice among the types or not
		if files == nil {
			continue
		}
		if err := c.once(files); err != nil {
			return err
		}
		if err := c.inOrder(ctx, files, yield); err != nil {
			return err
		}
	}
	return nil
}

// inOrder sorts the files of a type, and hands out those that are wanted.
func (c *Files) inOrder(ctx context.Context, files *rawlog.Pack, yield func(rawlog.File) error) error {
	files.SortByHour()
	for f := range files.All() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !c.Wants(f) {
			continue
		}
		if err := yield(f); err != nil {
			return err
		}
	}
	return nil
}
