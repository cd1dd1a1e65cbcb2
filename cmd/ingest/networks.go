package main

import (
	"strings"

	"github.com/spf13/cobra"

	"rawlogs/internal/config"
	"rawlogs/internal/runs"
	"rawlogs/internal/session"
	"rawlogs/internal/version"
)

// networks are worked on with one set of sign-ins, until a signal comes.
func (a *app) networks() *session.Networks {
	if a.shared == nil {
		a.shared = &session.Networks{
			SignIns: &session.SignIns{CacheDir: config.CacheDir(a.getenv)}, Log: a.log, Interrupted: a.signals.Came, Status: exitStatus,
		}
	}
	return a.shared
}

// eachNetwork runs work for the configured networks, one after the other, until the
// first signal. One that fails does not stop the others; the exit status is the worst
// of theirs.
func (a *app) eachNetwork(cmd *cobra.Command, work session.Job) error {
	all, err := a.configureAll(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := a.signals.Until(cmd.Context())
	defer cancel()
	return a.networks().Each(ctx, all, a.recorded(cmd, work))
}

// eachSource is eachNetwork for work that reads the networks' sources.
func (a *app) eachSource(cmd *cobra.Command, work session.Job) error {
	all, err := a.configureSources(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := a.signals.Until(cmd.Context())
	defer cancel()
	return a.networks().Each(ctx, all, a.recorded(cmd, work))
}

// eachLoad is eachSource for loads, which have files in flight: their context ends at
// the second signal.
func (a *app) eachLoad(cmd *cobra.Command, work session.Job) error {
	all, err := a.configureSources(cmd)
	if err != nil {
		return err
	}
	return a.networks().Each(cmd.Context(), all, a.recorded(cmd, work))
}

// oneNetwork is eachNetwork for work on one network alone.
func (a *app) oneNetwork(cmd *cobra.Command, work session.Job) error {
	cfg, err := a.configure(cmd)
	if err != nil {
		return err
	}
	return a.within(cmd, cfg, work)
}

// onStore does work that needs the store and reads no source, until the first signal.
func (a *app) onStore(cmd *cobra.Command, work session.Job) error {
	cfg, err := a.configureStore(cmd)
	if err != nil {
		return err
	}
	return a.within(cmd, cfg, work)
}

func (a *app) within(cmd *cobra.Command, cfg *config.Config, work session.Job) error {
	ctx, cancel := a.signals.Until(cmd.Context())
	defer cancel()
	return a.networks().Within(ctx, cfg, a.recorded(cmd, work))
}

// recorded is work that is written down in ingest_runs, if the command changes the store
// or compares it with the network.
func (a *app) recorded(cmd *cobra.Command, work session.Job) session.Job {
	build := version.Get()
	c := runs.Command{Name: strings.TrimPrefix(cmd.CommandPath(), "ingest "), Arguments: a.args, Release: build.Version + " " + build.Commit}
	given := func(flag string) string {
		if f := cmd.Flags().Lookup(flag); f != nil {
			return f.Value.String()
		}
		return ""
	}
	switch c.Name {
	case "run", "backfill", "reload", "ignore", "dims", "updates", "stats", "schema apply", "schema evolve":
	case "reconcile":
		c.Looks = true
	case "sql":
		if given("write") != "true" {
			return work
		}
		c.Arguments = []string{"sql", "--write", "…"} // a statement may hold a password
	default:
		return work
	}
	if given("dry-run") == "true" { //guard:dry-run-unrecorded
		return work
	}
	c.Worker = given("worker")
	return a.networks().Recorded(c, work)
}
