package report

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/column"

	"rawlogs/internal/store"
)

const rowsTable = "report_stats_rows"

// Kept is the store's side of reports: report_stats of one network.
type Kept struct {
	st      *store.Store
	network string
}

// Open returns what is kept of a network in a store whose schema is applied.
func Open(st *store.Store, network string) *Kept { return &Kept{st: st, network: network} }

// Put replaces the answer's days with the answer: rows that are no longer
// reported are gone, days without rows are empty. Readers of report_stats see
// the former days or the new ones, never both or parts. When its outcome is
// unknown it may be called again.
func (k *Kept) Put(ctx context.Context, q Question, a Answer) error {
	version, err := k.nextVersion(ctx, q)
	if err != nil {
		return err
	}
	op := store.Op{Kind: "report", Detail: q.ID()}
	err = k.st.Write(ctx, op, func(ctx context.Context) error { return k.insert(ctx, q, a, version) })
	if err != nil {
		return fmt.Errorf("keeping the report of %s: %w", span{from: a.From, to: a.To}, err)
	}
	return k.sweep(ctx, q, a, version)
}

// nextVersion is above every version of the question. Its low bits are random:
// of two runs that ask the same at once one wins, whole.
func (k *Kept) nextVersion(ctx context.Context, q Question) (uint64, error) {
	var last uint64
	err := k.st.Conn().QueryRow(ctx, "SELECT max(version) FROM "+k.st.TableName(rowsTable)+" WHERE network = ? AND question = ?",
		k.network, q.ID()).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("reading the kept reports: %w", err)
	}
	return (last>>20+1)<<20 | rand.Uint64N(1<<20), nil
}

func (k *Kept) insert(ctx context.Context, q Question, a Answer, version uint64) error {
	batch, err := k.st.Conn().PrepareBatch(k.st.InsertContext(ctx), "INSERT INTO "+k.st.Holding(rowsTable)+
		" (network, question, day, row_key, version, question_text, asked_as, hour_offset, currency, dims, figures)")
	if err != nil {
		return err
	}
	defer func() { _ = batch.Close() }() // after Send it has nothing left to say
	id, text := q.ID(), q.Text()
	add := func(day time.Time, key string, dims map[string]string, figures exact) error {
		return batch.Append(k.network, id, day, key, version, text, string(q.As), int8(q.HourOffset), q.Currency, dims, figures)
	}
	for day := a.From; day.Before(a.To); day = day.AddDate(0, 0, 1) {
		if err := add(day, "", map[string]string{}, exact{}); err != nil {
			return err
		}
	}
	for _, row := range a.Rows {
		day, err := time.Parse(isoDay, row[dateField])
		if err != nil {
			return fmt.Errorf("row of %q: %w", row[dateField], err)
		}
		dims, figures := q.sort(row)
		if err := add(day, q.rowKey(row), dims, figures); err != nil {
			return fmt.Errorf("row %s: %w", q.rowKey(row), err)
		}
	}
	return batch.Send()
}

// sort parts a row's figures from the rest; a figure that Decimal(38, 10)
// cannot hold exactly stays a text.
func (q Question) sort(row Row) (map[string]string, exact) {
	dims, figures := map[string]string{}, exact{}
	for name, value := range row {
		f, ok := lookup(name, q.As)
		isDimension := slices.Contains(q.Groups, name) || ok && f.kind == dimension
		if d, exact := ParseDecimal(value); exact && !isDimension {
			figures[name] = d.String()
			continue
		}
		dims[name] = value
	}
	return dims, figures
}

// sweep deletes the generations that nothing shows any more.
func (k *Kept) sweep(ctx context.Context, q Question, a Answer, version uint64) error {
	where := "network = ? AND question = ? AND day >= toDate(?) AND day < toDate(?) AND version < ?"
	args := []any{k.network, q.ID(), a.From.Format(isoDay), a.To.Format(isoDay), version}
	var old uint64
	if err := k.st.Conn().QueryRow(ctx, "SELECT count() FROM "+k.st.Holding(rowsTable)+" WHERE "+where, args...).Scan(&old); err != nil {
		return fmt.Errorf("reading the kept reports: %w", err)
	}
	if old == 0 {
		return nil
	}
	if err := k.st.Delete(ctx, rowsTable, where, args...); err != nil {
		return fmt.Errorf("deleting replaced reports: %w", err)
	}
	return nil
}

// exact is a map of decimals as texts; the driver takes such maps in this
// form only, and reads the texts without a detour over floats.
type exact map[string]string

// Put is for reading maps, which is not done with this one.
func (exact) Put(any, any) {}

// Iterator walks the entries by name.
func (e exact) Iterator() column.MapIterator {
	return &exactIterator{e: e, keys: slices.Sorted(maps.Keys(e)), at: -1}
}

type exactIterator struct {
	e    exact
	keys []string
	at   int
}

func (i *exactIterator) Next() bool { i.at++; return i.at < len(i.keys) }
func (i *exactIterator) Key() any   { return i.keys[i.at] }
func (i *exactIterator) Value() any { return i.e[i.keys[i.at]] }
