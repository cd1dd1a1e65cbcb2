package sqltext

import (
	"slices"
	"strconv"
	"strings"
)

// Part is one statement of a text that may hold several.
type Part struct {
	Text string // without its semicolon
	Line int    // of the text, from 1, in which it begins
}

// Split cuts a text at the semicolons that end statements: not at those in strings,
// names and comments. Between two of them there may be nothing.
func Split(text string) ([]Part, error) {
	tokens, err := scan(text)
	if err != nil {
		return nil, err
	}
	var parts []Part
	begin, end := -1, 0 // of the statement's tokens, without blanks around them
	add := func() {
		if begin >= 0 {
			parts = append(parts, Part{text[begin:end], strings.Count(text[:begin], "\n") + 1})
		}
		begin = -1
	}
	for _, t := range tokens {
		switch {
		case t.kind == blank:
		case t.is(";"): //guard:sql-split
			add()
		default:
			if begin < 0 {
				begin = t.at
			}
			end = t.at + len(t.text)
		}
	}
	add()
	return parts, nil
}

// Settings takes the SETTINGS clause off the end of a SELECT or of what explains or
// shows, where it is about the whole statement, as text for the server to read. A text
// without one is returned as it is.
func Settings(text string) (rest string, settings map[string]string) {
	tokens, err := scan(text)
	if err != nil {
		return text, nil // the server says it better
	}
	tokens = slices.DeleteFunc(tokens, func(t token) bool { return t.kind == blank })
	depth, at := 0, -1
	for i, t := range tokens {
		depth += nesting(t)
		named := i+2 < len(tokens) && tokens[i+2].is("=") && (tokens[i+1].kind == word || tokens[i+1].kind == quoted)
		if depth == 0 && named && t.keyword("SETTINGS") {
			at = i
		}
	}
	if at < 0 {
		return text, nil
	}
	if settings = assignments(tokens[at+1:]); settings == nil {
		return text, nil // something follows it: FORMAT, UNION
	}
	return text[:tokens[at].at], settings
}

// Formatted reports whether a statement says itself in which format it answers.
func Formatted(text string) bool {
	tokens, err := scan(text)
	if err != nil {
		return false
	}
	tokens = slices.DeleteFunc(tokens, func(t token) bool { return t.kind == blank })
	n := len(tokens)
	return n > 2 && tokens[n-2].keyword("FORMAT") && tokens[n-1].kind == word && !tokens[n-1].keyword("ASC") && !tokens[n-1].keyword("DESC")
}

// Set reads a statement SET name = value, …; nil is any other.
func Set(text string) map[string]string {
	tokens, err := scan(text)
	if err != nil {
		return nil
	}
	tokens = slices.DeleteFunc(tokens, func(t token) bool { return t.kind == blank })
	if len(tokens) == 0 || !tokens[0].keyword("SET") {
		return nil
	}
	return assignments(tokens[1:])
}

// nesting is by how much a token changes the depth of brackets.
func nesting(t token) int {
	switch {
	case t.is("("), t.is("["), t.is("{"):
		return 1
	case t.is(")"), t.is("]"), t.is("}"):
		return -1
	}
	return 0
}

// assignments reads name = value, … to the end of the tokens; nil is anything else. A
// name without a value to give it (= DEFAULT) is left out.
func assignments(tokens []token) map[string]string {
	out := map[string]string{}
	for {
		if len(tokens) < 3 || !tokens[1].is("=") || tokens[0].kind != word && tokens[0].kind != quoted {
			return nil
		}
		name := tokens[0].text
		if tokens[0].kind == quoted {
			name = unquoted(name)
		}
		n, text := literal(tokens[2:])
		if n == 0 {
			return nil
		}
		if !tokens[2].keyword("DEFAULT") {
			out[name] = text
		}
		tokens = tokens[2+n:]
		if len(tokens) == 0 {
			return out
		}
		if !tokens[0].is(",") {
			return nil
		}
		tokens = tokens[1:]
	}
}

// literal is the number of tokens of the value at the beginning, 0 if there is none, and
// the value as the server reads it from a text.
func literal(tokens []token) (n int, text string) {
	sign := ""
	if tokens[0].is("-") || tokens[0].is("+") {
		sign, n = strings.TrimPrefix(tokens[0].text, "+"), 1
	}
	if n == len(tokens) {
		return 0, ""
	}
	switch t := tokens[n]; {
	case t.kind == value && strings.HasPrefix(t.text, "'"):
		return n + 1, unquoted(t.text)
	case t.kind == value && strings.HasPrefix(t.text, "$"): // a heredoc: $x$…$x$
		tag := strings.Index(t.text[1:], "$") + 2
		return n + 1, t.text[tag : len(t.text)-tag]
	case t.kind == value:
		digits, used := t.text, n+1
		if strings.HasSuffix(strings.ToLower(digits), "e") && used+1 < len(tokens) && !strings.HasPrefix(digits, "0x") { // 1e-3
			digits, used = digits+tokens[used].text+tokens[used+1].text, used+2
		}
		return used, sign + number(digits)
	case t.keyword("true"):
		return n + 1, "1"
	case t.keyword("false"):
		return n + 1, "0"
	case t.kind == word:
		return n + 1, t.text
	case nesting(t) > 0:
		return group(tokens)
	}
	return 0, ""
}

// group is an array, a tuple or a map.
func group(tokens []token) (n int, text string) {
	depth := 0
	for i, t := range tokens {
		text += t.text
		if depth += nesting(t); depth == 0 {
			return i + 1, text
		}
	}
	return 0, ""
}

// number writes a whole number as one, however it is spelt: the text of a setting
// cannot be 1e9.
func number(s string) string {
	if u, err := strconv.ParseUint(s, 0, 64); err == nil {
		if strings.HasPrefix(s, "0") && strings.Trim(s, "0123456789") == "" {
			return s // no octal
		}
		return strconv.FormatUint(u, 10)
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if whole := strconv.FormatFloat(f, 'f', -1, 64); err == nil && !strings.Contains(whole, ".") {
		return whole
	}
	return s
}

// unquoted is the text of a string or a name in quotes.
func unquoted(s string) string {
	quote, s := s[0], s[1:len(s)-1]
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == quote {
			i++ // it stands twice
		}
		if c == '\\' && i+1 < len(s) {
			i++
			if c = s[i]; strings.IndexByte("bfrnt0", c) >= 0 {
				c = "\b\f\r\n\t\x00"[strings.IndexByte("bfrnt0", c)]
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}
