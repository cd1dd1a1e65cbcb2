//go:build linux && amd64

package engine

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// start makes a host process for the folder and waits until it is ready. It
// takes over lock, the host's lock, which passes to the child so that no moment
// is without a holder.
func (f folder) start(ctx context.Context, cfg Config, lock *os.File) (endpoint, error) {
	defer func() { _ = lock.Close() }()
	library, err := FindLibrary(cfg.Library)
	if err != nil {
		return endpoint{}, err
	}
	if err = processor(features()); err != nil {
		return endpoint{}, err
	}
	program := cfg.Host
	if program == "" {
		if program, err = os.Executable(); err != nil {
			return endpoint{}, fmt.Errorf("finding this program to run it again: %w", err)
		}
	}
	const tries = 5
	for try := 1; ; try++ {
		ep, err := f.startOnce(ctx, cfg, lock, program, library)
		var start *startError
		if errors.As(err, &start) && start.taken && try < tries && (cfg.TCPPort == 0 || cfg.HTTPPort == 0) {
			continue // somebody was quicker; a fixed port that is taken fails again and says so
		}
		return ep, err
	}
}

// startError says why a host did not become ready.
type startError struct {
	text  string
	taken bool
}

func (e *startError) Error() string { return e.text }

// prepare writes what the host reads at its start, and returns what it is told.
func (f folder) prepare(cfg Config, library string) (hostSpec, error) {
	ports, err := freePorts(2)
	if err != nil {
		return hostSpec{}, err
	}
	password := cfg.Password
	if password == "" {
		if password, err = f.keptPassword(passwordFile); err != nil {
			return hostSpec{}, err
		}
	}
	reader, err := f.keptPassword(readerFile)
	if err != nil {
		return hostSpec{}, err
	}
	spec := hostSpec{
		Path: string(f), Library: library, Nonce: rand.Text(), User: userName,
		TCPPort: cmp.Or(cfg.TCPPort, ports[0]), HTTPPort: cmp.Or(cfg.HTTPPort, ports[1]),
		Password: password, ReaderPassword: reader,
	}
	return spec, errors.Join(
		f.remove(endpointFile),
		f.makePipe(),
		f.writeSettings(spec, cmp.Or(cfg.MaxMemory, machineMemory()/10*6)),
	)
}

// hostCommand is the process that hosts ClickHouse, in a session of its own, so that the
// terminal's Ctrl-C does not reach it. It inherits the lock and the pipe for its report.
func (f folder) hostCommand(program string, stdin []byte, log, lock, reportEnd *os.File) *exec.Cmd {
	cmd := exec.Command(program)
	cmd.Env = hostEnvironment()   //guard:host-environment
	cmd.Dir = f.file(filesFolder) // where SQL finds file('x.csv')
	cmd.Stdin = bytes.NewReader(stdin)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{lock, reportEnd}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// startOnce starts a host and awaits its report. It reports ports that were taken
// meanwhile by a *startError.
func (f folder) startOnce(ctx context.Context, cfg Config, lock *os.File, program, library string) (endpoint, error) {
	spec, err := f.prepare(cfg, library)
	if err != nil {
		return endpoint{}, err
	}
	stdin, err := json.Marshal(spec)
	if err != nil {
		return endpoint{}, err
	}
	_ = os.Rename(f.file(hostLog), f.file(hostLog+".1")) // kept for anybody who asks why the last one ended
	log, err := os.OpenFile(f.file(hostLog), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return endpoint{}, err
	}
	defer func() { _ = log.Close() }()
	reports, reportEnd, err := os.Pipe()
	if err != nil {
		return endpoint{}, err
	}
	defer func() { _ = reports.Close() }()

	cmd := f.hostCommand(program, stdin, log, lock, reportEnd)
	err = cmd.Start()
	if cerr := reportEnd.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return endpoint{}, fmt.Errorf("starting the host process: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its end is told by the pipe; this only lets the kernel forget it
		close(exited)
	}()
	r, err := awaitReport(ctx, reports)
	if err == nil && r.Error == "" {
		return f.readEndpoint()
	}
	_ = cmd.Process.Kill() // nothing has been written through it yet
	<-exited
	if ctx.Err() != nil {
		return endpoint{}, context.Cause(ctx)
	}
	text := r.Error
	if err != nil {
		text = "the host process ended before it was ready"
	}
	if tail := f.lastWords(); tail != "" {
		text += "\n" + tail
	}
	return endpoint{}, &startError{text: text, taken: r.Taken}
}

// awaitReport reads the host's one line; its error means that the host ended
// without one, or the context did.
func awaitReport(ctx context.Context, reports *os.File) (report, error) {
	stop := context.AfterFunc(ctx, func() { _ = reports.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var r report
	err := json.NewDecoder(reports).Decode(&r)
	return r, err
}

// hostEnvironment is what the host may see of ours: no token and no key.
func hostEnvironment() []string {
	env := []string{hostEnv + "=1", "TZ=UTC"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "LANG", "GOTRACEBACK", "GOCOVERDIR", "GORACE"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
