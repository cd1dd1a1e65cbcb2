// Command chaos proves by trial that ingest loads every row exactly once. Round
// after round it changes a folder of files, starts ingest as a real process,
// kills it, its embedded ClickHouse or both at random moments, lets it run to
// its end, and compares every row with what the files hold. A seed replays.
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

	"rawlogs/internal/engine"
)

func main() {
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
	Rounds int
	First  int // the round to begin with; others before it are left out
	Seed   uint64
	Ingest string // path of the program
	Folder string // where all of it happens; kept after a failure
	Out    io.Writer
}

func run(ctx context.Context, args []string, out io.Writer) error {
	cfg := Config{Out: out}
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.IntVar(&cfg.Rounds, "rounds", 200, "rounds to play")
	flags.IntVar(&cfg.First, "first", 1, "round to begin with")
	flags.Uint64Var(&cfg.Seed, "seed", 0, "seed to replay; 0 draws one")
	flags.StringVar(&cfg.Ingest, "ingest", "bin/ingest", "the program to torment")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if cfg.Seed == 0 {
		cfg.Seed = uint64(time.Now().UnixNano())
	}
	folder, err := os.MkdirTemp("", "chaos-")
	if err != nil {
		return err
	}
	cfg.Folder = folder
	if err := play(ctx, cfg); err != nil {
		return fmt.Errorf("%w\nreplay with --seed %d (make chaos SEED=%d); its files are in %s", err, cfg.Seed, cfg.Seed, folder)
	}
	return os.RemoveAll(folder)
}

// say tells the player how it goes; a reader that went away is no reason to stop.
func (c Config) say(format string, args ...any) { _, _ = fmt.Fprintf(c.Out, format, args...) }
