package hasoffers

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"rawlogs/internal/whole"
)

// cacheFile is where this client's token is kept: one file for each client,
// audience and place of sign-in. Its name tells none of them.
func (i *Integrator) cacheFile() string {
	sum := sha256.Sum256([]byte(i.cfg.ClientID + "\x00" + i.cfg.Audience + "\x00" + i.auth.String()))
	return filepath.Join(i.cfg.CacheDir, "integrator-"+hex.EncodeToString(sum[:12])+".json")
}

var errNoCache = errors.New("no cached token")

// recall reads the kept token. A file that others can read is not trusted: they
// may have written it as well.
func (i *Integrator) recall() (token, error) {
	if i.cfg.CacheDir == "" {
		return token{}, errNoCache
	}
	path := i.cacheFile()
	info, err := os.Lstat(path)
	if err != nil {
		return token{}, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 || info.Size() > 1<<20 {
		return token{}, fmt.Errorf("%s is not a private file", path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return token{}, err
	}
	var t token
	if err := json.Unmarshal(raw, &t); err != nil {
		return token{}, fmt.Errorf("%s: no token in it", path) // the error would quote it
	}
	return t, nil
}

// remember replaces the kept token whole, so that a reader never sees half.
func (i *Integrator) remember(t token) error {
	if i.cfg.CacheDir == "" {
		return nil
	}
	if err := os.MkdirAll(i.cfg.CacheDir, 0o700); err != nil {
		return err
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return whole.Write(i.cacheFile(), 0o600, func(f *os.File) error {
		_, err := f.Write(raw)
		return err
	})
}

// forget drops the kept token if it is the one that was refused; another
// process may have put a newer one there.
func (i *Integrator) forget() {
	if t, err := i.recall(); err == nil && len(i.known) > 0 && t.Text == i.known[len(i.known)-1] {
		_ = os.Remove(i.cacheFile()) // if it stays, the next call is refused and renews once more
	}
}
