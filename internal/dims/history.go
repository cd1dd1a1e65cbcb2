package dims

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"rawlogs/internal/ended"
	"rawlogs/internal/store"
)

// history is an entity's table of one network: every version of every row.
type history struct {
	st      *store.Store
	network string
	entity  Entity
	// extra is a column that is written with each version and does not count as
	// a change: how the row was found.
	extra, extraValue string
	log               *slog.Logger
	// trail tells when rows changed since the refresh before, at since; nil tells nothing.
	trail *trail
	since time.Time
}

// span is the ids from after, exclusive, to last, inclusive, of which a page
// shows every one that exists.
type span struct {
	after, last uint64
	// unchecked reports whether nothing counted the rows. Where most of them are
	// gone, the answer was cut short rather than the rows deleted.
	unchecked bool
}

// state is the latest version of a row in the store.
type state struct {
	key
	hash    uint64
	deleted bool
	from    time.Time
}

// key is what a row is known by: its id, its event, or both; see Entity.Event.
type key struct {
	id    uint64
	event string
}

// states are the latest versions by each of their keys.
type states struct {
	byID    map[uint64]state
	byEvent map[string]state
}

// add takes a version; of those with the same key, the latest comes last.
func (s states) add(v state) {
	if v.id != 0 {
		s.byID[v.id] = v
	}
	if v.event != "" {
		s.byEvent[v.event] = v
	}
}

// of finds a row's latest version: by event, which the vendor calls the primary key,
// else by id, which says nothing where the store knows another event by it.
func (s states) of(k key) (state, bool) {
	if v, ok := s.byEvent[k.event]; ok {
		return v, true
	}
	v, ok := s.byID[k.id]
	return v, ok && (k.event == "" || v.event == "")
}

// put writes what changed: a version for each row that is new or differs from
// its latest version, and, where whole is given, a deleted version for each row
// inside it that the page lacks. An attempt that fails is made again: it looks
// anew at what is there, so that a write whose answer was lost is not repeated.
func (h history) put(ctx context.Context, rows []version, whole *span) (changed, vanished int, err error) {
	pause := backoff.NewExponentialBackOff()
	for try := 1; ; try++ {
		c, v, err := h.once(ctx, rows, whole)
		changed, vanished = changed+c, vanished+v
		if err == nil || try == 6 || ctx.Err() != nil || !store.Retryable(err) {
			return changed, vanished, err
		}
		if err := ended.Wait(ctx, pause.NextBackOff()); err != nil {
			return changed, vanished, err
		}
		if rerr := h.st.Recover(ctx); rerr != nil && !store.Retryable(rerr) {
			return changed, vanished, rerr
		}
	}
}

func (h history) once(ctx context.Context, rows []version, whole *span) (changed, vanished int, err error) {
	have, now, err := h.latest(ctx, rows, whole)
	if err != nil {
		return 0, 0, err
	}
	var fresh []version
	seen := make(map[key]bool, len(rows))
	for _, v := range rows {
		was, ok := have.of(v.key)
		if ok { //guard:update-identity
			// The store knows both ids of a row that is shown with one of them.
			v.id, v.event = cmp.Or(v.id, was.id), cmp.Or(v.event, was.event)
		}
		if seen[v.key] {
			continue // an answer that shows a row twice
		}
		seen[v.key] = true
		if !ok || was.hash != v.hash || was.deleted || was.key != v.key {
			fresh = append(fresh, v)
		}
	}
	if len(fresh) > 0 {
		if err := h.insert(ctx, fresh, have, now); err != nil {
			return 0, 0, err
		}
	}
	var gone []uint64
	if whole != nil {
		for _, was := range have.byID {
			if !seen[was.key] && !was.deleted {
				gone = append(gone, was.id)
				now = later(now, was.from)
			}
		}
	}
	if len(gone) > 0 && whole.unchecked && len(gone) > len(seen) { //guard:vanished-few
		h.log.Warn("the list lacks most known entries; none counts as deleted", "entity", h.entity.Name, "shown", len(seen), "lacking", len(gone))
		gone = nil
	}
	if len(gone) == 0 {
		return len(fresh), 0, nil
	}
	slices.Sort(gone)
	return len(fresh), len(gone), h.bury(ctx, gone, have, now)
}

// latest reads the latest versions of the rows, and of everything in the span,
// and the server's time.
func (h history) latest(ctx context.Context, rows []version, whole *span) (states, time.Time, error) {
	var now time.Time
	if err := h.st.Conn().QueryRow(ctx, "SELECT now64(3, 'UTC')").Scan(&now); err != nil {
		return states{}, now, fmt.Errorf("reading %s: %w", h.entity.Table, err)
	}
	have := states{byID: make(map[uint64]state), byEvent: make(map[string]state)}
	if len(rows) == 0 && whole == nil {
		return have, now, nil
	}
	ids, events := keys(rows)
	cond, args, event := "network = ? AND id IN ?", []any{h.network, ids}, "''"
	if h.entity.Event != "" {
		event = h.entity.Event
		cond, args = "network = ? AND (id IN ? AND id != 0 OR "+event+" IN ? AND "+event+" != '')", []any{h.network, ids, events}
	}
	if whole != nil {
		cond, args = "network = ? AND id > ? AND id <= ?", []any{h.network, whole.after, whole.last}
	}
	found, err := h.st.Conn().Query(ctx, "SELECT id, "+event+" AS event, argMax(hash, valid_from), argMax(deleted, valid_from), max(valid_from) AS latest FROM "+
		h.st.TableName(h.entity.Table)+" WHERE "+cond+" GROUP BY id, event ORDER BY latest", args...)
	if err != nil {
		return states{}, now, fmt.Errorf("reading %s: %w", h.entity.Table, err)
	}
	defer found.Close()
	for found.Next() {
		var s state
		if err := found.Scan(&s.id, &s.event, &s.hash, &s.deleted, &s.from); err != nil {
			return states{}, now, fmt.Errorf("reading %s: %w", h.entity.Table, err)
		}
		have.add(s)
	}
	if err := found.Err(); err != nil {
		return states{}, now, fmt.Errorf("reading %s: %w", h.entity.Table, err)
	}
	return have, now, nil
}

func keys(rows []version) (ids []uint64, events []string) {
	for _, v := range rows {
		ids, events = append(ids, v.id), append(events, v.event)
	}
	return ids, events
}

// later keeps versions in order where the server's clock went back.
func later(now, before time.Time) time.Time {
	if !now.After(before) {
		return before.Add(time.Millisecond)
	}
	return now
}

func (h history) columnList() string {
	columns := append([]string{"network", "id"}, h.entity.columns()...)
	if h.extra != "" {
		columns = append(columns, h.extra)
	}
	return strings.Join(append(columns, "other", "hash", "deleted", "valid_from"), ", ")
}

// insert writes versions as one block, which is there whole or not at all.
func (h history) insert(ctx context.Context, rows []version, have states, now time.Time) error {
	audits := h.trail.of(ctx, h.entity, h.since)
	op := store.Op{Kind: "insert", Detail: fmt.Sprintf("%s ×%d", h.entity.Table, len(rows))}
	err := h.st.Write(ctx, op, func(ctx context.Context) error {
		batch, err := h.st.Conn().PrepareBatch(h.st.InsertContext(ctx), "INSERT INTO "+h.st.Holding(h.entity.Table)+" ("+h.columnList()+")")
		if err != nil {
			return err
		}
		for _, v := range rows {
			cells := []any{h.network, v.id}
			if h.entity.Event != "" {
				cells = append(cells, v.event)
			}
			cells = append(cells, v.values...)
			if h.extra != "" {
				cells = append(cells, h.extraValue)
			}
			was, known := have.of(v.key)
			if !known {
				was.from = h.since
			}
			from := dated(h.entity, audits[v.id], v, was.from, now)
			if known {
				from = later(from, was.from)
			}
			if err := batch.Append(append(cells, v.other, v.hash, false, from)...); err != nil {
				_ = batch.Abort()
				return err
			}
		}
		return batch.Send()
	})
	if err != nil {
		return fmt.Errorf("writing %s: %w", h.entity.Table, err)
	}
	return nil
}

// bury repeats the latest version of each row, marked deleted.
func (h history) bury(ctx context.Context, gone []uint64, have states, now time.Time) error {
	audits := h.trail.of(ctx, h.entity, h.since)
	times := make([]int64, len(gone))
	for i, id := range gone {
		times[i] = removed(audits[id], have.byID[id].from, now).UnixMilli()
	}
	table := h.st.Holding(h.entity.Table)
	columns := strings.TrimSuffix(h.columnList(), ", deleted, valid_from")
	op := store.Op{Kind: "insert", Detail: fmt.Sprintf("%s deleted ×%d", h.entity.Table, len(gone))}
	err := h.st.Write(ctx, op, func(ctx context.Context) error {
		return h.st.Conn().Exec(h.st.InsertContext(ctx), "INSERT INTO "+table+" ("+h.columnList()+") SELECT "+columns+
			", true, fromUnixTimestamp64Milli(arrayElement(CAST(?, 'Array(Int64)'), indexOf(CAST(?, 'Array(UInt64)'), id)), 'UTC') FROM "+table+
			" WHERE network = ? AND id IN ? ORDER BY id, valid_from DESC LIMIT 1 BY id", times, gone, h.network, gone)
	})
	if err != nil {
		return fmt.Errorf("writing %s: %w", h.entity.Table, err)
	}
	return nil
}
