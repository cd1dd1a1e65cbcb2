package main

import (
	"github.com/spf13/cobra"

	"rawlogs/internal/config"
	"rawlogs/internal/session"
)

// networks are worked on with one set of sign-ins, until a signal comes.
func (a *app) networks() *session.Networks {
	if a.shared == nil {
		a.shared = &session.Networks{
			SignIns: &session.SignIns{CacheDir: config.CacheDir(a.getenv)}, Log: a.log, Interrupted: a.signals.Came,
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
	return a.networks().Each(ctx, all, work)
}

// eachSource is eachNetwork for work that reads the networks' sources.
func (a *app) eachSource(cmd *cobra.Command, work session.Job) error {
	all, err := a.configureSources(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := a.signals.Until(cmd.Context())
	defer cancel()
	return a.networks().Each(ctx, all, work)
}

// eachLoad is eachSource for loads, which have files in flight: their context ends at
// the second signal.
func (a *app) eachLoad(cmd *cobra.Command, work session.Job) error {
	all, err := a.configureSources(cmd)
	if err != nil {
		return err
	}
	return a.networks().Each(cmd.Context(), all, work)
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
	return a.networks().Within(ctx, cfg, work)
}
