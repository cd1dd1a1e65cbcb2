package pipeline

import (
	"math"
	"time"

	"rawlogs/internal/load"
)

// inserted logs an INSERT that was acknowledged: its rows, and its bytes before they
// were compressed.
func (r *run) inserted(table string, id uint64, rows int, bytes int64, begin time.Time) {
	r.Log.Debug("insert", "table", table, "insert", id, "rows", rows, "bytes", bytes, "seconds", seconds(begin))
}

// seconds is the time since begin, to the millisecond.
func seconds(begin time.Time) float64 {
	return math.Round(time.Since(begin).Seconds()*1000) / 1000
}

// textOf is the length of rejected lines together.
func textOf(rows []load.Reject) (n int64) {
	for _, r := range rows {
		n += int64(len(r.Raw))
	}
	return n
}
