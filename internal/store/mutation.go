package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"rawlogs/internal/ended"
)

// mutationWait is how long a deletion may stand still before it is called stuck:
// the server tries again by itself what fails for want of memory.
const mutationWait = 45 * time.Second

// inInsertWait is the same in mid-INSERT: the server drops an INSERT after 40 seconds of
// silence (silence in pinned.go), and its error would say nothing of the mutation.
const inInsertWait = 20 * time.Second

type inInsert struct{}

// InMidInsert marks deletions that an open INSERT waits for.
func InMidInsert(ctx context.Context) context.Context {
	return context.WithValue(ctx, inInsert{}, true)
}

// patienceWithMutations is how long a mutation may stand still.
func (s *Server) patienceWithMutations(ctx context.Context) time.Duration {
	wait := cmp.Or(s.cfg.MutationWait, mutationWait)
	if ctx.Value(inInsert{}) != nil { //guard:mutation-in-insert
		wait = min(wait, inInsertWait)
	}
	return wait
}

// mutating reports whether a mutation of the table is unfinished, as far as this user may
// see.
func (s *Server) mutating(ctx context.Context, table string) (bool, error) {
	now, _, err := s.unfinished(unmarked{ctx}, table)
	if code(err) == codeAccessDenied {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking at the mutations of %s: %w", table, err)
	}
	return now.first != "", nil
}

// StuckMutationError reports a deletion or an update that does not end, behind
// which every further one waits.
type StuckMutationError struct {
	Table, Mutation, Command string
	Reason                   string // "" where the server names none
}

// Error names the mutation, its table and what to do.
func (e *StuckMutationError) Error() string {
	reason := e.Reason
	if reason == "" {
		reason = "it makes no progress; are merges stopped (SYSTEM START MERGES)?"
	}
	return fmt.Sprintf("table %s: mutation %s (%s) is stuck, and deletions wait behind it: %s; mend that, or KILL MUTATION WHERE table = '%s' AND mutation_id = '%s', and run again",
		e.Table, e.Mutation, e.Command, reason, e.Table, e.Mutation)
}

// Delete runs one deletion, and returns when the server says that it is
// done. None is begun while another one is at work on the table: it would only
// wait behind it, and a repeated step would queue one more each time.
func (s *Server) Delete(ctx context.Context, table, where string, args ...any) error {
	return s.deleteIn(ctx, table, everywhere, where, args...)
}

// deleteIn is Delete within one partition, named by its id, or everywhere.
func (s *Server) deleteIn(ctx context.Context, table, partition, where string, args ...any) error {
	if err := s.awaitMutations(ctx, table); err != nil { //guard:none-queued
		return err
	}
	return s.Write(ctx, Op{Kind: "delete", Detail: table}, func(ctx context.Context) error {
		rewrite, err := s.normalProjections(unmarked{ctx}, table) // which would have the id of the deletion
		if err != nil {
			return err
		}
		remove := s.shape().remove
		if rewrite { //guard:projections-rewritten
			remove = s.shape().rewrite
		}
		err = s.mutate(ctx, table, remove(s.Holding(table), partition, where), args...)
		if code(err) == codeHasProjections { //guard:projections-deleted
			err = s.mutate(ctx, table, s.shape().rewrite(s.Holding(table), partition, where), args...)
		}
		return err
	})
}

// mutate runs a statement that is a mutation. The server waits with its answer
// until the mutation has ended, for ever if need be, so it is watched meanwhile.
func (s *Server) mutate(ctx context.Context, table, statement string, args ...any) error {
	watched, stop := context.WithCancelCause(ctx)
	watcher := make(chan struct{})
	go func() {
		defer close(watcher)
		for ended.Wait(watched, watchEvery) == nil {
			var stuck *StuckMutationError
			if err := s.awaitMutations(watched, table); errors.As(err, &stuck) {
				stop(err)
			}
		}
	}()
	err := s.Conn().Exec(watched, statement, args...)
	cause := context.Cause(watched)
	stop(nil)
	<-watcher
	var stuck *StuckMutationError
	switch {
	case err == nil:
		return s.mutated(ctx, table)
	case errors.As(cause, &stuck):
		return stuck
	case code(err) == codeUnfinished:
		// It failed once. Whether its rows are gone when it has ended is the
		// caller's to count.
		if err = s.awaitMutations(ctx, table); err != nil {
			return err
		}
		return s.mutated(ctx, table)
	}
	return err
}

// mutated waits until the other replicas have done what the one in use has.
func (s *Server) mutated(ctx context.Context, table string) error {
	return s.elsewhere(unmarked{ctx}, func(ctx context.Context, r *Server) error {
		if err := r.Sync(ctx, table); err != nil {
			return err
		}
		return r.awaitMutations(ctx, table)
	})
}

const watchEvery = 2 * time.Second

// awaitMutations waits until no mutation of the table is unfinished, for as long as they
// get on; then it is a *StuckMutationError.
func (s *Server) awaitMutations(ctx context.Context, table string) error {
	var before progress
	wait, since := s.patienceWithMutations(ctx), time.Now()
	ctx = unmarked{ctx}
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, watchEvery) {
		now, stuck, err := s.unfinished(ctx, table)
		if code(err) == codeAccessDenied {
			return nil // check says that it would be of use
		}
		if err != nil {
			return fmt.Errorf("looking at the mutations of %s: %w", table, err)
		}
		if now.first == "" {
			return nil
		}
		if now != before {
			before, since = now, time.Now()
		}
		if time.Since(since) > wait { //guard:stuck-named
			return stuck
		}
		if ended.Wait(ctx, pause) != nil {
			return context.Cause(ctx)
		}
	}
}

// progress is what changes while mutations get on, which they do one after the other.
type progress struct {
	first   string // mutation
	parts   int64  // that it has still to do
	written string // of those at work
}

// unfinished describes the table's unfinished mutations, and the first of them.
func (s *Server) unfinished(ctx context.Context, table string) (progress, *StuckMutationError, error) {
	var p progress
	stuck := &StuckMutationError{Table: table}
	err := s.Conn().QueryRow(ctx, `
		SELECT argMin(mutation_id, create_time), argMin(parts_to_do, create_time), argMin(command, create_time), argMax(latest_fail_reason, latest_fail_time)
		FROM system.mutations WHERE database = ? AND table = ? AND NOT is_done`,
		s.Database(), table).Scan(&p.first, &p.parts, &stuck.Command, &stuck.Reason)
	if err != nil || p.first == "" {
		return p, nil, err
	}
	stuck.Mutation = p.first
	stuck.Reason = WithoutTrace(stuck.Reason)
	if len(stuck.Command) > 200 {
		stuck.Command = stuck.Command[:200] + "…"
	}
	// A part that fails is begun anew each time: only one that has not failed
	// counts as progress.
	if stuck.Reason == "" {
		err = s.Conn().QueryRow(ctx, "SELECT toString(groupArray((result_part_name, rows_written))) FROM system.merges WHERE database = ? AND table = ? AND is_mutation",
			s.Database(), table).Scan(&p.written)
		if code(err) == codeAccessDenied {
			err = nil
		}
	}
	return p, stuck, err
}
