package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"rawlogs/internal/config"
)

var quiet = slog.New(slog.DiscardHandler)

// Written is what was written, by absolute paths. Its JSON names are a promise.
type Written struct {
	Config     string `json:"config"`
	SecretFile string `json:"secret_file,omitempty"` // "" where the secret is where it was
	Variable   string `json:"variable,omitempty"`    // that still holds the secret, and must be set where the job runs
}

func (i *Interview) write() (w Written, err error) {
	if w.Config, err = filepath.Abs(i.File); err != nil {
		return w, err
	}
	file := i.answers[i.way.file]
	switch {
	case i.secret != "" && file != "":
		if err = i.put(file, i.secret+"\n", i.Force || i.replace); err != nil {
			return w, err
		}
		w.SecretFile = file
		defer func() {
			if err != nil {
				err = errors.Join(err, os.Remove(file))
			}
		}()
	case i.secret != "":
		w.Variable = config.Variable(i.way.secret)
	}
	text, err := i.text(w)
	if err != nil {
		return w, err
	}
	return w, i.put(w.Config, text, i.Force)
}

// put writes a file that only its owner can read, whole or not at all, and over no other
// one unless over is true.
func (i *Interview) put(path, text string, over bool) (err error) {
	if err = os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err = replaceable(path); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".ingest-*") // mode 600
	if err != nil {
		return err
	}
	defer func() {
		if rerr := os.Remove(f.Name()); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}()
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if over {
		return os.Rename(f.Name(), path)
	}
	err = os.Link(f.Name(), path) //guard:init-overwrites-nothing
	if errors.Is(err, fs.ErrExist) {
		return &ExistsError{path}
	}
	if err != nil { // a file system without links
		if err = i.free(path); err == nil {
			err = os.Rename(f.Name(), path)
		}
	}
	return err
}

// text is the file, with a comment for each setting.
func (i *Interview) text(w Written) (string, error) {
	var b strings.Builder
	b.WriteString("# Settings of ingest. `ingest check` tests them. Flags and the environment go before this file;\n# the README lists all settings.\n")
	var failed error
	add := func(comment string, keys ...string) {
		fmt.Fprintf(&b, "\n# %s\n", strings.ReplaceAll(comment, "\n", "\n# "))
		for _, key := range keys {
			line, err := yaml.Marshal(map[string]string{key: i.answers[key]})
			failed = errors.Join(failed, err)
			b.Write(line)
		}
	}
	add("Where the logs are: hasoffers: (the network's API), s3://BUCKET/PREFIX or a folder; firehose: before these two, for its events.", "source")
	if i.answers["files"] != "" {
		add("How its files are named (docs/sources.md).", "files")
	}
	add("Network that the logs belong to.", "network_id")
	if i.way.name != "" {
		if file := i.answers[i.way.file]; file != "" {
			if rel, err := filepath.Rel(filepath.Dir(w.Config), file); err == nil && filepath.IsLocal(rel) {
				i.answers[i.way.file] = rel // beside this file, wherever both are moved
			}
			keys := append(i.way.others, i.way.file)
			if i.way.side != "" {
				keys = append(keys, "api_key_side")
			}
			add("How it is signed in to. The "+i.way.noun+" is in a file of its own, which only you can read.", keys...)
		} else {
			comment := "How it is signed in to: the " + i.way.noun + " is in the environment, in " + w.Variable + "."
			keys := i.way.others
			if i.way.side != "" {
				keys = append(keys, "api_key_side")
			}
			add(comment, keys...)
		}
	}
	for _, c := range [][2]string{{"api_url", "Where the API is called."}, {"auth_url", "Where an integrator signs in."}} {
		if i.answers[c[0]] != "" {
			add(c[1], c[0])
		}
	}
	add("Where the rows go: embedded:PATH, or clickhouse://USER:PASSWORD@HOST:9000/DATABASE (then keep this file private).", "store")
	add("Zone of the datetimes inside the logs.", "timezone")
	b.WriteString(`
# Days that "ingest run" looks back, and those before that it lists where the job was down.
# lookback: 3
# catch_up: 366

# Who hears of it: a monitor of each run, webhooks of changes (docs/operations.md).
# ping_url_file: ping.url
# notify:
#   - url_file: hook.url
#     on: [failed, recovered, files_failed, hours_expiring]
`)
	return b.String(), failed
}

// lacksPassword reports whether a store's address has a user and no password.
func lacksPassword(store string) bool {
	u, err := url.Parse(store)
	if err != nil || u.Scheme != "clickhouse" || u.User == nil {
		return false
	}
	_, has := u.User.Password()
	return !has && !u.Query().Has("password")
}

func withPassword(store, password string) string {
	u, err := url.Parse(store)
	if err != nil || password == "" {
		return store
	}
	u.User = url.UserPassword(u.User.Username(), password)
	return u.String()
}
