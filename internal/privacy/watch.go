package privacy

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/maphash"
	"slices"
	"strings"

	"rawlogs/internal/records"
)

// Obeying is the policy that also keeps people out of the store who were forgotten, by their
// receipts. It changes nothing of the rules, nor of how the ledger notes them.
func (p *Policy) Obeying(receipts [][]string) (*Policy, error) {
	if len(receipts) == 0 {
		return p, nil
	}
	if err := p.CanForget(); err != nil {
		return nil, err
	}
	with := *p
	with.forgotten = make(map[[16]byte]struct{})
	for _, marks := range receipts {
		for _, mark := range marks {
			raw, err := hex.DecodeString(mark)
			if err != nil || len(raw) != 16 {
				return nil, fmt.Errorf("a receipt of somebody who was forgotten cannot be read: %q is not a hash of ours", mark)
			}
			with.forgotten[[16]byte(raw)] = struct{}{}
		}
	}
	return &with, nil
}

// obeys reports whether somebody was forgotten.
func (p *Policy) obeys() bool { return p != nil && len(p.forgotten) > 0 }

// watch looks for people who were forgotten. It is for one goroutine.
type watch struct {
	of      *Policy
	mac     hash.Hash
	lower   []byte
	out     []byte
	value   []byte
	scratch []byte
	// missed holds hashes, seeded per process, of values that match nobody; the hash decides the
	// place. Most values in a log come again. It is nil in a watch for a text or two.
	missed []uint64
	seed   maphash.Seed
}

// mostMissed bounds the memory of a watch: 512 KiB.
const mostMissed = 1 << 16

// newWatch returns a watch for a text or two.
func newWatch(p *Policy) *watch { return &watch{of: p, mac: hmac.New(sha256.New, p.key)} }

// longWatch returns one for many texts.
func longWatch(p *Policy) *watch {
	w := newWatch(p)
	w.missed, w.seed = make([]uint64, mostMissed), maphash.MakeSeed()
	return w
}

// sum is the keyed hash of a mark. It is another one than a policy's of the same value, so
// that a receipt cannot be joined with rows.
func (w *watch) sum(mark []byte) [16]byte {
	w.mac.Reset()
	w.mac.Write([]byte("rawlogs: forgotten\x00"))
	w.mac.Write(mark)
	w.out = w.mac.Sum(w.out[:0])
	return [16]byte(w.out)
}

// is reports whether a value is the mark of somebody who was forgotten.
func (w *watch) is(v []byte) bool {
	v = bytes.TrimSpace(v)
	if len(v) == 0 || len(v) > longestID+len("transaction_id=") {
		return false
	}
	w.lower = w.lower[:0]
	for _, c := range v {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		w.lower = append(w.lower, c)
	}
	if ip, ok := parse(w.lower); ok {
		w.lower = ip.AppendTo(w.lower[:0])
		return w.known(w.lower)
	}
	if name, v, ok := bytes.Cut(w.lower, []byte("=")); ok && !tells(v) && (string(name) == "?" || slices.Contains(allNames, string(name))) {
		return w.known(w.lower)
	}
	return tells(w.lower) && w.known(w.lower)
}

func (w *watch) known(v []byte) bool {
	if w.missed == nil {
		return w.of.wasForgotten(w.sum(v))
	}
	key := maphash.Bytes(w.seed, v) | mostMissed // 0 is an empty place
	place := &w.missed[key%mostMissed]
	if *place == key {
		return false
	}
	if w.of.wasForgotten(w.sum(v)) {
		return true
	}
	*place = key
	return false
}

func (p *Policy) wasForgotten(sum [16]byte) bool {
	_, ok := p.forgotten[sum]
	return ok
}

// field reports whether a value under a name is somebody's who was forgotten; name is one of
// those of the kinds, or "".
func (w *watch) field(name string, v []byte) bool {
	if name != "" && !tells(v) {
		w.value = append(append(append(w.value[:0], name...), '='), bytes.TrimSpace(v)...)
		if w.is(w.value) {
			return true
		}
	}
	if len(v) < telling && !bytes.ContainsAny(v, ".:=%") {
		return false // too short to hold anything that identifies a person
	}
	return pieces(v, w.is)
}

// inLine is field for a line that is not a row.
func (w *watch) inLine(line []byte) bool {
	seen := func(v []byte) bool { return w.is(v) || w.field("?", v) }
	inner := func(r rune) bool {
		return r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z'
	}
	for range deepest {
		for _, apart := range []func(rune) bool{
			func(r rune) bool { return strings.ContainsRune(",;\t|\"", r) },
			func(r rune) bool { return inner(r) && !strings.ContainsRune("._:@+~-=", r) },
			func(r rune) bool { return inner(r) && !strings.ContainsRune("._:@+~-", r) },
		} {
			if slices.ContainsFunc(bytes.FieldsFunc(line, apart), seen) {
				return true
			}
		}
		plain := unescape(line)
		if len(plain) == len(line) {
			return false
		}
		line = plain
	}
	return false
}

// forget leaves out the rows of people who were forgotten.
func (m *Mask) forget(in *records.Records) *records.Records {
	out := in
	for r := range in.Rows {
		hit := m.hits(in, r)
		if hit && out == in {
			m.kept = records.Records{Text: in.Text, Valid: in.Valid, Width: in.Width, Rows: r,
				Fields: append(m.kept.Fields[:0], in.Fields[:r*in.Width]...), Lines: append(m.kept.Lines[:0], in.Lines[:r]...)}
			out = &m.kept
		}
		switch {
		case hit:
			m.forgotten++
		case out != in:
			out.Fields = append(out.Fields, in.Fields[r*in.Width:][:in.Width]...)
			out.Lines = append(out.Lines, in.Lines[r])
			out.Rows++
		}
	}
	return out
}

func (m *Mask) hits(in *records.Records, r int) bool {
	for f := range in.Width {
		if in.Fields[r*in.Width+f].Len == 0 {
			continue
		}
		var v []byte
		if v, m.watch.scratch = in.Value(r, f, m.watch.scratch); m.watch.field(m.names[f], v) {
			return true
		}
	}
	return false
}

// Forgotten is how many rows the last Apply left out.
func (m *Mask) Forgotten() int { return m.forgotten }

// Watch looks at rows of other sources for people who were forgotten. It is for one
// goroutine.
type Watch struct{ w *watch }

// Watch returns nil where nobody was forgotten.
func (p *Policy) Watch() *Watch {
	if !p.obeys() {
		return nil
	}
	return &Watch{longWatch(p)}
}

// Sees reports whether a row is somebody's who was forgotten.
func (w *Watch) Sees(row map[string]string) bool {
	if w == nil {
		return false
	}
	for name, v := range row {
		if w.w.field(named(name), []byte(v)) {
			return true
		}
	}
	return false
}
