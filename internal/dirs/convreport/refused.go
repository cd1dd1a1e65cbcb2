package convreport

import (
	"context"
	"errors"
	"slices"
	"strings"

	"rawlogs/internal/hasoffers"
)

// asked are the fields that are asked for: all but those that were refused.
func (s *Source) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(Fields(), func(f string) bool { return s.refused[f] })
}

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
func (s *Source) without(ctx context.Context, sp span, by pageKey, why error) error {
	asked := s.asked()
	names := slices.DeleteFunc(slices.Clone(asked), func(f string) bool { return !speaksOf(why, f) })
	if len(names) == 0 {
		core := slices.DeleteFunc([]string{by.field(), datetimeField, "Stat.offer_id"}, func(f string) bool { return !slices.Contains(asked, f) })
		if err := s.probe(ctx, sp, by, core); err != nil {
			return why
		}
		var err error
		if names, err = s.search(ctx, sp, by, asked); err != nil {
			return err
		}
		if len(names) == 0 {
			return why
		}
	}
	s.leaveOut(names, why)
	if len(s.asked()) == 0 {
		return why
	}
	return &againError{"the account may not ask for " + strings.Join(names, ", ")}
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
func (s *Source) probe(ctx context.Context, sp span, by pageKey, fields []string) error {
	q := s.question(sp, by)
	q["fields[]"] = fields
	q.Set("limit", "1")
	q.Set("page", "1")
	_, err := s.call(ctx, s.Client, q)
	return err
}

// search finds the fields that are refused, by halves: the network does not name them.
func (s *Source) search(ctx context.Context, sp span, by pageKey, fields []string) ([]string, error) {
	err := s.probe(ctx, sp, by, fields)
	if err == nil {
		return nil, nil
	}
	kind, ok := hasoffers.KindOf(err)
	if !ok || kind == hasoffers.Unavailable || kind == hasoffers.Malformed || kind == hasoffers.Unauthenticated || kind == hasoffers.RateLimited {
		return nil, err
	}
	if len(fields) == 1 {
		return fields, nil
	}
	first, err := s.search(ctx, sp, by, fields[:len(fields)/2])
	if err != nil {
		return nil, err
	}
	second, err := s.search(ctx, sp, by, fields[len(fields)/2:])
	return append(first, second...), err
}
