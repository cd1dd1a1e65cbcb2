package faults

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rawlogs/internal/store"
)

// A column whose type is changed between a run's look at the table and its
// INSERTs ends the run, at once and with a word on what to do: the server would
// convert what was made for the old type in its own ways, which wrap and round.
// The next run gives the column what fits it as it is and keeps the rest in
// _rescued to the letter.
func TestColumnTypeChanged(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ column, typ, was string }{
		{"creative_url_id", "UInt8", "UInt32"},
		{"creative_url_id", "Nullable(UInt8)", "UInt32"},
		{"advertiser_id", "UUID", "UInt32"},
		{"advertiser_id", "Array(UInt32)", "UInt32"},
		{"revenue_cents", "Decimal(18, 1)", "Decimal(18, 4)"},
	} {
		t.Run(tc.column+"/"+tc.typ, func(t *testing.T) {
			t.Parallel()
			r := newDatabase(t).rig(t)
			for _, rollUp := range []string{"country", "offer", "affiliate", "day"} { // which keep columns from being altered
				r.exec("ALTER TABLE clicks DROP PROJECTION rollup_" + rollUp)
			}
			f := r.folder()
			for i := range 2 {
				name, body := r.clicks(i, 60)
				f.put(name, body)
			}
			alter := func(typ string) {
				r.exec("ALTER TABLE clicks DROP COLUMN " + tc.column + ", ADD COLUMN " + tc.column + " " + typ)
				if r.st.Cluster() == "" {
					return
				}
				if _, err := r.st.Apply(r.Context()); err != nil { // what stands for the tables of all shards
					r.Error(err)
				}
			}
			var once sync.Once
			st := r.address("", func(ctx context.Context, op store.Op, do func(context.Context) error) error {
				if op.Kind == "insert" {
					once.Do(func() { alter(tc.typ) })
				}
				return do(ctx)
			})
			begin := time.Now()
			_, err := r.runOn(st, f.source())
			switch said := "column " + tc.column + " was " + tc.was + " when the run began and is " + tc.typ + " now; run again"; {
			case err == nil || !store.Fatal(err) || !strings.Contains(err.Error(), said):
				t.Errorf("want %q: %v", said, err)
			case time.Since(begin) > 15*time.Second:
				t.Errorf("took %v", time.Since(begin))
			}
			if n := r.count("SELECT count() FROM clicks"); n != 0 {
				t.Errorf("%d rows came through", n)
			}
			if sum, err := r.run(f.source()); err != nil || sum.Loaded != 2 {
				t.Fatalf("%v, %+v", err, sum)
			}
			r.asLogged(tc.column, tc.typ)
			alter(tc.was)
			r.options.Reload = true
			if sum, err := r.run(f.source()); err != nil || sum.Loaded != 2 {
				t.Fatalf("reload: %v, %+v", err, sum)
			}
			r.options.Reload = false
			r.recover(f.source())
		})
	}
}

// asLogged compares a column of clicks with the files: what is there is the
// file's own value, or its text is in _rescued.
func (r *rig) asLogged(column, typ string) {
	r.Helper()
	type place struct {
		file string
		line int
	}
	logged := make(map[place]string)
	for k, w := range r.want {
		for _, row := range w.rows {
			logged[place{k.name, row.Line}] = row.Fields[slices.Index(w.header, column)]
		}
	}
	rows, err := r.st.Conn().Query(r.Context(), "SELECT toString(_file), _line, ifNull(toString("+column+"), ''), _rescued['"+column+"'] FROM clicks WHERE network = ?", r.network)
	if err != nil {
		r.Fatal(err)
	}
	defer rows.Close()
	kept, all := 0, 0
	for ; rows.Next(); all++ {
		var at place
		var line uint32
		var value, rescued string
		if err := rows.Scan(&at.file, &line, &value, &rescued); err != nil {
			r.Fatal(err)
		}
		at.line = int(line)
		want := logged[at]
		switch {
		case rescued != "":
			kept++
			value = rescued
		case want == "":
			value = ""
		case strings.HasPrefix(typ, "Decimal"):
			value, want = decimal(r, value), decimal(r, want)
		}
		if value != want {
			r.Fatalf("%v: %q, rescued %q, logged %q", at, value, rescued, want)
		}
	}
	if err := rows.Err(); err != nil {
		r.Fatal(err)
	}
	if kept == 0 || all != len(logged) {
		r.Errorf("%d of %d rows, %d of them rescued", all, len(logged), kept)
	}
}
