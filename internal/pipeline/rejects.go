package pipeline

import (
	"context"
	"time"

	"rawlogs/internal/load"
	"rawlogs/internal/parse/csv"
	"rawlogs/internal/rawlog"
)

// rejectBytes bounds the rejected lines that are kept before they are written.
const rejectBytes = 4 << 20

// rejects gathers the lines that did not split, for the table rejected_rows.
// Its rows are written before their file is loaded, and taken back with it.
type rejects struct {
	*run
	rows  []load.Reject
	bytes int
	sent  []uint64 // INSERTs that hold lines of the present files
}

func (q *rejects) add(ctx context.Context, j *job, line csv.Rejected) error {
	q.rows = append(q.rows, load.Reject{
		File: j.file(), Line: line.Line, Piece: uint32(line.Piece), Reason: line.Reason, Raw: string(line.Raw),
	})
	q.bytes += len(line.Raw) + 64
	if q.bytes < rejectBytes {
		return nil
	}
	return q.write(ctx)
}

// flush writes what is left, returns the INSERTs that hold the present files'
// lines, and begins anew for the next ones.
func (q *rejects) flush(ctx context.Context) ([]uint64, error) {
	if err := q.write(ctx); err != nil {
		return nil, err
	}
	sent := q.sent
	q.sent = nil
	return sent, nil
}

// discard forgets the present files' lines and takes back what is written of them.
func (q *rejects) discard(ctx context.Context) error {
	q.rows, q.bytes = q.rows[:0], 0 //guard:rejects-forgotten
	if len(q.sent) == 0 {
		return nil
	}
	for _, typ := range q.Types {
		scope := q.scopes(typ, rawlog.Period{})[1]
		err := q.steady(ctx, func(ctx context.Context) error { return q.st.DeleteInserts(ctx, scope, q.sent) })
		if err != nil {
			return err
		}
	}
	q.sent = nil
	return nil
}

// write sends the lines, one INSERT per partition.
func (q *rejects) write(ctx context.Context) error {
	for len(q.rows) > 0 {
		n := samePartition(q.rows)
		part := q.rows[:n]
		id, err := q.once(ctx, load.RejectedTable, func(id uint64, query string) (int, error) {
			begin := time.Now()
			err := load.SendRejects(ctx, q.st, q.Network, id, query, part)
			if err == nil {
				q.inserted(load.RejectedTable, id, n, textOf(part), begin)
			}
			return n, err
		}, func() error { return nil })
		if err != nil {
			return err
		}
		q.sent = append(q.sent, id)
		q.rows = q.rows[n:]
	}
	q.rows, q.bytes = nil, 0
	return nil
}

// samePartition counts the leading lines whose files lie in one month.
func samePartition(rows []load.Reject) int {
	month := func(f rawlog.File) [2]int { return [2]int{f.Hour.Year(), int(f.Hour.Month())} }
	n := 1
	for n < len(rows) && month(rows[n].File) == month(rows[0].File) {
		n++
	}
	return n
}
