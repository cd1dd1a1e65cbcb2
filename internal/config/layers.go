package config

import (
	"log/slog"

	"github.com/knadh/koanf/v2"
)

// Given is what the command was given.
type Given struct {
	// Getenv returns a variable; empty ones count as unset, as cron and compose
	// files pass such for "not given".
	Getenv func(name string) string
	// Flag returns the value of a setting's flag and the flag's name with its
	// dashes; ok is whether it stands on the command line. It is asked for every
	// key, and for "config".
	Flag func(key string) (name, value string, ok bool)
}

// Layers are the settings as texts, merged, each with its origin.
type Layers struct {
	given    Given
	texts    *koanf.Koanf
	origins  map[string]Origin // of every setting
	members  []member          // of networks: in ingest.yaml
	file     string            // ingest.yaml, or what was named in its place; "" is none
	found    bool              // ingest.yaml was found in the working folder, and nobody named it
	top      *Layers           // of a member of networks: what stands above it
	noSource bool              // the command reads no source: nothing new goes to the store
	keyed    bool              // a member of networks: has an api_key in a variable of its own
	storeKey bool              // of all secrets the command needs the store's only
}

// Read merges the layers. An unusable ingest.yaml is an *Error.
func Read(given Given) (*Layers, error) {
	l := &Layers{given: given, texts: koanf.New("."), origins: map[string]Origin{}}
	for _, s := range settings() {
		if err := l.set(s.key, s.def, Origin{}); err != nil {
			return nil, err
		}
	}
	if err := l.readFile(); err != nil {
		return nil, err
	}
	for _, s := range settings() {
		if value := given.Getenv(s.env); value != "" {
			if err := l.set(s.key, value, Origin{Kind: Env, Name: s.env}); err != nil {
				return nil, err
			}
		}
		if name, value, ok := given.Flag(s.key); ok {
			if err := l.set(s.key, value, Origin{Kind: Flag, Name: name}); err != nil {
				return nil, err
			}
		}
	}
	return l, nil
}

func (l *Layers) set(key, value string, from Origin) error {
	l.origins[key] = from
	return l.texts.Set(key, value)
}

func (l *Layers) text(key string) string { return clean(l.texts.String(key)) } //guard:settings-cleaned

// wrong is an error about the value of key; it names where the value stands.
func (l *Layers) wrong(key string, err error) *Error { return wrong("%s: %w", l.origins[key], err) }

// All is a Config for each network: of networks: in ingest.yaml, all or those
// that network_id picks by a comma-separated list; or the only one.
func (l *Layers) All(log *slog.Logger) ([]*Config, error) {
	each, err := l.each()
	if err != nil {
		return nil, err
	}
	var all []*Config
	for _, own := range each {
		c, err := own.parse(log)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// each is the layers of every network that is asked for.
func (l *Layers) each() ([]*Layers, error) {
	if len(l.members) == 0 {
		return []*Layers{l}, nil
	}
	picked := l.members
	if want := l.text("network_id"); want != "" {
		var err error
		if picked, err = l.pick(want); err != nil {
			return nil, err
		}
	}
	var all []*Layers
	for _, m := range picked {
		own, err := m.over(l)
		if err != nil {
			return nil, err
		}
		all = append(all, own)
	}
	return all, nil
}

// StoreOnly is a Config for work that needs the store and reads no source. Of
// which network it is does not matter where ingest.yaml names several.
func (l *Layers) StoreOnly(log *slog.Logger) (*Config, error) {
	l.noSource = true
	if len(l.members) > 0 {
		if err := l.set("network_id", "", l.origins["network_id"]); err != nil {
			return nil, err
		}
	}
	return l.parse(log)
}

// StoreAll is All for work that needs the store alone: it reads no source, and so neither
// a sign-in nor the address of a monitor. What answers browsers has nothing to lose.
func (l *Layers) StoreAll(log *slog.Logger) ([]*Config, error) {
	l.noSource, l.storeKey = true, true
	return l.All(log)
}

// SeparateSources refuses networks that read the same bucket or folder: both
// would take its files for their own.
func SeparateSources(all []*Config) error {
	reader := map[string]string{}
	for _, c := range all {
		source := c.Source.String()
		if other, ok := reader[source]; ok && c.Source.Kind != API {
			err := wrong("networks %s and %s read the same source %s", other, c.Network, source)
			err.hint = "give each a source of its own in ingest.yaml, or name one with --network"
			return err
		}
		reader[source] = c.Network
	}
	return nil
}
