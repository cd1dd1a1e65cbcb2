package notify

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// mostBody bounds what a monitor is sent, in bytes; healthchecks keeps as much.
const mostBody = 100_000

// Ping tells a monitor of one piece of work: that it begins, and how it ends. A monitor
// that hears the first and not the second raises the alarm, which is all that can be done
// about a process that is killed.
type Ping struct {
	sender *Sender
	name   string
	at     *url.URL
	rid    string
	cancel context.CancelFunc
	begun  chan struct{} // closed once the beginning is told, or given up
	err    error         // of that; read after begun
	once   sync.Once
}

// Begin tells of the beginning, without waiting for the answer. rid is a UUID by which the
// monitor puts beginning and end together. End must follow.
func (s *Sender) Begin(ctx context.Context, to Target, rid string) *Ping {
	p := &Ping{sender: s, name: to.Name, rid: rid, begun: make(chan struct{})}
	ctx, p.cancel = context.WithCancel(ctx)
	var err error
	if p.at, err = url.Parse(to.URL); err != nil {
		p.err = fmt.Errorf("%s: not an address that can be asked", to.Name)
		close(p.begun)
		return p
	}
	go func() {
		defer close(p.begun)
		p.err = s.Post(ctx, p.target("start"), "text/plain; charset=utf-8", nil)
	}()
	return p
}

// End tells of the end: its exit status, and in text what it came to, secrets hidden. The
// error is the beginning's as well. It takes no longer than ctx is alive.
func (p *Ping) End(ctx context.Context, status int, text string) error {
	p.once.Do(func() {
		patience, done := context.WithTimeout(ctx, p.sender.try)
		defer done()
		select { // so that a short run's end does not overtake its beginning
		case <-p.begun:
		case <-patience.Done():
		}
		p.cancel()
		<-p.begun
	})
	if err := p.sender.Post(ctx, p.target(strconv.Itoa(status)), "text/plain; charset=utf-8", capped(text)); err != nil {
		return err
	}
	return p.err
}

// target is the address of an event: its path's last part, whatever query there is.
func (p *Ping) target(event string) Target {
	at := p.at.JoinPath(event)
	query := "rid=" + url.QueryEscape(p.rid)
	if at.RawQuery != "" { // kept as it is written
		query = at.RawQuery + "&" + query
	}
	at.RawQuery = query
	return Target{Name: p.name, URL: at.String()}
}

// capped is a text of at most mostBody bytes.
func capped(text string) []byte {
	const tail = "\n…\n"
	text = strings.ToValidUTF8(text, "\ufffd")
	if len(text) <= mostBody { //guard:ping-capped
		return []byte(text)
	}
	cut := mostBody - len(tail)
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return append(bytes.Clone([]byte(text[:cut])), tail...)
}
