package store

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/engine"
)

// target is where a store is and how it is spoken to. One target makes both
// kinds of connection, so that they cannot differ.
type target struct {
	name        string // for people
	path        string // of an embedded store
	addrs       []string
	user        string
	password    string
	database    string // in which is asked
	cluster     string // over whose shards the rows are spread; "" on a single server
	own         string // of a shard: the database of its own tables
	replicated  bool   // its shards have replicas
	definedOnce bool   // what one server defines in the database, all of them have
	ofShard     int    // how many this one has
	copies      int    // on how many of them rows are before they count as loaded
	tls         *tls.Config
	compression clickhouse.CompressionMethod
	auto        bool                // compression is ours to choose
	reads       bool                // statements are somebody's questions, not only our own
	settings    clickhouse.Settings // of the address's query, for every statement
}

// errAddress withholds what it speaks of: a text that cannot be read may hold
// a password anywhere.
var errAddress = errors.New("store: not readable as clickhouse://user:password@host:9000/database (it is not shown, as it may hold a password; in a password, write # / ? @ % as %23 %2F %3F %40 %25)")

// parseSpec reads "embedded:PATH" or a clickhouse-go address.
func parseSpec(spec string) (target, error) {
	if path, ok := strings.CutPrefix(spec, "embedded:"); ok {
		if path == "" {
			return target{}, errors.New("store: embedded: needs a folder, as in embedded:data/clickhouse")
		}
		return target{name: spec, path: path, auto: true}, nil
	}
	opts, err := parseDSN(spec)
	if err != nil {
		return target{}, err
	}
	if err = checkParameters(queryOf(spec)); err != nil {
		return target{}, err
	}
	query, err := url.ParseQuery(queryOf(spec))
	if err != nil {
		return target{}, errAddress
	}
	if err = checkDatabase(opts.Auth.Database); err != nil {
		return target{}, err
	}
	t := target{
		user:     cmp.Or(opts.Auth.Username, "default"),
		password: opts.Auth.Password,
		database: cmp.Or(opts.Auth.Database, "default"),
		tls:      opts.TLS,
		settings: opts.Settings,
	}
	defaultPort := "9000"
	if t.tls != nil {
		defaultPort = "9440"
	}
	for _, addr := range opts.Addr {
		host, port, unread := splitAddr(addr, defaultPort)
		if unread != nil {
			return target{}, errAddress
		}
		t.addrs = append(t.addrs, net.JoinHostPort(host, port))
	}
	if len(t.addrs) == 0 {
		return target{}, errAddress
	}
	if err = t.read(query, opts); err != nil {
		return target{}, err
	}
	t.name = "clickhouse://" + t.user + "@" + strings.Join(t.addrs, ",") + "/" + t.database //guard:store-name
	if t.cluster != "" {
		t.name += "?" + clusterParameter + "=" + t.cluster
	}
	return t, nil
}

// read takes what the parameters of the address say to us, and not to the server.
func (t *target) read(query url.Values, opts *clickhouse.Options) error {
	t.cluster = query.Get(clusterParameter)
	if query.Has(clusterParameter) && t.cluster == "" {
		return errors.New("store: cluster: want the name of a cluster that the server knows")
	}
	t.copies = defaultCopies
	if text := query.Get(copiesParameter); query.Has(copiesParameter) {
		n, err := strconv.ParseUint(text, 10, 8)
		if err != nil || n == 0 || t.cluster == "" {
			return errors.New("store: copies: want on how many replicas of its shard a row is before it counts as loaded, 1 or more, beside cluster=NAME")
		}
		t.copies = int(n)
	}
	for _, ours := range []string{clusterParameter, copiesParameter} {
		delete(t.settings, ours) // the library takes it for one of the server's
	}
	t.auto = !query.Has("compress")
	if opts.Compression != nil && !t.auto {
		t.compression = opts.Compression.Method
		if !slices.Contains([]clickhouse.CompressionMethod{clickhouse.CompressionNone, clickhouse.CompressionLZ4, clickhouse.CompressionZSTD}, t.compression) {
			return errors.New("store: compress: want true, false, lz4 or zstd")
		}
	}
	return nil
}

// clusterParameter names, in an address, the cluster over whose shards the rows are spread.
const clusterParameter = "cluster"

// copiesParameter says on how many replicas rows are to be before they count as loaded.
const copiesParameter = "copies"

// only is the target at one of its addresses, or at another server of its cluster.
func (t target) only(addr string) target {
	t.addrs = []string{addr}
	t.name = "clickhouse://" + t.user + "@" + addr + "/" + t.database
	return t
}

// parseDSN reads a clickhouse-go address.
func parseDSN(spec string) (*clickhouse.Options, error) {
	scheme, rest, ok := strings.Cut(spec, "://")
	if !ok || scheme != "clickhouse" {
		if ok && !strings.ContainsAny(scheme, ":@/") {
			return nil, fmt.Errorf("store: %s:// is not spoken: INSERTs are streamed over the native protocol, clickhouse://user:password@host:9000/database", scheme)
		}
		return nil, errors.New("store: want embedded:PATH or clickhouse://user:password@host:9000/database")
	}
	// An unescaped / ? or # in a password moves the host's end, and what is
	// left of it would turn up in the text of a failed dial.
	authority := rest
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority = rest[:i]
	}
	after := rest[len(authority):]
	if strings.Contains(after, "@") || strings.Contains(rest, "#") || strings.Count(authority, "@") > 1 { //guard:ambiguous-address
		return nil, errAddress
	}
	opts, err := clickhouse.ParseDSN(spec)
	if err != nil {
		var urlErr *url.Error
		if text := err.Error(); !errors.As(err, &urlErr) && opts == nil && strings.HasPrefix(text, "clickhouse [dsn parse]:") && !strings.Contains(text, "password") {
			return nil, fmt.Errorf("store: %s", strings.TrimSpace(strings.TrimPrefix(text, "clickhouse [dsn parse]:")))
		}
		return nil, errAddress
	}
	return opts, nil
}

// NameOf names the store of a spec for people, as Store.Name does; "" where the
// spec cannot be read.
func NameOf(spec string) string {
	t, err := parseSpec(spec)
	if err != nil {
		return ""
	}
	return t.name
}

// Folder is the folder of a spec's store; false where it is not an embedded one.
func Folder(spec string) (path string, embedded bool) { return strings.CutPrefix(spec, "embedded:") }

// DatabaseOf is the database that the tables of a spec's store are in; "" where the
// spec cannot be read.
func DatabaseOf(spec string) string {
	t, err := parseSpec(spec)
	if err != nil {
		return ""
	}
	return cmp.Or(t.database, engine.DefaultDatabase)
}

func queryOf(spec string) string {
	_, query, _ := strings.Cut(spec, "?")
	return query
}

func splitAddr(addr, defaultPort string) (host, port string, err error) {
	host, port = addr, defaultPort
	if strings.HasPrefix(addr, "[") && strings.HasSuffix(addr, "]") {
		host = addr[1 : len(addr)-1]
	} else if strings.Contains(addr, ":") {
		if host, port, err = net.SplitHostPort(addr); err != nil {
			return "", "", err
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || host == "" {
		return "", "", errors.New("no address")
	}
	return host, port, nil
}

// at completes an embedded target with the running engine's endpoint.
func (t target) at(e engine.Endpoint) target {
	t.addrs = []string{e.Addr}
	t.user, t.password, t.database = e.User, e.Password, e.Database
	return t
}

// compressionAt chooses no compression on this machine, where it only costs
// processor time, and LZ4 across a network, unless the address says.
func (t target) compressionAt(addr string) clickhouse.CompressionMethod {
	if !t.auto {
		return t.compression
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return clickhouse.CompressionLZ4
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return clickhouse.CompressionNone
	}
	return clickhouse.CompressionLZ4
}

// dialPool opens a pool to one server, asks it which settings it has, and pins
// those on every connection.
func (t target) dialPool(ctx context.Context, addr string, greet greeting) (*pool, profile, error) {
	user, err := t.askSettings(ctx, addr, greet)
	if err != nil {
		return nil, profile{}, err
	}
	settings := clickhouse.Settings{}
	for k, v := range t.settings {
		settings[k] = v
	}
	if !t.reads {
		for _, s := range pinned(quickSetting, user.known) {
			if _, theirs := settings[s.Key]; !theirs {
				settings[s.Key] = s.Value
			}
		}
	}
	for _, s := range t.shape().connectionSettings(user.known) {
		settings[s.Key] = s.Value
	}
	conn := newPool(poolOptions(t, addr, settings), greet)
	conn.limits, conn.undated = user.limits, !user.known["max_execution_time"]
	n := int32(mostIdle)
	if t.path != "" {
		n = 1
	}
	if err := conn.fill(ctx, n); err != nil {
		return nil, profile{}, errors.Join(err, conn.Close())
	}
	return conn, user, nil
}

// nativeOptions are those of a ch-go connection to the pool's server.
func (t target) nativeOptions(addr string, known map[string]bool) ch.Options {
	opts := ch.Options{
		Address:     addr,
		Database:    t.database,
		User:        t.user,
		Password:    t.password,
		TLS:         t.tls.Clone(),
		DialTimeout: dialTimeout,
		// An INSERT's answer comes after the server has sorted and written
		// its part; whoever waits sets the bound.
		ReadTimeout:      ch.NoTimeout,
		HandshakeTimeout: dialTimeout,
		ClientName:       "ingest",
	}
	switch t.compressionAt(addr) {
	case clickhouse.CompressionLZ4:
		opts.Compression = ch.CompressionLZ4
	case clickhouse.CompressionZSTD:
		opts.Compression = ch.CompressionZSTD
	default:
		opts.Compression = ch.CompressionDisabled
	}
	for k, v := range t.settings {
		opts.Settings = append(opts.Settings, ch.Setting{Key: k, Value: fmt.Sprint(v), Important: true})
	}
	opts.Settings = append(opts.Settings, t.shape().connectionSettings(known)...)
	return opts
}
