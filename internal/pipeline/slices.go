package pipeline

import (
	"context"
	"errors"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"rawlogs/internal/load"
	"rawlogs/internal/load/insert"
	"rawlogs/internal/parse/ahead"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/rows"
	"rawlogs/internal/store"
)

// aheadBytes × aheadBuffers is the inflated text that waits between the
// goroutine that inflates a large file and the one that parses it.
const (
	aheadBytes   = 1 << 20
	aheadBuffers = 4
)

// loadSlices loads a file whose text is too large to be held: inflated, parsed
// and sent as it streams, in INSERTs of at most InsertRows each. Its end decides
// whether it was sound, so on any error all of its slices are taken back.
func (l *loader) loadSlices(ctx context.Context, j *job) error {
	if j.replace {
		// The rows at hand are given up only for a text that is known to be whole
		// and whose header is understood.
		if err := l.judge(ctx, j); err != nil { //guard:replacement-verified
			return l.failOr(ctx, j, err)
		}
		if err := l.calm(ctx, j.file().Type); err != nil {
			return err
		}
		if l.doubtful[j.file().Type] != "" {
			if err := l.proveSlices(ctx, j); err != nil { //guard:slices-proven
				return l.failOr(ctx, j, err)
			}
		}
		if err := l.clear(ctx, j); err != nil {
			return err
		}
	}
	inserts, err := l.insertSlices(ctx, j, func(i int) (*insert.Stream, error) { return l.stream(j.file().Type, i) })
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return l.failOr(ctx, j, err)
	}
	return l.commit(ctx, []*job{j}, inserts)
}

// insertSlices sends all slices of a file, two at a time, through the first and the second
// stream.
func (l *loader) insertSlices(ctx context.Context, j *job, stream func(i int) (*insert.Stream, error)) ([]uint64, error) {
	scope := l.scopes(j.file().Type, span([]rawlog.File{j.file()}))[0]
	return l.inserts.Together(ctx, scope, j.file().Name,
		func(series *insert.Series) error { return l.trySlices(ctx, j, series, stream) },
		func() error { return l.rejects.Discard(ctx) })
}

// judge reads a large file to its end, for its checksum and for whether it is
// sound. A *fileError is the file's own fault.
func (l *loader) judge(ctx context.Context, j *job) (err error) {
	rd, err := l.reader(ctx, j.file().Type)
	if err != nil {
		return err
	}
	text := l.inflater.Stream(j.body)
	rd.Reset(j.file(), text)
	err = l.rehearse(rd, j.file().Type)
	if err = errors.Join(err, text.Close()); err != nil {
		return &fileError{err}
	}
	return nil
}

// trySlices sends all slices once.
func (l *loader) trySlices(ctx context.Context, j *job, series *insert.Series, stream func(i int) (*insert.Stream, error)) error {
	s := &slicer{loader: l, job: j, series: series, streams: stream}
	err := s.send(ctx)
	l.reading = nil
	var fault *fileError
	if errors.As(err, &fault) {
		err = &insert.FillError{Err: err}
	}
	if err != nil && ctx.Err() == nil {
		l.Progress.Rows.Add(int64(-s.rows))
		if store.MemoryShort(err) {
			l.size.halve(0, l.size.text.Load()) //guard:slices-halved
		}
	}
	return err
}

// slicer sends one large file with two INSERTs at a time: while the server
// sorts and writes one slice, the next is parsed and streamed. The text is read
// by whoever holds turn.
type slicer struct {
	*loader
	job    *job
	series *insert.Series
	// streams returns the first or the second one.
	streams func(i int) (*insert.Stream, error)

	turn   sync.Mutex
	reader *rows.Reader
	shape  load.Shape
	end    bool
	rows   int
}

func (s *slicer) send(ctx context.Context) (err error) {
	rd, err := s.loader.reader(ctx, s.job.file().Type)
	if err != nil {
		return err
	}
	text := ahead.New(guardedReader{s.inflater.Stream(s.job.body)}, aheadBytes, aheadBuffers)
	defer func() { err = errors.Join(err, text.Close()) }()
	rd.Reset(s.job.file(), text)
	s.reading = s.job
	shape, err := rd.Shape()
	if err != nil {
		return &fileError{err}
	}
	s.reader, s.shape = rd, shape
	group, ctx := errgroup.WithContext(ctx)
	for i := range 2 {
		stream, err := s.streams(i)
		if err != nil {
			return err
		}
		group.Go(guarded(func() error { return s.lane(ctx, stream) }))
	}
	if err := group.Wait(); err != nil {
		return err
	}
	s.job.counts = rd.Counts()
	if err := s.sound(s.job.file().Type, s.job.counts); err != nil {
		return &fileError{err}
	}
	return nil
}

// lane sends every slice that it gets its turn for, until the text ends.
func (s *slicer) lane(ctx context.Context, stream *insert.Stream) error {
	for {
		more, err := s.slice(ctx, stream)
		if err != nil || !more {
			return err
		}
	}
}

func (s *slicer) slice(ctx context.Context, stream *insert.Stream) (more bool, err error) {
	s.turn.Lock()
	mine := true
	yield := func() {
		if mine {
			mine = false
			s.turn.Unlock()
		}
	}
	defer yield()
	if s.end || ctx.Err() != nil {
		return false, ctx.Err()
	}
	rows, size := 0, 0
	err = s.series.Send(ctx, stream, s.shape, func(_ context.Context, blk *load.Block) error {
		var n int
		readErr := guarded(func() (err error) {
			n, err = s.reader.Append(blk, s.BlockRows)
			return err
		})()
		var panicked *PanicError
		rows += n
		size += blk.Bytes()
		s.rows += n
		s.Progress.Rows.Add(int64(n))
		switch {
		case errors.Is(readErr, io.EOF):
			s.end = true
		case errors.As(readErr, &panicked):
			return readErr // ours, not the file's
		case readErr != nil:
			return &fileError{readErr}
		case s.size.more(rows, int64(size)):
			return nil
		}
		yield() // the rest of this INSERT is the server's work
		return insert.ErrComplete
	})
	return true, err
}
