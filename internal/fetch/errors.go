package fetch

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rawlogs/internal/rawlog"
)

// Kind says what a caller can do about an error.
type Kind int

// The kinds of errors that a fetch ends with.
const (
	Failed      Kind = iota // anything that has no kind of its own
	Unavailable             // network trouble, stalls, short bodies, 5xx: worth another try
	Changed                 // not the version that was asked for
	Corrupt                 // the bytes differ from what storage announced
	NotFound                // listed but not there
	Denied                  // credentials or link refused
	NotZip                  // something else than a ZIP, e.g. a page of HTML
	Refused                 // a link or redirect that is not followed, a name that leaves the folder
	Untrusted               // TLS: the certificate does not prove the host
	NoSpace                 // the spool folder cannot take it
)

// String names the kind.
func (k Kind) String() string {
	names := [...]string{"failed", "unavailable", "changed", "corrupt", "not found", "denied", "not a ZIP", "refused",
		"untrusted certificate", "no space"}
	if int(k) < len(names) {
		return names[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// Error is how a fetch fails, unless its context ended first. Its text leaves the
// file's name to the caller, says where the file is if that is elsewhere, and never
// holds a link, a query or a signature.
type Error struct {
	File     rawlog.File
	Kind     Kind
	Status   int    // HTTP status, 0 if there was none
	Code     string // the storage's own code, e.g. NoSuchKey
	Err      error  // what lies below
	Attempts int    // how often it was tried, when more than once
	Source   bool   // it is not about this file: every other one of the source would meet it, too

	retryAfter time.Duration
}

// Error reads like not found: HTTP 404 NoSuchKey (…).
func (e *Error) Error() string {
	var b strings.Builder
	if at := e.File.At(); at != e.File.Name {
		b.WriteString("at " + Printable(at) + ": ")
	}
	b.WriteString(e.Kind.String())
	if e.Status != 0 {
		fmt.Fprintf(&b, ": HTTP %d", e.Status)
	}
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " (%d attempts)", e.Attempts)
	}
	if h := e.hint(); h != "" {
		b.WriteString("; " + h)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

func (e *Error) hint() string {
	switch e.Kind {
	case NotFound:
		return "it was listed but is gone: its retention may be over"
	case Denied:
		return "check the credentials and their rights on the storage"
	case Changed:
		return "it is being replaced: the next run takes the new one"
	case Untrusted:
		return "check this machine's clock and CA certificates (AWS_CA_BUNDLE for a store of your own)"
	case NoSpace:
		return "free some space, or choose another spool folder"
	default:
		return ""
	}
}

// KindOf returns the kind of the Error in err's chain; Failed if there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Failed
}

// retryable tells whether the same request may succeed a little later. Changed
// and Corrupt are worth a new start instead, and the rest is final.
func retryable(err error) bool { return KindOf(err) == Unavailable } //guard:transfer-retried

func fail(f rawlog.File, kind Kind, err error) *Error { return &Error{File: f, Kind: kind, Err: err} }

// transportError is a request that got no answer, or a body that broke off.
func transportError(f rawlog.File, err error) *Error {
	var refused *refusedError
	switch err = bare(err); {
	case errors.As(err, &refused):
		return fail(f, Refused, refused)
	case untrusted(err):
		return fail(f, Untrusted, err)
	}
	return fail(f, Unavailable, err)
}

// kindOfStatus maps an HTTP status that is no success.
func kindOfStatus(status int) Kind {
	switch {
	case status == http.StatusNotFound, status == http.StatusGone: //guard:not-found-final
		return NotFound
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return Denied
	case status == http.StatusPreconditionFailed, status == http.StatusRequestedRangeNotSatisfiable:
		return Changed // 416: it has become shorter than what is here already
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status == http.StatusTooEarly, status >= 500: //guard:server-errors-retried
		return Unavailable
	}
	return Failed
}

// bare takes *url.Error away, which would print a whole link.
func bare(err error) error {
	for {
		var u *url.Error
		if !errors.As(err, &u) {
			return err
		}
		err = u.Err
	}
}

// untrusted tells whether a TLS handshake failed for good.
func untrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &unknown) ||
		errors.As(err, &host) || errors.As(err, &invalid)
}

func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) //guard:disk-full
}

// Printable returns a file's name as it is, or quoted where it holds anything
// that a terminal or a log might take for more than text.
func Printable(name string) string {
	q := strconv.Quote(name)
	if q[1:len(q)-1] == name { //guard:names-printable
		return name
	}
	return q
}
