// Package ahead reads a stream in a goroutine of its own.
package ahead

import (
	"io"
	"sync"
)

// New reads r in a goroutine of its own, into n buffers of size bytes each,
// so that inflating and parsing of one file run side by side in bounded
// memory. It returns r's bytes and errors in order. Close ends the goroutine,
// waits for a read of r that is under way, and leaves r to the caller.
func New(r io.Reader, size, n int) io.ReadCloser {
	a := &ahead{
		full: make(chan chunk, n),
		free: make(chan []byte, n),
		stop: make(chan struct{}),
		done: make(chan struct{}),
	}
	for range n {
		a.free <- make([]byte, size)
	}
	go a.run(r)
	return a
}

type chunk struct {
	data []byte
	err  error
}

type ahead struct {
	full  chan chunk
	free  chan []byte
	stop  chan struct{} // closed by Close
	done  chan struct{} // closed when the goroutine has ended
	close sync.Once

	buf  []byte // the chunk being read, to go back to free
	data []byte // what is left of it
	err  error  // what follows it
}

func (a *ahead) run(r io.Reader) {
	defer close(a.done)
	for {
		var buf []byte
		select {
		case buf = <-a.free:
		case <-a.stop:
			return
		}
		n, err := Fill(r, buf)
		select {
		case a.full <- chunk{buf[:n], err}:
		case <-a.stop:
			return
		}
		if err != nil {
			return
		}
	}
}

// Fill fills buf and returns r's own error, where io.ReadFull would turn an
// end in mid-buffer into another one.
func Fill(r io.Reader, buf []byte) (n int, err error) {
	for idle := 0; n < len(buf) && err == nil; {
		var m int
		m, err = r.Read(buf[n:])
		n += m
		if idle++; m > 0 {
			idle = 0
		} else if idle == 100 && err == nil {
			err = io.ErrNoProgress
		}
	}
	return n, err
}

// Read returns what was read ahead.
func (a *ahead) Read(p []byte) (int, error) {
	for len(a.data) == 0 {
		if a.err != nil {
			return 0, a.err
		}
		if a.buf != nil {
			a.free <- a.buf[:cap(a.buf)] // there is room for every buffer
			a.buf = nil
		}
		select {
		case c := <-a.full:
			a.buf, a.data, a.err = c.data, c.data, c.err
		case <-a.stop:
			a.err = io.ErrClosedPipe
		}
	}
	n := copy(p, a.data)
	a.data = a.data[n:]
	return n, nil
}

// Close ends the goroutine and waits for it.
func (a *ahead) Close() error {
	a.close.Do(func() { close(a.stop) })
	<-a.done
	return nil
}
