package bucket_test

import (
	"strings"
	"testing"

	"rawlogs/internal/dirs/bucket"
	"rawlogs/internal/testkit"
)

func TestPut(t *testing.T) {
	t.Parallel()
	store := testkit.S3(t)
	src := bucket.New(bucket.Location{Bucket: store.Bucket, Prefix: "events/"}, bucket.Config{Client: store.Client})
	for _, body := range []string{"one", "two"} {
		if err := src.Put(t.Context(), "a/b.gz", []byte(body)); err != nil {
			t.Fatal(err)
		}
		if got := string(store.Get("events/a/b.gz")); got != body {
			t.Errorf("%q, want %q", got, body)
		}
	}
	err := bucket.New(bucket.Location{Bucket: "none-of-ours"}, bucket.Config{Client: store.Client}).Put(t.Context(), "x", nil)
	if err == nil || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("no bucket: %v", err)
	}
}
