//go:build linux && amd64

package engine

import (
	"context"
	"strconv"
	"time"
)

// # Outdated parts
//
// A merge or a mutation leaves the parts that it replaces on disk, for the server to remove later. A
// server that is open for as long as one command takes never comes to that: each command that
// writes down what it did left five of them, and each start reads all there are, 2 ms of CPU a
// part.

const (
	// mostOutdated is how many parts are left on disk without a wait.
	mostOutdated = 100
	// tidyTimeout is less than anybody minds who waits for a command to end. What is still
	// there then is removed by the next one that takes longer.
	tidyTimeout = 5 * time.Second
)

// tidy waits until the server has removed what is outdated, if that is much. The server's
// thread for it is at work every one to three seconds (cleanup_delay_period).
func (h *host) tidy() {
	ctx, cancel := context.WithTimeout(context.Background(), tidyTimeout)
	defer cancel()
	at := endpoint{HTTPPort: h.spec.HTTPPort, User: h.spec.User, Password: h.spec.Password}
	_ = poll(ctx, func() (bool, error) {
		answer, err := at.ask(ctx, "SELECT value FROM system.metrics WHERE metric = 'PartsOutdated'")
		if err != nil {
			return false, err // a server that does not answer has nothing to wait for
		}
		outdated, err := strconv.Atoi(answer)
		return outdated <= mostOutdated, err
	})
}
