package hoapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
)

// fakeAPI lists files as the API does, newest first, and can misbehave. The
// client itself is tested beside it, and end to end against a simulated network.
type fakeAPI struct {
	files    []hasoffers.LogFile // newest first
	calls    []string
	prefixes func(prefix string, files []hasoffers.LogFile) ([]hasoffers.LogFile, error) // answers for months and years
	days     func(day string, files []hasoffers.LogFile) ([]hasoffers.LogFile, error)
	empty    []string // date directories without files
	refuse   map[rawlog.Type]error
	link     func() (string, error)
}

func (a *fakeAPI) DownloadLink(context.Context, rawlog.Type, string) (string, error) { return a.link() }

func (*fakeAPI) LogExpirations(context.Context) (map[rawlog.Type]int, error) {
	return nil, &hasoffers.APIError{Kind: hasoffers.Unavailable}
}

func (*fakeAPI) PlainHTTP() bool { return false }

func (*fakeAPI) Host() string { return "127.0.0.1" }

func (a *fakeAPI) ListDateDirs(_ context.Context, t rawlog.Type) ([]string, error) {
	if err := a.refuse[t]; err != nil {
		return nil, err
	}
	dirs := slices.Clone(a.empty)
	for _, f := range a.files {
		dirs = append(dirs, f.Name[:8])
	}
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	slices.Reverse(dirs)
	return dirs, nil
}

func (a *fakeAPI) ListLogs(_ context.Context, _ rawlog.Type, dir string) ([]hasoffers.LogFile, error) {
	a.calls = append(a.calls, dir)
	files := slices.DeleteFunc(slices.Clone(a.files), func(f hasoffers.LogFile) bool { return !strings.HasPrefix(f.Name, dir) })
	switch {
	case len(dir) < 8 && a.prefixes != nil:
		return a.prefixes(dir, files)
	case len(dir) == 8 && a.days != nil:
		return a.days(dir, files)
	}
	return files, nil
}

// hours makes a file for each k-th hour of the days from..to.
func hours(from, to string, k int) []hasoffers.LogFile {
	var files []hasoffers.LogFile
	p, err := rawlog.ParsePeriod(from + ".." + to)
	if err != nil {
		panic(err)
	}
	for h := p.From; h.Before(p.To); h = h.Add(time.Duration(k) * time.Hour) {
		files = append(files, hasoffers.LogFile{Name: fmt.Sprintf("%s/clicks-%d-abcdef.zip", h.Format(rawlog.DayLayout), h.Unix()), Start: h})
	}
	slices.Reverse(files)
	return files
}

func walk(t *testing.T, w dirs.Source, types []rawlog.Type, periods ...string) ([]rawlog.File, error) {
	t.Helper()
	var ps []rawlog.Period
	for _, s := range periods {
		p, err := rawlog.ParsePeriod(s)
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
	var files []rawlog.File
	err := w.Walk(t.Context(), types, ps, func(f rawlog.File) error { files = append(files, f); return nil })
	return files, err
}

// same compares files with those expected: all of these whose hour is in one of
// the periods, oldest first.
func same(t *testing.T, got []rawlog.File, want []hasoffers.LogFile, periods ...string) {
	t.Helper()
	want = slices.Clone(want)
	slices.SortFunc(want, func(a, b hasoffers.LogFile) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Name, b.Name)) })
	want = slices.Compact(want)
	if len(periods) > 0 {
		want = slices.DeleteFunc(want, func(f hasoffers.LogFile) bool {
			return !slices.ContainsFunc(periods, func(s string) bool {
				p, err := rawlog.ParsePeriod(s)
				return err == nil && p.Contains(f.Start)
			})
		})
	}
	if len(got) != len(want) {
		t.Fatalf("%d files, want %d", len(got), len(want))
	}
	for i, f := range got {
		if f.Name != want[i].Name || !f.Hour.Equal(want[i].Start) || f.Type != rawlog.Clicks || f.Size != -1 || f.ETag != "" {
			t.Fatalf("file %d is %+v, want %+v", i, f, want[i])
		}
	}
}

func TestAPICalls(t *testing.T) {
	t.Parallel()
	year := hours("20151201", "20160930", 6)
	for _, tc := range []struct {
		periods []string
		calls   []string // "" stands for any one
	}{
		{[]string{"20160909"}, []string{"20160909"}},
		{[]string{"20160908..20160909"}, []string{"20160908", "20160909"}},
		{[]string{"20160907..20160909"}, []string{"201609", "20160901"}},
		{[]string{"201609"}, []string{"201609", "20160901"}},
		{[]string{"2016"}, []string{"2016", "20160101"}},
		{[]string{"201608..201609"}, []string{"201608", "20160801", "201609", "20160901"}},
		{nil, []string{"201512", "20151201", "2016", "20160101"}},
		{[]string{"2014"}, nil},
		{[]string{"20160201", "20160203", "20160201"}, []string{"20160201", "20160203"}},
	} {
		api := &fakeAPI{files: year}
		files, err := walk(t, New(Config{Client: api}), []rawlog.Type{rawlog.Clicks}, tc.periods...)
		if err != nil {
			t.Fatal(err)
		}
		same(t, files, year, tc.periods...)
		if !slices.Equal(api.calls, tc.calls) {
			t.Errorf("%v: calls %v, want %v", tc.periods, api.calls, tc.calls)
		}
	}
}

// Whatever the API makes of a prefix, the walk finds the same files.
func TestAPIPrefixesAreVerified(t *testing.T) {
	t.Parallel()
	all := hours("20160520", "20160930", 3)
	broken := &hasoffers.APIError{Kind: hasoffers.Validation}
	for name, prefixes := range map[string]func(string, []hasoffers.LogFile) ([]hasoffers.LogFile, error){
		"empty":   func(string, []hasoffers.LogFile) ([]hasoffers.LogFile, error) { return nil, nil },
		"error":   func(string, []hasoffers.LogFile) ([]hasoffers.LogFile, error) { return nil, broken },
		"ignored": func(string, []hasoffers.LogFile) ([]hasoffers.LogFile, error) { return all, nil },
		"another": func(string, []hasoffers.LogFile) ([]hasoffers.LogFile, error) {
			return hours("20140101", "20140102", 1), nil
		},
		"first files only": func(_ string, f []hasoffers.LogFile) ([]hasoffers.LogFile, error) {
			return f[:min(len(f), 100)], nil
		},
		"all but one file": func(_ string, f []hasoffers.LogFile) ([]hasoffers.LogFile, error) { return f[:len(f)-1], nil },
		"all but one file, oldest first": func(_ string, f []hasoffers.LogFile) ([]hasoffers.LogFile, error) {
			f = f[1:]
			slices.Reverse(f)
			return f, nil
		},
		"some days": func(_ string, f []hasoffers.LogFile) ([]hasoffers.LogFile, error) {
			return slices.DeleteFunc(f, func(f hasoffers.LogFile) bool { return f.Start.Day()%3 == 0 }), nil
		},
		"months only": func(p string, f []hasoffers.LogFile) ([]hasoffers.LogFile, error) {
			if len(p) == 4 {
				return nil, broken
			}
			return f, nil
		},
		"repeated": func(_ string, f []hasoffers.LogFile) ([]hasoffers.LogFile, error) { return append(f, f...), nil },
	} {
		for _, periods := range [][]string{nil, {"2016"}, {"201607"}, {"20160707..20160912"}} {
			api := &fakeAPI{files: all, prefixes: prefixes}
			files, err := walk(t, New(Config{Client: api}), []rawlog.Type{rawlog.Clicks}, periods...)
			if err != nil {
				t.Fatalf("%s, %v: %v", name, periods, err)
			}
			same(t, files, all, periods...)
			if days := len(all) / 8; len(api.calls) > days+2*prefixTries+10 {
				t.Errorf("%s, %v: %d calls", name, periods, len(api.calls))
			}
		}
	}
}

func TestAPIListings(t *testing.T) {
	t.Parallel()
	all := hours("20160901", "20160903", 1)
	twice := append(slices.Clone(all), all[5], all[7])
	second := hasoffers.LogFile{Name: strings.Replace(all[9].Name, "abcdef", "ghijkl", 1), Start: all[9].Start}
	odd := hasoffers.LogFile{Name: "20160902/anything at all\x1b", Start: all[9].Start}
	api := &fakeAPI{files: append(twice, second, odd), empty: []string{"20160904"}}
	files, err := walk(t, New(Config{Client: api}), []rawlog.Type{rawlog.Clicks, rawlog.Clicks}, "2016")
	if err != nil {
		t.Fatal(err)
	}
	same(t, files, append(slices.Clone(all), second, odd))

	// One file of which the API says two things is refused, and no other.
	lie := all[3]
	lie.Start = lie.Start.Add(time.Hour)
	of := all[3].Start.Format("2006-01-02 15:04")
	opaque, again := odd, odd
	again.Start = again.Start.Add(time.Hour)
	foreign := hasoffers.LogFile{Name: "20160902/impressions-1472774400-abcdef.zip", Start: time.Unix(1472774400, 0)}
	for _, tc := range []struct {
		name, why string
		files     []hasoffers.LogFile
		want      []hasoffers.LogFile
	}{
		{"an hour that is not the name's", "its name says " + of, append(slices.Clone(all), lie), all},
		{"one name with two hours", "it is listed twice, for the hours ", append(slices.Clone(all), opaque, again), all},
		{"the name of another type", "its name says impressions", append(slices.Clone(all), foreign), all},
	} {
		files, err := walk(t, New(Config{Client: &fakeAPI{files: tc.files}}), []rawlog.Type{rawlog.Clicks})
		var part *dirs.Incomplete
		if !errors.As(err, &part) || len(part.Files) != 1 || len(part.Types) != 0 || !strings.Contains(part.Files[0].Err.Error(), tc.why) {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		same(t, files, tc.want)
		if _, err := walk(t, New(Config{Client: &fakeAPI{files: tc.files}}), []rawlog.Type{rawlog.Clicks}, "2014"); err != nil {
			t.Errorf("%s, another year: %v", tc.name, err)
		}
	}
}

// A type that the API refuses leaves the others alone.
func TestAPIRefusedType(t *testing.T) {
	t.Parallel()
	all := hours("20160901", "20160902", 1)
	refusal := &hasoffers.APIError{Kind: hasoffers.Refused, Messages: []string{"Impression logging is disabled for your network"}}
	for _, kind := range []hasoffers.Kind{hasoffers.Refused, hasoffers.Permission, hasoffers.Validation, hasoffers.NotFound} {
		refusal.Kind = kind
		api := New(Config{Client: &fakeAPI{files: all, refuse: map[rawlog.Type]error{rawlog.Impressions: refusal, rawlog.Conversions: refusal}}})
		for _, types := range [][]rawlog.Type{{rawlog.Clicks, rawlog.Impressions}, {rawlog.Impressions, rawlog.Clicks, rawlog.Impressions}} {
			files, err := walk(t, api, types)
			var part *dirs.Incomplete
			if !errors.As(err, &part) || len(part.Types) != 1 || part.Types[0].Type != rawlog.Impressions || !strings.Contains(err.Error(), "logging is disabled") {
				t.Errorf("%v: %v", kind, err)
			}
			same(t, files, all)
		}
		if _, err := walk(t, api, []rawlog.Type{rawlog.Impressions, rawlog.Conversions}); !errors.Is(err, refusal) || errors.As(err, new(*dirs.Incomplete)) {
			t.Errorf("every type refused: %v", err)
		}
		if refused, err := api.Refused(t.Context(), rawlog.Types()); err != nil || len(refused) != 2 {
			t.Errorf("asked for refusals: %v, %v", refused, err)
		}
	}
	denied := &hasoffers.APIError{Kind: hasoffers.Unauthenticated}
	api := New(Config{Client: &fakeAPI{files: all, refuse: map[rawlog.Type]error{rawlog.Impressions: denied}}})
	if _, err := walk(t, api, []rawlog.Type{rawlog.Impressions, rawlog.Clicks}); !errors.Is(err, denied) || errors.As(err, new(*dirs.Incomplete)) {
		t.Errorf("a token that is refused: %v", err)
	}
}

// An incomplete listing is an error, never a short list.
func TestAPIErrors(t *testing.T) {
	t.Parallel()
	all := hours("20160901", "20160930", 6)
	for name, e := range map[string]*hasoffers.APIError{
		"bad token in a prefix": {Kind: hasoffers.Unauthenticated}, "bad token": {Kind: hasoffers.Unauthenticated},
		"rate limit in a prefix": {Kind: hasoffers.RateLimited}, "504 in a day": {Kind: hasoffers.Unavailable},
	} {
		api := &fakeAPI{files: all}
		failing := func(string, []hasoffers.LogFile) ([]hasoffers.LogFile, error) { return nil, e }
		if strings.HasSuffix(name, "prefix") {
			api.prefixes = failing
		} else {
			api.days = failing
		}
		files, err := walk(t, New(Config{Client: api}), []rawlog.Type{rawlog.Clicks}, "201609")
		if !errors.Is(err, e) || len(files) != 0 || len(api.calls) > 2 {
			t.Errorf("%s: %d files, %v, %d calls", name, len(files), err, len(api.calls))
		}
	}
	stop := errors.New("stop")
	n := 0
	err := New(Config{Client: &fakeAPI{files: all}}).Walk(t.Context(), []rawlog.Type{rawlog.Clicks}, nil, func(rawlog.File) error { n++; return stop })
	if !errors.Is(err, stop) || n != 1 {
		t.Errorf("yield's error: %v after %d", err, n)
	}
}
