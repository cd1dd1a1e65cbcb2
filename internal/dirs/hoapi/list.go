package hoapi

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/listing"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
)

// Walk implements dirs.Source. A type that the API refuses is named and leaves the
// others alone; if it refuses all of them, the first refusal is the error.
func (s *Source) Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error {
	var missing dirs.Incomplete
	asked := 0
	for i, t := range types {
		if slices.Contains(types[:i], t) {
			continue
		}
		asked++
		days, err := s.cfg.Client.ListDateDirs(ctx, t)
		if ctx.Err() == nil && typeRefused(err) { //guard:type-refused-alone
			missing.Types = append(missing.Types, dirs.TypeError{Type: t, Err: err})
			continue
		}
		c := listing.New([]rawlog.Type{t}, periods)
		if err == nil {
			err = s.list(ctx, t, days, periods, c)
		}
		if err != nil {
			return ended(ctx, err)
		}
		if err := c.Yield(ctx, yield); err != nil {
			return err
		}
		missing.Files = append(missing.Files, c.Missing.Files...)
	}
	if len(missing.Types) == asked && asked > 0 {
		return ended(ctx, missing.Types[0].Err)
	}
	return missing.OrNil()
}

// Refused asks for each type whether the API lists it at all, and returns those
// that it refuses.
func (s *Source) Refused(ctx context.Context, types []rawlog.Type) ([]dirs.TypeError, error) {
	var refused []dirs.TypeError
	for _, t := range types {
		_, err := s.cfg.Client.ListDateDirs(ctx, t)
		switch {
		case err == nil:
		case ctx.Err() == nil && typeRefused(err):
			refused = append(refused, dirs.TypeError{Type: t, Err: err})
		default:
			return refused, err
		}
	}
	return refused, nil
}

// typeRefused reports whether an error is the API's answer about the type that
// was asked for, so that the other types may be answered otherwise: their logging
// is not enabled, or not for these credentials.
func typeRefused(err error) bool {
	kind, ok := hasoffers.KindOf(err)
	return ok && (kind == hasoffers.Refused || kind == hasoffers.Permission || kind == hasoffers.Validation || kind == hasoffers.NotFound)
}

func (s *Source) list(ctx context.Context, t rawlog.Type, listed []string, periods []rawlog.Period, c *listing.Files) error {
	slices.Sort(listed)
	listed = slices.Compact(listed)
	l := typeWalk{Config: s.cfg, typ: t, all: listed, into: c, trust: prefixTries}
	for _, d := range listed {
		if inPeriods(periods, d) {
			l.dirs = append(l.dirs, d)
		}
	}
	return l.run(ctx, l.dirs, 4)
}

// inPeriods reports whether files of a date directory may have been asked for. A
// directory that is not a day may hold anything: the hours of its files decide.
func inPeriods(periods []rawlog.Period, dir string) bool {
	day, err := time.Parse(rawlog.DayLayout, dir)
	return err != nil || len(periods) == 0 ||
		slices.ContainsFunc(periods, func(p rawlog.Period) bool {
			return day.Before(p.To) && day.AddDate(0, 0, 1).After(p.From)
		})
}

// prefixTries is how many prefixes may disappoint before a walk asks for days only.
const prefixTries = 2

// typeWalk is the walk of one type.
type typeWalk struct {
	Config
	typ   rawlog.Type
	all   []string // date directories that exist, sorted
	dirs  []string // those wanted
	into  *listing.Files
	trust int // prefixes that may still disappoint
}

// run lists dirs (sorted) in groups that share their first n digits: a year
// (4), then, where that did not work out, a month (6), then single days.
func (l *typeWalk) run(ctx context.Context, dirs []string, n int) error {
	for len(dirs) > 0 {
		end := 1
		if n <= 6 && isDay(dirs[0]) {
			for end < len(dirs) && isDay(dirs[end]) && dirs[end][:n] == dirs[0][:n] {
				end++
			}
		}
		group := dirs[:end]
		dirs = dirs[end:]
		if len(group) == 1 {
			if err := l.day(ctx, group[0]); err != nil {
				return err
			}
			continue
		}
		rest := group
		if l.pays(group, n) {
			var err error
			if rest, err = l.prefixed(ctx, group, n); err != nil {
				return err
			}
		}
		if err := l.run(ctx, rest, n+2); err != nil {
			return err
		}
	}
	return nil
}

// pays reports whether asking for a prefix saves anything: it takes two calls (see
// prefixed), and brings the directories along that nobody wants.
func (l *typeWalk) pays(group []string, n int) bool {
	if l.trust == 0 || len(group) < 3 {
		return false
	}
	if n > 4 {
		return true
	}
	months := map[string]bool{}
	for _, d := range group {
		months[d[:6]] = true
	}
	exist := 0
	for _, d := range l.all {
		if strings.HasPrefix(d, group[0][:n]) {
			exist++
		}
	}
	return len(months) > 1 && 2*len(group) >= exist
}

// prefixed lists a group by its first n digits, and returns the directories
// that the answer says nothing about; all of them if the answer is not to be
// believed: an error, none of the wanted days, or days outside of the prefix.
// An answer that was cut to some number of files shows in its last day, which
// is asked for once more by itself.
func (l *typeWalk) prefixed(ctx context.Context, group []string, n int) ([]string, error) {
	prefix := group[0][:n]
	files, err := l.Client.ListLogs(ctx, l.typ, prefix)
	if err != nil {
		if final(ctx, err) {
			return nil, err
		}
		return l.distrust(group, prefix, "err", err), nil
	}
	days := make(map[string]int)
	for _, f := range files {
		d := dirOf(f)
		if !strings.HasPrefix(d, prefix) {
			return l.distrust(group, prefix, "foreign", d), nil
		}
		days[d]++
	}
	missing := slices.DeleteFunc(slices.Clone(group), func(d string) bool { return days[d] > 0 })
	if len(missing) > len(group)/2 {
		return l.distrust(group, prefix, "missing", len(missing)), nil
	}
	last := dirOf(files[len(files)-1])
	single, err := l.Client.ListLogs(ctx, l.typ, last)
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool)
	for _, f := range files {
		names[f.Name] = true
	}
	for _, f := range single {
		if !names[f.Name] { //guard:prefix-verified
			return l.distrust(group, prefix, "incomplete", last), nil
		}
	}
	l.add(files)
	return missing, nil
}

// distrust gives up a prefix: its group is listed in smaller ones.
func (l *typeWalk) distrust(group []string, prefix, why string, detail any) []string {
	l.trust--
	l.Log.Info("listing by prefix does not work, asking for smaller ones", "type", l.typ, "prefix", prefix, why, detail)
	return group
}

func (l *typeWalk) day(ctx context.Context, dir string) error {
	files, err := l.Client.ListLogs(ctx, l.typ, dir)
	if err != nil {
		return err
	}
	l.add(files)
	return nil
}

func (l *typeWalk) add(files []hasoffers.LogFile) {
	for _, listed := range files {
		f := rawlog.File{Type: l.typ, Name: listed.Name, Hour: listed.Start, Size: -1}
		if _, format, ok := rawlog.CutFormat(listed.Name); ok && format != rawlog.Zip {
			f.Name, f.Path = rawlog.AsNetwork(listed.Name), listed.Name
		}
		if named, why := contradiction(f); why != nil { //guard:name-contradicts-hour
			if l.into.Wants(f) || l.into.Wants(named) {
				l.into.Refuse(named, why)
			}
			continue
		}
		l.into.Add(f)
	}
}

// contradiction holds what the API says of a file against the file's own name,
// and returns the file as the name has it. Names that say nothing are as good.
func contradiction(f rawlog.File) (rawlog.File, error) {
	typ, hour, err := rawlog.ParseName(path.Base(f.Name))
	named := f
	named.Hour = hour
	switch {
	case err != nil:
		return f, nil //nolint:nilerr // the name says nothing
	case typ != f.Type:
		return f, fmt.Errorf("the API lists it among %s, its name says %s", f.Type, typ)
	case !hour.Equal(f.Hour):
		return named, fmt.Errorf("the API says that its hour is %s, its name says %s", listing.Stamp(f.Hour), listing.Stamp(hour))
	}
	return f, nil
}

// final reports whether an error would meet every other call as well.
func final(ctx context.Context, err error) bool {
	kind, ok := hasoffers.KindOf(err)
	return ctx.Err() != nil || !ok || kind == hasoffers.Unauthenticated || kind == hasoffers.Permission ||
		kind == hasoffers.RateLimited || kind == hasoffers.Untrusted
}

// dirOf is the date directory that a file was listed from: its name's folder,
// or else its hour's day.
func dirOf(f hasoffers.LogFile) string {
	if d := path.Dir(f.Name); isDay(d) {
		return d
	}
	return f.Start.Format(rawlog.DayLayout)
}

func isDay(s string) bool {
	_, err := time.Parse(rawlog.DayLayout, s)
	return err == nil && len(s) == len(rawlog.DayLayout)
}
