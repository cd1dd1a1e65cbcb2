// Package firehose is a source of events instead of raw logs: a folder or bucket in which
// files hold events of the vendor's Firehose as JSON. Each file is listed once for each log
// type, as it may hold events of all.
package firehose

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/listing"
	"rawlogs/internal/rawlog"
)

// Place is where the files are: it lists them, whatever their names, and opens them.
type Place interface {
	Name() string
	Each(ctx context.Context, take func(name string, size int64, etag string, modified time.Time), refuse func(name string, why error)) error
	Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error)
	Put(ctx context.Context, name string, body []byte) error
}

// Source reads the files of a place. A file's name is its path there, behind
// rawlog.EventsFolder.
//
// A file is of the hour that its path names, or else of the one in which it was last
// written to: that decides only which partition its rows are in and which period they are
// loaded by, as events say themselves when they happened.
type Source struct {
	place   Place
	skipped dirs.Skipped
	these   []rawlog.File
}

// New returns the files of a place as a source; it does no I/O.
func New(place Place, skipped dirs.Skipped) *Source { return &Source{place: place, skipped: skipped} }

// These is the source as if it held no other files: it lists them without having looked.
func (s *Source) These(files []rawlog.File) *Source {
	these := *s
	these.these = files
	return &these
}

// Name is the place's, and that it holds events.
func (s *Source) Name() string { return "firehose:" + s.place.Name() }

// Retention knows nothing: files are kept until somebody removes them.
func (s *Source) Retention(context.Context) (map[rawlog.Type]int, error) {
	return map[rawlog.Type]int{}, nil
}

// Walk implements dirs.Source.
func (s *Source) Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error {
	files := listing.New(types, periods)
	if s.these != nil {
		for _, f := range s.these {
			files.Add(f)
		}
		return files.Yield(ctx, yield)
	}
	refuse := func(name string, why error) { files.Refuse(rawlog.File{Name: name, Size: -1}, why) }
	err := s.place.Each(ctx, func(name string, size int64, etag string, modified time.Time) {
		if why := beside(name); why != nil {
			s.skipped.Tell(name, why)
			return
		}
		if !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) { //guard:event-file-name
			refuse(name, errors.New("its name is not text: rename it"))
			return
		}
		for _, t := range types {
			files.Add(rawlog.File{Type: t, Name: rawlog.EventsFolder + name, Hour: HourOf(name, modified), Size: size, ETag: etag})
		}
	}, refuse)
	if err != nil {
		return err
	}
	if err := files.Yield(ctx, yield); err != nil {
		return err
	}
	return files.Missing.OrNil()
}

// Open implements dirs.Source.
func (s *Source) Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error) {
	name, ok := strings.CutPrefix(f.At(), rawlog.EventsFolder)
	if !ok {
		return nil, dirs.Fail(dirs.NotFound, fs.ErrNotExist) // a raw log that another source listed
	}
	f.Path = name
	return s.place.Open(ctx, f, offset, etag)
}

// Put makes a file of the place, whole or not at all, and for good.
func (s *Source) Put(ctx context.Context, name string, body []byte) error {
	return s.place.Put(ctx, name, body)
}

// errBeside is of what is not meant to be read: hidden, or not whole yet.
var errBeside = errors.New("hidden, or a copy that is not finished")

func beside(name string) error {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || strings.HasPrefix(part, "_") {
			return errBeside
		}
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".tmp", ".part", ".partial", ".crc":
		return errBeside
	}
	return nil
}

// hours are how a path names its hour: as year/month/day/hour or with anything else
// between, or all of it in digits, or as seconds since 1970.
var (
	dated = regexp.MustCompile(`(?:^|[^0-9])(20[0-9]{2})[-_/.]?([01][0-9])[-_/.]?([0-3][0-9])[-_/.T ]?([0-2][0-9])(?:[^0-9]|[0-5][0-9])`)
	epoch = regexp.MustCompile(`(?:^|[^0-9A-Za-z])(1[0-9]{9})(?:[^0-9A-Za-z]|$)`)
)

// HourOf is the hour that a path names, in UTC; the last one, where it names several. Else
// it is that of the time given.
func HourOf(name string, modified time.Time) time.Time {
	if all := dated.FindAllStringSubmatch(name, -1); len(all) > 0 {
		m := all[len(all)-1]
		if t, err := time.Parse("2006 01 02 15", strings.Join(m[1:], " ")); err == nil {
			return t
		}
	}
	if m := epoch.FindStringSubmatch(name); m != nil {
		if sec, err := strconv.ParseInt(m[1], 10, 64); err == nil {
			return time.Unix(sec, 0).UTC().Truncate(time.Hour)
		}
	}
	return modified.UTC().Truncate(time.Hour)
}
