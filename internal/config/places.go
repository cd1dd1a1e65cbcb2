package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"rawlogs/internal/dirs/bucket"
)

// SourceKind is where files are: the network's API, a bucket or a folder.
type SourceKind int

// The kinds of sources.
const (
	API SourceKind = iota
	Bucket
	Folder
)

// Source is where a network's files are.
type Source struct {
	Kind   SourceKind
	S3     bucket.Location // of a Bucket
	Folder string          // of a Folder
	Events bool            // the bucket's or folder's files hold events of Firehose
}

// String prints the source as --source reads it; it holds no credential.
func (s Source) String() string {
	if s.Events {
		s.Events = false
		return eventsPrefix + s.String()
	}
	switch s.Kind {
	case Bucket:
		return s.S3.String()
	case Folder:
		return s.Folder
	default:
		return "hasoffers:"
	}
}

// eventsPrefix stands before a folder or bucket whose files hold events of Firehose.
const eventsPrefix = "firehose:"

func parseSource(s string) (Source, error) {
	const want = "want hasoffers:, s3://BUCKET/PREFIX or a folder, or firehose: before one of the latter two"
	if rest, ok := strings.CutPrefix(s, eventsPrefix); ok {
		at, err := parseSource(rest)
		if err == nil && at.Kind == API {
			err = errors.New("want firehose:s3://BUCKET/PREFIX or firehose:FOLDER: the API has no events")
		}
		at.Events = true
		return at, err
	}
	if s == "hasoffers:" || s == "hasoffers" {
		return Source{Kind: API}, nil
	}
	if strings.HasPrefix(s, "s3://") {
		at, err := bucket.ParseLocation(s)
		return Source{Kind: Bucket, S3: at}, err
	}
	if strings.Contains(s, "://") || s == "" {
		return Source{}, errors.New(want) // not echoed: it may hold a password
	}
	folder := strings.TrimPrefix(s, "folder:")
	info, err := os.Stat(folder)
	if err != nil {
		return Source{}, fmt.Errorf("%w: %s", err, want)
	}
	if !info.IsDir() {
		return Source{}, fmt.Errorf("%s is a file: %s", folder, want)
	}
	return Source{Kind: Folder, Folder: folder}, nil
}

// AbsoluteSource is a source as parseSource reads it that means the same in any folder: a
// job that a timer starts stands in another one.
func AbsoluteSource(text string) (string, error) {
	at, events := strings.CutPrefix(text, eventsPrefix)
	if !events {
		at = text
	}
	if at == "hasoffers" || at == "hasoffers:" || at == "" || strings.Contains(at, "://") {
		return text, nil
	}
	folder, err := filepath.Abs(strings.TrimPrefix(at, "folder:"))
	if events {
		folder = eventsPrefix + folder
	}
	return folder, err
}

// checkStore looks at the store's form only; store.Open reads the rest. A
// password must not stand on a command line, where every user of the machine
// can read it.
func checkStore(s string, from Origin) error {
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
	if from.Kind == Flag && withPassword(s) {
		return errors.New("holds a password, which a command line shows to everyone: put it into INGEST_STORE or ingest.yaml")
	}
	return nil
}

// risks lists what is allowed and may not be meant: secrets that travel in
// clear, or lie open.
func (l *Layers) risks(c *Config) []string {
	var risks []string
	for _, s := range []struct{ key, url string }{{"api_url", c.APIURL}, {"auth_url", c.SignIn.AuthURL}} {
		if u, err := url.Parse(s.url); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) { //guard:plain-http-told
			risks = append(risks, fmt.Sprintf("%s: %s is http: the credentials and everything that the API answers travel in clear to %s; use https", l.origins[s.key], s.key, u.Hostname()))
		}
	}
	if from := l.origins["store"]; withPassword(c.Store) && othersRead(from) { //guard:readable-password-told
		risks = append(risks, fmt.Sprintf("%s: others can read the store's password in this file; chmod 600 it, or put the store into INGEST_STORE", from))
	}
	return append(risks, l.notifyRisks(c)...)
}

// othersRead reports whether a value stands in a file that others can read.
func othersRead(from Origin) bool {
	if from.Kind != File {
		return false
	}
	info, err := os.Stat(from.Name)
	return err == nil && info.Mode().Perm()&0o044 != 0
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
