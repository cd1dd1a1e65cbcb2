package hasoffers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// The API is PHP: a scalar is a string today and a number tomorrow, an empty
// map is an array, and a list with holes is a map. These types read all of it.

// Text is a string that may come as a string, a number, a boolean or null (which is "").
type Text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *Text) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case '"':
		return json.Unmarshal(b, (*string)(t))
	case 'n':
		*t = ""
	case '{', '[':
		return fmt.Errorf("want a string or a number, not %s", shape(b))
	default:
		*t = Text(b)
	}
	return nil
}

// Int is a whole number that may come as a number or a string; null and "" are 0.
type Int int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *Int) UnmarshalJSON(b []byte) error {
	var t Text
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	if t == "" {
		*n = 0
		return nil
	}
	v, err := strconv.ParseInt(strings.TrimSpace(string(t)), 10, 64)
	if err != nil {
		return fmt.Errorf("want a whole number, not %.40q", string(t))
	}
	*n = Int(v)
	return nil
}

// List is a sequence that may come as an array, or as an object whose keys are
// dropped and whose order is kept; null is the empty list.
type List[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *List[T]) UnmarshalJSON(b []byte) error {
	*l = nil
	switch b[0] {
	case 'n':
		return nil
	case '[':
		return json.Unmarshal(b, (*[]T)(l))
	case '{':
		for _, value := range members(b) {
			var v T
			if err := json.Unmarshal(value, &v); err != nil {
				return err
			}
			*l = append(*l, v)
		}
		return nil
	}
	return fmt.Errorf("want an array or an object, not %s", shape(b))
}

// Map is an object that comes as [], "" or null when it is empty.
type Map[V any] map[string]V

// UnmarshalJSON implements json.Unmarshaler.
func (m *Map[V]) UnmarshalJSON(b []byte) error {
	*m = nil
	if b[0] == '{' {
		return json.Unmarshal(b, (*map[string]V)(m))
	}
	if isEmpty(b) {
		return nil
	}
	return fmt.Errorf("want an object, not %s", shape(b))
}

// isEmpty reports whether b is one of PHP's ways of saying nothing: [], "" or null.
func isEmpty(b []byte) bool {
	b = bytes.TrimSpace(b)
	return string(b) == "null" || string(b) == `""` || isEmptyArray(b)
}

func isEmptyArray(b []byte) bool {
	b = bytes.TrimSpace(b)
	return len(b) >= 2 && b[0] == '[' && b[len(b)-1] == ']' && len(bytes.TrimSpace(b[1:len(b)-1])) == 0
}

// shape names what b is without quoting any of it.
func shape(b []byte) string {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return "nothing"
	}
	switch b[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	}
	return "a number"
}
