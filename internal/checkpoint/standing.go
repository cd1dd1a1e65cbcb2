package checkpoint

import (
	"context"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"

	"rawlogs/internal/rawlog"
)

// Standing is how far each file of a ledger is, for the comparison with a listing. Files are known
// by hashes of 64 bits, as there may be a million; that any two of a million share one has odds of 1
// to 40 million.
type Standing struct{ files map[uint64]standing }

type standing struct{ begun, settled bool }

func hashOf(typ rawlog.Type, name string) uint64 {
	return xxhash.Sum64String(string(typ) + "\x00" + name)
}

// Begun reports whether a run has begun to load the file, at any time.
func (s Standing) Begun(f rawlog.File) bool { return s.files[hashOf(f.Type, f.Name)].begun }

// Settled reports whether nobody waits for the file any more: it is loaded, its month is over, or
// somebody said to ignore it.
func (s Standing) Settled(f rawlog.File) bool { return s.files[hashOf(f.Type, f.Name)].settled }

// Standing reads how far the files are that pass the filter.
func (l *Ledger) Standing(ctx context.Context, f Filter) (Standing, error) {
	where, args := l.where(f)
	rows, err := l.st.Conn().Query(ctx, `
		SELECT xxHash64(concat(log_type, '\0', file)), state != 'planned', state IN ('loaded', 'expired'), ignored != ''
		FROM `+l.st.Holding("ingest_files")+` FINAL
		WHERE `+where, args...)
	if err != nil {
		return Standing{}, fmt.Errorf("reading the ledger of files: %w", err)
	}
	defer rows.Close()
	out := Standing{make(map[uint64]standing)}
	for rows.Next() {
		var file uint64
		var begun, done, ignored uint8
		if err := rows.Scan(&file, &begun, &done, &ignored); err != nil {
			return Standing{}, fmt.Errorf("reading the ledger of files: %w", err)
		}
		out.files[file] = standing{begun > 0, done > 0 || ignored > 0} //guard:ignored-not-expiring
	}
	if err := rows.Err(); err != nil {
		return Standing{}, fmt.Errorf("reading the ledger of files: %w", err)
	}
	return out, nil
}

// Policy sums up the files of a type that have rows or rejected lines, and were loaded under one
// policy for personal data.
type Policy struct {
	Type     rawlog.Type
	Privacy  string // "": none
	Files    int
	From, To time.Time // first and last hour
}

// Policies sums up the files that pass the filter.
func (l *Ledger) Policies(ctx context.Context, f Filter) ([]Policy, error) {
	where, args := l.where(f)
	rows, err := l.st.Conn().Query(ctx, `
		SELECT log_type, toString(privacy) AS policy, count(), min(hour), max(hour)
		FROM `+l.st.Holding("ingest_files")+` FINAL
		WHERE `+where+` AND (ingest_files.rows > 0 OR ingest_files.rejected > 0)
		GROUP BY log_type, policy ORDER BY log_type, policy`, args...)
	if err != nil {
		return nil, fmt.Errorf("summing up the ledger of files: %w", err)
	}
	defer rows.Close()
	var out []Policy
	for rows.Next() {
		var p Policy
		var typ string
		var files uint64
		if err := rows.Scan(&typ, &p.Privacy, &files, &p.From, &p.To); err != nil {
			return nil, fmt.Errorf("summing up the ledger of files: %w", err)
		}
		p.Type, p.Files, p.From, p.To = rawlog.Type(typ), int(files), p.From.UTC(), p.To.UTC()
		out = append(out, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("summing up the ledger of files: %w", err)
	}
	return out, nil
}
