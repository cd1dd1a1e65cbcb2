package main

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/config"
)

// flagOf names the flag of each setting that has one. A secret has none.
var flagOf = map[string]string{
	"config": "config", "network_id": "network", "source": "source", "files": "files", "store": "store", "api_url": "api-url",
	"timezone": "timezone", "not_counted": "not-counted", "max_memory": "max-memory", "max_rejected": "max-rejected", "max_misfit": "max-misfit", "lookback": "lookback", "conversions_report": "conversions-report", "catch_up": "catch-up", "fetchers": "fetchers", "parsers": "parsers", "spool": "spool",
}

// layers merges what cmd's flags, the environment and the file give.
func (a *app) layers(cmd *cobra.Command) (*config.Layers, error) {
	if a.verbose && a.quiet {
		return nil, &usageError{err: fmt.Errorf("--verbose and --quiet exclude each other")}
	}
	a.setLevel()
	return config.Read(config.Given{Getenv: a.getenv, Flag: givenFlags(cmd.Flags())})
}

// givenFlags looks settings up among the flags of a command, which has only
// those it uses.
func givenFlags(flags *pflag.FlagSet) func(key string) (name, value string, ok bool) {
	return func(key string) (name, value string, ok bool) {
		f := flags.Lookup(flagOf[key])
		if f == nil || !f.Changed {
			return "", "", false
		}
		return "--" + f.Name, f.Value.String(), true
	}
}

// configureAll is configure for commands that work on several networks.
func (a *app) configureAll(cmd *cobra.Command) ([]*config.Config, error) {
	layers, err := a.layers(cmd)
	if err != nil {
		return nil, err
	}
	all, err := layers.All(a.log)
	if err != nil {
		return nil, err
	}
	a.enforce(all[0])
	return all, nil
}

// configure is for commands that work on one network.
func (a *app) configure(cmd *cobra.Command) (*config.Config, error) {
	all, err := a.configureAll(cmd)
	if err != nil {
		return nil, err
	}
	if len(all) > 1 {
		var ids []string
		for _, cfg := range all {
			ids = append(ids, cfg.Network)
		}
		return nil, &usageError{err: fmt.Errorf("%s works on one network: name it with --network", cmd.CommandPath()), hint: "networks: " + strings.Join(ids, ", ")}
	}
	return all[0], nil
}

// configureStore is for commands that only need the store.
func (a *app) configureStore(cmd *cobra.Command) (*config.Config, error) {
	layers, err := a.layers(cmd)
	if err != nil {
		return nil, err
	}
	cfg, err := layers.StoreOnly(a.log)
	if err != nil {
		return nil, err
	}
	a.enforce(cfg)
	return cfg, nil
}

// enforce puts the settings of the whole process in force; they are the same
// for every network.
func (a *app) enforce(cfg *config.Config) {
	if a.getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(cfg.MaxMemory)
	}
}

func (a *app) configureSources(cmd *cobra.Command) ([]*config.Config, error) {
	all, err := a.configureAll(cmd)
	if err != nil {
		return nil, err
	}
	return all, config.SeparateSources(all)
}
