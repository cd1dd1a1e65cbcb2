package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rawlogs/internal/load"
	"rawlogs/internal/load/insert"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// markDoubtful notes by what of a table's definition its server may refuse rows: then
// those that replace others are tried on a copy first, as their INSERT is refused only
// when the others are gone.
func (r *run) markDoubtful(ctx context.Context, t rawlog.Type, table *load.Table, refusers []store.Refuser) error {
	if len(refusers) == 0 || r.DryRun {
		return nil
	}
	texts := make([]string, len(refusers))
	for i, x := range refusers {
		texts[i] = x.Text
	}
	r.doubtful[t] = strings.Join(texts, ", ")
	r.Log.Info("rows that replace others are tried on a copy of the table first, as it may refuse them", "table", table.Name, "for", r.doubtful[t])
	missing, err := r.st.MissingForCopies(ctx)
	r.uncopied = strings.Join(missing, ", ")
	return err
}

// doubts reports whether the batch's rows are to be tried on a copy of their table.
func (l *loader) doubts(b *batch) bool {
	return l.doubtful[b.typ] != "" && b.replaces() //guard:rows-proven
}

// prove sends the batch to a copy of its table. An error for which refused is true is the
// rows' own.
func (l *loader) prove(ctx context.Context, b *batch) error {
	b.trial = true
	defer func() { b.trial = false }()
	return l.onCopy(ctx, b.typ, func(table *load.Table) (err error) {
		stream, err := insert.NewStream(table)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stream.Close()) }()
		if _, err = l.insertSound(ctx, b, stream); err != nil {
			return err
		}
		return l.rewind(ctx, b)
	})
}

// proveSlices sends a large file to a copy of its table.
func (l *loader) proveSlices(ctx context.Context, j *job) error {
	return l.onCopy(ctx, j.file().Type, func(table *load.Table) error {
		var streams [2]*insert.Stream
		for i := range streams {
			stream, err := insert.NewStream(table)
			if err != nil {
				return err
			}
			defer func() { _ = stream.Close() }() // of a table that is dropped
			streams[i] = stream
		}
		_, err := l.insertSlices(ctx, j, func(i int) (*insert.Stream, error) { return streams[i], nil })
		if err == nil {
			l.Progress.Rows.Add(-int64(j.counts.Rows))
		}
		return err
	})
}

// onCopy has rows sent to a copy of the type's table, and nothing of their rejected lines.
func (l *loader) onCopy(ctx context.Context, typ rawlog.Type, send func(*load.Table) error) error {
	if l.uncopied != "" {
		return &uncopiedError{fmt.Errorf("the user lacks %s", l.uncopied), l.tables[typ].Name, l.doubtful[typ]}
	}
	l.rehearsing = true
	defer func() { l.rehearsing = false }()
	err := l.inserts.Copy(ctx, l.tables[typ], send)
	if store.Denied(err) {
		return &uncopiedError{err, l.tables[typ].Name, l.doubtful[typ]}
	}
	return err
}

// uncopiedError reports that no copy of a table can be made. It is told of each file whose
// rows would replace others, as they stay.
type uncopiedError struct {
	err          error
	table, doubt string
}

func (e *uncopiedError) Error() string {
	return fmt.Sprintf("%s may refuse its rows (%s), so they are not put in the place of those of before without a trial on a copy of the table, which cannot be made: %v (see ingest check)", e.table, e.doubt, e.err)
}

func (e *uncopiedError) Unwrap() error { return e.err }

// refused reports whether the store takes other files' rows all the same.
func refused(err error) bool {
	var uncopied *uncopiedError
	return store.RowsRefused(err) || errors.As(err, &uncopied)
}

// part of a batch whose rows were refused: the files by which, or those that remain to be
// searched for them.
func (b *batch) part(jobs []*job) *batch {
	return &batch{typ: b.typ, month: b.month, shape: b.shape, jobs: slices.Clip(jobs), sealed: true, careful: true}
}

// replaces reports whether a file of the batch may have rows of an earlier version.
func (b *batch) replaces() bool {
	return slices.ContainsFunc(b.jobs, func(j *job) bool { return j.replace })
}

// split parts a batch that was refused. A file alone fails, as nothing but its rows can be
// the reason.
func (l *loader) split(ctx context.Context, b *batch, why error) ([]*batch, error) {
	if err := l.rewind(ctx, b); err != nil {
		return nil, err
	}
	if len(b.jobs) == 1 {
		return nil, l.fail(ctx, b.jobs[0], why)
	}
	half := len(b.jobs) / 2
	return []*batch{b.part(b.jobs[:half]), b.part(b.jobs[half:])}, nil
}
