package queue_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"rawlogs/internal/queue"
	"rawlogs/internal/testkit"
)

// archive is where a consumer's files go, and what loads them.
type archive struct {
	mu    sync.Mutex
	files map[string]string
	names []string // in order
	load  func(name string) error
}

func (a *archive) Put(_ context.Context, name string, body []byte) error {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(z)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.files == nil {
		a.files = make(map[string]string)
	}
	a.files[name] = string(text)
	a.names = append(a.names, name)
	return err
}

func (a *archive) Load(_ context.Context, name string) error {
	if a.load != nil {
		return a.load(name)
	}
	return nil
}

// consume takes what is in the queue.
func consume(t *testing.T, q *testkit.Queue, a *archive, change func(*queue.Config)) (queue.Summary, error) {
	t.Helper()
	cfg := queue.Config{URL: q.URL, Client: q.Client, Put: a.Put, Load: a.Load, Wait: time.Second, Visibility: 20 * time.Second, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if change != nil {
		change(&cfg)
	}
	return queue.New(cfg).Run(t.Context())
}

func click(id int) string { return fmt.Sprintf(`{"action":"click","event_id":"%d"}`, id) }

func emptied(t *testing.T, q *testkit.Queue) {
	t.Helper()
	if waiting, received := q.Left(); waiting+received > 0 {
		t.Errorf("%d messages wait and %d are received", waiting, received)
	}
}

// Messages become files and are deleted; the same ones, delivered again, the same file.
func TestConsume(t *testing.T) {
	t.Parallel()
	q, a := testkit.SQS(t), new(archive)
	q.Send(click(1), "no\r\nJSON", "{\n\"action\":\"click\",\n\"event_id\":\"2\"}", " ")
	broken := errors.New("the store is away")
	a.load = func(string) error { return broken }
	sum, err := consume(t, q, a, func(c *queue.Config) { c.Visibility = time.Second; c.MaxMessages = 4 })
	if !errors.Is(err, broken) || sum.Received != 4 || sum.Deleted != 0 || sum.Files != 0 || sum.Unreadable != 2 {
		t.Errorf("%+v, %v", sum, err)
	}
	a.load = nil
	// They come again once they are hidden no longer.
	if sum, err = consume(t, q, a, func(c *queue.Config) { c.For = time.Minute; c.MaxMessages = 4 }); err != nil || sum.Deleted != 4 || sum.Files != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
	emptied(t, q)
	if len(a.names) != 2 || a.names[0] != a.names[1] {
		t.Errorf("files %q", a.names)
	}
	lines := strings.Split(a.files[a.names[0]], "\n")
	slices.Sort(lines) // messages of one millisecond are in any order
	if want := []string{"", `""`, `"no\r\nJSON"`, `{ "action":"click", "event_id":"2"}`, click(1)}; !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
	if want := time.Now().UTC().Format("2006/01/02/"); !strings.HasPrefix(a.names[0], want) || !strings.HasSuffix(a.names[0], ".jsonl.gz") {
		t.Errorf("name %s", a.names[0])
	}
}

// A batch ends by bytes, by events, by time and by the number of messages.
func TestBatches(t *testing.T) {
	t.Parallel()
	many := func(n int) string { return "[" + strings.Repeat(click(1)+",", n-1) + click(1) + "]" }
	for name, tc := range map[string]struct {
		messages []string
		change   func(*queue.Config)
		files    int
		deleted  int
	}{
		"one file":       {[]string{click(1), click(2), click(3)}, nil, 1, 3},
		"bytes":          {slices.Repeat([]string{many(1000)}, 30), func(c *queue.Config) { c.MaxMemory = 16 * 300_000 }, 3, 30},
		"events":         {slices.Repeat([]string{many(20_000)}, 26), nil, 2, 26},
		"time":           {slices.Repeat([]string{click(1)}, 25), func(c *queue.Config) { c.Every = time.Nanosecond }, 3, 25},
		"their number":   {slices.Repeat([]string{click(1)}, 25), func(c *queue.Config) { c.MaxMessages = 12 }, 1, 12},
		"a time to stop": {[]string{click(1)}, func(c *queue.Config) { c.For = time.Second }, 1, 1},
		"nothing":        {nil, nil, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, a := testkit.SQS(t), new(archive)
			q.Send(tc.messages...)
			sum, err := consume(t, q, a, tc.change)
			if err != nil || sum.Files != tc.files || sum.Deleted != tc.deleted || len(a.names) != tc.files {
				t.Errorf("%+v, %v", sum, err)
			}
			if waiting, received := q.Left(); waiting+received != len(tc.messages)-tc.deleted {
				t.Errorf("%d wait, %d are received", waiting, received)
			}
		})
	}
}

// While a load lasts, its messages stay hidden from others.
func TestVisibility(t *testing.T) {
	t.Parallel()
	q, a := testkit.SQS(t), new(archive)
	q.Send(click(1), click(2))
	var seen int
	a.load = func(string) error {
		// Another consumer asks for longer than messages are hidden at a time.
		for range 3 {
			out, err := q.Client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.URL, MaxNumberOfMessages: 10, WaitTimeSeconds: 2})
			if err != nil {
				return err
			}
			seen += len(out.Messages)
		}
		return nil
	}
	sum, err := consume(t, q, a, func(c *queue.Config) { c.MaxMessages = 2; c.Visibility = 3 * time.Second })
	if err != nil || seen > 0 || sum.Deleted != 2 {
		t.Errorf("%+v, %v; another consumer saw %d", sum, err, seen)
	}
	emptied(t, q)
}

// scripted is a client that changes what a queue answers.
type scripted struct {
	queue.Client
	received func(*sqs.ReceiveMessageOutput)
	deleted  func(*sqs.DeleteMessageBatchInput) *sqs.DeleteMessageBatchOutput
}

func (s *scripted) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, o ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	out, err := s.Client.ReceiveMessage(ctx, in, o...)
	if err == nil && s.received != nil {
		s.received(out)
	}
	return out, err
}

func (s *scripted) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, o ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	if s.deleted != nil {
		if out := s.deleted(in); out != nil {
			return out, nil
		}
	}
	return s.Client.DeleteMessageBatch(ctx, in, o...)
}

// A message that is delivered twice while it is gathered is one, and deleted by its latest
// delivery.
func TestTwice(t *testing.T) {
	t.Parallel()
	q, a := testkit.SQS(t), new(archive)
	q.Send(click(1))
	var handles []string
	client := &scripted{Client: q.Client, deleted: func(in *sqs.DeleteMessageBatchInput) *sqs.DeleteMessageBatchOutput {
		for _, e := range in.Entries {
			handles = append(handles, *e.ReceiptHandle)
		}
		return nil
	}}
	var given []string
	client.received = func(out *sqs.ReceiveMessageOutput) {
		for _, m := range out.Messages {
			given = append(given, *m.ReceiptHandle)
			// It is hidden no longer, as if its time were over.
			if len(given) == 1 {
				if _, err := q.Client.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &q.URL, ReceiptHandle: m.ReceiptHandle}); err != nil {
					t.Error(err)
				}
			}
		}
	}
	sum, err := consume(t, q, a, func(c *queue.Config) { c.Client = client })
	if err != nil || sum.Received != 2 || sum.Repeated != 1 || sum.Deleted != 1 || len(given) != 2 || !slices.Equal(handles, given[1:]) {
		t.Errorf("%+v, %v; given %q, deleted by %q", sum, err, given, handles)
	}
	if len(a.names) != 1 || strings.Count(a.files[a.names[0]], "\n") != 1 {
		t.Errorf("%q", a.files)
	}
	emptied(t, q)
}

// What the server does not delete is tried again, and then left to come again.
func TestUndeleted(t *testing.T) {
	t.Parallel()
	for refusals, want := range map[int]queue.Summary{1: {Received: 1, Deleted: 1, Files: 1}, 99: {Received: 1, Undeleted: 1, Files: 1}} {
		q, a := testkit.SQS(t), new(archive)
		q.Send(click(1))
		n := 0
		client := &scripted{Client: q.Client, deleted: func(in *sqs.DeleteMessageBatchInput) *sqs.DeleteMessageBatchOutput {
			if n++; n > refusals {
				return nil
			}
			return &sqs.DeleteMessageBatchOutput{Failed: []types.BatchResultErrorEntry{{Id: in.Entries[0].Id}}}
		}}
		sum, err := consume(t, q, a, func(c *queue.Config) { c.Client, c.MaxMessages = client, 1 })
		if err != nil || sum != want {
			t.Errorf("%+v, %v, want %+v", sum, err, want)
		}
	}
}

// Who is to stop begins nothing more, and lets others have what was received at once.
func TestStop(t *testing.T) {
	t.Parallel()
	q, a := testkit.SQS(t), new(archive)
	q.Send(click(1))
	stop := make(chan struct{})
	client := &scripted{Client: q.Client, received: func(out *sqs.ReceiveMessageOutput) {
		if len(out.Messages) > 0 {
			close(stop)
		}
	}}
	begun := time.Now()
	sum, err := consume(t, q, a, func(c *queue.Config) {
		c.Client, c.Stop, c.For, c.Visibility = client, stop, time.Minute, 2*time.Minute
	})
	if err != nil || sum.Deleted != 0 || len(a.names) != 0 || time.Since(begun) > 30*time.Second {
		t.Errorf("%+v, %v, files %q", sum, err, a.names)
	}
	// Long before the time is over for which it was hidden.
	if sum, err = consume(t, q, a, func(c *queue.Config) { c.MaxMessages, c.For = 1, 20*time.Second }); err != nil || sum.Deleted != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// lossy answers some requests itself: what the server said to them, if it was asked at all,
// is lost on the way.
type lossy struct {
	next sqs.HTTPClient
	lose func(*http.Request, *http.Response) (*http.Response, error)
}

func (l *lossy) Do(r *http.Request) (*http.Response, error) {
	answer, err := l.next.Do(r)
	if err != nil || !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ReceiveMessage") || l.lose == nil {
		return answer, err
	}
	lose := l.lose
	l.lose = nil
	return lose(r, answer)
}

// What was in an answer that never arrived is hidden from everybody, so an empty answer does
// not say that the queue is; what the server refused was given to nobody.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	reset := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	for name, tc := range map[string]struct {
		lose func(*http.Request, *http.Response) (*http.Response, error)
		lost int
	}{
		"all of it": {func(_ *http.Request, answer *http.Response) (*http.Response, error) {
			_ = answer.Body.Close()
			return nil, reset
		}, 1},
		"its end": {func(_ *http.Request, answer *http.Response) (*http.Response, error) {
			answer.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(io.LimitReader(answer.Body, 100), iotest.ErrReader(io.ErrUnexpectedEOF)), answer.Body}
			return answer, nil
		}, 1},
		"refused": {func(_ *http.Request, answer *http.Response) (*http.Response, error) {
			answer.StatusCode, answer.Status = http.StatusServiceUnavailable, "503 Service Unavailable"
			answer.Body = io.NopCloser(strings.NewReader(`{"__type":"com.amazonaws.sqs#ThrottlingException","message":"slow down"}`))
			return answer, nil
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, a := testkit.SQS(t), new(archive)
			q.Send(slices.Repeat([]string{click(1)}, 13)...)
			options := q.Client.Options()
			options.HTTPClient = &lossy{next: options.HTTPClient, lose: tc.lose}
			sum, err := consume(t, q, a, func(c *queue.Config) { c.Client, c.Visibility = sqs.New(options), 3*time.Second })
			if err != nil || sum.Lost != tc.lost {
				t.Errorf("%+v, %v", sum, err)
			}
			if tc.lost > 0 {
				if sum.Deleted != 13 {
					t.Errorf("%+v", sum)
				}
				emptied(t, q)
			}
		})
	}
}
