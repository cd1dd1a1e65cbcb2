//go:build !linux || !amd64

package engine

import "context"

// Engine cannot exist here; see ErrUnsupported.
type Engine struct{}

// HostMain does nothing where there is no embedded server.
func HostMain() {}

// Open fails with ErrUnsupported.
func Open(context.Context, Config) (*Engine, error) { return nil, ErrUnsupported }

// Rehearse fails with ErrUnsupported.
func Rehearse(string) error { return ErrUnsupported }

// Endpoint is empty.
func (e *Engine) Endpoint() Endpoint { return Endpoint{} }

// PasswordFiles are none.
func (e *Engine) PasswordFiles() (user, reader string) { return "", "" }

// PID is 0.
func (e *Engine) PID() int { return 0 }

// Attached is false.
func (e *Engine) Attached() bool { return false }

// Died is never closed.
func (e *Engine) Died() <-chan struct{} { return nil }

// Err is ErrUnsupported.
func (e *Engine) Err() error { return ErrUnsupported }

// Listen fails with ErrUnsupported.
func (e *Engine) Listen(context.Context) error { return ErrUnsupported }

// Close does nothing.
func (e *Engine) Close() error { return nil }

// Unfenced is ErrUnsupported.
func Unfenced() error { return ErrUnsupported }
