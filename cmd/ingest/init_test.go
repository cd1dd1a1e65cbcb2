package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

// screen is what a person sees at a terminal.
type screen struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{} // one token where something came
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.grown <- struct{}{}:
	default:
	}
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// At a terminal it asks, shows no secret, asks again where a test fails, and writes what
// `ingest check` passes.
func TestInitAtTerminal(t *testing.T) {
	t.Parallel()
	net := testkit.Simnet(t, simnet.Config{Seed: 3, Clicks: 5, Limit: 10_000})
	if _, err := net.Live(t.Context(), simnet.Scenario{Start: day, Days: 1, Plain: true}); err != nil {
		t.Fatal(err)
	}
	var env []string
	for _, v := range net.Env() { // who sets it up types these
		if !strings.HasPrefix(v, "HASOFFERS_NETWORK_") && !strings.HasPrefix(v, "HASOFFERS_TIMEZONE") {
			env = append(env, v)
		}
	}
	p := newProgram(t, env...).raced()
	const wrong = "NETwrongcanary"
	seen, status := converse(t, p, [][2]string{
		{"Where are the logs?", ""},
		{"Id of the network", net.ID()},
		{"How do you sign in?", "visitor"},
		{"unknown way to sign in", "token"},
		{"network's token (hidden)", wrong},
		{"The source did not pass. Ask again?", ""},
		{"Where are the logs?", ""},
		{"Id of the network", ""},
		{"How do you sign in?", ""},
		{"network's token (hidden)", net.Token()},
		{"Where do the rows go?", "embedded:data/clickhouse"},
		{"Zone of the datetimes", "Mars/Olympus"},
		{"unknown zone", ""},
		{"Zone of the datetimes", "America/New_York"},
	}, "")
	if status != exitDone || !strings.Contains(seen, "accepts the token") || !strings.Contains(seen, "wrote "+p.dir+"/ingest.yaml and "+p.dir+"/"+net.ID()+".token") {
		t.Fatalf("exit status %d, seen\n%s", status, seen)
	}
	if strings.Contains(seen, wrong) || strings.Contains(seen, net.Token()) {
		t.Errorf("a token was shown:\n%s", seen)
	}
	for _, name := range []string{"ingest.yaml", net.ID() + ".token"} {
		info, err := os.Stat(filepath.Join(p.dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	out, _ := p.run(exitDone, "check", "--config", "ingest.yaml")
	if !strings.Contains(out, "America/New_York (ingest.yaml:") || !strings.Contains(out, "accepts the token") {
		t.Errorf("check printed\n%s", out)
	}
}

// Ctrl-C at a hidden question ends it, and the terminal shows again what is typed.
func TestInitInterrupted(t *testing.T) {
	t.Parallel()
	p := newProgram(t).raced()
	seen, status := converse(t, p, [][2]string{{"Where are the logs?", ""}, {"Id of the network", "acme"}, {"How do you sign in?", ""}}, "network's token (hidden)")
	if status != exitInterrupted {
		t.Errorf("exit status %d, seen\n%s", status, seen)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "ingest.yaml")); err == nil {
		t.Error("a file was written")
	}
}

// converse runs `ingest init` at a terminal of its own and answers each question once it
// has been asked. Where interrupt is asked, it sends SIGINT.
func converse(t *testing.T, p *program, answers [][2]string, interrupt string) (seen string, status int) {
	t.Helper()
	terminal, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = terminal.Close(), tty.Close() }()
	cmd, _, _ := p.command("init")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &screen{grown: make(chan struct{}, 1)}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		buf := make([]byte, 4096)
		for {
			n, err := terminal.Read(buf)
			if n > 0 {
				_, _ = s.Write(buf[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	patience := time.NewTimer(time.Minute)
	defer patience.Stop()
	at := 0
	await := func(question string) bool {
		for {
			if i := strings.Index(s.String()[at:], question); i >= 0 {
				at += i + len(question)
				return true
			}
			select {
			case <-patience.C:
				t.Errorf("it did not ask %q:\n%s", question, s.String())
				_ = cmd.Process.Kill()
				return false
			case <-s.grown:
			case err := <-ended:
				t.Errorf("it ended (%v) before it asked %q:\n%s", err, question, s.String())
				ended <- err
				return false
			}
		}
	}
	for _, a := range answers {
		if !await(a[0]) {
			break
		}
		if a[0] == "unknown way to sign in" || a[0] == "unknown zone" {
			if a[1] == "" {
				continue
			}
			if !await(": ") {
				break
			}
		}
		if strings.HasSuffix(a[0], "(hidden)") {
			echoOff(t, tty)
		}
		if _, err := terminal.WriteString(a[1] + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	if interrupt != "" && await(interrupt) {
		echoOff(t, tty)
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	status = exitOf(<-ended)
	if !echoes(t, tty) {
		t.Error("the terminal no longer shows what is typed")
	}
	_ = tty.Close() // the last of its users: once all is read, the other side ends
	<-drained
	return s.String(), status
}
