package insert

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rawlogs/internal/load"
	"rawlogs/internal/store"
)

// Copy makes an empty table of a table's definition, on which rows are proven before they
// displace others, and hands it to try; then it drops it. An error of the server's about
// the rows is a *CopyError.
func (s *Sender) Copy(ctx context.Context, table *load.Table, try func(*load.Table) error) error {
	scratch := *table
	err := s.patience.Steady(ctx, func(ctx context.Context) error {
		scratch.Name = store.CopyOf(s.run, s.copies.Add(1), table.Name)
		return s.st.CopyTable(ctx, scratch.Name, table.Name)
	})
	if err != nil {
		return fmt.Errorf("making a copy of %s to try the rows on: %w", table.Name, err)
	}
	defer func() {
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		if failed := s.st.DropTable(after, scratch.Name); failed != nil {
			s.patience.Log.Warn("a copy of a table stays; `ingest check` drops it in a week", "table", scratch.Name, "err", failed)
		}
	}()
	err = try(&scratch)
	if store.RowsRefused(err) {
		return &CopyError{Table: table.Name, copied: scratch.Name, err: err}
	}
	return err
}

// CopyError is the server's refusal of rows that were tried on a copy of their table.
type CopyError struct {
	Table  string
	copied string
	err    error
}

func (e *CopyError) Error() string {
	return fmt.Sprintf("a copy of %s was given its rows first, as they would replace others, and refused them; the rows of before stay: %s",
		e.Table, strings.ReplaceAll(e.err.Error(), e.copied, e.Table))
}

func (e *CopyError) Unwrap() error { return e.err }
