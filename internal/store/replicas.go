package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

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

	wrote atomic.Bool // by way of the one in use

	mu     sync.Mutex
	others []*Server // that answered when they were last asked for
}

// replicated reports whether the server is the one in use of several.
func (s *Server) replicated() bool { return len(s.replicas.addrs) > 1 }

// Replicated reports whether rows lie in replicated tables.
func (s *Store) Replicated() bool { return s.shape().replicated }

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
	candidates, inUse := slices.Clone(answering), s.Addr()
	if i := slices.IndexFunc(candidates, func(r *Server) bool { return r.Addr() == inUse }); i > 0 {
		candidates[0], candidates[i] = candidates[i], candidates[0]
	}
	standings, most := make([]standing, len(candidates)), 0
	for i, r := range candidates {
		var err error
		if standings[i], err = r.standing(ctx); err != nil {
			return nil, err
		}
		most = max(most, standings[i].tables)
	}
	errs := []error{away}
	for i, r := range candidates {
		var err error
		switch is := standings[i]; {
		case most == 0 && away != nil:
			err = fmt.Errorf("%s: a replica is away, and the tables are to be made on all of them", r.Addr())
		case is.tables < most: //guard:empty-replica-not-used
			err = fmt.Errorf("%s has %d replicated tables, and another replica has %d: `ingest schema apply` makes those that are missing", r.Addr(), is.tables, most)
		case is.readOnly > 0:
			err = &ReadOnlyError{r.Addr(), is.readOnly, is.tables}
		case is.active > len(answering): //guard:active-replicas-answer
			err = &UnreachableError{is.active, len(answering), away}
		default:
			err = r.catchUp(ctx) //guard:replica-caught-up
			if s.cfg.Existing && (Denied(err) || code(err) == codeReadonly) {
				err = nil // who may only look sees what this replica has
			}
		}
		if err == nil {
			return r, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
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

// standing is what a replica says of its tables.
type standing struct {
	tables   int // that are replicated
	readOnly int // of them, those that have lost the Keeper
	active   int // replicas that the Keeper calls active
}

// works reports whether the replica can have what others have, and commit something itself.
func (is standing) works() bool { return is.tables > 0 && is.readOnly == 0 }

// standing asks the Keeper of two tables only: who is active for one is for all, and it is asked
// for each INSERT.
func (s *Server) standing(ctx context.Context) (standing, error) {
	var tables, readOnly, active uint64
	err := s.Conn().QueryRow(ctx, `
		SELECT count(), countIf(is_readonly),
			ifNull((SELECT toUInt64(max(active_replicas)) FROM system.replicas WHERE database = ? AND table IN ('clicks', 'ingest_files')), 0)
		FROM system.replicas WHERE database = ?`, s.Database(), s.Database()).Scan(&tables, &readOnly, &active)
	if err != nil {
		return standing{}, s.named(fmt.Errorf("asking for its replicas: %w", err))
	}
	return standing{int(tables), int(readOnly), int(active)}, nil
}

// readOnly reports whether the replica in use has lost its Keeper, as far as it says.
func (s *Server) readOnly(ctx context.Context) bool {
	if !s.replicated() {
		return false
	}
	is, err := s.standing(ctx)
	return err == nil && is.readOnly > 0
}

// OfShard is how many replicas the server's shard has in the cluster.
func (s *Server) OfShard() int { return s.target.ofShard }

// ReadOnlyError means that a replica takes no rows.
type ReadOnlyError struct {
	Addr             string
	ReadOnly, Tables int
}

// Error says what to look at.
func (e *ReadOnlyError) Error() string {
	return fmt.Sprintf("%s: %d of %d replicated tables take no rows: it has lost its Keeper (ZooKeeper), or their data in it (see last_queue_update_exception and zookeeper_exception in system.replicas)", e.Addr, e.ReadOnly, e.Tables)
}

// Replicas are the replica in use and all others that work, or it is an error: see above. They are
// the store's to close.
func (s *Server) Replicas(ctx context.Context) ([]*Server, error) {
	if !s.replicated() {
		return []*Server{s}, nil
	}
	is, err := s.standing(ctx)
	if err != nil {
		return nil, err
	}
	if is.readOnly > 0 {
		return nil, &ReadOnlyError{s.Addr(), is.readOnly, is.tables}
	}
	s.replicas.mu.Lock()
	defer s.replicas.mu.Unlock()
	working, errs := s.working(ctx, is)
	if is.active > 1+len(s.replicas.others) { // one came back, or cannot be asked
		known := []string{s.Addr()}
		for _, r := range s.replicas.others {
			known = append(known, r.Addr())
		}
		more, err := s.openReplicas(ctx, slices.DeleteFunc(slices.Clone(s.replicas.addrs), func(addr string) bool { return slices.Contains(known, addr) }))
		s.replicas.others = append(s.replicas.others, more...)
		working, _ = s.working(ctx, is)
		if now := 1 + len(s.replicas.others); is.active > now {
			return nil, &UnreachableError{is.active, now, errors.Join(append(errs, err)...)}
		}
	}
	return append([]*Server{s}, working...), nil
}

// working are those of the other replicas that work, or all that answer while nothing is made
// yet; those that do not answer are closed.
func (s *Server) working(ctx context.Context, inUse standing) (working []*Server, errs []error) {
	s.replicas.others = slices.DeleteFunc(s.replicas.others, func(r *Server) bool {
		ask, cancel := context.WithTimeout(ctx, pingTimeout)
		defer cancel()
		is, err := r.standing(ask)
		switch {
		case err != nil && ctx.Err() == nil:
			errs = append(errs, errors.Join(err, r.Close()))
			return true
		case err == nil && (is.works() || inUse.tables == 0):
			working = append(working, r)
		}
		return false
	})
	return working, errs
}

// answering is the replica in use and all others that answer, also those that have no tables yet.
func (s *Server) answering(ctx context.Context) ([]*Server, error) {
	working, err := s.Replicas(ctx)
	if err != nil || !s.replicated() {
		return working, err
	}
	s.replicas.mu.Lock()
	defer s.replicas.mu.Unlock()
	return append([]*Server{s}, s.replicas.others...), nil
}

// elsewhere does something on each replica that works but the one in use, on all at once.
func (s *Server) elsewhere(ctx context.Context, do func(context.Context, *Server) error) error {
	all, err := s.Replicas(ctx)
	if err != nil {
		return err
	}
	return on(ctx, all[1:], do)
}

// onEach does something on each replica that answers, first on the one in use.
func (s *Server) onEach(ctx context.Context, do func(context.Context, *Server) error) error {
	if err := do(ctx, s); err != nil || !s.replicated() {
		return err
	}
	all, err := s.answering(ctx)
	if err != nil {
		return err
	}
	return on(ctx, all[1:], do)
}

func on(ctx context.Context, servers []*Server, do func(context.Context, *Server) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, r := range servers {
		group.Go(func() error { return r.named(do(ctx, r)) })
	}
	return group.Wait()
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
