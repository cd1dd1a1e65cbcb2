package privacy

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // what others hashed device ids with
	"crypto/sha1" //nolint:gosec // the same
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"rawlogs/internal/rawlog"
)

// Kind is what a person is known by.
type Kind string

// The kinds.
const (
	Device      Kind = "device_id"
	Address     Kind = "ip"
	Transaction Kind = "transaction_id"
	User        Kind = "user_id"
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{Device, Address, Transaction, User} }

// Names are the columns, headers and parameters of links that hold values of a kind, in one
// spelling.
func (k Kind) Names() []string {
	switch k {
	case Device:
		var names []string
		for _, n := range []string{"device_id", "android_id", "mac_address", "ios_ifa", "google_aid", "windows_aid", "platform_aid"} {
			names = append(names, n, n+"_md5", n+"_sha1")
		}
		return append(names, "odin", "open_udid", "ios_ifv", "unknown_id")
	case Address:
		return []string{"ip", "session_ip", "device_ip"}
	case Transaction:
		return []string{"transaction_id", "ad_id"}
	case User:
		return []string{"user_id", "userid", "uid", "customer_id"}
	}
	return nil
}

// allNames are those of all kinds.
var allNames = func() (all []string) {
	for _, k := range Kinds() {
		all = append(all, k.Names()...)
	}
	return all
}()

// Person is one value by which a person is known.
type Person struct {
	Kind  Kind
	value string // as it was given; an address in its usual form
}

// Bounds of a value's length. A text that is longer than the longest is no id.
const (
	longestID = 256
	// telling is how long a value is that nobody else has by chance. One that is shorter, or
	// has digits alone, is a person's only where a name says what it is.
	telling = 12
)

// nobody are words for no value.
var nobody = []string{"null", "(null)", "nil", "none", "unknown", "undefined", "n/a", "na", "false", "true", "test"}

// NewPerson checks a value of a kind.
func NewPerson(kind Kind, value string) (Person, error) {
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		return Person{}, errors.New("the value is empty")
	case len(value) > longestID:
		return Person{}, fmt.Errorf("the value has %d bytes, want %d at most", len(value), longestID)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return Person{}, errors.New("the value has a control character in it")
	}
	ip, isAddress := parse([]byte(value))
	switch {
	case kind == Address && !isAddress:
		return Person{}, errors.New("the value is not an address, such as 203.0.113.7 or 2001:db8::1")
	case isAddress && ip.IsUnspecified() || strings.Trim(value, "0-:.") == "" || slices.Contains(nobody, strings.ToLower(value)) || strings.ContainsAny(value, "{}"):
		return Person{}, errors.New("the value is what stands where there is none: rows of many people have it") //guard:forget-nobody
	case isAddress:
		value = ip.String()
	}
	return Person{kind, value}, nil
}

// known are a device's id in the forms in which it is passed.
func (p Person) known() []string {
	lower := strings.ToLower(p.value)
	all := []string{lower}
	if p.Kind == Device {
		for _, form := range []string{p.value, lower, strings.ToUpper(p.value)} {
			m, s := md5.Sum([]byte(form)), sha1.Sum([]byte(form)) //nolint:gosec // what others hashed it with
			all = append(all, hex.EncodeToString(m[:]), hex.EncodeToString(s[:]))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// tells reports whether a value is one person's wherever it stands.
func tells(v []byte) bool {
	if len(v) >= telling && bytes.ContainsFunc(v, func(r rune) bool { return r < '0' || r > '9' }) { //guard:forget-short-values
		return true
	}
	_, ok := parse(v)
	return ok
}

// marks are the texts by which a row is the person's: a value that tells by itself, else a
// value behind a name.
func (p Person) marks() []string {
	var all []string
	for _, v := range p.known() {
		all = append(all, p.under(v, v)...)
	}
	return all
}

// under is what stands for a value: by itself if the value tells, else behind the names.
func (p Person) under(value, stands string) []string {
	if tells([]byte(value)) {
		return []string{stands}
	}
	var all []string
	for _, name := range p.Kind.Names() {
		all = append(all, name+"="+stands)
	}
	return all
}

// Traces are what people left in a store: what to look for in it.
type Traces struct {
	// Marks are texts, in small letters, that are a person's where they are a whole value, or
	// stand between the separators of a link; some have a name before them, name=value.
	Marks     []string
	Values    []string // the same without names; in lines that are not rows each counts
	Addresses []netip.Addr
	Names     []string // for which a value with its name is a mark
}

// Traces are what the people left, also as hashes under the policy's key.
func (p *Policy) Traces(people []Person) Traces {
	t := Traces{Names: allNames}
	for _, person := range people {
		t.Marks = append(t.Marks, person.marks()...)
		t.Values = append(t.Values, person.known()...)
		for _, form := range append(person.known(), person.value, strings.ToUpper(person.value)) { //guard:forget-hashed
			hashed := string(p.hash(nil, []byte(form), false))
			t.Marks, t.Values = append(t.Marks, person.under(form, hashed)...), append(t.Values, hashed)
		}
		ip, ok := parse([]byte(person.value))
		if !ok {
			continue
		}
		t.Addresses = append(t.Addresses, ip)
		if hashed, err := netip.ParseAddr(string(p.hash(nil, []byte(person.value), true))); err == nil {
			t.Addresses = append(t.Addresses, hashed)
		}
		wide := netip.AddrFrom16(ip.As16())
		spelled := []string{wide.String(), wide.StringExpanded(), ip.StringExpanded()}
		t.Marks, t.Values = append(t.Marks, spelled...), append(t.Values, spelled...)
	}
	for _, list := range []*[]string{&t.Marks, &t.Values} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return t
}

// ErrNoKey is of a receipt that has no key to be made with.
var ErrNoKey = errors.New("a person is forgotten by keyed hashes, and there is no key: write one into a file of its own (openssl rand -hex 32 > privacy.key; chmod 600 privacy.key) and name it with privacy_key_file, or INGEST_PRIVACY_KEY_FILE")

// CanForget returns an error where there is no key to make receipts with.
func (p *Policy) CanForget() error {
	switch {
	case p == nil || len(p.key) == 0:
		return ErrNoKey
	case len(p.key) < leastKey:
		return fmt.Errorf("the key has %d bytes, want %d at least: openssl rand -hex 32", len(p.key), leastKey)
	}
	return nil
}

// KeyID tells keys apart, and says nothing of them; "" where there is none.
func (p *Policy) KeyID() string {
	if p == nil || len(p.key) == 0 {
		return ""
	}
	return hex.EncodeToString(p.sum([]byte("rawlogs: which key it is"))[:4])
}

// Receipt is what is kept of a person that was forgotten: keyed hashes of its marks.
func (p *Policy) Receipt(person Person) []string {
	marks := person.marks()
	for _, v := range person.known() {
		if !tells([]byte(v)) {
			marks = append(marks, anyName+v)
		}
	}
	w := newWatch(p)
	out := make([]string, len(marks))
	for i, mark := range marks {
		sum := w.sum([]byte(mark))
		out[i] = hex.EncodeToString(sum[:])
	}
	return out
}

// anyName is before a value that tells nothing by itself, in lines that are not rows: there
// nothing has a name.
const anyName = "?="

// pieces calls f with what a text says: all of it, what stands between the separators of a
// link, and what is packed into those. It ends when f returns true, and returns that.
func pieces(v []byte, f func([]byte) bool) bool {
	if f(v) {
		return true
	}
	if !bytes.ContainsAny(v, "=%?&;#") {
		return false
	}
	for range deepest {
		for rest, more := v, true; more; {
			var piece []byte
			piece, rest, more = cut(rest, "?&;#")
			if f(piece) {
				return true
			}
			for inner, again := piece, bytes.IndexByte(piece, '=') >= 0; again; {
				var value []byte
				if value, inner, again = cut(inner, "="); f(value) {
					return true
				}
			}
		}
		plain := unescape(v)
		if len(plain) == len(v) {
			return false
		}
		v = plain
	}
	return false
}

func cut(v []byte, at string) (piece, rest []byte, more bool) {
	i := bytes.IndexAny(v, at)
	if i < 0 {
		return v, nil, false
	}
	return v[:i], v[i+1:], true
}

// unescape undoes one level of percent-encoding, as far as it is some.
func unescape(v []byte) []byte {
	if bytes.IndexByte(v, '%') < 0 {
		return v
	}
	if plain, err := url.PathUnescape(string(v)); err == nil {
		return []byte(plain)
	}
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		if v[i] == '%' && i+2 < len(v) {
			var b [1]byte
			if _, err := hex.Decode(b[:], v[i+1:i+3]); err == nil {
				out, i = append(out, b[0]), i+2
				continue
			}
		}
		out = append(out, v[i])
	}
	return out
}

// named is the name that a header or column has among those of the kinds, or "".
func named(name string) string {
	for _, n := range []string{rawlog.Spelling(name), rawlog.Alias(name).Column} {
		if slices.ContainsFunc(allNames, func(known string) bool { return rawlog.Spelling(known) == n }) {
			return n
		}
	}
	return ""
}
