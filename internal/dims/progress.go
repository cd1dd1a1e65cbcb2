package dims

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/store"
)

// progress is how far a refresh got, as the store knows it.
type progress struct {
	st                      *store.Store
	network, entity, filter string

	afterID                 uint64
	pages                   uint32
	rows, changed, vanished uint64
	started                 time.Time
	before                  time.Time // when the refresh before this one began; zero: not known
	version                 uint64
}

// begin takes up an unfinished refresh of the same filter, or starts one.
func begin(ctx context.Context, st *store.Store, network, entity, filter string) (*progress, error) {
	p := &progress{st: st, network: network, entity: entity, filter: filter}
	rows, err := st.Conn().Query(ctx, `
		SELECT state, after_id, pages, rows, changed, vanished, started_at, version
		FROM `+st.TableName("dim_refreshes")+` FINAL
		WHERE network = ? AND entity = ? AND filter = ?`, network, entity, filter)
	if err != nil {
		return nil, fmt.Errorf("reading dim_refreshes: %w", err)
	}
	defer rows.Close()
	var state string
	for rows.Next() {
		if err := rows.Scan(&state, &p.afterID, &p.pages, &p.rows, &p.changed, &p.vanished, &p.started, &p.version); err != nil {
			return nil, fmt.Errorf("reading dim_refreshes: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading dim_refreshes: %w", err)
	}
	var now time.Time
	if err := st.Conn().QueryRow(ctx, "SELECT now64(3, 'UTC')").Scan(&now); err != nil {
		return nil, fmt.Errorf("reading dim_refreshes: %w", err)
	}
	if state == "" || state == "done" || now.Sub(p.started) > resumable {
		fresh := progress{st: st, network: network, entity: entity, filter: filter, version: p.version, started: now}
		if state == "done" {
			fresh.before = p.started
		}
		*p = fresh
	}
	return p, nil
}

// save records a page whose versions are written.
func (p *progress) save(ctx context.Context, done bool) error {
	state := "running"
	if done {
		state = "done"
	}
	return p.write(ctx, state, "")
}

// fail records why it stopped; what was read stays read.
func (p *progress) fail(ctx context.Context, cause error) error {
	return p.write(ctx, "failed", cause.Error())
}

func (p *progress) write(ctx context.Context, state, problem string) error {
	p.version++
	op := store.Op{Kind: "ledger", Detail: "dims " + p.entity + " " + state}
	err := p.st.Write(ctx, op, func(ctx context.Context) error {
		return p.st.Conn().Exec(p.st.InsertContext(ctx), `
			INSERT INTO `+p.st.Holding("dim_refreshes")+`
			(network, entity, filter, state, after_id, pages, rows, changed, vanished, error, started_at, version)
			SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, fromUnixTimestamp64Milli(?, 'UTC'), ?`,
			p.network, p.entity, p.filter, state, p.afterID, p.pages, p.rows, p.changed, p.vanished, problem, p.started.UnixMilli(), p.version)
	})
	if err != nil {
		return fmt.Errorf("writing dim_refreshes: %w", err)
	}
	return nil
}

// filterText names a set of filters, so that a refresh is gone on with by the
// same only.
func filterText(filters []hasoffers.Filter) string {
	params := url.Values{}
	hasoffers.Query{Filters: filters}.AddTo(params)
	var parts []string
	for _, f := range strings.Split(params.Encode(), "&") {
		if text, err := url.QueryUnescape(f); err == nil && text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "&")
}

func joined(names []string) string { return strings.Join(names, ", ") }
