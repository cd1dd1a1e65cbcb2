package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// echoes reports whether a terminal shows what is typed.
func echoes(t *testing.T, tty *os.File) bool {
	t.Helper()
	mode, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return mode.Lflag&unix.ECHO != 0
}

// echoOff waits until it no longer does.
func echoOff(t *testing.T, tty *os.File) {
	t.Helper()
	for echoes(t, tty) {
		if t.Context().Err() != nil {
			t.Fatal("it went on showing what is typed")
		}
	}
}

// A binary format would leave the terminal in some other state.
func TestNoBinaryOnATerminal(t *testing.T) {
	t.Parallel()
	terminal, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = terminal.Close(), tty.Close() }()
	for _, format := range []string{"parquet", "arrow", "arrowstream"} {
		var stderr bytes.Buffer
		status := run([]string{"sql", "--store", "embedded:" + t.TempDir(), "-f", format, "SELECT 1"}, strings.NewReader(""), tty, &stderr, func(string) string { return "" })
		if status != exitUsage || !strings.Contains(stderr.String(), "not for a terminal") || !strings.Contains(stderr.String(), "--output FILE") {
			t.Errorf("%s: %d: %s", format, status, stderr.String())
		}
	}
}
