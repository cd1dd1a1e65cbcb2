package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"rawlogs/internal/testkit/machine"
)

// The promises of docs/performance.md.
var limits = map[string]limit{
	"hours": {ratios: ratios{Wall: 0.50, CPU: 0.60, Merged: 0.72}},
	"small": {ratios: ratios{Wall: 0.42, CPU: 0.55, Merged: 0.72}, inserts: 12},
	"huge":  {ratios: ratios{Wall: 0.45, CPU: 0.55, Merged: 0.72}},
}

type limit struct {
	ratios
	inserts uint64
}

// ratios are those of a data set to ClickHouse's own reader. Merged is the CPU with that of the
// merges until one part of a month is left.
type ratios struct{ Wall, CPU, Merged float64 }

// The memory that ingest itself may use: on the data sets, and on whatever else there is.
const (
	maxLoadRSS = 192 << 20
	maxRSS     = 256 << 20
)

// missedError says that something was slower or larger than promised.
type missedError struct{ lines int }

func (e *missedError) Error() string { return fmt.Sprintf("%d lines missed", e.lines) }

// report collects the lines of the printed table.
type report struct {
	rows   []table.Row
	notes  []string // further tables
	checks []check

	stressed bool
}

// check is one promise and what was measured.
type check struct {
	what     string
	measured string
	promised string
	kept     bool
}

func (t *report) promise(what, measured, promised string, kept bool) {
	t.checks = append(t.checks, check{what, measured, promised, kept})
}

// add takes a data set's runs: each figure is the median of its rounds.
func (t *report) add(ds *dataSet, all runs) {
	reader := typical(all[byReader])
	for _, r := range rivals() {
		samples := all[r.name]
		if len(samples) == 0 {
			continue
		}
		m := typical(samples)
		row := table.Row{
			ds.Name, r.long, seconds(m.wall), seconds(m.cpu), seconds(m.server), seconds(m.merges),
			fmt.Sprintf("%.0f k", float64(m.content.Rows)/m.wall.Seconds()/1e3),
			fmt.Sprintf("%.0f", float64(ds.Bytes)/m.wall.Seconds()/1e6),
			"–", m.inserts, m.parts, "", "",
		}
		if m.rss > 0 && r.name != "shell" {
			row[8] = m.rss >> 20
		}
		if len(all[byReader]) > 0 {
			row[11], row[12] = ratio(m.wall, reader.wall), ratio(m.total(), reader.total())
		}
		t.rows = append(t.rows, row)
	}
	if len(all[byIngest]) == 0 {
		return
	}
	mine, want := typical(all[byIngest]), limits[ds.Name]
	if len(all[byReader]) > 0 {
		t.compare(ds.Name, ratios{quotient(mine.wall, reader.wall), quotient(mine.total(), reader.total()), quotient(mine.merged(), reader.merged())}, want.ratios)
	}
	if want.inserts > 0 {
		t.promise(ds.Name+": inserts into clicks", fmt.Sprint(mine.inserts), fmt.Sprintf("≤ %d", want.inserts), mine.inserts <= want.inserts)
	}
	t.memory(ds.Name, mine.rss, maxLoadRSS)
}

// mostStressed is how much worse than promised ratios may be beside the stress. It takes a core
// that ClickHouse's own reader of small files leaves idle, and ingest does not.
const mostStressed = 1.15

// compare holds ratios of a data set against those that are promised.
func (t *report) compare(name string, got, want ratios) {
	if t.stressed {
		want = ratios{want.Wall * mostStressed, want.CPU * mostStressed, want.Merged * mostStressed}
	}
	for _, line := range []struct {
		what      string
		got, want float64
	}{{"wall, of ClickHouse's own reader's", got.Wall, want.Wall}, {"CPU, likewise", got.CPU, want.CPU}, {"CPU with all merges, likewise", got.Merged, want.Merged}} {
		t.promise(name+": "+line.what, fmt.Sprintf("%.3f", line.got), fmt.Sprintf("≤ %.3f", line.want), line.got <= line.want)
	}
}

func (t *report) memory(what string, rss, most int64) {
	t.promise(what+": memory of ingest, the largest of all rounds", fmt.Sprintf("%d MiB", rss>>20), fmt.Sprintf("≤ %d MiB", most>>20), rss <= most)
}

// typical has the median of each figure.
func typical(samples []sample) (m sample) {
	if len(samples) == 0 {
		return m
	}
	pick := func(of func(sample) time.Duration) time.Duration {
		var all []time.Duration
		for _, s := range samples {
			all = append(all, of(s))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	m = samples[0]
	m.wall = pick(func(s sample) time.Duration { return s.wall })
	m.cpu = pick(func(s sample) time.Duration { return s.cpu })
	m.server = pick(func(s sample) time.Duration { return s.server })
	m.insert = pick(func(s sample) time.Duration { return s.insert })
	m.merges = pick(func(s sample) time.Duration { return s.merges })
	for _, s := range samples {
		m.rss, m.inserts, m.parts = max(m.rss, s.rss), max(m.inserts, s.inserts), max(m.parts, s.parts)
	}
	return m
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }

func quotient(a, b time.Duration) float64 { return a.Seconds() / b.Seconds() }

func ratio(a, b time.Duration) string { return fmt.Sprintf("%.2f", quotient(a, b)) }

// print writes what it ran on and both tables, and returns a *missedError when a promise is broken.
func (t *report) print(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "%s\n\n", machine.Describe()); err != nil {
		return err
	}
	if len(t.rows) > 0 {
		out := table.NewWriter()
		out.SetStyle(table.StyleLight)
		out.AppendHeader(table.Row{"data", "loaded by", "wall s", "client CPU s", "server CPU s", "merges CPU s", "rows/s", "MB/s", "MiB", "inserts", "parts", "wall ÷ reader", "CPU ÷ reader"})
		last := any(nil)
		for _, row := range t.rows {
			if last != nil && row[0] != last {
				out.AppendSeparator()
			}
			last = row[0]
			out.AppendRow(row)
		}
		if _, err := fmt.Fprintf(w, "Medians; every load left the same rows and hash.\n%s\n\n", out.Render()); err != nil {
			return err
		}
	}
	for _, note := range t.notes {
		if _, err := fmt.Fprintf(w, "%s\n\n", note); err != nil {
			return err
		}
	}
	if len(t.checks) == 0 {
		return nil
	}
	out := table.NewWriter()
	out.SetStyle(table.StyleLight)
	out.AppendHeader(table.Row{"must reach", "measured", "promised", ""})
	missed := 0
	for _, c := range t.checks {
		verdict := "ok"
		if !c.kept {
			verdict = "MISSED"
			missed++
		}
		out.AppendRow(table.Row{c.what, c.measured, c.promised, verdict})
	}
	if _, err := fmt.Fprintln(w, out.Render()); err != nil {
		return err
	}
	if missed > 0 {
		return &missedError{missed}
	}
	return nil
}
