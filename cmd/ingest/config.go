package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"rawlogs/internal/fetch"
	"rawlogs/internal/rawlog"
)

// Config is what a command works with: every setting read and checked.
// Nothing in it changes after parseConfig.
type Config struct {
	Network   string // "" only where the source is the API and none was given
	SignIn    signIn
	APIURL    string
	Zone      *time.Location
	Source    sourceSpec
	Store     string
	Lookback  int
	MaxMemory int64
	Fetchers  int
	Parsers   int
	Spool     string
	Library   string

	from  map[string]string // where each setting's value came from
	risks []string          // of the settings, for people
}

// secret is text that must not be printed: every way fmt, slog and
// encoding/json have of printing it gives dots.
type secret string

func (secret) String() string               { return "…" }
func (secret) GoString() string             { return "…" }
func (secret) LogValue() slog.Value         { return slog.StringValue("…") }
func (secret) MarshalText() ([]byte, error) { return []byte("…"), nil } //nolint:unparam // encoding.TextMarshaler

// sourceSpec is a parsed --source.
type sourceSpec struct {
	Kind   string // "hasoffers", "s3" or "folder"
	S3     fetch.Location
	Folder string
}

// String prints the source as --source reads it; it holds no credential.
func (s sourceSpec) String() string {
	switch s.Kind {
	case "s3":
		return s.S3.String()
	case "folder":
		return s.Folder
	default:
		return "hasoffers:"
	}
}

// defaultNetwork names the rows of a bucket or folder without --network.
const defaultNetwork = "default"

// parseConfig checks the settings' texts; its errors name the flag, variable
// or file line that the value came from.
func parseConfig(v values, log *slog.Logger) (*Config, error) {
	c := &Config{from: v.from, APIURL: v.text("api_url"), Spool: v.text("spool"), Library: v.text("engine_library"), Store: v.text("store")}
	var err error
	if c.Network = v.text("network_id"); c.Network != "" {
		if err := rawlog.CheckNetwork(c.Network); err != nil {
			return nil, v.wrong("network_id", err)
		}
	}
	if c.Source, err = parseSource(v.text("source")); err != nil {
		return nil, v.wrong("source", err)
	}
	if c.Network == "" && c.Source.Kind != "hasoffers" {
		c.Network = defaultNetwork
	}
	if err := checkStore(c.Store, v.from["store"]); err != nil {
		return nil, v.wrong("store", err)
	}
	if u, err := url.Parse(c.APIURL); c.APIURL != "" && (err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http")) {
		return nil, v.wrong("api_url", errors.New("want https://HOST/PATH without user or password"))
	}
	if c.Zone, err = time.LoadLocation(v.text("timezone")); err != nil || v.text("timezone") == "" || v.text("timezone") == "Local" {
		// "Local" would make the rows depend on the machine that loads them.
		return nil, v.wrong("timezone", fmt.Errorf("unknown zone %q: want an IANA name such as UTC or Europe/Prague", v.text("timezone")))
	}
	for _, n := range []struct {
		key      string
		min, max int
		to       *int
	}{{"lookback", 1, 3660, &c.Lookback}, {"fetchers", 1, 256, &c.Fetchers}, {"parsers", 1, 64, &c.Parsers}} {
		if *n.to, err = strconv.Atoi(v.text(n.key)); err != nil || *n.to < n.min || *n.to > n.max {
			return nil, v.wrong(n.key, fmt.Errorf("%q: want a number from %d to %d", v.text(n.key), n.min, n.max))
		}
	}
	if c.MaxMemory, err = parseSize(v.text("max_memory")); err != nil {
		return nil, v.wrong("max_memory", err)
	}
	token, err := readToken(v, log)
	if err != nil {
		return nil, err
	}
	if c.SignIn, err = parseSignIn(v, token, log); err != nil {
		return nil, err
	}
	c.risks = c.risky(v)
	for _, risk := range c.risks {
		log.Warn(risk)
	}
	return c, v.checkFound(c)
}

// risky lists what is allowed and may still not be meant: secrets that travel in
// clear, or lie open.
func (c *Config) risky(v values) []string {
	var risks []string
	for _, s := range []struct{ key, url string }{{"api_url", c.APIURL}, {"auth_url", c.SignIn.AuthURL}} {
		if u, err := url.Parse(s.url); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) { //guard:plain-http-told
			risks = append(risks, fmt.Sprintf("%s: %s is http: the credentials and everything that the API answers travel in clear to %s; use https", v.from[s.key], s.key, u.Hostname()))
		}
	}
	// "ingest.yaml:3"; no other place of a setting has a colon.
	if at := strings.LastIndex(v.from["store"], ":"); at > 0 && withPassword(c.Store) {
		path := v.from["store"][:at]
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o044 != 0 { //guard:readable-password-told
			risks = append(risks, fmt.Sprintf("%s: others can read the store's password in this file; chmod 600 it, or put the store into INGEST_STORE", v.from["store"]))
		}
	}
	return risks
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// withPassword reports whether a store's address holds a password.
func withPassword(store string) bool {
	u, err := url.Parse(store)
	if err != nil {
		return false
	}
	_, inUser := u.User.Password()
	return inUser || u.Query().Has("password")
}

// minMemory is what one fetcher, one parser and one wire block need.
const minMemory = 64 << 20

func parseSize(s string) (int64, error) {
	n, err := humanize.ParseBytes(s)
	if err != nil {
		return 0, fmt.Errorf("%q: want a size such as 256MiB or 1GB", s)
	}
	if n < minMemory || n > 1<<46 {
		return 0, fmt.Errorf("%q: want at least %s", s, humanize.IBytes(minMemory))
	}
	return int64(n), nil
}

func parseSource(s string) (sourceSpec, error) {
	const want = "want hasoffers:, s3://BUCKET/PREFIX or a folder"
	if s == "hasoffers:" || s == "hasoffers" {
		return sourceSpec{Kind: "hasoffers"}, nil
	}
	if strings.HasPrefix(s, "s3://") {
		at, err := fetch.ParseLocation(s)
		return sourceSpec{Kind: "s3", S3: at}, err
	}
	if strings.Contains(s, "://") || s == "" {
		return sourceSpec{}, errors.New(want) // not echoed: it may hold a password
	}
	folder := strings.TrimPrefix(s, "folder:")
	info, err := os.Stat(folder)
	if err != nil {
		return sourceSpec{}, fmt.Errorf("%w: %s", err, want)
	}
	if !info.IsDir() {
		return sourceSpec{}, fmt.Errorf("%s is a file: %s", folder, want)
	}
	return sourceSpec{Kind: "folder", Folder: folder}, nil
}

// checkStore looks at the store's form only; store.Open reads the rest. from
// is where it was given: a password must not stand on a command line, where
// every user of the machine can read it.
func checkStore(s, from string) error {
	if path, ok := strings.CutPrefix(s, "embedded:"); ok && path != "" {
		return nil
	}
	if !strings.HasPrefix(s, "clickhouse://") {
		return errors.New("want embedded:PATH or clickhouse://USER:PASSWORD@HOST:9000/DATABASE")
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return errors.New("cannot be read: want clickhouse://USER:PASSWORD@HOST:9000/DATABASE, with reserved characters in the password escaped as %XX")
	}
	if from == "--store" && withPassword(s) {
		return errors.New("holds a password, which a command line shows to everyone: put it into INGEST_STORE or ingest.yaml")
	}
	return nil
}

func readToken(v values, log *slog.Logger) (secret, error) {
	inline, path := v.text("network_token"), v.text("token_file")
	if strings.Contains(v.from["network_token"], ":") {
		// One rule for every file of ours: a configuration can be shown to
		// a colleague.
		return "", v.wrong("network_token", errors.New("put the token into a file of its own and name it with token_file, or into HASOFFERS_NETWORK_TOKEN"))
	}
	if inline != "" || path == "" {
		return secret(inline), nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", v.wrong("token_file", err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		log.Warn("others can read the token file; chmod 600 it", "file", path)
	}
	token := strings.TrimSpace(string(raw))
	if token == "" {
		return "", v.wrong("token_file", fmt.Errorf("%s is empty", path))
	}
	return secret(token), nil
}

// requireCredentials tells what the API source still lacks, each by the name
// to set.
func (c *Config) requireCredentials() error {
	if c.Source.Kind != "hasoffers" {
		return nil
	}
	return c.requireAPI()
}

// requireAPI is requireCredentials for what only the API can tell.
func (c *Config) requireAPI() error {
	var missing []string
	if c.Network == "" {
		missing = append(missing, "HASOFFERS_NETWORK_ID")
	}
	if c.SignIn.way() == "" {
		missing = append(missing, "HASOFFERS_NETWORK_TOKEN")
	}
	if len(missing) == 0 {
		return nil
	}
	return &hintError{
		err:  fmt.Errorf("no credentials for the HasOffers API: %s not set", strings.Join(missing, " and ")),
		hint: "set it in the environment (or token_file in ingest.yaml), or read files with --source s3://BUCKET/PREFIX or --source FOLDER",
	}
}
