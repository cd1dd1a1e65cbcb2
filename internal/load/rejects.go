package load

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// RejectedTable holds the lines that did not split into their header's fields.
const RejectedTable = store.RejectedRows

// Reject is one piece of a line that did not split. Piece counts from 0; only
// lines longer than a piece have more than one.
type Reject struct {
	File   rawlog.File
	Line   uint32
	Piece  uint32
	Reason string
	Raw    string
}

// SendRejects writes the lines, whose files' hours must lie in one month, in
// one INSERT of one block. After an error the outcome is unknown: see Landed.
func SendRejects(ctx context.Context, st *store.Store, network string, id uint64, queryID string, lines []Reject) error {
	err := st.Write(ctx, store.Op{Kind: "rejects", Detail: RejectedTable}, func(ctx context.Context) error {
		ctx = clickhouse.Context(st.InsertContext(ctx), clickhouse.WithQueryID(queryID))
		batch, err := st.Conn().PrepareBatch(ctx, `
			INSERT INTO rejected_rows (network, log_type, file, hour, line, piece, reason, raw, _insert)`)
		if err != nil {
			return err
		}
		defer batch.Close()
		for _, l := range lines {
			if err := batch.Append(network, string(l.File.Type), l.File.Name, l.File.Hour, l.Line, l.Piece, l.Reason, l.Raw, id); err != nil {
				return err
			}
		}
		return batch.Send()
	})
	if err != nil {
		return fmt.Errorf("insert %s into %s: %w", queryID, RejectedTable, err)
	}
	return nil
}
