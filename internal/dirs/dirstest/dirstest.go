// Package dirstest asks of every source of raw logs the same questions. A source is
// done when its tests pass Run, with a World of its own.
package dirstest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/fetch"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit/pack"
)

// World is a source and the place that it reads, empty at first. What a kind of
// source does not have is nil.
type World struct {
	Source dirs.Source
	// Put stores a file, also in the place of another.
	Put func(name string, body []byte)
	// Remove takes a file away that was put; a source that lists from elsewhere
	// than it reads goes on listing it.
	Remove func(name string)
	// Deny lets the place refuse every file, or no longer.
	Deny func(on bool)
	// Throttle lets the place refuse the next n requests for a file as too many.
	Throttle func(n int)
	// Revoke makes the credentials worthless.
	Revoke func()
	// Named says that the source reads type and hour from a file's name, whatever
	// its folder, and skips what is not named like a raw log.
	Named bool
	// Date sets when a file was last written to.
	Date func(name string, when time.Time)
	// Retention is what the source says.
	Retention map[rawlog.Type]int
	// Secret is in no error.
	Secret string
}

// Run asks a source everything, each time in a new World. The Skipped is for its source.
func Run(t *testing.T, open func(t *testing.T, skipped dirs.Skipped) World) {
	for name, question := range map[string]func(t *testing.T, w World, skipped *skips){
		"lists in order": listing, "lists a period": period, "a walk ends": walkEnds,
		"opens whole and from the middle": opens, "is resumed": resumed,
		"changed in mid-transfer": changed, "vanished": vanished,
		"denied": denied, "throttled": throttled, "revoked": revoked, "retention": retention,
		"skips and refuses": names, "copies": copies, "near": near, "formats": formats,
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			skipped := new(skips)
			question(t, open(t, skipped.tell), skipped)
		})
	}
}

// Files of a day, the one before and the one after, as every source may hold them.
const (
	before = "20160908/clicks-1473292800-dddddd.zip"
	nine   = "20160909/clicks-1473408000-aaaaaa.zip"
	ten    = "20160909/clicks-1473411600-SlY9UO.zip"
	second = "20160909/clicks-1473411600-bbbbbb.zip"
	sale   = "20160909/conversions-1473411600-cccccc.zip"
	view   = "20160910/impressions-1473465600-eeeeee.zip"
)

// inOrder are all of them: by type, oldest first, and within an hour by name.
var inOrder = []string{before, nine, ten, second, sale, view}

func fill(w World) {
	for i := len(inOrder) - 1; i >= 0; i-- {
		w.Put(inOrder[i], pack.Random(100+i, uint64(i)))
	}
}

func listing(t *testing.T, w World, skipped *skips) {
	fill(w)
	files := Walk(t, w.Source, rawlog.Types())
	if got := namesOf(files); !slices.Equal(got, inOrder) {
		t.Errorf("got %q, want %q", got, inOrder)
	}
	for i, f := range files {
		typ, hour, err := rawlog.ParseName(f.Name)
		if err != nil || f.Type != typ || !f.Hour.Equal(hour) || f.Size >= 0 && f.Size != int64(100+i) {
			t.Errorf("%+v, %v", f, err)
		}
	}
	if len(*skipped) > 0 {
		t.Errorf("skipped %q", *skipped)
	}
	if w.Source.Name() == "" || w.Secret != "" && strings.Contains(w.Source.Name(), w.Secret) {
		t.Errorf("it is called %q", w.Source.Name())
	}
}

func period(t *testing.T, w World, _ *skips) {
	fill(w)
	for _, tc := range []struct {
		types   []rawlog.Type
		periods []string
		want    []string
	}{
		{rawlog.Types(), []string{"20160909"}, []string{nine, ten, second, sale}},
		{[]rawlog.Type{rawlog.Conversions, rawlog.Clicks}, []string{"20160909"}, []string{sale, nine, ten, second}},
		{rawlog.Types(), []string{"20160908", "20160910"}, []string{before, view}},
		{[]rawlog.Type{rawlog.Impressions}, nil, []string{view}},
		{rawlog.Types(), []string{"2017"}, nil},
	} {
		if got := namesOf(Walk(t, w.Source, tc.types, tc.periods...)); !slices.Equal(got, tc.want) {
			t.Errorf("%v of %v: %q, want %q", tc.periods, tc.types, got, tc.want)
		}
	}
}

func walkEnds(t *testing.T, w World, _ *skips) {
	fill(w)
	enough := errors.New("enough")
	n := 0
	err := w.Source.Walk(t.Context(), rawlog.Types(), nil, func(rawlog.File) error { n++; return enough })
	if !errors.Is(err, enough) || n != 1 || dirs.ScopeOf(err) == dirs.ScopeRun {
		t.Errorf("yield's error: %v after %d files", err, n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Source.Walk(ctx, rawlog.Types(), nil, func(rawlog.File) error { return nil }); !errors.Is(err, context.Canceled) || dirs.ScopeOf(err) == dirs.ScopeRun {
		t.Errorf("a context that has ended: %v", err)
	}
}

// one puts a file and lists it.
func one(t *testing.T, w World, body []byte) rawlog.File {
	t.Helper()
	w.Put(ten, body)
	files := Walk(t, w.Source, rawlog.Types())
	if len(files) != 1 || files[0].Name != ten {
		t.Fatalf("listed %+v", files)
	}
	return files[0]
}

func opens(t *testing.T, w World, _ *skips) {
	body := pack.Random(100_000, 1)
	f := one(t, w, body)
	whole, err := w.Source.Open(t.Context(), f, 0, f.ETag)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(whole)
	if err = errors.Join(err, whole.Close()); err != nil || !bytes.Equal(got, body) || whole.Offset != 0 || whole.Size != int64(len(body)) || whole.ETag == "" {
		t.Errorf("%d bytes of %+v, %v", len(got), whole, err)
	}
	if f.ETag != "" && whole.ETag != f.ETag {
		t.Errorf("listed with the tag %q, opened with %q", f.ETag, whole.ETag)
	}
	rest, err := w.Source.Open(t.Context(), f, 60_000, whole.ETag)
	if err != nil {
		t.Fatal(err)
	}
	got, err = io.ReadAll(rest)
	if err = errors.Join(err, rest.Close()); err != nil || rest.Offset != 60_000 || rest.Size != int64(len(body)) || rest.ETag != whole.ETag || !bytes.Equal(got, body[60_000:]) {
		t.Errorf("%d bytes of %+v, %v", len(got), rest, err)
	}
}

// fetcher downloads with hardly a pause.
func fetcher(src dirs.Source) *fetch.Fetcher {
	return fetch.New(src, fetch.Config{Backoff: time.Millisecond, Attempts: 5})
}

// holds downloads a file and compares its bytes.
func holds(t *testing.T, d *fetch.Fetcher, f rawlog.File, want []byte) {
	t.Helper()
	a, err := d.Fetch(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Release()
	got, err := io.ReadAll(io.NewSectionReader(a, 0, a.Size()))
	if err != nil || !bytes.Equal(got, want) || a.File.Size != int64(len(want)) {
		t.Errorf("%d bytes of %+v, want %d: %v", len(got), a.File, len(want), err)
	}
}

func resumed(t *testing.T, w World, _ *skips) {
	body := pack.Random(200_000, 1)
	f := one(t, w, body)
	src := &Interrupted{Source: w.Source, After: 120_000, Then: func() {}}
	holds(t, fetcher(src), f, body)
	if !slices.Equal(src.Offsets(), []int64{0, 120_000}) {
		t.Errorf("opened at %v", src.Offsets())
	}
}

func changed(t *testing.T, w World, _ *skips) {
	old, replaced := pack.Random(200_000, 1), pack.Random(250_000, 2)
	f := one(t, w, old)
	body, err := w.Source.Open(t.Context(), f, 0, f.ETag)
	if err != nil {
		t.Fatal(err)
	}
	etag := body.ETag
	_ = body.Close()
	src := &Interrupted{Source: w.Source, After: 120_000, Then: func() { w.Put(ten, replaced) }}
	holds(t, fetcher(src), f, replaced)
	_, err = w.Source.Open(t.Context(), f, 120_000, etag)
	fails(t, w, err, dirs.Changed, dirs.ScopeFile)
}

func vanished(t *testing.T, w World, _ *skips) {
	f := one(t, w, pack.Random(100, 1))
	w.Remove(ten)
	_, err := w.Source.Open(t.Context(), f, 0, f.ETag)
	fails(t, w, err, dirs.NotFound, dirs.ScopeFile)
}

// denied is one file at first; a place that gives none ends the run.
func denied(t *testing.T, w World, _ *skips) {
	if w.Deny == nil {
		t.Skip("it cannot be denied here")
	}
	body := pack.Random(100, 1)
	f := one(t, w, body)
	w.Deny(true)
	_, err := w.Source.Open(t.Context(), f, 0, f.ETag)
	fails(t, w, err, dirs.Denied, dirs.ScopeFile)
	d := fetcher(w.Source)
	for i := 0; ; i++ {
		_, err := d.Fetch(t.Context(), f)
		if dirs.KindOf(err) != dirs.Denied || i == 100 {
			t.Fatalf("file %d: %v", i, err)
		}
		if dirs.ScopeOf(err) == dirs.ScopeRun {
			fails(t, w, err, dirs.Denied, dirs.ScopeRun)
			break
		}
	}
	w.Deny(false)
	holds(t, fetcher(w.Source), f, body)
}

func throttled(t *testing.T, w World, _ *skips) {
	if w.Throttle == nil {
		t.Skip("nothing throttles it")
	}
	body := pack.Random(100, 1)
	f := one(t, w, body)
	w.Throttle(1)
	_, err := w.Source.Open(t.Context(), f, 0, f.ETag)
	fails(t, w, err, dirs.Unavailable, dirs.ScopeFile)
	w.Throttle(2)
	holds(t, fetcher(w.Source), f, body)
}

func revoked(t *testing.T, w World, _ *skips) {
	if w.Revoke == nil {
		t.Skip("it has no credentials")
	}
	f := one(t, w, pack.Random(100, 1))
	w.Revoke()
	_, err := w.Source.Open(t.Context(), f, 0, f.ETag)
	fails(t, w, err, dirs.Denied, dirs.ScopeRun)
	err = w.Source.Walk(t.Context(), rawlog.Types(), nil, func(rawlog.File) error { return nil })
	fails(t, w, err, dirs.Denied, dirs.ScopeRun)
}

func retention(t *testing.T, w World, _ *skips) {
	if got, err := w.Source.Retention(t.Context()); err != nil || got == nil || !maps.Equal(got, w.Retention) {
		t.Errorf("got %v, %v, want %v", got, err, w.Retention)
	}
}

// fails checks an error of a file, or of the run.
func fails(t *testing.T, w World, err error, kind dirs.Kind, scope dirs.Scope) {
	t.Helper()
	if err == nil || dirs.KindOf(err) != kind || dirs.ScopeOf(err) != scope {
		t.Errorf("got %v (%v, %v), want %v, %v", err, dirs.KindOf(err), dirs.ScopeOf(err), kind, scope)
		return
	}
	text := err.Error()
	if strings.Contains(text, path.Base(ten)) || strings.Contains(text, "Signature=") || w.Secret != "" && strings.Contains(text, w.Secret) {
		t.Errorf("it says the file's name, a link or a secret: %v", err)
	}
}

// Walk lists the files of the types and periods, and lets what is refused pass.
func Walk(t *testing.T, src dirs.Source, types []rawlog.Type, periods ...string) []rawlog.File {
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
	err := src.Walk(t.Context(), types, ps, func(f rawlog.File) error { files = append(files, f); return nil })
	if err != nil && !errors.As(err, new(*dirs.Incomplete)) {
		t.Fatal(err)
	}
	return files
}

// Refused is what a walk of everything refuses: by path, why.
func Refused(t *testing.T, src dirs.Source) map[string]string {
	t.Helper()
	err := src.Walk(t.Context(), rawlog.Types(), nil, func(rawlog.File) error { return nil })
	var part *dirs.Incomplete
	if err != nil && !errors.As(err, &part) {
		t.Fatal(err)
	}
	refused := map[string]string{}
	if part != nil {
		for _, f := range part.Files {
			refused[f.File.At()] = f.Err.Error()
		}
	}
	return refused
}

// Refuses checks that exactly these paths are refused, for these reasons.
func Refuses(t *testing.T, src dirs.Source, want map[string]string) {
	t.Helper()
	got := Refused(t, src)
	for path, why := range want {
		if !strings.Contains(got[path], why) {
			t.Errorf("%s: refused as %q, want %q", path, got[path], why)
		}
	}
	if len(got) != len(want) {
		t.Errorf("refused %q, want %q", got, want)
	}
}

func namesOf(files []rawlog.File) []string {
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	return names
}

// skips collects what a walk leaves out.
type skips []string

func (s *skips) tell(name string, why error) {
	if why == nil || strings.Contains(why.Error(), name) {
		panic("no reason, or one that repeats the name")
	}
	*s = append(*s, name)
}

// Interrupted is a source whose first body breaks off after so many bytes; then
// something happens to the place. It is safe for concurrent use.
type Interrupted struct {
	dirs.Source
	After int64
	Then  func()

	mu      sync.Mutex
	offsets []int64
}

// Open is dirs.Source's.
func (s *Interrupted) Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error) {
	b, err := s.Source.Open(ctx, f, offset, etag)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.offsets = append(s.offsets, offset); err == nil && len(s.offsets) == 1 {
		body := b.ReadCloser
		b.ReadCloser = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(body, s.After), failing(s.Then)), body}
	}
	return b, err
}

// Offsets are where bodies were asked for from, in order.
func (s *Interrupted) Offsets() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.offsets)
}

type failing func()

func (f failing) Read([]byte) (int, error) { f(); return 0, errors.New("connection reset") }
