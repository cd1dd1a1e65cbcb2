package insert

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// rejectBytes bounds the rejected lines that are kept before they are written.
const rejectBytes = 4 << 20

// Reject is one piece of a line that did not split. Piece counts from 0; only
// lines longer than a piece have more than one.
type Reject struct {
	File   rawlog.File
	Line   uint32
	Piece  uint32
	Reason string
	Raw    string
}

// Rejects gathers the lines that did not split, for the table rejected_rows.
// Its rows are written before their file is loaded, and taken back with it. It is for
// one goroutine at a time.
type Rejects struct {
	sender  *Sender
	network string
	types   []rawlog.Type // whose lines there may be
	lines   []Reject
	bytes   int
	ids     []uint64 // of the INSERTs that hold lines of the present files
}

// NewRejects returns an empty one for the logs of a network.
func NewRejects(sender *Sender, network string, types []rawlog.Type) *Rejects {
	return &Rejects{sender: sender, network: network, types: types}
}

// Add takes a line of one of the present files, and writes what has gathered if it is much.
func (q *Rejects) Add(ctx context.Context, line Reject) error {
	q.lines = append(q.lines, line)
	q.bytes += len(line.Raw) + 64
	if q.bytes < rejectBytes {
		return nil
	}
	return q.write(ctx)
}

// Flush writes what is left, returns the INSERTs that hold the present files'
// lines, and begins anew for the next ones.
func (q *Rejects) Flush(ctx context.Context) ([]uint64, error) {
	if err := q.write(ctx); err != nil {
		return nil, err
	}
	ids := q.ids
	q.ids = nil
	return ids, nil
}

// Discard forgets the present files' lines and takes back what is written of them.
func (q *Rejects) Discard(ctx context.Context) error {
	q.lines, q.bytes = q.lines[:0], 0 //guard:rejects-forgotten
	if len(q.ids) == 0 {
		return nil
	}
	for _, typ := range q.types {
		scope := store.Scope{Network: q.network, Type: typ, Rejected: true}
		err := q.sender.patience.Steady(ctx, func(ctx context.Context) error { return q.sender.st.DeleteInserts(ctx, scope, q.ids) })
		if err != nil {
			return err
		}
	}
	q.ids = nil
	return nil
}

// write sends the lines, one INSERT per partition.
func (q *Rejects) write(ctx context.Context) error {
	for len(q.lines) > 0 {
		n := samePartition(q.lines)
		part := q.lines[:n]
		id, err := q.sender.once(ctx, store.RejectedRows, func(a attempt) (sent, error) {
			return sent{rows: n, bytes: textOf(part), ended: true}, q.send(ctx, a, part)
		}, func(error) error { return nil })
		if err != nil {
			return err
		}
		q.ids = append(q.ids, id)
		q.lines = q.lines[n:]
	}
	q.lines, q.bytes = nil, 0
	return nil
}

// send writes the lines, whose files' hours must lie in one month, in
// one INSERT of one block. After an error the outcome is unknown.
func (q *Rejects) send(ctx context.Context, a attempt, lines []Reject) error {
	err := a.at.Write(ctx, store.Op{Kind: "rejects", Detail: store.RejectedRows}, func(ctx context.Context) error {
		ctx = clickhouse.Context(a.at.InsertContext(ctx), clickhouse.WithQueryID(a.query))
		batch, err := a.at.Conn().PrepareBatch(ctx, "INSERT INTO "+a.at.Holding(store.RejectedRows)+
			" (network, log_type, file, hour, line, piece, reason, raw, _insert)")
		if err != nil {
			return err
		}
		defer batch.Close()
		for _, l := range lines {
			if err := batch.Append(q.network, string(l.File.Type), l.File.Name, l.File.Hour, l.Line, l.Piece, l.Reason, l.Raw, a.id); err != nil {
				return err
			}
		}
		return batch.Send()
	})
	if err != nil {
		return fmt.Errorf("insert %s into %s: %w", a.query, store.RejectedRows, err)
	}
	return nil
}

// samePartition counts the leading lines whose files lie in one month.
func samePartition(lines []Reject) int {
	month := func(f rawlog.File) [2]int { return [2]int{f.Hour.Year(), int(f.Hour.Month())} }
	n := 1
	for n < len(lines) && month(lines[n].File) == month(lines[0].File) {
		n++
	}
	return n
}

// textOf is the length of the lines together.
func textOf(lines []Reject) (n int64) {
	for _, l := range lines {
		n += int64(len(l.Raw))
	}
	return n
}
