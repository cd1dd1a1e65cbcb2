// Package config reads ingest's settings. Precedence: flags, environment,
// ingest.yaml, defaults; a member of networks: in ingest.yaml lies over the rest
// of that file. Each value keeps its Origin, which errors name.
//
// The package reads files, and neither flags nor the environment: the command
// passes both as functions.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/privacy"
	"rawlogs/internal/rawlog"
)

// Config is what a command works with: every setting of one network, read and
// checked. Nothing in it changes afterwards.
type Config struct {
	Network string // whose rows they are in the store; "" only where the source is the API and none was given
	// NetworkID is the network's id for the API. It is Network, but for a partner's key: who
	// sees a part of a network has a name of its own in the store.
	NetworkID string
	SignIn    SignIn
	APIURL    string         // "" is HasOffers' own for the network and the way it signs in
	Zones     rawlog.Zones   // of the times inside the files
	Escapes   rawlog.Escapes // which files escape quotes by a backslash
	Source    Source
	Names     *rawlog.Names // of the source's files
	// NotCounted is what reconcile takes from the rows before it compares them.
	NotCounted rawlog.NotCounted
	Store      string // embedded:PATH or clickhouse://…; it may hold a password
	// ConversionsReport says that a run loads the report of conversions, too; with
	// ReportOnly that is all it loads, as the network has no raw logs.
	ConversionsReport, ReportOnly bool
	ReportPages                   bool  // days of it are read by pages, and never as files
	Lookback                      int   // days
	CatchUp                       int   // days
	EventDays                     int   // days before and after a file's own in which its events are looked for
	MaxMemory                     int64 // bytes
	// MaxRejected and MaxMisfit are shares of a file, from 0 to 1; see pipeline.Options.
	MaxRejected, MaxMisfit float64
	Fetchers               int
	Parsers                int
	Spool                  string // "" is the system's temporary folder
	Library                string // path of libchdb.so; "" is to be searched
	EngineMemory           int64  // bytes that the embedded ClickHouse may take; 0 is a share of the machine's
	Notify                 Notify
	Privacy                *privacy.Policy // what becomes of personal data; nil where no secret is read
	privacyKey             Secret
	Risks                  []string // what the settings allow and may not mean; each is a sentence for people

	origins map[string]Origin
}

// defaultNetwork names the rows of a bucket or folder without --network.
const defaultNetwork = "default"

// Origin is where the value of a setting comes from.
func (c *Config) Origin(key string) Origin { return c.origins[key] }

// Endpoint is where the API is called: the setting, or what the way of signing
// in implies; "" is the network's own.
func (c *Config) Endpoint() string {
	if c.SignIn.Way() == Integrator {
		return cmp.Or(c.APIURL, hasoffers.IntegratorURL)
	}
	return c.APIURL
}

// RequireSource reports, as a *MissingError, what the source still lacks.
func (c *Config) RequireSource() error {
	if c.Source.Kind != API {
		return nil
	}
	return c.RequireAPI()
}

// RequireAPI reports, as a *MissingError, what a call of the API still lacks.
func (c *Config) RequireAPI() error {
	var missing []string
	if c.Network == "" {
		missing = append(missing, Variable("network_id"))
	}
	if c.SignIn.Way() == "" {
		missing = append(missing, Variable("network_token"))
	}
	if len(missing) == 0 {
		return nil
	}
	return &MissingError{Variables: missing}
}

// MissingError reports credentials that are not set; each is named by its
// variable.
type MissingError struct{ Variables []string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("no credentials for the HasOffers API: %s not set", strings.Join(e.Variables, " and "))
}

// Hint says what to do.
func (e *MissingError) Hint() string {
	return "set it in the environment (or token_file in ingest.yaml), or read files with --source s3://BUCKET/PREFIX or --source FOLDER"
}

// parse checks the texts of the settings; its errors name the flag, variable or
// line of the file that the value came from. Risks are logged, too.
func (l *Layers) parse(log *slog.Logger) (*Config, error) {
	c := &Config{origins: l.origins, APIURL: l.text("api_url"), Spool: l.text("spool"), Library: l.text("engine_library"), Store: l.text("store")}
	for _, step := range []func(*Config) error{l.parsePlaces, l.parseNames, l.parseZone, l.parseNumbers, l.parseReport} {
		if err := step(c); err != nil {
			return nil, err
		}
	}
	if !l.storeKey { //guard:page-no-secrets
		var err error
		if c.SignIn, err = l.parseSignIn(log); err != nil {
			return nil, err
		}
		if err = l.parseNotify(c, log); err != nil {
			return nil, err
		}
		if err = l.parsePrivacy(c, log); err != nil {
			return nil, err
		}
	}
	if err := l.parsePartner(c); err != nil {
		return nil, err
	}
	c.Risks = l.risks(c)
	for _, risk := range c.Risks {
		log.Warn(risk)
	}
	if err := l.checkFound(c); err != nil {
		return nil, err
	}
	for _, s := range settings() {
		log.Debug("setting", "name", s.key, "from", l.origins[s.key].String())
	}
	return c, nil
}

// parsePlaces checks which network it is, where its files are and where the
// rows go.
func (l *Layers) parsePlaces(c *Config) error {
	if c.Network = l.text("network_id"); c.Network != "" {
		if err := rawlog.CheckNetwork(c.Network); err != nil {
			return l.wrong("network_id", err)
		}
	}
	var err error
	if c.NotCounted, err = rawlog.ParseNotCounted(l.text("not_counted")); err != nil {
		return l.wrong("not_counted", err)
	}
	if c.Escapes, err = parseCSV(l.text("csv")); err != nil {
		return l.wrong("csv", err)
	}
	if c.Source, err = parseSource(l.text("source")); err != nil {
		return l.wrong("source", err)
	}
	if c.Source.Kind == Bucket {
		if err := l.checkKeys(); err != nil {
			return err
		}
	}
	if c.Network == "" && c.Source.Kind != API {
		c.Network = defaultNetwork
	}
	if err := checkStore(c.Store, l.origins["store"]); err != nil {
		return l.wrong("store", err)
	}
	if u, err := url.Parse(c.APIURL); c.APIURL != "" && (err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http")) {
		return l.wrong("api_url", errors.New("want https://HOST/PATH without user or password"))
	}
	return nil
}

func (l *Layers) parseNumbers(c *Config) (err error) {
	for _, n := range []struct {
		key      string
		min, max int
		to       *int
	}{{"lookback", 1, 3660, &c.Lookback}, {"catch_up", 0, 3660, &c.CatchUp}, {"event_days", 1, 3660, &c.EventDays}, {"fetchers", 1, 256, &c.Fetchers}, {"parsers", 1, 64, &c.Parsers}} {
		if *n.to, err = strconv.Atoi(l.text(n.key)); err != nil || *n.to < n.min || *n.to > n.max {
			return l.wrong(n.key, fmt.Errorf("%q: want a number from %d to %d", l.text(n.key), n.min, n.max))
		}
	}
	for key, to := range map[string]*float64{"max_rejected": &c.MaxRejected, "max_misfit": &c.MaxMisfit} {
		if *to, err = parseShare(l.text(key)); err != nil {
			return l.wrong(key, err)
		}
	}
	if c.MaxMemory, err = parseSize(l.text("max_memory"), minMemory); err != nil {
		return l.wrong("max_memory", err)
	}
	if text := l.text("engine_memory"); text != "" {
		if c.EngineMemory, err = parseSize(text, minEngineMemory); err != nil {
			return l.wrong("engine_memory", err)
		}
	}
	return nil
}

// minEngineMemory is the least with which two loaders' INSERTs were seen to fit without
// a refusal, see docs/performance.md.
const minEngineMemory = 512 << 20

// minMemory is what one fetcher, one parser and one wire block need.
const minMemory = 64 << 20

// parseShare reads a percentage above 0 as a share.
func parseShare(s string) (float64, error) {
	number, ok := strings.CutSuffix(strings.TrimSpace(s), "%")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(n > 0 && n <= 100) {
		return 0, fmt.Errorf("%q: want a percentage above 0, such as 50%%", s)
	}
	return n / 100, nil
}

func parseSize(s string, least int64) (int64, error) {
	n, err := humanize.ParseBytes(s)
	if err != nil {
		return 0, fmt.Errorf("%q: want a size such as 256MiB or 1GB", s)
	}
	if n < uint64(least) || n > 1<<46 {
		return 0, fmt.Errorf("%q: want at least %s", s, humanize.IBytes(uint64(least)))
	}
	return int64(n), nil
}
