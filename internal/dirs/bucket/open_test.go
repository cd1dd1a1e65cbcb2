package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/bucket"
	"rawlogs/internal/dirs/dirstest"
	"rawlogs/internal/fetch"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit"
	"rawlogs/internal/testkit/pack"
)

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
	small, large := pack.Random(100_000, 1), pack.Random(3<<20, 2)
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
	old, replaced := pack.Random(200_000, 1), pack.Random(250_000, 2)
	etag := store.Put("f.zip", old)
	src := &dirstest.Interrupted{Source: source(store.Client, store.Bucket, ""), After: 100_000,
		Then: func() { store.Put("f.zip", replaced) }}
	a, err := fetch.New(src, fetch.Config{Backoff: time.Millisecond}).Fetch(t.Context(), file("f.zip", 200_000, etag))
	if err != nil {
		t.Fatal(err)
	}
	if a.File.Size != 250_000 || a.File.ETag == etag || !bytes.Equal(read(t, a), replaced) {
		t.Errorf("got %+v", a.File)
	}
}
