package insert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"rawlogs/internal/ended"
	"rawlogs/internal/load"
	"rawlogs/internal/store"
	"rawlogs/schema"
)

// Fill puts rows into an empty block. It returns ErrComplete when the INSERT holds all
// that it should; rows in the block by then are still sent. Its context ends with the
// INSERT.
type Fill func(context.Context, *load.Block) error

// ErrComplete is what a Fill returns at the end of the INSERT's rows.
var ErrComplete = errors.New("insert complete")

// FillError is an error of the caller's own, about the rows that it was to send. It is
// never tried again.
type FillError struct{ Err error }

func (e *FillError) Error() string { return e.Err.Error() }
func (e *FillError) Unwrap() error { return e.Err }

// errStalled ends an INSERT in which nothing moved for too long.
var errStalled = errors.New("the store neither took a block nor answered in time")

// stallAfter bounds the wait for one block to be taken and for the final
// answer, during which the server sorts and writes some 500,000 rows.
const stallAfter = 5 * time.Minute

// Stream sends INSERTs into one table, one after the other, over a connection
// of its own to each shard. It is not safe for concurrent use.
//
// An INSERT is streamed in small wire blocks while the server squashes them
// into one part, written when the INSERT ends: memory here is one block, and
// the rows land all or not at all.
type Stream struct {
	table *load.Table
	block *load.Block
	lines map[*store.Server]*line
	sent  sent  // by the last INSERT
	own   error // of its fill
}

// sent is what an INSERT has handed to the connection.
type sent struct {
	rows  int
	bytes int64 // before the connection compressed them
	ended bool  // all of it, so that the server can have written it
}

// line is a connection.
type line struct {
	*ch.Client
	sparse bool // the server takes columns without values in their short form
}

// NewStream returns a stream into a table; its first INSERT into each shard dials.
func NewStream(table *load.Table) (*Stream, error) {
	block, err := load.NewBlock(table)
	if err != nil {
		return nil, err
	}
	return &Stream{table: table, block: block, lines: make(map[*store.Server]*line)}, nil
}

// Close drops the connections. An INSERT in flight is not Close's to end.
func (s *Stream) Close() error {
	var errs []error
	for at := range s.lines {
		errs = append(errs, s.hangUp(at))
	}
	return errors.Join(errs...)
}

func (s *Stream) hangUp(at *store.Server) error {
	l := s.lines[at]
	delete(s.lines, at)
	return l.Close()
}

// dial returns the connection to a shard.
func (s *Stream) dial(ctx context.Context, at *store.Server) (*line, error) {
	if l := s.lines[at]; l != nil {
		return l, nil
	}
	client, err := at.Dial(ctx)
	if err != nil {
		return nil, err
	}
	server := client.ServerInfo()
	s.lines[at] = &line{client, load.Sparse(server.Major, server.Minor)}
	return s.lines[at], nil
}

// Send runs one INSERT on a shard, once: see Sender for one whose outcome matters. fill is called
// with an empty block until it returns ErrComplete; any other error cancels the INSERT,
// of which nothing lands then, and comes back as a *FillError. queryID must be new, and
// begin as the run's other query ids do, so that recovery finds it.
//
// rows is the number of rows handed to the connection. After an error that did
// not come from fill the outcome is unknown.
func (s *Stream) Send(ctx context.Context, at *store.Server, id uint64, queryID string, shape load.Shape, fill Fill) (rows int, err error) {
	s.sent, s.own = sent{}, nil
	err = at.Write(ctx, store.Op{Kind: "insert", Detail: s.table.Name}, func(ctx context.Context) error {
		l, failed := s.dial(ctx, at)
		if failed != nil {
			return failed
		}
		s.block.SetSparse(l.sparse)
		s.block.Reset()
		s.block.SetShape(shape)
		s.block.SetInsert(id)
		return s.do(ctx, at, queryID, fill)
	})
	if s.own != nil {
		return s.sent.rows, &FillError{s.own}
	}
	if err != nil {
		err = fmt.Errorf("insert %s into %s: %w", queryID, s.table.Name, err)
		if store.Refused(err) {
			err = &RefusedError{err}
		}
		return s.sent.rows, err
	}
	return s.sent.rows, nil
}

// RefusedError is the server's own answer to an INSERT.
type RefusedError struct{ err error }

func (e *RefusedError) Error() string { return e.err.Error() }

func (e *RefusedError) Unwrap() error { return e.err }

// Hint says where to look: the server blames views of its own making on the table.
func (e *RefusedError) Hint() string {
	return "`ingest check` says what is wrong with the table, the views on it or the user's rights"
}

// do runs the query over the shard's connection, which it closes on any error.
func (s *Stream) do(ctx context.Context, at *store.Server, queryID string, fill Fill) error {
	client := s.lines[at]
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// The connection waits for the server without a limit and does not watch
	// the context meanwhile: only closing it ends the wait.
	defer context.AfterFunc(ctx, func() { _ = client.Close() })()
	watchdog := time.AfterFunc(stallAfter, func() { cancel(errStalled) })
	defer watchdog.Stop()
	input := s.block.Input()
	err := client.Do(ctx, ch.Query{
		Body:     insertInto(at.Holding(s.table.Name), input), //guard:insert-quoting
		QueryID:  queryID,
		Settings: at.InsertSettings(),
		Input:    input,
		OnInput: func(ctx context.Context) error {
			watchdog.Stop()
			defer watchdog.Reset(stallAfter)
			return s.next(ctx, cancel, fill)
		},
	})
	if err != nil {
		_ = s.hangUp(at) // its state is unknown; the error at hand says more
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
			return cause
		}
	}
	return err
}

// next fills the next block, or returns io.EOF after the last one.
func (s *Stream) next(ctx context.Context, cancel context.CancelCauseFunc, fill Fill) error {
	if s.sent.rows == 0 {
		if err := s.block.Altered(); err != nil { //guard:column-altered
			cancel(err)
			return err
		}
	}
	s.block.Reset()
	for !s.sent.ended && s.block.Rows() == 0 {
		switch err := fill(ctx, s.block); {
		case errors.Is(err, ErrComplete):
			s.sent.ended = true
		case err != nil && ctx.Err() != nil && (ended.ByContext(err) || errors.Is(err, context.Cause(ctx))): //guard:cause-wins
			// The server's answer, or the caller, ended the INSERT; what
			// fill says of it is an echo.
			return ctx.Err()
		case err != nil:
			s.own = err
			cancel(errFill)
			// io.EOF would tell the connection that all is well, so no
			// error of ours may travel through it.
			return errFill
		}
	}
	s.sent.rows += s.block.Rows()
	s.sent.bytes += int64(s.block.Bytes())
	if s.sent.ended && s.block.Rows() == 0 {
		return io.EOF
	}
	return nil
}

var errFill = errors.New("filling a block")

// insertInto is the statement that names the columns. proto.Input.Into escapes
// whatever is not ASCII in Go's way, which ClickHouse reads as other names.
func insertInto(quoted string, columns proto.Input) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = schema.Identifier(c.Name)
	}
	return "INSERT INTO " + quoted + " (" + strings.Join(names, ", ") + ") VALUES"
}
