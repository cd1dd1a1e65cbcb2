package checkpoint

import (
	"context"
	"fmt"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/schema"
)

// Lifetimes returns for how long files of the network's types stay. It is the store that
// knows, so that all who load into it go by the same.
func (l *Ledger) Lifetimes(ctx context.Context) (rawlog.Lifetimes, error) {
	rows, err := l.st.Conn().Query(ctx, "SELECT log_type, months FROM "+l.st.Holding("ingest_ttl")+" FINAL WHERE network = ? AND months > 0", l.network)
	if err != nil {
		return nil, fmt.Errorf("reading for how long files are kept: %w", err)
	}
	defer rows.Close()
	out := rawlog.Lifetimes{}
	for rows.Next() {
		var typ string
		var months uint32
		if err := rows.Scan(&typ, &months); err != nil {
			return nil, fmt.Errorf("reading for how long files are kept: %w", err)
		}
		out[rawlog.Type(typ)] = int(months)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading for how long files are kept: %w", err)
	}
	return out, nil
}

// SetLifetime says for how many months files of a type stay; 0 is for ever. It may be
// repeated.
func (l *Ledger) SetLifetime(ctx context.Context, typ rawlog.Type, months int, run string) error {
	op := store.Op{Kind: "lifetime", Detail: fmt.Sprintf("%s %s", typ, rawlog.LifetimeText(months))}
	err := l.st.Write(ctx, op, func(ctx context.Context) error {
		return store.Fenced(l.st.Conn().Exec(l.fence.Context(l.st.InsertContext(ctx)), "INSERT INTO "+l.st.Holding("ingest_ttl")+" (network, log_type, months, run, version) SELECT "+
			schema.Literal(l.network)+", "+schema.Literal(string(typ))+fmt.Sprintf(", %d, ", months)+schema.Literal(run)+", (SELECT max(version) + 1 FROM "+l.st.Holding("ingest_ttl")+" WHERE network = "+
			schema.Literal(l.network)+" AND log_type = "+schema.Literal(string(typ))+") FROM system.one WHERE "+l.fence.Holding()))
	})
	if err != nil {
		return fmt.Errorf("writing for how long %s are kept: %w", typ, err)
	}
	return nil
}

// Newest is the latest hour until a bound of which a file is loaded; zero where there is none.
func (l *Ledger) Newest(ctx context.Context, until time.Time) (time.Time, error) {
	var hour time.Time
	// Without FINAL: that it was loaded once is enough.
	err := l.st.Conn().QueryRow(ctx, "SELECT max(hour) FROM "+l.st.Holding("ingest_files")+" WHERE network = ? AND state = 'loaded' AND hour <= fromUnixTimestamp(?)", l.network, until.Unix()).Scan(&hour)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the ledger of files: %w", err)
	}
	if hour.Unix() == 0 {
		return time.Time{}, nil
	}
	return hour.UTC(), nil
}

// KeptFiles counts the files with rows of a type from an hour on.
func (l *Ledger) KeptFiles(ctx context.Context, typ rawlog.Type, from time.Time) (n uint64, err error) {
	where, args := l.where(Filter{Types: []rawlog.Type{typ}, Periods: []rawlog.Period{{From: from, To: time.Unix(1<<32-1, 0)}}, Held: true})
	if err = l.st.Conn().QueryRow(ctx, "SELECT count() FROM "+l.st.Holding("ingest_files")+" FINAL WHERE "+where, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("reading the ledger of files: %w", err)
	}
	return n, nil
}
