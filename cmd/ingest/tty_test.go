package main

import (
	"os"
	"testing"

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
