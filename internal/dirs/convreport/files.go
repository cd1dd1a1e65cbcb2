package convreport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/fetch"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
)

// files is the way to days as one CSV each. Its zero value knows none.
type files struct {
	fetcher *fetch.Fetcher

	mu     sync.Mutex
	over   bool // no more are asked for
	failed int  // in a row
}

// mostUnfit is how many files in a row may be of no use, until no more are asked for.
const mostUnfit = 3

// begin makes the way, where there is one. The files are held on disk, but for small ones.
func (f *files) begin(s *Source) {
	if f.over = s.Links == nil; f.over {
		return
	}
	cfg := s.Download
	cfg.Memory, cfg.SpoolOver, cfg.SpoolDir, cfg.Log = 8<<20, 1<<20, s.Spool, s.Log
	f.fetcher = fetch.New(linked{s, s.Links(s.link)}, cfg)
}

// linked is the source with the network's own files in the place of those made of pages.
type linked struct {
	*Source
	at Opener
}

func (l linked) Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error) {
	return l.at.Open(ctx, f, offset, etag)
}

// link asks for a link to the CSV of a day.
func (s *Source) link(ctx context.Context, f rawlog.File) (string, error) {
	var link string
	err := s.asking(func(m manner) (err error) {
		args := m.question(span{f.Hour, f.Hour.AddDate(0, 0, 1)})
		for name := range args { // the days are parameters of their own
			if isFilter(name) {
				delete(args, name)
			}
		}
		link, err = s.brief.ReportLink(ctx, "getConversions", args, f.Hour, f.Hour)
		if passes(err) {
			link, err = s.Client.ReportLink(ctx, "getConversions", args, f.Hour, f.Hour)
		}
		return err
	})
	if err != nil {
		return "", meaning(ctx, err)
	}
	return link, nil
}

func (f *files) wanted() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.over
}

// longError is of a day that has more rows than a page, or that takes too long.
type longError struct{ count int } // -1: unknown

func (e *longError) Error() string { return fmt.Sprintf("the day has %d conversions", e.count) }

// gather reads the rows of a day: those of its first page, where that is all there are, or
// of its file, or of all pages. The day is the caller's to close.
func (s *Source) gather(ctx context.Context, hour time.Time) (*day, error) {
	whole := span{hour, hour.AddDate(0, 0, 1)}
	pages := func(d *day) error { return s.read(ctx, d, whole) }
	if !s.files.wanted() {
		return s.collect(hour, pages)
	}
	d, err := s.collect(hour, func(d *day) error {
		d.probe = true
		return pages(d)
	})
	var long *longError
	if !errors.As(err, &long) {
		return d, err
	}
	if d, err = s.collect(hour, func(d *day) error { return s.readFile(ctx, d, whole, long.count) }); err == nil {
		s.files.fit()
		return d, nil
	}
	if kind, ofAPI := hasoffers.KindOf(err); ctx.Err() != nil || ofAPI && (kind == hasoffers.Unauthenticated || kind == hasoffers.Untrusted) {
		return nil, err
	}
	s.unfit(hour, err)
	return s.collect(hour, pages) //guard:report-file-unfit
}

// collect makes a day of what read puts into it.
func (s *Source) collect(of time.Time, read func(*day) error) (*day, error) {
	d, err := newDay(s.Spool, of)
	if err != nil {
		return nil, spoolError(err)
	}
	if err := read(d); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (f *files) fit() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = 0
}

// unfit says that a day's file is of no use, and whether more of them are asked for.
func (s *Source) unfit(of time.Time, why error) {
	f := &s.files
	f.mu.Lock()
	defer f.mu.Unlock()
	var other *headerError
	f.failed++
	switch {
	case f.over:
	case refused(why):
		f.over = true
		s.Log.Info("the network does not give the report of conversions as a file; reading its pages", "err", why)
	case errors.As(why, &other):
		f.over = true
		s.Log.Warn("the file of the report of conversions is not what was asked for; reading pages, and asking for no more files in this run", "day", of.Format(time.DateOnly), "err", why)
	default:
		f.over = f.failed >= mostUnfit
		s.Log.Warn("the file of the report of conversions is not sound; reading the day's pages", "day", of.Format(time.DateOnly), "err", why)
	}
}

// readFile reads a day out of its file. said is how many rows there are by the network; -1
// is unknown.
func (s *Source) readFile(ctx context.Context, d *day, sp span, said int) error {
	for try := 1; ; try++ {
		var err error
		if said < 0 {
			if said, err = s.count(ctx, sp); err != nil {
				return err
			}
		}
		got, err := s.download(ctx, d)
		if err != nil {
			return err
		}
		if got < said { // rows may have gone since they were counted
			if said, err = s.count(ctx, sp); err != nil {
				return err
			}
		}
		switch {
		case got >= said:
			d.finish()
			return nil
		case try == walks: //guard:report-file-count
			return fmt.Errorf("the network says that it has %d conversions, and its file has %d", said, got)
		}
	}
}

// count asks how many rows a span has, in halves where that takes too long.
func (s *Source) count(ctx context.Context, sp span) (int, error) {
	var data json.RawMessage
	err := s.asking(func(m manner) (err error) {
		m.fields = m.fields[:1]
		data, err = s.row(ctx, s.brief, sp, m)
		return err
	})
	if a, b, ok := sp.halve(); ok && tooLarge(err) {
		var n, m int
		if n, err = s.count(ctx, a); err == nil {
			m, err = s.count(ctx, b)
		}
		return n + m, err
	}
	if err != nil {
		return 0, err
	}
	page, err := hasoffers.SplitPage(data)
	if err == nil && !page.Counted && len(page.Rows) > 0 {
		err = errors.New("the network does not say how many conversions there are")
	}
	return page.Count, err
}

// download reads the file of a day as it is now, and returns how many rows it has.
func (s *Source) download(ctx context.Context, d *day) (int, error) {
	archive, err := s.files.fetcher.Fetch(ctx, rawlog.ReportDay(d.of))
	if err != nil {
		return 0, err
	}
	defer archive.Release()
	for {
		d.begin()
		got, err := s.readCSV(d, archive)
		if again := new(againError); !errors.As(err, &again) {
			return got, err
		}
	}
}
