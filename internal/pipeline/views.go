package pipeline

import (
	"strings"
	"sync"

	"rawlogs/internal/store"
)

// views are the INSERTs whose rows landed, but whose answer was an error all the
// same: that of a materialized view of an analyst's, which the rows went on to. It is
// safe for concurrent use.
type views struct {
	mu    sync.Mutex
	wrong map[uint64]string // by the INSERT's id
}

// add notes why the server complained of an INSERT whose rows it holds. An answer that
// was only lost says nothing of views.
func (v *views) add(insert uint64, err error) bool {
	if !store.Refused(err) {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.wrong == nil {
		v.wrong = make(map[uint64]string)
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	v.wrong[insert] = printable(first)
	return true
}

// of returns the complaint about one of the INSERTs, "" for none.
func (v *views) of(inserts []uint64) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, id := range inserts {
		if text := v.wrong[id]; text != "" {
			return text
		}
	}
	return ""
}
