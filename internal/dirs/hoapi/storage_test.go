package hoapi

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/fetch"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit/pack"
)

const canary = "CANARYsignature%2Bxyz%3D"

var listed = rawlog.File{Type: rawlog.Clicks, Name: "20160909/clicks-1473411600-SlY9UO.zip", Size: -1}

func tag(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

// fakeStorage answers like S3, except where a test's script says otherwise.
type fakeStorage struct {
	mu       sync.Mutex
	body     []byte
	etag     string
	requests []*http.Request
	// script is asked first, with the number of the request from 1; true means that it answered.
	script func(n int, w http.ResponseWriter, r *http.Request) bool
}

func (s *fakeStorage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r)
	n := len(s.requests)
	s.mu.Unlock()
	if s.script != nil && s.script(n, w, r) {
		return
	}
	s.serve(w, r)
}

func (s *fakeStorage) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

func (s *fakeStorage) replace(body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.body, s.etag = body, tag(body)
}

func (s *fakeStorage) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	body, etag := s.body, s.etag
	s.mu.Unlock()
	if etag != "" {
		w.Header().Set("ETag", `"`+etag+`"`)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// cut announces all of the body from the range's start on and sends n bytes of it.
func (s *fakeStorage) cut(w http.ResponseWriter, r *http.Request, n int) bool {
	from := 0
	if v := r.Header.Get("Range"); v != "" {
		from, _ = strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(v, "bytes="), "-"))
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(s.body)-1, len(s.body)))
	}
	w.Header().Set("ETag", `"`+s.etag+`"`)
	w.Header().Set("Content-Length", strconv.Itoa(len(s.body)-from))
	if from > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	_, _ = w.Write(s.body[from : from+n])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func fetchHTTP(t *testing.T, s *fakeStorage, cfg fetch.Config) (*fetch.Archive, int, error) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	links := 0
	var log bytes.Buffer
	source := New(Config{Client: &fakeAPI{link: func() (string, error) {
		links++
		return server.URL + "/raw-logs/x.zip?AWSAccessKeyId=CANARYkey&Expires=1&Signature=" + canary, nil
	}}})
	if cfg.Backoff == 0 {
		cfg.Backoff = time.Millisecond
	}
	if cfg.Attempts == 0 {
		cfg.Attempts = 4
	}
	cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a, err := fetch.New(source, cfg).Fetch(t.Context(), listed)
	text := log.String()
	if err != nil {
		text += err.Error() + fmt.Sprintf("%+v", err)
		if strings.Contains(err.Error(), listed.Name) {
			t.Errorf("the error names the file, which whoever asked for it does, too: %v", err)
		}
	} else {
		t.Cleanup(a.Release)
	}
	if strings.Contains(text, "CANARY") || strings.Contains(text, "Signature=") {
		t.Errorf("leaks: %s", text)
	}
	return a, links, err
}

func content(t *testing.T, a *fetch.Archive) []byte {
	t.Helper()
	b, err := io.ReadAll(io.NewSectionReader(a, 0, a.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestHTTPFaults(t *testing.T) {
	t.Parallel()
	const size = 300_000
	old, replaced := pack.Random(size, 1), pack.Random(size, 2)
	flipped := slices.Clone(old)
	flipped[size/2] ^= 4
	send := func(w http.ResponseWriter, header http.Header, status int, body []byte) bool {
		for k, v := range header {
			w.Header()[k] = v
		}
		w.WriteHeader(status)
		_, _ = w.Write(body)
		return true
	}
	for _, tc := range []struct {
		name     string
		script   func(s *fakeStorage) func(n int, w http.ResponseWriter, r *http.Request) bool
		etag     string // default: the MD5; "-" for none
		want     []byte // nil for an error
		kind     dirs.Kind
		message  string
		requests int // 0: not checked
		links    int // 0: not checked
	}{
		{name: "plain", want: old, requests: 1, links: 1},
		{name: "no ETag", etag: "-", want: old, requests: 1},
		{name: "ETag of many parts", etag: tag(replaced) + "-2", want: old, requests: 1},
		{name: "cut twice", want: old, requests: 3, links: 1, script: func(s *fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(n int, w http.ResponseWriter, r *http.Request) bool { return n < 3 && s.cut(w, r, 100_000) }
		}},
		{name: "cut every 70 KB, more often than attempts", want: old, script: func(s *fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(n int, w http.ResponseWriter, r *http.Request) bool { return n < 5 && s.cut(w, r, 70_000) }
		}},
		{name: "cut without progress", kind: dirs.Unavailable, message: "(4 attempts)", requests: 4, script: func(s *fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(_ int, w http.ResponseWriter, r *http.Request) bool { return s.cut(w, r, 10) }
		}},
		{name: "range ignored", want: old, requests: 2, script: func(s *fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(n int, w http.ResponseWriter, r *http.Request) bool {
				if n == 1 {
					s.cut(w, r, 100_000)
				}
				return send(w, http.Header{"Etag": {`"` + s.etag + `"`}, "Content-Length": {strconv.Itoa(size)}}, 200, old)
			}
		}},
		{name: "another range", kind: dirs.Unavailable, message: "asked for bytes from 1000 on", script: func(s *fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(n int, w http.ResponseWriter, r *http.Request) bool {
				if n == 1 {
					s.cut(w, r, 1000)
				}
				return send(w, http.Header{"Content-Range": {"bytes 0-9/300000"}, "Content-Length": {"10"}}, 206, old[:10])
			}
		}},
		{name: "replaced between ranges", want: replaced, requests: 3, script: func(s *fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(n int, w http.ResponseWriter, r *http.Request) bool {
				if n == 1 {
					defer s.replace(replaced)
					s.cut(w, r, 100_000)
				}
				return false
			}
		}},
		{name: "replaced, and If-Match ignored", want: replaced, script: func(s *fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(n int, w http.ResponseWriter, r *http.Request) bool {
				if n == 1 {
					defer s.replace(replaced)
					s.cut(w, r, 100_000)
				}
				r.Header.Del("If-Match")
				return false
			}
		}},
		{name: "replaced for ever", kind: dirs.Changed, message: "the next run", script: func(s *fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(n int, w http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Range") != "" {
					return send(w, nil, 412, nil)
				}
				return s.cut(w, r, 100_000)
			}
		}},
		{name: "503 twice", want: old, requests: 3, script: func(*fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(n int, w http.ResponseWriter, _ *http.Request) bool { return n < 3 && send(w, nil, 503, nil) }
		}},
		{name: "500 for ever", kind: dirs.Unavailable, message: "HTTP 500 InternalError", requests: 4, script: func(*fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(_ int, w http.ResponseWriter, r *http.Request) bool {
				return send(w, nil, 500, []byte("<Error><Code>InternalError</Code><Message>"+r.URL.RawQuery+"</Message></Error>"))
			}
		}},
		{name: "expired link", want: old, requests: 2, links: 2, script: func(*fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(n int, w http.ResponseWriter, _ *http.Request) bool { return n == 1 && send(w, nil, 403, nil) }
		}},
		{name: "link expired in mid-body", want: old, requests: 3, links: 2, script: func(s *fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(n int, w http.ResponseWriter, r *http.Request) bool {
				return n == 1 && s.cut(w, r, 100_000) || n == 2 && send(w, nil, 403, nil)
			}
		}},
		{name: "every link refused", kind: dirs.Denied, message: "HTTP 403 SignatureDoesNotMatch", requests: 3, links: 3, script: func(*fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(_ int, w http.ResponseWriter, r *http.Request) bool {
				return send(w, nil, 403, []byte("<Error><Code>SignatureDoesNotMatch</Code><SignatureProvided>"+r.URL.Query().Get("Signature")+"</SignatureProvided></Error>"))
			}
		}},
		{name: "gone", kind: dirs.NotFound, message: "HTTP 404", requests: 1, script: func(*fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(_ int, w http.ResponseWriter, _ *http.Request) bool { return send(w, nil, 404, nil) }
		}},
		{name: "HTML", kind: dirs.NotLog, message: `begins with "<!DOCTYPE html>`, requests: 1, script: func(*fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				return send(w, http.Header{"Content-Type": {"text/html"}}, 200, []byte("<!DOCTYPE html>\x1b[31mlogin"))
			}
		}},
		{name: "JSON in octets", kind: dirs.NotLog, requests: 1, script: func(*fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				return send(w, http.Header{"Content-Type": {"application/octet-stream"}}, 200, []byte(`{"error":1}`))
			}
		}},
		{name: "octets, no ZIP", kind: dirs.NotLog, message: `"\x00\x01\x02"`, script: func(*fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				return send(w, http.Header{"Content-Type": {"application/zip"}}, 200, []byte("\x00\x01\x02"))
			}
		}},
		{name: "empty", kind: dirs.NotLog, message: "it is empty", script: func(*fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(_ int, w http.ResponseWriter, _ *http.Request) bool { return send(w, nil, 200, nil) }
		}},
		{name: "no length", kind: dirs.Failed, message: "sent no length", script: func(*fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				conn, _, err := w.(http.Hijacker).Hijack()
				if err == nil {
					_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\nPK\x03\x04")
					_ = conn.Close()
				}
				return true
			}
		}},
		{name: "chunked", want: old, script: func(*fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				_, _ = w.Write(old[:1000])
				w.(http.Flusher).Flush()
				_, _ = w.Write(old[1000:])
				return true
			}
		}},
		{name: "chunked and cut", kind: dirs.Unavailable, message: "unexpected EOF", script: func(*fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				_, _ = w.Write(old[:1000])
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
		}},
		{name: "bit flipped once", want: old, requests: 2, script: func(s *fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(n int, w http.ResponseWriter, _ *http.Request) bool {
				return n == 1 && send(w, http.Header{"Etag": {`"` + s.etag + `"`}}, 200, flipped)
			}
		}},
		{name: "bits flipped for ever", kind: dirs.Corrupt, message: "MD5", requests: 4, script: func(s *fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(n int, w http.ResponseWriter, _ *http.Request) bool {
				body := slices.Clone(old)
				body[100+n] ^= 1
				return send(w, http.Header{"Etag": {`"` + s.etag + `"`}}, 200, body)
			}
		}},
		{name: "ETag that is no MD5", etag: strings.Repeat("ab", 16), want: old, requests: 2},
		{name: "ETag of KMS", etag: strings.Repeat("ab", 16), want: old, requests: 1, script: func(s *fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
			return func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("x-amz-server-side-encryption", "aws:kms")
				return false
			}
		}},
		{name: "redirect", want: old, requests: 2, script: redirect(func(r *http.Request) string { return "/other?" + r.URL.RawQuery })},
		{name: "redirect to a file", kind: dirs.Refused, message: `scheme is "file"`, requests: 1,
			script: redirect(func(r *http.Request) string { return "file:///etc/passwd?" + r.URL.RawQuery })},
		{name: "redirect to ftp", kind: dirs.Refused, message: `scheme is "ftp"`, requests: 1,
			script: redirect(func(*http.Request) string { return "ftp://127.0.0.1/" })},
		{name: "redirect to plain http", kind: dirs.Refused, message: "plain http", requests: 1,
			script: redirect(func(r *http.Request) string { return "http://storage.example/?" + r.URL.RawQuery })},
		{name: "redirect to metadata", kind: dirs.Refused, message: "169.254.169.254", requests: 1,
			script: redirect(func(*http.Request) string { return "http://169.254.169.254/latest/meta-data/" })},
		{name: "redirect to link-local IPv6", kind: dirs.Refused, message: "fe80::1", requests: 1,
			script: redirect(func(*http.Request) string { return "https://[fe80::1%25eth0]/" })},
		{name: "redirect to nowhere", kind: dirs.Refused, message: "no usable redirect", requests: 1,
			script: redirect(func(r *http.Request) string { return "http://[bad/?" + r.URL.RawQuery })},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := &fakeStorage{body: old, etag: tag(old)}
			if tc.etag != "" {
				s.etag = strings.Trim(tc.etag, "-")
			}
			if tc.script != nil {
				s.script = tc.script(s)
			}
			a, links, err := fetchHTTP(t, s, fetch.Config{})
			if tc.requests > 0 && s.count() != tc.requests {
				t.Errorf("%d requests, want %d", s.count(), tc.requests)
			}
			if tc.links > 0 && links != tc.links {
				t.Errorf("%d links, want %d", links, tc.links)
			}
			if tc.want == nil {
				if err == nil || dirs.KindOf(err) != tc.kind || !strings.Contains(err.Error(), tc.message) {
					t.Errorf("got %v, want %v with %q", err, tc.kind, tc.message)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(content(t, a), tc.want) || a.File.Size != size {
				t.Errorf("other bytes than stored: %d of them", a.Size())
			}
			if s.etag != "" && tc.name != "chunked" && a.File.ETag != s.etag {
				t.Errorf("ETag %q, want %q", a.File.ETag, s.etag)
			}
		})
	}
}

func redirect(to func(*http.Request) string) func(*fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
	return func(*fakeStorage) func(int, http.ResponseWriter, *http.Request) bool {
		return func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n > 1 {
				return false
			}
			w.Header()["Location"] = []string{to(r)}
			w.WriteHeader(http.StatusTemporaryRedirect)
			return true
		}
	}
}
