package simnet

import (
	"maps"
	"time"
)

// Call is one API call that reached the network.
type Call struct {
	At      time.Time
	Method  string
	Refused bool // by the rate limit
	Denied  bool // network id or token was wrong
}

// admit counts a call against the sliding window: no span of the window's
// length ever lets more than the limit through. Refused calls do not count, or
// a client that hammers would never get in again.
func (n *Network) admit(method string) (call *Call, usage, number int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	for len(n.window) > 0 && now.Sub(n.window[0]) >= n.cfg.Window {
		n.window = n.window[1:]
	}
	usage = len(n.window) + 1
	call = &Call{At: now, Method: method, Refused: usage > n.cfg.Limit}
	if !call.Refused {
		n.window = append(n.window, now)
	}
	n.calls = append(n.calls, call)
	n.methods[method]++
	return call, usage, n.methods[method]
}

// denied counts a call for a network that this is not; no window knows it.
func (n *Network) denied(method string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls = append(n.calls, &Call{At: time.Now(), Method: method, Denied: true})
	n.methods[method]++
}

func (n *Network) deny(c *Call) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c.Denied = true
}

// Calls lists every call so far, oldest first.
func (n *Network) Calls() []Call {
	n.mu.Lock()
	defer n.mu.Unlock()
	calls := make([]Call, len(n.calls))
	for i, c := range n.calls {
		calls[i] = *c
	}
	return calls
}

// Usage sums up the calls so far.
type Usage struct {
	Methods map[string]int `json:"methods"` // calls by method, refused ones too
	Calls   int            `json:"calls"`
	Refused int            `json:"refused"` // by the rate limit
	Denied  int            `json:"denied"`  // for wrong credentials
	// Rate is calls let through in a window, of the span from the first call to
	// the last; 0 for a shorter one than a window.
	Rate float64 `json:"rate"`
}

// Usage sums up the calls so far.
func (n *Network) Usage() Usage {
	n.mu.Lock()
	defer n.mu.Unlock()
	u := Usage{Methods: maps.Clone(n.methods), Calls: len(n.calls)}
	for _, c := range n.calls {
		if c.Refused {
			u.Refused++
		}
		if c.Denied {
			u.Denied++
		}
	}
	if u.Calls > 1 {
		if span := n.calls[u.Calls-1].At.Sub(n.calls[0].At); span >= n.cfg.Window {
			u.Rate = float64(u.Calls-u.Refused) / (float64(span) / float64(n.cfg.Window))
		}
	}
	return u
}

// ForgetCalls begins counting anew; the rate limit's window stays.
func (n *Network) ForgetCalls() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls = nil
	clear(n.methods)
}
