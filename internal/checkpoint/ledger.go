// Package checkpoint is the ledger of files: which file of a network is
// planned, loading, loaded or failed. It lives in the store, beside the rows it
// speaks of, and nothing else decides what is loaded.
//
// Each change of a file is a new row of ingest_files with a version one above
// the last; the highest version is the truth. Versions are counted, never taken
// from a clock, so a clock that jumps changes nothing.
package checkpoint

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/schema"
)

// State is where a file stands between listing and query.
type State string

// The states of a file. A file that a run has begun to send is Loading until
// every INSERT that holds a row of it is acknowledged; rows of a Loading file
// may or may not be in the store.
//
// The month of an Expired one is over by the lifetime of its type. Rows that its entry still
// counts are about to be dropped, and some may be gone.
const (
	Planned State = "planned"
	Loading State = "loading"
	Loaded  State = "loaded"
	Failed  State = "failed"
	Expired State = "expired"
)

// Entry is one file's line in the ledger.
type Entry struct {
	File    rawlog.File // Size and ETag are those of the bytes that were loaded, or -1 and "" before
	State   State
	Attempt uint32 // how often the file has been put to Loading
	Run     string // the run that wrote this version
	Lines   uint64 // records in the text, header included: 1 + Rows + Rejected + Forgotten, or 0 for an empty text
	Rows    uint64 // rows of the file in the store
	Rescued uint64 // rows with something in _rescued
	Inexact uint64 // rows with a value whose column holds only nearly what it says
	// Rejected counts lines that did not split into the header's fields.
	Rejected uint64
	// Inserts are the ids of the INSERTs that hold its rows and rejected lines: those
	// that the ledger vouches for. Rows of the file with any other id are nobody's.
	Inserts    []uint64
	First      time.Time // earliest datetime of its rows; zero where there is none
	Last       time.Time
	ShiftHours int8   // whole hours by which most rows lie off the file's hour
	Error      string // why the file failed; free of secrets and control characters
	Contents   string // CRC-32 and length of the text that its rows are from; "" where it is not known
	Issues     []Issue
	Since      time.Time // when the oldest of Issues was first seen, by the run's clock
	LeftOut    uint64    // events of Firehose that are in the table by another file, or earlier in this one
	LeansOn    []string  // files that hold those
	Filled     []string  // columns with a value other than their default in any row; empty: not known
	Privacy    string    // policy under which its rows were loaded; "": none
	Forgotten  uint64    // rows of people who were forgotten: deleted, or not stored
	Forgetting uint64    // of Rows, those that are about to be deleted for it
	Ignored    string    // why somebody said to ignore the issues; "": they are open
	Version    uint64    // counts up with each write of this file
	UpdatedAt  time.Time
}

// Ledger reads and writes the entries of one network. It is safe for
// concurrent use. A run writes under its lease's fence.
type Ledger struct {
	st      *store.Store
	network string
	fence   store.Fence
	entries *atomic.Uint64 // as many as it was last seen to have; 0 where nobody looked
}

// Open returns the ledger of a network in a store whose schema is applied.
func Open(st *store.Store, network string) *Ledger {
	return &Ledger{st: st, network: network, entries: new(atomic.Uint64)}
}

// Under is the same ledger, whose writes fail with lease.ErrLost and change nothing
// once the fence's run has lost its lease, even where it lost it after it last asked.
func (l *Ledger) Under(fence store.Fence) *Ledger {
	return &Ledger{st: l.st, network: l.network, fence: fence, entries: l.entries}
}

// Entries returns the current entries that pass the filter, by type, hour and name.
func (l *Ledger) Entries(ctx context.Context, f Filter) ([]Entry, error) {
	var out []Entry
	err := l.Each(ctx, f, func(e Entry) error {
		if len(out) == cap(out) {
			out = slices.Grow(out, max(64, len(out))) // entries are large, and append would copy each of them five times
		}
		out = append(out, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Each yields the current entries that pass the filter, by type, hour and name, as they come from
// the store. An error of yield ends it, and is returned as it is.
func (l *Ledger) Each(ctx context.Context, f Filter, yield func(Entry) error) error {
	if some, err := l.mayPass(ctx, f); !some {
		return err
	}
	where, args := l.picked(f)
	rows, err := l.st.Conn().Query(ctx, `
		SELECT log_type, file, hour, toString(state), attempt, run, size, etag, lines, rows, rescued, inexact, rejected,
		       toLowCardinality(arrayStringConcat(filled, '\0')), inserts, first_time, last_time, shift_hours, error, contents, issues, issue_texts, issue_since, left_out, leans_on, toString(privacy), forgotten, forgetting, ignored, version, updated_at
		FROM `+l.st.Holding("ingest_files")+` FINAL
		WHERE `+where+`
		ORDER BY log_type, hour, file`, args...)
	if err != nil {
		return fmt.Errorf("reading the ledger of files: %w", err)
	}
	defer rows.Close()
	filled := make(sets)
	for rows.Next() {
		var (
			e           Entry
			typ, state  string
			columns     string
			first, last *time.Time
			kinds, says []string
			since       *time.Time
		)
		if err := rows.Scan(&typ, &e.File.Name, &e.File.Hour, &state, &e.Attempt, &e.Run, &e.File.Size, &e.File.ETag,
			&e.Lines, &e.Rows, &e.Rescued, &e.Inexact, &e.Rejected, &columns, &e.Inserts, &first, &last, &e.ShiftHours, &e.Error,
			&e.Contents, &kinds, &says, &since, &e.LeftOut, &e.LeansOn, &e.Privacy, &e.Forgotten, &e.Forgetting, &e.Ignored, &e.Version, &e.UpdatedAt); err != nil {
			return fmt.Errorf("reading the ledger of files: %w", err)
		}
		e.File.Type, e.State = rawlog.Type(typ), State(state)
		e.File.Hour = e.File.Hour.UTC()
		if first != nil && last != nil {
			e.First, e.Last = first.UTC(), last.UTC()
		}
		e.Filled = filled.split(columns)
		if len(e.LeansOn) == 0 {
			e.LeansOn = nil
		}
		if since != nil {
			e.Since = since.UTC()
		}
		for i, kind := range kinds {
			issue := Issue{Kind: Kind(kind)}
			if i < len(says) {
				issue.Text = says[i]
			}
			e.Issues = append(e.Issues, issue)
		}
		if err := yield(e); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading the ledger of files: %w", err)
	}
	return nil
}

// Count returns how many versions of entries that pass the filter the store holds: those of
// former versions that are not merged away yet count as well.
func (l *Ledger) Count(ctx context.Context, f Filter) (n uint64, err error) {
	where, args := l.where(f)
	if err = l.st.Conn().QueryRow(ctx, "SELECT count() FROM "+l.st.Holding("ingest_files")+" WHERE "+where, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting the ledger of files: %w", err)
	}
	return n, nil
}

// sets are the lists of columns that files fill. Most files of a network fill the same ones: they
// share a list, which nobody may change.
type sets map[string][]string

// split takes apart names that are joined by a NUL, which no column's name holds; none are nil.
func (s sets) split(joined string) []string {
	if joined == "" {
		return nil
	}
	names, ok := s[joined]
	if !ok {
		names = slices.Clip(strings.Split(joined, "\x00"))
		s[joined] = names
	}
	return names
}

// Put writes a new version of each entry in one INSERT and returns when the
// store has acknowledged it; each entry's Version is counted up first. A Put
// whose answer is lost may be repeated by the caller with Repeat: the same
// version of the same file is the same row.
func (l *Ledger) Put(ctx context.Context, entries []*Entry) error {
	for _, e := range entries {
		e.Version++
	}
	return l.Repeat(ctx, entries)
}

// Repeat writes the entries' present versions again, for a Put whose outcome is unknown.
func (l *Ledger) Repeat(ctx context.Context, entries []*Entry) error {
	if len(entries) == 0 {
		return nil
	}
	op := store.Op{Kind: "ledger", Detail: fmt.Sprintf("%s ×%d", entries[0].State, len(entries))}
	err := l.st.Write(ctx, op, func(ctx context.Context) error {
		table, err := l.table(entries)
		if err != nil {
			return err
		}
		ctx = clickhouse.Context(l.fence.Context(l.st.InsertContext(ctx)), clickhouse.WithExternalTable(table.Table))
		return store.Fenced(l.st.Conn().Exec(ctx, "INSERT INTO "+l.st.Holding("ingest_files")+" (network, "+strings.Join(table.names, ", ")+
			") SELECT "+schema.Literal(l.network)+", "+strings.Join(table.names, ", ")+" FROM entries WHERE "+l.fence.Holding())) //guard:ledger-fenced
	})
	if err == nil {
		err = l.st.Spread(ctx, "ingest_files")
	}
	if err != nil {
		return fmt.Errorf("writing the ledger of files (%s): %w", op.Detail, err)
	}
	return nil
}

// ledgerTable is entries as a table of their own that goes with a statement, so that
// the statement can ask for the lease as it writes them.
type ledgerTable struct {
	*ext.Table
	names []string
}

func (l *Ledger) table(entries []*Entry) (ledgerTable, error) {
	var names []string
	var columns []func(*ext.Table) error
	for _, c := range [][2]string{
		{"log_type", "String"}, {"file", "String"}, {"hour", "DateTime('UTC')"}, {"state", "String"}, {"attempt", "UInt32"},
		{"run", "String"}, {"size", "Int64"}, {"etag", "String"}, {"lines", "UInt64"}, {"rows", "UInt64"}, {"rescued", "UInt64"}, {"inexact", "UInt64"},
		{"rejected", "UInt64"}, {"filled", "Array(String)"}, {"inserts", "Array(UInt64)"}, {"first_time", "Nullable(DateTime('UTC'))"},
		{"last_time", "Nullable(DateTime('UTC'))"}, {"shift_hours", "Int8"}, {"error", "String"}, {"contents", "String"},
		{"issues", "Array(String)"}, {"issue_texts", "Array(String)"}, {"issue_since", "Nullable(DateTime('UTC'))"}, {"left_out", "UInt64"}, {"leans_on", "Array(String)"}, {"privacy", "String"},
		{"forgotten", "UInt64"}, {"forgetting", "UInt64"}, {"ignored", "String"},
		{"version", "UInt64"},
	} {
		names = append(names, c[0])
		columns = append(columns, ext.Column(c[0], column.Type(c[1])))
	}
	table, err := ext.NewTable("entries", columns...)
	if err != nil {
		return ledgerTable{}, err
	}
	for _, e := range entries {
		inserts := e.Inserts
		if inserts == nil {
			inserts = []uint64{}
		}
		kinds, says := make([]string, len(e.Issues)), make([]string, len(e.Issues))
		for i, issue := range e.Issues {
			kinds[i], says[i] = string(issue.Kind), issue.Text
		}
		if err := table.Append(string(e.File.Type), e.File.Name, e.File.Hour, string(e.State), e.Attempt,
			e.Run, e.File.Size, e.File.ETag, e.Lines, e.Rows, e.Rescued, e.Inexact, e.Rejected, append([]string{}, e.Filled...), inserts,
			instant(e.First), instant(e.Last), e.ShiftHours, e.Error, e.Contents, kinds, says, instant(e.Since), e.LeftOut, append([]string{}, e.LeansOn...), e.Privacy, e.Forgotten, e.Forgetting, e.Ignored, e.Version); err != nil {
			return ledgerTable{}, err
		}
	}
	return ledgerTable{table, names}, nil
}

// instant is nil for the zero time, which DateTime cannot hold.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
