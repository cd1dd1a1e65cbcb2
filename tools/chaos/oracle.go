package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// sumUp asks the store for each file of a network: its rows and rejected lines
// with a hash over every column that comes from the file, and what the ledger
// says of it.
func sumUp(ctx context.Context, st *store.Store, network string) (map[string]sums, error) {
	out := map[string]sums{}
	read := func(query string, scan func(row interface{ Scan(...any) error }) error) error {
		rows, err := st.Conn().Query(ctx, query, network)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	}
	var name string
	var n, hash uint64
	for _, t := range rawlog.Types() {
		err := read("SELECT _file, count(), sum(cityHash64(* EXCEPT (network, _file, _insert, _loaded_at))) FROM "+string(t)+" WHERE network = ? GROUP BY _file",
			func(row interface{ Scan(...any) error }) error {
				err := row.Scan(&name, &n, &hash)
				s := out[name]
				s.Rows, s.Hash = s.Rows+n, s.Hash+hash
				out[name] = s
				return err
			})
		if err != nil {
			return nil, err
		}
	}
	err := read("SELECT file, count(), sum(cityHash64(* EXCEPT (network, file, _insert, _loaded_at))) FROM rejected_rows WHERE network = ? GROUP BY file",
		func(row interface{ Scan(...any) error }) error {
			err := row.Scan(&name, &n, &hash)
			s := out[name]
			s.Rejected, s.Rejects = n, hash
			out[name] = s
			return err
		})
	if err != nil {
		return nil, err
	}
	var rows, rejected uint64
	differ, err := rollUps(ctx, st, network)
	if err != nil {
		return nil, err
	}
	err = read("SELECT file, log_type, toString(state), rows, rejected, lines, toUInt64(size), error, has(issues, 'copy'), arrayStringConcat(arraySort(issues), ' ') FROM ingest_files FINAL WHERE network = ?",
		func(row interface{ Scan(...any) error }) error {
			s := sums{}
			scanErr := row.Scan(&name, &s.Type, &s.State, &rows, &rejected, &s.Lines, &s.Size, &s.Error, &s.Copy, &s.Issues)
			known := out[name]
			s.Rows, s.Hash, s.Rejected, s.Rejects = known.Rows, known.Hash, known.Rejected, known.Rejects
			out[name] = s
			if scanErr == nil && (rows != s.Rows || rejected != s.Rejected) {
				differ = append(differ, fmt.Errorf("%s: the ledger says %d rows and %d rejected, the tables hold %d and %d", name, rows, rejected, s.Rows, s.Rejected))
			}
			return scanErr
		})
	return out, errors.Join(append(differ, err)...)
}

// rollUps lists each day on which a roll-up does not say what the rows say.
func rollUps(ctx context.Context, st *store.Store, network string) ([]error, error) {
	var differ []error
	for _, t := range rawlog.Types() {
		found, err := st.DifferentRollUps(ctx, string(t), network)
		if err != nil {
			return nil, err
		}
		for _, d := range found {
			differ = append(differ, fmt.Errorf("%s of %s has %d rows on %s, and the table %d", d.RollUp, d.Table, d.Counted, d.Day, d.Rows))
		}
	}
	return differ, nil
}

// compare lists every difference between what is in the store and what is to be.
func compare(got, want map[string]sums) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			errs = append(errs, fmt.Errorf("%s:\n  is   %+v\n  want %+v", name, got[name], want[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok {
			errs = append(errs, fmt.Errorf("%s: in the store, but in no folder: %+v", name, got[name]))
		}
	}
	return errors.Join(errs...)
}

// broken counts what the servers had to put away as damaged. A replica also puts away what it had
// written and not committed when it was killed, which is no damage.
func broken(ctx context.Context, st *store.Store) error {
	for _, shard := range st.Shards() {
		all, err := shard.Replicas(ctx)
		if err != nil {
			return err
		}
		for _, r := range all {
			var n uint64
			if err := r.Conn().QueryRow(ctx, "SELECT count() FROM system.detached_parts WHERE database = ? AND NOT (? AND reason = 'ignored')", r.Database(), st.Replicated()).Scan(&n); err != nil {
				return err
			}
			if n > 0 {
				return fmt.Errorf("%d parts are detached on %s", n, r.Addr())
			}
		}
		if err := alike(ctx, all); err != nil {
			return err
		}
	}
	return nil
}

// alike makes sure that the replicas of a shard have the same rows.
func alike(ctx context.Context, replicas []*store.Server) error {
	for _, table := range append(store.RawTables(), store.RejectedRows) {
		var first string
		for i, r := range replicas {
			if err := r.Sync(ctx, table); err != nil {
				return err
			}
			var has string
			if err := r.Conn().QueryRow(ctx, "SELECT toString((count(), sum(cityHash64(toString(tuple(*)))))) FROM "+r.Holding(table)).Scan(&has); err != nil {
				return err
			}
			if i == 0 {
				first = has
			} else if has != first {
				return fmt.Errorf("%s of %s is %s, and on %s it is %s", table, replicas[0].Addr(), first, r.Addr(), has)
			}
		}
	}
	return nil
}
