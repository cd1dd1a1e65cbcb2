package convreport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/hasoffers"
)

// span is a day, or minutes of one, in the network's zone as if it were UTC; half-open.
type span struct{ from, to time.Time }

func (s span) whole() bool { return s.to.Sub(s.from) == 24*time.Hour }

func (s span) String() string {
	if s.whole() {
		return s.from.Format(time.DateOnly)
	}
	return s.from.Format("2006-01-02 15:04") + " to " + s.to.Add(-time.Minute).Format("15:04")
}

// halve cuts a span at a full minute; false where it has no more than one.
func (s span) halve() (a, b span, ok bool) {
	minutes := int(s.to.Sub(s.from) / time.Minute)
	if minutes < 2 {
		return a, b, false
	}
	middle := s.from.Add(time.Duration(minutes/2) * time.Minute)
	return span{s.from, middle}, span{middle, s.to}, true
}

// put writes the span as a filter.
func (s span) put(q url.Values, byDate bool) {
	if s.whole() && byDate {
		filter(q, dateField, "BETWEEN", s.from.Format(time.DateOnly), s.from.Format(time.DateOnly))
		return
	}
	filter(q, datetimeField, "BETWEEN", s.from.Format(time.DateTime), s.to.Add(-time.Second).Format(time.DateTime))
}

func filter(q url.Values, field, conditional string, values ...string) {
	base := "filters[" + field + "]"
	q.Set(base+"[conditional]", conditional)
	for i, v := range values {
		q.Set(base+"[values]["+strconv.Itoa(i)+"]", v)
	}
}

func isFilter(param string) bool { return strings.HasPrefix(param, "filters[") }

// read reads a span, in halves where the network needs too long for it.
func (s *Source) read(ctx context.Context, d *day, sp span) error {
	first, second, ok := sp.halve()
	client := s.brief
	if !ok {
		client = s.Client // the last try is a patient one
	}
	err := s.steady(ctx, client, d, sp)
	switch {
	case !tooLarge(err):
		return err
	case d.probe && sp.whole():
		return &longError{-1}
	case !ok:
		return fmt.Errorf("%s: the network does not get the report ready in time: %w", sp, err)
	}
	s.Log.Info("the report of conversions took too long, asking for halves", "span", sp.String())
	if err := s.read(ctx, d, first); err != nil {
		return err
	}
	return s.read(ctx, d, second)
}

// walks bounds how often a span is read whose rows are not as many as announced.
const walks = 3

// steady reads a span until it has as many rows as the network says, or says that it has not.
func (s *Source) steady(ctx context.Context, client *hasoffers.Client, d *day, sp span) error {
	for try := 1; ; try++ {
		d.begin()
		got, said, err := s.walk(ctx, client, d, sp)
		if again := new(againError); errors.As(err, &again) {
			try-- // each of them happens once
			s.Log.Debug("asking for the report of conversions in another way", "why", again.why)
			continue
		}
		switch {
		case err != nil:
			return err
		case got >= said || try == walks:
			d.finish()
			if got < said { //guard:report-count
				d.notes = append(d.notes, fmt.Sprintf("%s: the network says that it has %d conversions and gave %d, each of %d times", sp, said, got, walks))
			}
			return nil
		}
		s.Log.Info("the report of conversions changed between its pages, reading it again", "span", sp.String(), "announced", said, "read", got)
	}
}

// slowError is a call that had no whole answer within the client's patience: from here that
// is a time-out like the gateway's own.
type slowError struct{ err error }

func (e *slowError) Error() string { return e.err.Error() }
func (e *slowError) Unwrap() error { return e.err }

// tooLarge reports whether a call failed as large reports do.
func tooLarge(err error) bool {
	var slow *slowError
	var e *hasoffers.APIError
	switch {
	case errors.As(err, &slow):
		return true
	case !errors.As(err, &e) || e.Kind != hasoffers.Unavailable:
		return false
	}
	return e.HTTPStatus == http.StatusGatewayTimeout || e.HTTPStatus == http.StatusRequestTimeout
}

// passes reports whether a call may succeed a little later, as it is.
func passes(err error) bool {
	kind, ok := hasoffers.KindOf(err)
	return ok && !tooLarge(err) && (kind == hasoffers.Unavailable || kind == hasoffers.Malformed)
}
