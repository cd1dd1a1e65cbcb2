package web

import (
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

const (
	sessionTime  = 12 * time.Hour
	mostSessions = 64
)

// sessions are those who were let in. Of their secrets only hashes are kept.
type sessions struct {
	now func() time.Time

	mu   sync.Mutex
	ends map[[sha256.Size]byte]time.Time
}

// begin makes a session, and forgets the oldest where there are too many.
func (s *sessions) begin() string {
	secret := rand.Text() + rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ends == nil {
		s.ends = map[[sha256.Size]byte]time.Time{}
	}
	for len(s.ends) >= mostSessions {
		var oldest [sha256.Size]byte
		var at time.Time
		for k, end := range s.ends {
			if at.IsZero() || end.Before(at) {
				oldest, at = k, end
			}
		}
		delete(s.ends, oldest)
	}
	s.ends[sha256.Sum256([]byte(secret))] = s.now().Add(sessionTime)
	return secret
}

// has reports whether a secret is of a session that has not ended. It is looked up by its
// hash, so the time that takes tells nothing about the others.
func (s *sessions) has(secret string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sha256.Sum256([]byte(secret))
	end, ok := s.ends[key]
	if ok && !s.now().Before(end) { //guard:web-session-ends
		delete(s.ends, key)
		return false
	}
	return ok
}

const (
	tryWindow = time.Minute
	mostTries = 5    // of an address in the window
	mostAll   = 100  // of all addresses
	mostNames = 1000 // addresses that are remembered
)

// tries counts failures to get in, by address and of all together.
type tries struct {
	now func() time.Time

	mu    sync.Mutex
	since time.Time
	of    map[netip.Addr]int
	all   int
}

// may reports whether an address may try now.
func (t *tries) may(remote string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn()
	return t.of[address(remote)] < mostTries && t.all < mostAll
}

// failed counts a failure.
func (t *tries) failed(remote string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn()
	t.all++
	if len(t.of) < mostNames {
		t.of[address(remote)]++
	}
}

// turn begins a new window where the last one is over.
func (t *tries) turn() {
	if now := t.now(); t.of == nil || now.Sub(t.since) >= tryWindow || now.Before(t.since) {
		t.since, t.of, t.all = now, map[netip.Addr]int{}, 0
	}
}

// address is what one client has for itself: an IPv4 address, or a /64 of IPv6.
func address(remote string) netip.Addr {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	addr := at.Addr().Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return addr
}
