package fetch

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit/pack"
)

// bytesSource serves bodies from memory and can be used inside a synctest bubble.
type bytesSource map[string][]byte

func (bytesSource) Name() string { return "bytes" }

func (bytesSource) Walk(context.Context, []rawlog.Type, []rawlog.Period, func(rawlog.File) error) error {
	return nil
}

func (bytesSource) Retention(context.Context) (map[rawlog.Type]int, error) {
	return map[rawlog.Type]int{}, nil
}

func (s bytesSource) Open(_ context.Context, f rawlog.File, offset int64, _ string) (*dirs.Body, error) {
	b := s[f.Name]
	return &dirs.Body{ReadCloser: io.NopCloser(bytes.NewReader(b[offset:])), Offset: offset, Size: int64(len(b))}, nil
}

// The bytes of all archives at once stay within the budget, and releases let waiters in.
func TestBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const each, budget = 100 << 10, 512 << 10
		body := pack.Random(each, 1)
		source := bytesSource{"f.zip": body}
		var full atomic.Int64
		d := New(source, Config{Memory: budget, Full: func() { full.Add(1) }})
		var held, most atomic.Int64
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				a, err := d.Fetch(t.Context(), rawlog.File{Name: "f.zip", Size: -1})
				if err != nil {
					t.Error(err)
					return
				}
				n := held.Add(capacity(each))
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				time.Sleep(time.Second)
				if !bytes.Equal(content(t, a), body) {
					t.Error("other bytes")
				}
				held.Add(-capacity(each))
				a.Release()
				a.Release()
				if _, err := a.ReadAt(make([]byte, 1), 0); !errors.Is(err, os.ErrClosed) {
					t.Errorf("read after release: %v", err)
				}
			})
		}
		synctest.Wait()
		if d.Waiting() != 40-budget/int(capacity(each)) || full.Load() != int64(d.Waiting()) {
			t.Errorf("%d waiting, told %d times", d.Waiting(), full.Load())
		}
		wg.Wait()
		if most.Load() > budget || most.Load() < budget/2 || d.Waiting() != 0 {
			t.Errorf("%d bytes held, %d waiting", most.Load(), d.Waiting())
		}
		if !d.memory.sem.TryAcquire(budget) {
			t.Error("the budget is not whole again")
		}
	})
}

func TestLargerThanTheBudgetIsAdmittedAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := New(bytesSource{"f.zip": pack.Random(300<<10, 1), "g.zip": pack.Random(10, 1)}, Config{Memory: 100 << 10})
		a, err := d.Fetch(t.Context(), rawlog.File{Name: "f.zip", Size: -1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := d.Fetch(ctx, rawlog.File{Name: "g.zip", Size: -1}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second one: %v", err)
		}
		a.Release()
		if a, err = d.Fetch(t.Context(), rawlog.File{Name: "g.zip", Size: -1}); err != nil {
			t.Fatal(err)
		}
		a.Release()
	})
}

// A wait for the budget is no part of a file's own time.
func TestWaitingIsNotTimed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := New(bytesSource{"f.zip": pack.Random(10, 1)}, Config{Memory: 1, TotalTimeout: time.Minute, IdleTimeout: time.Second})
		a, err := d.Fetch(t.Context(), rawlog.File{Name: "f.zip", Size: -1})
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Hour, a.Release)
		b, err := d.Fetch(t.Context(), rawlog.File{Name: "f.zip", Size: -1})
		if err != nil {
			t.Fatal(err)
		}
		b.Release()
	})
}

func TestCapacity(t *testing.T) {
	t.Parallel()
	for n := int64(0); n < 100<<20; n += n/7 + 1 {
		c := capacity(n)
		if c < n || c > max(64<<10, n+n/4+1) || capacity(c) != c {
			t.Fatalf("%d: %d, then %d", n, c, capacity(c))
		}
	}
}

func TestSpool(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	body := pack.Random(3<<20, 1)
	d := New(bytesSource{"f.zip": body}, Config{SpoolOver: 1 << 20, SpoolDir: dir})
	a, err := d.Fetch(t.Context(), rawlog.File{Name: "f.zip", Size: int64(len(body))})
	if err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("the spool folder shows %v, %v", left, err)
	}
	if !bytes.Equal(content(t, a), body) {
		t.Error("other bytes")
	}
	if !d.memory.sem.TryAcquire(d.Memory) {
		t.Error("a spooled file takes memory")
	}
	a.Release()
	if !d.disk.sem.TryAcquire(d.Disk) {
		t.Error("the disk budget is not whole again")
	}
}

func TestSpoolWithoutUnnamedFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, err := namedSpool(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("the spool folder shows %v, %v", left, err)
	}
	if info, err := file.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestSpoolFails(t *testing.T) {
	t.Parallel()
	body := pack.Random(3<<20, 1)
	missing := filepath.Join(t.TempDir(), "none")
	d := New(bytesSource{"f.zip": body}, Config{SpoolOver: 1 << 20, SpoolDir: missing})
	_, err := d.Fetch(t.Context(), rawlog.File{Name: "f.zip", Size: -1})
	if dirs.KindOf(err) != dirs.Failed || !strings.Contains(err.Error(), missing) || !d.disk.sem.TryAcquire(d.Disk) {
		t.Errorf("no folder: %v", err)
	}

	tr := newTransfer(t.Context(), New(nil, Config{SpoolDir: "/var/spool/x"}), listed)
	defer tr.close()
	tr.size = 3 << 20
	if tr.spool, err = os.OpenFile("/dev/full", os.O_WRONLY, 0); err != nil {
		t.Fatal(err)
	}
	err = tr.accept(body, &dirs.Body{})
	if dirs.KindOf(err) != dirs.NoSpace || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "spool folder /var/spool/x for 3145728 bytes") {
		t.Errorf("full disk: %v", err)
	}
}

// A spool that others fill is waited for; one that is full without them is an error.
func TestFullSpoolIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var waits atomic.Int64
		b := newBudget(100, &waits, nil)
		if b.shrink() {
			t.Error("nothing is in use, and something is to come free")
		}
		free, err := b.acquire(t.Context(), 40)
		if err != nil {
			t.Fatal(err)
		}
		if !b.shrink() || b.bound() != 40 {
			t.Errorf("in use 40, bound %d", b.bound())
		}
		done := make(chan error)
		go func() {
			more, err := b.acquire(t.Context(), 60) // more than there is room for: alone
			if err == nil {
				more()
			}
			done <- err
		}()
		synctest.Wait()
		if waits.Load() != 1 {
			t.Error("there is room for a second file")
		}
		if !b.shrink() || b.bound() != 40 {
			t.Errorf("with one that waits: bound %d", b.bound())
		}
		free()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestListedSizeIsChecked(t *testing.T) {
	t.Parallel()
	d := New(bytesSource{"f.zip": pack.Random(100, 1)}, Config{Backoff: time.Microsecond})
	_, err := d.Fetch(t.Context(), rawlog.File{Name: "f.zip", Size: 99})
	if dirs.KindOf(err) != dirs.Corrupt || !strings.Contains(err.Error(), "listed with 99 bytes, storage sends 100") {
		t.Errorf("got %v", err)
	}
}

// shorter closes its first body early, as if that were all.
type shorter struct {
	bytesSource
	opened *int
}

func (s shorter) Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error) {
	b, err := s.bytesSource.Open(ctx, f, offset, etag)
	if *s.opened++; *s.opened == 1 {
		b.ReadCloser = io.NopCloser(io.LimitReader(b.ReadCloser, 60))
	}
	return b, err
}

func TestEndBeforeTheAnnouncedSize(t *testing.T) {
	t.Parallel()
	body, opened := pack.Random(100, 1), 0
	d := New(shorter{bytesSource{"f.zip": body}, &opened}, Config{Backoff: time.Microsecond})
	a, err := d.Fetch(t.Context(), rawlog.File{Name: "f.zip", Size: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Release()
	got := make([]byte, a.Size())
	if _, err := a.ReadAt(got, 0); err != nil || !bytes.Equal(got, body) || opened != 2 {
		t.Errorf("%d of %d bytes after %d bodies: %v", len(got), len(body), opened, err)
	}
}

// longer sends more than it announces.
type longer struct{ bytesSource }

func (s longer) Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error) {
	b, err := s.bytesSource.Open(ctx, f, offset, etag)
	b.Size--
	return b, err
}

func TestMoreThanAnnounced(t *testing.T) {
	t.Parallel()
	for _, over := range []int64{0, 1} { // in memory, spooled
		d := New(longer{bytesSource{"f.zip": pack.Random(100, 1)}}, Config{Backoff: time.Microsecond, SpoolOver: over, SpoolDir: t.TempDir()})
		if _, err := d.Fetch(t.Context(), rawlog.File{Name: "f.zip", Size: -1}); dirs.KindOf(err) != dirs.Corrupt {
			t.Errorf("got %v", err)
		}
	}
}

// Once an ETag was an MD5, the same wrong bytes twice are corruption.
func TestProvenMD5(t *testing.T) {
	t.Parallel()
	good, bad := pack.Random(100, 1), pack.Random(100, 2)
	source := taggedSource{files: map[string]tagged{"good.zip": {good, tag(good)}, "bad.zip": {bad, tag(good)}}}
	d := New(source, Config{Backoff: time.Microsecond})
	if _, err := d.Fetch(t.Context(), rawlog.File{Name: "good.zip", Size: -1}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Fetch(t.Context(), rawlog.File{Name: "bad.zip", Size: -1}); dirs.KindOf(err) != dirs.Corrupt {
		t.Errorf("got %v", err)
	}
}

type taggedSource struct {
	bytesSource
	files map[string]tagged
}

type tagged struct {
	body []byte
	etag string
}

func (s taggedSource) Open(_ context.Context, f rawlog.File, offset int64, _ string) (*dirs.Body, error) {
	b := s.files[f.Name]
	return &dirs.Body{ReadCloser: io.NopCloser(bytes.NewReader(b.body[offset:])), Offset: offset, Size: int64(len(b.body)), ETag: b.etag}, nil
}

var listed = rawlog.File{Type: rawlog.Clicks, Name: "20160909/clicks-1473411600-SlY9UO.zip", Size: -1}

func tag(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

func content(t *testing.T, a *Archive) []byte {
	t.Helper()
	b, err := io.ReadAll(io.NewSectionReader(a, 0, a.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
