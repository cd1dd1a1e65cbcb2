package dirs_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/bucket"
	"rawlogs/internal/dirs/folder"
	"rawlogs/internal/dirs/hoapi"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

func walk(t *testing.T, w dirs.Source, types []rawlog.Type, periods ...string) []rawlog.File {
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
	if errors.As(err, new(*dirs.Incomplete)) {
		err = nil // for missing to look at
	}
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// missing is what a walk of everything refuses, by path.
func missing(t *testing.T, w dirs.Source) map[string]string {
	t.Helper()
	err := w.Walk(t.Context(), rawlog.Types(), nil, func(rawlog.File) error { return nil })
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

// refuses checks that exactly these paths are refused, for these reasons.
func refuses(t *testing.T, w dirs.Source, want map[string]string) {
	t.Helper()
	got := missing(t, w)
	for path, why := range want {
		if !strings.Contains(got[path], why) {
			t.Errorf("%s: refused as %q, want %q", path, got[path], why)
		}
	}
	if len(got) != len(want) {
		t.Errorf("refused %q, want %q", got, want)
	}
}

func names(files []rawlog.File) []string {
	var names []string
	for _, f := range files {
		names = append(names, string(f.Type)+" "+f.At())
	}
	return names
}

// skips collects what a walk leaves out.
type skips []string

func (s *skips) tell(name string, why error) {
	if why == nil {
		panic("no reason")
	}
	*s = append(*s, name)
}

// What a bucket and a folder hold, and what is found there.
const (
	a = "20160909/clicks-1473411600-SlY9UO.zip"
	b = "clicks/11111/20160909/clicks-1473408000-aaaaaa.zip"
	c = "clicks-1473411600-bbbbbb.zip"
	d = "x/y/conversions-1473411600-cccccc.zip"
	e = "20160908/clicks-1473292800-dddddd.zip"
	f = "with space+plus/ü%41&\n<x>/impressions-1473411600-eeeeee.zip"
)

var (
	logs   = []string{a, b, c, d, e, f}
	others = []string{"readme.txt", "clicks-soon-aaaaaa.zip"}
	// misplaced is in the folder of a day that is its own in no time zone.
	misplaced = "20160911/clicks-1473411600-SlY9UO.zip"
	// Oldest first, and within an hour by name.
	want = []string{"clicks " + e, "clicks " + b, "clicks " + a, "clicks " + c, "conversions " + d, "impressions " + f}
)

func check(t *testing.T, w dirs.Source, skipped *skips) []rawlog.File {
	t.Helper()
	files := walk(t, w, rawlog.Types())
	if got := names(files); !slices.Equal(got, want) {
		t.Errorf("all:\n%q, want\n%q", got, want)
	}
	slices.Sort(*skipped)
	if w := slices.Sorted(slices.Values(others)); !slices.Equal(*skipped, w) {
		t.Errorf("skipped %q, want %q", *skipped, w)
	}
	refuses(t, w, map[string]string{misplaced: "its hour is on 20160909, its folder says 20160911"})
	if got := names(walk(t, w, []rawlog.Type{rawlog.Conversions, rawlog.Clicks}, "20160909")); !slices.Equal(got, []string{want[4], want[1], want[2], want[3]}) {
		t.Errorf("a day of two types: %q", got)
	}
	if got := walk(t, w, rawlog.Types(), "2017"); len(got) != 0 {
		t.Errorf("another year: %q", names(got))
	}
	return files
}

func ofBucket(store *testkit.Storage, prefix string, skipped dirs.Skipped) *bucket.Source {
	return bucket.New(bucket.Location{Bucket: store.Bucket, Prefix: prefix}, bucket.Config{Client: store.Client, Skipped: skipped})
}

func TestS3(t *testing.T) {
	t.Parallel()
	store := testkit.S3(t)
	etags := map[string]string{}
	for _, name := range append(slices.Clone(logs), append(others, misplaced)...) {
		etags[name] = store.Put("logs/"+name, []byte(name))
	}
	store.Put("logs2/clicks-1473411600-zzzzzz.zip", []byte("of a neighbour"))
	store.Put("logs/folder/", nil)
	var skipped skips
	source := ofBucket(store, "logs/", skipped.tell)
	files := check(t, source, &skipped)
	for _, f := range files {
		if f.Size != int64(len(f.At())) || f.ETag != etags[f.At()] || f.Name != rawlog.NameOf(f.At(), f.Hour) {
			t.Errorf("%+v, want ETag %s", f, etags[f.At()])
		}
		body, err := source.Open(t.Context(), f, 0, f.ETag) // whatever its name, it can be fetched
		if err != nil {
			t.Error(err)
			continue
		}
		_ = body.Close()
	}

	err := bucket.New(bucket.Location{Bucket: "none-" + store.Bucket}, bucket.Config{Client: store.Client}).Walk(t.Context(), rawlog.Types(), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("no bucket: %v", err)
	}
}

func TestS3Pages(t *testing.T) {
	t.Parallel()
	store := testkit.S3(t)
	var want []string
	for i := range 1003 { // a page holds a thousand
		name := fmt.Sprintf("clicks-%d-aaaaaa.zip", 1473408000+3600*i)
		want = append(want, "clicks "+name)
		store.Put(name, nil) // in name order, which is that of time
	}
	if got := names(walk(t, ofBucket(store, "", nil), rawlog.Types())); !slices.Equal(got, want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
}

func TestS3Unreachable(t *testing.T) {
	t.Parallel()
	endpoint := "http://127.0.0.1:1"
	client := s3.New(s3.Options{BaseEndpoint: &endpoint, UsePathStyle: true, Region: "us-east-1", RetryMaxAttempts: 1})
	err := bucket.New(bucket.Location{Bucket: "b"}, bucket.Config{Client: client}).Walk(t.Context(), rawlog.Types(), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "listing s3://b/: unavailable: ") {
		t.Errorf("got %v", err)
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	root := filepath.Join(base, "root")
	for _, name := range append(slices.Clone(logs), append(others, misplaced)...) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	linked := filepath.Join(base, "linked")
	if err := os.Symlink("root", linked); err != nil {
		t.Fatal(err)
	}
	var skipped skips
	for _, f := range check(t, folder.New(linked, skipped.tell), &skipped) {
		if f.Size != int64(len(f.At())) || !strings.HasPrefix(f.ETag, "mtime-") || f.Name != rawlog.NameOf(f.At(), f.Hour) {
			t.Errorf("%+v", f)
		}
		if body, err := folder.New(linked, nil).Open(t.Context(), f, 0, f.ETag); err != nil {
			t.Error(err)
		} else {
			_ = body.Close()
		}
	}
}

func TestFolderOddities(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	root := filepath.Join(base, "root")
	real := "clicks-1473411600-aaaaaa.zip"
	for _, path := range []string{filepath.Join(root, "in"), filepath.Join(base, "out")} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, real), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{
		"clicks-1473411600-linked.zip": filepath.Join("in", real),
		"clicks-1473411600-out.zip":    filepath.Join("..", "out", real),
		"clicks-1473411600-gone.zip":   "nowhere",
		"more":                         "../out",
		"clicks-1473411600-dir.zip":    "in",
	} {
		if err := os.Symlink(to, filepath.Join(root, from)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(root, "clicks-1473411600-pipe.zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	var skipped skips
	got := names(walk(t, folder.New(root, skipped.tell), rawlog.Types()))
	if !slices.Equal(got, []string{"clicks in/" + real, "clicks clicks-1473411600-linked.zip"}) {
		t.Errorf("got %q", got)
	}
	if len(skipped) != 0 { // all are named like raw logs
		t.Errorf("skipped %q", skipped)
	}
	refuses(t, folder.New(root, nil), map[string]string{
		"clicks-1473411600-gone.zip": "link to nothing", "clicks-1473411600-out.zip": "leads out of the folder",
		"clicks-1473411600-pipe.zip": "a pipe", "more": "a folder outside of the source",
	})
	err := folder.New(filepath.Join(base, "none\x1b"), nil).Walk(t.Context(), rawlog.Types(), nil, nil)
	if err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("no folder: %v", err)
	}
	if err := folder.New(filepath.Join(root, "in", real), nil).Walk(t.Context(), rawlog.Types(), nil, nil); err == nil {
		t.Error("a file as the folder: no error")
	}
}

// Copies of one file are one file. Files that differ under one name are none, and
// both are named, whichever was there first.
func TestCopies(t *testing.T) {
	t.Parallel()
	const equal, otherSize, otherBytes = "clicks-1473411600-aaaaaa.zip", "clicks-1473415200-bbbbbb.zip", "clicks-1473418800-cccccc.zip"
	contents := map[string]string{
		"z/" + equal: "one", "20160909/" + equal: "one", "m/" + equal: "one",
		"20160909/" + otherSize: "short", "m/" + otherSize: "much longer",
		"n/" + otherBytes: "one", "m/" + otherBytes: "two", "o/" + otherBytes: "one",
	}
	store := testkit.S3(t)
	root := t.TempDir()
	now := time.Now()
	for i, path := range slices.Sorted(maps.Keys(contents)) {
		store.Put(path, []byte(contents[path]))
		file := filepath.Join(root, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(contents[path]), 0o600)); err != nil {
			t.Fatal(err)
		}
		when := now.Add(time.Duration(-i) * time.Hour) // the last is the oldest
		if err := os.Chtimes(file, when, when); err != nil {
			t.Fatal(err)
		}
	}
	for what, of := range map[string]func(dirs.Skipped) dirs.Source{
		"bucket": func(s dirs.Skipped) dirs.Source {
			return ofBucket(store, "", s)
		},
		"folder": func(s dirs.Skipped) dirs.Source { return folder.New(root, s) },
	} {
		var skipped skips
		got := walk(t, of(skipped.tell), rawlog.Types())
		if len(got) != 1 || got[0].Name != "20160909/"+equal || len(skipped) != 2 || slices.Contains(skipped, got[0].At()) {
			t.Errorf("%s: got %+v, skipped %q", what, got, skipped)
		}
		if what == "folder" && got[0].At() != "z/"+equal {
			t.Errorf("a newer copy was chosen: %s", got[0].At())
		}
		refused := missing(t, of(nil))
		if len(refused) != 2 {
			t.Errorf("%s: refused %q", what, refused)
		}
		for path, why := range refused {
			if filepath.Base(path) == equal || !strings.Contains(why, "another file of this name with other contents") || !strings.Contains(why, filepath.Base(path)) {
				t.Errorf("%s: %s: %s", what, path, why)
			}
		}
	}
}

// inParts uploads an object as its storage's tools do large ones.
func inParts(t *testing.T, store *testkit.Storage, key string, body []byte) {
	t.Helper()
	up, err := store.Client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &store.Bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	part, err := store.Client.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: &store.Bucket, Key: &key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Client.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: &store.Bucket, Key: &key, UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1)}}}})
	if err != nil {
		t.Fatal(err)
	}
}

// Uploads in parts have tags that say nothing about each other.
func TestCopiesInParts(t *testing.T) {
	t.Parallel()
	store := testkit.S3(t)
	const one, two = "clicks-1473411600-aaaaaa.zip", "clicks-1473415200-bbbbbb.zip"
	body := bytes.Repeat([]byte("a part of several "), 40_000)
	inParts(t, store, "a/"+one, body)
	store.Put("b/"+one, body)
	inParts(t, store, "a/"+two, body)
	store.Put("b/"+two, append(slices.Clone(body[1:]), 'x'))
	w := ofBucket(store, "", nil)
	if got := walk(t, w, rawlog.Types()); len(got) != 1 || got[0].Name != "20160909/"+one {
		t.Errorf("got %+v", got)
	}
	if got := missing(t, w); len(got) != 1 {
		t.Errorf("refused %q", got)
	}
}

// A folder that cannot be read is an error. Permissions do not stop everyone who
// may run this test, so the folder vanishes between its listing and its turn.
func TestFolderUnreadable(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	last := filepath.Join(root, "z")
	if err := os.Mkdir(last, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "a.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := folder.New(root, func(string, error) {
		if err := os.Remove(last); err != nil {
			t.Error(err)
		}
	})
	if err := w.Walk(t.Context(), rawlog.Types(), nil, nil); err == nil || !strings.Contains(err.Error(), last) {
		t.Errorf("got %v", err)
	}
}

// Everything together: the real client against a simulated network.
func TestAPIOfSimulatedNetwork(t *testing.T) {
	t.Parallel()
	network := testkit.Simnet(t, simnet.Config{Clicks: 20})
	var want []string
	start := time.Date(2016, 9, 28, 0, 0, 0, 0, time.UTC)
	for h := 0; h < 6*24; h += 8 {
		hour := start.Add(time.Duration(h) * time.Hour)
		file, err := network.Publish(t.Context(), gen.FileName(rawlog.Clicks, hour, 1), gen.Spec{Type: rawlog.Clicks, Hour: hour, Rows: 3})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, "clicks "+file.Name)
	}
	client, err := hasoffers.New(hasoffers.Config{NetworkID: network.ID(), Auth: hasoffers.NetworkToken(network.Token()), BaseURL: network.URL})
	if err != nil {
		t.Fatal(err)
	}
	api := hoapi.New(hoapi.Config{Client: client})
	for name, fault := range map[string]func(){
		"none":        func() {},
		"no prefixes": func() { network.Faults.NoPrefixes(true) },
		"repeated":    func() { network.Faults.NoPrefixes(false); network.Faults.EditListing(simnet.Repeat) },
		"reordered":   func() { network.Faults.EditListing(simnet.Reorder) },
	} {
		fault()
		if got := names(walk(t, api, rawlog.Types(), "2016")); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	days, err := client.LogExpirations(t.Context())
	if err != nil || days[rawlog.Clicks] != 123 || days[rawlog.Impressions] != 1 {
		t.Errorf("expirations: %v, %v", days, err)
	}
	network.Faults.RevokeToken(true)
	err = api.Walk(t.Context(), rawlog.Types(), nil, nil)
	if kind, _ := hasoffers.KindOf(err); kind != hasoffers.Unauthenticated || strings.Contains(err.Error(), network.Token()) {
		t.Errorf("revoked token: %v", err)
	}
}
