package hoapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"rawlogs/internal/dirs"
)

// refused is the error of a link, redirect or address that is not followed; it
// names no more than scheme, host or address.
func refused(why string) *dirs.Error { return dirs.Fail(dirs.Refused, errors.New(why)) }

// checkLink decides whether a link or a redirect may be followed: https, or
// plain http where that cannot leak (this machine) or was chosen (the API itself).
// What a host name resolves to is checked when it is dialled; an address is
// also checked here, as a proxy would dial it without asking.
func (s *storage) checkLink(ctx context.Context, u *url.URL) error {
	host := u.Hostname()
	addr, err := netip.ParseAddr(host)
	isAddr := err == nil
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return refused(fmt.Sprintf("the link's scheme is %.20q, not https", u.Scheme))
	case host == "":
		return refused("the link names no host")
	case isAddr && forbidden(addr):
		return s.checkAddr(ctx, addr)
	case u.Scheme == "http" && !s.allowHTTP && host != "localhost" && (!isAddr || !bareAddr(addr).IsLoopback()):
		return refused("the link is plain http, not https")
	case isAddr:
		return s.checkAddr(ctx, addr)
	}
	return nil
}

// proxyFor is http.ProxyFromEnvironment, and remembers what it answers: a proxy
// is the user's own, and mostly in a private network.
func (s *storage) proxyFor(req *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(req)
	if err == nil && u != nil {
		port := u.Port()
		if port == "" {
			port = map[string]string{"https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
		}
		if port == "" {
			port = "80"
		}
		s.proxies.Store(net.JoinHostPort(u.Hostname(), port), true)
	}
	return u, err
}

// reach says from where an address can be reached: anywhere, or only from near.
type reach int

const (
	anywhere    reach = iota
	thisNetwork       // private: addresses that an outsider cannot reach
	thisMachine       // loopback
)

// private are what IANA's registries say is not routed on the Internet, beside
// what netip knows as private.
var private = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("fec0::/10"),
}

func reachOf(a netip.Addr) reach {
	a = bareAddr(a)
	switch {
	case a.IsLoopback():
		return thisMachine
	case a.IsPrivate(), slices.ContainsFunc(private, func(p netip.Prefix) bool { return p.Contains(a) }):
		return thisNetwork
	}
	return anywhere
}

// checkAddr decides whether a link may lead to an address. The API makes the
// links, and storage the redirects: neither is to send requests to this machine
// or its network, where a near address is trusted, unless the API is as near itself.
func (s *storage) checkAddr(ctx context.Context, addr netip.Addr) error {
	if forbidden(addr) {
		return refused("the link leads to the address " + addr.String() + ", which is never storage") //guard:dial-checked
	}
	if r := reachOf(addr); r > anywhere && r > s.apiReach(ctx) { //guard:link-private
		return refused("the link leads to " + addr.String() + ", an address of this machine or of a private network, where the API is not")
	}
	return nil
}

// checkDial is a net.Dialer.ControlContext: it looks at the address that a
// host's name resolved to, so that it does not matter what DNS says next.
func (s *storage) checkDial(ctx context.Context, _, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return err
	}
	return s.checkAddr(ctx, addr)
}

// apiReach is how near the API is; a name is as near as the farthest of its addresses.
func (s *storage) apiReach(ctx context.Context) reach {
	host := s.api
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "" {
		return anywhere
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", strings.Trim(host, "[]"))
	if err != nil || len(addrs) == 0 {
		return anywhere
	}
	nearest := thisMachine
	for _, a := range addrs {
		nearest = min(nearest, reachOf(a))
	}
	return nearest
}

// bareAddr is an address without its IPv6 clothes: mapped, compatible, 6to4, NAT64.
func bareAddr(a netip.Addr) netip.Addr {
	a = a.WithZone("").Unmap()
	b := a.As16()
	switch {
	case !a.Is6() || a == netip.IPv6Unspecified() || a == netip.IPv6Loopback():
	case netip.MustParsePrefix("64:ff9b::/96").Contains(a), netip.MustParsePrefix("::/96").Contains(a):
		return netip.AddrFrom4([4]byte(b[12:]))
	case netip.MustParsePrefix("2002::/16").Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return a
}

// forbidden reports whether an address is never storage: link-local, where
// clouds hand out machine credentials, multicast, unspecified (which means this
// machine) and AWS's metadata address in IPv6.
func forbidden(a netip.Addr) bool {
	a = bareAddr(a)
	return a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || a == netip.MustParseAddr("fd00:ec2::254")
}
