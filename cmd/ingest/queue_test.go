package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rawlogs/internal/testkit"
)

// event is one as the Firehose has it.
func event(action, id string) string {
	return fmt.Sprintf(`{"action":%q,"event_id":%q,"offer_id":3,"datetime":"2026-11-20 09:10:11","payout":10}`, action, id)
}

// envelope is a message as the queue delivers it: gzip, then base64.
func envelope(t *testing.T, events ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := fmt.Fprintf(z, `{"version":"1","events":[%s]}`, strings.Join(events, ","))
	if cerr := z.Close(); err != nil || cerr != nil {
		t.Fatal(err, cerr)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// newQueueProgram is a program with a queue and an archive.
func newQueueProgram(t *testing.T) (*program, *testkit.Queue) {
	t.Helper()
	q := testkit.SQS(t)
	p := newProgram(t, append(q.Env(), "INGEST_SOURCE=firehose:archive", "HASOFFERS_NETWORK_ID=acme")...).raced()
	if err := os.Mkdir(filepath.Join(p.dir, "archive"), 0o700); err != nil {
		t.Fatal(err)
	}
	return p, q
}

// events are the ids of a table's rows.
func (p *program) events(table string) string {
	p.t.Helper()
	out, _ := p.run(exitDone, "sql", "-f", "tsv", "SELECT arrayStringConcat(arraySort(groupArray(tune_event_id)), ' ') FROM "+table)
	return strings.TrimSpace(out)
}

// emptied fails the test unless everything in the queue is deleted.
func emptied(t *testing.T, q *testkit.Queue) {
	t.Helper()
	if waiting, received := q.Left(); waiting+received > 0 {
		t.Errorf("%d messages wait and %d are received", waiting, received)
	}
}

// From the queue into the tables: each event once, what cannot be read aside, and nothing
// left in the queue.
func TestFromQueue(t *testing.T) {
	t.Parallel()
	p, q := newQueueProgram(t)
	p.hold()
	whole := envelope(t, event("click", "5"))
	q.Send(
		envelope(t, event("click", "1"), event("conversion", "2"), event("impression", "3")),
		event("click", "4"), // JSON as it is
		"{\n  \"events\": [\n    "+event("click", "6")+"\n  ]\n}",
		strings.Join([]string{whole[:20], whole[20:]}, "\r\n"),
		envelope(t, event("click", "1"), event("click", "7")), // one of them again
		"neither one\nnor the other",
		base64.StdEncoding.EncodeToString([]byte("no gzip")),
		whole[:len(whole)/8*4], // cut short
		envelope(t, `{"action":"click","offer_id":3}`, event("click", "8")),
		`{"action":"click"`,
		" \n ",
	)
	out, errs := p.run(exitIncomplete, "firehose", "--queue", q.URL, "--max-messages", "11")
	for _, want := range []string{"received 11, deleted 11\n", "read 15 = stored 8 + left out 1 + rejected 6, in 1 file"} {
		if !strings.Contains(out, want) {
			t.Errorf("want %q in\n%s", want, out)
		}
	}
	for _, want := range []string{"neither JSON nor base64", "not gzip", "ends too early", "without event_id", "not JSON", "message="} {
		if !strings.Contains(errs, want) {
			t.Errorf("want %q in\n%s", want, errs)
		}
	}
	if got := p.events("clicks") + "; " + p.events("conversions") + "; " + p.events("impressions"); got != "1 4 5 6 7 8; 2; 3" {
		t.Errorf("rows: %s", got)
	}
	aside, _ := p.run(exitDone, "sql", "-f", "tsv", "SELECT raw FROM rejected_rows ORDER BY line")
	for _, want := range []string{`"neither one\\nnor the other"`, base64.StdEncoding.EncodeToString([]byte("no gzip")), whole[:len(whole)/8*4], `{"action":"click","offer_id":3}`, `{"action":"click"`, `""`} {
		if !strings.Contains(aside, want+"\n") {
			t.Errorf("want %s in\n%s", want, aside)
		}
	}
	emptied(t, q)
	// Delivered again, in another order and other company: nothing new.
	q.Send(envelope(t, event("conversion", "2"), event("conversion", "9")), envelope(t, event("click", "4"), event("click", "1")))
	out, _ = p.run(exitDone, "firehose", "--queue", q.URL, "--max-messages", "2", "--json")
	var got struct {
		Rows     int `json:"rows"`
		LeftOut  int `json:"left_out"`
		Messages struct {
			Deleted int `json:"deleted"`
		} `json:"messages"`
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Rows != 1 || got.LeftOut != 3 || got.Messages.Deleted != 2 {
		t.Errorf("%v in %s", err, out)
	}
	emptied(t, q)
	// An empty queue ends it. The archive is a source like any other, all of it loaded.
	p.run(exitDone, "firehose", "--queue", q.URL)
	p.run(exitIncomplete, "run")
	if got := p.events("clicks") + "; " + p.events("conversions"); got != "1 4 5 6 7 8; 2 9" {
		t.Errorf("rows: %s", got)
	}
	p.run(exitDone, "verify")
	p.secretive("testsecret")
	if n := p.number("SELECT count() FROM ingest_runs_current WHERE command = 'firehose' AND loaded > 0"); n != 2 {
		t.Errorf("%d runs recorded with rows", n)
	}
}

// What the store does not take stays in the queue, and in the archive; once it does, the
// next run loads it, and all is as if nothing had been.
func TestQueueNotLoaded(t *testing.T) {
	t.Parallel()
	p, q := newQueueProgram(t)
	p.hold()
	var odd []string
	for i := range 20 {
		odd = append(odd, strings.Replace(event("click", fmt.Sprintf("%02d", i)), `"offer_id":3`, `"offer_id":"three"`, 1))
	}
	q.Send(envelope(t, odd...))
	out, errs := p.run(exitIncomplete, "firehose", "--queue", q.URL, "--max-messages", "1", "--visibility", "6s")
	if !strings.Contains(out, "received 1, deleted 0, left in the queue 1\n") || !strings.Contains(out, "failed: clicks firehose/") || !strings.Contains(errs, "its messages stay in the queue") {
		t.Errorf("%s%s", out, errs)
	}
	if n := p.number("SELECT count() FROM clicks"); n != 0 {
		t.Errorf("%d rows", n)
	}
	p.env = append(p.env, "INGEST_MAX_MISFIT=100%")
	out, _ = p.run(exitDone, "firehose", "--queue", q.URL, "--max-messages", "1", "--for", "60s")
	if !strings.Contains(out, "received 1, deleted 1\n") {
		t.Errorf("%s", out)
	}
	if n := p.number("SELECT uniqExact(tune_event_id) * 100 + count() FROM clicks"); n != 2020 {
		t.Errorf("%d: events and rows", n)
	}
	if files := archived(t, p); len(files) != 1 {
		t.Errorf("%q", files)
	}
	emptied(t, q)
	// A queue that is not there, that nobody answers for, or of no use without an archive.
	_, errs = p.run(exitFailed, "firehose", "--queue", q.URL+"x")
	if !strings.Contains(errs, "there is no such queue") {
		t.Errorf("%s", errs)
	}
	_, errs = p.run(exitUsage, "firehose", "--queue", q.URL, "--source", "archive")
	if !strings.Contains(errs, "--source firehose:") {
		t.Errorf("%s", errs)
	}
	p.run(exitUsage, "firehose")
	p.run(exitUsage, "firehose", "--queue", "events")
	p.run(exitUsage, "firehose", "--queue", q.URL, "--visibility", "1s")
	p.env = append(p.env, "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=")
	_, errs = p.run(exitFailed, "firehose", "--queue", q.URL)
	if !strings.Contains(errs, "no AWS credentials for the queue") {
		t.Errorf("%s", errs)
	}
}

// The archive may be a bucket; and an interrupt ends the wait for messages at once.
func TestQueueIntoBucket(t *testing.T) {
	t.Parallel()
	storage := testkit.S3(t)
	p, q := newQueueProgram(t)
	p.hold()
	p.env = append(p.env, storage.Env()...) // its keys are nothing to this queue
	source := "firehose:s3://" + storage.Bucket + "/events"
	q.Send(envelope(t, event("click", "1")), envelope(t, event("conversion", "2"), event("click", "1")))
	p.run(exitDone, "firehose", "--queue", q.URL, "--source", source, "--max-messages", "2")
	emptied(t, q)
	cmd, out, _ := p.command("firehose", "--queue", q.URL, "--source", source, "--for", "10m", "-v")
	cmd.Stderr = nil
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	q.Send(envelope(t, event("click", "1"), event("click", "3")))
	for lines := bufio.NewScanner(log); lines.Scan(); {
		if strings.Contains(lines.Text(), "messages deleted") {
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
		}
	}
	if status := exitOf(cmd.Wait()); status != exitInterrupted || !strings.Contains(out.String(), "received 1, deleted 1\n") {
		t.Errorf("exit status %d\n%s", status, out)
	}
	emptied(t, q)
	if got := p.events("clicks") + "; " + p.events("conversions"); got != "1 3; 2" {
		t.Errorf("rows: %s", got)
	}
	listed, _ := p.run(exitDone, "run", "--source", source)
	if !strings.Contains(listed, "listed 6 = already loaded 6 + loaded 0") {
		t.Errorf("%s", listed)
	}
	p.run(exitDone, "verify")
}

// archived are the files of the archive.
func archived(t *testing.T, p *program) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "archive/*/*/*/*/queue-*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// troubled stands between the command and the queue.
type troubled struct {
	*httptest.Server
	mu   sync.Mutex
	hook func(action string, answered bool) (drop bool)
}

func newTroubled(t *testing.T, q *testkit.Queue) (way *troubled, at string) {
	t.Helper()
	u, err := url.Parse(q.URL)
	if err != nil {
		t.Fatal(err)
	}
	way = new(troubled)
	to := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: u.Scheme, Host: u.Host})
	way.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		if way.asked(action, false) {
			panic(http.ErrAbortHandler)
		}
		held := httptest.NewRecorder()
		to.ServeHTTP(held, r)
		if way.asked(action, true) {
			panic(http.ErrAbortHandler)
		}
		for k, v := range held.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(held.Code)
		_, _ = w.Write(held.Body.Bytes())
	}))
	t.Cleanup(way.Close)
	return way, way.URL + u.Path
}

func (w *troubled) asked(action string, answered bool) bool {
	w.mu.Lock()
	hook := w.hook
	w.mu.Unlock()
	return hook != nil && hook(action, answered)
}

func (w *troubled) set(hook func(action string, answered bool) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hook = hook
}

// Killed at any step, the next run has each event once.
func TestQueueKilled(t *testing.T) {
	t.Parallel()
	for name, when := range map[string]struct {
		action   string
		answered bool
		nth      int
	}{
		"before the first answer":  {"ReceiveMessage", true, 1}, // the server has given them away
		"having received some":     {"ReceiveMessage", false, 2},
		"loaded, and none deleted": {"DeleteMessageBatch", false, 1},
		"some deleted":             {"DeleteMessageBatch", false, 2},
		"deleted, not told":        {"DeleteMessageBatch", true, 1},
		"archived, and not loaded": {"", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, q := newQueueProgram(t)
			p.hold()
			way, at := newTroubled(t, q)
			var want []string
			for i := range 25 {
				id := fmt.Sprintf("%02d", i)
				want = append(want, id)
				q.Send(envelope(t, event("click", id), event("click", "00")))
			}
			cmd, out, errs := p.command("firehose", "--queue", at, "--max-messages", "25", "--visibility", "6s")
			var once sync.Mutex
			started := make(chan struct{})
			n := 0
			way.set(func(action string, answered bool) bool {
				once.Lock()
				defer once.Unlock()
				if action != when.action || answered != when.answered {
					return false
				}
				if n++; n != when.nth {
					return n > when.nth
				}
				<-started
				_ = cmd.Process.Kill()
				return true
			})
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			close(started)
			if when.action == "" {
				for ended := time.Now().Add(time.Minute); len(archived(t, p)) == 0 && time.Now().Before(ended); {
					runtime.Gosched()
				}
				_ = cmd.Process.Kill()
			}
			if status := exitOf(cmd.Wait()); status != -1 {
				t.Fatalf("it was not killed: exit status %d\n%s%s", status, out, errs)
			}
			way.set(nil)
			waiting, received := q.Left()
			left := waiting + received
			if left == 0 && !when.answered {
				t.Fatal("nothing was left to do")
			}
			if left > 0 { // what was received comes again in a while
				p.run(exitDone, "firehose", "--queue", at, "--max-messages", fmt.Sprint(left), "--for", "60s")
			}
			if got := p.events("clicks"); got != strings.Join(want, " ") {
				t.Errorf("rows: %s", got)
			}
			emptied(t, q)
			p.run(exitDone, "verify")
			if n := p.number("SELECT count() FROM ingest_files_current WHERE state != 'loaded'"); n > 0 {
				t.Errorf("%d files are not loaded", n)
			}
		})
	}
}
