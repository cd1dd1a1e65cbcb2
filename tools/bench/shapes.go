package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// insertShape is how rows go to the server: rows an INSERT and a wire block, and what the
// table is told about the parts that they become. A zero means what is usual.
type insertShape struct {
	what        string
	rows, block int
	settings    string // of the table
}

// compact makes the parts of INSERTs hold all columns in one file each.
const compact = "min_level_for_wide_part = 1"

// insertShapes are those that docs/performance.md has a line for.
func insertShapes() []insertShape {
	return []insertShape{
		{what: "as it is"},
		{rows: 500_000, block: 65_536},
		{rows: 250_000, block: 8_192},
		{rows: 150_000, block: 8_192},
		{rows: 150_000, block: 50_000},
		{rows: 100_000, block: 8_192},
		{rows: 100_000, block: 100_000},
		{rows: 50_000, block: 8_192},
		{rows: 50_000, block: 50_000},
		{what: "compact parts", settings: compact},
		{what: "150000 rows, compact parts", rows: 150_000, settings: compact},
		{what: "no sync", settings: "fsync_after_insert = 0, fsync_part_directory = 0"},
	}
}

func (s insertShape) String() string {
	if s.what != "" {
		return s.what
	}
	return fmt.Sprintf("%d rows in blocks of %d", s.rows, s.block)
}

// shapes loads the hours in each shape with this program's own pipeline, as the product has
// no settings for them.
func shapes(ctx context.Context, o options, srv *server, _ *ingest, t *report) error {
	ds := dataSets()[0]
	if err := ds.make(o.data); err != nil {
		return fmt.Errorf("data set %s: %w", ds.Name, err)
	}
	o.ingest = "self"
	self, err := newIngest(o, srv)
	if err != nil {
		return err
	}
	all := insertShapes()
	results := make([][]sample, len(all))
	var held content
	for round := range o.rounds {
		turn := make([]int, len(all))
		for i := range turn {
			turn[i] = i
		}
		if round%2 == 1 {
			slices.Reverse(turn)
		}
		for _, i := range turn {
			s, err := srv.shaped(ctx, self, ds, all[i])
			if err != nil {
				return fmt.Errorf("%s: %w", all[i], err)
			}
			if held.Rows == 0 {
				held = s.content
			}
			if want := uint64(ds.Files * ds.Rows); s.content != held || held.Rows != want {
				return fmt.Errorf("%s: %+v instead of %+v; want %d rows", all[i], s.content, held, want)
			}
			fmt.Fprintf(os.Stderr, "shape %d %s: %.2f s, client %.2f, server %.2f, merges %.2f, %d inserts, %d MiB\n", round+1, all[i],
				s.wall.Seconds(), s.cpu.Seconds(), s.server.Seconds(), s.merges.Seconds(), s.inserts, s.rss>>20)
			results[i] = append(results[i], s)
		}
	}
	out := table.NewWriter()
	out.SetStyle(table.StyleLight)
	out.AppendHeader(table.Row{"hours, shape of INSERTs", "INSERTs", "wall s", "client CPU s", "server CPU s", "merges CPU s", "all CPU s", "all ÷ first", "MiB"})
	var first time.Duration
	for i, of := range results {
		m := typical(of)
		whole := m.merged()
		if i == 0 {
			first = whole
		}
		out.AppendRow(table.Row{all[i], m.inserts, seconds(m.wall), seconds(m.cpu), seconds(m.server), seconds(m.merges), seconds(whole), ratio(whole, first), m.rss >> 20})
	}
	t.notes = append(t.notes, out.Render())
	return nil
}

// shaped loads the data set in a shape into tables that are empty.
func (s *server) shaped(ctx context.Context, ing *ingest, ds *dataSet, shape insertShape) (sample, error) {
	ing.rows, ing.block = shape.rows, shape.block
	return measure(ctx, s, func() (usage, error) {
		if shape.settings != "" {
			if err := s.execute(ctx, "ALTER TABLE "+s.st.Holding("clicks")+" MODIFY SETTING "+shape.settings); err != nil {
				return usage{}, err
			}
		}
		return ing.backfill(ctx, ds.zips())
	})
}
