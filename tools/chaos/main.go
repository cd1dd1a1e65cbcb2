// Command chaos proves by trial that ingest loads every row exactly once and
// loses none in silence. Round after round it changes the files of a folder or of
// a simulated network, breaks and removes some, starts ingest as a real process,
// kills it, its embedded ClickHouse or both at random moments, or stops it while
// another run comes, lets it run to its end, and compares every row with what the
// files hold. A seed replays.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rawlogs/internal/engine"
	"rawlogs/internal/testkit/cluster"
)

func main() {
	engine.Loaded = cluster.Replicate
	engine.HostMain() // in the child that hosts the embedded ClickHouse, this does not return
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// Config says what to try.
type Config struct {
	Rounds  int
	First   int // the round to begin with; others before it are left out
	Seed    uint64
	Shape   string // of the store: single, shards or replicas
	Ingest  string // path of the program
	Storage string // path of versitygw, the S3 server
	Folder  string // where all of it happens; kept after a failure
	Out     io.Writer
}

func run(ctx context.Context, args []string, out io.Writer) error {
	cfg := Config{Out: out}
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.IntVar(&cfg.Rounds, "rounds", 200, "rounds to play")
	flags.IntVar(&cfg.First, "first", 1, "round to begin with")
	flags.Uint64Var(&cfg.Seed, "seed", 0, "seed to replay; 0 draws one")
	flags.StringVar(&cfg.Shape, "shape", "single", "of the store: single, shards of a cluster, or replicas of two shards")
	flags.StringVar(&cfg.Ingest, "ingest", "bin/ingest", "the program to torment")
	flags.StringVar(&cfg.Storage, "storage", "bin/versitygw", "the S3 server of the simulated network")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if cfg.Seed == 0 {
		cfg.Seed = uint64(time.Now().UnixNano())
	}
	folder, err := newFolder()
	if err != nil {
		return err
	}
	cfg.Folder = folder
	if err := play(ctx, cfg); err != nil {
		return fmt.Errorf("%w\nreplay with --seed %d (make chaos SEED=%d SHAPE=%s); its files are in %s", err, cfg.Seed, cfg.Seed, cfg.Shape, folder)
	}
	return os.RemoveAll(folder)
}

// newFolder makes a folder in memory where that has room, else where temporary
// files go. A kill does not touch what is written and not yet synced, so a disk
// would add its waits to the game and nothing to what the game finds.
func newFolder() (string, error) {
	const memory, room = "/dev/shm", 2 << 30
	var fs unix.Statfs_t
	if err := unix.Statfs(memory, &fs); err == nil && fs.Bavail*uint64(fs.Bsize) > room {
		if folder, err := os.MkdirTemp(memory, "chaos-"); err == nil {
			return folder, nil
		}
	}
	return os.MkdirTemp("", "chaos-")
}

// say tells the player how it goes; a reader that went away is no reason to stop.
func (c Config) say(format string, args ...any) { _, _ = fmt.Fprintf(c.Out, format, args...) }
