package simnet

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"rawlogs/internal/rawlog"
)

// Faults is what goes wrong in a network. Its zero value is nothing; every
// method may be called while the network serves.
type Faults struct {
	mu        sync.Mutex
	revoked   bool
	noPrefix  bool
	retired   bool
	stale     int // links that are yet to be handed out expired
	linkValid time.Duration
	answer    func(Request) *Answer
	listing   func(Request, []rawlog.File) []rawlog.File
}

// Request is a call as faults see it, after it was counted and before it is
// answered.
type Request struct {
	Method  string      // listLogs
	Type    rawlog.Type // "" where none was given
	DateDir string
	Name    string // log_filename
	N       int    // number of this call among those of its method, from 1
}

// Answer replaces the API's own.
type Answer struct {
	Status int // HTTP; 0 is 200
	Type   string
	Body   string
	Reset  bool          // no answer: the connection is reset
	Cut    bool          // the connection ends after the body's half, of a longer Content-Length
	Stall  time.Duration // wait before it, or for the client to go away
}

// RateLimited is the refusal of a call too many, in the recorded words.
func RateLimited(limit int, window time.Duration, usage int) *Answer {
	return Failure(fmt.Sprintf("API usage exceeded rate limit.  Configured: %d/%gs window; Your usage: %d.  Please slow down and try again.",
		limit, window.Seconds(), usage))
}

// GatewayTimeout is the 504 that large reports end in.
func GatewayTimeout() *Answer {
	return &Answer{Status: http.StatusGatewayTimeout, Type: "text/html", Body: "<html><head><title>504 Gateway Time-out</title></head><body><center><h1>504 Gateway Time-out</h1></center></body></html>"}
}

// Page is a page of HTML with status 200, as of a captive portal.
func Page() *Answer {
	return &Answer{Type: "text/html; charset=utf-8", Body: "<!DOCTYPE html><html><body><h1>Scheduled maintenance</h1></body></html>"}
}

// Empty is a 200 without a body.
func Empty() *Answer { return &Answer{Type: "application/json"} }

// Intercept lets f answer instead of the API where it returns an Answer; nil
// ends it. f is called for several calls at once.
func (f *Faults) Intercept(answer func(Request) *Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

// EditListing lets f change what listLogs shows: leave out, repeat, reorder.
// Date directories follow from what an edited listing of everything shows. nil
// ends it. f owns the slice.
func (f *Faults) EditListing(edit func(Request, []rawlog.File) []rawlog.File) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listing = edit
}

// RevokeToken makes the network refuse its own token, or take it again.
func (f *Faults) RevokeToken(revoked bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revoked = revoked
}

// RetireRawLogs ends the target RawLog, as a vendor that has deprecated it may; or brings
// it back.
func (f *Faults) RetireRawLogs(retired bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retired = retired
}

// NoPrefixes makes listLogs take whole days only: a month or year lists nothing.
func (f *Faults) NoPrefixes(refuse bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noPrefix = refuse
}

// ExpireLinks makes the next count links expired when they are handed out:
// storage answers them with 403. Negative: all, until it is 0 again.
func (f *Faults) ExpireLinks(count int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stale = count
}

// LinkValid changes how long links work that are handed out from now on; 0 is
// the network's own time again.
func (f *Faults) LinkValid(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.linkValid = d
}

// Shrink is an edit of listings that leaves out all but every k-th file.
func Shrink(k int) func(Request, []rawlog.File) []rawlog.File {
	return func(_ Request, files []rawlog.File) []rawlog.File {
		i := -1
		return slices.DeleteFunc(files, func(rawlog.File) bool { i++; return i%k != 0 })
	}
}

// Repeat is an edit of listings that shows every file twice.
func Repeat(_ Request, files []rawlog.File) []rawlog.File { return append(files, files...) }

// Reorder is an edit of listings that puts the oldest first.
func Reorder(_ Request, files []rawlog.File) []rawlog.File {
	slices.Reverse(files)
	return files
}

func (f *Faults) intercept(r Request) *Answer {
	f.mu.Lock()
	answer := f.answer
	f.mu.Unlock()
	if answer == nil {
		return nil
	}
	return answer(r)
}

func (f *Faults) edit(r Request, files []rawlog.File) []rawlog.File {
	f.mu.Lock()
	edit := f.listing
	f.mu.Unlock()
	if edit == nil {
		return files
	}
	return edit(r, files)
}

func (f *Faults) isRevoked() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.revoked
}

func (f *Faults) hasRetiredRawLogs() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.retired
}

func (f *Faults) refusesPrefixes() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.noPrefix
}

// link takes the next link's lifetime, and whether it is over.
func (f *Faults) link(usual time.Duration) (valid time.Duration, expired bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stale != 0 {
		if f.stale > 0 {
			f.stale--
		}
		return usual, true
	}
	if f.linkValid > 0 {
		usual = f.linkValid
	}
	return usual, false
}
