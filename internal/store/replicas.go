package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"golang.org/x/sync/errgroup"
)

// A shard may have several replicas. All that is read before something is decided, and all
// that is written, goes to one of them, whose Server this is: the one in use. Another takes
// its place only when it is away, and not before that one has all that was ever acknowledged
// (catchUp). The rule that makes this safe: each replica that the Keeper calls active must
// answer, as it may still be running an INSERT or a deletion of a run that is over; one that
// is not active can commit nothing.

// replicas are those of a shard, beside the one in use.
type replicas struct {
	addrs []string // of all; none where the shard is a server without replicas

	mu     sync.Mutex
	others []*Server // that answered when they were last asked for
}

// replicated reports whether the server is the one in use of several.
func (s *Server) replicated() bool { return len(s.replicas.addrs) > 1 }

// Replicated reports whether rows lie on several replicas.
func (s *Store) Replicated() bool { return s.Server.replicated() }

// copiesWanted is on how many replicas rows must be before they count as loaded.
func (s *Server) copiesWanted() int { return min(s.target.copies, len(s.replicas.addrs)) }

// defaultCopies is that where the address does not say.
const defaultCopies = 2

// UnreachableError means that a replica works which cannot be asked.
type UnreachableError struct {
	Active, Answering int
	err               error // of those that do not answer
}

// Error says why that is waited for.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("of %d replicas that are active only %d answer, and what runs on the others cannot be seen: "+
		"make them reachable from here, or stop them: %v", e.Active, e.Answering, e.err)
}

// Unwrap returns the errors of those that do not answer.
func (e *UnreachableError) Unwrap() error { return e.err }

// CopiesError means that rows are on too few replicas to count as loaded.
type CopiesError struct {
	Table        string
	Have, Wanted int
	err          error // of the others; nil where they only lack the rows
}

// Error says what to do.
func (e *CopiesError) Error() string {
	text := fmt.Sprintf("rows of %s are on %d replicas, and count as loaded when they are on %d: start the replicas that are away, or allow less (copies=%d in the address)", e.Table, e.Have, e.Wanted, e.Have)
	if e.err != nil {
		text += ": " + e.err.Error()
	}
	return text
}

// Unwrap returns the errors of the others.
func (e *CopiesError) Unwrap() error { return e.err }

// waitsForReplicas reports whether an error passes when replicas come back.
func waitsForReplicas(err error) bool {
	var unreachable *UnreachableError
	var copies *CopiesError
	var readOnly *ReadOnlyError
	return errors.As(err, &unreachable) || errors.As(err, &copies) || errors.As(err, &readOnly)
}

// connectReplicas opens all replicas, and puts one in use: the one that was, if it can be.
func (s *Server) connectReplicas(ctx context.Context) error {
	answering, away := s.openReplicas(ctx, s.replicas.addrs)
	use, err := s.choose(ctx, answering, away)
	if err != nil {
		for _, r := range answering {
			err = errors.Join(err, r.Close())
		}
		return err
	}
	if away != nil {
		s.cfg.Log.Warn("working without a replica that is away", "err", away)
	}
	s.mu.Lock()
	old := s.conn
	s.conn, s.profile, s.native, s.pin = use.conn, use.profile, use.native, use.pin
	s.mu.Unlock()
	s.replicas.mu.Lock()
	before := s.replicas.others
	s.replicas.others = slices.DeleteFunc(answering, func(r *Server) bool { return r == use })
	s.replicas.mu.Unlock()
	if old != nil {
		_ = old.Close() // its server is gone
	}
	for _, r := range before {
		_ = r.Close() // it was opened anew
	}
	return nil
}

// choose returns the first of the replicas that answer that can be put in use: that of the
// server's address before the others. away is why others do not answer.
func (s *Server) choose(ctx context.Context, answering []*Server, away error) (*Server, error) {
	if len(answering) == 0 {
		return nil, away
	}
	inUse := s.Addr()
	candidates := slices.Clone(answering)
	slices.SortStableFunc(candidates, func(a, b *Server) int { return cmp.Compare(rank(a.Addr() == inUse), rank(b.Addr() == inUse)) })
	errs := []error{away}
	for _, r := range candidates {
		active, err := r.active(ctx)
		switch {
		case err != nil:
		case active == 0 && away != nil: // nothing is made yet, and it is to be made on all
			err = fmt.Errorf("%s: a replica is away, and the tables are to be made on all of them", r.Addr())
		case active > len(answering): //guard:active-replicas-answer
			err = &UnreachableError{active, len(answering), away}
		default:
			err = r.catchUp(ctx) //guard:replica-caught-up
		}
		if err == nil {
			return r, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func rank(first bool) int {
	if first {
		return 0
	}
	return 1
}

// openReplicas opens those of the addresses that answer, in their order; the error is that of
// the others.
func (s *Server) openReplicas(ctx context.Context, addrs []string) ([]*Server, error) {
	opened, errs := make([]*Server, len(addrs)), make([]error, len(addrs))
	var group sync.WaitGroup
	for i, addr := range addrs {
		group.Go(func() {
			t := s.target.only(addr)
			opened[i], errs[i] = openServer(ctx, s.cfg, t)
		})
	}
	group.Wait()
	return slices.DeleteFunc(opened, func(r *Server) bool { return r == nil }), errors.Join(errs...)
}

// active is how many replicas the Keeper calls active, this one among them; 0 where no table is
// replicated yet. One that has lost its Keeper is an error.
func (s *Server) active(ctx context.Context) (int, error) {
	var tables, readOnly, n uint64
	err := s.Conn().QueryRow(ctx, "SELECT count(), countIf(is_readonly), toUInt64(max(active_replicas)) FROM system.replicas WHERE database = ?", s.Database()).Scan(&tables, &readOnly, &n)
	if err != nil {
		return 0, fmt.Errorf("asking %s for its replicas: %w", s.Addr(), err)
	}
	if readOnly > 0 {
		return 0, &ReadOnlyError{s.Addr(), readOnly, tables}
	}
	return int(n), nil
}

// readOnly reports whether the replica in use has lost its Keeper, as far as it says.
func (s *Server) readOnly(ctx context.Context) bool {
	if !s.replicated() {
		return false
	}
	var lost *ReadOnlyError
	_, err := s.active(ctx)
	return errors.As(err, &lost)
}

// Replicating is a table as one of its replicas knows it.
type Replicating struct {
	Name          string
	ReadOnly      bool
	Total, Active int    // replicas
	Delay         uint64 // seconds behind the others
}

// Replicating lists the server's replicated tables.
func (s *Server) Replicating(ctx context.Context) ([]Replicating, error) {
	rows, err := s.Conn().Query(ctx, "SELECT table, toBool(is_readonly), toUInt64(total_replicas), toUInt64(active_replicas), absolute_delay FROM system.replicas WHERE database = ? ORDER BY table", s.Database())
	if err != nil {
		return nil, fmt.Errorf("listing the replicated tables: %w", err)
	}
	defer rows.Close()
	var out []Replicating
	for rows.Next() {
		var r Replicating
		var total, active uint64
		if err := rows.Scan(&r.Name, &r.ReadOnly, &total, &active, &r.Delay); err != nil {
			return nil, fmt.Errorf("listing the replicated tables: %w", err)
		}
		r.Total, r.Active = int(total), int(active)
		out = append(out, r)
	}
	return out, rows.Err()
}

// OfShard is how many replicas the server's shard has in the cluster.
func (s *Server) OfShard() int { return s.target.ofShard }

// ReadOnlyError means that a replica takes no rows.
type ReadOnlyError struct {
	Addr             string
	ReadOnly, Tables uint64
}

// Error says what to look at.
func (e *ReadOnlyError) Error() string {
	return fmt.Sprintf("%s: %d of %d replicated tables take no rows: it has lost its Keeper (ZooKeeper), or their data in it (see last_queue_update_exception and zookeeper_exception in system.replicas)", e.Addr, e.ReadOnly, e.Tables)
}

// Replicas are the servers of a shard that are active; the first is the one in use. They are the
// store's to close.
func (s *Server) Replicas(ctx context.Context) ([]*Server, error) { return s.everyone(ctx) }

// everyone is the replica in use and all others that are active, or it is an error: see above.
func (s *Server) everyone(ctx context.Context) ([]*Server, error) {
	if !s.replicated() {
		return []*Server{s}, nil
	}
	active, err := s.active(ctx)
	if err != nil {
		return nil, err
	}
	s.replicas.mu.Lock()
	defer s.replicas.mu.Unlock()
	var errs []error
	s.replicas.others = slices.DeleteFunc(s.replicas.others, func(r *Server) bool {
		ping, cancel := context.WithTimeout(ctx, pingTimeout)
		defer cancel()
		err := r.Conn().(*pool).ping(ping)
		if err == nil || ctx.Err() != nil {
			return false
		}
		errs = append(errs, errors.Join(err, r.Close()))
		return true
	})
	if active > 1+len(s.replicas.others) { // one came back, or cannot be asked
		known := []string{s.Addr()}
		for _, r := range s.replicas.others {
			known = append(known, r.Addr())
		}
		more, err := s.openReplicas(ctx, slices.DeleteFunc(slices.Clone(s.replicas.addrs), func(addr string) bool { return slices.Contains(known, addr) }))
		s.replicas.others = append(s.replicas.others, more...)
		if now := 1 + len(s.replicas.others); active > now {
			return nil, &UnreachableError{active, now, errors.Join(append(errs, err)...)}
		}
	}
	return append([]*Server{s}, s.replicas.others...), nil
}

// elsewhere does something on each active replica but the one in use, on all at once.
func (s *Server) elsewhere(ctx context.Context, do func(context.Context, *Server) error) error {
	if !s.replicated() {
		return nil
	}
	all, err := s.everyone(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, r := range all[1:] {
		group.Go(func() error { return r.named(do(ctx, r)) })
	}
	return group.Wait()
}

// onEach does something on each active replica, first on the one in use.
func (s *Server) onEach(ctx context.Context, do func(context.Context, *Server) error) error {
	if err := do(ctx, s); err != nil {
		return err
	}
	return s.elsewhere(ctx, do)
}

// syncWait bounds the wait for a replica to fetch what it lacks.
const syncWait = 10 * time.Second

// Sync waits until the replica in use has all parts of a table that any replica acknowledged
// before. It does nothing where there are none, or where the table is the server's alone.
func (s *Server) Sync(ctx context.Context, table string) error {
	if s.target.own == "" || !s.target.replicated || strings.HasPrefix(table, ScratchPrefix) {
		return nil
	}
	bounded := clickhouse.Context(unmarked{ctx}, clickhouse.WithSettings(clickhouse.Settings{"receive_timeout": strconv.Itoa(int(syncWait / time.Second))}))
	if err := s.Conn().Exec(bounded, s.shape().syncReplica(s.Holding(table))); err != nil {
		return fmt.Errorf("waiting for what %s lacks of %s, which a replica that is away may have: %w", s.Addr(), table, err)
	}
	return nil
}

// catchUp waits until the server has all that any replica acknowledged before: parts, and
// deletions that are done elsewhere.
func (s *Server) catchUp(ctx context.Context) error {
	var tables, mutated []string
	err := s.Conn().QueryRow(ctx, `
		SELECT groupArray(table), groupArrayIf(table, table IN (SELECT table FROM system.mutations WHERE database = ? AND NOT is_done))
		FROM system.replicas WHERE database = ?`, s.Database(), s.Database()).Scan(&tables, &mutated)
	if err != nil {
		return fmt.Errorf("asking %s for its replicated tables: %w", s.Addr(), err)
	}
	group, syncing := errgroup.WithContext(ctx)
	group.SetLimit(mostConns / 2)
	for _, table := range tables {
		group.Go(func() error { return s.Sync(syncing, table) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, table := range mutated {
		var stuck *StuckMutationError
		if err := s.awaitMutations(ctx, table); err != nil && !errors.As(err, &stuck) { // whoever deletes is told of one that is stuck
			return err
		}
	}
	return nil
}

// CatchUp waits until each shard's replica in use has all that any other acknowledged before:
// a run that has its lease decides by no less. It does nothing where there are no replicas.
func (s *Store) CatchUp(ctx context.Context) error {
	if !s.Replicated() {
		return nil
	}
	return s.each(ctx, func(ctx context.Context, shard *Server) error { return shard.catchUp(ctx) })
}

// Copied returns when the rows that an INSERT brought are on as many replicas as they are to
// be: it is counted on each of them. An error passes when replicas come back.
func (s *Server) Copied(ctx context.Context, table string, insert uint64, rows int) error {
	return s.copied(ctx, table, func(ctx context.Context, r *Server) (bool, error) {
		n, err := r.CountInsert(ctx, table, insert)
		return n == uint64(rows), err //guard:copies-counted
	})
}

// Spread returns when all that was written to a table is on as many replicas as rows are to be.
func (s *Server) Spread(ctx context.Context, table string) error {
	return s.copied(ctx, table, func(ctx context.Context, r *Server) (bool, error) { return true, r.Sync(ctx, table) })
}

func (s *Server) copied(ctx context.Context, table string, has func(context.Context, *Server) (bool, error)) error {
	if !s.replicated() || s.copiesWanted() < 2 || strings.HasPrefix(table, ScratchPrefix) {
		return nil
	}
	all, err := s.everyone(ctx)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var errs []error
	have := 1
	var group sync.WaitGroup
	for _, r := range all[1:] {
		group.Go(func() {
			is, err := has(ctx, r)
			mu.Lock()
			defer mu.Unlock()
			if is && err == nil {
				have++
			}
			errs = append(errs, r.named(err))
		})
	}
	group.Wait()
	if have < s.copiesWanted() { //guard:copies-wanted
		return &CopiesError{table, have, s.copiesWanted(), errors.Join(errs...)}
	}
	return nil
}

// closeOthers ends the connections to the replicas that are not in use.
func (s *Server) closeOthers() error {
	s.replicas.mu.Lock()
	defer s.replicas.mu.Unlock()
	var errs []error
	for _, r := range s.replicas.others {
		errs = append(errs, r.Close())
	}
	s.replicas.others = nil
	return errors.Join(errs...)
}
