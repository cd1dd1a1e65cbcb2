package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
	yamlnode "go.yaml.in/yaml/v3"
)

// setting is one configurable value and its name at each level. A level
// without a name cannot set it: secrets have no flag.
type setting struct {
	key  string // in ingest.yaml
	env  string
	flag string
	def  string
	note string // one line, for the README and for errors
}

// settings lists every setting; flags > environment > ingest.yaml > default.
func settings() []setting {
	return append([]setting{
		{"network_id", "HASOFFERS_NETWORK_ID", "network", "", "network the logs belong to"},
		{"network_token", "HASOFFERS_NETWORK_TOKEN", "", "", "API token of the network (never in a flag)"},
		{"token_file", "HASOFFERS_NETWORK_TOKEN_FILE", "", "", "file that holds the API token"},
		{"api_url", "HASOFFERS_API_URL", "api-url", "", "API endpoint; empty: the network's own"},
		{"timezone", "HASOFFERS_TIMEZONE", "timezone", "UTC", "zone of the datetimes in the logs"},
		{"source", "INGEST_SOURCE", "source", "hasoffers:", "where the files are"},
		{"store", "INGEST_STORE", "store", "embedded:data/clickhouse", "where the rows go"},
		{"lookback", "INGEST_LOOKBACK", "lookback", "3", "days that `ingest run` looks back"},
		{"max_memory", "INGEST_MAX_MEMORY", "max-memory", "256MiB", "memory that ingest itself may use"},
		{"fetchers", "INGEST_FETCHERS", "fetchers", "8", "downloads at a time"},
		{"parsers", "INGEST_PARSERS", "parsers", "2", "files parsed and INSERTs sent at a time"},
		{"spool", "INGEST_SPOOL", "spool", "", "folder for large downloads; empty: the system's temporary folder"},
		{"engine_library", "INGEST_ENGINE_LIBRARY", "", "", "path of libchdb.so; empty: search"},
	}, signInSettings()...)
}

// defaultConfigFile is read when it is there and no other is named.
const defaultConfigFile = "ingest.yaml"

// values are the settings as text, each with the place it came from.
type values struct {
	k        *koanf.Koanf
	networks []networkEntry    // of ingest.yaml
	from     map[string]string // setting's key → "--source", "INGEST_SOURCE", "ingest.yaml:3" or "default"
	found    bool              // ingest.yaml was found in the working folder, and nobody named it
	noSource bool              // the command reads no source: nothing new goes to the store
}

func (v values) text(key string) string { return strings.TrimSpace(v.k.String(key)) }

// wrong is an error about the value of key; it names where the value stands.
func (v values) wrong(key string, err error) error {
	return &usageError{err: fmt.Errorf("%s: %w", v.from[key], err)}
}

// readSettings merges the four levels. flags may lack any of the flags: a
// command has only those it uses.
func readSettings(flags *pflag.FlagSet, getenv func(string) string) (values, error) {
	v := values{k: koanf.New("."), from: map[string]string{}}
	set := func(key, value, from string) error {
		v.from[key] = from
		return v.k.Set(key, value)
	}
	for _, s := range settings() {
		if err := set(s.key, s.def, "default"); err != nil {
			return v, err
		}
	}
	if err := v.readConfigFile(flags, getenv, set); err != nil {
		return v, err
	}
	for _, s := range settings() {
		// An empty variable counts as unset: cron and compose files pass
		// such for "not given".
		if value := getenv(s.env); value != "" {
			if err := set(s.key, value, s.env); err != nil {
				return v, err
			}
		}
		if f := flags.Lookup(s.flag); s.flag != "" && f != nil && f.Changed {
			if err := set(s.key, f.Value.String(), "--"+s.flag); err != nil {
				return v, err
			}
		}
	}
	return v, nil
}

func (v *values) readConfigFile(flags *pflag.FlagSet, getenv func(string) string, set func(key, value, from string) error) error {
	path, named := defaultConfigFile, ""
	if env := getenv("INGEST_CONFIG"); env != "" {
		path, named = env, "INGEST_CONFIG"
	}
	if f := flags.Lookup("config"); f != nil && f.Changed {
		path, named = f.Value.String(), "--config"
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && named == "" {
		return nil
	}
	if err != nil {
		return &usageError{err: fmt.Errorf("%s: %w", cmp.Or(named, "configuration"), err)}
	}
	if v.found = named == ""; v.found {
		if err := mayFollow(path); err != nil {
			return err
		}
	}
	k := koanf.New("\x00") // no nesting: a dot in a key is a dot
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		return &usageError{err: fmt.Errorf("%s: %w", path, err)}
	}
	lines := keyLines(raw)
	for _, key := range k.Keys() {
		key, _, nested := strings.Cut(key, "\x00")
		from := fmt.Sprintf("%s:%d", path, lines[key])
		if key == "networks" {
			if v.networks, err = parseNetworks(k.Get(key), path, from); err != nil {
				return err
			}
			continue
		}
		i := slices.IndexFunc(settings(), func(s setting) bool { return s.key == key })
		switch {
		case i < 0:
			return &usageError{err: fmt.Errorf("%s: unknown setting %q", from, key), hint: "settings: " + strings.Join(settingKeys(), ", ")}
		case nested:
			return &usageError{err: fmt.Errorf("%s: %s takes one value, not a list or a map", from, key)}
		}
		switch value := k.Get(key).(type) {
		case nil: // "key:" with nothing after it
		case []any:
			return &usageError{err: fmt.Errorf("%s: %s takes one value, not a list or a map", from, key)}
		default:
			text := fmt.Sprint(value)
			if strings.HasSuffix(key, "_file") && !filepath.IsAbs(text) {
				text = filepath.Join(filepath.Dir(path), text)
			}
			if err := set(key, text, from); err != nil {
				return err
			}
		}
	}
	return nil
}

// keyLines finds the line of each top-level key; koanf keeps no positions.
func keyLines(raw []byte) map[string]int {
	lines := map[string]int{}
	var doc yamlnode.Node
	if yamlnode.Unmarshal(raw, &doc) != nil || len(doc.Content) == 0 {
		return lines
	}
	for i := 0; i+1 < len(doc.Content[0].Content); i += 2 {
		node := doc.Content[0].Content[i]
		lines[node.Value] = node.Line
	}
	return lines
}

func settingKeys() []string {
	var keys []string
	for _, s := range settings() {
		keys = append(keys, s.key)
	}
	return keys
}
