package config

import "fmt"

// Kind is the layer that a value comes from, the lowest first.
type Kind int

// The layers.
const (
	Default Kind = iota
	File
	Env
	Flag
)

// Origin is where the value of a setting comes from.
type Origin struct {
	Kind   Kind
	Name   string // of a File its path, of Env the variable, of a Flag --NAME
	Line   int    // of a File, from 1
	Member int    // of networks: in a File, from 1; 0 is none
}

// String is how an error names the place: --source, INGEST_SOURCE or
// ingest.yaml:3.
func (o Origin) String() string {
	switch o.Kind {
	case File:
		at := fmt.Sprintf("%s:%d", o.Name, o.Line)
		if o.Member > 0 {
			at += fmt.Sprintf(": network %d", o.Member)
		}
		return at
	case Env, Flag:
		return o.Name
	default:
		return "default"
	}
}

// Error reports a setting with an unusable value.
type Error struct {
	Err  error
	hint string
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do, or is "".
func (e *Error) Hint() string { return e.hint }

func wrong(format string, args ...any) *Error { return &Error{Err: fmt.Errorf(format, args...)} }
