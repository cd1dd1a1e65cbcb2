package config

import (
	"errors"
	"net/url"
	"path/filepath"
	"strings"

	"rawlogs/internal/trust"
)

// An ingest.yaml that nobody named was found in the folder that the user happens
// to stand in: perhaps somebody's archive, unpacked a minute ago. It may arrange
// what that folder brings along, and nothing else. It never says what runs, and
// what the user brings along (a credential in the environment or in a file
// elsewhere) goes to no server that only this file names.
//
// A file named by --config or INGEST_CONFIG is the user's word, as a flag is.

const nameIt = "if this file is yours, name it: --config ingest.yaml, or INGEST_CONFIG"

// mayFollow refuses a found file that somebody else could have written.
func mayFollow(path string) error {
	err := trust.File(path) //guard:config-trusted
	var doubt *trust.Error
	if errors.As(err, &doubt) {
		return &Error{Err: err, hint: doubt.Do + "; or, " + nameIt}
	}
	if err != nil {
		return wrong("configuration: %w", err)
	}
	return nil
}

// checkFound refuses what a found file may not decide.
func (l *Layers) checkFound(c *Config) error {
	if l.stands("engine_library") { //guard:found-library
		return l.notFollowed("engine_library", "it names a program to run")
	}
	own := l.broughtSecret(c.SignIn.Way())
	for _, key := range []string{"api_url", "auth_url"} {
		if own != "" && l.stands(key) && !vendors(l.text(key)) { //guard:found-api
			return l.notFollowed(key, own+" would be sent there")
		}
	}
	if feeds := l.feeds(c); feeds != "" && !l.noSource && l.stands("store") && !strings.HasPrefix(c.Store, "embedded:") { //guard:found-store
		return l.notFollowed("store", feeds+" would be sent there")
	}
	return nil
}

// feeds names what the user brings along and the source reads; "" where all of it is in
// the found file's folder.
func (l *Layers) feeds(c *Config) string {
	own := l.broughtSecret(c.SignIn.Way())
	switch {
	case c.Source.Kind == Bucket:
		return "data read with your S3 credentials"
	case c.Source.Kind == Folder && !inFolder(c.Source.Folder):
		return c.Source.Folder
	case own != "":
		return "what " + own + " reads"
	}
	return ""
}

func (l *Layers) notFollowed(key, why string) error {
	err := wrong("%s: %s is not followed, as this file was only found in the working folder: %s", l.origins[key], key, why)
	err.hint = nameIt + "; or set " + Variable(key)
	return err
}

// stands reports whether a setting's value stands in a found file.
func (l *Layers) stands(key string) bool {
	return l.found && l.text(key) != "" && l.origins[key].Kind == File
}

// broughtSecret names the credential of the sign-in if the user brings it along:
// in the environment, or in a file outside of the found one's folder.
func (l *Layers) broughtSecret(way Way) string {
	key := map[Way]string{Token: "network_token", Integrator: "client_secret", APIKey: "api_key"}[way]
	if key == "" {
		return ""
	}
	if l.text(key) != "" {
		return l.origins[key].String()
	}
	s, _ := find(key)
	if path := l.text(s.file); !l.stands(s.file) || !inFolder(path) {
		return path
	}
	return ""
}

// inFolder reports whether a path leads into the folder of the found file.
func inFolder(path string) bool {
	here, err := filepath.EvalSymlinks(".")
	if err == nil {
		here, err = filepath.Abs(here)
	}
	real, rerr := filepath.EvalSymlinks(path)
	if rerr == nil {
		real, rerr = filepath.Abs(real)
	}
	if err != nil || rerr != nil {
		return false
	}
	rel, err := filepath.Rel(here, real)
	return err == nil && filepath.IsLocal(rel)
}

// vendors reports whether an address is HasOffers' own, reached by TLS.
func vendors(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && strings.HasSuffix(strings.ToLower(u.Hostname()), ".hasoffers.com")
}
