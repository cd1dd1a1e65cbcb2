package pipeline

import (
	"context"
	"errors"
	"io"
	"time"

	"rawlogs/internal/load"
	"rawlogs/internal/load/insert"
	"rawlogs/internal/parse/csv"
	"rawlogs/internal/rawlog"
)

// batch is what one INSERT holds: whole small files of one type, one partition
// and one shape.
type batch struct {
	typ     rawlog.Type
	month   time.Time
	shape   load.Shape
	jobs    []*job
	next    int  // of jobs: those before it are sent or being sent
	sealed  bool // takes no further files
	careful bool // reads further files to their end before it takes them
	trial   bool // goes to a copy of the table for now, and displaces nothing
	rows    int
	text    int64 // bytes of CSV
}

func (b *batch) add(j *job) {
	b.jobs = append(b.jobs, j)
	b.next = len(b.jobs)
	b.text += j.textBytes()
}

// loadBatch sends an INSERT that begins with the given file and takes up
// further ones as they come, until it is large enough.
func (l *loader) loadBatch(ctx context.Context, first *job) error {
	shape, err := l.open(ctx, first, first.replace)
	if err != nil {
		return l.failOr(ctx, first, err)
	}
	b := &batch{typ: first.file().Type, month: first.month(), shape: shape}
	b.add(first)
	for left := []*batch{b}; len(left) > 0; {
		parts, err := l.sendBatch(ctx, left[0])
		if err != nil {
			return err
		}
		left = append(parts, left[1:]...)
	}
	return nil
}

// sendBatch sends a batch and commits its files. If the store refuses their rows, or lacks
// the memory for so many, it returns the parts of the batch that are still to be sent: the
// server doesn't say which file's rows it refuses.
func (l *loader) sendBatch(ctx context.Context, b *batch) ([]*batch, error) {
	ctx, release := l.shield(ctx)
	defer release()
	if b.replaces() {
		if err := l.calm(ctx, b.typ); err != nil {
			return nil, err
		}
	}
	if l.doubts(b) {
		err := l.prove(ctx, b)
		if refused(err) || oversize(err) {
			return l.split(ctx, b, err)
		}
		if err != nil || len(b.jobs) == 0 {
			return nil, err
		}
	}
	stream, err := l.stream(b.typ, 0)
	if err != nil {
		return nil, err
	}
	id, err := l.insertSound(ctx, b, stream)
	switch {
	case refused(err), oversize(err): //guard:refused-file-alone
		return l.split(ctx, b, err)
	case err != nil || len(b.jobs) == 0:
		return nil, err
	}
	return nil, l.commit(ctx, b.jobs, []uint64{id})
}

// insertSound sends the batch's files, but those that turn out not to be sound: they fail,
// and it may be that none is left.
func (l *loader) insertSound(ctx context.Context, b *batch, stream *insert.Stream) (uint64, error) {
	fill := func(during context.Context, blk *load.Block) error {
		return guarded(func() error { return l.fill(ctx, during, b, blk) })()
	}
	for {
		id, err := l.inserts.Once(ctx, stream, b.shape, fill, func(why error) error { return l.sendAgain(ctx, b, why) })
		var bad *unfitError
		if !errors.As(err, &bad) {
			return id, err
		}
		if err := l.weed(ctx, b, bad); err != nil || len(b.jobs) == 0 {
			return 0, err
		}
	}
}

// weed takes a file that is not sound out of a batch whose INSERT was given up for
// it, and others of the kind with it: the rest is sent again.
func (l *loader) weed(ctx context.Context, b *batch, bad *unfitError) error {
	if err := l.rewind(ctx, b); err != nil {
		return err
	}
	kept := b.jobs[:0:0]
	for _, j := range b.jobs {
		err := bad.err
		if j != bad.job {
			_, err = l.open(ctx, j, true)
		}
		var fault *fileError
		switch {
		case err == nil:
			kept = append(kept, j)
		case j == bad.job || errors.As(err, &fault):
			if err = l.fail(ctx, j, err); err != nil {
				return err
			}
		default:
			return err
		}
	}
	l.reading = nil
	b.jobs, b.careful = kept, true
	return nil
}

// rewind makes the batch ready to be sent again from its first file.
func (l *loader) rewind(ctx context.Context, b *batch) error {
	l.Progress.Rows.Add(int64(-b.rows))
	b.next, b.rows, l.reading = 0, 0, nil
	l.forget()
	return l.rejects.Discard(ctx)
}

// fill fills one wire block from the batch's files, several small ones to a
// block. The INSERT's own context ends the waiting; what is written beside it
// uses the run's.
func (l *loader) fill(ctx, during context.Context, b *batch, blk *load.Block) error {
	for {
		if l.reading == nil {
			if err := l.advance(ctx, during, b); err != nil {
				return err
			}
		}
		var header *csv.HeaderError
		rd := l.readers[b.typ]
		n, err := rd.Append(blk, l.BlockRows-blk.Rows())
		b.rows += n
		l.Progress.Rows.Add(int64(n))
		switch {
		case errors.Is(err, io.EOF):
			j := l.reading
			j.counts, l.reading = rd.Counts(), nil
			if err = l.soundJob(j); err != nil {
				return &unfitError{j, err}
			}
			if blk.Rows() > l.BlockRows/2 {
				return nil
			}
		case errors.As(err, &header): // a second one, in mid-text
			return &unfitError{l.reading, err}
		case err != nil:
			return err
		default:
			return nil
		}
	}
}

// advance opens the batch's next file, or returns insert.ErrComplete.
func (l *loader) advance(ctx, during context.Context, b *batch) error {
	if b.next < len(b.jobs) {
		j := b.jobs[b.next]
		b.next++
		_, err := l.open(ctx, j, false)
		return err
	}
	for !b.sealed && l.size.more(b.rows, b.text) && len(b.jobs) < l.openFiles { //guard:open-files
		j, err := l.take(during, false)
		if errors.Is(err, errIdle) || errors.Is(err, errNoMore) {
			break
		}
		if err != nil {
			return err
		}
		apart := j.file().Type != b.typ || !j.month().Equal(b.month)
		if j.events != nil {
			apart = apart || j.replace || b.replaces()
		} else {
			apart = apart || j.body.Size > l.budget.text
		}
		if !apart && j.replace && !b.replaces() {
			if apart, err = l.displaceLater(ctx, b); err != nil {
				return err
			}
		}
		if apart {
			l.hand = j
			break
		}
		shape, err := l.open(ctx, j, j.replace || b.careful)
		switch {
		case err != nil:
			if err = l.failOr(ctx, j, err); err != nil {
				return err
			}
			continue
		case shape != b.shape:
			l.hand, l.reading = j, nil
		default:
			b.add(j)
			return nil
		}
		break
	}
	// All rows are on their way and only the INSERT's end is outstanding, which makes
	// them visible: earlier versions go now, not when their replacement was begun.
	b.sealed = true
	if b.trial {
		return insert.ErrComplete
	}
	if err := l.commence(ctx, b.jobs); err != nil {
		return err
	}
	if err := l.clear(ctx, b.jobs...); err != nil {
		return err
	}
	return insert.ErrComplete
}
