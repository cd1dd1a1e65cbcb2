//go:build linux && amd64

package engine

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// folder is the store's folder on disk:
//
//	engine.users   lock: shared by every user, exclusive by a host that stops
//	engine.start   lock: exclusive by whoever starts or attaches
//	engine.leave   lock: exclusive by a user who leaves
//	engine.host    lock: exclusive by the host as long as it lives
//	engine.alive   a pipe held open by the host: its readers see the host's end
//	endpoint.json  where the running server listens, and its password
//	password       of our user, made at the first start
//	reader.password  of the user who may only read, made likewise
//	files/         what SQL reads and writes by file()
//	config.xml, users.xml, logs/, data/ (ClickHouse's own)
type folder string

func (f folder) file(name string) string { return filepath.Join(string(f), name) }

const (
	usersLock    = "engine.users"
	startLock    = "engine.start"
	leaveLock    = "engine.leave"
	hostLock     = "engine.host"
	alivePipe    = "engine.alive"
	endpointFile = "endpoint.json"
	passwordFile = "password"
	readerFile   = "reader.password"
	configFile   = "config.xml"
	usersFile    = "users.xml"
	historyFile  = "history"
	dataFolder   = "data"
	logFolder    = "logs"
	filesFolder  = "files"
	hostLog      = "logs/host.log"
	serverLog    = "logs/clickhouse.log"
	errorLog     = "logs/clickhouse.err.log"
)

// prepared lists what a folder may hold before its first start: the additions
// that an administrator makes to the server's configuration, and what a new file
// system brings along.
var prepared = []string{"config.d", "users.d", "lost+found"}

// openFolder makes the folder if it is absent, and refuses one that is
// something else or somebody else's: ClickHouse would spread files of ours
// among them that their owner cannot read. With existing it makes nothing, and
// a folder without a store is ErrAbsent.
func openFolder(path string, existing bool) (folder, error) {
	if path == "" {
		return "", errors.New("engine: no folder named")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("engine %s: %w", path, err)
	}
	if strings.ContainsAny(abs, "\x00\n") {
		return "", fmt.Errorf("engine %q: no folder name", path)
	}
	if err = dangling(abs); err != nil {
		return "", fmt.Errorf("engine %s: %w", path, err)
	}
	f := folder(abs)
	if _, err = os.Stat(f.file(startLock)); existing && errors.Is(err, fs.ErrNotExist) { //guard:looking-makes-nothing
		return "", fmt.Errorf("engine %s: %w", path, ErrAbsent)
	}
	if err = os.MkdirAll(abs, 0o700); err != nil {
		return "", fmt.Errorf("engine %s: %w", path, err)
	}
	if err = ours(abs); err != nil {
		return "", fmt.Errorf("engine %s: %w", path, err)
	}
	// The first file made is the one that marks the folder as ours.
	lock, err := os.OpenFile(f.file(startLock), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", fmt.Errorf("engine %s: %w", path, err)
	}
	if err := lock.Close(); err != nil {
		return "", err
	}
	for _, dir := range []string{dataFolder, logFolder, filesFolder} {
		if err := os.Mkdir(f.file(dir), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("engine %s: %w", path, err)
		}
	}
	return f, nil
}

// dangling names the link in a path that leads to nothing, as to a disk that is not
// mounted: what is made behind it would lie elsewhere, or not at all.
func dangling(abs string) error {
	for at := abs; at != filepath.Dir(at); at = filepath.Dir(at) {
		target, err := os.Readlink(at)
		if err != nil {
			continue // not a link
		}
		if _, err = os.Stat(at); errors.Is(err, fs.ErrNotExist) { //guard:dangling-named
			return fmt.Errorf("%s is a link to %s, which is not there: is its disk mounted?", at, target)
		}
	}
	return nil
}

// ours reports why a folder that exists cannot be a store's.
func ours(abs string) error {
	info, err := os.Stat(abs)
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("belongs to user id %d, this is user id %d; run as its owner or name another folder", st.Uid, os.Geteuid())
	}
	entries, err := os.ReadDir(abs)
	if err != nil {
		return err
	}
	known := func(e fs.DirEntry) bool { return e.Name() == startLock }
	if foreign := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return !slices.Contains(prepared, e.Name()) }); foreign >= 0 && !slices.ContainsFunc(entries, known) {
		return fmt.Errorf("holds other things (%q): name a new or empty folder", entries[foreign].Name())
	}
	return nil
}

// Rehearse reports why Open could not make a store in a folder where there is none, or
// not run one on this machine. It
// tries what a store needs of a file system, pipes and locks among it, in a folder of
// its own beside it, and takes that away.
func Rehearse(path string) (err error) {
	if err = processor(features()); err != nil {
		return err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("engine %s: %w", path, err)
	}
	if err = dangling(abs); err != nil {
		return fmt.Errorf("engine %s: %w", path, err)
	}
	if err = ours(abs); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("engine %s: %w", path, err)
	}
	nearest := abs
	for {
		if _, err = os.Stat(nearest); !errors.Is(err, fs.ErrNotExist) || nearest == filepath.Dir(nearest) {
			break
		}
		nearest = filepath.Dir(nearest)
	}
	trial, err := os.MkdirTemp(nearest, ".ingest-*")
	if err != nil {
		var of *fs.PathError
		if errors.As(err, &of) {
			err = of.Err // the name is of no use to anybody
		}
		return fmt.Errorf("engine %s: making a folder in %s: %w", path, nearest, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(trial)) }()
	f, err := openFolder(trial, false)
	if err == nil {
		err = f.makePipe()
	}
	if err != nil {
		return fmt.Errorf("engine %s: in a folder in %s: %w", path, nearest, err)
	}
	lock, err := openLock(f.file(hostLock))
	if err == nil {
		_, err = tryLock(lock, unix.LOCK_EX)
		err = errors.Join(err, lock.Close())
	}
	if err != nil {
		return fmt.Errorf("engine %s: in a folder in %s: %w", path, nearest, err)
	}
	return nil
}

// makePipe makes the alive pipe anew, so that readers of a former host's pipe
// cannot take the next host for it.
func (f folder) makePipe() error {
	if err := os.Remove(f.file(alivePipe)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := unix.Mkfifo(f.file(alivePipe), 0o600); err != nil {
		return fmt.Errorf("making a pipe in %s: %w: the store needs a folder on a local disk of this system", string(f), err)
	}
	return nil
}

// endpoint is the content of endpoint.json.
type endpoint struct {
	PID      int    `json:"pid"`
	Nonce    string `json:"nonce"` // of this start
	TCPPort  int    `json:"tcp_port"`
	HTTPPort int    `json:"http_port"`
	User     string `json:"user"`
	Password string `json:"password"`

	ReaderPassword string `json:"reader_password"`
}

// keptPassword returns the password in a file of the folder, and makes one at
// the first start. It stays the same because clients and dictionaries keep it;
// whoever can read it can read the data beside it too.
func (f folder) keptPassword(file string) (string, error) {
	raw, err := os.ReadFile(f.file(file))
	if password := strings.TrimSpace(string(raw)); err == nil && password != "" {
		return password, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	password := rand.Text()
	return password, f.write(file, []byte(password+"\n"))
}

func (f folder) readEndpoint() (endpoint, error) {
	var ep endpoint
	raw, err := os.ReadFile(f.file(endpointFile))
	if err != nil {
		return ep, err
	}
	if err := json.Unmarshal(raw, &ep); err != nil || ep.Nonce == "" {
		return ep, fmt.Errorf("%s: not readable as an endpoint", endpointFile)
	}
	return ep, nil
}

func (f folder) writeEndpoint(ep endpoint) error {
	raw, err := json.MarshalIndent(ep, "", "  ")
	if err != nil {
		return err
	}
	return f.write(endpointFile, append(raw, '\n'))
}

// write replaces a file whole, readable by its owner only.
func (f folder) write(name string, data []byte) error {
	tmp := f.file(name + ".new")
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, f.file(name))
}

func (f folder) remove(name string) error {
	if err := os.Remove(f.file(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
