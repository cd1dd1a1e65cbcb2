package dims

import (
	"cmp"
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"rawlogs/internal/hasoffers"
)

// identity is how an API knows an entity's rows, as its answers taught: by id, or, as
// the vendor retires that for conversions, by the text of the entity's Event. The zero
// value asks for both and goes by id.
type identity struct {
	byEvent bool     // go by the event: rows without an id were seen
	noID    bool     // the API does not know the field id any more
	noEvent bool     // the API does not know the event yet
	without []string // optional fields that the API does not know
}

// errNoID ends a reading by id when a page holds rows without one.
var errNoID = errors.New("rows have no id")

// learn takes from an error of a reading how to read instead, and reports whether it
// found a way that was not tried.
func (id *identity) learn(err error, e Entity, log *slog.Logger) bool {
	switch {
	case e.Event == "":
		return false
	case errors.Is(err, errNoID) && !id.byEvent:
		id.byEvent = true
	case refusesField(err, e.Event) && !id.noEvent && !id.noID:
		id.noEvent, id.byEvent = true, false
		log.Info("the API does not know this field; reading without it", "entity", e.Name, "field", e.Event)
	case refusesField(err, "id") && !id.noID && !id.noEvent:
		id.noID, id.byEvent = true, true
		log.Info("the API does not know this field; reading without it", "entity", e.Name, "field", "id")
	default:
		return false
	}
	return true
}

// leaveOut takes from an error of a reading which optional field to do without, and
// reports whether there is one.
func (id *identity) leaveOut(err error, e Entity, log *slog.Logger) bool {
	for _, f := range e.Fields {
		if f.Optional && !slices.Contains(id.without, f.Name) && refusesField(err, f.Name) { //guard:optional-field
			id.without = append(id.without, f.Name)
			log.Warn("the API does not know this field; reading without it", "entity", e.Name, "field", f.Name)
			return true
		}
	}
	return false
}

// refusesField reports whether the API refused a call because it does not know a field.
func refusesField(err error, field string) bool {
	var refusal *hasoffers.APIError
	if !errors.As(err, &refusal) || refusal.Kind != hasoffers.Validation && refusal.Kind != hasoffers.Refused {
		return false
	}
	named := regexp.MustCompile(`(?i)\bfield\W+` + regexp.QuoteMeta(field) + `\b`)
	return named.MatchString(strings.Join(refusal.Messages, "\n"))
}

// fields are those to ask an API of this identity for.
func (id *identity) fields(e Entity) []string {
	var out []string
	for _, name := range e.FieldNames() {
		lacking := name == "id" && id.noID || name == e.Event && id.noEvent || slices.Contains(id.without, name)
		if !lacking {
			out = append(out, name)
		}
	}
	return out
}

// key is the field to sort and filter by.
func (id *identity) key(e Entity) string {
	if id.byEvent {
		return e.Event
	}
	return "id"
}

// place is where a reading is: behind the row of this id, or of this event where the
// API goes by event. The zero place is the beginning.
type place struct {
	id    uint64
	event string
}

func (p place) begins() bool { return p == place{} }

// text is the place as a filter's value.
func (p place) text(byEvent bool) string {
	if byEvent {
		return p.event
	}
	return strconv.FormatUint(p.id, 10)
}

// String is the place for people.
func (p place) String() string {
	if p.event != "" && p.id == 0 {
		return "tune_event_id " + strconv.Quote(p.event)
	}
	return "id " + strconv.FormatUint(p.id, 10)
}

// compare orders places as the API sorts them. Collations of text usually do not tell
// capitals from small letters, so two events that differ in that only come in any order.
func (p place) compare(q place, byEvent bool) int {
	if byEvent {
		return cmp.Compare(strings.ToLower(p.event), strings.ToLower(q.event))
	}
	return cmp.Compare(p.id, q.id)
}

// last is the place behind the last of the rows; otherwise, where there are none.
func last(rows []version, otherwise place, byEvent bool) place {
	for _, v := range rows {
		if at := v.place(byEvent); otherwise.begins() || at.compare(otherwise, byEvent) > 0 {
			otherwise = at
		}
	}
	return otherwise
}

// place is the row's own.
func (v version) place(byEvent bool) place {
	if byEvent {
		return place{event: v.event}
	}
	return place{id: v.id}
}
