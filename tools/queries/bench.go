package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/jedib0t/go-pretty/v6/table"

	"rawlogs/internal/store"
	"rawlogs/internal/testkit/machine"
)

// errMissed says that something took longer than promised, which the table has said.
var errMissed = errors.New("a line is missed")

// answer is what a question took.
type answer struct {
	question
	first, median time.Duration
	read          uint64 // rows
}

// bench asks everything and prints one table.
func bench(ctx context.Context, st *store.Store, o options) error {
	all, err := questions(ctx, st, o)
	if err != nil {
		return err
	}
	var answers []answer
	for _, q := range all {
		if !o.only.MatchString(q.group + ": " + q.name) {
			continue
		}
		a, err := ask(ctx, st, q, o.rounds)
		if err != nil {
			return fmt.Errorf("%s: %s: %w\n%s", q.group, q.name, err, q.sql)
		}
		fmt.Fprintf(os.Stderr, "%s: %s: %.3f s\n", q.group, q.name, a.median.Seconds())
		answers = append(answers, a)
	}
	if o.only.MatchString(reloading) {
		more, err := reload(ctx, st, o)
		if err != nil {
			return fmt.Errorf("%s: %w", reloading, err)
		}
		answers = append(answers, more...)
	}
	return show(os.Stdout, answers)
}

// ask asks a question once, and then so many times, and reads each answer to its end.
func ask(ctx context.Context, st *store.Store, q question, rounds int) (answer, error) {
	a := answer{question: q}
	var took []time.Duration
	for round := range rounds + 1 {
		wall, read, err := once(ctx, st, q.sql)
		if err != nil {
			return a, err
		}
		if round == 0 {
			a.first, a.read = wall, read
			continue
		}
		took = append(took, wall)
	}
	slices.Sort(took)
	a.median = a.first
	if len(took) > 0 {
		a.median = took[len(took)/2]
	}
	return a, nil
}

// once asks as an analyst's client does: with projections on, and as many threads as there are.
func once(ctx context.Context, st *store.Store, sql string) (wall time.Duration, read uint64, err error) {
	ctx = clickhouse.Context(st.Wide(ctx), clickhouse.WithSettings(clickhouse.Settings{"optimize_use_projections": 1, "max_threads": 0}),
		clickhouse.WithProgress(func(p *clickhouse.Progress) { read += p.Rows }))
	began := time.Now()
	rows, err := st.Conn().Query(ctx, sql)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return time.Since(began), read, rows.Err()
}

// show prints the answers, and returns errMissed where one took too long.
func show(w io.Writer, answers []answer) error {
	out := table.NewWriter()
	out.SetStyle(table.StyleLight)
	out.SetColumnConfigs([]table.ColumnConfig{{Number: 2, WidthMax: 72}})
	out.AppendHeader(table.Row{"", "question", "first s", "median s", "rows read", "promised s", ""})
	var missed error
	group := ""
	for _, a := range answers {
		if group != "" && group != a.group {
			out.AppendSeparator()
		}
		group = a.group
		verdict := "ok"
		if a.median > a.within {
			verdict, missed = "MISSED", errMissed
		}
		out.AppendRow(table.Row{a.group, a.name, fmt.Sprintf("%.3f", a.first.Seconds()), fmt.Sprintf("%.3f", a.median.Seconds()), a.read, fmt.Sprintf("%.1f", a.within.Seconds()), verdict})
	}
	if _, err := fmt.Fprintf(w, "%s\n%s\n", machine.Describe(), out.Render()); err != nil {
		return err
	}
	return missed
}
