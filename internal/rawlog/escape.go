package rawlog

import "time"

// Escapes says which of a network's files escape quotes by a backslash, one period after
// the other. Each holds for files whose hour lies before its Until; the last has none. The
// zero Escapes is none: quotes are doubled, as RFC 4180 has it.
type Escapes []EscapeUntil

// EscapeUntil is how quotes are escaped and when that ends; a zero Until is never.
type EscapeUntil struct {
	Backslash bool
	Until     time.Time
}

// At reports whether the file of an hour escapes quotes by a backslash.
func (e Escapes) At(hour time.Time) bool {
	for _, span := range e {
		if span.Until.IsZero() || hour.Before(span.Until) { //guard:escape-by-period
			return span.Backslash
		}
	}
	return false
}
