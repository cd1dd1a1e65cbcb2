package fetch

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
	"strconv"
	"strings"
	"sync"
	"time"

	"rawlogs/internal/rawlog"
)

// HTTP opens files by presigned links. A link is asked for just before its
// first use, serves for the file's resumes, and is replaced when storage refuses it.
type HTTP struct {
	// Link makes a link for a file. Its errors are passed on as they are.
	Link func(context.Context, rawlog.File) (string, error)
	// AllowHTTP permits plain http to any host, for an API that is itself plain;
	// otherwise only this machine's own addresses may do without TLS.
	AllowHTTP bool
	// API is the host that the links come from. Where it is on this machine or in
	// a private network, links may lead there too; otherwise never.
	API string
	// TLS may name other CA certificates; nil means the system's.
	TLS *tls.Config
	// HeaderTimeout bounds the wait for an answer's headers; default 60 s.
	HeaderTimeout time.Duration

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

// Open implements Source.
func (h *HTTP) Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*Body, error) {
	for tries := 0; ; tries++ {
		l, err := h.link(ctx, f)
		if err != nil {
			return nil, err
		}
		res, err := h.get(ctx, f, l, offset, etag)
		if err != nil {
			return nil, err
		}
		if res.StatusCode == http.StatusOK || res.StatusCode == http.StatusPartialContent {
			body, err := newBody(f, res, offset)
			if err != nil {
				_ = res.Body.Close()
				return nil, err
			}
			body.ReadCloser = &linkBody{ReadCloser: res.Body, done: func() { h.forget(f) }, link: l}
			return body, nil
		}
		e := answerError(f, res)
		if e.Kind == Denied {
			h.forget(f)
			if tries < newLinks { //guard:new-link
				continue
			}
		}
		return nil, e
	}
}

// get sends one request and follows redirects by hand: net/http would print a
// Location that it cannot parse, signature included.
func (h *HTTP) get(ctx context.Context, f rawlog.File, link string, offset int64, etag string) (*http.Response, error) {
	h.once.Do(h.dial)
	u, err := url.Parse(link)
	if err != nil {
		return nil, fail(f, Refused, errors.New("the link is no URL"))
	}
	for hop := 0; ; hop++ {
		if err := h.checkLink(ctx, u); err != nil { //guard:link-checked
			return nil, fail(f, Refused, err)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, fail(f, Refused, errors.New("the link makes no request"))
		}
		req.Header.Set("User-Agent", "rawlogs-ingest")
		if offset > 0 {
			req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset)) //guard:download-resumed
		}
		if etag != "" && !weak(etag) {
			req.Header.Set("If-Match", `"`+etag+`"`)
		}
		res, err := h.transport.RoundTrip(req)
		if err != nil {
			return nil, transportError(f, hideLink(err, u)) //guard:link-hidden
		}
		if res.StatusCode < 300 || res.StatusCode > 399 {
			return res, nil
		}
		_ = res.Body.Close()
		if hop == redirects { //guard:redirects-bounded
			return nil, fail(f, Refused, fmt.Errorf("more than %d redirects", redirects))
		}
		next, err := u.Parse(res.Header.Get("Location"))
		if err != nil || res.Header.Get("Location") == "" {
			return nil, fail(f, Refused, fmt.Errorf("storage answered %d with no usable redirect", res.StatusCode))
		}
		if u.Scheme == "https" && next.Scheme == "http" && !h.AllowHTTP {
			return nil, fail(f, Refused, errors.New("storage redirects from https to plain http"))
		}
		u = next
	}
}

// dial makes the transport: an own one, so that nobody's default can switch
// verification off, and with a look at every address before it is dialled.
func (h *HTTP) dial() {
	wait := h.HeaderTimeout
	if wait <= 0 {
		wait = time.Minute
	}
	toProxy := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	direct := *toProxy
	direct.ControlContext = h.checkDial
	h.transport = &http.Transport{
		Proxy: h.proxyFor,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if _, ok := h.proxies.Load(addr); ok {
				return toProxy.DialContext(ctx, network, addr)
			}
			return direct.DialContext(ctx, network, addr)
		},
		TLSClientConfig:       h.TLS, //guard:storage-certificate
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: wait,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
		DisableCompression:    true, // Content-Length and ranges are to be the file's own
		ForceAttemptHTTP2:     true,
	}
}

func (h *HTTP) link(ctx context.Context, f rawlog.File) (string, error) {
	h.mu.Lock()
	l, ok := h.links[key(f)]
	h.mu.Unlock()
	if ok && time.Since(l.made) < linkAge {
		return l.url, nil
	}
	made := time.Now()
	s, err := h.Link(ctx, f)
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", f.Type, Printable(f.Name), err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.links == nil || len(h.links) >= mostLinks {
		h.links = make(map[string]link) // whoever still wanted one asks again
	}
	h.links[key(f)] = link{s, made}
	return s, nil
}

func (h *HTTP) forget(f rawlog.File) {
	h.mu.Lock()
	delete(h.links, key(f))
	h.mu.Unlock()
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
func newBody(f rawlog.File, res *http.Response, offset int64) (*Body, error) {
	b := &Body{
		ReadCloser:  res.Body,
		Size:        res.ContentLength,
		ETag:        unquote(res.Header.Get("ETag")),
		ContentType: res.Header.Get("Content-Type"),
		NoMD5: res.Header.Get("X-Amz-Server-Side-Encryption") == "aws:kms" ||
			res.Header.Get("X-Amz-Server-Side-Encryption") == "aws:kms:dsse" ||
			res.Header.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm") != "",
	}
	if res.ContentLength < 0 && res.ProtoMajor == 1 && len(res.TransferEncoding) == 0 { //guard:length-required
		// The body ends where the connection does: a cut would look like an end.
		return nil, fail(f, Failed, errors.New("storage tells no length, so a body cut short would go unnoticed"))
	}
	if res.StatusCode != http.StatusPartialContent {
		return b, nil
	}
	first, last, total, err := parseContentRange(res.Header.Get("Content-Range"))
	switch {
	case err != nil:
		return nil, fail(f, Unavailable, err)
	case first != offset:
		return nil, fail(f, Unavailable, fmt.Errorf("asked for bytes from %d on, storage sends them from %d on", offset, first))
	case res.ContentLength >= 0 && res.ContentLength != last-first+1:
		return nil, fail(f, Unavailable, fmt.Errorf("Content-Length %d contradicts Content-Range", res.ContentLength))
	}
	b.Offset, b.Size = first, total
	return b, nil
}

// parseContentRange reads "bytes 5-9/10"; total is -1 for "bytes 5-9/*".
func parseContentRange(s string) (first, last, total int64, err error) {
	bad := fmt.Errorf("Content-Range %.60q is none that was asked for", s)
	span, size, ok := strings.Cut(strings.TrimPrefix(s, "bytes "), "/")
	from, to, dash := strings.Cut(span, "-")
	if !ok || !dash || !strings.HasPrefix(s, "bytes ") {
		return 0, 0, 0, bad
	}
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	total, err3 := int64(-1), error(nil)
	if size != "*" {
		total, err3 = strconv.ParseInt(size, 10, 64)
	}
	if err1 != nil || err2 != nil || err3 != nil || first < 0 || last < first || total >= 0 && last >= total {
		return 0, 0, 0, bad
	}
	return first, last, total, nil
}

// answerError turns an answer that is no success into an error and closes it.
// Of the body only S3's code is kept: the rest may repeat signature and key.
func answerError(f rawlog.File, res *http.Response) *Error {
	defer func() { _ = res.Body.Close() }()
	head, _ := io.ReadAll(io.LimitReader(res.Body, errorBytes)) // best effort: the status is what counts
	e := &Error{File: f, Kind: kindOfStatus(res.StatusCode), Status: res.StatusCode}
	if m := regexp.MustCompile(`<Code>([A-Za-z0-9.]{1,64})</Code>`).FindSubmatch(head); m != nil {
		e.Code = string(m[1])
	}
	if e.Code == "ExpiredToken" || e.Code == "TokenRefreshRequired" {
		e.Kind = Denied // S3 says 400 here
	}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		e.retryAfter = time.Duration(s) * time.Second
	}
	return e
}

// hideLink makes sure that an error repeats no value of the link's query.
func hideLink(err error, u *url.URL) error {
	err = bare(err)
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
	return errors.New("the connection failed; its error is not shown, as it repeats a part of the link")
}
