package queue

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/firehose"
)

// message is one that was received and is not deleted.
type message struct {
	id      string
	receipt string // of its latest delivery
	sent    time.Time
	line    []byte // its body, as a line of a file of events
	events  int
}

// batch is what becomes one file.
type batch struct {
	messages []*message
	byID     map[string]*message
	bytes    int64
	events   int
	since    time.Time // the first of them came
}

// overhead is what a message takes beside its body.
const overhead = 1 << 10

func (b *batch) add(m *message, now time.Time) {
	if len(b.messages) == 0 {
		b.since, b.byID = now, make(map[string]*message)
	}
	b.messages = append(b.messages, m)
	b.byID[m.id] = m
	b.bytes += int64(len(m.line)) + overhead
	b.events += m.events
}

// letters are those of a file's name: without a 0 or 1 no part of it looks like an hour.
var letters = base32.StdEncoding.WithPadding(base32.NoPadding)

// file is the batch as a file of events: a message a line, in the order in which they were
// sent. Its name says what is in it, so that the same messages, in whatever order they come
// again, are the same file; and the hour of the oldest, which is the same then, too.
func (b *batch) file() (name string, body []byte, err error) {
	slices.SortStableFunc(b.messages, func(x, y *message) int { return cmp.Or(x.sent.Compare(y.sent), cmp.Compare(x.id, y.id)) })
	sum := sha256.New()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	both := io.MultiWriter(sum, z)
	for _, m := range b.messages {
		if _, err = both.Write(append(m.line, '\n')); err != nil {
			return "", nil, err
		}
	}
	if err = z.Close(); err != nil {
		return "", nil, err
	}
	oldest := b.messages[0].sent.UTC()
	return oldest.Format("2006/01/02/15/") + "queue-" + strings.ToLower(letters.EncodeToString(sum.Sum(nil)[:16])) + ".jsonl.gz", packed.Bytes(), nil
}

// line makes a body one line that means the same. Line breaks between values of JSON are
// spaces; what is not JSON becomes a text of JSON, which may hold base64, with line breaks,
// too. A body that holds nothing is an empty text, or it would not be seen to have come.
func line(body string) []byte {
	body = strings.TrimSpace(body)
	switch {
	case body == "": //guard:empty-message-kept
		return []byte(`""`)
	case !strings.ContainsAny(body, "\r\n"):
		return []byte(body)
	case body[0] == '{' || body[0] == '[' || body[0] == '"':
		return []byte(strings.NewReplacer("\r", " ", "\n", " ").Replace(body))
	}
	quoted, err := json.Marshal(body)
	if err != nil { // of a text there is none
		return []byte(strings.NewReplacer("\r", " ", "\n", " ").Replace(body))
	}
	return quoted
}

// look counts the events of a line as the load will read it; bad is the first reason why
// not all of it can be read.
func look(line []byte, most int) (events int, bad string) {
	s := firehose.NewScanner(bytes.NewReader(line), most)
	for {
		item, err := s.Next()
		switch {
		case errors.Is(err, io.EOF):
			return events, bad
		case err != nil: // of a reader in memory there is none
			return events, err.Error()
		case item.Event == nil:
			bad = cmp.Or(bad, item.Reason)
		default:
			events++
		}
	}
}
