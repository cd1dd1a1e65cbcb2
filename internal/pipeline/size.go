package pipeline

import (
	"context"
	"errors"
	"sync/atomic"

	"rawlogs/internal/store"
)

// The defaults of Options.InsertRows and Options.BlockRows are measured choices, see
// docs/performance.md. A row counts as rowBytes of text at least, so that rows of unusual
// length fill an INSERT as well: the server holds it until it ends.
const (
	insertRows = 500_000
	rowBytes   = 2 << 10
	blockRows  = 8192
)

// leastText is the smallest INSERT that is sent to a server short of memory, in bytes of text.
const leastText = 4 << 20

// serverBytes is the memory that a server was seen to need for a row of a usual click log,
// rounded up: 0.87 KiB beside what an INSERT needs at all, see docs/performance.md.
const serverBytes = 1300

// insertSize is how much a run puts into one INSERT. The server holds it in memory until
// it ends, as it is to be one part: a server with little memory is sent less, and one that
// runs out of it half as much as before. It is safe for concurrent use.
type insertSize struct {
	text atomic.Int64 // bytes; rows are counted as rowBytes each
}

// weight is an INSERT's rows or text, whichever is more of an INSERT.
func weight(rows int, text int64) int64 { return max(int64(rows)*rowBytes, text) }

// fit sets the size to so many rows, or to fewer if several INSERTs at a time would take more
// than three fifths of the server's memory; 0 if the server doesn't say how much that is.
func (s *insertSize) fit(rows, memory uint64, atOnce int) {
	if memory > 0 {
		rows = min(rows, memory/5*3/uint64(atOnce*serverBytes))
	}
	s.text.Store(max(leastText, int64(rows)*rowBytes))
}

// more reports whether an INSERT of so many rows and bytes of text takes more of them.
func (s *insertSize) more(rows int, text int64) bool { return weight(rows, text) < s.text.Load() }

// halve makes later INSERTs half as large as one that was too large.
func (s *insertSize) halve(rows int, text int64) {
	less := max(leastText, weight(rows, text)/2)
	for most := s.text.Load(); less < most && !s.text.CompareAndSwap(most, less); most = s.text.Load() {
	}
}

// oversizeError reports a batch that is too large for the server's memory.
type oversizeError struct{ err error }

func (e *oversizeError) Error() string { return e.err.Error() }
func (e *oversizeError) Unwrap() error { return e.err }

// oversize reports whether a batch is too large for the server's memory.
func oversize(err error) bool {
	var e *oversizeError
	return errors.As(err, &e)
}

// sendAgain makes the batch ready to be sent again after an error that may pass. If the
// server ran out of memory, a batch of several files is to be split instead.
func (l *loader) sendAgain(ctx context.Context, b *batch, why error) error {
	if store.MemoryShort(why) {
		l.size.halve(b.rows, b.text)
		if len(b.jobs) > 1 { //guard:oversize-split
			return &oversizeError{why}
		}
	}
	return l.rewind(ctx, b)
}
