package convreport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/hasoffers"
)

// pageKey is what rows are put in order by.
type pageKey int

const (
	byNumber pageKey = iota
	byEvent
	byNothing // rows have neither: they are ordered by time
)

func (k pageKey) field() string {
	return [...]string{numberField, eventField, datetimeField}[k]
}

// againError ends a walk that has shown that the question has to be another one.
type againError struct{ why string }

func (e *againError) Error() string { return e.why }

// manner is how a question is asked. Days read concurrently share what they learn, so each
// question keeps its own copy: its answer says nothing about what another day has learned since.
type manner struct {
	fields  []string // asked for
	by      pageKey
	numbers bool // pages go by their numbers
	byDate  bool // a day may be filtered by its date
}

func (m manner) equal(o manner) bool {
	return m.by == o.by && m.numbers == o.numbers && slices.Equal(m.fields, o.fields) // fields tell byDate
}

// manner is how the report is asked for, as the network has shown so far.
func (s *Source) manner() manner {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := manner{by: s.by, byDate: !s.refused[dateField]}
	m.fields = slices.DeleteFunc(Fields(), func(f string) bool { return s.refused[f] })
	for m.by < byNothing && s.refused[m.by.field()] {
		m.by++
	}
	m.numbers = s.numbers || m.by == byNothing
	return m
}

// asking asks, and asks again if the question is refused and the manner has changed meanwhile.
func (s *Source) asking(ask func(manner) error) error {
	for {
		m := s.manner()
		if err := ask(m); !refused(err) || m.equal(s.manner()) { //guard:report-asked-meanwhile
			return err
		}
	}
}

// refused reports whether err means that the network rejected the question itself.
func refused(err error) bool {
	kind, ofAPI := hasoffers.KindOf(err)
	return ofAPI && (kind == hasoffers.Validation || kind == hasoffers.Refused || kind == hasoffers.Permission || kind == hasoffers.NotFound)
}

// another says that rows have no key, or that pages cannot go by it.
func (s *Source) another(by pageKey, numbers bool, why string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by, s.numbers = max(s.by, by), s.numbers || numbers
	return &againError{why}
}

// walk reads all pages of a span. It returns how many rows they have and how many the
// network says there are; 0 where it does not say.
func (s *Source) walk(ctx context.Context, client *hasoffers.Client, d *day, sp span) (got, said int, err error) {
	m := s.manner()
	by, numbers := m.by, m.numbers
	last := ""
	for number := 1; ; number++ {
		page, err := s.page(ctx, client, sp, m, number, last)
		if err != nil {
			return got, said, err
		}
		fresh, key, err := s.take(d, page.Rows, by)
		if err != nil {
			return got, said, err
		}
		got += fresh
		if number == 1 || numbers {
			said = max(said, page.Count)
		}
		switch {
		case d.probe && sp.whole() && page.Counted && page.Count > len(page.Rows):
			return got, said, &longError{page.Count}
		case len(page.Rows) == 0:
			return got, said, nil
		case fresh == 0 && !numbers:
			return got, said, s.another(by, true, "the network does not ask for rows beyond a key")
		case fresh == 0:
			return got, said, nil
		// An answer may hold fewer rows than were asked for: its count decides.
		case numbers && page.Counted && number >= page.Pages,
			!numbers && page.Counted && page.Count <= len(page.Rows) && len(page.Rows) < s.Limit: //guard:report-last-page
			return got, said, nil
		}
		last = key
	}
}

// page asks for a page: that of a number, or the rows beyond the last key.
func (s *Source) page(ctx context.Context, client *hasoffers.Client, sp span, m manner, number int, last string) (hasoffers.Page, error) {
	q := m.question(sp)
	q.Set("limit", strconv.Itoa(s.Limit))
	q.Set("page", "1")
	beyond := !m.numbers && last != ""
	switch {
	case beyond:
		filter(q, m.by.field(), "GREATER_THAN", last)
	case m.numbers:
		q.Set("page", strconv.Itoa(number))
	}
	data, err := s.call(ctx, client, q)
	if err != nil {
		switch {
		case !refused(err):
		case beyond:
			return hasoffers.Page{}, s.another(m.by, true, err.Error())
		default:
			return hasoffers.Page{}, s.without(ctx, sp, m, err)
		}
		return hasoffers.Page{}, err
	}
	page, err := hasoffers.SplitPage(data)
	if err != nil {
		return page, fmt.Errorf("%s::getConversions: %w", s.target, err)
	}
	return page, nil
}

// question is all of a call but which page.
func (m manner) question(sp span) url.Values {
	q := url.Values{"fields[]": slices.Clone(m.fields)}
	sp.put(q, m.byDate)
	q.Set("sort["+m.by.field()+"]", "asc")
	return q
}

// call calls once, and patiently where it was not the size that failed.
func (s *Source) call(ctx context.Context, client *hasoffers.Client, q url.Values) (json.RawMessage, error) {
	data, err := s.once(ctx, client, q)
	if client != s.Client && passes(err) {
		return s.once(ctx, s.Client, q)
	}
	return data, err
}

func (s *Source) once(ctx context.Context, client *hasoffers.Client, q url.Values) (json.RawMessage, error) {
	begin := time.Now()
	data, err := client.Call(ctx, s.target, "getConversions", q)
	if kind, ok := hasoffers.KindOf(err); ok && kind == hasoffers.Unavailable && time.Since(begin) >= client.Timeout {
		return nil, &slowError{err}
	}
	return data, err
}

// take puts the rows of a page into the day. It returns how many are new to the walk, and
// the last key.
func (s *Source) take(d *day, rows []hasoffers.Row, by pageKey) (fresh int, last string, err error) {
	for _, r := range rows {
		row, err := readRow(r.Fields)
		if err != nil {
			return fresh, last, fmt.Errorf("%s::getConversions: %w", s.target, err)
		}
		isNew, key, err := s.keep(d, row, by)
		if err != nil {
			return fresh, last, err
		}
		if isNew {
			fresh++
		}
		last = key
	}
	return fresh, last, nil
}

// keep puts a row into the day. It reports whether it is new to the walk, and its key.
func (s *Source) keep(d *day, row []field, by pageKey) (isNew bool, key string, err error) {
	if err = errors.Join(d.belongs(row), s.theirs(row)); err != nil {
		return false, "", fmt.Errorf("%s::getConversions: %w", s.target, err)
	}
	if by != byNothing {
		if key = valueOf(row, by.field()); key == "" || key == "0" { //guard:report-keyless
			return false, "", s.another(by+1, false, "a row has no "+by.field())
		}
	}
	if isNew, err = d.put(key, row); err != nil {
		return false, "", spoolError(err)
	}
	return isNew, key, nil
}

// belongs returns an error where a row is of another day than was asked for.
func (d *day) belongs(row []field) error {
	date := valueOf(row, dateField)
	if date == "" {
		date, _, _ = strings.Cut(valueOf(row, datetimeField), " ")
	}
	if want := d.of.Format(time.DateOnly); date != "" && date != want { //guard:report-of-its-day
		return fmt.Errorf("the answer has a row of %.20q, and %s was asked for", date, want)
	}
	return nil
}

func valueOf(row []field, name string) string {
	if i := slices.IndexFunc(row, func(f field) bool { return f.name == name }); i >= 0 {
		return row[i].value
	}
	return ""
}

// readRow takes a row apart into the values of its fields, by name; a null is left out.
func readRow(data json.RawMessage) ([]field, error) {
	var models hasoffers.Map[json.RawMessage]
	if err := json.Unmarshal(data, &models); err != nil {
		return nil, fmt.Errorf("a row is not as documented: %w", err)
	}
	var row []field
	for _, model := range slices.Sorted(maps.Keys(models)) {
		var values map[string]json.RawMessage
		if json.Unmarshal(models[model], &values) != nil {
			values = map[string]json.RawMessage{"": models[model]} // a value that stands where a model should
		}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if text := textOf(values[name]); text != "" {
				row = append(row, field{strings.TrimSuffix(model+"."+name, "."), text})
			}
		}
	}
	return withoutIDs(row), nil
}

// withoutIDs leaves out that a related thing comes with its id, which the conversion has
// already.
func withoutIDs(row []field) []field {
	return slices.DeleteFunc(row, func(f field) bool {
		model, ok := strings.CutSuffix(f.name, ".id")
		return ok && !slices.Contains(fields, f.name) && f.value == valueOf(row, "Stat."+snake(model)+"_id")
	})
}

// textOf is a value as text: true and false as the API's own 1 and 0, objects and lists as
// they stand.
func textOf(raw json.RawMessage) string {
	switch text := strings.TrimSpace(string(raw)); text {
	case "true":
		return "1"
	case "false":
		return "0"
	case "[]", "{}":
		return ""
	default:
		var t hasoffers.Text
		if t.UnmarshalJSON([]byte(text)) != nil {
			return text
		}
		return string(t)
	}
}
