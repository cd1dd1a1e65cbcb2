package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"

	"rawlogs/internal/engine"
)

// world is the folders of a game and the program that works on them.
type world struct {
	ingest  string
	library string // libchdb.so
	root    string
	store   place
	files   string // folder of the files, where they do not come from the network
	spool   string
	temp    string
	sim     *sim
}

func newWorld(cfg Config) (*world, error) {
	ingest, err := filepath.Abs(cfg.Ingest)
	if err != nil {
		return nil, err
	}
	library, err := engine.FindLibrary(os.Getenv("INGEST_ENGINE_LIBRARY"))
	if err != nil {
		return nil, err
	}
	in := func(name string) string { return filepath.Join(cfg.Folder, name) }
	place, err := newPlace(cfg.Shape, in("stores"))
	if err != nil {
		return nil, err
	}
	w := &world{store: place, ingest: ingest, library: library, root: cfg.Folder, files: in("files"), spool: in("spool"), temp: in("tmp")}
	return w, errors.Join(os.Mkdir(w.files, 0o700), os.Mkdir(w.spool, 0o700), os.Mkdir(w.temp, 0o700))
}

// settings is the environment in which ingest loads from a source.
func (w *world) settings(from source) []string {
	env := append(inherited("PATH", "HOME", "LD_LIBRARY_PATH"),
		"INGEST_ENGINE_LIBRARY="+w.library, "TMPDIR="+w.temp, "INGEST_STORE="+w.store.spec(), "INGEST_SPOOL="+w.spool,
		"INGEST_MAX_MEMORY=64MiB", "INGEST_PARSERS=8", "INGEST_FETCHERS=8") // 3 MiB of text for each parser
	if from == folder {
		return append(env, "INGEST_SOURCE="+w.files)
	}
	return append(env, "HASOFFERS_NETWORK_ID="+w.sim.ID(), "HASOFFERS_NETWORK_TOKEN="+w.sim.Token(), "HASOFFERS_API_URL="+w.sim.url,
		fmt.Sprintf("HASOFFERS_RATE_LIMIT=%d/1s", calls))
}

// network is what the rows from a source belong to; default where none is named.
func (w *world) network(from source) string {
	if from == folder {
		return "default"
	}
	return w.sim.ID()
}

// command is a run of ingest and what befalls it.
type command struct {
	source source
	args   []string
	pace   time.Duration // of an undisturbed one
	blows  []blow
	asleep func() error   // what happens while it is stopped
	end    syscall.Signal // of that
	rivals bool           // another run may take its lease, or have it
	// besides is that of a run beside one that is stopped.
	besides bool
}

// result is how a run of ingest ended.
type result struct {
	status int // -1 for one that a signal ended
	took   time.Duration
	stdout string
	output string // and stderr
}

// hang is longer than any run of so little may take, however loaded the machine.
const hang = 3 * time.Minute

// run starts ingest, deals the blows at their moments, and waits for its end.
func (w *world) run(ctx context.Context, c command) (result, error) {
	cmd := exec.CommandContext(ctx, w.ingest, append(c.args, "-v")...)
	var stdout, output bytes.Buffer
	both := &together{w: &output}
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&stdout, both), both
	cmd.WaitDelay = time.Second
	cmd.Dir = w.root
	cmd.Env = w.settings(c.source)
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return result{}, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	blows, slept := c.blows, time.Duration(0)
	for {
		next := hang + slept
		if len(blows) > 0 {
			next = time.Duration(blows[0].at * float64(c.pace))
		}
		timer.Reset(next - time.Since(start))
		select {
		case err := <-ended:
			r := result{took: time.Since(start), stdout: stdout.String(), output: output.String()}
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				return r, err
			}
			r.status = cmd.ProcessState.ExitCode()
			return r, ctx.Err()
		case <-timer.C:
		}
		var err error
		switch {
		case len(blows) == 0:
			_ = cmd.Process.Signal(syscall.SIGQUIT) // its stacks tell where it hangs
			err = <-ended
			return result{}, fmt.Errorf("ingest hangs for %s (%w):\n%s", hang, err, output.String())
		case blows[0].signal == syscall.SIGSTOP:
			began := time.Now()
			err = sleep(ctx, cmd.Process, c)
			slept += time.Since(began)
		case blows[0].target == loader:
			_ = cmd.Process.Signal(blows[0].signal) // it may be over
		default:
			err = w.store.kill(blows[0].signal)
		}
		if err != nil {
			_ = cmd.Process.Kill()
			<-ended //nolint:errcheck // it was killed
			return result{}, err
		}
		blows = blows[1:]
	}
}

// together takes what two writers say.
type together struct {
	mu sync.Mutex
	w  io.Writer
}

func (t *together) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.w.Write(p)
}

// sleep stops a process, lets happen what is to happen meanwhile, and lets it go
// on. One that is over sleeps no more.
func sleep(ctx context.Context, p *os.Process, c command) error {
	stopping := p.Signal(syscall.SIGSTOP) == nil
	if !stopping || !stopped(ctx, p.Pid) {
		return nil
	}
	return errors.Join(c.asleep(), p.Signal(c.end))
}

// stopped waits until the process is stopped; false: it ended before.
func stopped(ctx context.Context, pid int) bool {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		switch stateOf(pid) {
		case "T":
			return struct{}{}, nil
		case "Z", "":
			return struct{}{}, backoff.Permanent(errors.New("it is over"))
		}
		return struct{}{}, errors.New("it runs")
	}, backoff.WithBackOff(backoff.NewConstantBackOff(time.Millisecond)))
	return err == nil
}

// stateOf is the letter that the system has for a process: T for one that is
// stopped, Z for a zombie, nothing for one that is gone.
func stateOf(pid int) string {
	stat, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	_, rest, _ := strings.Cut(string(stat), ") ")
	state, _, _ := strings.Cut(rest, " ")
	return state
}

func inherited(names ...string) []string {
	var env []string
	for _, name := range names {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// lingering waits for the end of every process of the game and names those
// that go on.
func (w *world) lingering(ctx context.Context) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		pids, err := processes(func(pid string) bool {
			env, _ := os.ReadFile(filepath.Join(pid, "environ"))
			return bytes.Contains(env, []byte("TMPDIR="+w.temp+"\x00"))
		})
		if err == nil && len(pids) > 0 {
			err = fmt.Errorf("processes %v go on", pids)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(20*time.Millisecond)), backoff.WithMaxElapsedTime(20*time.Second))
	return err
}

// processes lists those whose folder under /proc pleases; zombies are over.
func processes(pleases func(dir string) bool) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() || !pleases(filepath.Join("/proc", e.Name())) {
			continue
		}
		if state := stateOf(pid); state != "" && state != "Z" {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
