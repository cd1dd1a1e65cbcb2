package bucket_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/bucket"
)

// A 403 of an object that must be restored first is about the object: it says what to
// do, and is not taken for a right that is missing. The storages at hand archive nothing,
// so the answer is the one that S3 documents.
func TestArchivedObject(t *testing.T) {
	t.Parallel()
	for code, c := range map[string]struct {
		kind dirs.Kind
		says string
	}{
		"InvalidObjectState": {dirs.Failed, "restore it"},
		"AccessDenied":       {dirs.Denied, "rights"},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>The operation is not valid</Message><StorageClass>GLACIER</StorageClass></Error>`, code)
		}))
		t.Cleanup(s.Close)
		src := bucket.New(bucket.Location{Bucket: "raw", Endpoint: s.URL, Region: "us-east-1", Anonymous: true}, bucket.Config{})
		_, err := src.Open(t.Context(), file("f.zip", 10, ""), 0, "")
		if dirs.KindOf(err) != c.kind || dirs.ScopeOf(err) == dirs.ScopeRun || !strings.Contains(err.Error(), code) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v (%v)", code, err, dirs.KindOf(err))
		}
	}
}
