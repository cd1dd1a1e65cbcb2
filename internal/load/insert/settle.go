package insert

import (
	"context"
	"fmt"
)

// landed finds out what became of an INSERT whose answer is unknown: it ends
// the query if it still runs, waits until it is gone, and counts its rows. An
// INSERT of one partition is there whole or not at all; any other count is an
// error, and means that the table is not what this program made it.
func landed(ctx context.Context, a attempt, rows int) (bool, error) {
	if err := a.at.KillQueries(ctx, a.query); err != nil {
		return false, err
	}
	n, err := a.at.CountInsert(ctx, a.table, a.id)
	if err != nil {
		return false, err
	}
	switch n {
	case 0:
		return rows == 0, nil //guard:insert-not-assumed
	case uint64(rows):
		return true, nil
	}
	return false, &PartialError{Table: a.table, Insert: a.id, Sent: rows, Stored: n}
}

// visible counts the rows of an INSERT that was acknowledged. An error means that
// this user does not see all that it wrote.
func visible(ctx context.Context, a attempt, rows int) error {
	n, err := a.at.CountInsert(ctx, a.table, a.id)
	if err != nil || n == uint64(rows) { //guard:first-insert-seen
		return err
	}
	return &HiddenError{Table: a.table, Insert: a.id, Sent: rows, Stored: n}
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
	return fmt.Sprintf("insert %d into %s: %d rows were acknowledged, and %d are seen; a row policy, a TTL or an engine that makes one row of several takes them away (see ingest check). "+
		"Loading stops here, as rows that landed could no longer be told from rows that were lost", e.Insert, e.Table, e.Sent, e.Stored)
}

// PartialError reports an INSERT that is neither whole nor absent.
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
