package dirs

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
)

// API lists what the network's API offers: date directories, then their files.
//
// A whole month or year takes one call where the API understands a date
// directory's beginning as a prefix. That is nowhere promised, so its answer is
// believed only where it agrees with what single days say; see prefixed.
type API struct {
	Client client
	Log    *slog.Logger // default: silent
}

// client is what API needs of *hasoffers.Client.
type client interface {
	ListDateDirs(context.Context, rawlog.Type) ([]string, error)
	ListLogs(context.Context, rawlog.Type, string) ([]hasoffers.LogFile, error)
}

// Walk implements Walker. A type that the API refuses is named and leaves the
// others alone; if it refuses all of them, the first refusal is the error.
func (w API) Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error {
	var missing Incomplete
	asked := 0
	for i, t := range types {
		if slices.Contains(types[:i], t) {
			continue
		}
		asked++
		days, err := w.Client.ListDateDirs(ctx, t)
		if ctx.Err() == nil && typeRefused(err) { //guard:type-refused-alone
			missing.Types = append(missing.Types, TypeError{t, err})
			continue
		}
		c := collect([]rawlog.Type{t}, periods)
		if err == nil {
			err = w.list(ctx, t, days, c)
		}
		if err != nil {
			return err
		}
		if err := c.yield(ctx, yield); err != nil {
			return err
		}
		missing.Files = append(missing.Files, c.missing.Files...)
	}
	if len(missing.Types) == asked && asked > 0 {
		return missing.Types[0].Err
	}
	return missing.orNil()
}

// Refused asks for each type whether the API lists it at all, and returns those
// that it refuses.
func (w API) Refused(ctx context.Context, types []rawlog.Type) ([]TypeError, error) {
	var refused []TypeError
	for _, t := range types {
		_, err := w.Client.ListDateDirs(ctx, t)
		switch {
		case err == nil:
		case ctx.Err() == nil && typeRefused(err):
			refused = append(refused, TypeError{t, err})
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

func (w API) list(ctx context.Context, t rawlog.Type, listed []string, c *collection) error {
	slices.Sort(listed)
	listed = slices.Compact(listed)
	l := listing{API: w, typ: t, all: listed, into: c, trust: prefixTries}
	if l.Log == nil {
		l.Log = slog.New(slog.DiscardHandler)
	}
	for _, d := range listed {
		if inPeriods(c.periods, d) {
			l.dirs = append(l.dirs, d)
		}
	}
	return l.run(ctx, l.dirs, 4)
}

// inPeriods tells whether files of a date directory may have been asked for. A
// directory that is no day may hold anything: the hours of its files decide.
func inPeriods(periods []rawlog.Period, dir string) bool {
	day, err := time.Parse(rawlog.DayLayout, dir)
	return err != nil || len(periods) == 0 ||
		slices.ContainsFunc(periods, func(p rawlog.Period) bool {
			return day.Before(p.To) && day.AddDate(0, 0, 1).After(p.From)
		})
}

// prefixTries is how many prefixes may disappoint before a walk asks for days only.
const prefixTries = 2

// listing is the walk of one type.
type listing struct {
	API
	typ   rawlog.Type
	all   []string // date directories that exist, sorted
	dirs  []string // those wanted
	into  *collection
	trust int // prefixes that may still disappoint
}

// run lists dirs (sorted) in groups that share their first n digits: a year
// (4), then, where that did not work out, a month (6), then single days.
func (l *listing) run(ctx context.Context, dirs []string, n int) error {
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

// pays tells whether asking for a prefix saves anything: it takes two calls (see
// prefixed), and brings the directories along that nobody wants.
func (l *listing) pays(group []string, n int) bool {
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
func (l *listing) prefixed(ctx context.Context, group []string, n int) ([]string, error) {
	prefix := group[0][:n]
	files, err := l.Client.ListLogs(ctx, l.typ, prefix)
	if err != nil {
		if final(ctx, err) {
			return nil, err
		}
		return l.distrust(group, prefix, "error", err), nil
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
func (l *listing) distrust(group []string, prefix, why string, detail any) []string {
	l.trust--
	l.Log.Info("listing by prefix does not work, asking for smaller ones", "type", l.typ, "prefix", prefix, why, detail)
	return group
}

func (l *listing) day(ctx context.Context, dir string) error {
	files, err := l.Client.ListLogs(ctx, l.typ, dir)
	if err != nil {
		return err
	}
	l.add(files)
	return nil
}

func (l *listing) add(files []hasoffers.LogFile) {
	for _, listed := range files {
		f := rawlog.File{Type: l.typ, Name: listed.Name, Hour: listed.Start, Size: -1}
		if named, why := contradiction(f); why != nil { //guard:name-contradicts-hour
			if wanted(l.into.periods, f) || wanted(l.into.periods, named) {
				l.into.refuse(named, why)
			}
			continue
		}
		l.into.add(f)
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
		return named, fmt.Errorf("the API says that its hour is %s, its name says %s", stamp(f.Hour), stamp(hour))
	}
	return f, nil
}

// final tells whether an error would meet every other call as well.
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
