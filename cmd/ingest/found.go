package main

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"rawlogs/internal/trust"
)

// An ingest.yaml that nobody named was found in the folder that the user happens
// to stand in: perhaps somebody's archive, unpacked a minute ago. It may
// arrange what that folder brings along, and no more. It never says what runs,
// and what the user brings along (a credential in the environment or in a file
// elsewhere) goes to no server that only this file names.
//
// A file named by --config or INGEST_CONFIG is the user's word, as a flag is.

const nameIt = "if this file is yours, name it: --config ingest.yaml, or INGEST_CONFIG"

// mayFollow refuses a found file that somebody else could have written.
func mayFollow(path string) error {
	err := trust.File(path) //guard:config-trusted
	var doubt *trust.Error
	if errors.As(err, &doubt) {
		return &usageError{err: err, hint: doubt.Do + "; or, " + nameIt}
	}
	if err != nil {
		return &usageError{err: fmt.Errorf("configuration: %w", err)}
	}
	return nil
}

// checkFound refuses what a found file may not decide.
func (v values) checkFound(c *Config) error {
	if v.stands("engine_library") { //guard:found-library
		return v.notFound("engine_library", "it names a program to run", "INGEST_ENGINE_LIBRARY")
	}
	own := v.broughtSecret(c.SignIn.way())
	for _, key := range []string{"api_url", "auth_url"} {
		if own != "" && v.stands(key) && !vendors(v.text(key)) { //guard:found-api
			return v.notFound(key, own+" would be sent there", envOf(key))
		}
	}
	feeds := own
	if c.Source.Kind == "s3" {
		feeds = "what your S3 credentials read"
	} else if c.Source.Kind == "folder" && !v.inFolder(c.Source.Folder) {
		feeds = c.Source.Folder
	} else if own != "" {
		feeds = "what " + own + " reads"
	}
	if feeds != "" && !v.noSource && v.stands("store") && !strings.HasPrefix(c.Store, "embedded:") { //guard:found-store
		return v.notFound("store", feeds+" would be sent there", envOf("store"))
	}
	return nil
}

func (v values) notFound(key, why, env string) error {
	return &usageError{
		err:  fmt.Errorf("%s: %s is not followed, as this file was only found in the working folder: %s", v.from[key], key, why),
		hint: nameIt + "; or set " + env,
	}
}

// stands reports whether a setting's value stands in a found file.
func (v values) stands(key string) bool {
	return v.found && v.text(key) != "" && strings.HasPrefix(v.from[key], defaultConfigFile+":")
}

// broughtSecret names the credential of the sign-in if the user brings it along:
// in the environment, or in a file outside of the found one's folder.
func (v values) broughtSecret(way string) string {
	inline, file := "network_token", "token_file"
	switch way {
	case "":
		return ""
	case "integrator":
		inline, file = "client_secret", "client_secret_file"
	case "api_key":
		inline, file = "api_key", "api_key_file"
	}
	if v.text(inline) != "" {
		return v.from[inline]
	}
	if path := v.text(file); !v.stands(file) || !v.inFolder(path) {
		return path
	}
	return ""
}

// inFolder reports whether a path leads into the folder of the found file.
func (v values) inFolder(path string) bool {
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
