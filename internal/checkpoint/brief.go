package checkpoint

import (
	"context"
	"fmt"
	"time"

	"rawlogs/internal/rawlog"
)

// Brief is what a calendar shows of an entry. A ledger of ten years has a quarter of
// a million entries, so it leaves out their lists of columns and INSERTs.
type Brief struct {
	Type     rawlog.Type
	Name     string
	Hour     time.Time
	State    State
	Attempt  uint32
	Run      string
	Rows     uint64
	Rescued  uint64
	Rejected uint64
	Error    string
	Kinds    []string // of its issues
	Texts    []string // a sentence for each
	Since    time.Time
	Ignored  string
	Updated  time.Time
}

// Brief returns the latest entries of the network by hour, at most so many, from the
// oldest of them on.
func (l *Ledger) Brief(ctx context.Context, types []rawlog.Type, most int) ([]Brief, error) {
	where, args := l.where(Filter{Types: types})
	rows, err := l.st.Conn().Query(ctx, `
		SELECT log_type, file, hour, toString(state), attempt, run, ingest_files.rows, rescued, rejected, error, issues, issue_texts, issue_since, ignored, updated_at
		FROM `+l.st.Holding("ingest_files")+` FINAL
		WHERE `+where+`
		ORDER BY hour DESC, log_type DESC, file DESC LIMIT ?`, append(args, most)...)
	if err != nil {
		return nil, fmt.Errorf("reading the ledger of files: %w", err)
	}
	defer rows.Close()
	var out []Brief
	for rows.Next() {
		var b Brief
		var typ, state string
		var since *time.Time
		if err := rows.Scan(&typ, &b.Name, &b.Hour, &state, &b.Attempt, &b.Run, &b.Rows, &b.Rescued, &b.Rejected,
			&b.Error, &b.Kinds, &b.Texts, &since, &b.Ignored, &b.Updated); err != nil {
			return nil, fmt.Errorf("reading the ledger of files: %w", err)
		}
		b.Type, b.State, b.Hour = rawlog.Type(typ), State(state), b.Hour.UTC()
		if since != nil {
			b.Since = since.UTC()
		}
		out = append(out, b)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the ledger of files: %w", err)
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out, nil
}

// Open reports whether it has issues that nobody said to ignore.
func (b *Brief) Open() bool { return len(b.Kinds) > 0 && b.Ignored == "" }
