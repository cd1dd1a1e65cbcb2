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
	cfg     Config
	pool    *pool
	present map[source]map[string]content
	stores  int          // begun so far
	open    *store.Store // nil while nobody but ingest has it open
	pace    map[way]time.Duration
	last    result // of the latest run, to tell about
	tally   tally
}

// way is what decides how long an undisturbed run takes.
type way struct {
	source source
	served bool // the store is open beside it
}

// tally counts what the rounds came to, to be read by people.
type tally struct {
	rounds, fromAPI, runs, killed, stopped, failed, done int
}

// play plays the rounds; an error tells what did not hold, and in which scenario.
func play(ctx context.Context, cfg Config) (err error) {
	cfg.say("chaos: seed %d, %d rounds\n", cfg.Seed, cfg.Rounds)
	w, err := newWorld(cfg)
	if err != nil {
		return err
	}
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
		s := draw(cfg.Seed, round, g.pool.slots, g.present)
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
			cfg.say("round %d, %d through the API: %d runs: %d killed, %d interrupted, %d lost their store, %d came to their end; %s a round\n",
				round, t.fromAPI, t.runs, t.killed, t.stopped, t.failed, t.done, (time.Since(begin) / time.Duration(t.rounds)).Round(time.Millisecond))
		}
	}
	return g.leave(ctx)
}

// measure times undisturbed runs from both sources, with the store closed and
// open beside them.
func (g *game) measure(ctx context.Context) error {
	if err := errors.Join(g.empty(ctx), g.finish(ctx, scenario{source: folder, args: backfill})); err != nil { // creates the store
		return err
	}
	for i := range 4 {
		if i == 2 {
			if err := g.enter(ctx); err != nil {
				return err
			}
		}
		s := draw(g.cfg.Seed, -2-i, g.pool.slots, g.present) // two times two rounds
		if err := g.change(ctx, s); err != nil {
			return err
		}
		if err := g.finish(ctx, s); err != nil {
			return err
		}
		g.pace[way{s.source, g.open != nil}] = g.last.took
	}
	for _, from := range sources {
		g.cfg.say("an undisturbed run from the %s takes %s, beside an open store %s\n",
			from, g.pace[way{from, false}].Round(time.Millisecond), g.pace[way{from, true}].Round(time.Millisecond))
	}
	return nil
}

// empty begins anew.
func (g *game) empty(ctx context.Context) error {
	if err := g.leave(ctx); err != nil {
		return err
	}
	former, gone := g.store, g.present[api]
	g.stores++
	g.store = filepath.Join(g.root, fmt.Sprintf("store%d", g.stores))
	g.present = map[source]map[string]content{folder: {}, api: {}}
	if former == "" {
		return nil
	}
	for name, c := range gone {
		if err := g.sim.remove(ctx, g.pool.slots[c.slot].typ, name); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(former), os.RemoveAll(g.files), os.Mkdir(g.files, 0o700))
}

// change puts other files into the scenario's source.
func (g *game) change(ctx context.Context, s scenario) error {
	for name, c := range s.change {
		data, err := os.ReadFile(g.pool.path(c))
		if err != nil {
			return err
		}
		if s.source == api {
			err = g.sim.put(ctx, g.pool.slots[c.slot], name, data)
		} else {
			err = writeFile(filepath.Join(g.files, filepath.FromSlash(name)), data)
		}
		if err != nil {
			return err
		}
		g.present[s.source][name] = c
	}
	return nil
}

func writeFile(path string, data []byte) error {
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600))
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
	if err := errors.Join(arrive(ctx), g.change(ctx, s)); err != nil {
		return err
	}
	for _, a := range s.attacks {
		if err := g.attack(ctx, s, a); err != nil {
			return err
		}
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
	return g.hold(ctx, s.source)
}

// enter opens the store, or mends it if its ClickHouse was killed; the kill may
// be so fresh that its connections are gone and its process is not.
func (g *game) enter(ctx context.Context) error {
	if g.open == nil {
		var err error
		g.open, err = store.Open(ctx, store.Config{Spec: "embedded:" + g.store})
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

// attack runs ingest under blows. It may fail only for want of its store.
func (g *game) attack(ctx context.Context, s scenario, a attack) error {
	var err error
	if g.last, err = g.run(ctx, s.source, s.args, g.pace[way{s.source, g.open != nil}], a.blows); err != nil {
		return err
	}
	g.tally.runs++
	server := slices.ContainsFunc(a.blows, func(b blow) bool { return b.target == server })
	switch g.last.status {
	case -1:
		g.tally.killed++
	case 130:
		g.tally.stopped++
	case 0, 3:
		g.tally.done++
	case 1:
		if !server {
			return errors.New("it failed")
		}
		g.tally.failed++
	default:
		return fmt.Errorf("exit status %d", g.last.status)
	}
	return nil
}

// finish runs ingest undisturbed. It must come to its end at once, also where it
// has to tell of rejected lines (3).
func (g *game) finish(ctx context.Context, s scenario) error {
	for _, args := range s.last() {
		var err error
		if g.last, err = g.run(ctx, s.source, args, 0, nil); err != nil {
			return err
		}
		if g.last.status != 0 && (g.last.status != 3 || !strings.Contains(g.last.output, "+ failed 0\n")) {
			return fmt.Errorf("an undisturbed run ended with exit status %d", g.last.status)
		}
	}
	return nil
}

// hold is the oracle: every row of every file of both sources exactly once, the
// ledger and ingest's own verification agreeing, and nothing left on the disk.
func (g *game) hold(ctx context.Context, loaded source) error {
	for _, from := range sources {
		got, err := sumUp(ctx, g.open, g.network(from))
		if err != nil {
			return err
		}
		want := map[string]sums{}
		for name, c := range g.present[from] {
			want[name] = g.pool.want[c]
		}
		if err := compare(got, want); err != nil {
			return fmt.Errorf("from the %s:\n%w", from, err)
		}
	}
	if err := broken(ctx, g.open); err != nil {
		return err
	}
	verified, err := g.run(ctx, loaded, []string{"verify"}, 0, nil)
	if err != nil {
		return err
	}
	if verified.status != 0 {
		g.last = verified
		return errors.New("ingest verify sees a difference")
	}
	var errs []error
	for _, dir := range []string{g.spool, g.temp} {
		entries, err := os.ReadDir(dir)
		errs = append(errs, err)
		for _, e := range entries {
			errs = append(errs, fmt.Errorf("left behind: %s", filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// serverLog is the end of what the store's ClickHouse had to say.
func (g *game) serverLog() string {
	var out string
	for _, name := range []string{"host.log.1", "host.log", "clickhouse.err.log"} {
		data, err := os.ReadFile(filepath.Join(g.store, "logs", name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		const most = 3000
		out += fmt.Sprintf("--- %s\n%s\n", name, data[max(0, len(data)-most):])
	}
	return out
}
