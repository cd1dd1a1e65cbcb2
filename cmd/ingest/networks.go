package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// networkEntry is one member of networks: in ingest.yaml: settings that hold for
// one network, over those at the top of the file.
type networkEntry struct {
	from   string // ingest.yaml:12
	values map[string]string
	env    map[string]string // setting → variable that holds it
}

// networkSettings are the settings that a network may have of its own; a secret
// is named by KEY_file or by KEY_env.
func networkSettings() []string {
	return []string{"id", "token_file", "api_url", "timezone", "source", "rate_limit",
		"client_id", "client_secret_file", "integrator_id", "audience", "auth_url", "api_key_file", "api_key_side"}
}

func secretVariables() map[string]string {
	return map[string]string{"token_env": "network_token", "client_secret_env": "client_secret", "api_key_env": "api_key"}
}

// parseNetworks reads the list. Paths in it are relative to the file.
func parseNetworks(value any, path, from string) ([]networkEntry, error) {
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		return nil, &usageError{err: fmt.Errorf("%s: networks takes a list, a network a member", from)}
	}
	var entries []networkEntry
	seen := map[string]bool{}
	for i, member := range list {
		from := fmt.Sprintf("%s: network %d", from, i+1)
		m, ok := member.(map[string]any)
		if !ok {
			return nil, &usageError{err: fmt.Errorf("%s: want settings such as id and token_file", from)}
		}
		e := networkEntry{from: from, values: map[string]string{}, env: map[string]string{}}
		for _, key := range slices.Sorted(maps.Keys(m)) {
			variable, isEnv := secretVariables()[key]
			text := strings.TrimSpace(fmt.Sprint(m[key]))
			switch {
			case m[key] == nil:
			case isEnv:
				e.env[variable] = text
			case !slices.Contains(networkSettings(), key):
				known := append(networkSettings(), slices.Sorted(maps.Keys(secretVariables()))...)
				return nil, &usageError{err: fmt.Errorf("%s: unknown setting %q", from, key), hint: "settings of a network: " + strings.Join(known, ", ")}
			default:
				if strings.HasSuffix(key, "_file") && !filepath.IsAbs(text) {
					text = filepath.Join(filepath.Dir(path), text)
				}
				e.values[key] = text
			}
		}
		id := e.values["id"]
		if id == "" || seen[strings.ToLower(id)] {
			return nil, &usageError{err: fmt.Errorf("%s: want an id of its own", from)}
		}
		seen[strings.ToLower(id)] = true
		entries = append(entries, e)
	}
	return entries, nil
}

// over lays a network's settings over the common ones. Flags and the
// environment win as everywhere, except for the sign-in: a secret belongs to
// one network.
func (e networkEntry) over(v values, getenv func(string) string) (values, error) {
	out := values{k: v.k.Copy(), from: maps.Clone(v.from), found: v.found}
	set := func(key, value, from string) error {
		out.from[key] = from
		return out.k.Set(key, value)
	}
	if e.signsIn() {
		for _, key := range []string{"network_token", "token_file", "client_id", "client_secret", "client_secret_file", "integrator_id", "api_key", "api_key_file", "api_key_side"} {
			if err := set(key, "", e.from); err != nil {
				return out, err
			}
		}
		// "ingest.yaml:3" is where a secret must not stand; these are empty.
		for _, key := range []string{"network_token", "client_secret", "api_key"} {
			out.from[key] = "default"
		}
	}
	for key, value := range e.values {
		if key == "id" {
			key = "network_id"
		}
		switch from := v.from[key]; {
		case key != "network_id" && (strings.HasPrefix(from, "--") || from == envOf(key)) && !isSignIn(key):
		default:
			if err := set(key, value, e.from); err != nil {
				return out, err
			}
		}
	}
	for key, variable := range e.env {
		text := getenv(variable)
		if text == "" {
			return out, &usageError{err: fmt.Errorf("%s: %s is not set", e.from, variable)}
		}
		if err := set(key, text, variable); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (e networkEntry) signsIn() bool {
	return len(e.env) > 0 || e.values["token_file"] != "" || e.values["client_id"] != "" || e.values["api_key_file"] != ""
}

func isSignIn(key string) bool {
	return key == "token_file" || slices.ContainsFunc(signInSettings(), func(s setting) bool { return s.key == key && key != "rate_limit" })
}

func envOf(key string) string {
	for _, s := range settings() {
		if s.key == key {
			return s.env
		}
	}
	return ""
}

// configureAll is configure for commands that work on several networks: a
// Config for each of networks: in ingest.yaml, or for those that --network (or
// HASOFFERS_NETWORK_ID) picks by a comma-separated list.
func (a *app) configureAll(cmd *cobra.Command) ([]*Config, error) {
	v, err := a.settle(cmd)
	if err != nil {
		return nil, err
	}
	if len(v.networks) == 0 {
		cfg, err := a.parsed(v)
		if err != nil {
			return nil, err
		}
		return []*Config{cfg}, nil
	}
	picked := v.networks
	if want := v.text("network_id"); want != "" {
		if picked, err = pickNetworks(v, want); err != nil {
			return nil, err
		}
	}
	var all []*Config
	for _, e := range picked {
		own, err := e.over(v, a.getenv)
		if err != nil {
			return nil, err
		}
		cfg, err := a.parsed(own)
		if err != nil {
			return nil, err
		}
		all = append(all, cfg)
	}
	return all, nil
}

// configure is for commands that work on one network.
func (a *app) configure(cmd *cobra.Command) (*Config, error) {
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
func (a *app) configureStore(cmd *cobra.Command) (*Config, error) {
	v, err := a.settle(cmd)
	if err != nil {
		return nil, err
	}
	v.noSource = true
	if len(v.networks) > 0 {
		// It may name several, and does not matter here.
		if err := v.k.Set("network_id", ""); err != nil {
			return nil, err
		}
	}
	return a.parsed(v)
}

func pickNetworks(v values, want string) ([]networkEntry, error) {
	var picked []networkEntry
	var known []string
	for _, e := range v.networks {
		known = append(known, e.values["id"])
	}
	for id := range strings.SplitSeq(want, ",") {
		i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, strings.TrimSpace(id)) })
		if i < 0 {
			return nil, v.wrong("network_id", fmt.Errorf("unknown network %q: want %s", id, strings.Join(known, ", ")))
		}
		picked = append(picked, v.networks[i])
	}
	return picked, nil
}

// eachNetwork runs work for the configured networks, one after the other. One
// that fails does not stop the others; the exit status is the worst of theirs.
func (a *app) eachNetwork(cmd *cobra.Command, work func(context.Context, *Config) error) error {
	all, err := a.configureAll(cmd)
	if err != nil {
		return err
	}
	return a.each(cmd, all, work)
}

// eachSource is eachNetwork for work that reads the networks' sources. Two that
// read the same bucket or folder would both take its files for their own.
func (a *app) eachSource(cmd *cobra.Command, work func(context.Context, *Config) error) error {
	all, err := a.configureAll(cmd)
	if err != nil {
		return err
	}
	reader := map[string]string{}
	for _, cfg := range all {
		source := cfg.Source.String()
		if other, ok := reader[source]; ok && cfg.Source.Kind != "hasoffers" {
			return &usageError{
				err:  fmt.Errorf("networks %s and %s read the same source %s", other, cfg.Network, source),
				hint: "give each a source of its own in ingest.yaml, or name one with --network",
			}
		}
		reader[source] = cfg.Network
	}
	return a.each(cmd, all, work)
}

func (a *app) each(cmd *cobra.Command, all []*Config, work func(context.Context, *Config) error) error {
	if len(all) == 1 {
		return work(cmd.Context(), all[0])
	}
	failed := &partsError{}
	for _, cfg := range all {
		err := work(cmd.Context(), cfg)
		switch {
		case err == nil:
			continue
		case errors.Is(err, syscall.EPIPE), cmd.Context().Err() != nil, errors.Is(err, errInterrupted):
			return err
		}
		failed.names, failed.errs = append(failed.names, cfg.Network), append(failed.errs, err)
		if a.interrupted() {
			return errors.Join(errInterrupted, failed)
		}
	}
	if len(failed.errs) == 0 {
		return nil
	}
	return failed
}

// partsError tells of the parts of the work that failed, such as networks; the
// others are done.
type partsError struct {
	names []string
	errs  []error
}

// inParts sums up what several parts of the work ended with.
func inParts(names []string, errs ...error) error {
	failed := &partsError{}
	for i, err := range errs {
		if err != nil {
			failed.names, failed.errs = append(failed.names, names[i]), append(failed.errs, err)
		}
	}
	switch len(failed.errs) {
	case 0:
		return nil
	case 1:
		return failed.errs[0]
	}
	return failed
}

func (e *partsError) Error() string {
	var lines []string
	for i, err := range e.errs {
		lines = append(lines, e.names[i]+": "+err.Error())
	}
	return strings.Join(lines, "; ")
}

// status is the worst of their exit statuses.
func (e *partsError) status() int {
	worst := exitDone
	for _, err := range e.errs {
		if s := exitStatus(err); slices.Index(badness(), s) > slices.Index(badness(), worst) {
			worst = s
		}
	}
	return worst
}

// badness orders exit statuses: one that needs a person outranks one that
// mends itself.
func badness() []int {
	return []int{exitDone, exitHeld, exitIncomplete, exitDiffers, exitUsage, exitFailed, exitInterrupted}
}

// message is a line for each part that failed.
func (e *partsError) message() string {
	var b strings.Builder
	for i, err := range e.errs {
		b.WriteString(strings.Replace(message(err), "ingest: ", "ingest: "+clean(e.names[i])+": ", 1))
	}
	return b.String()
}
