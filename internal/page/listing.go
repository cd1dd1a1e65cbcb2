package page

import (
	"context"
	"errors"

	"rawlogs/internal/dirs"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
)

// fileID names a file.
type fileID struct {
	typ  rawlog.Type
	name string
}

// listing is what the source has.
type listing struct {
	source string               // "": it was not listed
	typed  map[rawlog.Type]bool // whose files were listed
	files  map[fileID]bool
	hours  map[rawlog.Type]map[int64]bool // for which it has a file
	keep   map[rawlog.Type]int            // days that it keeps files, where it says so
	// looked is for each day since 1970 until when runs had looked at its hours, in seconds.
	looked map[rawlog.Type]map[int64]int64
}

// list asks the source. With an error what is there counts as not listed; the days for
// which files are kept may be known all the same.
func list(ctx context.Context, q Question) (listing, error) {
	l := listing{typed: map[rawlog.Type]bool{}, files: map[fileID]bool{}, hours: map[rawlog.Type]map[int64]bool{}}
	if q.Source == nil {
		return l, nil
	}
	src, err := q.Source()
	if err != nil {
		return l, err
	}
	for _, t := range rawlog.Types() {
		l.hours[t] = map[int64]bool{}
	}
	add := func(f rawlog.File) error {
		if l.hours[f.Type] == nil {
			return nil // not a single file
		}
		l.files[fileID{f.Type, f.Name}] = true
		for at := f.Hour.Unix() / hourSeconds; at*hourSeconds < f.End().Unix(); at++ {
			l.hours[f.Type][at] = true
		}
		return nil
	}
	err = src.Walk(ctx, rawlog.Types(), nil, add)
	var part *dirs.Incomplete
	if isPart := errors.As(err, &part); err == nil || isPart {
		l.source = plain.Text(src.Name())
		for _, t := range rawlog.Types() {
			l.typed[t] = true
		}
	}
	if part != nil {
		for _, f := range part.Files { // it is there, whatever is wrong with it
			_ = add(f.File)
		}
		for _, t := range part.Types {
			l.typed[t.Type] = false
		}
	}
	keep, kerr := src.Retention(ctx)
	l.keep = keep
	return l, errors.Join(err, kerr)
}
