package reconcile

import (
	"context"
	"fmt"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
)

// explainReport says of days whose conversions in the report's table differ from the
// network's total how the day stands in the ledger. What was read right may differ by
// now: conversions are approved and rejected for weeks.
func (j *job) explainReport(ctx context.Context, lines []Line) error {
	entries, err := checkpoint.Open(j.st, j.Network).Entries(ctx, checkpoint.Filter{Types: []rawlog.Type{rawlog.ConversionReport}, Periods: []rawlog.Period{j.period}})
	if err != nil {
		return err
	}
	byDay := map[string]*checkpoint.Entry{}
	for i := range entries {
		byDay[entries[i].File.Hour.UTC().Format(isoDay)] = &entries[i]
	}
	for i := range lines {
		if l := &lines[i]; l.Difference != 0 && l.Expired {
			l.Reasons = []Cause{expiredCause(l)}
		} else if l.Difference != 0 {
			l.Reasons = []Cause{reportCause(l, byDay[l.Day])}
		}
	}
	return nil
}

// expiredCause says of a line whose month is over why its rows are not there.
func expiredCause(l *Line) Cause {
	return Cause{Kind: Expired, Rows: l.Difference, Text: "the month is over: its rows are dropped (ingest schema ttl says for how long they are kept)"}
}

func reportCause(l *Line, e *checkpoint.Entry) Cause {
	day := l.Day[:4] + l.Day[5:7] + l.Day[8:]
	c := Cause{Rows: l.Difference}
	if e != nil {
		c.Files = []string{plain.Text(e.File.Name)}
	}
	switch {
	case e == nil:
		c.Kind, c.Text = Missing, "the report of this day was never loaded: ingest conversions "+day
	case e.State == checkpoint.Failed:
		c.Kind, c.Error = FailedFile, plain.Text(e.Error)
		c.Text = fmt.Sprintf("the report of this day failed: %s", c.Error)
	case e.State != checkpoint.Loaded:
		c.Kind, c.Text = Unfinished, "the report of this day is being loaded, or the run that did so died: ingest conversions "+day
	default:
		c.Kind = Late
		c.Text = fmt.Sprintf("the day was last read on %s; conversions have changed since, or the network counts others: ingest conversions %s reads it again",
			e.UpdatedAt.UTC().Format(time.DateTime), day)
	}
	return c
}
