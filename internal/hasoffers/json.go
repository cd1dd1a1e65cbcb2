package hasoffers

import (
	"encoding/json"
	"iter"
)

// members yields the names and raw values of a JSON object in document order,
// as slices of b: a listing of a year is megabytes, and encoding/json would
// hold the part below "data" a second time. b must be valid JSON (json.Valid);
// anything but an object has no members.
func members(b []byte) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		i := space(b, 0)
		if i >= len(b) || b[i] != '{' {
			return
		}
		for i = space(b, i+1); b[i] != '}'; {
			end := skip(b, i)
			var name string
			if json.Unmarshal(b[i:end], &name) != nil {
				return
			}
			start := space(b, space(b, end)+1) // past the colon
			end = skip(b, start)
			if !yield(name, json.RawMessage(b[start:end:end])) {
				return
			}
			i = space(b, end)
			if b[i] == ',' {
				i = space(b, i+1)
			}
		}
	}
}

// elements yields the raw values of a JSON array, as members does.
func elements(b []byte) iter.Seq[json.RawMessage] {
	return func(yield func(json.RawMessage) bool) {
		i := space(b, 0)
		if i >= len(b) || b[i] != '[' {
			return
		}
		for i = space(b, i+1); b[i] != ']'; {
			end := skip(b, i)
			if !yield(json.RawMessage(b[i:end:end])) {
				return
			}
			i = space(b, end)
			if b[i] == ',' {
				i = space(b, i+1)
			}
		}
	}
}

// space returns the index of the first byte at or after i that is not white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// skip returns the index after the value that begins at i.
func skip(b []byte, i int) int {
	depth := 0
	for {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',', ':', ' ', '\t', '\n', '\r':
		default: // a number, true, false or null: up to its delimiter
			for i+1 < len(b) && !delimits(b[i+1]) {
				i++
			}
		}
		i++
		if depth == 0 {
			return i
		}
	}
}

func delimits(c byte) bool {
	switch c {
	case ',', ':', ']', '}', ' ', '\t', '\n', '\r':
		return true
	}
	return false
}
