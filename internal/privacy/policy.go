// Package privacy keeps personal data out of the store: what a policy drops, hashes or cuts
// short is changed between a text and its columns, so that nothing else is ever stored.
package privacy

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rawlogs/internal/near"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// Action is what becomes of a value.
type Action string

// The actions. An address is cut to its network: IPv4 to /24, IPv6 to /48.
const (
	Keep     Action = "keep"
	Drop     Action = "drop"
	Hash     Action = "hash"
	Truncate Action = "truncate"
)

// kind is what the name of a rule is the name of.
type kind string

const (
	column    kind = ""
	parameter kind = "url_params" // of a link, in whatever column
	header    kind = "headers"    // of a log, that has no column
)

type rule struct {
	kind   kind
	name   string
	action Action
}

func (r rule) key() string {
	if r.kind == column {
		return r.name
	}
	return string(r.kind) + "." + r.name
}

// Policy says what becomes of which values. A nil Policy, and one without rules, changes
// nothing. It may be used by several goroutines.
type Policy struct {
	rules []rule // by key; none keeps
	key   []byte
	// forgotten are the marks of people whose rows are not stored; see Receipt.
	forgotten map[[16]byte]struct{}
}

// leastKey is the shortest key: with a shorter one a hash of an address is soon undone.
const leastKey = 16

// Parse reads a policy: names with their actions, separated by commas, such as
// ip=truncate, url_params.email=drop.
func Parse(text string, key []byte) (*Policy, error) {
	p := &Policy{key: key}
	seen := make(map[string]bool)
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		cut := strings.LastIndexByte(part, '=')
		if cut < 0 {
			return nil, fmt.Errorf("%q: want a name and what becomes of it, such as ip=truncate", part)
		}
		r := rule{name: strings.TrimSpace(part[:cut]), action: Action(strings.TrimSpace(part[cut+1:]))}
		for _, k := range []kind{parameter, header} {
			if rest, ok := strings.CutPrefix(r.name, string(k)+"."); ok {
				r.kind, r.name = k, rest
			}
		}
		if err := r.check(); err != nil {
			return nil, err
		}
		if seen[r.key()] {
			return nil, fmt.Errorf("%s is named twice", r.key())
		}
		seen[r.key()] = true
		if r.action != Keep {
			p.rules = append(p.rules, r)
		}
	}
	slices.SortFunc(p.rules, func(a, b rule) int { return cmp.Compare(a.key(), b.key()) })
	hashes := slices.ContainsFunc(p.rules, func(r rule) bool { return r.action == Hash })
	switch {
	case hashes && len(key) == 0:
		return nil, errors.New("hash needs a key: write one into a file of its own (openssl rand -hex 32) and name it with privacy_key_file, or INGEST_PRIVACY_KEY_FILE")
	case hashes && len(key) < leastKey: //guard:privacy-key-long
		return nil, fmt.Errorf("the key has %d bytes, want %d at least: openssl rand -hex 32", len(key), leastKey)
	}
	return p, nil
}

func (r rule) check() error {
	known := []string{string(Keep), string(Drop), string(Hash), string(Truncate)}
	if !slices.Contains(known, string(r.action)) {
		meant := ""
		if m := near.Of(string(r.action), known); m != "" {
			meant = fmt.Sprintf(": did you mean %s?", m)
		}
		return fmt.Errorf("%s: unknown policy %q%s (there are %s)", r.key(), r.action, meant, strings.Join(known, ", "))
	}
	if r.name == "" {
		return fmt.Errorf("%q names nothing", r.key())
	}
	if r.kind == parameter || r.action == Keep {
		return nil
	}
	name := rawlog.Alias(r.name).Column
	if slices.ContainsFunc(vital, func(v string) bool { return rawlog.Spelling(v) == name }) { //guard:privacy-vital
		return fmt.Errorf("%s cannot have a policy: loading exactly once, and comparing totals, go by it", r.name)
	}
	if name == rawlog.Spelling("transaction_id") && r.action != Hash {
		return fmt.Errorf("%s can be kept or hashed, but not %s: conversions find their clicks by it", r.name, r.action)
	}
	return nil
}

// vital are the columns and headers without which rows are not told apart or not counted.
var vital = []string{"network", "id", "tune_event_id", "adjust_action", "adjustment_sequence_id", "datetime", "offer_id", "affiliate_id",
	"payout_cents", "revenue_cents", "sale_amount", "currency", "status", "access_control_decision"}

// On reports whether it changes anything.
func (p *Policy) On() bool { return p != nil && len(p.rules) > 0 }

// String is the policy as the ledger notes it, "" for one that changes nothing: the same for
// policies, and keys, that give the same values. The key cannot be found from it.
func (p *Policy) String() string {
	if !p.On() {
		return ""
	}
	parts, hashes := make([]string, len(p.rules)), false
	for i, r := range p.rules {
		parts[i], hashes = r.key()+"="+string(r.action), hashes || r.action == Hash
	}
	text := strings.Join(parts, ", ")
	if hashes {
		text += " (key " + hex.EncodeToString(p.sum([]byte("rawlogs: which key it is"))[:4]) + ")"
	}
	return text
}

func (p *Policy) sum(v []byte) []byte {
	mac := hmac.New(sha256.New, p.key)
	mac.Write(v)
	return mac.Sum(nil)
}

// Check returns an error where a rule names a column that no table has, or one that cannot
// hold what becomes of its values.
func (p *Policy) Check(tables map[string][]store.Column) error {
	if !p.On() {
		return nil
	}
	var names []string
	types := make(map[string][]string)
	for _, columns := range tables {
		for _, c := range columns {
			if !strings.HasPrefix(c.Name, "_") {
				names = append(names, c.Name)
				types[c.Name] = append(types[c.Name], c.Type)
			}
		}
	}
	slices.Sort(names)
	for _, r := range p.rules {
		if r.kind != column {
			continue
		}
		if len(types[r.name]) == 0 { //guard:privacy-column-known
			hint := "; a header without a column goes under headers"
			if meant := near.Of(r.name, slices.Compact(names)); meant != "" {
				hint = fmt.Sprintf(": did you mean %s?", meant)
			}
			return fmt.Errorf("privacy: no table has a column %q%s", r.name, hint)
		}
		for _, typ := range types[r.name] {
			if err := r.fits(typ); err != nil {
				return err
			}
		}
	}
	return nil
}

// fits returns an error where a column of the type cannot hold what becomes of its values.
func (r rule) fits(typ string) error {
	text := strings.Contains(typ, "String") && !strings.Contains(typ, "FixedString")
	switch {
	case r.action == Hash && !text && !strings.Contains(typ, "IPv6"):
		return fmt.Errorf("privacy: column %s is %s, which cannot hold a hash: drop or keep it", r.name, typ)
	case r.action == Truncate && !text && !isAddress(typ):
		return fmt.Errorf("privacy: column %s is %s, and truncate is for addresses: drop or keep it", r.name, typ)
	}
	return nil
}

func isAddress(typ string) bool {
	return strings.Contains(typ, "IPv6") || strings.Contains(typ, "IPv4")
}
