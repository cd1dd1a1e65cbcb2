package insert

import (
	"context"
	"strings"
	"sync"

	"rawlogs/internal/store"
)

// views are the INSERTs whose rows landed, but whose answer was an error all the
// same: that of a materialized view of an analyst's, which the rows went on to. It is
// safe for concurrent use.
type views struct {
	mu    sync.Mutex
	wrong map[uint64]string // by the INSERT's id
}

// viewFailed notes an error of an INSERT whose rows landed. Where nothing can have gone on to
// a view, it was about the connection: the server gives up one that is silent for too long,
// perhaps one over which no row came.
func (s *Sender) viewFailed(ctx context.Context, a attempt, rows int, err error) {
	if rows == 0 || store.Retryable(err) && !a.feeds(ctx) { //guard:timeout-no-view
		s.patience.Log.Warn("the rows are stored, though the server answered with an error", "insert", a.id, "rows", rows, "err", err)
		return
	}
	if s.views.add(a.id, err) { //guard:view-error-kept
		s.patience.Log.Error("the rows are stored, but the server answered with an error, as it does when a materialized view fails on them", "insert", a.id, "err", err)
	}
}

// feeds reports whether its table's rows go on to other tables, as far as that is known.
func (a attempt) feeds(ctx context.Context) bool {
	var views uint64
	err := a.at.Conn().QueryRow(ctx, "SELECT ifNull(sum(length(dependencies_table)), 0) FROM system.tables WHERE database = ? AND name = ?", a.at.Database(), a.table).Scan(&views)
	return err != nil || views > 0
}

// Complaint returns the first line of the server's complaint about one of the INSERTs,
// whose rows are stored nevertheless; "" for none. It is the server's own text.
func (s *Sender) Complaint(inserts []uint64) string { return s.views.of(inserts) }

// add notes why the server complained of an INSERT whose rows it holds. An answer that
// was only lost says nothing of views.
func (v *views) add(insert uint64, err error) bool {
	if !store.Refused(err) {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.wrong == nil {
		v.wrong = make(map[uint64]string)
	}
	v.wrong[insert], _, _ = strings.Cut(err.Error(), "\n")
	return true
}

// of returns the complaint about one of the INSERTs, "" for none.
func (v *views) of(inserts []uint64) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, id := range inserts {
		if text := v.wrong[id]; text != "" {
			return text
		}
	}
	return ""
}
