package hoapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/answer"
	"rawlogs/internal/rawlog"
)

// storage opens files by presigned links. A link is asked for just before its
// first use, serves for the file's resumes, and is replaced when storage refuses it.
type storage struct {
	ask       func(context.Context, rawlog.File) (string, error) // for a link
	allowHTTP bool                                               // the API itself is plain http; else only this machine's own addresses may be
	api       string                                             // the API's host: links lead no nearer than it is
	tls       *tls.Config

	once      sync.Once
	transport http.RoundTripper
	proxies   sync.Map // host:port of those in use
	mu        sync.Mutex
	links     map[string]link
}

type link struct {
	url  string
	made time.Time
}

const (
	linkAge    = time.Hour // presigned links hold for eight
	mostLinks  = 1000      // that wait for a resume which may never come
	newLinks   = 2         // for one Open
	redirects  = 5
	errorBytes = 16 << 10
)

func (s *storage) open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error) {
	for tries := 0; ; tries++ {
		l, err := s.link(ctx, f)
		if err != nil {
			return nil, err
		}
		res, err := s.get(ctx, l, offset, etag)
		if err != nil {
			return nil, err
		}
		if res.StatusCode == http.StatusOK || res.StatusCode == http.StatusPartialContent {
			body, err := newBody(res, offset)
			if err != nil {
				_ = res.Body.Close()
				return nil, err
			}
			body.ReadCloser = &linkBody{ReadCloser: res.Body, done: func() { s.forget(f) }, link: l}
			return body, nil
		}
		e := refusal(res)
		if e.Kind == dirs.Denied {
			s.forget(f)
			if tries < newLinks { //guard:new-link
				continue
			}
		}
		return nil, e
	}
}

// get sends one request and follows redirects by hand: net/http would print a
// Location that it cannot parse, signature included.
func (s *storage) get(ctx context.Context, link string, offset int64, etag string) (*http.Response, error) {
	s.once.Do(s.dial)
	u, err := url.Parse(link)
	if err != nil {
		return nil, refused("the link is not a URL")
	}
	for hop := 0; ; hop++ {
		if err := s.checkLink(ctx, u); err != nil { //guard:link-checked
			return nil, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, refused("the link makes no request")
		}
		req.Header.Set("User-Agent", "rawlogs-ingest")
		if offset > 0 {
			req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset)) //guard:download-resumed
		}
		if answer.Matchable(etag) {
			req.Header.Set("If-Match", `"`+etag+`"`)
		}
		res, err := s.transport.RoundTrip(req)
		if err != nil {
			return nil, answer.Broken(hideLink(err, u)) //guard:link-hidden
		}
		if res.StatusCode < 300 || res.StatusCode > 399 {
			return res, nil
		}
		_ = res.Body.Close()
		if hop == redirects { //guard:redirects-bounded
			return nil, refused(fmt.Sprintf("more than %d redirects", redirects))
		}
		next, err := u.Parse(res.Header.Get("Location"))
		if err != nil || res.Header.Get("Location") == "" {
			return nil, refused(fmt.Sprintf("storage answered %d with no usable redirect", res.StatusCode))
		}
		if u.Scheme == "https" && next.Scheme == "http" && !s.allowHTTP {
			return nil, refused("storage redirects from https to plain http")
		}
		u = next
	}
}

// dial makes the transport: an own one, so that nobody's default can switch
// verification off, and with a look at every address before it is dialled.
func (s *storage) dial() {
	toProxy := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	direct := *toProxy
	direct.ControlContext = s.checkDial
	s.transport = &http.Transport{
		Proxy: s.proxyFor,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if _, ok := s.proxies.Load(addr); ok {
				return toProxy.DialContext(ctx, network, addr)
			}
			return direct.DialContext(ctx, network, addr)
		},
		TLSClientConfig:       s.tls, //guard:storage-certificate
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
		DisableCompression:    true, // Content-Length and ranges are to be the file's own
		ForceAttemptHTTP2:     true,
	}
}

func (s *storage) link(ctx context.Context, f rawlog.File) (string, error) {
	s.mu.Lock()
	l, ok := s.links[key(f)]
	s.mu.Unlock()
	if ok && time.Since(l.made) < linkAge {
		return l.url, nil
	}
	made := time.Now()
	url, err := s.ask(ctx, f)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.links == nil || len(s.links) >= mostLinks {
		s.links = make(map[string]link) // those that are still needed are asked for again
	}
	s.links[key(f)] = link{url, made}
	return url, nil
}

func (s *storage) forget(f rawlog.File) {
	s.mu.Lock()
	delete(s.links, key(f))
	s.mu.Unlock()
}

func key(f rawlog.File) string { return string(f.Type) + " " + f.Name }

// linkBody forgets the link once the body was read to its end.
type linkBody struct {
	io.ReadCloser
	done func()
	link string
}

func (b *linkBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.done()
	} else if err != nil {
		if u, perr := url.Parse(b.link); perr == nil {
			err = hideLink(err, u)
		}
	}
	return n, err
}

// newBody reads the headers of a 200 or 206.
func newBody(res *http.Response, offset int64) (*dirs.Body, error) {
	b := &dirs.Body{
		ReadCloser:  res.Body,
		Size:        res.ContentLength,
		ETag:        answer.Tag(res.Header.Get("ETag")),
		ContentType: res.Header.Get("Content-Type"),
		NoMD5: res.Header.Get("X-Amz-Server-Side-Encryption") == "aws:kms" ||
			res.Header.Get("X-Amz-Server-Side-Encryption") == "aws:kms:dsse" ||
			res.Header.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm") != "",
	}
	if res.ContentLength < 0 && res.ProtoMajor == 1 && len(res.TransferEncoding) == 0 { //guard:length-required
		// The body ends where the connection does: a cut would look like an end.
		return nil, dirs.Fail(dirs.Failed, answer.ErrNoLength)
	}
	var err error
	if res.StatusCode == http.StatusPartialContent {
		b.Offset, b.Size, err = answer.Part(res.Header.Get("Content-Range"), offset, res.ContentLength)
	}
	return b, err
}

// refusal turns an answer that is not a success into an error and closes it.
// Of the body only S3's code is kept: the rest may repeat signature and key.
func refusal(res *http.Response) *dirs.Error {
	defer func() { _ = res.Body.Close() }()
	head, _ := io.ReadAll(io.LimitReader(res.Body, errorBytes)) // best effort: the status is what counts
	e := &dirs.Error{Kind: answer.KindOf(res.StatusCode), Status: res.StatusCode, RetryAfter: answer.RetryAfter(res.Header)}
	if m := regexp.MustCompile(`<Code>([A-Za-z0-9.]{1,64})</Code>`).FindSubmatch(head); m != nil {
		e.Code = string(m[1])
	}
	if e.Code == "ExpiredToken" || e.Code == "TokenRefreshRequired" {
		e.Kind = dirs.Denied // S3 says 400 here
	}
	return e
}

// hideLink makes sure that an error repeats no value of the link's query.
func hideLink(err error, u *url.URL) error {
	err = answer.Bare(err)
	text := err.Error()
	leaks := u.RawQuery != "" && strings.Contains(text, u.RawQuery)
	for _, values := range u.Query() {
		for _, v := range values {
			leaks = leaks || len(v) >= 8 && (strings.Contains(text, v) || strings.Contains(text, url.QueryEscape(v)))
		}
	}
	if !leaks {
		return err
	}
	return errors.New("the connection failed; its error is not shown, as it repeats part of the link")
}
