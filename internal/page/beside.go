package page

import (
	"context"
	"fmt"
	"strings"

	"rawlogs/internal/evolve"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/reconcile"
	"rawlogs/internal/runs"
	"rawlogs/internal/store"
)

// count compares the rows of each file in the store with those that the ledger says.
func (g *gathering) count(ctx context.Context) error {
	for _, k := range g.kinds {
		if len(k.files) == 0 {
			continue
		}
		counts, err := g.st.CountRows(bounded(ctx, g.limits), store.Scope{Network: g.q.Network, Type: k.typ})
		if err != nil {
			return err
		}
		stored := make(map[string]uint64, len(counts))
		for of, n := range counts {
			stored[plain.Text(of.File)] += n
		}
		k.counted = true
		for i := range k.files {
			f := &k.files[i]
			f.stored = stored[f.name]
			if f.stored != f.rows && (f.state == Loaded || f.state == Noted) { //guard:page-differs
				f.state = Differs
			}
		}
	}
	return nil
}

// compare reads what was kept of the network's own reports.
func (g *gathering) compare(ctx context.Context) error {
	days, err := reconcile.Kept(bounded(ctx, g.limits), g.st, g.q.Zones, reconcile.Config{Network: g.q.Network, Tolerance: g.q.Tolerance, NotCounted: g.q.NotCounted})
	if err != nil {
		return err
	}
	for _, d := range days {
		for _, k := range g.kinds {
			if k.typ != d.Type {
				continue
			}
			r := Report{Day: d.Day, Store: d.Store, Network: d.Network, Differs: !d.Within && !d.Open}
			for _, h := range d.Hours {
				for _, utc := range h.UTC {
					at := utc.Unix() / hourSeconds
					r.Hours = append(r.Hours, [3]int64{at, h.Store, h.Network})
					if !d.Open {
						k.differs[at] = true
					}
				}
			}
			k.report = append(k.report, r)
		}
	}
	return nil
}

// readRejected sums up the lines that were not rows by their reason.
func readRejected(ctx context.Context, st *store.Store, network string) ([]Rejected, error) {
	rows, err := st.Conn().Query(ctx, `
		SELECT log_type, toString(reason), countIf(piece = 0) AS lines, uniqExact(file), toInt64(max(toUnixTimestamp(hour)))
		FROM `+st.TableName(store.RejectedRows)+`
		WHERE network = ? GROUP BY log_type, reason ORDER BY lines DESC, log_type, reason LIMIT ?`, network, mostLines)
	if err != nil {
		return []Rejected{}, err
	}
	defer rows.Close()
	out := []Rejected{}
	for rows.Next() {
		var r Rejected
		if err := rows.Scan(&r.Type, &r.Reason, &r.Lines, &r.Files, &r.Last); err != nil {
			return out, err
		}
		r.Type, r.Reason, r.Last = plain.Text(r.Type), plain.Line(r.Reason, 300), r.Last/hourSeconds
		out = append(out, r)
	}
	return out, rows.Err()
}

// readHeaders lists what is in _rescued by name.
func readHeaders(ctx context.Context, st *store.Store) ([]Header, error) {
	drifted, err := evolve.Drift(ctx, st, rawlog.Types())
	out := []Header{}
	for _, d := range drifted[:min(len(drifted), mostLines)] {
		out = append(out, Header{Type: d.Table, Name: plain.Line(d.Header, 200), Column: d.Column, Rows: d.Rows, Files: d.Files, Last: d.Last.Unix() / hourSeconds})
	}
	return out, err
}

// readDisk sums up the parts of our tables by month.
func readDisk(ctx context.Context, st *store.Store) ([]Disk, error) {
	parts, database := st.Parts()
	rows, err := st.Conn().Query(ctx, `
		SELECT table, if(match(partition, '^[0-9]{6}$'), partition, '') AS month, sum(bytes_on_disk), sum(parts.rows)
		FROM `+parts+` AS parts
		WHERE active AND database = ?
		GROUP BY table, month ORDER BY table, month LIMIT 5000`, database)
	if err != nil {
		return []Disk{}, err
	}
	defer rows.Close()
	out := []Disk{}
	for rows.Next() {
		var d Disk
		if err := rows.Scan(&d.Table, &d.Month, &d.Bytes, &d.Rows); err != nil {
			return out, err
		}
		d.Table = plain.Text(d.Table)
		out = append(out, d)
	}
	return out, rows.Err()
}

// readRuns lists the latest runs, newest first.
func readRuns(ctx context.Context, st *store.Store, network string) ([]Run, error) {
	all, err := runs.List(ctx, st, runs.Filter{Network: network, Limit: mostLines})
	out := []Run{}
	for _, r := range all {
		out = append(out, Run{ID: plain.Text(r.Name), Command: plain.Line(r.Command, 100), Begun: r.Begun.Unix(), Seconds: r.Seconds, Status: string(r.Outcome),
			Rows: r.Rows, Files: r.Loaded, Error: plain.Line(r.Error, 300)})
	}
	return out, err
}

// readKeep is for how many days the source keeps files, as the last run that asked it
// wrote down.
func readKeep(ctx context.Context, st *store.Store, network string) (map[rawlog.Type]int, error) {
	var days map[string]uint16
	err := st.Conn().QueryRow(ctx, "SELECT argMaxIf(kept_days, begun, notEmpty(kept_days)) FROM "+st.TableName("ingest_runs")+" WHERE network = ?", network).Scan(&days)
	keep := map[rawlog.Type]int{}
	for typ, n := range days {
		keep[rawlog.Type(typ)] = int(n)
	}
	return keep, err
}

// readLooked is until when loads had looked at the hours of each day.
func readLooked(ctx context.Context, st *store.Store, network string) (map[rawlog.Type]map[int64]int64, error) {
	out := map[rawlog.Type]map[int64]int64{}
	rows, err := st.Conn().Query(ctx, "SELECT log_type, toInt64(toUInt16(day)), toInt64(toUnixTimestamp(upto)) FROM "+st.TableName("ingest_looked")+" WHERE network = ?", network)
	if err != nil {
		return out, err
	}
	defer rows.Close()
	for rows.Next() {
		var typ string
		var day, upto int64
		if err := rows.Scan(&typ, &day, &upto); err != nil {
			return out, err
		}
		if out[rawlog.Type(typ)] == nil {
			out[rawlog.Type(typ)] = map[int64]int64{}
		}
		out[rawlog.Type(typ)][day] = upto
	}
	return out, rows.Err()
}

// readLast is when a run last listed the source, in seconds since 1970; 0 is never.
func readLast(ctx context.Context, st *store.Store, network string) (int64, error) {
	var at int64
	err := st.Conn().QueryRow(ctx, "SELECT toInt64(toUnixTimestamp(ifNull(max(listed_at), toDateTime64(0, 3)))) FROM "+st.TableName("ingest_runs")+" WHERE network = ?", network).Scan(&at)
	return at, err
}

// Lengths writes the states of hours that follow each other as a letter and a count: o23f1.
func Lengths(states []State) string {
	var b strings.Builder
	for i := 0; i < len(states); {
		end := i
		for end < len(states) && states[end] == states[i] {
			end++
		}
		fmt.Fprintf(&b, "%c%d", states[i], end-i)
		i = end
	}
	return b.String()
}
