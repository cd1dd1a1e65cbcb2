package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rawlogs/internal/config"
	"rawlogs/internal/notify"
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
	return a.each(ctx, cmd, all, work)
}

// eachSource is eachNetwork for work that reads the networks' sources.
func (a *app) eachSource(cmd *cobra.Command, work session.Job) error {
	all, err := a.configureSources(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := a.signals.Until(cmd.Context())
	defer cancel()
	return a.each(ctx, cmd, all, work)
}

// eachLoad is eachSource for loads, which have files in flight: their context ends at
// the second signal.
func (a *app) eachLoad(cmd *cobra.Command, work session.Job) error {
	all, err := a.configureSources(cmd)
	if err != nil {
		return err
	}
	return a.each(cmd.Context(), cmd, all, work)
}

// eachReport is eachLoad for what the networks' API is read for, whatever their sources.
func (a *app) eachReport(cmd *cobra.Command, work session.Job) error {
	all, err := a.configureAll(cmd)
	if err != nil {
		return err
	}
	return a.each(cmd.Context(), cmd, all, work)
}

// each writes the work down and tells of it, if that is due. What is told ends with the
// second signal, whenever the work does.
func (a *app) each(ctx context.Context, cmd *cobra.Command, all []*config.Config, work session.Job) error {
	work = a.recorded(cmd, work)
	c := command(cmd)
	// What a timer starts: of the rest, somebody sees the outcome.
	if given(cmd, "dry-run") == "true" || !slices.Contains([]string{"run", "backfill", "reload", "conversions", "firehose", "dims", "updates", "stats", "reconcile"}, c.Name) {
		return a.networks().Each(ctx, all, work)
	}
	a.telling = &session.Telling{Command: c, Sender: notify.NewSender()}
	return a.networks().Tell(cmd.Context(), a.telling, all, func(told func(session.Job) session.Job) error {
		return a.networks().Each(ctx, all, told(work))
	})
}

// command is what was started.
func command(cmd *cobra.Command) runs.Command {
	build := version.Get()
	return runs.Command{
		Name: strings.TrimPrefix(cmd.CommandPath(), "ingest "), Worker: given(cmd, "worker"), Release: build.Version + " " + build.Commit,
	}
}

// given is the value of a command's flag, "" where it has none of that name.
func given(cmd *cobra.Command, flag string) string {
	if f := cmd.Flags().Lookup(flag); f != nil {
		return f.Value.String()
	}
	return ""
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

// onStoreOfAll is onStore for work that has to know the settings of every network: the
// first one's name the store.
func (a *app) onStoreOfAll(cmd *cobra.Command, work func(context.Context, *session.Session, []*config.Config) error) error {
	layers, err := a.layers(cmd)
	if err != nil {
		return err
	}
	all, err := layers.StoreAll(a.log)
	if err != nil {
		return err
	}
	a.enforce(all[0])
	return a.within(cmd, all[0], func(ctx context.Context, s *session.Session) error { return work(ctx, s, all) })
}

func (a *app) within(cmd *cobra.Command, cfg *config.Config, work session.Job) error {
	ctx, cancel := a.signals.Until(cmd.Context())
	defer cancel()
	return a.networks().Within(ctx, cfg, a.recorded(cmd, work))
}

// recorded is work that is written down in ingest_runs, if the command changes the store
// or compares it with the network.
func (a *app) recorded(cmd *cobra.Command, work session.Job) session.Job {
	c := command(cmd)
	c.Arguments = a.args
	switch c.Name {
	case "run", "backfill", "reload", "conversions", "firehose", "ignore", "dims", "updates", "stats", "fx load", "schema apply", "schema evolve":
	case "forget":
		c.Arguments = []string{"forget", "…"} //guard:forget-unrecorded
	case "schema ttl":
		if cmd.Flags().NArg() < 2 {
			return work
		}
	case "reconcile":
		c.Looks = true
	case "sql":
		if given(cmd, "write") != "true" {
			return work
		}
		c.Arguments = []string{"sql", "--write", "…"} // a statement may hold a password
	default:
		return work
	}
	if given(cmd, "dry-run") == "true" { //guard:dry-run-unrecorded
		return work
	}
	return a.networks().Recorded(c, work)
}
