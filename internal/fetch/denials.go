package fetch

import (
	"fmt"
	"sync"

	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
)

// mostDenied is how many files a source may deny before it has given any, until
// it counts as denying all of them.
const mostDenied = 20

// denials is what a Fetcher remembers of what was denied. It is safe for
// concurrent use; its zero value is ready.
type denials struct {
	mu     sync.Mutex
	types  map[rawlog.Type]error
	denied int
	given  bool
}

// of returns the error that every file of the type would meet, if there is one.
func (d *denials) of(t rawlog.Type) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.types[t]
}

// note takes down what became of a file, and returns its error. That of a source
// which has denied every file so far is about the run: the credentials are good,
// and may read nothing.
func (d *denials) note(t rawlog.Type, err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		d.given = true
		return nil
	}
	switch dirs.ScopeOf(err) {
	case dirs.ScopeType:
		if d.types == nil {
			d.types = make(map[rawlog.Type]error)
		}
		d.types[t] = err
	case dirs.ScopeFile:
		kind := dirs.KindOf(err)
		if d.given || kind != dirs.Denied && kind != dirs.Untrusted {
			break
		}
		if d.denied++; d.denied >= mostDenied { //guard:denied-from-the-start
			return &dirs.Error{
				Kind: kind, Scope: dirs.ScopeRun, Final: true,
				Err: fmt.Errorf("the storage gave none of the first %d files: %w", d.denied, err),
			}
		}
	case dirs.ScopeRun:
	}
	return err
}
