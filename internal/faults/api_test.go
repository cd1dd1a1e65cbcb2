package faults

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/simnet"
)

// editing is an edit of the API's listings.
type editing = func(simnet.Request, []rawlog.File) []rawlog.File

func where(keep func(name string) bool) editing {
	return func(_ simnet.Request, files []rawlog.File) []rawlog.File {
		return slices.DeleteFunc(files, func(f rawlog.File) bool { return !keep(f.Name) })
	}
}

func body(response string) *simnet.Answer {
	return &simnet.Answer{Type: "application/json", Body: `{"request":{},"response":` + response + `}`}
}

// answers are the wrong answers of an API, and the kind of error that each is
// when it does not go away.
func answers() map[string]struct {
	answer *simnet.Answer
	kind   hasoffers.Kind
	passes bool // the client tries again
} {
	type wrong = struct {
		answer *simnet.Answer
		kind   hasoffers.Kind
		passes bool
	}
	return map[string]wrong{
		"status -1":                 {simnet.Failure("Something of our own."), hasoffers.Refused, false},
		"status -1 without message": {body(`{"status":-1,"httpStatus":200,"data":"","errors":[],"errorMessage":null}`), hasoffers.Refused, false},
		"errors as object":          {body(`{"errors":{"publicMessage":"Network id is not valid"},"errorMessage":"x"}`), hasoffers.Unauthenticated, false},
		"errors beside status 1":    {body(`{"status":1,"data":[],"errors":[{"publicMessage":"Odd."}]}`), hasoffers.Refused, false},
		"no status":                 {body(`{"data":[]}`), hasoffers.Malformed, true},
		"no data":                   {body(`{"status":1,"errors":[]}`), hasoffers.Malformed, true},
		"data null":                 {body(`{"status":1,"data":null,"errors":[]}`), hasoffers.Malformed, false},
		"data text":                 {body(`{"status":1,"data":"","errors":[]}`), hasoffers.Malformed, false},
		"data without its list":     {body(`{"status":1,"data":{"logType":"clicks"},"errors":[]}`), hasoffers.Malformed, false},
		"HTML":                      {simnet.Page(), hasoffers.Malformed, true},
		"empty body":                {simnet.Empty(), hasoffers.Malformed, true},
		"504":                       {simnet.GatewayTimeout(), hasoffers.Unavailable, true},
		"reset":                     {&simnet.Answer{Reset: true}, hasoffers.Unavailable, true},
		"cut short":                 {&simnet.Answer{Body: `{"request":{},"response":{"status":1,"data":[]}}`, Cut: true}, hasoffers.Unavailable, true},
		"cut short, and it says so": {&simnet.Answer{Body: `{"request":{},"response":{"status":1,"da`}, hasoffers.Malformed, true},
	}
}

// A listing that fails ends the run with a typed error: never with "0 files".
// One that fails in passing is asked for again.
func TestListingFails(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	for _, method := range []string{"listDateDirs", "listLogs"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			r := db.rig(t)
			a := r.api()
			a.publish(2)
			for name, tc := range answers() {
				a.net.Faults.Intercept(func(q simnet.Request) *simnet.Answer {
					if q.Method == method {
						return tc.answer
					}
					return nil
				})
				sum, err := r.run(a.source())
				if kind, ok := hasoffers.KindOf(err); !ok || kind != tc.kind || sum.Listed+sum.Loaded != 0 || len(r.entries()) != 0 {
					t.Errorf("%s: got %v, want %v; %+v", name, err, tc.kind, sum)
				}
			}
			r.options.DryRun = true
			for name, tc := range answers() {
				var left atomic.Int64
				left.Store(2)
				a.net.Faults.Intercept(func(q simnet.Request) *simnet.Answer {
					if q.Method == method && left.Add(-1) >= 0 {
						return tc.answer
					}
					return nil
				})
				if sum, err := r.run(a.source()); tc.passes && (err != nil || sum.Planned != 2) {
					t.Errorf("%s in passing: %v, %+v", name, err, sum)
				}
			}
			r.options.DryRun = false
			a.net.Faults.Intercept(nil)
			r.recover(a.source())
		})
	}
}

// A link that is not to be had fails its file with the reason, and no other.
func TestLinkFails(t *testing.T) {
	t.Parallel()
	link := func(url string) *simnet.Answer {
		return body(fmt.Sprintf(`{"status":1,"data":{"link":%q},"errors":[]}`, url))
	}
	cases := []struct {
		answer *simnet.Answer
		reason string
	}{
		{simnet.Failure("Something of our own."), "Something of our own."},
		{simnet.Page(), "HTML"},
		{simnet.Empty(), "empty"},
		{simnet.GatewayTimeout(), "HTTP 504"},
		{body(`{"status":1,"data":{},"errors":[]}`), "holds no link"},
		{simnet.Failure("\x1b]0;owned\x07 NetworkToken=CANARY"), "owned"},
		{link("file:///etc/passwd?Signature=CANARY"), `scheme is "file"`},
		{link("gopher://127.0.0.1/?Signature=CANARY"), `scheme is "gopher"`},
		{link("http://169.254.169.254/latest/meta-data/?X-Amz-Signature=CANARY"), "never storage"},
		{link("http://[fe80::1%25eth0]/?X-Amz-Signature=CANARY"), "never storage"},
		{link("http://storage.invalid/a.zip?X-Amz-Signature=CANARY"), "unavailable"},
		{link("http://127.0.0.1:1/a.zip?X-Amz-Signature=CANARY"), "refused"},
		{link("http://[bad/?Signature=CANARY"), "not a URL"},
	}
	r := newDatabase(t).rig(t)
	r.options.Download.Attempts = 2
	a := r.api()
	names := a.publish(len(cases) + 2)
	wrong := make(map[string]*simnet.Answer)
	held := maps.Clone(r.want)
	for i, tc := range cases {
		wrong[names[i]] = tc.answer
		r.want[key{rawlog.Clicks, names[i]}] = &wanted{failed: tc.reason}
	}
	a.net.Faults.Intercept(func(q simnet.Request) *simnet.Answer {
		if q.Method == "getDownloadLink" {
			return wrong[q.Name]
		}
		return nil
	})
	sum, err := r.run(a.source())
	if err != nil || sum.Loaded != 2 || sum.Failed != len(cases) {
		t.Fatalf("%v, %+v", err, sum)
	}
	r.check()
	a.net.Faults.Intercept(nil)
	r.want = held
	r.recover(a.source())
}

// A token revoked in mid-backfill stops the run at once; the ledger is intact,
// and the next run completes what is missing.
func TestTokenRevoked(t *testing.T) {
	t.Parallel()
	r := newDatabase(t).rig(t)
	a := r.api()
	a.publish(12)
	r.options.Fetchers = 2
	var links atomic.Int64
	a.net.Faults.Intercept(func(q simnet.Request) *simnet.Answer {
		if q.Method == "getDownloadLink" && links.Add(1) == 5 {
			a.net.Faults.RevokeToken(true)
		}
		return nil
	})
	sum, err := r.run(a.source())
	if kind, _ := hasoffers.KindOf(err); kind != hasoffers.Unauthenticated || sum.Failed != 0 || sum.Loaded+sum.Left != 12 || sum.Left == 0 {
		t.Fatalf("%v, %+v", err, sum)
	}
	if n := links.Load(); n > 8 {
		t.Errorf("%d links were asked for after the token was refused", n-5)
	}
	if sum, err := r.run(a.source()); err == nil || sum.Loaded != 0 {
		t.Errorf("a run with a refused token: %v, %+v", err, sum)
	}
	a.net.Faults.Intercept(nil)
	a.net.Faults.RevokeToken(false)
	r.recover(a.source())
}

// A refusal by the rate limit is waited out, whatever it hits.
func TestRateLimited(t *testing.T) {
	t.Parallel()
	r := newDatabase(t).rig(t)
	a := r.api()
	client, err := hasoffers.New(hasoffers.Config{
		NetworkID: a.net.ID(), Auth: hasoffers.NetworkToken(a.net.Token()), BaseURL: a.net.URL,
		Attempts: 1, Per: 300 * time.Millisecond, Backoff: time.Millisecond, Log: r.said.log(),
	})
	if err != nil {
		t.Fatal(err)
	}
	a.client = client
	a.publish(4)
	var mine atomic.Int64
	a.net.Faults.Intercept(func(simnet.Request) *simnet.Answer {
		if mine.Add(1)%4 == 1 {
			return simnet.RateLimited(50, 300*time.Millisecond, 51)
		}
		return nil
	})
	if sum, err := r.run(a.source()); err != nil || sum.Loaded != 4 {
		t.Fatalf("%v, %+v", err, sum)
	}
	a.net.Faults.Intercept(nil)
	r.recover(a.source())
}

// Listings that repeat, reorder and shrink: every file once, and what an
// earlier run knew of is missed.
func TestListingsOdd(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	for name, edit := range map[string]editing{"repeated": simnet.Repeat, "reordered": simnet.Reorder} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := db.rig(t)
			a := r.api()
			a.publish(4)
			a.net.Faults.EditListing(edit)
			if sum, err := r.run(a.source()); err != nil || sum.Loaded != 4 || sum.Listed != 4 {
				t.Fatalf("%v, %+v", err, sum)
			}
			a.net.Faults.EditListing(nil)
			r.recover(a.source())
		})
	}
	t.Run("shrunk", func(t *testing.T) {
		t.Parallel()
		r := db.rig(t)
		a := r.api()
		names := a.publish(6)
		// The first run learns of all files and can load none.
		a.net.Faults.Intercept(func(q simnet.Request) *simnet.Answer {
			if q.Method == "getDownloadLink" {
				return simnet.Failure("Not now.")
			}
			return nil
		})
		if sum, err := r.run(a.source()); err != nil || sum.Failed != 6 {
			t.Fatalf("%v, %+v", err, sum)
		}
		a.net.Faults.Intercept(nil)
		a.net.Faults.EditListing(without(names[:4]...))
		sum, err := r.run(a.source())
		if err != nil || sum.Loaded != 2 || len(sum.Missing) != 4 {
			t.Fatalf("%v, %+v", err, sum)
		}
		a.net.Faults.EditListing(nil)
		r.recover(a.source())
	})
}

// Links that expired before they were used are asked for anew; links that are
// refused for ever fail their files, until they no longer are.
func TestExpiredLinks(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	t.Run("some", func(t *testing.T) {
		t.Parallel()
		r := db.rig(t)
		a := r.api()
		a.publish(4)
		a.net.Faults.ExpireLinks(2)
		if sum, err := r.run(a.source()); err != nil || sum.Loaded != 4 {
			t.Fatalf("%v, %+v", err, sum)
		}
		r.recover(a.source())
	})
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		r := db.rig(t)
		a := r.api()
		a.publish(3)
		a.net.Faults.ExpireLinks(-1)
		sum, err := r.run(a.source())
		if err != nil || sum.Failed != 3 || !strings.Contains(sum.Failures[0].Err, "HTTP 403") {
			t.Fatalf("%v, %+v", err, sum)
		}
		a.net.Faults.ExpireLinks(0)
		r.recover(a.source())
	})
}

// Names are the API's own and only names: not paths, not SQL, not commands to a
// terminal.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	r := newDatabase(t).rig(t)
	a := r.api()
	names := []string{
		"20160930/'; DROP TABLE clicks; --.zip",
		"20160930/\x1b[31mred\x1b[0m.zip",
		"20160930/`tick`\"quote\"\\slash{a:b}%s.zip",
		"20160930/žluťoučký 漢字.zip",
		"20160930/clicks 'broken'\x1b[2J.zip",
	}
	for i, name := range names {
		_, body := r.clicks(i, 5)
		w := r.want
		made, _ := r.clicks(i, 5)
		w[key{rawlog.Clicks, name}] = w[key{rawlog.Clicks, made}]
		delete(w, key{rawlog.Clicks, made})
		if i == len(names)-1 {
			body = body[:len(body)/2]
			w[key{rawlog.Clicks, name}] = &wanted{failed: "zip: "}
		}
		a.put(name, i, body)
	}
	sum, err := r.run(a.source())
	if err != nil || sum.Loaded != 4 || sum.Failed != 1 {
		t.Fatalf("%v, %+v", err, sum)
	}
	r.check()
	if strings.ContainsRune(r.said.String(), '\x1b') {
		t.Error("a terminal's escape was logged as it is")
	}
	made, body := r.clicks(4, 5)
	r.want[key{rawlog.Clicks, names[4]}] = r.want[key{rawlog.Clicks, made}]
	delete(r.want, key{rawlog.Clicks, made})
	a.put(names[4], 4, body)
	r.recover(a.source())
}
