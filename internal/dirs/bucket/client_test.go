package bucket_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/bucket"
	"rawlogs/internal/fetch"
	"rawlogs/internal/testkit"
	"rawlogs/internal/testkit/pack"
)

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
	body := pack.Random(1000, 1)
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
