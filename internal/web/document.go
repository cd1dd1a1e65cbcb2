package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"sync"
	"time"
)

// freshTime is how long a page that was made is shown to others who ask.
const freshTime = 15 * time.Second

// document is made when somebody asks, and once for all who do so meanwhile.
type document struct {
	make func(context.Context) ([]byte, error)

	mu    sync.Mutex
	under *making // nil: nobody waits
	last  *making
}

// making is one attempt; done is closed when it has ended.
type making struct {
	done chan struct{}
	text texts
	err  error
	at   time.Time
}

type texts struct{ plain, packed []byte }

// get waits for the document for as long as the client does. It is made under life,
// which outlasts the client: others may wait for the same.
func (d *document) get(life, client context.Context) (texts, error) {
	d.mu.Lock()
	m := d.last
	if m == nil || time.Since(m.at) > freshTime {
		if d.under == nil { //guard:web-once
			d.under = &making{done: make(chan struct{})}
			go d.run(life, d.under)
		}
		m = d.under
	}
	d.mu.Unlock()
	select {
	case <-m.done:
		return m.text, m.err
	case <-client.Done():
		return texts{}, client.Err()
	}
}

func (d *document) run(life context.Context, m *making) {
	ctx, cancel := context.WithTimeout(life, makeTime)
	defer cancel()
	m.text.plain, m.err = d.make(ctx)
	if m.err == nil {
		m.text.packed, m.err = packed(m.text.plain)
	}
	m.at = time.Now()
	d.mu.Lock()
	d.under = nil
	if m.err == nil { // a failure is for those who waited, and not kept
		d.last = m
	}
	d.mu.Unlock()
	close(m.done)
}

func packed(text []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err == nil {
		if _, err = z.Write(text); err == nil {
			err = z.Close()
		}
	}
	return b.Bytes(), err
}
