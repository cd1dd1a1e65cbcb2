// Package convreport is the network's report of conversions as a source: each day of it is a
// file, made of the answers of getConversions. It holds every conversion as it stands when
// it is asked for, so that a day may have other contents the next time.
//
// # Paging
//
// Rows are asked for in the order of a key, those beyond the last one read: a page begins
// where the former one ended, whatever came or went before. The key is the conversion's
// number, or its event where a row has no number. Where a network does not take such a
// question, or has neither, pages go by their numbers. How many rows there are the first
// answer says; a day with fewer is read again, and then said to be so.
//
// A day that takes the network too long is asked for in halves, down to a minute.
//
// # Files
//
// A day of more than a page is asked for as one CSV, where the network gives it. What is
// taken from it is what the pages would have had; a file that is not exactly that is left
// alone, and the day's pages are read.
package convreport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/fetch"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
)

// Kept is for how many days the network answers the report: 25 months.
const Kept = 762

// Config says how to ask; zero values mean the defaults named here.
type Config struct {
	Client *hasoffers.Client // required
	Side   string            // of an api_key: hasoffers.Affiliate or Advertiser; "" is the network's own report
	Zone   *time.Location    // whose days they are; default UTC
	Limit  int               // rows in a page; default 2000, as an answer is held in memory
	Spool  string            // folder for a day's rows; default the system's
	Now    func() time.Time  // default time.Now
	Log    *slog.Logger      // default: silent

	// Links makes of a way to ask for a link what opens the files that links lead to;
	// nil reads days by their pages only.
	Links func(Ask) Opener
	// Download is how those files are fetched; its bounds of memory are the source's own.
	Download fetch.Config
}

// Ask gets a link to a file. The link is a credential.
type Ask func(context.Context, rawlog.File) (string, error)

// Opener opens files as a dirs.Source does.
type Opener interface {
	Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error)
}

// Source is the report. It is safe for concurrent use.
type Source struct {
	Config
	target string
	brief  *hasoffers.Client
	files  files

	mu      sync.Mutex
	partner string          // whose conversions they are, by the first row; "" is unknown
	refused map[string]bool // fields that the account may not ask for
	by      pageKey
	numbers bool // pages go by their numbers, as the network does not take the other question
}

// New returns the report of a network; it does no I/O.
func New(cfg Config) *Source {
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	if cfg.Limit <= 0 {
		cfg.Limit = 2000
	}
	if cfg.Spool == "" {
		cfg.Spool = os.TempDir()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Source{Config: cfg, target: "Report", refused: map[string]bool{}}
	if cfg.Side != "" {
		s.target = cfg.Side + "_Report"
	}
	// A time-out of a long span is the span's fault: the half that works is asked for
	// sooner. The copy shares credentials and rate limit.
	brief := *cfg.Client
	brief.Attempts = 1
	s.brief = &brief
	s.files.begin(s)
	return s
}

// Name is the same for every network.
func (s *Source) Name() string { return "the report of conversions" }

// Refused lists the fields that the account may not ask for, as far as that is known.
func (s *Source) Refused() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.refused))
}

// Retention implements dirs.Source.
func (s *Source) Retention(context.Context) (map[rawlog.Type]int, error) {
	return map[rawlog.Type]int{rawlog.ConversionReport: Kept}, nil
}

// Walk implements dirs.Source: it yields the days of the periods, up to today, that the
// network still answers.
func (s *Source) Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error {
	if !slices.Contains(types, rawlog.ConversionReport) {
		return ctx.Err()
	}
	y, m, d := s.Now().In(s.Zone).Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	wanted := func(day time.Time) bool {
		return len(periods) == 0 || slices.ContainsFunc(periods, func(p rawlog.Period) bool { return p.Contains(day) })
	}
	// An answer about a day that is over is empty, and not what the day was like.
	for day := today.AddDate(0, 0, 1-Kept); !day.After(today); day = day.AddDate(0, 0, 1) { //guard:report-kept
		if err := ctx.Err(); err != nil {
			return err
		}
		if !wanted(day) {
			continue
		}
		if err := yield(rawlog.ReportDay(day)); err != nil {
			return err
		}
	}
	return nil
}

// Open implements dirs.Source: it reads the day's rows and puts them in the order of their
// key, so that a day without changes has the same bytes each time.
func (s *Source) Open(ctx context.Context, f rawlog.File, _ int64, _ string) (_ *dirs.Body, err error) {
	if f.Type != rawlog.ConversionReport {
		return nil, dirs.Fail(dirs.NotFound, os.ErrNotExist)
	}
	d, err := s.gather(ctx, f.Hour)
	if err != nil {
		return nil, meaning(ctx, err)
	}
	defer func() { err = errors.Join(err, d.close()) }()
	text, err := fetch.Unnamed(s.Spool)
	if err != nil {
		return nil, spoolError(err)
	}
	size, err := d.writeCSV(text, s.manner().fields)
	if err == nil {
		_, err = text.Seek(0, 0)
	}
	if err != nil {
		return nil, errors.Join(spoolError(err), text.Close())
	}
	return &dirs.Body{ReadCloser: text, File: text, Size: size, NoMD5: true, ContentType: "text/csv", Notes: d.notes}, nil
}

func spoolError(err error) error {
	return dirs.Fail(dirs.Failed, fmt.Errorf("spool folder: %w", dirs.Pathless(err)))
}

// meaning says what can be done about an error of a day. The client has tried again where
// that helps.
func meaning(ctx context.Context, err error) error {
	var own *dirs.Error
	if ctx.Err() != nil || errors.As(err, &own) {
		return err
	}
	e := &dirs.Error{Err: err, Final: true}
	kind, ofAPI := hasoffers.KindOf(err)
	switch {
	case !ofAPI:
	case kind == hasoffers.Unauthenticated: //guard:report-token-refused
		e.Kind, e.Scope = dirs.Denied, dirs.ScopeRun
	case kind == hasoffers.Untrusted:
		e.Kind, e.Scope = dirs.Untrusted, dirs.ScopeRun
	case kind == hasoffers.Permission:
		e.Kind, e.Scope = dirs.Denied, dirs.ScopeType
	case kind == hasoffers.RateLimited, kind == hasoffers.Unavailable:
		e.Kind = dirs.Unavailable
	}
	return e
}
