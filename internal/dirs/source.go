// Package dirs says what a source of raw logs is. A source is one package, whole:
// it lists files, opens them, knows for how long they are kept, and says what an
// error of it means. Nothing else in the project knows which kind it has.
//
// # How to add a source
//
// Write a package beside hoapi, bucket and folder that imports none of them:
//
//  1. Walk. Package listing gathers names, refuses the doubtful ones and yields the
//     rest in order. A name that is not a raw log's goes to Skipped, with the reason.
//  2. Open. Where the bytes come by HTTP, package answer turns statuses, headers and
//     broken connections into errors and bodies.
//  3. Retention, which returns an empty map where nothing is known.
//  4. A test that calls dirstest.Run: it asks of every source the same.
//
// Then let package session make it from a --source, which package config reads.
//
// # What an error means
//
// A source fails with an *Error. Its Kind says what can be done about it, its Scope
// how much it is about: one file, a log type, or the run. A file's error fails that
// file and leaves the others alone; a type's error fails the type's other files
// unasked; a run's error ends the run, as every other file would meet it too. Package
// fetch tries again what may pass (Unavailable, Changed, Corrupt), so a source does
// so only where it knows better. A context that ended is returned as it is.
package dirs

import (
	"context"
	"io"
	"os"

	"rawlogs/internal/rawlog"
)

// Source is a place that lists a network's hourly files and hands out their bytes.
// It does no I/O before its first call, is safe for concurrent use, and has nothing
// to close.
type Source interface {
	// Name is the source for people, without its secrets.
	Name() string

	// Walk yields every file of the types whose hour lies in one of the periods
	// (in any, if there are none): type by type in the order given, oldest hour
	// first, each name once. It lists a type completely before it yields the
	// first file of it. An error of yield ends the walk and is returned as it is.
	// An *Incomplete names what was not yielded, beside everything else that was;
	// any other error is about the run, and means that more may be missing.
	Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error

	// Open returns f's bytes from offset on. A non-empty etag asks for exactly
	// that version: another one is an error of kind Changed. A source that cannot
	// begin in the middle returns a body with Offset 0. ctx covers the reading of
	// the body, too; the caller closes it.
	Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*Body, error)

	// Retention returns for how many days after its hour a file of each type is
	// kept. A type that is not in the map is kept for as long as anybody knows.
	Retention(ctx context.Context) (map[rawlog.Type]int, error)
}

// Body is an open file.
type Body struct {
	io.ReadCloser
	Size        int64  // of the whole file; -1 if unknown, and then the end of the body is trustworthy
	Offset      int64  // where in the file the body begins
	ETag        string // without quotes, weak ones with their W/; "" if unknown
	ContentType string
	Notes       []string // what is not as it should be about the bytes, and no reason not to load them; for people
	NoMD5       bool     // the ETag is known to be no MD5 of the bytes, whatever it looks like

	// File is set where the bytes are a file of this machine: it can be read in
	// place, and needs no copy. It is the body's own, and closed with it.
	File *os.File
	// Changed reports whether the file was written to since it was opened; nil
	// where the source cannot tell.
	Changed func() bool
}

// Skipped takes everything that a source holds besides raw logs, and that a walk
// therefore leaves out; it may be nil.
type Skipped func(name string, why error)

// Tell passes one name on.
func (s Skipped) Tell(name string, why error) {
	if s != nil {
		s(name, why)
	}
}
