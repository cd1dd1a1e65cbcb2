package fetch

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"syscall"
)

// refusedError is a link, redirect or address that is not followed; it names no
// more than scheme, host or address.
type refusedError struct{ why string }

func (e *refusedError) Error() string { return e.why }

// checkLink decides whether a link or a redirect may be followed: https, or
// plain http where that cannot leak (this machine) or was chosen (allowHTTP).
// What a host name resolves to is checked when it is dialled.
func checkLink(u *url.URL, allowHTTP bool) error {
	host := u.Hostname()
	addr, err := netip.ParseAddr(host)
	isAddr := err == nil
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return &refusedError{fmt.Sprintf("the link's scheme is %.20q, not https", u.Scheme)}
	case host == "":
		return &refusedError{"the link names no host"}
	case isAddr && forbidden(addr):
		return &refusedError{"the link leads to the address " + addr.String() + ", which is never storage"}
	case u.Scheme == "https":
		return nil
	case allowHTTP, host == "localhost", isAddr && addr.Unmap().IsLoopback():
		return nil
	}
	return &refusedError{"the link is plain http, not https"}
}

// checkDial is a net.Dialer.Control: whatever DNS says, nothing is sent to a
// link-local address, where clouds hand out machine credentials.
func checkDial(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return err
	}
	if forbidden(addr) {
		return &refusedError{"the link's host resolves to " + addr.String() + ", which is never storage"} //guard:dial-checked
	}
	return nil
}

// forbidden tells whether an address is never storage: link-local, multicast,
// unspecified (which means this machine), AWS's metadata address in IPv6, and
// the IPv4 ones of these in IPv6 clothes.
func forbidden(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	if nat64 := netip.MustParsePrefix("64:ff9b::/96"); nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	return a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || a == netip.MustParseAddr("fd00:ec2::254")
}
