package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// protection is one of the code's guards and how to take it out.
type protection struct {
	Name    string // of the mark that says where it is
	What    string // the guard, in words
	Change  change // takes it out
	Package string // of the test that notices, from the module's root
	Test    string // its name, and its subtests' after slashes; each part may be an expression
	Area    string // of the fault, as docs/reliability.md has it
}

// mutant is a file without a protection.
type mutant struct {
	file string
	text []byte
}

// mutate takes the protection out.
func (p protection) mutate(marks map[string]place) (mutant, error) {
	at, ok := marks[p.Name]
	if !ok {
		return mutant{}, fmt.Errorf("%s: nothing is marked guard:%s", p.Name, p.Name)
	}
	edits, err := p.Change(at)
	if err != nil {
		return mutant{}, fmt.Errorf("%s: guard:%s: %w", at.at(), p.Name, err)
	}
	m := mutant{at.file, apply(at.text, edits)}
	if bytes.Equal(m.text, at.text) {
		return mutant{}, fmt.Errorf("%s: guard:%s: nothing is taken out", at.at(), p.Name)
	}
	return m, nil
}

// pattern is what -run takes for the test and nothing else.
func (p protection) pattern() string { return "^" + strings.ReplaceAll(p.Test, "/", "$/^") + "$" }

// trial runs every protection's test with it and without it, prints a line for
// each, and fails when a test does not tell the two apart.
func trial(ctx context.Context, w io.Writer, chosen []protection, marks map[string]place, timeout time.Duration) error {
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	wrong := 0
	for i, p := range chosen {
		begin := time.Now()
		m, err := p.mutate(marks)
		if err != nil {
			return err
		}
		said, err := try(ctx, dir, p, m, timeout)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		verdict := "noticed"
		if err != nil {
			verdict = "WRONG"
			said = err.Error()
			wrong++
		}
		if _, err := fmt.Fprintf(w, "%2d/%d %-7s %5.1f s  %s: %s; %s %s: %s\n",
			i+1, len(chosen), verdict, time.Since(begin).Seconds(), p.Name, p.What, p.Package, p.Test, said); err != nil {
			return err
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d protections can go without a test that notices", wrong, len(chosen))
	}
	return nil
}

// try returns what the test said without the protection.
func try(ctx context.Context, dir string, p protection, m mutant, timeout time.Duration) (said string, err error) {
	// With the protection the answer may come from the go command's cache.
	out, err := test(ctx, p, timeout, "")
	if err != nil {
		return "", fmt.Errorf("fails with the protection in place: %s", excerpt(out))
	}
	overlay, err := write(dir, m)
	if err != nil {
		return "", err
	}
	out, err = test(ctx, p, timeout, overlay)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "", errors.New("passes without the protection")
	case !errors.As(err, &exit):
		return "", err
	case bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("[setup failed]")):
		return "", fmt.Errorf("does not build without the protection: %s", excerpt(out))
	}
	return excerpt(out), nil
}

// write puts the changed file and the overlay that names it into dir.
func write(dir string, m mutant) (overlay string, err error) {
	path, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	instead := filepath.Join(dir, "changed"+filepath.Ext(m.file))
	if err = os.WriteFile(instead, m.text, 0o600); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {path: instead}})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

func test(ctx context.Context, p protection, timeout time.Duration, overlay string) ([]byte, error) {
	args := []string{"test", "-v", "-run", p.pattern(), "-timeout", timeout.String(), "./" + p.Package}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = os.Environ()
	// The go command's end does not end the test that it started.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	if overlay != "" {
		// In the environment, so that a test that builds a program builds it alike.
		cmd.Env = append(cmd.Env, "GOFLAGS=-overlay="+overlay)
	}
	out, err := cmd.CombinedOutput()
	// A subtest that is not there is no error to the go command.
	if ran := regexp.MustCompile(`(?m)^=== RUN +` + p.Test + `$`); err == nil && !ran.Match(out) {
		return []byte("no such test"), errors.New("no such test")
	}
	return out, err
}

var said = regexp.MustCompile(`(?m)^\s+\w+_test\.go:\d+: .*|^panic: .*|^.*\[build failed\].*|^\S+\.go:\d+:\d+: .*`)

// excerpt is the first thing that a test's output complains of.
func excerpt(out []byte) string {
	line := string(said.Find(out))
	if line == "" {
		line, _, _ = strings.Cut(string(bytes.TrimSpace(out)), "\n")
	}
	line = strings.Join(strings.Fields(line), " ")
	if len(line) > 160 {
		line = strings.ToValidUTF8(line[:160], "") + "…"
	}
	return line
}
