package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// KeptDay is a day of a report that `ingest stats` kept, beside the store's rows.
type KeptDay struct {
	Type    rawlog.Type
	Day     string // of the network's zone: 2016-09-09
	Store   int64
	Network int64
	Open    bool       // some file of the day is not due yet
	Within  bool       // the tolerance
	Hours   []KeptHour // in order; nil where the report has none
}

// KeptHour is an hour of a KeptDay that is beyond the tolerance.
type KeptHour struct {
	UTC            []time.Time // the hours of files that it lies in
	Store, Network int64
}

// Kept compares the network's totals that are in report_stats with the rows in the
// store, as Run does, but asks nobody. Days without a kept report are left out; of
// several reports of a day the latest counts. Zone of cfg is ignored: zones say it.
func Kept(ctx context.Context, st *store.Store, zones rawlog.Zones, cfg Config) ([]KeptDay, error) {
	j := &job{Config: cfg, st: st}
	if len(j.Types) == 0 {
		j.Types = rawlog.Types()
	}
	var err error
	if j.Now != nil {
		j.now = j.Now()
	} else if j.now, err = st.Now(ctx); err != nil {
		return nil, err
	}
	if j.lives, err = checkpoint.Open(st, j.Network).Lifetimes(ctx); err != nil {
		return nil, err
	}
	var out []KeptDay
	for _, typ := range j.Types {
		reports, err := j.readKept(ctx, typ)
		if err != nil {
			return nil, err
		}
		for _, same := range byZone(reports, zones) {
			j.Zone = same.zone
			days, err := j.compareKept(ctx, typ, same.reports)
			if err != nil {
				return nil, err
			}
			out = append(out, days...)
		}
	}
	return out, nil
}

// keptReport is the latest report of a day.
type keptReport struct {
	day   time.Time
	total int64
	hours map[uint8]int64 // nil: it is not by hour
}

// noHour stands for the hour of a row that has none.
const noHour = 99

// readKept reads the latest report of each day that holds the whole network's figure.
func (j *job) readKept(ctx context.Context, typ rawlog.Type) ([]keptReport, error) {
	rows, err := j.st.Conn().Query(ctx, `
		SELECT day, argMax(total, asked), argMax(hours, asked)
		FROM
		(
			SELECT day, question, max(fetched_at) AS asked, toInt64(sum(figures[?])) AS total,
				sumMap(map(ifNull(hour, toUInt8(?)), toInt64(figures[?]))) AS hours
			FROM `+j.st.TableName("report_stats")+`
			WHERE network = ? AND asked_as = 'network' AND hour_offset = 0 AND question_text NOT LIKE '% where %' AND mapContains(figures, ?)
			GROUP BY day, question
		)
		GROUP BY day ORDER BY day`, Figure(typ), noHour, Figure(typ), j.Network, Figure(typ))
	if err != nil {
		return nil, fmt.Errorf("reading the kept reports: %w", err)
	}
	defer rows.Close()
	var out []keptReport
	for rows.Next() {
		var r keptReport
		if err := rows.Scan(&r.day, &r.total, &r.hours); err != nil {
			return nil, fmt.Errorf("reading the kept reports: %w", err)
		}
		if _, whole := r.hours[noHour]; whole {
			r.hours = nil
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the kept reports: %w", err)
	}
	return out, nil
}

type zoned struct {
	zone    *time.Location
	reports []keptReport
}

// byZone parts the reports, which are in order, by the zone of their day.
func byZone(reports []keptReport, zones rawlog.Zones) []zoned {
	var out []zoned
	for _, r := range reports {
		zone := zones.At(r.day)
		if n := len(out); n == 0 || out[n-1].zone != zone {
			out = append(out, zoned{zone: zone})
		}
		out[len(out)-1].reports = append(out[len(out)-1].reports, r)
	}
	return out
}

// compareKept counts the store's rows from the first of the days to the last.
func (j *job) compareKept(ctx context.Context, typ rawlog.Type, reports []keptReport) ([]KeptDay, error) {
	by := Day
	if slices.ContainsFunc(reports, func(r keptReport) bool { return r.hours != nil }) {
		by = Hour
	}
	first, last := reports[0].day, reports[len(reports)-1].day
	ours, err := j.countStore(ctx, typ, rawlog.Period{From: first, To: last.AddDate(0, 0, 1)}, by)
	if err != nil {
		return nil, err
	}
	days := map[string]int64{}
	for b, n := range ours {
		days[b.day] += n
	}
	out := make([]KeptDay, 0, len(reports))
	for _, r := range reports {
		d := KeptDay{Type: typ, Day: r.day.Format(isoDay), Network: r.total}
		d.Store = days[d.Day]
		if j.expired(Line{Type: typ, Day: d.Day}) {
			continue // the network alone has rows of it
		}
		d.Open = j.open(Line{Day: d.Day})
		d.Within = j.Tolerance.Allows(d.Store-d.Network, d.Network)
		if r.hours != nil {
			d.Hours = []KeptHour{}
			for _, h := range j.hoursOf(d.Day) {
				n, m := ours[bucket{day: d.Day, hour: h.hour}], r.hours[uint8(h.hour)]
				if !j.Tolerance.Allows(n-m, m) {
					d.Hours = append(d.Hours, KeptHour{UTC: h.utc, Store: n, Network: m})
				}
			}
		}
		out = append(out, d)
	}
	return out, nil
}
