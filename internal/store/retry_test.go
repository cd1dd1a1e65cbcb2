package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/engine"
)

func TestRetryable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&clickhouse.Exception{Code: 252}, true},
		{&ch.Exception{Code: 252}, true},
		{&ch.Exception{Code: 252, Message: "Too many partitions for single INSERT block (more than 1)."}, false},
		{&ch.Exception{Code: proto.ErrMemoryLimitExceeded}, true},
		{&clickhouse.Exception{Code: 210}, true},
		{&clickhouse.Exception{Code: 394}, true},
		{&clickhouse.Exception{Code: 60}, false},  // unknown table
		{&clickhouse.Exception{Code: 497}, false}, // rights
		{&clickhouse.Exception{Code: 516}, false}, // password
		{&clickhouse.Exception{Code: 243}, false}, // disk full
		{&clickhouse.Exception{Code: 164}, false}, // read-only
		{&ch.Exception{Code: 53}, false},          // type mismatch
		{io.EOF, true},
		{io.ErrUnexpectedEOF, true},
		{net.ErrClosed, true},
		{ch.ErrClosed, true},
		{os.ErrDeadlineExceeded, true},
		{context.DeadlineExceeded, true},
		{clickhouse.ErrAcquireConnTimeout, true},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, true},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, true},
		{&net.OpError{Op: "write", Err: syscall.EPIPE}, true},
		{&net.DNSError{Err: "server misbehaving", IsTemporary: true}, true},
		{&net.OpError{Op: "remote error", Err: tls.AlertError(42)}, false},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, false},
		{x509.HostnameError{Certificate: &x509.Certificate{}}, false},
		{tls.RecordHeaderError{}, false},
		{errors.New("something else"), false},
		{engine.ErrUnsupported, false},
		{engine.ErrNoLibrary, false},
		{&engine.BusyError{}, false},
		{&fs.PathError{Op: "open", Err: syscall.EACCES}, false},
		{errClosed, false},
	} {
		for _, err := range []error{c.err, fmt.Errorf("insert: %w", c.err), errors.Join(errors.New("first"), c.err)} {
			if got := Retryable(err); got != c.want {
				t.Errorf("Retryable(%v) = %v", err, got)
			}
			if got := Fatal(err); got == c.want {
				t.Errorf("Fatal(%v) = %v", err, got)
			}
		}
	}
	for _, err := range []error{nil, context.Canceled, fmt.Errorf("insert: %w", context.Canceled)} {
		if Retryable(err) || Fatal(err) {
			t.Errorf("%v is retryable or fatal", err)
		}
	}
}
