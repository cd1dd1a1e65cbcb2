package bucket_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rs/zerolog"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/dirstest"
	"rawlogs/internal/fetch"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit"
	"rawlogs/internal/testkit/pack"
)

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
				want[i] = pack.Random(400_000, uint64(i))
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
	body := pack.Random(400_000, 1)
	etag := store.Put("f.zip", body)
	client := s3.New(store.Client.Options(), func(o *s3.Options) { o.RetryMaxAttempts = 1 })
	var restarted sync.WaitGroup
	defer restarted.Wait()
	src := &dirstest.Interrupted{Source: source(client, store.Bucket, ""), After: 200_000, Then: func() {
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
