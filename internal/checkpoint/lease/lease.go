// Package lease is a run's claim on what it works on: a network's logs, or a share of
// them, or its names. Of two runs that clash at most one holds it.
//
// A claim is lines of ingest_leases and ends by the store's clock, TTL after its last
// renewal. A run that dies leaves its claim: a later run on the same machine can tell
// that the process is gone and goes on at once (process.go), elsewhere it waits for the
// end. A run that sleeps through that end learns from Confirm that it has lost, and
// whatever it sends meanwhile carries the Fence, so that the server itself refuses it.
package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/schema"
)

// TTL is how long a lease outlives its last renewal, by the store's
// clock. It is longer than a run waits for a store that is away, so that a run
// that sits out a restart still holds its lease.
const TTL = 3 * time.Minute

// ErrLost means that another run took the lease, so that this one must stop
// before it writes anything more.
var ErrLost = store.ErrFenced

// HeldError is returned when another run holds the lease that a run asked for.
type HeldError struct {
	Network string
	Worker  string // "" for a run that works alone
	Owner   string // host and process id
	Run     string
	Since   time.Time
	Until   time.Time
}

// Error names the holder and until when it holds.
func (e *HeldError) Error() string {
	who := "run " + e.Run
	if e.Worker != "" {
		who += " (worker " + e.Worker + ")"
	}
	return fmt.Sprintf("network %s: %s on %s holds the lease since %s, at least until %s",
		e.Network, who, e.Owner, e.Since.UTC().Format(time.DateTime), e.Until.UTC().Format(time.DateTime))
}

// Lease is a run's claim on a network, renewed in the background until Release.
//
// MergeTree has no compare-and-set, so a claim is written, read back, and
// withdrawn if any other live claim is seen. Of two runs that claim at once, the
// one whose claim becomes visible last reads after that and so must see the
// other: both may withdraw, but never do both go on.
type Lease struct {
	st      *store.Store
	network string
	run     string
	share   rawlog.Share
	log     *slog.Logger
	seq     uint64
	since   time.Time // the store's clock at the claim

	cancel  context.CancelFunc
	stopped chan struct{}

	mu   sync.Mutex
	lost error
}

// New prepares a run's claim on its share of a network; nothing is written yet.
func New(st *store.Store, network, run string, share rawlog.Share, log *slog.Logger) *Lease {
	return &Lease{st: st, network: network, run: run, share: share, log: log, stopped: make(chan struct{})}
}

// claimTries bounds how often a run steps back for another that claims at the
// same moment.
const claimTries = 5

// Claim takes the lease. A *HeldError says who holds it. After any other error
// it may be called again: a claim that was written after all is this run's own.
func (l *Lease) Claim(ctx context.Context) error {
	for try := 1; ; try++ {
		// Looking first spares a claim's write, and the other run's doubt, when the lease is plainly held.
		other, err := l.conflict(ctx)
		if err != nil {
			return err
		}
		if other == nil {
			if err = l.write(ctx, stateClaim); err != nil {
				return err
			}
			if other, err = l.conflict(ctx); err != nil { //guard:claim-read-back
				return err
			}
			if other == nil {
				if err = l.write(ctx, stateHeld); err != nil {
					return err
				}
				return l.st.CatchUp(ctx)
			}
			if err := l.write(context.WithoutCancel(ctx), stateReleased); err != nil {
				return err
			}
		}
		if other.state == stateHeld || try == claimTries {
			return other.held(l.network)
		}
		// Two runs that claimed at the same moment step back for different times.
		select {
		case <-time.After(time.Duration(50+rand.IntN(200*try)) * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Keep renews the lease in the background until Release; when the lease is
// lost it calls lost with the reason, once.
func (l *Lease) Keep(ctx context.Context, lost context.CancelCauseFunc) {
	ctx, l.cancel = context.WithCancel(ctx)
	go func() {
		defer close(l.stopped)
		tick := time.NewTicker(TTL / 4)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			err := l.renew(ctx)
			switch {
			case err == nil || ctx.Err() != nil:
			case errors.Is(err, ErrLost):
				lost(err)
				return
			default:
				// The store may be away; the next tick tries again, and Confirm
				// stands between a lease that ran out and any write that matters.
				l.log.Warn("renewing the lease", "network", l.network, "err", err)
			}
		}
	}()
}

// renew confirms the lease and lengthens it.
func (l *Lease) renew(ctx context.Context) error {
	if err := l.Confirm(ctx); err != nil {
		return err
	}
	return l.write(ctx, stateHeld) //guard:lease-renewed
}

// Confirm asks the store whether this run still holds the lease; ErrLost means
// that another run has claimed it since, even if that one is over by now.
func (l *Lease) Confirm(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost != nil {
		return l.lost
	}
	claims, err := l.claims(ctx)
	if err != nil {
		return err
	}
	for _, c := range claims {
		// A claim that is not held yet will see ours and withdraw. One that was
		// held after ours began can only have come when ours had run out.
		if c.run != l.run && l.share.Clashes(c.share) && c.everHeld && (c.since.After(l.since) || c.live && !ended(c.process)) { //guard:takeover-seen
			l.lost = fmt.Errorf("%w: run %s on %s", ErrLost, c.run, c.owner)
			return l.lost
		}
	}
	return nil
}

// Fence is the lease as a condition on statements: see store.Fence. Call it
// after Claim.
func (l *Lease) Fence() store.Fence {
	clashing := ""
	if !l.share.All() {
		clashing = fmt.Sprintf(" AND (share IN ('', '%s') OR NOT endsWith(share, '/%d'))", l.share, l.share.N)
	}
	// A run that was held after this one began can only have come when this one's lease had run out.
	condition := "(SELECT count() FROM (SELECT any(worker) AS share, min(since) AS began, max(state = '" + stateHeld + "') AS held FROM " +
		l.st.TableName("ingest_leases") + " WHERE network = " + schema.Literal(l.network) + " AND run != " + schema.Literal(l.run) + " GROUP BY run) " +
		fmt.Sprintf("WHERE held AND began > fromUnixTimestamp64Milli(%d)%s) = 0", l.since.UnixMilli(), clashing)
	if l.st.Replicated() { //guard:replicated-lease-unexpired
		// The server that looks may not have heard of that other run yet. It came after this lease had
		// run out, of which no server has heard anything newer. The name is for who ends the statement:
		// of what it asks for, the answer alone stays.
		condition += " AND (SELECT max(expires) > now64(3) FROM " + l.st.TableName("ingest_leases") +
			" WHERE network = " + schema.Literal(l.network) + " AND run = " + schema.Literal(l.run) + ") AND " + schema.Literal(l.run) + " != ''"
	}
	return store.Fence{Run: l.run, Condition: condition}
}

// Dead returns the runs that this one may not work beside and that never gave
// their lease back: they were killed, or are asleep and have lost it. Call it
// after Claim. Those that ended more than two days ago are left out.
func (l *Lease) Dead(ctx context.Context) ([]string, error) {
	claims, err := l.claims(ctx)
	if err != nil {
		return nil, err
	}
	var dead []string
	for _, c := range claims {
		if c.run != l.run && l.share.Clashes(c.share) && c.everHeld && c.state != stateReleased && c.recent {
			dead = append(dead, c.run)
		}
	}
	return dead, nil
}

// Bury gives back the leases of runs whose process is known to be gone, so that
// Dead names them no more. One that is merely asleep can still write.
func (l *Lease) Bury(ctx context.Context) error {
	claims, err := l.claims(ctx)
	if err != nil {
		return err
	}
	var gone []string
	for _, c := range claims {
		if c.run != l.run && l.share.Clashes(c.share) && c.state != stateReleased && ended(c.process) {
			gone = append(gone, c.run)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	err = l.st.Write(ctx, store.Op{Kind: "lease", Detail: "bury"}, func(ctx context.Context) error {
		return l.st.Conn().Exec(l.st.InsertContext(ctx), `
			INSERT INTO `+l.st.Holding("ingest_leases")+` (network, run, worker, owner, process, state, since, expires, seq)
			SELECT any(network), run, any(worker), any(owner), any(process), ?, now64(3), now64(3), max(seq) + 1
			FROM `+l.st.Holding("ingest_leases")+` WHERE network = ? AND run IN ? GROUP BY run`, stateReleased, l.network, gone)
	})
	if err != nil {
		return fmt.Errorf("giving back the leases of dead runs: %w", err)
	}
	return nil
}

// Release ends the renewals and gives the lease back. It works on a cancelled
// context too, within a few seconds.
func (l *Lease) Release(ctx context.Context) error {
	if l.cancel != nil {
		l.cancel()
		<-l.stopped
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return l.write(ctx, stateReleased)
}

// The states of a claim.
const (
	stateClaim    = "claim"
	stateHeld     = "held"
	stateReleased = "released"
)

// claim is what the store knows of one run's lease.
type claim struct {
	share                      rawlog.Share
	run, owner, process, state string
	everHeld, live, recent     bool
	since, until               time.Time
}

func (c *claim) held(network string) *HeldError {
	return &HeldError{Network: network, Worker: c.share.String(), Owner: c.owner, Run: c.run, Since: c.since, Until: c.until}
}

// conflict returns a live claim of another run that this one may not work beside.
func (l *Lease) conflict(ctx context.Context) (*claim, error) {
	claims, err := l.claims(ctx)
	if err != nil {
		return nil, err
	}
	var found *claim
	for i := range claims {
		c := &claims[i]
		if c.run == l.run || !c.live || !l.share.Clashes(c.share) || ended(c.process) { //guard:one-run
			continue
		}
		if found == nil || c.state == stateHeld {
			found = c
		}
	}
	return found, nil
}

func (l *Lease) claims(ctx context.Context) ([]claim, error) {
	if err := l.st.Sync(ctx, "ingest_leases"); err != nil { //guard:leases-synced
		return nil, err
	}
	rows, err := l.st.Conn().Query(ctx, `
		SELECT run, any(worker), any(owner), any(process), argMax(state, seq), max(state = 'held'), argMin(since, seq), argMax(expires, seq), now64(3)
		FROM `+l.st.Holding("ingest_leases")+` WHERE network = ? GROUP BY run`, l.network)
	if err != nil {
		return nil, fmt.Errorf("reading the leases: %w", err)
	}
	defer rows.Close()
	var out []claim
	for rows.Next() {
		var c claim
		var held uint8
		var share string
		var now time.Time
		if err := rows.Scan(&c.run, &share, &c.owner, &c.process, &c.state, &held, &c.since, &c.until, &now); err != nil {
			return nil, fmt.Errorf("reading the leases: %w", err)
		}
		c.share, _ = rawlog.ParseShare(share)                                                                                          // all, if it cannot be read
		c.everHeld, c.live, c.recent = held == 1, c.until.After(now) && c.state != stateReleased, c.until.After(now.AddDate(0, 0, -2)) //guard:lease-expiry
		if c.run == l.run && l.since.IsZero() {
			l.since = c.since
		}
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the leases: %w", err)
	}
	slices.SortFunc(out, func(a, b claim) int { return strings.Compare(a.run, b.run) })
	return out, nil
}

// write adds a line to the run's claim. A line whose answer was lost does no
// harm: it says again what is so.
func (l *Lease) write(ctx context.Context, state string) error {
	l.seq++
	me := self()
	err := l.st.Write(ctx, store.Op{Kind: "lease", Detail: state}, func(ctx context.Context) error {
		return l.st.Conn().Exec(l.st.InsertContext(ctx), `
			INSERT INTO `+l.st.Holding("ingest_leases")+` (network, run, worker, owner, process, state, since, expires, seq)
			SELECT ?, ?, ?, ?, ?, ?, now64(3), now64(3) + INTERVAL `+strconv.Itoa(int(TTL/time.Second))+` SECOND, ?`,
			l.network, l.run, l.share.String(), me.owner, me.process, state, l.seq)
	})
	if err != nil {
		return fmt.Errorf("writing the lease (%s): %w", state, err)
	}
	return nil
}
