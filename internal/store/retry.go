package store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/engine"
	"rawlogs/internal/trust"
)

// retryableCodes are the server's errors that pass by themselves, by code. The
// names are those of errorCodeToName, which a test compares.
var retryableCodes = map[int32]string{
	3:   "UNEXPECTED_END_OF_FILE", // a connection cut in mid-block
	32:  "ATTEMPT_TO_READ_AFTER_EOF",
	33:  "CANNOT_READ_ALL_DATA",
	159: "TIMEOUT_EXCEEDED",
	173: "CANNOT_ALLOCATE_MEMORY",
	202: "TOO_MANY_SIMULTANEOUS_QUERIES",
	203: "NO_FREE_CONNECTION",
	209: "SOCKET_TIMEOUT",
	210: "NETWORK_ERROR",
	225: "NO_ZOOKEEPER",
	236: "ABORTED",
	//guard:memory-limit
	241: "MEMORY_LIMIT_EXCEEDED",
	242: "TABLE_IS_READ_ONLY", // a replica without its Keeper for a moment
	//guard:too-many-parts
	252:  "TOO_MANY_PARTS", // merges are behind: back off
	279:  "ALL_CONNECTION_TRIES_FAILED",
	285:  "TOO_FEW_LIVE_REPLICAS",
	286:  "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE",
	319:  "UNKNOWN_STATUS_OF_INSERT",
	341:  "UNFINISHED",
	394:  "QUERY_WAS_CANCELLED", // by an operator, or by a server that shuts down
	425:  "SYSTEM_ERROR",
	439:  "CANNOT_SCHEDULE_TASK",
	473:  "DEADLOCK_AVOIDED",
	499:  "S3_ERROR", // of a disk in a bucket
	735:  "QUERY_WAS_CANCELLED_BY_CLIENT",
	745:  "SERVER_OVERLOADED",
	999:  "KEEPER_EXCEPTION",
	1000: "POCO_EXCEPTION", // the library below: sockets, files
	1001: "STD_EXCEPTION",  // mostly memory
}

// Codes that are told apart elsewhere.
const (
	codeUnknownTable    = 60
	codeUnknownDatabase = 81
	codeTimeout         = 159
	codeReadonly        = 164
	codeUnfinished      = 341
	codeHasProjections  = 344
	codeAccessDenied    = 497
	codeTooManyParts    = 252
)

// code is the server's error code in err, or 0.
func code(err error) int32 {
	var pool *clickhouse.Exception
	if errors.As(err, &pool) {
		return pool.Code
	}
	var native *ch.Exception
	if errors.As(err, &native) {
		return int32(native.Code)
	}
	return 0
}

// brief takes the server's stack traces out of its error, which fill a screen
// and say nothing to whoever runs the loader.
func brief(err error) error {
	var ex *clickhouse.Exception
	if errors.As(err, &ex) {
		ex.Message, ex.StackTrace = WithoutTrace(ex.Message), "" //guard:brief
		for i := range ex.Nested {
			ex.Nested[i].Message, ex.Nested[i].StackTrace = WithoutTrace(ex.Nested[i].Message), ""
		}
	}
	return err
}

var stackTrace = regexp.MustCompile(`[,.]?\s*Stack trace|\n\s*\d+\. [^\n]*@ 0x`)

// WithoutTrace cuts a text of the server's where a stack trace begins in it.
func WithoutTrace(text string) string {
	if at := stackTrace.FindStringIndex(text); at != nil {
		return strings.TrimSpace(text[:at[0]])
	}
	return text
}

// Refused reports whether the server itself answered with an error.
func Refused(err error) bool { return code(err) != 0 }

// NoTable reports whether the server answered that it has no such table.
func NoTable(err error) bool { return code(err) == codeUnknownTable }

// Denied reports whether the server answered that the user may not do this.
func Denied(err error) bool { return code(err) == codeAccessDenied }

// Retryable reports whether the same statement may go through later, after a
// pause and Recover: the network, the server's load, its restart. Whether it
// went through already is another question. A cancelled context is not retryable.
func Retryable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, errClosed) {
		return false
	}
	if waitsForReplicas(err) {
		return true
	}
	if c := code(err); c != 0 {
		// An INSERT over several partitions has the code of a table whose merges
		// are behind; that one does not pass.
		return retryableCodes[c] != "" && (c != codeTooManyParts || !strings.Contains(err.Error(), "Too many partitions"))
	}
	if trust.Unproven(err) || unusableEngine(err) {
		return false
	}
	for _, target := range []error{
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, os.ErrDeadlineExceeded, context.DeadlineExceeded,
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, syscall.ETIMEDOUT,
		ch.ErrClosed, clickhouse.ErrConnectionClosed, clickhouse.ErrAcquireConnTimeout,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	var netErr net.Error
	return errors.As(err, &netErr)
}

// MemoryShort reports whether the server ran out of the memory that it may take, be it for
// this statement or for all of them.
func MemoryShort(err error) bool {
	c := code(err)
	return c == 241 || c == 173
}

// Fatal reports whether neither another attempt nor another file would fare better:
// credentials, rights, a table that is not what it was, a disk that is full.
// Every error is retryable, fatal or a cancelled context.
func Fatal(err error) bool {
	return err != nil && !errors.Is(err, context.Canceled) && !Retryable(err)
}

// unusableEngine tells of an embedded engine that cannot be had here.
func unusableEngine(err error) bool {
	var busy *engine.BusyError
	return errors.As(err, &busy) || errors.Is(err, engine.ErrUnsupported) || errors.Is(err, engine.ErrNoLibrary) ||
		errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)
}
