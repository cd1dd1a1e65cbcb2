package simnet

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// Scenario is some days of a network's life, with what is odd about real ones:
// hours without rows, broken lines, a header that changes halfway, a column that
// nobody knows and a file that comes late.
type Scenario struct {
	Start time.Time     // first UTC day
	Days  int           // 3
	Types []rawlog.Type // all
	// NewHeader is when the header of 2022 takes over; zero: halfway.
	NewHeader time.Time
	// Conversions names the header of their logs (see gen.Variants); "" goes by NewHeader
	// as the others do.
	Conversions string
	// Plain leaves out every oddity but the change of headers.
	Plain bool
}

// UnknownColumn is the column that some files of a scenario have and no schema
// knows.
const UnknownColumn = "traffic_quality"

// Live publishes a scenario's files; late ones are uploaded and kept out of the
// listings until Release. It returns the number of files that are listed.
func (n *Network) Live(ctx context.Context, s Scenario) (int, error) {
	if s.Days <= 0 {
		s.Days = 3
	}
	if len(s.Types) == 0 {
		s.Types = rawlog.Types()
	}
	s.Start = s.Start.UTC().Truncate(24 * time.Hour)
	if s.NewHeader.IsZero() {
		s.NewHeader = s.Start.Add(time.Duration(s.Days) * 12 * time.Hour)
	}
	logs := gen.New(gen.Config{
		Seed: n.cfg.Seed, ID: n.cfg.ID, Clicks: n.cfg.Clicks, Flat: n.cfg.Flat, Since: s.Start, Decisions: n.cfg.Decisions, Habits: n.cfg.Habits,
		Count: func(t rawlog.Type, hour time.Time) int {
			if s.empty(t, hour) {
				return 0
			}
			return n.logs.Curve(t, hour)
		},
	})
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2) // writing is bound by the processor, and a test's machine is small
	listed := 0
	for h := range s.Days * 24 {
		hour := s.Start.Add(time.Duration(h) * time.Hour)
		for _, t := range s.Types {
			late := s.late(t, hour)
			if !late {
				listed++
			}
			group.Go(func() error {
				_, err := n.publish(ctx, logs, gen.FileName(t, hour, n.cfg.Seed), s.spec(t, hour), !late)
				return err
			})
		}
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	return listed, nil
}

// Release lists the files that were held back, and returns how many those were.
func (n *Network) Release() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	released := 0
	for _, f := range n.files {
		if f.late && !f.listed {
			f.listed = true
			released++
		}
	}
	return released
}

// hours since the scenario's start, which its oddities go by.
func (s Scenario) index(hour time.Time) int { return int(hour.Sub(s.Start) / time.Hour) }

// One early morning of each day has no rows of a type.
func (s Scenario) empty(t rawlog.Type, hour time.Time) bool {
	i := s.index(hour)
	if s.Plain || i < 0 {
		return false
	}
	switch t {
	case rawlog.Clicks:
		return i%24 == 3
	case rawlog.Conversions:
		// Without clicks in the hour none converts; and one more hour is dull.
		return i%24 == 3 || i%24 == 4
	default:
		return i%24 == 5
	}
}

// The clicks of the first day's last but one hour come late.
func (s Scenario) late(t rawlog.Type, hour time.Time) bool {
	return !s.Plain && t == rawlog.Clicks && s.index(hour) == 22
}

func (s Scenario) spec(t rawlog.Type, hour time.Time) gen.Spec {
	year := 2016
	if !hour.Before(s.NewHeader) {
		year = 2022
	}
	spec := gen.Spec{Type: t, Hour: hour, Header: gen.Header(t, year)}
	if t == rawlog.Conversions && s.Conversions != "" {
		spec.Header = gen.ConversionHeader(s.Conversions)
	}
	if s.Plain {
		return spec
	}
	if s.empty(t, hour) {
		spec.Empty = true
		return spec
	}
	i := s.index(hour)
	if t == rawlog.Clicks && i%24 >= 12 && i%24 < 18 {
		spec.Unknown = []gen.UnknownColumn{{Name: UnknownColumn, At: 20, Values: []string{"", "good", "bad", `"odd", 50 %`}}}
	}
	if i%11 == 7 {
		spec.Broken = 1 + i%5
	}
	return spec
}

// String says what the scenario spans: 20160909 + 3 days.
func (s Scenario) String() string {
	return fmt.Sprintf("%s + %d days", s.Start.Format(rawlog.DayLayout), s.Days)
}
