package bucket_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/bucket"
	"rawlogs/internal/dirs/dirstest"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit"
)

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
