//go:build linux && amd64

package engine

import (
	"os"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	HostMain()
	os.Exit(m.Run())
}

func TestOpen(t *testing.T) {
	t0 := time.Now()
	e, err := Open(t.Context(), Config{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Log("open", time.Since(t0))
	t0 = time.Now()
	v, err := e.query(t.Context(), "SELECT version()")
	t.Log(v, err, time.Since(t0))
	t0 = time.Now()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	t.Log("close", time.Since(t0))
}
