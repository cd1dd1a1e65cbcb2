// Package sentence gives the errors of servers one shape: what happened, with which
// HTTP status, what the server says, what lies below, and what to do.
package sentence

import (
	"fmt"
	"strings"
)

// mostSaid is how many things that a server says are repeated.
const mostSaid = 3

// Sentence reads like not found: HTTP 404 NoSuchKey: …: … (3 attempts); what to do.
// Fields that are not set are left out.
type Sentence struct {
	What     string
	Status   int      // of HTTP
	Code     string   // the server's own, e.g. NoSuchKey
	Said     []string // by the server, fit to be shown
	About    string   // the parameter that it is about, fit to be shown
	Cause    error
	Attempts int // how often it was tried, when more than once
	Hint     string
}

// String is the sentence in one line.
func (s Sentence) String() string {
	var b strings.Builder
	b.WriteString(s.What)
	if s.Status != 0 {
		fmt.Fprintf(&b, ": HTTP %d", s.Status)
	}
	if s.Code != "" {
		b.WriteString(" " + s.Code)
	}
	if said := s.Said[:min(len(s.Said), mostSaid)]; len(said) > 0 {
		b.WriteString(": " + strings.Join(said, "; "))
	}
	if n := len(s.Said) - mostSaid; n > 0 {
		fmt.Fprintf(&b, "; and %d more", n)
	}
	if s.About != "" {
		fmt.Fprintf(&b, " [%s]", s.About)
	}
	if s.Cause != nil {
		fmt.Fprintf(&b, ": %v", s.Cause)
	}
	if s.Attempts > 1 {
		fmt.Fprintf(&b, " (%d attempts)", s.Attempts)
	}
	if s.Hint != "" {
		b.WriteString("; " + s.Hint)
	}
	return b.String()
}
