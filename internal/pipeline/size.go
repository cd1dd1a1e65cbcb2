package pipeline

import (
	"context"
	"errors"
	"sync/atomic"

	"rawlogs/internal/store"
)

// An INSERT is ended at the first file boundary beyond insertRows, so that the
// server writes few large parts; a wire block holds blockRows. Both are
// measured choices, see docs/performance.md. A row counts as rowBytes of text at least, so
// that rows of unusual length fill an INSERT as well: the server holds it until it ends.
const (
	insertRows = 500_000
	rowBytes   = 2 << 10
	blockRows  = 8192
)

// leastText is the smallest INSERT that a server short of memory is sent, in bytes of text.
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

// fit begins with what several INSERTs at a time need in three fifths of the server's
// memory; 0 is a server that doesn't say.
func (s *insertSize) fit(memory uint64, atOnce int) {
	rows := uint64(insertRows)
	if memory > 0 {
		rows = min(rows, memory/5*3/uint64(atOnce*serverBytes))
	}
	s.text.Store(max(leastText, int64(rows)*rowBytes))
}

// more reports whether an INSERT of so many rows and bytes of text takes more of them.
func (s *insertSize) more(rows int, text int64) bool { return weight(rows, text) < s.text.Load() }

// halve makes the INSERTs to come half as large as one that was too much.
func (s *insertSize) halve(rows int, text int64) {
	less := max(leastText, weight(rows, text)/2)
	for most := s.text.Load(); less < most && !s.text.CompareAndSwap(most, less); most = s.text.Load() {
	}
}

// crowdedError reports a batch that was more than the server has memory for.
type crowdedError struct{ err error }

func (e *crowdedError) Error() string { return e.err.Error() }
func (e *crowdedError) Unwrap() error { return e.err }

// crowded reports whether a batch has to be sent in parts for want of the server's memory.
func crowded(err error) bool {
	var e *crowdedError
	return errors.As(err, &e)
}

// sendAgain makes the batch ready to be sent again after an error that may pass. One that
// the server had not the memory for is not sent as it was where it can be parted.
func (l *loader) sendAgain(ctx context.Context, b *batch, why error) error {
	if store.MemoryShort(why) {
		l.size.halve(b.rows, b.text)
		if len(b.jobs) > 1 { //guard:crowded-parted
			return &crowdedError{why}
		}
	}
	return l.rewind(ctx, b)
}
