package main

import (
	"context"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rawlogs/internal/engine"
	"rawlogs/internal/testkit"
)

// hold keeps the embedded store of a folder running until the end of the test,
// so that every ingest joins its ClickHouse. To start one, and to wait until it
// has stopped, takes longer than most commands do; tests that are about that,
// and some others, do without hold.
func hold(t *testing.T, path string) {
	t.Helper()
	held(t, path)
}

// placed is the address of a store for a test: an embedded one in a folder, which is held, or
// one over shards where the environment asks for it (testkit.Sharded).
func placed(t *testing.T, path string) string {
	t.Helper()
	if testkit.Sharded() {
		return testkit.ClusterConfig(testkit.NewCluster(t, 3), 1).Spec
	}
	hold(t, path)
	return "embedded:" + path
}

// held is hold, for tests that also connect by themselves.
func held(t *testing.T, path string) *engine.Engine {
	t.Helper()
	e, err := engine.Open(t.Context(), engine.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// holdCmd is hold for the rest of a script: hold FOLDER
func holdCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold FOLDER")
	}
	e, err := engine.Open(context.Background(), engine.Config{Path: ts.MkAbs(args[0])})
	ts.Check(err)
	ts.Defer(func() { ts.Check(e.Close()) })
}
