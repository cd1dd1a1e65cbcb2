package convreport

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"rawlogs/internal/hasoffers"
)

// leaveOut notes fields that the account may not ask for, and names each of them once.
func (s *Source) leaveOut(names []string, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if !s.refused[name] {
			s.refused[name] = true
			s.Log.Warn("the account may not ask for a field of the report; it is left out", "field", name, "err", why)
		}
	}
}

// without finds out for which fields a question was refused, and leaves them out. Its error
// is an *againError, or the refusal where it is not about fields.
func (s *Source) without(ctx context.Context, sp span, m manner, why error) error {
	if !m.equal(s.manner()) {
		return &againError{"another day has learned more"} // so there is no need to search
	}
	names := slices.DeleteFunc(slices.Clone(m.fields), func(f string) bool { return !speaksOf(why, f) })
	if len(names) == 0 {
		err := s.probe(ctx, sp, m, m.core())
		if m.by != byNothing && refused(err) { // perhaps it is the sort order that is refused
			m.by = byNothing
			err = s.probe(ctx, sp, m, m.core())
		}
		if err != nil {
			return why
		}
		if names, err = s.search(ctx, sp, m, m.fields); err != nil {
			return err
		}
		if len(names) == 0 {
			return why
		}
	}
	s.leaveOut(names, why)
	if len(s.manner().fields) == 0 {
		return why
	}
	return &againError{"the account may not ask for " + strings.Join(names, ", ")}
}

// core lists the fields that every report must have.
func (m manner) core() []string {
	return slices.DeleteFunc([]string{m.by.field(), datetimeField, "Stat.offer_id"}, func(f string) bool { return !slices.Contains(m.fields, f) })
}

// speaksOf reports whether an error speaks of a field, and not of one whose name begins so.
func speaksOf(err error, name string) bool {
	var e *hasoffers.APIError
	if !errors.As(err, &e) {
		return false
	}
	inName := func(c byte) bool {
		return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	for _, text := range append(slices.Clone(e.Messages), e.Attribute) {
		for {
			i := strings.Index(text, name)
			if i < 0 {
				break
			}
			rest := text[i+len(name):]
			if (i == 0 || !inName(text[i-1])) && (rest == "" || !inName(rest[0])) {
				return true
			}
			text = rest
		}
	}
	return false
}

// probe asks for a row of some fields.
func (s *Source) probe(ctx context.Context, sp span, m manner, fields []string) error {
	m.fields = fields
	_, err := s.row(ctx, s.Client, sp, m)
	return err
}

// row asks for one row.
func (s *Source) row(ctx context.Context, client *hasoffers.Client, sp span, m manner) (json.RawMessage, error) {
	q := m.question(sp)
	q.Set("limit", "1")
	q.Set("page", "1")
	return s.call(ctx, client, q)
}

// search finds the fields that are refused, by halves: the network does not name them.
func (s *Source) search(ctx context.Context, sp span, m manner, fields []string) ([]string, error) {
	err := s.probe(ctx, sp, m, fields)
	if err == nil {
		return nil, nil
	}
	if !refused(err) {
		return nil, err
	}
	if len(fields) == 1 {
		return fields, nil
	}
	first, err := s.search(ctx, sp, m, fields[:len(fields)/2])
	if err != nil {
		return nil, err
	}
	second, err := s.search(ctx, sp, m, fields[len(fields)/2:])
	return append(first, second...), err
}
