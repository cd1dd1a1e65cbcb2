// Package setup is the first hour: it asks for what a network's logs cannot be loaded
// without, tests each answer, and writes ingest.yaml.
//
// An answer may stand in a flag or variable beforehand. Where nobody can be asked, all of
// them must.
package setup

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"rawlogs/internal/config"
	"rawlogs/internal/session"
)

// Part is what a test is about.
type Part int

// The parts.
const (
	Source Part = iota
	Store
	zone // is right where it can be read
)

// Interview is what is needed to come to a configuration.
type Interview struct {
	// File is the path of the configuration to be written.
	File string
	// Force lets it and the secret's file be written over.
	Force bool
	// Given returns the answer of a flag or variable to a setting, and what it is named;
	// the secret's file is a setting, too, and the way to sign in is "sign_in".
	Given func(key string) (value, from string)
	// Flag names the flag of a setting, or else its variable, for whom an answer is
	// missing.
	Flag   func(key string) string
	Getenv func(name string) string
	Ask    Asker // nil: nobody can be asked
	// Defaults takes the default answers without asking.
	Defaults bool
	Test     func(ctx context.Context, cfg *config.Config, part Part) []session.Finding
	Out      io.Writer // where findings are shown

	answers map[string]string // by setting
	from    map[string]string // where each was given; "" is typed, or a default
	way     way
	secret  string // "" where its file holds it already
	replace bool   // the secret's file may be written over
}

// carried are settings that are not asked for, and kept where they are given.
var carried = []string{"api_url", "auth_url", "files"}

// Asker asks a person.
type Asker interface {
	Line(ctx context.Context, question, def string) (string, error)
	Hidden(ctx context.Context, question string) (string, error)
}

// questions and defaults of the settings that are asked for.
var questions = map[string]struct{ text, def string }{
	"source":        {"Where are the logs? hasoffers: (the network's API), s3://BUCKET/PREFIX or a folder", "hasoffers:"},
	"network_id":    {"Id of the network", ""},
	"sign_in":       {"How do you sign in? token, integrator, affiliate or advertiser", "token"},
	"client_id":     {"Client id of the integrator", ""},
	"integrator_id": {"Integrator id", ""},
	"store":         {"Where do the rows go? embedded:PATH or clickhouse://USER@HOST:9000/DATABASE", "embedded:data/clickhouse"},
	"timezone":      {"Zone of the datetimes inside the logs, such as UTC or America/New_York", "UTC"},
}

// MissingError reports answers that nobody gave and nobody can be asked for.
type MissingError struct{ Names []string }

func (e *MissingError) Error() string {
	return "there is no terminal to ask at, and these are missing: " + strings.Join(e.Names, ", ")
}

// Hint says what to do.
func (e *MissingError) Hint() string {
	return "give them, or run ingest init at a terminal; --defaults assumes " +
		"hasoffers:, a token, embedded:data/clickhouse and UTC"
}

// FailedError reports that a test failed where nobody can be asked.
type FailedError struct{ What string }

func (e *FailedError) Error() string {
	return e.What + " did not pass its test; nothing is written"
}

// Hint says what to do.
func (e *FailedError) Hint() string { return "--no-test writes the settings as they are" }

// Run comes to a configuration and writes it.
func (i *Interview) Run(ctx context.Context) (Written, error) {
	i.answers, i.from = map[string]string{}, map[string]string{}
	if err := i.free(i.File); err != nil {
		return Written{}, err
	}
	if err := i.complete(); err != nil {
		return Written{}, err
	}
	for _, key := range carried {
		i.answers[key], i.from[key] = i.Given(key)
	}
	for _, step := range []struct {
		ask  func(context.Context, bool) error
		what string
		part Part
	}{{i.askSource, "the source", Source}, {i.askStore, "the store", Store}, {i.askZone, "the zone", zone}} {
		if err := i.until(ctx, step.ask, step.what, step.part); err != nil {
			return Written{}, err
		}
	}
	return i.write()
}

// free reports whether a file may be written.
func (i *Interview) free(path string) error {
	if _, err := os.Lstat(path); err == nil && !i.Force {
		return &ExistsError{path}
	}
	return replaceable(path)
}

// replaceable refuses a folder or a device, which a file would take the place of. What is
// not there is free; writing says what else is wrong.
func replaceable(path string) error {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0 { //guard:init-no-device
		return fmt.Errorf("%s is not a regular file: choose another path", path)
	}
	return nil
}

// ExistsError reports a file that is there already.
type ExistsError struct{ Path string }

func (e *ExistsError) Error() string { return e.Path + " is there already" }

// Hint says what to do.
func (e *ExistsError) Hint() string { return "--force writes over it; --config names another" }

// complete reports all that is missing at once, where nobody can be asked.
func (i *Interview) complete() error {
	if i.Ask != nil {
		return nil
	}
	has := func(key string) bool {
		value, _ := i.given(key)
		return value != "" || i.Defaults && questions[key].def != ""
	}
	keys := []string{"source", "store", "timezone"}
	source, _ := i.Given("source")
	if api(source) {
		keys = append(keys, "network_id", "sign_in")
	}
	var missing []string
	for _, key := range keys {
		if !has(key) {
			missing = append(missing, i.Flag(key))
		}
	}
	if name, _ := i.given("sign_in"); api(source) && (name != "" || i.Defaults) {
		w, err := wayOf(cmp.Or(name, questions["sign_in"].def))
		if err != nil {
			return err
		}
		for _, key := range w.others {
			if !has(key) {
				missing = append(missing, i.Flag(key))
			}
		}
		if !has(w.secret) && !has(w.file) {
			missing = append(missing, i.Flag(w.secret))
		}
	}
	if len(missing) > 0 {
		return &MissingError{missing}
	}
	return nil
}

// given is Given, and for the way to sign in the only one whose secret is given.
func (i *Interview) given(key string) (value, from string) {
	if value, from = i.Given(key); value != "" || key != "sign_in" {
		return value, from
	}
	var names []string
	for _, w := range ways() {
		secret, variable := i.Given(w.secret)
		if secret != "" {
			names, from = append(names, w.name), variable
		}
	}
	if len(names) != 1 {
		return "", ""
	}
	return names[0], from
}

// api reports whether a source is the network's API, as it is where none is named.
func api(source string) bool { return source == "" || source == "hasoffers:" || source == "hasoffers" }

// until asks until the answers pass their test, or the person goes on without.
func (i *Interview) until(ctx context.Context, ask func(context.Context, bool) error, what string, part Part) error {
	for again := false; ; again = true {
		if err := ask(ctx, again); err != nil {
			return err
		}
		passed, err := i.test(ctx, part)
		if err != nil {
			if i.Ask == nil {
				return err
			}
			if _, werr := fmt.Fprintf(i.Out, "%v\n", err); werr != nil {
				return werr
			}
			continue // such settings could not be read back
		}
		if passed {
			return nil
		}
		if i.Ask == nil {
			return &FailedError{what}
		}
		answer, err := i.Ask.Line(ctx, strings.ToUpper(what[:1])+what[1:]+" did not pass. Ask again? (y/n)", "y")
		if err != nil {
			return err
		}
		if strings.HasPrefix(strings.ToLower(answer), "n") {
			return nil
		}
	}
}

// test reads the answers as the command will, and tries them.
func (i *Interview) test(ctx context.Context, part Part) (passed bool, err error) {
	cfg, err := i.config()
	if err != nil {
		return false, err
	}
	passed = true
	if i.Test == nil || part == zone {
		return true, nil
	}
	for _, f := range i.Test(ctx, cfg, part) {
		if f.Level == "fail" {
			passed = false
		}
		if err := f.Print(i.Out); err != nil {
			return false, err
		}
	}
	return passed, ctx.Err()
}

// config reads the answers as the command reads settings. An answer of a flag comes from
// that, as what a flag may not hold is not to be taken here either.
func (i *Interview) config() (*config.Config, error) {
	byVariable := map[string]string{}
	for _, w := range ways() { // another way to sign in, of the environment, is not meant
		for _, key := range append(slices.Clone(w.others), w.secret, w.file, "api_key_side") {
			byVariable[config.Variable(key)] = i.answers[key]
		}
	}
	for key := range questions {
		byVariable[config.Variable(key)] = i.answers[key]
	}
	for _, key := range carried {
		byVariable[config.Variable(key)] = i.answers[key]
	}
	if i.secret != "" {
		byVariable[config.Variable(i.way.secret)] = i.secret
		byVariable[config.Variable(i.way.file)] = ""
	}
	layers, err := config.Read(config.Given{
		Getenv: func(name string) string {
			if value, ok := byVariable[name]; ok {
				return value
			}
			return i.Getenv(name)
		},
		Flag: func(key string) (name, value string, ok bool) {
			if key == "config" {
				return "--config", os.DevNull, true // settings of another file must not count here
			}
			if from := i.from[key]; strings.HasPrefix(from, "--") && i.answers[key] != "" {
				return from, i.answers[key], true
			}
			return "", "", false
		},
	})
	if err != nil {
		return nil, err
	}
	all, err := layers.All(quiet)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}
