package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"rawlogs/internal/store"
	"rawlogs/schema"
)

// ErrComplete is what a fill function returns when the INSERT holds all that
// it should; rows in the block by then are still sent.
var ErrComplete = errors.New("insert complete")

// errStalled ends an INSERT in which nothing moved for too long.
var errStalled = errors.New("the store neither took a block nor answered in time")

// stallAfter bounds the wait for one block to be taken and for the final
// answer, during which the server sorts and writes some 500,000 rows.
const stallAfter = 5 * time.Minute

// Stream sends INSERTs into one table, one after the other, over a connection
// of its own. It is not safe for concurrent use.
//
// An INSERT is streamed in small wire blocks while the server squashes them
// into one part, written when the INSERT ends: memory here is one block, and
// the rows land all or not at all.
type Stream struct {
	st     *store.Store
	table  *Table
	block  *Block
	client *ch.Client
	bytes  int64
}

// Bytes is how many wire bytes the last INSERT handed to the connection, before it
// compressed them.
func (s *Stream) Bytes() int64 { return s.bytes }

// NewStream returns a stream into a table; its first INSERT dials.
func NewStream(st *store.Store, table *Table) (*Stream, error) {
	block, err := NewBlock(table)
	if err != nil {
		return nil, err
	}
	return &Stream{st: st, table: table, block: block}, nil
}

// Close drops the connection. An INSERT in flight is not Close's to end.
func (s *Stream) Close() error {
	if s.client == nil {
		return nil
	}
	client := s.client
	s.client = nil
	return client.Close()
}

// Send runs one INSERT. fill is called with an empty block until it returns
// ErrComplete; any other error cancels the INSERT, of which nothing lands
// then, and comes back as a *FillError. queryID must be new, and begin as the run's
// other query ids do, so that recovery finds it.
//
// rows is the number of rows handed to the connection. After an error that did
// not come from fill the outcome is unknown: see Landed.
func (s *Stream) Send(ctx context.Context, id uint64, queryID string, shape Shape, fill func(context.Context, *Block) error) (rows int, err error) {
	var fillErr error
	op := store.Op{Kind: "insert", Detail: s.table.Name}
	err = s.st.Write(ctx, op, func(ctx context.Context) error {
		if s.client == nil {
			client, err := s.st.Dial(ctx)
			if err != nil {
				return err
			}
			s.client = client
		}
		client := s.client
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		// The connection waits for the server without a limit and does not watch
		// the context meanwhile: only closing it ends the wait.
		defer context.AfterFunc(ctx, func() { _ = client.Close() })()
		watchdog := time.AfterFunc(stallAfter, func() { cancel(errStalled) })
		defer watchdog.Stop()

		s.block.Reset()
		s.block.SetShape(shape)
		s.block.SetInsert(id)
		s.bytes = 0
		input := s.block.Input()
		done := false
		next := func(ctx context.Context) error {
			watchdog.Stop()
			defer watchdog.Reset(stallAfter)
			if rows == 0 {
				if err := s.block.Altered(); err != nil { //guard:column-altered
					cancel(err)
					return err
				}
			}
			s.block.Reset()
			for !done && s.block.Rows() == 0 {
				switch err := fill(ctx, s.block); {
				case errors.Is(err, ErrComplete):
					done = true
				case err != nil && ctx.Err() != nil:
					// The server's answer, or the caller, ended the INSERT; what
					// fill says of it is an echo.
					return ctx.Err()
				case err != nil:
					fillErr = err
					cancel(errFill)
					// io.EOF would tell the connection that all is well, so no
					// error of ours may travel through it.
					return errFill
				}
			}
			rows += s.block.Rows()
			s.bytes += int64(s.block.Bytes())
			if done && s.block.Rows() == 0 {
				return io.EOF
			}
			return nil
		}
		err := s.client.Do(ctx, ch.Query{
			Body:     insertInto(s.table.Name, input), //guard:insert-quoting
			QueryID:  queryID,
			Settings: s.st.InsertSettings(),
			Input:    input,
			OnInput:  next,
		})
		if err != nil {
			_ = s.Close() // its state is unknown; the error at hand says more
			if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
				return cause
			}
		}
		return err
	})
	if fillErr != nil {
		return rows, &FillError{fillErr}
	}
	if err != nil {
		return rows, fmt.Errorf("insert %s into %s: %w", queryID, s.table.Name, err)
	}
	return rows, nil
}

// insertInto is the statement that names the columns. proto.Input.Into escapes
// whatever is not ASCII in Go's way, which ClickHouse reads as other names.
func insertInto(table string, columns proto.Input) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = schema.Identifier(c.Name)
	}
	return "INSERT INTO " + schema.Identifier(table) + " (" + strings.Join(names, ", ") + ") VALUES"
}

var errFill = errors.New("filling a block")

// FillError is an error of the caller's own fill function.
type FillError struct{ Err error }

func (e *FillError) Error() string { return e.Err.Error() }
func (e *FillError) Unwrap() error { return e.Err }

// Landed finds out what became of an INSERT whose answer is unknown: it ends
// the query if it still runs, waits until it is gone, and counts its rows. An
// INSERT of one partition is there whole or not at all; any other count is an
// error, and means that the table is not what this program made it.
func Landed(ctx context.Context, st *store.Store, table, queryID string, id uint64, rows int) (bool, error) {
	if err := st.KillQueries(ctx, queryID); err != nil {
		return false, err
	}
	n, err := st.CountInsert(ctx, table, id)
	if err != nil {
		return false, err
	}
	switch n {
	case 0:
		return rows == 0, nil //guard:insert-not-assumed
	case uint64(rows):
		return true, nil
	}
	return false, &PartialError{Table: table, Insert: id, Sent: rows, Stored: n}
}

// Visible counts the rows of an INSERT that was acknowledged. An error means that
// this user does not see all that it wrote.
func Visible(ctx context.Context, st *store.Store, table string, id uint64, rows int) error {
	n, err := st.CountInsert(ctx, table, id)
	if err != nil || n == uint64(rows) { //guard:first-insert-seen
		return err
	}
	return &HiddenError{Table: table, Insert: id, Sent: rows, Stored: n}
}

// HiddenError reports rows that the store acknowledged and does not show.
type HiddenError struct {
	Table  string
	Insert uint64
	Sent   int
	Stored uint64
}

// Error says what to look at.
func (e *HiddenError) Error() string {
	return fmt.Sprintf("insert %d into %s: %d rows were acknowledged, and %d are seen; a row policy or a TTL takes them away (see ingest check). "+
		"Nothing more is loaded, as what is there could not be told from what is lost", e.Insert, e.Table, e.Sent, e.Stored)
}

// PartialError tells of an INSERT that is neither whole nor absent.
type PartialError struct {
	Table  string
	Insert uint64
	Sent   int
	Stored uint64
}

// Error says what is there and what to look at.
func (e *PartialError) Error() string {
	return fmt.Sprintf("insert %d into %s is torn: %d rows sent, %d stored; check the table's partition key (ingest check)",
		e.Insert, e.Table, e.Sent, e.Stored)
}

// QueryID names an INSERT for system.processes and system.query_log.
func QueryID(run string, insert uint64) string {
	return fmt.Sprintf("%s%016x", store.QueryPrefix(run), insert)
}
