package fetch

import (
	"encoding/hex"
	"errors"
	"strings"
	"sync"

	"rawlogs/internal/dirs"
)

// md5s checks bodies against ETags that look like MD5s, which they are on S3
// for objects uploaded in one part without KMS. Other stores may put any 32 hex
// digits there: when a second download brings the very same bytes, and no ETag
// of this source ever was an MD5, it is the ETag that is none.
type md5s struct {
	mu    sync.Mutex
	proof bool // an ETag was the MD5
	none  bool // ETags are not MD5s here
	once  map[string]string
}

// check compares the MD5 of all bytes of f with its ETag.
func (m *md5s) check(t *transfer, etag string, sum []byte) error {
	if want, err := hex.DecodeString(etag); err != nil || len(want) != len(sum) {
		return nil // of many parts, weak, or of another kind
	}
	got := hex.EncodeToString(sum)
	m.mu.Lock()
	defer m.mu.Unlock()
	k := string(t.listed.Type) + " " + t.listed.Name
	before, again := m.once[k]
	delete(m.once, k)
	switch {
	case strings.EqualFold(got, etag): //guard:md5-compared
		m.proof = true
		return nil
	case m.none && !m.proof:
		return nil
	case again && before == got && !m.proof:
		m.none = true
		t.Log.Warn("the storage's ETags look like MD5s but are none; the ZIPs' own CRCs remain", "file", t.listed.Name)
		return nil
	}
	if m.once == nil {
		m.once = make(map[string]string)
	}
	m.once[k] = got
	return dirs.Fail(dirs.Corrupt, errors.New("its MD5 is not its ETag"))
}
