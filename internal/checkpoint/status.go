package checkpoint

import (
	"context"
	"fmt"
	"time"

	"rawlogs/internal/rawlog"
)

// DayStatus sums up the files of one type whose hours lie on one UTC day.
type DayStatus struct {
	Type        rawlog.Type
	Day         time.Time
	Loaded      uint64 // files
	Loading     uint64
	Planned     uint64
	Failed      uint64
	Expired     uint64
	Rows        uint64
	Rejected    uint64
	Rescued     uint64
	Inexact     uint64
	Bytes       uint64 // of ZIPs whose size is known
	DoubleHours uint64 // hours for which more than one file is known
}

// Status sums up the ledger by type and day, oldest first within a type.
func (l *Ledger) Status(ctx context.Context, types []rawlog.Type, periods []rawlog.Period) ([]DayStatus, error) {
	where, args := l.where(Filter{Types: types, Periods: periods})
	rows, err := l.st.Conn().Query(ctx, `
		SELECT log_type, toStartOfDay(hour) AS day,
		       countIf(state = 'loaded'), countIf(state = 'loading'), countIf(state = 'planned'), countIf(state = 'failed'), countIf(state = 'expired'),
		       sum(ingest_files.rows), sum(ingest_files.rejected), sum(ingest_files.rescued), sum(ingest_files.inexact),
		       toUInt64(sumIf(size, size > 0)), toUInt64(count() - uniqExact(toStartOfHour(hour)))
		FROM `+l.st.Holding("ingest_files")+` FINAL
		WHERE `+where+`
		GROUP BY log_type, day ORDER BY log_type, day`, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the ledger of files: %w", err)
	}
	defer rows.Close()
	var out []DayStatus
	for rows.Next() {
		var d DayStatus
		var typ string
		if err := rows.Scan(&typ, &d.Day, &d.Loaded, &d.Loading, &d.Planned, &d.Failed, &d.Expired, &d.Rows, &d.Rejected,
			&d.Rescued, &d.Inexact, &d.Bytes, &d.DoubleHours); err != nil {
			return nil, fmt.Errorf("reading the ledger of files: %w", err)
		}
		d.Type, d.Day = rawlog.Type(typ), d.Day.UTC()
		out = append(out, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the ledger of files: %w", err)
	}
	return out, nil
}
