// Package engine runs the embedded ClickHouse: a real server inside a child
// process, its data in one folder, reachable on 127.0.0.1 only.
//
// The child is the program itself, executed again (HostMain), so that a crash
// of the database never takes the loader with it. Everyone who opens the same
// folder shares one server: the first starts it, later ones attach, and it ends
// when the last of them has closed it or died.
package engine

import (
	"errors"
	"log/slog"
	"strconv"
	"time"
)

// Config says which folder to open and how. Path is required.
type Config struct {
	// Path is the folder that holds the data, the logs and the locks. It is
	// created if absent; one that holds anything else is refused.
	Path string
	// Existing opens the folder only if it holds a store already, and makes
	// neither folder nor database; otherwise Open fails with ErrAbsent.
	Existing bool
	// Library is the path of libchdb.so; empty searches as
	// FindLibrary does.
	Library string
	// Host is the program that becomes the server's process; empty is this
	// program itself, whose main must then begin with HostMain.
	Host string
	// TCPPort and HTTPPort fix the ports; 0 takes free ones.
	TCPPort, HTTPPort int
	// Password of the server's user; empty takes the folder's own, a random one
	// that is made at its first start.
	Password string
	// Database is created if absent and named in the endpoint; empty is DefaultDatabase.
	Database string
	// MaxMemory bounds the server's memory in bytes; 0 is 60 % of what the
	// machine (or its control group) has, so that the loader and the page
	// cache keep room.
	MaxMemory int64
	// StartTimeout bounds the whole of Open; 0 is a minute. A start takes
	// 0.2 s, but first use reads half a gigabyte of library from disk, and an
	// unclean stop can leave thousands of parts to check.
	StartTimeout time.Duration
	// Log receives what happens to the server; nil is silent.
	Log *slog.Logger
}

// Endpoint is where and as whom the running server is reached. Password is a
// secret: it must not be printed.
type Endpoint struct {
	Addr     string // host:port of the native protocol
	HTTPAddr string // host:port of HTTP; /play is a page for SQL
	User     string
	Password string
	Database string
	// The user who may only read the tables; see ReaderGrants.
	ReaderUser     string
	ReaderPassword string
}

// AsReader is the same server, reached as the user who may only read.
func (e Endpoint) AsReader() Endpoint {
	e.User, e.Password = e.ReaderUser, e.ReaderPassword
	return e
}

// String names the server without its password.
func (e Endpoint) String() string { return e.User + "@" + e.Addr + "/" + e.Database }

// GoString keeps the password out of %#v.
func (e Endpoint) GoString() string { return "engine.Endpoint(" + e.String() + ")" }

// Loaded is called in the server's process when the library is there and does not run yet, if it
// is not nil. It is for tests, whose servers replicate: see testkit/cluster.
var Loaded func(library uintptr, folder string, httpPort int) error

// DefaultDatabase is the database of an embedded store.
const DefaultDatabase = "rawlogs"

// userName is the one user of the server who may do anything.
const userName = "ingest"

// readerName is the user for looking; see ReaderGrants.
const readerName = "reader"

// ErrAbsent reports a folder without a store, where one should be.
var ErrAbsent = errors.New("no store here")

// ErrUnsupported means that there is no embedded ClickHouse for this platform.
var ErrUnsupported = errors.New("the embedded ClickHouse runs on linux/amd64 only: point the store at a server, clickhouse://user:password@host:9000/database")

// ErrNoLibrary means that libchdb.so was not found.
var ErrNoLibrary = errors.New("the embedded ClickHouse (libchdb.so) is not here: `make engine` fetches it")

// BusyError means that a server already runs on the folder, with other ports
// or another password than those asked for.
type BusyError struct {
	Path string
	PID  int
	What string // what differs
}

// Error says who has the folder.
func (e *BusyError) Error() string {
	return "engine " + e.Path + ": already in use by process " + strconv.Itoa(e.PID) + " with another " + e.What +
		"; stop the commands that use it, or do not ask for a particular port"
}

// HungError means that a process holds the folder but does not answer.
type HungError struct {
	Path string
	PID  int // 0 where unknown
	Err  error
}

// Error says which process to look at.
func (e *HungError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = "process " + strconv.Itoa(e.PID)
	}
	return "engine " + e.Path + ": " + who + " holds it but does not answer (" + e.Err.Error() +
		"); if it does not recover, kill it: acknowledged rows are safe"
}

func (e *HungError) Unwrap() error { return e.Err }
