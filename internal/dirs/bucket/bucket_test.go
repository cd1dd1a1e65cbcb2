package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/rs/zerolog"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/bucket"
	"rawlogs/internal/dirs/dirstest"
	"rawlogs/internal/fetch"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit"
)

func zipLike(n int, seed uint64) []byte {
	b := make([]byte, n)
	random := rand.NewChaCha8([32]byte{byte(seed)})
	_, _ = random.Read(b)
	copy(b, "PK\x03\x04")
	return b
}

func source(client *s3.Client, name, prefix string) *bucket.Source {
	return bucket.New(bucket.Location{Bucket: name, Prefix: prefix}, bucket.Config{Client: client})
}

func read(t *testing.T, a *fetch.Archive) []byte {
	t.Helper()
	defer a.Release()
	b, err := io.ReadAll(io.NewSectionReader(a, 0, a.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func file(name string, size int64, etag string) rawlog.File {
	return rawlog.File{Type: rawlog.Clicks, Name: name, Size: size, ETag: etag}
}

func TestS3(t *testing.T) {
	t.Parallel()
	store := testkit.S3(t)
	src := source(store.Client, store.Bucket, "logs/")
	d := fetch.New(src, fetch.Config{Backoff: time.Millisecond, SpoolOver: 1 << 20, SpoolDir: t.TempDir()})
	small, large := zipLike(100_000, 1), zipLike(3<<20, 2)
	smallTag, largeTag := store.Put("logs/a/small.zip", small), store.Put("logs/large.zip", large)

	for _, tc := range []struct {
		file rawlog.File
		want []byte
	}{
		{file("a/small.zip", 100_000, smallTag), small},
		{file("a/small.zip", -1, ""), small},
		{file("large.zip", 3<<20, largeTag), large},
		{file("a/small.zip", 7, strings.Repeat("0", 32)), small}, // replaced since it was listed
	} {
		a, err := d.Fetch(t.Context(), tc.file)
		if err != nil {
			t.Errorf("%+v: %v", tc.file, err)
			continue
		}
		if a.File.Size != int64(len(tc.want)) || a.File.ETag == "" || a.File.ETag == strings.Repeat("0", 32) {
			t.Errorf("%+v: got %+v", tc.file, a.File)
		}
		if !bytes.Equal(read(t, a), tc.want) {
			t.Errorf("%+v: other bytes", tc.file)
		}
	}

	_, err := d.Fetch(t.Context(), file("none.zip", -1, ""))
	if dirs.KindOf(err) != dirs.NotFound || !strings.Contains(err.Error(), "not found: HTTP 404 NoSuchKey") {
		t.Errorf("missing: %v", err)
	}
	wrong := s3.New(store.Client.Options(), func(o *s3.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "CANARYKEY", SecretAccessKey: "CANARY"}, nil
		})
	})
	_, err = fetch.New(source(wrong, store.Bucket, ""), fetch.Config{}).Fetch(t.Context(), file("logs/large.zip", -1, ""))
	var typed *dirs.Error
	if !errors.As(err, &typed) || typed.Kind != dirs.Denied || typed.Scope != dirs.ScopeRun || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("wrong key: %v", err)
	}
	none := s3.New(store.Client.Options(), func(o *s3.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errors.New("no credentials to be had")
		})
	})
	_, err = fetch.New(source(none, store.Bucket, ""), fetch.Config{}).Fetch(t.Context(), file("logs/large.zip", -1, ""))
	if dirs.KindOf(err) != dirs.Failed || !strings.Contains(err.Error(), "no credentials to be had") {
		t.Errorf("no credentials: %v", err)
	}
}

func TestS3ObjectReplacedBetweenRanges(t *testing.T) {
	t.Parallel()
	store := testkit.S3(t)
	old, replaced := zipLike(200_000, 1), zipLike(250_000, 2)
	etag := store.Put("f.zip", old)
	src := &interrupted{Source: source(store.Client, store.Bucket, ""), after: 100_000,
		then: func() { store.Put("f.zip", replaced) }}
	a, err := fetch.New(src, fetch.Config{Backoff: time.Millisecond}).Fetch(t.Context(), file("f.zip", 200_000, etag))
	if err != nil {
		t.Fatal(err)
	}
	if a.File.Size != 250_000 || a.File.ETag == etag || !bytes.Equal(read(t, a), replaced) {
		t.Errorf("got %+v", a.File)
	}
}

// interrupted breaks the first body off, and then does something to the storage.
type interrupted struct {
	dirs.Source
	after int64
	then  func()
	once  sync.Once
}

func (s *interrupted) Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error) {
	b, err := s.Source.Open(ctx, f, offset, etag)
	s.once.Do(func() {
		body := b.ReadCloser
		b.ReadCloser = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(body, s.after), failing(s.then)), body}
	})
	return b, err
}

type failing func()

func (f failing) Read([]byte) (int, error) { f(); return 0, errors.New("connection reset") }

// faults is a toxiproxy in front of the S3 server.
func faults(t *testing.T, store *testkit.Storage) (*toxiproxy.Proxy, *s3.Client) {
	t.Helper()
	log := zerolog.Nop()
	proxy := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), log), t.Name(),
		"127.0.0.1:0", strings.TrimPrefix(store.Endpoint, "http://"))
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	client := s3.New(store.Client.Options(), func(o *s3.Options) {
		o.BaseEndpoint = aws.String("http://" + proxy.Listen)
		o.RetryMaxAttempts = 1 // the SDK's retries would hide what is tested here
	})
	return proxy, client
}

func toxic(t *testing.T, proxy *toxiproxy.Proxy, kind string, toxicity float64, attributes string) {
	t.Helper()
	_, err := proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(
		`{"name":%q,"type":%q,"stream":"downstream","toxicity":%g,"attributes":%s}`, kind, kind, toxicity, attributes)))
	if err != nil {
		t.Fatal(err)
	}
}

// Through a network that cuts, resets and stalls, every file arrives whole.
func TestS3Faults(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, kind, attributes string
		toxicity               float64
	}{
		{"cut short", "limit_data", `{"bytes":120000}`, 1},
		{"reset", "reset_peer", `{"timeout":5}`, 0.5},
		{"stall", "timeout", `{"timeout":0}`, 0.3},
		{"slow", "bandwidth", `{"rate":2000}`, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			store := testkit.S3(t)
			proxy, client := faults(t, store)
			const files = 8
			var want [files][]byte
			var etags [files]string
			for i := range want {
				want[i] = zipLike(400_000, uint64(i))
				etags[i] = store.Put(fmt.Sprintf("%d.zip", i), want[i])
			}
			toxic(t, proxy, tc.kind, tc.toxicity, tc.attributes)
			// The SDK has no header time-out here, so an attempt of its own ends a stall.
			src := impatient{source(client, store.Bucket, "")}
			d := fetch.New(src, fetch.Config{Backoff: time.Millisecond, Attempts: 50, IdleTimeout: 300 * time.Millisecond})
			var wg sync.WaitGroup
			for i := range want {
				wg.Go(func() {
					a, err := d.Fetch(t.Context(), file(fmt.Sprintf("%d.zip", i), int64(len(want[i])), etags[i]))
					if err != nil {
						t.Error(err)
						return
					}
					if !bytes.Equal(read(t, a), want[i]) {
						t.Errorf("file %d: other bytes", i)
					}
				})
			}
			wg.Wait()
		})
	}
}

// impatient gives up on headers soon, as the real client's transport does after a minute.
type impatient struct{ dirs.Source }

func (s impatient) Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error) {
	ctx, cancel := context.WithCancel(ctx)
	timer := time.AfterFunc(300*time.Millisecond, cancel)
	b, err := s.Source.Open(ctx, f, offset, etag)
	if err != nil || !timer.Stop() {
		cancel()
		if err == nil {
			_ = b.Close()
		}
		return nil, dirs.Fail(dirs.Unavailable, err)
	}
	b.ReadCloser = struct {
		io.Reader
		io.Closer
	}{b.ReadCloser, closer(func() error { cancel(); return nil })}
	return b, nil
}

type closer func() error

func (f closer) Close() error { return f() }

// The server dies in the middle of everything and comes back.
func TestS3ServerRestarts(t *testing.T) {
	t.Parallel()
	store := testkit.S3Alone(t)
	body := zipLike(400_000, 1)
	etag := store.Put("f.zip", body)
	client := s3.New(store.Client.Options(), func(o *s3.Options) { o.RetryMaxAttempts = 1 })
	var restarted sync.WaitGroup
	defer restarted.Wait()
	src := &interrupted{Source: source(client, store.Bucket, ""), after: 200_000, then: func() {
		store.Server.Kill()
		restarted.Go(func() {
			if err := store.Server.Restart(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}}
	a, err := fetch.New(src, fetch.Config{Backoff: 50 * time.Millisecond, Attempts: 20}).Fetch(t.Context(), file("f.zip", 400_000, etag))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, a), body) {
		t.Error("other bytes")
	}
}

// The client that the command uses, from nothing but the environment. Not
// parallel, as the environment is the process's.
func TestS3Client(t *testing.T) {
	store := testkit.S3(t)
	for _, pair := range store.Env() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	body := zipLike(1000, 1)
	etag := store.Put("p/f.zip", body)
	l := bucket.Location{Bucket: store.Bucket, Prefix: "p/"}
	get := func() error {
		a, err := fetch.New(bucket.New(l, bucket.Config{}), fetch.Config{Attempts: 1}).Fetch(t.Context(), file("f.zip", 1000, etag))
		if err == nil && !bytes.Equal(read(t, a), body) {
			err = errors.New("other bytes")
		}
		return err
	}
	if err := get(); err != nil {
		t.Errorf("credentials of the environment: %v", err)
	}
	l.Anonymous = true
	if err := get(); dirs.KindOf(err) != dirs.Denied {
		t.Errorf("anonymous: %v", err)
	}
	l.Anonymous = false
	t.Setenv("AWS_SECRET_ACCESS_KEY", "CANARY")
	if err := get(); dirs.KindOf(err) != dirs.Denied || strings.Contains(err.Error(), "CANARY") || strings.Contains(err.Error(), store.AccessKey) {
		t.Errorf("wrong secret: %v", err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if err := get(); dirs.KindOf(err) != dirs.Denied {
		t.Errorf("no credentials: %v", err)
	}
}

func TestParseLocation(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bucket.Location{
		"s3://b":             {Bucket: "b"},
		"s3://b/":            {Bucket: "b"},
		"s3://b/p/q":         {Bucket: "b", Prefix: "p/q/"},
		"s3://b/p/?region=r": {Bucket: "b", Prefix: "p/", Region: "r"},
		"s3://b?anonymous=true&endpoint=http://127.0.0.1:1": {Bucket: "b", Anonymous: true, Endpoint: "http://127.0.0.1:1"},
		"s3://b?anonymous=false":                            {Bucket: "b"},
	} {
		if got, err := bucket.ParseLocation(in); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "s3:", "s3:///p", "http://b/p", "s3://key:secret@b", "s3://b?acces_key=x", "s3://b?anonymous=yes"} {
		if got, err := bucket.ParseLocation(in); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %+v, %v", in, got, err)
		}
	}
}

// A walk leaves out a neighbour of the prefix and what consoles make as folders, and
// takes tags from the listing.
func TestPrefix(t *testing.T) {
	t.Parallel()
	store := testkit.S3(t)
	const name = "20160909/clicks-1473411600-SlY9UO.zip"
	etag := store.Put("logs/"+name, []byte(name))
	store.Put("logs2/clicks-1473411600-zzzzzz.zip", []byte("of a neighbour"))
	store.Put("logs/folder/", nil)
	files := dirstest.Walk(t, source(store.Client, store.Bucket, "logs/"), rawlog.Types())
	if len(files) != 1 || files[0].Name != name || files[0].ETag != etag {
		t.Errorf("%+v, want the tag %s", files, etag)
	}
	err := source(store.Client, "none-"+store.Bucket, "").Walk(t.Context(), rawlog.Types(), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "NoSuchBucket") || dirs.ScopeOf(err) != dirs.ScopeRun {
		t.Errorf("no bucket: %v", err)
	}
}

func names(files []rawlog.File) []string {
	var names []string
	for _, f := range files {
		names = append(names, string(f.Type)+" "+f.At())
	}
	return names
}

func TestPages(t *testing.T) {
	t.Parallel()
	store := testkit.S3(t)
	var want []string
	for i := range 1003 { // a page holds a thousand
		name := fmt.Sprintf("clicks-%d-aaaaaa.zip", 1473408000+3600*i)
		want = append(want, "clicks "+name)
		store.Put(name, nil) // in name order, which is that of time
	}
	if got := names(dirstest.Walk(t, source(store.Client, store.Bucket, ""), rawlog.Types())); !slices.Equal(got, want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	endpoint := "http://127.0.0.1:1"
	client := s3.New(s3.Options{BaseEndpoint: &endpoint, UsePathStyle: true, Region: "us-east-1", RetryMaxAttempts: 1})
	err := bucket.New(bucket.Location{Bucket: "b"}, bucket.Config{Client: client}).Walk(t.Context(), rawlog.Types(), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "listing s3://b/: unavailable: ") {
		t.Errorf("got %v", err)
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
	w := source(store.Client, store.Bucket, "")
	if got := dirstest.Walk(t, w, rawlog.Types()); len(got) != 1 || got[0].Name != "20160909/"+one {
		t.Errorf("got %+v", got)
	}
	if got := dirstest.Refused(t, w); len(got) != 1 {
		t.Errorf("refused %q", got)
	}
}

// troubled is the way to a bucket, and can deny or throttle objects.
type troubled struct {
	client   *http.Client
	denied   atomic.Bool
	throttle atomic.Int64
}

func (c *troubled) Do(req *http.Request) (*http.Response, error) {
	listing := req.URL.Query().Has("list-type")
	switch {
	case !listing && c.denied.Load():
		return refusal(req, http.StatusForbidden, "AccessDenied"), nil
	case !listing && c.throttle.Add(-1) >= 0:
		return refusal(req, http.StatusServiceUnavailable, "SlowDown"), nil
	}
	return c.client.Do(req)
}

func refusal(req *http.Request, status int, code string) *http.Response {
	return &http.Response{
		StatusCode: status, Request: req, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"application/xml"}},
		Body: io.NopCloser(strings.NewReader("<Error><Code>" + code + "</Code><Message>CANARY</Message></Error>")),
	}
}

// A bucket answers as every source does.
func TestSource(t *testing.T) {
	t.Parallel()
	dirstest.Run(t, func(t *testing.T, skipped dirs.Skipped) dirstest.World {
		store := testkit.S3(t)
		way := &troubled{client: http.DefaultClient}
		var revoked atomic.Bool
		client := s3.New(store.Client.Options(), func(o *s3.Options) {
			o.HTTPClient, o.RetryMaxAttempts = way, 1
			good := o.Credentials
			o.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
				if revoked.Load() {
					return aws.Credentials{AccessKeyID: "CANARYKEY", SecretAccessKey: "CANARY"}, nil
				}
				return good.Retrieve(ctx)
			})
		})
		return dirstest.World{
			Source:    bucket.New(bucket.Location{Bucket: store.Bucket, Prefix: "logs/"}, bucket.Config{Client: client, Skipped: skipped}),
			Put:       func(name string, body []byte) { store.Put("logs/"+name, body) },
			Remove:    func(name string) { store.Delete("logs/" + name) },
			Deny:      way.denied.Store,
			Throttle:  func(n int) { way.throttle.Store(int64(n)) },
			Revoke:    func() { revoked.Store(true) },
			Named:     true,
			Retention: map[rawlog.Type]int{},
			Secret:    "CANARY",
		}
	})
}
