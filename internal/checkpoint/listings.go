package checkpoint

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/schema"
)

// Listings remembers which days of a network's source were listed whole, so that a
// day that no run looked at while the job was down is not passed over. Losing a
// line of it costs another look. It is safe for concurrent use.
type Listings struct {
	st      *store.Store
	network string
	share   rawlog.Share
}

// NewListings returns what runs of a network and share have listed, and those of the
// whole network with it.
func NewListings(st *store.Store, network string, share rawlog.Share) *Listings {
	return &Listings{st: st, network: network, share: share}
}

// Of returns the days of a type that were listed, oldest first; they may overlap.
func (l *Listings) Of(ctx context.Context, typ rawlog.Type) ([]rawlog.Period, error) {
	rows, err := l.st.Conn().Query(ctx, `
		SELECT DISTINCT toDateTime(from_day, 'UTC'), toDateTime(until_day, 'UTC')
		FROM `+l.st.Holding("ingest_listings")+`
		WHERE network = ? AND log_type = ? AND worker IN ('', ?)
		ORDER BY from_day, until_day`, l.network, string(typ), l.share.String())
	if err != nil {
		return nil, fmt.Errorf("reading which days were listed: %w", err)
	}
	defer rows.Close()
	var out []rawlog.Period
	for rows.Next() {
		var p rawlog.Period
		if err := rows.Scan(&p.From, &p.To); err != nil {
			return nil, fmt.Errorf("reading which days were listed: %w", err)
		}
		out = append(out, rawlog.Period{From: p.From.UTC(), To: p.To.UTC()})
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading which days were listed: %w", err)
	}
	return out, nil
}

// Add remembers that a run listed these days of the types.
func (l *Listings) Add(ctx context.Context, run string, types []rawlog.Type, days []rawlog.Period) error {
	var values []string
	for _, typ := range types {
		for _, p := range days {
			values = append(values, fmt.Sprintf("(%s, %s, %s, %s, %s, %s)", schema.Literal(l.network), schema.Literal(string(typ)),
				schema.Literal(l.share.String()), schema.Literal(p.From.Format(time.DateOnly)), schema.Literal(p.To.Format(time.DateOnly)), schema.Literal(run)))
		}
	}
	if len(values) == 0 {
		return nil
	}
	err := l.st.Write(ctx, store.Op{Kind: "listing", Detail: fmt.Sprint(days)}, func(ctx context.Context) error {
		return l.st.Conn().Exec(l.st.InsertContext(ctx), "INSERT INTO "+l.st.Holding("ingest_listings")+" (network, log_type, worker, from_day, until_day, run) VALUES "+
			strings.Join(values, ", "))
	})
	if err != nil {
		return fmt.Errorf("remembering which days were listed: %w", err)
	}
	return nil
}
