package faults

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
)

// by is the bucket's client by way of another address, without the SDK's own
// retries, which would hide ours.
func (b *bucket) by(address string) *s3.Client {
	return s3.New(b.storage.Client.Options(), func(o *s3.Options) {
		o.BaseEndpoint = aws.String("http://" + address)
		o.RetryMaxAttempts = 1
	})
}

// Whatever befalls downloads in passing is mended within the run, and what
// does not pass fails the files with the reason until it does.
func TestNetworkToStorage(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	for _, tc := range []struct {
		name, kind, attributes string
		failed                 string // "": mended within the run
		untagged               bool   // storage without ETags
	}{
		{name: "closed before the answer", kind: "cut", attributes: `{"after":0,"times":6,"then":"close"}`},
		{name: "closed in mid-body", kind: "cut", attributes: `{"after":3000,"times":6,"then":"close"}`},
		{name: "closed in mid-body, and no MD5 to tell", kind: "cut", attributes: `{"after":3000,"times":6,"then":"close"}`, untagged: true},
		{name: "every body cut short", kind: "limit_data", attributes: `{"bytes":3000}`},
		{name: "stalled in mid-body", kind: "cut", attributes: `{"after":3000,"times":4,"then":"stall"}`},
		{name: "a bit flipped in passing", kind: "cut", attributes: `{"after":3000,"times":2,"then":"flip"}`},
		{name: "a bit flipped in passing, and no MD5 to tell", kind: "cut", attributes: `{"after":3000,"times":1,"then":"flip"}`, untagged: true},
		{name: "bits flipped all the time", kind: "cut", attributes: `{"after":3000,"then":"flip elsewhere"}`, failed: "corrupt: its MD5 is not its ETag"},
		{name: "always the same bit flipped", kind: "cut", attributes: `{"after":3000,"then":"flip"}`, failed: "zip: "},
		{name: "bits flipped and no MD5 to tell", kind: "cut", attributes: `{"after":3000,"then":"flip"}`, failed: "zip: ", untagged: true},
		{name: "reset at once", kind: "reset_peer", attributes: `{"timeout":0}`, failed: "unavailable"},
	} {
		t.Run(strings.ReplaceAll(tc.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			r := db.rig(t)
			r.options.Download.Attempts = 6
			b := r.bucket()
			for i := range 3 {
				name, body := r.clicks(i, 40)
				b.put(name, body)
			}
			proxy := proxyTo(t, strings.TrimPrefix(b.storage.Endpoint, "http://"))
			src := b.sourceBy(b.by(proxy.Listen))
			if tc.untagged {
				src = untagged{bareNames{src}}
			}
			end := toxic(t, proxy, tc.kind, "downstream", tc.attributes)
			sum, err := r.run(src)
			switch {
			case tc.failed == "" && (err != nil || sum.Loaded != 3):
				t.Fatalf("%v, %+v", err, sum)
			case tc.failed != "" && (err != nil || sum.Failed != 3 || !strings.Contains(sum.Failures[0].Err, tc.failed)):
				t.Fatalf("%v, %+v", err, sum)
			}
			end()
			r.recover(b.sourceBy(b.by(proxy.Listen)))
		})
	}
}

// untagged is a source whose storage gives no ETags.
type untagged struct{ dirs.Source }

func (s untagged) Open(ctx context.Context, f rawlog.File, offset int64, _ string) (*dirs.Body, error) {
	b, err := s.Source.Open(ctx, f, offset, "")
	if err == nil {
		b.ETag = ""
	}
	return b, err
}

// bareNames is a listing that tells neither size nor tag, as the API's.
type bareNames struct{ dirs.Source }

func (w bareNames) Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error {
	return w.Source.Walk(ctx, types, periods, func(f rawlog.File) error {
		f.Size, f.ETag = -1, ""
		return yield(f)
	})
}

// Storage that answers 503, then 500, then serves.
func TestStorageUnavailable(t *testing.T) {
	t.Parallel()
	r := newDatabase(t).rig(t)
	b := r.bucket()
	for i := range 3 {
		name, body := r.clicks(i, 10)
		b.put(name, body)
	}
	upstream, err := url.Parse(b.storage.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	forward := &httputil.ReverseProxy{Rewrite: func(pr *httputil.ProxyRequest) {
		pr.SetURL(upstream)
		pr.Out.Host = pr.In.Host // it is signed
	}}
	var calls atomic.Int64
	var down atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		n := calls.Add(1)
		if !down.Load() && n > 6 {
			forward.ServeHTTP(w, q)
			return
		}
		w.WriteHeader([]int{http.StatusServiceUnavailable, http.StatusInternalServerError}[n%2])
		_, _ = fmt.Fprint(w, "<Error><Code>SlowDown</Code></Error>") // the client may be gone
	}))
	t.Cleanup(server.Close)
	src := b.sourceBy(b.by(server.Listener.Addr().String()))
	if sum, err := r.run(src); err != nil || sum.Loaded != 3 {
		t.Fatalf("%v, %+v", err, sum)
	}
	name, body := r.clicks(3, 10)
	b.put(name, body)
	down.Store(true)
	if sum, err := r.run(src); err != nil || sum.Failed != 1 || !strings.Contains(sum.Failures[0].Err, "unavailable: HTTP 50") {
		t.Fatalf("%v, %+v", err, sum)
	}
	down.Store(false)
	r.recover(src)
}

// dsn is the address of the shared engine's database by way of a proxy.
func (r *rig) dsn(proxy *toxiproxy.Proxy) string {
	r.Helper()
	return r.dsnAt(proxy.Listen)
}

func (r *rig) dsnAt(addr string) string {
	r.Helper()
	e, ok := r.st.Engine()
	if !ok {
		r.Skip("it goes by the address of the one engine; shards_test.go does the like with three")
	}
	u := url.URL{Scheme: "clickhouse", User: url.UserPassword(e.User, e.Password), Host: addr, Path: "/" + r.st.Database()}
	return u.String()
}
