package dims

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/privacy"
)

// version is one row as it is written.
type version struct {
	key
	values []any             // one for each of the entity's fields
	other  map[string]string // what did not fit its column, by field
	hash   uint64            // of values and other
	// forgotten says that it is somebody's who was forgotten: it counts as shown, and is not
	// written.
	forgotten bool
}

// read makes a version of an answer's row. Only a row without an id is an
// error; a field that does not fit its column goes to other, and the column
// takes its default.
func (e Entity) read(row hasoffers.Row, zone *time.Location, policy *privacy.Policy) (version, error) {
	fields := row.Values()
	text := fields["id"]
	if text == "" {
		text = row.Key
	}
	event := strings.ToValidUTF8(strings.TrimSpace(fields[e.Event]), "\uFFFD")
	id, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	if event != "" && (fields["id"] == "" || fields["id"] == "0") { //guard:update-event
		id = 0 // what the answer's map has as a key is the event then, or a place in it
	} else if err != nil || id == 0 {
		return version{}, fmt.Errorf("%s: a row's id is %.40q", e.Name, text)
	}
	v := version{key: key{id, event}, values: make([]any, len(e.Fields)), other: map[string]string{}}
	sum := sha256.New()
	for i, f := range e.Fields {
		raw, ok := fields[f.Name]
		for _, name := range f.From {
			if !ok || raw == "" {
				raw, ok = fields[name]
			}
		}
		if f.Kind == Text || f.Kind == Word {
			raw = policy.Text(f.Name, raw) //guard:privacy-updates
		}
		value, canonical, err := f.Kind.read(raw, zone)
		if err != nil {
			v.other[f.Name] = raw
		}
		v.values[i] = value
		// Length first, so that no two rows share an encoding.
		sum.Write(fmt.Appendf(nil, "%s %d %s\n", f.Name, len(canonical), canonical))
	}
	for _, name := range slices.Sorted(maps.Keys(v.other)) {
		sum.Write(fmt.Appendf(nil, "other %s %d %s\n", name, len(v.other[name]), v.other[name]))
	}
	v.hash = binary.LittleEndian.Uint64(sum.Sum(nil))
	return v, nil
}

// read converts a field's text. canonical is the same for texts that mean the
// same, so that "7" and 7, or a number and a text for modified, are no change.
// On an error value is the column's default.
func (k Kind) read(raw string, zone *time.Location) (value any, canonical string, err error) {
	trimmed := strings.TrimSpace(raw)
	switch k {
	case Number:
		if trimmed == "" {
			return uint64(0), "0", nil
		}
		n, err := strconv.ParseUint(trimmed, 10, 64)
		if err != nil {
			return uint64(0), "0", err
		}
		return n, strconv.FormatUint(n, 10), nil
	case Money:
		if trimmed == "" {
			return decimal.Zero, "0", nil
		}
		d, err := parseMoney(trimmed)
		if err != nil {
			return decimal.Zero, "0", err
		}
		return d, d.String(), nil
	case Time, Day:
		t, err := hasoffers.ParseTime(trimmed, zone)
		if k == Day && err == nil {
			t = t.In(zone) // the day as the network writes it
			t = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
			if trimmed == "" || strings.HasPrefix(trimmed, "0000-00-00") || trimmed == "0" {
				t = time.Time{}
			}
		}
		outside := k == Time && (t.Unix() < 0 || t.Unix() > 1<<32-1) || k == Day && (t.Year() < 1900 || t.Year() > 2299)
		if err == nil && !t.IsZero() && outside {
			err = fmt.Errorf("%s is out of the column's range", trimmed)
		}
		if err != nil || t.IsZero() {
			return (*time.Time)(nil), "", err
		}
		return &t, t.Format(time.RFC3339), nil
	case Flag:
		switch strings.ToLower(trimmed) {
		case "", "0", "false", "no":
			return false, "0", nil
		case "1", "true", "yes":
			return true, "1", nil
		}
		return false, "0", fmt.Errorf("%.40q is neither 0 nor 1", trimmed)
	default:
		valid := strings.ToValidUTF8(raw, "\uFFFD")
		return valid, valid, nil
	}
}

// parseMoney reads an amount that fits Decimal(18, 5) without losing a digit.
func parseMoney(s string) (decimal.Decimal, error) {
	if len(s) > 40 || strings.ContainsAny(s, "eE") { // 1e99999 would fill memory
		return decimal.Zero, fmt.Errorf("%.40q is no amount", s)
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return decimal.Zero, fmt.Errorf("%.40q is no amount", s)
	}
	if !d.Equal(d.Truncate(5)) || d.Abs().GreaterThanOrEqual(decimal.New(1, 13)) {
		return decimal.Zero, fmt.Errorf("%.40q has more digits than the column", s)
	}
	return d, nil
}
