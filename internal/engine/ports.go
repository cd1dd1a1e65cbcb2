//go:build linux && amd64

package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// freePorts finds n ports of 127.0.0.1 on which nobody listens. Somebody may
// before we do, which the host notices (listening).
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
		// All stay open until the last is found, so that they differ.
		defer func() { _ = l.Close() }()
		addr, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			return nil, fmt.Errorf("finding a free port: %s is none", l.Addr())
		}
		ports = append(ports, addr.Port)
	}
	return ports, nil
}

// listening reports who listens on a port of 127.0.0.1: this very process, or
// another. The server goes on without a listener whose port is taken, so an
// answer alone does not say whose it is; and /proc, which would, is hidden from
// some (ProcSubset=pid), so the process looks at its own files.
func listening(port int) (ours, others bool, err error) {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if errors.Is(err, unix.ECONNREFUSED) {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("asking who listens: %w", err)
	}
	if err := conn.Close(); err != nil {
		return false, false, err
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return false, false, fmt.Errorf("asking for the limit of open files: %w", err)
	}
	for fd := range int(min(limit.Cur, math.MaxInt32)) {
		if listensOn(fd, port) {
			return true, false, nil
		}
	}
	return false, true, nil
}

// listensOn reports whether a file of this process is a socket that listens on
// the port of 127.0.0.1 or of every address.
func listensOn(fd, port int) bool {
	if on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || on == 0 {
		return false // not open, not a socket, or not one that listens
	}
	addr, err := unix.Getsockname(fd)
	if err != nil {
		return false
	}
	switch a := addr.(type) {
	case *unix.SockaddrInet4:
		ip := net.IP(a.Addr[:])
		return a.Port == port && (ip.IsLoopback() || ip.IsUnspecified())
	case *unix.SockaddrInet6:
		ip := net.IP(a.Addr[:])
		return a.Port == port && (ip.IsLoopback() || ip.IsUnspecified())
	}
	return false
}
