package insert

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/load"
	"rawlogs/internal/records"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// Columns that have values in some blocks of an INSERT and none in others, which are sent in two
// forms, are stored as they are: in each arrangement of four blocks, in columns of the sorting
// key and of roll-ups as well, and after a merge.
func TestColumnsWithoutValues(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	tables, err := load.OpenTables(t.Context(), st, "clicks")
	if err != nil {
		t.Fatal(err)
	}
	stream, err := NewStream(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stream.Close(); err != nil {
			t.Error(err)
		}
	}()
	header := []string{"transaction_id", "affiliate_sub1", "payout_group_id", "offer_id", "is_click_unique", "datetime"}
	layout := load.NewLayout(tables[0], header)
	const blocks, rows, run = 4, 3, "20260101t000000-0000b000" // other tests send INSERTs of their own to the same server
	var want []string
	for arrangement := range 1 << blocks {
		next := 0
		fill := func(_ context.Context, b *load.Block) error {
			var cells [][]string
			for r := range rows {
				rec := []string{fmt.Sprintf("%02d-%d-%d", arrangement, next, r), "", "0", "0", "0", "2016-09-09 09:00:00"}
				if arrangement>>next&1 == 1 && r != 1 {
					rec[1], rec[2], rec[3], rec[4] = "sub", "7", "9", "1"
				}
				cells = append(cells, rec)
				want = append(want, strings.Join(rec, " "))
			}
			if _, err := b.Append(batchOf(cells), layout); err != nil {
				return err
			}
			if next++; next == blocks {
				return ErrComplete
			}
			return nil
		}
		id := uint64(arrangement + 1)
		if n, err := stream.Send(t.Context(), st.Home(), id, QueryID(run, id), layout.Shape(), fill); err != nil || n != blocks*rows {
			t.Fatalf("arrangement %04b: %d rows, %v", arrangement, n, err)
		}
	}
	server := stream.lines[st.Home()].ServerInfo()
	if !load.Sparse(server.Major, server.Minor) {
		t.Fatalf("ClickHouse %d.%d is sent one form only", server.Major, server.Minor)
	}
	look := func(when string) {
		t.Helper()
		var got []string
		if err := st.Conn().QueryRow(t.Context(), "SELECT arraySort(groupArray(concatWithSeparator(' ', "+strings.Join(header, ", ")+"))) FROM "+st.Holding("clicks")).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: got\n%s\nwant\n%s", when, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		differ, err := st.DifferentRollUps(t.Context(), "clicks", "acme")
		if err != nil || len(differ) > 0 {
			t.Errorf("%s: roll-ups differ: %v, %v", when, differ, err)
		}
	}
	look("stored")
	err = st.Write(t.Context(), store.Op{Kind: "merge"}, func(ctx context.Context) error {
		return st.Conn().Exec(ctx, "OPTIMIZE TABLE "+st.Holding("clicks")+" FINAL")
	})
	if err != nil {
		t.Fatal(err)
	}
	look("merged")
}

// batchOf has records of a file of the network acme, cut into cells.
func batchOf(cells [][]string) *load.Batch {
	hour := time.Date(2016, 9, 9, 9, 0, 0, 0, time.UTC)
	b := &load.Batch{Network: "acme", File: "f.zip", Hour: hour, Clock: load.NewClock(time.UTC), Records: &records.Records{Valid: true, Rows: len(cells), Width: len(cells[0])}}
	b.Clock.Reset(hour, hour.Add(time.Hour))
	for i, rec := range cells {
		b.Lines = append(b.Lines, uint32(i+2))
		for _, v := range rec {
			b.Fields = append(b.Fields, records.Field{Off: uint32(len(b.Text)), Len: uint32(len(v))})
			b.Text = append(append(b.Text, v...), ',')
		}
	}
	return b
}
