package fetch

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/answer"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
)

// transfer is the download of one file, by one goroutine.
type transfer struct {
	*Fetcher
	listed rawlog.File

	ctx    context.Context // ends with the caller's or with the total time-out
	cancel context.CancelCauseFunc
	total  *time.Timer
	due    time.Time

	etag   string // of the version being assembled; "" takes any
	size   int64  // of it; -1 if unknown
	offset int64  // bytes here so far
	head   []byte // the first of them
	sum    hash.Hash

	buf   []byte   // where they go: memory,
	spool *os.File // or disk,
	free  func()   // and how to give it back
}

var (
	errTotal = errors.New("total time-out")
	errIdle  = errors.New("idle time-out")
)

func newTransfer(ctx context.Context, d *Fetcher, f rawlog.File) *transfer {
	t := &transfer{Fetcher: d, listed: f, etag: f.ETag, size: -1, sum: md5.New()}
	t.ctx, t.cancel = context.WithCancelCause(ctx)
	t.due = time.Now().Add(d.TotalTimeout)
	t.total = time.AfterFunc(d.TotalTimeout, func() { t.cancel(errTotal) })
	return t
}

// close ends the transfer and gives back what no archive took over.
func (t *transfer) close() {
	t.total.Stop()
	t.cancel(nil)
	t.drop()
}

func (t *transfer) expired() bool { return errors.Is(context.Cause(t.ctx), errTotal) }

// restart forgets the bytes at hand; anyVersion also which version they were of.
func (t *transfer) restart(anyVersion bool) {
	t.rewind()
	if anyVersion {
		t.etag = ""
	}
	t.size = -1
	t.drop()
}

// makeWay gives back what the file has of a disk that is full, and reports whether
// other archives are there: once one of them is loaded, this file may have its room.
func (t *transfer) makeWay() bool {
	t.restart(false)
	return t.disk.shrink()
}

func (t *transfer) rewind() {
	t.offset, t.head = 0, t.head[:0]
	t.sum.Reset()
}

func (t *transfer) drop() {
	if t.buf != nil {
		t.buffers.put(t.buf)
	}
	if t.spool != nil {
		_ = t.spool.Close()
	}
	if t.free != nil {
		t.free()
	}
	t.buf, t.spool, t.free = nil, nil, nil
}

// attempt opens the source where the last attempt ended and reads to the end.
// What it got stays for the next attempt if it fails.
func (t *transfer) attempt() (*Archive, error) {
	ctx, cancel := context.WithCancelCause(t.ctx)
	defer cancel(nil)
	body, err := t.source.Open(ctx, t.listed, t.offset, t.etag)
	if err != nil {
		return nil, err
	}
	taken := false
	defer func() {
		if !taken {
			_ = body.Close()
		}
	}()
	if err := t.adopt(body); err != nil {
		return nil, err
	}
	if body.File != nil && t.size > t.SpoolOver {
		archive, err := t.direct(body)
		taken = err == nil
		return archive, err
	}
	if t.buf == nil && t.spool == nil {
		if err := t.allocate(); err != nil {
			return nil, err
		}
	}
	if err := t.copy(ctx, cancel, body); err != nil {
		return nil, err
	}
	return t.finish(body)
}

// adopt compares a body with what is known of the file: it must go on where the
// last one ended, with the same version.
func (t *transfer) adopt(b *dirs.Body) error {
	if t.etag != "" && b.ETag != "" && t.etag != b.ETag {
		return dirs.Fail(dirs.Changed, errors.New("its ETag is another than before"))
	}
	if t.size >= 0 && b.Size >= 0 && t.size != b.Size {
		return dirs.Fail(dirs.Changed, fmt.Errorf("it had %d bytes before and has %d now", t.size, b.Size))
	}
	// A version other than the listed one has a size of its own.
	same := t.listed.ETag == "" || b.ETag == "" || t.listed.ETag == b.ETag
	if same && t.listed.Size >= 0 && b.Size >= 0 && t.listed.Size != b.Size {
		return dirs.Fail(dirs.Corrupt, fmt.Errorf("it was listed with %d bytes, storage sends %d", t.listed.Size, b.Size))
	}
	if b.Offset != t.offset {
		if b.Offset != 0 {
			return dirs.Fail(dirs.Unavailable, fmt.Errorf("asked for bytes from %d on, got them from %d on", t.offset, b.Offset))
		}
		t.rewind() // the range was ignored: this is the whole file again
	}
	if b.ETag != "" {
		t.etag = b.ETag
	}
	if b.Size >= 0 {
		t.size = b.Size
	}
	return nil
}

// allocate finds room for the file, waiting until there is. The open body
// waits, too: should its connection not live that long, the next attempt resumes.
func (t *transfer) allocate() error {
	t.total.Stop()
	left := time.Until(t.due)
	defer func() {
		t.due = time.Now().Add(left)
		t.total.Reset(left)
	}()
	var err error
	if t.size >= 0 && t.size <= t.SpoolOver {
		if t.free, err = t.memory.acquire(t.ctx, capacity(t.size)); err == nil {
			t.buf = t.buffers.take(t.size)
		}
		return err
	}
	if t.free, err = t.disk.acquire(t.ctx, max(t.size, t.SpoolOver)); err != nil {
		return err
	}
	if t.spool, err = newSpool(t.SpoolDir); err != nil {
		return t.spoolError(err)
	}
	return nil
}

func (t *transfer) spoolError(err error) error {
	kind := dirs.Failed
	if diskFull(err) {
		kind = dirs.NoSpace
	}
	need := ""
	if t.size >= 0 {
		need = fmt.Sprintf(" for %d bytes", t.size)
	}
	return dirs.Fail(kind, fmt.Errorf("spool folder %s%s: %w", plain.Name(t.SpoolDir), need, dirs.Pathless(err)))
}

// copy reads the body to its end. Too little in too long a time ends it by
// cancelling its context.
func (t *transfer) copy(ctx context.Context, cancel context.CancelCauseFunc, body *dirs.Body) error {
	const little = 4 << 10
	watchdog := time.AfterFunc(t.IdleTimeout, func() { cancel(errIdle) }) //guard:idle-body
	defer watchdog.Stop()
	var chunk []byte
	if t.buf == nil {
		chunk = t.buffers.take(256 << 10)
		defer t.buffers.put(chunk)
	}
	fed := 0
	for {
		p := chunk
		if t.buf != nil {
			p = t.buf[t.offset:]
		}
		end := t.size >= 0 && t.offset == t.size
		if end {
			p = make([]byte, 1) // the SDK compares its checksum only when it sees the end
		}
		n, err := body.Read(p)
		if n > 0 && (end || t.size >= 0 && t.offset+int64(n) > t.size) {
			return dirs.Fail(dirs.Corrupt, fmt.Errorf("storage sends more than the %d bytes it announced", t.size))
		}
		if refusal := t.accept(p[:n], body); refusal != nil {
			return refusal
		}
		if fed += n; fed >= little { //guard:trickle-is-idle
			fed = 0
			watchdog.Reset(t.IdleTimeout)
		}
		if err != nil {
			return t.ended(ctx, err)
		}
	}
}

// accept stores and sums up bytes that go at t.offset.
func (t *transfer) accept(p []byte, body *dirs.Body) error {
	if len(p) == 0 {
		return nil
	}
	if t.spool != nil {
		if _, err := t.spool.WriteAt(p, t.offset); err != nil {
			return t.spoolError(err)
		}
	}
	const enough = 64
	if room := enough - len(t.head); room > 0 {
		t.head = append(t.head, p[:min(room, len(p))]...)
		if t.isPage(body.ContentType) {
			return t.notLog(body)
		}
	}
	if body.File == nil {
		_, _ = t.sum.Write(p) // a hash never fails
	}
	t.offset += int64(len(p))
	return nil
}

// ended decides what the end of a body means.
func (t *transfer) ended(ctx context.Context, err error) error {
	end := errors.Is(err, io.EOF)
	switch {
	case end && (t.size < 0 || t.offset == t.size): //guard:early-end
		return nil
	case end:
		return dirs.Fail(dirs.Unavailable, fmt.Errorf("the body ended after %d of %d bytes", t.offset, t.size))
	case errors.Is(context.Cause(ctx), errIdle):
		return dirs.Fail(dirs.Unavailable, fmt.Errorf("little or nothing came for %v after %d bytes", t.IdleTimeout, t.offset))
	case t.offset == t.size:
		// Every byte came, so the connection did not break: the SDK compared its checksum.
		return dirs.Fail(dirs.Corrupt, answer.Bare(err))
	}
	return answer.Broken(fmt.Errorf("after %d bytes: %w", t.offset, answer.Bare(err)))
}

// finish verifies the whole and hands it over.
func (t *transfer) finish(body *dirs.Body) (*Archive, error) {
	if body.Changed != nil && body.Changed() {
		return nil, dirs.Fail(dirs.Changed, errors.New("it was written to while it was read"))
	}
	t.size = t.offset
	if !body.NoMD5 {
		if err := t.md5s.check(t, t.etag, t.sum.Sum(nil)); err != nil {
			return nil, err
		}
	}
	if t.size == 0 {
		return nil, dirs.Fail(dirs.NotLog, errors.New("it is empty"))
	}
	if _, ok := rawlog.FormatOf(t.head, t.listed.At()); !ok { //guard:zip-magic
		return nil, t.notLog(body)
	}
	a := t.archive(body)
	a.Checked = body.File != nil || !body.NoMD5 && strings.EqualFold(hex.EncodeToString(t.sum.Sum(nil)), t.etag)
	free := t.free
	if buf := t.buf; buf != nil {
		a.reader = bytes.NewReader(buf)
		a.release = func() { t.buffers.put(buf); free() }
	} else {
		spool := t.spool
		a.reader = spool
		a.release = func() { _ = spool.Close(); free() }
	}
	t.buf, t.spool, t.free = nil, nil, nil
	return a, nil
}

// direct hands over a file of this machine without a copy.
func (t *transfer) direct(body *dirs.Body) (*Archive, error) {
	t.head = make([]byte, 16)
	if n, err := body.File.ReadAt(t.head, 0); err == nil || errors.Is(err, io.EOF) {
		t.head = t.head[:n]
	} else {
		return nil, dirs.Fail(dirs.Failed, dirs.Pathless(err))
	}
	if _, ok := rawlog.FormatOf(t.head, t.listed.At()); !ok || t.isPage(body.ContentType) {
		return nil, t.notLog(body)
	}
	a := t.archive(body)
	a.Checked = true
	a.reader = io.NewSectionReader(body.File, 0, t.size)
	a.release = func() { _ = body.File.Close() }
	return a, nil
}

func (t *transfer) archive(body *dirs.Body) *Archive {
	a := &Archive{File: t.listed, Notes: body.Notes}
	a.File.Size, a.File.ETag = t.size, t.etag
	return a
}

func (t *transfer) notLog(body *dirs.Body) error {
	instead, what := "", ""
	if mark := rawlog.Mark(t.listed.At()); mark != "" {
		instead = fmt.Sprintf(" instead of %q", mark)
	}
	if body.ContentType != "" {
		what = fmt.Sprintf(" (Content-Type %.60q)", body.ContentType)
	}
	return dirs.Fail(dirs.NotLog, fmt.Errorf("it begins with %.40q%s%s", t.head[:min(16, len(t.head))], instead, what))
}

// isPage recognizes a page that stands where a file should, from its first bytes and
// from what the storage takes it for.
func (t *transfer) isPage(contentType string) bool {
	if len(t.head) < 4 {
		return false
	}
	format, ok := rawlog.FormatOf(t.head, t.listed.At())
	if ok && format != rawlog.Plain {
		return false
	}
	head := bytes.TrimLeft(t.head, "\ufeff \t\r\n")
	if len(head) > 0 && head[0] == '<' {
		return true
	}
	if rawlog.IsEvents(t.listed.At()) {
		return false // they are JSON, too
	}
	if len(head) > 0 && head[0] == '{' {
		return true
	}
	for _, page := range []string{"text/html", "application/json", "application/xml", "text/xml"} {
		if strings.HasPrefix(contentType, page) {
			return true
		}
	}
	return !ok && strings.HasPrefix(contentType, "text/")
}
