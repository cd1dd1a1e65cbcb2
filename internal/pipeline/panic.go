package pipeline

import (
	"fmt"
	"io"
	"runtime/debug"
)

// PanicError is a panic that ended a run as an error does: with the lease given
// back and nothing marked loaded that is not there.
type PanicError struct {
	Value any
	Stack []byte // holds no values of texts
}

// Error tells the panic's value and where it was.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.Value, e.Stack) }

// guarded makes f return a panic as an error. Each goroutine needs it for
// itself, also those of a connection that call back.
func guarded(f func() error) func() error {
	return func() (err error) {
		defer func() {
			if v := recover(); v != nil { //guard:worker-panic
				err = &PanicError{v, debug.Stack()}
			}
		}()
		return f()
	}
}

// guardedReader is a reader that is read from a goroutine not of this package.
type guardedReader struct{ io.ReadCloser }

func (g guardedReader) Read(p []byte) (n int, err error) {
	err = guarded(func() (err error) {
		n, err = g.ReadCloser.Read(p)
		return err
	})()
	return n, err
}
