package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/config"
	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// StatusOptions are the flags of `ingest status`.
type StatusOptions struct {
	Types   typesFlag
	Offline bool
}

// AddFlags adds them to f.
func (o *StatusOptions) AddFlags(f *pflag.FlagSet) {
	o.Types.addTo(f)
	f.BoolVar(&o.Offline, "offline", false, "do not list the source: leaves out what is missing and what expires")
}

func newStatus(a *app) *cobra.Command {
	var o StatusOptions
	cmd := &cobra.Command{
		Use:   "status [PERIOD…] [flags]",
		Short: "show loaded, failed and missing files by type and day",
		Example: `  ingest status
  ingest status 201609 --type clicks
  ingest status --offline --json`,
		Long: "missing: listed by the source, not begun yet. double hours: hours with more than one file.\n\n" +
			exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		RunE: func(cmd *cobra.Command, args []string) error {
			periods, err := parsePeriods(args)
			if err != nil {
				return err
			}
			return a.eachSource(cmd, func(ctx context.Context, cfg *config.Config) error {
				return a.runStatus(ctx, cfg, o, periods)
			})
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// dayLine is one line of the status. Its JSON names are a promise.
type dayLine struct {
	Type        string `json:"type"`
	Day         string `json:"day"`
	Loaded      int64  `json:"loaded"` // files
	Loading     int64  `json:"loading"`
	Failed      int64  `json:"failed"`
	Missing     *int64 `json:"missing"` // null: the source was not listed
	Rows        int64  `json:"rows"`
	Rejected    int64  `json:"rejected"`
	Rescued     int64  `json:"rescued"`
	Bytes       int64  `json:"bytes"`
	DoubleHours int64  `json:"double_hours"`
}

type statusReport struct {
	Network  string    `json:"network"`
	Source   string    `json:"source"`
	Store    string    `json:"store"`
	Listed   bool      `json:"listed"`
	Days     []dayLine `json:"days"`
	Failures []failed  `json:"failures"`
	Lost     []failed  `json:"lost"` // not loaded, and no longer listed by the source
	Warnings []string  `json:"warnings"`
}

type failed struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Error string `json:"error"`
}

func (a *app) runStatus(ctx context.Context, cfg *config.Config, o StatusOptions, periods []rawlog.Period) (err error) {
	ctx, cancel := a.untilStop(ctx)
	defer cancel()
	st, err := a.lookAt(ctx, cfg)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	report, err := a.status(ctx, cfg, st, o, periods)
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.stdout, report)
	}
	return report.print(a.stdout)
}

func (a *app) status(ctx context.Context, cfg *config.Config, st *store.Store, o StatusOptions, periods []rawlog.Period) (statusReport, error) {
	report := statusReport{Network: cfg.Network, Source: cfg.Source.String(), Store: st.Name(), Days: []dayLine{}, Failures: []failed{}, Lost: []failed{}, Warnings: []string{}}
	if cfg.Network == "" {
		return report, cfg.RequireSource()
	}
	ledger := checkpoint.Open(st, cfg.Network)
	days, err := ledger.Status(ctx, o.Types.list(), periods)
	if err != nil {
		return report, err
	}
	entries, err := ledger.Entries(ctx, checkpoint.Filter{Types: o.Types.list(), Periods: periods})
	if err != nil {
		return report, err
	}
	begun := map[fileID]bool{}
	for _, e := range entries {
		begun[idOf(e.File)] = e.State != checkpoint.Planned
		if e.State == checkpoint.Failed {
			report.Failures = append(report.Failures, failed{string(e.File.Type), e.File.Name, e.Error})
		}
	}
	missing := map[dayKey]int64{}
	if !o.Offline {
		listed := map[fileID]bool{}
		missing, err = a.missing(ctx, cfg, o.Types.list(), periods, begun, listed)
		if err != nil {
			report.Warnings = append(report.Warnings, fmt.Sprintf("could not list the source: %v", err))
		}
		report.Listed = err == nil
		if report.Listed {
			report.Lost = lost(entries, listed)
		}
	}
	report.Days = dayLines(days, missing, report.Listed)
	if report.Listed {
		keep, err := a.expirations(ctx, cfg)
		if err != nil {
			report.Warnings = append(report.Warnings, fmt.Sprintf("the API does not tell how long it keeps files: %v", err))
		}
		report.Warnings = append(report.Warnings, expiryWarnings(report.Days, keep, time.Now())...)
	}
	return report, nil
}

type dayKey struct {
	typ rawlog.Type
	day string
}

type fileID struct {
	typ  rawlog.Type
	name string
}

func idOf(f rawlog.File) fileID { return fileID{f.Type, f.Name} }

// lost are the files that are not loaded and that the source does not list.
func lost(entries []checkpoint.Entry, listed map[fileID]bool) []failed {
	out := []failed{}
	for _, e := range entries {
		if (e.State == checkpoint.Planned || e.State == checkpoint.Failed) && !listed[idOf(e.File)] {
			out = append(out, failed{string(e.File.Type), e.File.Name, e.Error})
		}
	}
	return out
}

// missing counts the files that the source lists and the ledger has not begun,
// and notes all that it lists.
func (a *app) missing(ctx context.Context, cfg *config.Config, types []rawlog.Type, periods []rawlog.Period, begun, listed map[fileID]bool) (map[dayKey]int64, error) {
	src, err := a.openSource(cfg)
	if err != nil {
		return nil, err
	}
	counts := map[dayKey]int64{}
	err = src.Walk(ctx, types, periods, func(f rawlog.File) error {
		listed[idOf(f)] = true
		if !begun[idOf(f)] {
			counts[dayKey{f.Type, f.Hour.UTC().Format(rawlog.DayLayout)}]++
		}
		return nil
	})
	var part *dirs.Incomplete
	if errors.As(err, &part) {
		a.log.Warn("the listing is not complete", "source", src.Name(), "err", part)
		err = nil
	}
	return counts, err
}

// dayLines joins the ledger's days with the missing ones, by type and day.
func dayLines(days []checkpoint.DayStatus, missing map[dayKey]int64, listed bool) []dayLine {
	lines := map[dayKey]*dayLine{}
	line := func(k dayKey) *dayLine {
		if lines[k] == nil {
			lines[k] = &dayLine{Type: string(k.typ), Day: k.day}
			if listed {
				lines[k].Missing = new(int64)
			}
		}
		return lines[k]
	}
	for _, d := range days {
		l := line(dayKey{d.Type, d.Day.UTC().Format(rawlog.DayLayout)})
		l.Loaded, l.Loading, l.Failed = int64(d.Loaded), int64(d.Loading), int64(d.Failed)
		l.Rows, l.Rejected, l.Rescued = int64(d.Rows), int64(d.Rejected), int64(d.Rescued)
		l.Bytes, l.DoubleHours = int64(d.Bytes), int64(d.DoubleHours)
	}
	if listed {
		for k, n := range missing {
			*line(k).Missing = n
		}
	}
	out := make([]dayLine, 0, len(lines))
	for _, l := range lines {
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b dayLine) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Day, b.Day))
	})
	return out
}

// expiryNotice is how many days ahead of its end a day that is not loaded is
// warned of: a week holds a weekend in which nobody looks.
const expiryNotice = 7

// expiryWarnings tells which days with files not loaded the network is about
// to delete. keep is in days by type.
func expiryWarnings(days []dayLine, keep map[rawlog.Type]int, now time.Time) []string {
	var out []string
	for _, d := range days {
		open := d.Failed + d.Loading
		if d.Missing != nil {
			open += *d.Missing
		}
		n, ok := keep[rawlog.Type(d.Type)]
		day, err := time.Parse(rawlog.DayLayout, d.Day)
		if open == 0 || !ok || err != nil {
			continue
		}
		left := int(day.AddDate(0, 0, n).Sub(now.UTC().Truncate(24*time.Hour)).Hours() / 24)
		switch {
		case left <= 0:
			out = append(out, fmt.Sprintf("%s of %s may be deleted by the network any time: %d files not loaded", d.Type, d.Day, open))
		case left <= expiryNotice:
			out = append(out, fmt.Sprintf("%s of %s expire in %d days: %d files not loaded", d.Type, d.Day, left, open))
		}
	}
	return out
}

func (r statusReport) print(w io.Writer) error {
	header := []string{"type", "day", "loaded", "loading", "failed", "missing", "rows", "rejected", "rescued", "zips", "double hours"}
	var rows [][]string
	var total dayLine
	var missing int64
	for _, d := range r.Days {
		text := "?"
		if d.Missing != nil {
			text, missing = comma(*d.Missing), missing+*d.Missing
		}
		rows = append(rows, []string{d.Type, d.Day, comma(d.Loaded), comma(d.Loading), comma(d.Failed), text,
			comma(d.Rows), comma(d.Rejected), comma(d.Rescued), size(d.Bytes), comma(d.DoubleHours)})
		total.Loaded, total.Failed, total.Rows = total.Loaded+d.Loaded, total.Failed+d.Failed, total.Rows+d.Rows
	}
	if _, err := fmt.Fprintf(w, "network %s: %s → %s\n", clean(r.Network), clean(r.Source), clean(r.Store)); err != nil {
		return err
	}
	if len(rows) > 0 {
		if err := printTable(w, header, func(i int) bool { return i > 1 }, rows); err != nil {
			return err
		}
	}
	line := fmt.Sprintf("%s loaded, %s failed", plural(int(total.Loaded), "file"), comma(total.Failed))
	if r.Listed {
		line += ", " + comma(missing) + " missing"
	}
	if _, err := fmt.Fprintf(w, "%s; %s rows\n", line, comma(total.Rows)); err != nil {
		return err
	}
	for _, f := range r.Failures {
		if _, err := fmt.Fprintf(w, "failed: %s\n", clean(f.Type+" "+f.Name+": "+f.Error)); err != nil {
			return err
		}
	}
	for _, f := range r.Lost {
		if _, err := fmt.Fprintf(w, "lost: %s: not loaded, and no longer listed by the source\n", clean(f.Type+" "+f.Name)); err != nil {
			return err
		}
	}
	for _, text := range r.Warnings {
		if _, err := fmt.Fprintf(w, "warning: %s\n", clean(text)); err != nil {
			return err
		}
	}
	return nil
}
