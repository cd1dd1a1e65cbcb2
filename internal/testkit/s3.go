// Package testkit starts the real things that tests run against: an S3 server, a
// simulated network, a ClickHouse. Only tests import it.
package testkit

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"rawlogs/internal/sim/storage"
)

// Storage is an empty bucket on a real S3 server.
type Storage struct {
	Endpoint, Region     string
	AccessKey, SecretKey string
	Bucket               string
	Client               *s3.Client
	PID                  int // of the server when the test began
	Server               *storage.Server

	tb testing.TB
}

// S3 returns a fresh bucket on the server that all tests of this process share.
// The server starts with the first test that asks and ends with the last, so
// a test must not stop it: see S3Alone.
func S3(tb testing.TB) *Storage {
	tb.Helper()
	server := sharedS3.acquire(tb)
	return newStorage(tb, server)
}

// S3Alone returns a fresh bucket on a server of the test's own, which it may
// kill and restart.
func S3Alone(tb testing.TB) *Storage {
	tb.Helper()
	server := startS3(tb, tb.TempDir())
	tb.Cleanup(func() { _ = server.Close() })
	return newStorage(tb, server)
}

// Put uploads an object and returns its ETag without quotes.
func (s *Storage) Put(name string, body []byte) string {
	s.tb.Helper()
	out, err := s.Client.PutObject(s.tb.Context(), &s3.PutObjectInput{Bucket: &s.Bucket, Key: &name, Body: bytes.NewReader(body)})
	if err != nil {
		s.tb.Fatalf("uploading %s: %v", name, err)
	}
	return strings.Trim(aws.ToString(out.ETag), `"`)
}

// Get downloads an object.
func (s *Storage) Get(name string) []byte {
	s.tb.Helper()
	out, err := s.Client.GetObject(s.tb.Context(), &s3.GetObjectInput{Bucket: &s.Bucket, Key: &name})
	if err != nil {
		s.tb.Fatalf("downloading %s: %v", name, err)
	}
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		s.tb.Fatalf("downloading %s: %v", name, err)
	}
	return body
}

// Delete removes an object.
func (s *Storage) Delete(name string) {
	s.tb.Helper()
	if _, err := s.Client.DeleteObject(s.tb.Context(), &s3.DeleteObjectInput{Bucket: &s.Bucket, Key: &name}); err != nil {
		s.tb.Fatalf("deleting %s: %v", name, err)
	}
}

// Presign returns a link to an object that ends after the given time (whole
// seconds).
func (s *Storage) Presign(name string, valid time.Duration) string {
	s.tb.Helper()
	req, err := s3.NewPresignClient(s.Client).PresignGetObject(s.tb.Context(),
		&s3.GetObjectInput{Bucket: &s.Bucket, Key: &name}, s3.WithPresignExpires(valid))
	if err != nil {
		s.tb.Fatalf("presigning %s: %v", name, err)
	}
	return req.URL
}

// Env is the environment with which a child process reaches the server.
func (s *Storage) Env() []string { return s.Server.Account().Env() }

func newStorage(tb testing.TB, server *storage.Server) *Storage {
	tb.Helper()
	account := server.Account()
	s := &Storage{
		Endpoint: account.Endpoint, Region: account.Region,
		AccessKey: account.AccessKey, SecretKey: account.SecretKey,
		Bucket: "test-" + strings.ToLower(rand.Text()[:16]),
		Client: account.Client(), PID: server.PID(), Server: server, tb: tb,
	}
	if _, err := s.Client.CreateBucket(tb.Context(), &s3.CreateBucketInput{Bucket: &s.Bucket}); err != nil {
		tb.Fatalf("making a bucket: %v", err)
	}
	return s
}

func startS3(tb testing.TB, dir string) *storage.Server {
	tb.Helper()
	binary, err := Tool("versitygw")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), time.Minute)
	defer cancel()
	server, err := storage.Start(ctx, storage.Config{Binary: binary, Dir: dir})
	if err != nil {
		tb.Fatal(err)
	}
	return server
}

// sharedS3 is the one server of the process: starting one for every test costs
// a tenth of a second and 36 MB each.
var sharedS3 sharedServer

type sharedServer struct {
	mu     sync.Mutex
	users  int
	server *storage.Server
	dir    string
}

func (s *sharedServer) acquire(tb testing.TB) *storage.Server {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == 0 {
		dir, err := os.MkdirTemp("", "testkit-s3-")
		if err != nil {
			tb.Fatal(err)
		}
		s.server, s.dir = startS3(tb, dir), dir
	}
	s.users++
	tb.Cleanup(s.release)
	return s.server
}

func (s *sharedServer) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users > 0 {
		return
	}
	_ = s.server.Close()
	_ = os.RemoveAll(s.dir)
	s.server = nil
}
