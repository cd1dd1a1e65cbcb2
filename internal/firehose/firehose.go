// Package firehose reads events of the vendor's Firehose, which come as JSON: one event
// after the other, or lists of them in envelopes, as they are or packed by gzip and base64
// as the queue delivers them. A Scanner finds them in a file's text, a Plan lays those of
// one log type onto columns, and a Cutter hands them out as records.
//
// Whatever the bytes are, nothing of them is dropped: what is not an event comes out of the
// Scanner with the reason and its own text.
package firehose

import (
	"fmt"
	"strings"

	"rawlogs/internal/rawlog"
)

// Limits bound what is held of a file at a time.
const (
	// MaxEvents is how many events of one type a file may hold: they are known by their
	// ids, all at once, and land in one INSERT.
	MaxEvents = 500_000
	// maxColumns bounds the different keys of a file's events.
	maxColumns = 1000
	// maxDepth is how deep envelopes and packed messages may lie in each other.
	maxDepth = 4
)

// Item is what stands at one place of a file: an event, or what is not one.
type Item struct {
	// Place counts the items of a file from 1, whatever their type.
	Place uint32
	// Type is that of the event. What names none counts as a click, so that it is kept once.
	Type  rawlog.Type
	Event *Event // nil where it is not an event
	// Reason says why it is not; Raw is its text, of which Piece counts the pieces from 0
	// where it is long.
	Reason string
	Raw    []byte
	Piece  int
}

// Event is one event.
type Event struct {
	ID     string
	Fields []Field
	action string // of an adjustment: create or update
	seq    string
}

// Field is one of an event's values as text.
type Field struct{ Key, Value string }

// The kinds of adjustments.
const (
	create = "create"
	update = "update"
)

// Adjusts reports whether the event corrects others: its amounts are differences.
func (e *Event) Adjusts() bool { return e.action != "" }

// Key is by what an event is known: it comes more than once, and counts once.
func (e *Event) Key() string { return key(e.ID, e.action, e.seq) }

func key(id, action, seq string) string {
	if action == "" {
		return id
	}
	if seq == "" {
		seq = "0" // as a column of numbers holds what is not there
	}
	return id + "\x00" + action + "\x00" + seq
}

// KeyOf is the key of an event that is in the store, by what its row has as id,
// adjust_action and adjustment_sequence_id.
func KeyOf(id, adjustAction, sequence string) string {
	action, err := adjustment(adjustAction)
	if err != nil {
		action = "" // a row of an event never has another
	}
	return key(id, action, sequence)
}

func adjustment(s string) (string, error) {
	switch strings.ToLower(s) {
	case "", "0":
		return "", nil
	case "1", create:
		return create, nil
	case "2", update:
		return update, nil
	}
	return "", fmt.Errorf("unknown adjust_action %.40q", s)
}

// typeOf is the log type of an action.
func typeOf(action string) (rawlog.Type, error) {
	word := strings.TrimSuffix(strings.ToLower(action), "s")
	t, err := rawlog.ParseType(word + "s")
	if err != nil {
		return "", fmt.Errorf("unknown action %.40q", action)
	}
	return t, nil
}

// newEvent makes an event of its fields. Its type comes beside an error, too, if it is known.
func newEvent(fields []Field) (rawlog.Type, *Event, error) {
	e := &Event{Fields: fields}
	get := func(key string) string {
		for _, f := range fields {
			if strings.EqualFold(f.Key, key) {
				return f.Value
			}
		}
		return ""
	}
	typ, err := typeOf(get("action"))
	if err != nil {
		return "", nil, err
	}
	if e.ID = get("event_id"); e.ID == "" {
		e.ID = get("tune_event_id")
	}
	if e.ID == "" { //guard:event-needs-id
		return typ, nil, fmt.Errorf("an event without event_id")
	}
	if e.action, err = adjustment(get("adjust_action")); err != nil {
		return typ, nil, err
	}
	e.seq = get("adjustment_sequence_id")
	if e.action == update && e.seq == "" { //guard:adjustment-needs-sequence
		return typ, nil, fmt.Errorf("an adjustment without adjustment_sequence_id: one more of the same event could not be told from this one")
	}
	return typ, e, nil
}
