// Package simnet is a HasOffers network that does not exist: the raw-log API as
// recorded from the real one, over a real S3 server that holds seeded logs. It
// counts who asked what, knows what every file holds, and misbehaves on demand.
// It is for tests and demonstrations.
package simnet

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/storage"
)

// Config tells what network to be. Zero values are the defaults said beside them.
type Config struct {
	ID    string // "11111"
	Token string // "": a random one
	Seed  uint64

	Storage storage.Account // the S3 server; required
	Bucket  string          // "ho-adserverlogs-sim"; made if absent
	Prefix  string          // "qproc/raw-logs"; objects are PREFIX/TYPE/NETWORK/NAME

	Clicks int           // mean clicks an hour; 1500
	Flat   bool          // every hour alike
	Limit  int           // calls in a window; 50
	Window time.Duration // 10 s
	// LinkValid is how long a download link works: 8 hours. Whole seconds.
	LinkValid time.Duration
	// Retention is the number of days that logs are kept, as getLogExpirations
	// tells: 123, impressions 1. Nothing is removed here.
	Retention map[rawlog.Type]int
	// Zone is the zone of the rows' datetime: UTC.
	Zone *time.Location
	// Decisions are the words of access_control_decision: allow, deny.
	Decisions []string
	// Habits are what makes conversions like real ones, and who cheats: nothing, nobody.
	Habits gen.Habits
}

// Network is a simulated network. It is an http.Handler for the API and safe
// for concurrent use.
type Network struct {
	Faults  Faults  // what goes wrong; safe to change while it serves
	Reports Reports // what getStats says

	Conversions ConversionReport // how getConversions says what it says

	Downloads Downloads // the reports that come as a file

	Entities Entities // what find methods show
	Access   Access   // who may call, beside the token's holder

	cfg    Config
	logs   *gen.Network
	client *s3.Client

	mu      sync.Mutex
	files   map[fileKey]*published
	window  []time.Time // of the calls that were let through, oldest first
	calls   []*Call
	methods map[string]int // calls by method
}

type fileKey struct {
	typ  rawlog.Type
	name string
}

// New makes a network without any file.
func New(ctx context.Context, cfg Config) (*Network, error) {
	setDefault(&cfg.ID, "11111")
	setDefault(&cfg.Token, "NET"+rand.Text())
	setDefault(&cfg.Bucket, "ho-adserverlogs-sim")
	setDefault(&cfg.Prefix, "qproc/raw-logs")
	setDefault(&cfg.Limit, 50)
	setDefault(&cfg.Window, 10*time.Second)
	setDefault(&cfg.LinkValid, 8*time.Hour)
	if cfg.Retention == nil {
		cfg.Retention = map[rawlog.Type]int{rawlog.Clicks: 123, rawlog.Conversions: 123, rawlog.Impressions: 1}
	}
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	if cfg.Storage.Endpoint == "" {
		return nil, errors.New("simnet: no S3 server")
	}
	n := &Network{cfg: cfg, client: cfg.Storage.Client(), files: make(map[fileKey]*published), methods: make(map[string]int)}
	n.logs = gen.New(gen.Config{Seed: cfg.Seed, ID: cfg.ID, Clicks: cfg.Clicks, Flat: cfg.Flat, Decisions: cfg.Decisions, Habits: cfg.Habits})
	if err := n.makeBucket(ctx); err != nil {
		return nil, err
	}
	return n, nil
}

func setDefault[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// ID is the network's id.
func (n *Network) ID() string { return n.cfg.ID }

// Token is the API token that the network accepts.
func (n *Network) Token() string { return n.cfg.Token }

// Bucket is the bucket that holds the files.
func (n *Network) Bucket() string { return n.cfg.Bucket }

// Prefix is what the keys of all files begin with, without a final slash.
func (n *Network) Prefix() string { return n.cfg.Prefix }

// Logs is the generator of the rows, and the network's entities.
func (n *Network) Logs() *gen.Network { return n.logs }

// Key is the object's key of a file.
func (n *Network) Key(t rawlog.Type, name string) string {
	return n.cfg.Prefix + "/" + string(t) + "/" + n.cfg.ID + "/" + name
}

// list is what listLogs shows under a prefix of date directories, newest first.
func (n *Network) list(t rawlog.Type, dir string) []rawlog.File {
	n.mu.Lock()
	defer n.mu.Unlock()
	var files []rawlog.File
	for key, f := range n.files {
		if key.typ == t && f.listed && strings.HasPrefix(key.name, dir) {
			files = append(files, f.File)
		}
	}
	slices.SortFunc(files, func(a, b rawlog.File) int {
		return cmp.Or(b.Hour.Compare(a.Hour), cmp.Compare(a.Name, b.Name))
	})
	return files
}

func (n *Network) known(t rawlog.Type, name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.files[fileKey{t, name}]
	return f != nil && f.listed
}

func (n *Network) makeBucket(ctx context.Context) error {
	_, err := n.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &n.cfg.Bucket})
	if err == nil {
		return nil
	}
	if _, err = n.client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &n.cfg.Bucket}); err != nil {
		return fmt.Errorf("simnet: making bucket %s: %w", n.cfg.Bucket, err)
	}
	return nil
}
