// Package runs is what is known of the commands that changed a store: a row of
// ingest_runs for each command and network, written when it begins, renewed while it
// works, and written once more with its outcome.
//
// # On failure
//
// A row that cannot be written is a warning, and never the outcome of the work. A process
// that is killed leaves a row without an end. It counts as died once it has been silent
// for lease.TTL by the store's clock, and at once on the machine where the process is seen
// to be gone.
package runs

import (
	"context"
	"fmt"
	"time"

	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// Outcome is what became of a run.
type Outcome string

// The outcomes, as ingest_runs_current names them.
const (
	Running     Outcome = "running"
	Died        Outcome = "died" // killed, or asleep with its machine
	Done        Outcome = "done"
	Failed      Outcome = "failed"
	Settings    Outcome = "settings"   // the command line or a setting is wrong
	Incomplete  Outcome = "incomplete" // finished, and some files have issues
	Differs     Outcome = "differs"    // from the network's totals, beyond the tolerance
	Held        Outcome = "held"       // another run holds the lease
	Interrupted Outcome = "interrupted"
)

// Counts are what a run came to.
type Counts struct {
	Listed        uint64 `json:"listed"` // files: AlreadyLoaded + Loaded + Failed + Left
	AlreadyLoaded uint64 `json:"already_loaded"`
	Loaded        uint64 `json:"loaded"`
	Failed        uint64 `json:"failed"`
	Left          uint64 `json:"left"`
	Recovered     uint64 `json:"recovered"`
	Replaced      uint64 `json:"replaced"`
	Lost          uint64 `json:"lost"`
	Rows          uint64 `json:"rows"`
	Rejected      uint64 `json:"rejected"` // lines
	Rescued       uint64 `json:"rescued"`  // rows
	Inexact       uint64 `json:"inexact"`  // rows
	Bytes         uint64 `json:"bytes"`    // of archives
	Inserts       uint64 `json:"inserts"`
	Changed       uint64 `json:"changed"`    // versions of names, and changes of conversions
	Mismatches    uint64 `json:"mismatches"` // files
}

// Run is a command's work on one network. Its JSON names are a promise.
type Run struct {
	Network    string     `json:"network"` // "" is the store as a whole
	Name       string     `json:"run"`     // run of ingest_files
	Command    string     `json:"command"`
	Arguments  string     `json:"arguments"`
	Worker     string     `json:"worker,omitempty"`
	Release    string     `json:"release"`
	Host       string     `json:"host"`
	Begun      time.Time  `json:"begun"`
	Ended      *time.Time `json:"ended"`
	ExitStatus *uint8     `json:"exit_status"`
	Outcome    Outcome    `json:"outcome"`
	Seconds    float64    `json:"seconds"`
	Error      string     `json:"error,omitempty"`
	Counts
	// DifferingRows are, by type, the rows by which the network's totals differ beyond
	// the tolerance; nil where they were not compared.
	DifferingRows map[rawlog.Type]uint64 `json:"differing_rows,omitempty"`
}

// Filter narrows what List returns; its zero value asks for everything.
type Filter struct {
	Network string
	Command string
	Limit   int // 0: no limit
}

const listed = `network, run, command, arguments, worker, release, host, process, begun, ended, exit_status, outcome, seconds, error,
	files_listed, already_loaded, loaded, failed, left_open, recovered, replaced, lost, rows, rejected, rescued, inexact, bytes, inserts, changed, mismatches, differing_rows`

// List returns the runs that pass the filter, newest first. It only reads.
func List(ctx context.Context, st *store.Store, f Filter) ([]Run, error) {
	query, args := "SELECT "+listed+" FROM "+st.TableName("ingest_runs_current")+" WHERE true", []any{}
	if f.Network != "" {
		query, args = query+" AND network = ?", append(args, f.Network)
	}
	if f.Command != "" {
		query, args = query+" AND command = ?", append(args, f.Command)
	}
	query += " ORDER BY begun DESC, network, run"
	if f.Limit > 0 {
		query += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	rows, err := st.Conn().Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the runs: %w", err)
	}
	defer rows.Close()
	out := []Run{}
	for rows.Next() {
		var r Run
		var process, outcome string
		var differing map[string]uint64
		if err := rows.Scan(&r.Network, &r.Name, &r.Command, &r.Arguments, &r.Worker, &r.Release, &r.Host, &process, &r.Begun, &r.Ended, &r.ExitStatus,
			&outcome, &r.Seconds, &r.Error, &r.Listed, &r.AlreadyLoaded, &r.Loaded, &r.Failed, &r.Left, &r.Recovered, &r.Replaced, &r.Lost,
			&r.Rows, &r.Rejected, &r.Rescued, &r.Inexact, &r.Bytes, &r.Inserts, &r.Changed, &r.Mismatches, &differing); err != nil {
			return nil, fmt.Errorf("reading the runs: %w", err)
		}
		r.Begun, r.Outcome = r.Begun.UTC(), Outcome(outcome)
		if r.Ended != nil {
			*r.Ended = r.Ended.UTC()
		}
		if r.Outcome == Running && lease.Ended(process) { //guard:run-died
			r.Outcome = Died
		}
		for typ, n := range differing {
			if r.DifferingRows == nil {
				r.DifferingRows = map[rawlog.Type]uint64{}
			}
			r.DifferingRows[rawlog.Type(typ)] = n
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the runs: %w", err)
	}
	return out, nil
}

// Kept returns for how many days the source keeps files of each type, as it last said to a
// run on the network; it is empty where it never has.
func Kept(ctx context.Context, st *store.Store, network string) (map[rawlog.Type]int, error) {
	var days map[string]uint16
	if err := st.Conn().QueryRow(ctx, "SELECT argMax(kept_days, begun) FROM "+st.Holding("ingest_runs")+" WHERE network = ? AND notEmpty(kept_days)", network).Scan(&days); err != nil {
		return nil, fmt.Errorf("reading how long the source keeps files: %w", err)
	}
	kept := map[rawlog.Type]int{}
	for t, n := range days {
		kept[rawlog.Type(t)] = int(n)
	}
	return kept, nil
}
