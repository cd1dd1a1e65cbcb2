package testkit

import (
	"bytes"
	"net/http"
	"testing"
	"time"
)

func TestS3(t *testing.T) {
	t.Parallel()
	a, b := S3(t), S3(t)
	if a.Endpoint != b.Endpoint || a.PID != b.PID || a.PID == 0 {
		t.Errorf("two servers in one process: %s and %s", a.Endpoint, b.Endpoint)
	}
	if a.Bucket == b.Bucket {
		t.Error("one bucket twice")
	}
	etag := a.Put("20160909/x.zip", []byte("body"))
	if etag != "841a2d689ad86bd1611447453c22c6fc" {
		t.Errorf("etag %q is not the MD5", etag)
	}
	if got := a.Get("20160909/x.zip"); !bytes.Equal(got, []byte("body")) {
		t.Errorf("got %q", got)
	}
	resp, err := http.Get(a.Presign("20160909/x.zip", time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("presigned link: %s", resp.Status)
	}
	a.Delete("20160909/x.zip")
}

func TestS3Alone(t *testing.T) {
	t.Parallel()
	s := S3Alone(t)
	s.Put("kept", []byte("body"))
	s.Server.Kill()
	if s.Server.PID() != 0 {
		t.Error("killed, but it has a process")
	}
	if err := s.Server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.Get("kept"); string(got) != "body" {
		t.Errorf("after a restart: %q", got)
	}
	// A second start on the same port must say what is wrong, not hang.
	if s.Server.PID() == s.PID {
		t.Error("restarted as the same process")
	}
}
