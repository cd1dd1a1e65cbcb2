package firehose

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// parse reads an object's fields as texts, in order, and which of them are lists of
// objects. acts reports whether it names an action. Beside an error come the
// fields before it.
func parse(v json.RawMessage) (fields []Field, lists []json.RawMessage, acts bool, err error) {
	if !utf8.Valid(v) { //guard:event-utf8
		return nil, nil, false, errors.New("not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(v))
	if _, err = dec.Token(); err != nil {
		return nil, nil, false, fmt.Errorf("not JSON: %s", wording(err))
	}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return fields, nil, acts, fmt.Errorf("not JSON: %s", wording(err))
		}
		name, ok := token.(string)
		var raw json.RawMessage
		if err = dec.Decode(&raw); err != nil || !ok {
			return fields, nil, acts, errors.New("not JSON")
		}
		value, there, err := textOf(raw)
		if err != nil {
			return fields, nil, acts, fmt.Errorf("the value of %.40q %w", name, err)
		}
		acts = acts || name == "action"
		if raw[0] == '[' && isList(raw) {
			lists = append(lists, raw)
		}
		if !there {
			continue
		}
		twice := false
		for _, f := range fields {
			if f.Key == name && f.Value != value { //guard:duplicate-key
				return fields, nil, acts, fmt.Errorf("it has the key %.40q twice, with two values", name)
			}
			twice = twice || f.Key == name
		}
		if !twice {
			fields = append(fields, Field{name, value})
		}
		if len(fields) > maxColumns {
			return fields, nil, acts, fmt.Errorf("it has more than %d keys", maxColumns)
		}
	}
	return fields, lists, acts, nil
}

// isList reports whether a list is of objects, or empty: what an envelope has.
func isList(raw json.RawMessage) bool {
	rest := bytes.TrimLeft(raw[1:], " \t\r\n")
	return len(rest) > 0 && (rest[0] == '{' || rest[0] == ']')
}

// textOf is a value as the text that a raw log would have: numbers as they are written,
// true and false as 1 and 0, lists and objects as JSON. null is no value.
func textOf(raw json.RawMessage) (text string, there bool, err error) {
	switch raw[0] {
	case '"':
		if err = json.Unmarshal(raw, &text); err != nil {
			return "", false, errors.New("is not JSON")
		}
		if strings.ContainsRune(text, utf8.RuneError) && !bytes.ContainsRune(raw, utf8.RuneError) && !bytes.Contains(bytes.ToLower(raw), []byte(`\ufffd`)) { //guard:half-surrogate
			return "", false, errors.New("holds half of a surrogate pair")
		}
		return text, true, nil
	case 't':
		return "1", true, nil
	case 'f':
		return "0", true, nil
	case 'n':
		return "", false, nil
	case '{', '[':
		var b bytes.Buffer
		if err = json.Compact(&b, raw); err != nil {
			return "", false, errors.New("is not JSON")
		}
		return b.String(), true, nil
	}
	return string(raw), true, nil
}
