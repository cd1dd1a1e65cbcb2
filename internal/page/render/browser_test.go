package render

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"rawlogs/internal/page"
)

// patience bounds what the browser is asked, on a machine that others use as well.
const patience = 3 * time.Minute

// day is when the samples are made.
var day = time.Date(2026, 11, 27, 9, 20, 0, 0, time.UTC)

// browser is one Chromium for the tests of the package.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("chromium is not installed (apt-get install chromium)")
		}
		t.Skip("chromium is not installed (apt-get install chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WSURLReadTimeout(patience), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1360, 900))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// tab is a page in the browser, with all that it complained of and asked for.
type tab struct {
	*testing.T
	ctx context.Context
	*seen
}

// seen are the complaints of a page.
type seen struct {
	mu  sync.Mutex
	bad []string
}

// of is the same tab in a subtest.
func (tb *tab) of(t *testing.T) *tab { return &tab{T: t, ctx: tb.ctx, seen: tb.seen} }

// step is an action that returns nothing.
type step = chromedp.Action[chromedp.Void]

// call sends a command of the protocol.
func call[P, R any](c cdp.Command[P, R], params P) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// open shows a document in a tab of its own, from the disk.
func open(browser context.Context, t *testing.T, d page.Data, steps ...step) *tab {
	t.Helper()
	file := filepath.Join(t.TempDir(), "status.html")
	var b bytes.Buffer
	if err := Page(&b, d); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return visit(browser, t, "file://"+file, "", steps...)
}

// visit shows an address; another one that the page may ask for, too, may be given.
func visit(browser context.Context, t *testing.T, address, also string, steps ...step) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	tb := &tab{T: t, ctx: ctx, seen: &seen{}}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			tb.complain("console: %s %v", e.Type, e.Args)
		case *runtime.EventExceptionThrown:
			tb.complain("exception: %+v", e.ExceptionDetails)
		case *log.EventEntryAdded:
			if also == "" || !strings.Contains(e.Entry.Text, "401") { // before the sign-in
				tb.complain("log: %s", e.Entry.Text)
			}
		case *network.EventRequestWillBeSent:
			if e.Request.URL != address && e.Request.URL != also && !strings.HasPrefix(e.Request.URL, "data:,") {
				tb.complain("request: %s", e.Request.URL)
			}
		case *cdppage.EventJavascriptDialogOpening:
			tb.complain("dialog: %s", e.Message)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	tb.do(call(network.Enable, network.EnableParams{}), call(log.Enable, cdp.Empty{}), call(runtime.Enable, cdp.Empty{}))
	tb.do(append(steps, chromedp.Navigate(address))...)
	t.Cleanup(func() {
		tb.mu.Lock()
		defer tb.mu.Unlock()
		for _, text := range tb.bad {
			t.Error(text)
		}
	})
	return tb
}

func (tb *tab) complain(format string, args ...any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.bad = append(tb.bad, fmt.Sprintf(format, args...))
}

func (tb *tab) do(steps ...step) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tb.Fatal(err)
	}
}

// run runs an action that returns something.
func run[T any](tb *tab, action chromedp.Action[T]) T {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		tb.Fatal(err)
	}
	return value
}

// js evaluates an expression.
func js[T any](tb *tab, expression string) T {
	tb.Helper()
	return run(tb, chromedp.Evaluate[T](expression))
}

// want checks an expression of the page.
func want[T comparable](tb *tab, expression string, wanted T) {
	tb.Helper()
	if got := js[T](tb, expression); got != wanted {
		tb.Errorf("%s is %v; want %v", expression, got, wanted)
	}
}

func (tb *tab) has(expression string, parts ...string) {
	tb.Helper()
	got := js[string](tb, expression)
	for _, part := range parts {
		if !strings.Contains(got, part) {
			tb.Errorf("%s is %q; want %q in it", expression, got, part)
		}
	}
}

// shot keeps a picture, for eyes, where PAGE_SHOTS names a folder. That of the README is
// docs/status.png: see `make picture`.
func (tb *tab) shot(name string) {
	tb.Helper()
	dir := os.Getenv("PAGE_SHOTS")
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), run(tb, chromedp.CaptureScreenshot()), 0o600); err != nil {
		tb.Fatal(err)
	}
}

func dark() step {
	return call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
}
