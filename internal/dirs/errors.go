package dirs

import (
	"errors"
	"io/fs"
	"strconv"
	"time"

	"rawlogs/internal/sentence"
)

// Kind says what can be done about an error.
type Kind int

// The kinds of errors. Corrupt, NotLog and NoSpace come of reading a body.
const (
	Failed      Kind = iota // anything that has no kind of its own
	Unavailable             // network trouble, stalls, short bodies, 5xx, throttling: worth another try
	Changed                 // not the version that was asked for: worth a new start
	Corrupt                 // the bytes differ from what storage announced: worth a new start
	NotFound                // listed but not there
	Denied                  // credentials or link refused
	NotLog                  // something else than its name says, e.g. a page of HTML
	Refused                 // a link or redirect that is not followed, a name that leaves the folder
	Untrusted               // TLS: the certificate does not prove the host
	NoSpace                 // the spool folder cannot take it
)

// String names the kind.
func (k Kind) String() string {
	names := [...]string{"failed", "unavailable", "changed", "corrupt", "not found", "denied", "not a raw log", "refused",
		"untrusted certificate", "no space"}
	if int(k) < len(names) {
		return names[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// Scope is how much an error is about.
type Scope int

// The scopes, from narrow to wide.
const (
	ScopeFile Scope = iota // this file
	ScopeType              // every file of its log type would meet it
	ScopeRun               // every file of the source would
)

// String names the scope.
func (s Scope) String() string {
	switch s {
	case ScopeFile:
		return "file"
	case ScopeType:
		return "type"
	case ScopeRun:
		return "run"
	}
	return "scope " + strconv.Itoa(int(s))
}

// Error is how a source fails, unless its context ended first. Its text leaves the
// file's name to the caller, and never holds a link, a query or a signature.
type Error struct {
	Kind       Kind
	Scope      Scope
	Status     int           // HTTP status, 0 if there was none
	Code       string        // the storage's own code, e.g. NoSuchKey
	Err        error         // what lies below
	RetryAfter time.Duration // how long the storage asks to be left alone, if it does
	Attempts   int           // how often it was tried, when more than once

	// Final says that the source has tried for as long as that made sense, and
	// that Err's text says all there is to say.
	Final bool
}

// Error reads like not found: HTTP 404 NoSuchKey (…).
func (e *Error) Error() string {
	if e.Final && e.Err != nil {
		return e.Err.Error()
	}
	return sentence.Sentence{
		What: e.Kind.String(), Status: e.Status, Code: e.Code, Cause: e.Err, Attempts: e.Attempts, Hint: e.hint(),
	}.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

func (e *Error) hint() string {
	switch e.Kind {
	case NotFound:
		if e.Scope == ScopeFile {
			return "it was listed but is gone: its retention may be over"
		}
	case Denied:
		return "check the credentials and their rights on the storage"
	case Changed:
		return "it is being replaced: the next run takes the new one"
	case Untrusted:
		return "check this machine's clock and CA certificates (AWS_CA_BUNDLE for a store of your own)"
	case NoSpace:
		return "free some space, or choose another spool folder"
	default:
	}
	return ""
}

// KindOf returns the kind of the Error in err's chain; Failed if there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Failed
}

// ScopeOf returns the scope of the Error in err's chain; ScopeFile if there is none.
func ScopeOf(err error) Scope {
	var e *Error
	if errors.As(err, &e) {
		return e.Scope
	}
	return ScopeFile
}

// Fail makes an Error about one file.
func Fail(kind Kind, err error) *Error { return &Error{Kind: kind, Err: err} }

// OfRun makes of err, which is not nil, an Error about the whole run, in its own words.
func OfRun(err error) *Error {
	return &Error{Kind: KindOf(err), Scope: ScopeRun, Err: err, Final: true}
}

// Pathless keeps what went wrong with a file of this machine and leaves out the
// path, which the file's name stands for.
func Pathless(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
