package bucket_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/bucket"
	"rawlogs/internal/dirs/dirstest"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit"
)

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
