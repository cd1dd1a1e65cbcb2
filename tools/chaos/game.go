package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"rawlogs/internal/store"
)

// game is a world in play.
type game struct {
	*world
	cfg   Config
	pool  *pool
	files map[source]map[string]*record
	open  *store.Store // nil while nobody but ingest has it open
	pace  map[way]time.Duration
	last  result // of the latest run, to tell about
	tally tally
}

// way is what decides how long an undisturbed run takes.
type way struct {
	source source
	served bool // the store is open beside it
}

// tally counts what the rounds came to, to be read by people.
type tally struct {
	rounds, fromAPI, runs, killed, stopped, paused, failed, done int
	named                                                        int // files that a last run named as not loaded
	lost                                                         int // those of them that had been loaded once
}

// play plays the rounds; an error tells what did not hold, and in which scenario.
func play(ctx context.Context, cfg Config) (err error) {
	cfg.say("chaos: seed %d, %d rounds\n", cfg.Seed, cfg.Rounds)
	w, err := newWorld(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.store.leave()) }()
	if w.sim, err = newSim(ctx, cfg); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.sim.close()) }()
	g := &game{world: w, cfg: cfg, pace: map[way]time.Duration{}}
	if g.pool, err = newPool(ctx, filepath.Join(cfg.Folder, "pool"), cfg.Seed); err != nil {
		return err
	}
	if err := g.measure(ctx); err != nil {
		return fmt.Errorf("an undisturbed run: %w\n%s", err, g.last.output)
	}
	begin := time.Now()
	for round := cfg.First; round < cfg.First+cfg.Rounds; round++ {
		s := draw(cfg.Seed, round, g.pool.slots, g.present())
		if err := g.round(ctx, s); err != nil {
			if g.open != nil {
				_ = g.open.Close() // what there is to say is said below
			}
			return fmt.Errorf("round %d (%s): %w\nlast run: exit status %d after %s\n%s%s", round, s, err, g.last.status, g.last.took, g.last.output, g.serverLog())
		}
		if s.source == api {
			g.tally.fromAPI++
		}
		if g.tally.rounds++; g.tally.rounds%10 == 0 || g.tally.rounds == cfg.Rounds {
			t := g.tally
			cfg.say("round %d, %d through the API: %d runs: %d killed, %d interrupted, %d paused, %d lost their store or lease, %d came to their end; %d files named as not loaded, %d of them lost; %s a round\n",
				round, t.fromAPI, t.runs, t.killed, t.stopped, t.paused, t.failed, t.done, t.named, t.lost, (time.Since(begin) / time.Duration(t.rounds)).Round(time.Millisecond))
		}
	}
	return g.leave(ctx)
}

// measure times undisturbed runs from both sources, with the store closed and
// open beside them.
func (g *game) measure(ctx context.Context) error {
	if err := errors.Join(g.empty(ctx), g.finish(ctx, scenario{source: folder})); err != nil { // creates the store
		return err
	}
	for i := range 4 {
		if i == 2 {
			if err := g.enter(ctx); err != nil {
				return err
			}
		}
		s := scenario{source: drawSource(g.cfg.Seed, -2-i)} // two times two rounds
		files := changes{}
		for slot := range g.pool.slots {
			if slot%4 == i || slot == large {
				files[g.pool.slots[slot].name(-1-i)] = file{content{slot, i % versions}, sound}
			}
		}
		if err := errors.Join(g.change(ctx, s.source, files), g.finish(ctx, s)); err != nil {
			return err
		}
		g.pace[way{s.source, g.open != nil}] = g.last.took
	}
	for _, from := range sources {
		g.cfg.say("an undisturbed run from the %s takes %s, beside an open store %s\n",
			from, g.pace[way{from, false}].Round(time.Millisecond), g.pace[way{from, true}].Round(time.Millisecond))
	}
	return g.hold(ctx, scenario{source: folder}, scenario{source: api})
}

// empty begins anew.
func (g *game) empty(ctx context.Context) error {
	if err := g.leave(ctx); err != nil {
		return err
	}
	there := g.files[api]
	if err := g.store.renew(ctx); err != nil {
		return err
	}
	g.files = map[source]map[string]*record{folder: {}, api: {}}
	for name, f := range there {
		if f.form != gone {
			if err := g.sim.remove(ctx, g.pool.slots[f.slot].typ, name); err != nil {
				return err
			}
		}
	}
	return errors.Join(os.RemoveAll(g.world.files), os.Mkdir(g.world.files, 0o700))
}

// round plays one scenario and holds what is there then against what must be.
func (g *game) round(ctx context.Context, s scenario) error {
	if s.fresh {
		if err := g.empty(ctx); err != nil {
			return err
		}
	}
	arrive := g.leave
	if s.served {
		arrive = g.enter
	}
	if err := arrive(ctx); err != nil {
		return err
	}
	for _, a := range s.attacks {
		if err := errors.Join(g.change(ctx, s.source, a.before), g.attack(ctx, s, a)); err != nil {
			return err
		}
	}
	if err := g.change(ctx, s.source, s.late); err != nil {
		return err
	}
	if s.served || s.beside {
		if err := g.enter(ctx); err != nil {
			return err
		}
	}
	if err := g.finish(ctx, s); err != nil {
		return err
	}
	if err := g.enter(ctx); err != nil {
		return err
	}
	return g.hold(ctx, s)
}

// enter opens the store, or mends it if its ClickHouse was killed; the kill may
// be so fresh that its connections are gone and its process is not.
func (g *game) enter(ctx context.Context) error {
	if err := g.store.ready(); err != nil {
		return err
	}
	if g.open == nil {
		var err error
		g.open, err = store.Open(ctx, store.Config{Spec: g.store.spec()})
		return err
	}
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := g.open.Recover(ctx)
		if err != nil && !store.Retryable(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(20*time.Millisecond)), backoff.WithMaxElapsedTime(20*time.Second))
	return err
}

// leave closes the store; then no process of the game may be left.
func (g *game) leave(ctx context.Context) error {
	if g.open == nil {
		return nil
	}
	err := g.open.Close()
	g.open = nil
	return errors.Join(err, g.lingering(ctx))
}

// attack runs ingest under blows.
func (g *game) attack(ctx context.Context, s scenario, a attack) error {
	if a.pause == nil {
		return g.strike(ctx, s, command{blows: a.blows})
	}
	// Whoever makes a lease run out needs the store.
	if err := g.enter(ctx); err != nil {
		return err
	}
	c := command{blows: a.blows, asleep: func() error { return g.asleep(ctx, s, a.pause) }, end: a.pause.end, rivals: true}
	if err := g.strike(ctx, s, c); err != nil || s.served {
		return err
	}
	return g.leave(ctx)
}

// exitHeld is the exit status of a run that another one keeps out.
const exitHeld = 75

// strike is one run under blows. It may fail only for want of its store, or of
// its lease where another run is about.
func (g *game) strike(ctx context.Context, s scenario, c command) error {
	g.note(s.source)
	if err := g.store.ready(); err != nil {
		return err
	}
	c.source, c.args, c.pace = s.source, s.args(), g.pace[way{s.source, g.open != nil}]
	last, err := g.run(ctx, c)
	if err != nil {
		return err // of a run beside it, too: then g.last is that one
	}
	g.last = last
	g.tally.runs++
	server := slices.ContainsFunc(c.blows, func(b blow) bool { return b.target == server })
	switch g.last.status {
	case -1:
		g.tally.killed++
	case 130:
		g.tally.stopped++
	case 0, 3:
		g.tally.done++
	case 1:
		lease := c.rivals && strings.Contains(g.last.output, "lease")
		// One that was stopped as it opened the store keeps others from opening it.
		shut := c.besides && strings.Contains(g.last.output, "holds it but does not answer")
		if !server && !lease && !shut {
			return errors.New("it failed")
		}
		g.tally.failed++
	case exitHeld:
		if !c.rivals {
			return errors.New("somebody holds its lease")
		}
		g.tally.failed++
	default:
		return fmt.Errorf("exit status %d", g.last.status)
	}
	return nil
}

// asleep is what happens while a run is stopped: its lease runs out, its source
// changes, and another run comes. One that keeps its lease keeps that one out.
func (g *game) asleep(ctx context.Context, s scenario, p *pause) error {
	g.tally.paused++
	if p.expire {
		if err := g.expireLeases(ctx, s.source); err != nil {
			return err
		}
	}
	if err := g.change(ctx, s.source, p.change); err != nil {
		return err
	}
	return g.strike(ctx, s, command{blows: p.blows, rivals: !p.expire, besides: true})
}

// expireLeases makes a network's leases run out, as some minutes of waiting would.
// A run that was stopped in an empty store may not have made the table yet.
func (g *game) expireLeases(ctx context.Context, of source) error {
	var tables uint64
	err := g.open.Conn().QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = ? AND name = 'ingest_leases'", g.open.Database()).Scan(&tables)
	if err != nil || tables == 0 {
		return err
	}
	return g.open.Conn().Exec(ctx, `
		INSERT INTO `+g.open.Holding("ingest_leases")+` SELECT network, run, worker, owner, process, state, since, now64(3) - INTERVAL 1 SECOND, seq + 1000
		FROM `+g.open.Holding("ingest_leases")+` WHERE network = ? ORDER BY seq DESC LIMIT 1 BY run`, g.network(of))
}

// finish runs ingest undisturbed. It must come to its end at once, also where it
// has to tell of rejected lines or of files that it could not load (3).
func (g *game) finish(ctx context.Context, s scenario) (err error) {
	g.note(s.source)
	if err = g.store.ready(); err != nil {
		return err
	}
	for _, args := range s.last() {
		if g.last, err = g.run(ctx, command{source: s.source, args: append(args, "--json")}); err != nil {
			return err
		}
		if g.last.status != 0 && g.last.status != 3 {
			return fmt.Errorf("an undisturbed run ended with exit status %d", g.last.status)
		}
	}
	return nil
}

// serverLog is the end of what the store's ClickHouse had to say.
func (g *game) serverLog() string {
	var out string
	for _, dir := range g.store.logs() {
		for _, name := range []string{"host.log.1", "host.log", "clickhouse.err.log"} {
			path := filepath.Join(dir, name)
			data, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			const most = 3000
			out += fmt.Sprintf("--- %s\n%s\n", path, data[max(0, len(data)-most):])
		}
	}
	return out
}
