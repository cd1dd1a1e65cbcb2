//go:build linux && amd64

package engine

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
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

// listening tells who listens on a port of 127.0.0.1: this very process, or
// another. The server goes on without a listener whose port is taken, and only
// the kernel tells that apart from one who answers in its place.
func listening(port int) (ours, others bool, err error) {
	mine, err := ownSockets()
	if err != nil {
		return false, false, err
	}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		raw, err := os.ReadFile(table)
		if os.IsNotExist(err) { // no IPv6 here
			continue
		}
		if err != nil {
			return false, false, err
		}
		for line := range strings.Lines(string(raw)) {
			if inode, ok := listenerOn(line, port); ok {
				if mine[inode] {
					ours = true
				} else {
					others = true
				}
			}
		}
	}
	return ours, others, nil
}

// listenerOn reads a line of /proc/net/tcp or tcp6: the socket's inode, if it
// listens on the port of 127.0.0.1 or of every address.
func listenerOn(line string, port int) (inode string, ok bool) {
	const listen = "0A"
	fields := strings.Fields(line)
	if len(fields) < 10 || fields[3] != listen {
		return "", false
	}
	addr, hexPort, _ := strings.Cut(fields[1], ":")
	if p, err := strconv.ParseUint(hexPort, 16, 16); err != nil || int(p) != port {
		return "", false
	}
	const localhost = "0100007F"
	if addr != localhost && strings.Trim(addr, "0") != "" {
		return "", false
	}
	return fields[9], true
}

// ownSockets lists the inodes of this process's sockets.
func ownSockets() (map[string]bool, error) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	inodes := map[string]bool{}
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil {
			continue // closed since it was listed
		}
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return inodes, nil
}
