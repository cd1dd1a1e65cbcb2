package convreport

import (
	"context"
	"time"
)

// Probe asks for one row of the day of an instant: whether the report may be read at all.
func (s *Source) Probe(ctx context.Context, at time.Time) error {
	y, m, d := at.In(s.Zone).Date()
	from := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	how := s.manner()
	how.by = byNothing
	if err := s.probe(ctx, span{from, from.AddDate(0, 0, 1)}, how, []string{datetimeField}); err != nil {
		return meaning(ctx, err)
	}
	return nil
}
