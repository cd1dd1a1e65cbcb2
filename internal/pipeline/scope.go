package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"rawlogs/internal/fetch"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/parse"
	"rawlogs/internal/rawlog"
)

// scope is how much of a run the failure of one file is about.
type scope int

const (
	ofFile   scope = iota
	ofType         // every other file of the log type would meet it
	ofSource       // every other file would
)

// scopeOf decides the scope of an error that a download ended with.
func scopeOf(err error) scope {
	var api *hasoffers.APIError
	var storage *fetch.Error
	//guard:disk-full-one-file
	//guard:token-refused
	if errors.As(err, &api) && api.Kind == hasoffers.Unauthenticated || errors.As(err, &storage) && storage.Source {
		return ofSource
	}
	if api != nil && api.Kind == hasoffers.Permission { //guard:type-denied-alone
		return ofType
	}
	return ofFile
}

// mostDenied is how many files a storage may deny before it has given any, until
// it counts as denying all of them.
const mostDenied = 20

// denials is what a run remembers of files that were denied. It is safe for
// concurrent use; its zero value is ready.
type denials struct {
	mu     sync.Mutex
	types  map[rawlog.Type]error
	denied int
	given  bool
}

// of returns the error that a file of the type would meet, if there is one.
func (d *denials) of(t rawlog.Type) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.types[t]
}

// note takes down what became of a download, and returns the error that ends the
// run, if it does.
func (d *denials) note(t rawlog.Type, err error) (ends error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		d.given = true
		return nil
	}
	switch scopeOf(err) {
	case ofSource:
		return err
	case ofType:
		if d.types == nil {
			d.types = make(map[rawlog.Type]error)
		}
		d.types[t] = err
	case ofFile:
		if d.given || fetch.KindOf(err) != fetch.Denied {
			break
		}
		if d.denied++; d.denied >= mostDenied { //guard:denied-from-the-start
			return fmt.Errorf("the storage gave none of the first %d files: %w", d.denied, err)
		}
	}
	return nil
}

// obtain downloads an archive, unless its type is denied altogether. ends is the
// error that every other file would meet too.
func (r *run) obtain(ctx context.Context, inflater *parse.Inflater, f rawlog.File) (archive *fetch.Archive, ends, err error) {
	if err := r.denials.of(f.Type); err != nil {
		return nil, nil, err
	}
	archive, err = r.download(ctx, inflater, f)
	if ctx.Err() != nil {
		return archive, nil, err
	}
	return archive, r.denials.note(f.Type, err), err
}
