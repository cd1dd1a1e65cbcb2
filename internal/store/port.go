package store

import "strings"

// PortError says that something else than ClickHouse's native protocol answers at the
// store's address, as far as its answer tells what that is.
type PortError struct {
	err  error
	hint string
}

// Error is what went wrong.
func (e *PortError) Error() string { return e.err.Error() }

// Unwrap returns the connection's error.
func (e *PortError) Unwrap() error { return e.err }

// Hint says which port is meant.
func (e *PortError) Hint() string { return e.hint }

// portOf looks at why a first connection failed. The drivers keep the first byte of an
// answer that they do not understand: 72 is the H of HTTP/1.1.
func portOf(err error, secure bool) error {
	const native = "the native port is 9000, or 9440 with secure=true"
	text := err.Error()
	switch {
	case strings.Contains(text, "unexpected packet [72]"): //guard:http-port-told
		return &PortError{err, "that is an HTTP port, such as ClickHouse's 8123: " + native}
	case strings.Contains(text, "first record does not look like a TLS handshake"):
		return &PortError{err, "that port does not speak TLS: " + native}
	case !secure && strings.Contains(text, "handshake: failed to read packet") && strings.HasSuffix(text, "EOF"):
		return &PortError{err, "it closed the connection at the greeting, as a port for TLS does: " + native}
	}
	return err
}
