package pipeline

import (
	"context"
	"slices"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// settleForgetting sets right what a dead `ingest forget` left in its middle.
func (r *run) settleForgetting(ctx context.Context, midway []*checkpoint.Entry) error {
	byType := make(map[rawlog.Type][]*checkpoint.Entry)
	for _, e := range midway {
		byType[e.File.Type] = append(byType[e.File.Type], e)
	}
	for typ, marked := range byType {
		r.Log.Warn("`ingest forget` died while deleting; counting what it left. Run it again with the same values", "type", typ, "files", len(marked))
		if err := r.settle(ctx, typ, marked); err != nil {
			return err
		}
	}
	return nil
}

// settle counts the rows of files of which some were to be deleted, and writes down how many
// are there and how many are gone.
func (r *run) settle(ctx context.Context, typ rawlog.Type, marked []*checkpoint.Entry) error {
	if len(marked) == 0 {
		return nil
	}
	files := make([]rawlog.File, len(marked))
	for i, e := range marked {
		files[i] = e.File
	}
	var held map[store.Rows]uint64
	err := r.steady(ctx, func(ctx context.Context) (err error) {
		held, err = r.st.CountRows(ctx, r.scopes(typ, span(files))[0], names(files)...)
		return err
	})
	if err != nil {
		return err
	}
	there := make(map[string]uint64)
	inserts := make(map[string][]uint64)
	for _, e := range marked {
		inserts[e.File.Name] = e.Inserts
	}
	for rows, n := range held {
		if slices.Contains(inserts[rows.File], rows.Insert) {
			there[rows.File] += n
		}
	}
	for _, e := range marked {
		forgot(e, there[e.File.Name])
		e.Run = r.id
	}
	return r.record(ctx, marked)
}

// forgot writes into an entry how many of its rows are there. Only as many as were to be
// deleted count as forgotten: if more are missing, the entry stays as it is and verify tells.
func forgot(e *checkpoint.Entry, there uint64) {
	if there <= e.Rows && e.Rows-there <= e.Forgetting { //guard:forget-bounded
		e.Forgotten += e.Rows - there
		e.Rows = there
	}
	e.Forgetting = 0
	e.Rescued, e.Inexact = min(e.Rescued, e.Rows), min(e.Inexact, e.Rows)
}
