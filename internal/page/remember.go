package page

import (
	"context"
	"slices"

	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
)

// Remember is a source whose whole listing is asked for once, however many of those who
// want to know it there are. It is for one goroutine.
func Remember(open func() (dirs.Source, error)) func() (dirs.Source, error) {
	var kept *remembered
	return func() (dirs.Source, error) {
		if kept != nil {
			return kept, nil
		}
		src, err := open()
		if err != nil {
			return nil, err
		}
		kept = &remembered{Source: src}
		return kept, nil
	}
}

type remembered struct {
	dirs.Source
	walked bool
	files  []rawlog.File
	err    error
}

// Walk is that of the source, or what it gave before.
func (r *remembered) Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error {
	if len(periods) > 0 || !slices.Equal(types, rawlog.Types()) {
		return r.Source.Walk(ctx, types, periods, yield)
	}
	if !r.walked {
		r.files = nil
		r.err = r.Source.Walk(ctx, types, nil, func(f rawlog.File) error {
			r.files = append(r.files, f)
			return nil
		})
		r.walked = ctx.Err() == nil
	}
	for _, f := range r.files {
		if err := yield(f); err != nil {
			return err
		}
	}
	return r.err
}
