package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/parse"
	"rawlogs/internal/rawlog"
)

// contentsOf names a text by its CRC-32 and length, which who reads it is held to.
// How it is packed makes no difference.
func contentsOf(t *parse.Text) string { return fmt.Sprintf("%08x-%d", t.CRC32, t.Size) }

// hourOf is the file's hour in Unix seconds. A name may say seconds within it.
func hourOf(f rawlog.File) int64 { return f.Hour.Truncate(time.Hour).Unix() } //guard:twins-by-hour

// twinKey is an hour's text.
type twinKey struct {
	typ      rawlog.Type
	hour     int64
	contents string
}

// twins knows which file holds a text, so that the same file under a second name
// does not double its hour. It is safe for concurrent use.
type twins struct {
	mu    sync.Mutex
	names map[twinKey]twin
}

func keyOfText(f rawlog.File, contents string) twinKey {
	return twinKey{f.Type, hourOf(f), contents}
}

type twin struct {
	name   string
	loaded bool // its rows were in the store when the run began
}

// holdsText reports whether the rows of the entry's text are in the store. Those of
// a file whose newer version failed, or is being loaded, still are.
func holdsText(e *checkpoint.Entry) bool { return e.Rows > 0 && e.Contents != "" }

// knownTwins begins with what the ledger vouches for.
func knownTwins(known map[fileKey]*checkpoint.Entry) *twins {
	t := &twins{names: make(map[twinKey]twin)}
	for _, e := range known {
		if holdsText(e) { //guard:standing-rows-carry
			t.names[keyOfText(e.File, e.Contents)] = twin{e.File.Name, true}
		}
	}
	return t
}

// carry reports whether the rows of a copy are in the store under another name. Itself
// it has none.
func (t *twins) carry(copied *checkpoint.Entry) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, there := t.names[keyOfText(copied.File, copied.Contents)]
	return there
}

// claim returns the other file that holds the text, or makes it this file's.
func (t *twins) claim(f rawlog.File, contents string) (other twin, taken bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := keyOfText(f, contents)
	other, there := t.names[key]
	if there && other.name != f.Name {
		return other, true
	}
	if !there {
		t.names[key] = twin{f.Name, false}
	}
	return twin{}, false
}

// release gives up the claims of a file that could not be loaded.
func (t *twins) release(f rawlog.File) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, holder := range t.names {
		if holder.name == f.Name && key.typ == f.Type && !holder.loaded {
			delete(t.names, key)
		}
	}
}

// same settles a file whose text is in the store already, and reports whether it
// did: one whose bytes were only packed, stamped or moved anew, whose rows stay as
// they are, and a copy of another file of its hour, which is an issue.
func (l *loader) same(ctx context.Context, j *job) (bool, error) {
	e, contents := j.entry, contentsOf(j.body)
	known := e.Contents == contents && e.Privacy == l.Privacy.String()                //guard:privacy-same-text
	if known && j.former == checkpoint.Loaded && j.replace && !l.Reload && !j.again { //guard:same-text
		if !l.whole(j) {
			return false, nil
		}
		e.File, e.State = j.listed, checkpoint.Loaded
		j.note(l.Now())
		if err := l.record(ctx, []*checkpoint.Entry{e}); err != nil {
			return false, err
		}
		l.finish(j)
		l.sum.add(func(s *Summary) { s.AlreadyLoaded++ })
		return true, nil
	}
	if j.events != nil {
		return false, nil // a copy of events leaves all of them out
	}
	other, copied := l.twins.claim(j.file(), contents)
	if !copied || !l.hasLines(j.body) { //guard:copy-not-loaded
		return false, nil // an hour without rows looks like any other
	}
	if !l.whole(j) {
		return false, nil
	}
	if j.replace && !other.loaded { // the rows that it has stay until those of the other are there
		l.copies.add(j.file(), perhapsCopy) //guard:copy-waits
		j.release()
		return true, nil
	}
	if err := l.clear(ctx, j); err != nil {
		return false, err
	}
	emptied(e)
	e.File, e.State, e.Error, e.Contents = j.listed, checkpoint.Loaded, "", contents
	e.Settle(l.Now(), checkpoint.Issue{Kind: checkpoint.Copy, Text: "the same text as " + printable(other.name) + ", so it was not loaded"})
	if err := l.record(ctx, []*checkpoint.Entry{e}); err != nil {
		return false, err
	}
	l.Log.Warn("a copy of another file; its rows are not loaded twice", "type", j.file().Type, "file", j.file().Name, "other", other.name)
	l.copies.add(j.file(), newCopy)
	l.finish(j)
	l.sum.add(func(s *Summary) { s.Loaded++ })
	return true, nil
}

// whole reports whether the archive holds the text that its directory declares: a
// directory can be right and the data behind it damaged.
func (l *loader) whole(j *job) bool { return verify(&l.inflater, j.body) == nil } //guard:same-verified

// finish ends a file's way through the run.
func (l *loader) finish(j *job) {
	j.state = jobLoaded
	j.release()
	l.Progress.FilesDone.Add(1)
	l.Progress.BytesDone.Add(max(0, j.file().Size))
}

// hasLines reports whether a text has more than a header. Only short ones are read.
func (l *loader) hasLines(t *parse.Text) bool {
	const short = 64 << 10
	if t.Size > min(short, l.budget.text) {
		return true
	}
	text, err := l.inflater.Bytes(t)
	if err != nil {
		return false // whoever loads it says so
	}
	return slices.ContainsFunc([]byte("\n\r"), func(end byte) bool { return bytes.IndexByte(bytes.TrimRight(text, "\r\n"), end) >= 0 })
}
