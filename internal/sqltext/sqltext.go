// Package sqltext reads the text of a SQL statement as far as it takes to say
// whether the statement only reads. It errs on the side of refusing, and the
// server has the last word: what passes here runs without the rights or the
// settings to write.
package sqltext

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Statement is a text that only reads.
type Statement struct {
	// Keyword is its first word in capitals, or "(".
	Keyword string
	// Text begins with the keyword and ends before the semicolon, so that the
	// server's idea of what a comment or a blank is cannot change which
	// statement it is.
	Text string
}

// ReadError says why a text is refused.
type ReadError struct{ why string }

func (e *ReadError) Error() string { return e.why }

func refuse(format string, args ...any) (Statement, error) {
	return Statement{}, &ReadError{fmt.Sprintf(format, args...)}
}

// First is the first word of any text, in capitals, or "(", and "" where there is
// neither.
func First(text string) string {
	tokens, _ := scan(text) // as far as it can be read
	for _, t := range tokens {
		switch {
		case t.kind == blank:
			continue
		case t.kind == word || t.is("("):
			return strings.ToUpper(t.text)
		}
		return ""
	}
	return ""
}

// Selects reports whether a statement with this first word is a SELECT in any of
// its forms, which can stand in parentheses as another's subquery.
func Selects(first string) bool {
	return slices.Contains([]string{"SELECT", "WITH", "FROM", "VALUES", "("}, first)
}

// Answers reports whether a statement with this first word answers with rows,
// though it is no SELECT.
func Answers(first string) bool {
	return slices.Contains([]string{"SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK"}, first)
}

// Reading takes the text of one statement that only reads; other texts are a
// *ReadError.
func Reading(text string) (Statement, error) {
	all, err := scan(text)
	if err != nil {
		return Statement{}, err
	}
	tokens := slices.DeleteFunc(all, func(t token) bool { return t.kind == blank })
	if end := slices.IndexFunc(tokens, func(t token) bool { return t.is(";") }); end >= 0 {
		if rest := tokens[end:]; slices.ContainsFunc(rest, func(t token) bool { return !t.is(";") }) { //guard:sql-one-statement
			return refuse("more than one statement")
		}
		text, tokens = text[:tokens[end].at], tokens[:end]
	}
	if len(tokens) == 0 {
		return refuse("the statement is empty")
	}
	first := strings.ToUpper(tokens[0].text)
	s := Statement{Keyword: first, Text: text[tokens[0].at:]}
	switch {
	case tokens[0].kind == word && first == "EXPLAIN":
		if err := explained(tokens[1:]); err != nil {
			return Statement{}, err
		}
	case tokens[0].kind == word && (first == "DESCRIBE" || first == "DESC") && describesFunction(tokens[1:]): //guard:sql-describe
		return refuse("DESCRIBE of a table function opens its source")
	case tokens[0].kind == word && (Selects(first) || slices.Contains([]string{"SHOW", "DESCRIBE", "DESC", "EXISTS"}, first)), tokens[0].is("("):
	default:
		//guard:sql-keyword
		return refuse("it begins with %q, not with SELECT, WITH, SHOW, DESCRIBE, EXPLAIN or EXISTS", tokens[0].text)
	}
	return s, inside(tokens)
}

// inside looks at what may stand anywhere in a statement.
func inside(tokens []token) error {
	depth, settings := 0, false
	for i, t := range tokens {
		next := token{}
		if i+1 < len(tokens) {
			next = tokens[i+1]
		}
		switch {
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		case t.keyword("INTO") && next.keyword("OUTFILE"): //guard:sql-outfile
			return &ReadError{"INTO OUTFILE writes a file"}
		case t.keyword("SETTINGS") && (i == 0 || !tokens[i-1].is(".")): // not system.settings
			settings = true
		case settings && (t.name("readonly") || t.name("profile")) && next.is("="): //guard:sql-settings
			// The server looks at these in an outer query and not in an inner one.
			return &ReadError{"SETTINGS " + t.text + " lifts the protection against writing"}
		case t.name("file") && next.is("("): //guard:sql-file
			// It asks for no right of its own.
			return &ReadError{"file() reads files beside the store"}
		}
		if depth < 0 { //guard:sql-parentheses
			return &ReadError{"a parenthesis is closed that was not opened"}
		}
	}
	if depth != 0 {
		return &ReadError{"a parenthesis is not closed"}
	}
	return nil
}

// explained looks at what an EXPLAIN is about: EXPLAIN PIPELINE of an INSERT
// opens its target.
func explained(tokens []token) error {
	kinds := []string{"AST", "SYNTAX", "QUERY", "TREE", "PLAN", "PIPELINE", "ESTIMATE"}
	for len(tokens) > 0 && tokens[0].kind == word && slices.Contains(kinds, strings.ToUpper(tokens[0].text)) {
		tokens = tokens[1:]
	}
	for len(tokens) > 3 && tokens[1].is("=") { // settings: header = 1, actions = 1
		tokens = tokens[3:]
		if tokens[0].is(",") {
			tokens = tokens[1:]
		}
	}
	if len(tokens) == 0 || !Selects(strings.ToUpper(tokens[0].text)) || slices.ContainsFunc(tokens, func(t token) bool { return t.keyword("INSERT") }) { //guard:sql-explain
		return &ReadError{"EXPLAIN of anything but a SELECT"}
	}
	return nil
}

// describesFunction reports whether a DESCRIBE is about a table function, such as
// url(…), which the server calls to learn its columns.
func describesFunction(tokens []token) bool {
	if len(tokens) > 0 && tokens[0].keyword("TABLE") {
		tokens = tokens[1:]
	}
	return len(tokens) > 1 && tokens[1].is("(")
}

type kind int

const (
	blank  kind = iota // white space and comments
	word               // a name or a keyword
	quoted             // a name in quotes
	value              // a string or a number
	sign
)

type token struct {
	kind kind
	text string
	at   int
}

func (t token) is(s string) bool      { return t.kind == sign && t.text == s }
func (t token) keyword(s string) bool { return t.kind == word && strings.EqualFold(t.text, s) }
func (t token) name(s string) bool {
	return t.kind == word && strings.EqualFold(t.text, s) ||
		t.kind == quoted && strings.EqualFold(strings.Trim(t.text, "`\""), s)
}

// scan cuts a text into tokens as ClickHouse does.
func scan(text string) ([]token, error) {
	var tokens []token
	for at := 0; at < len(text); {
		k, n, err := next(text[at:])
		if err != nil {
			return tokens, fmt.Errorf("line %d: %w", strings.Count(text[:at], "\n")+1, err)
		}
		tokens = append(tokens, token{k, text[at : at+n], at})
		at += n
	}
	return tokens, nil
}

// next is the kind and the length of the first token.
func next(s string) (kind, int, error) {
	switch c := s[0]; {
	case strings.IndexByte(" \t\n\r\f\v", c) >= 0:
		return blank, 1, nil
	case strings.HasPrefix(s, "--"), strings.HasPrefix(s, "#!"), strings.HasPrefix(s, "# "):
		return blank, upTo(s, "\n"), nil
	case strings.HasPrefix(s, "/*"):
		end := strings.Index(s[2:], "*/")
		if end < 0 {
			return 0, 0, &ReadError{"a comment is not closed"}
		}
		return blank, 2 + end + 2, nil
	case c == '\'':
		return closed(s, c, value)
	case c == '`', c == '"':
		return closed(s, c, quoted)
	case c == '$':
		return heredoc(s)
	case letter(c):
		n := 1
		for n < len(s) && (letter(s[n]) || digit(s[n])) {
			n++
		}
		return word, n, nil
	case digit(c):
		n := 1
		for n < len(s) && (letter(s[n]) || digit(s[n]) || s[n] == '.') {
			n++
		}
		return value, n, nil
	case c < 0x20, c >= 0x7f:
		for _, space := range spaces() {
			if strings.HasPrefix(s, space) {
				return blank, len(space), nil
			}
		}
		r := []rune(s[:min(len(s), 4)])[0]
		return 0, 0, &ReadError{fmt.Sprintf("the character %U is not allowed outside quotes", r)}
	}
	return sign, 1, nil
}

// spaces are those that pages and word processors put into a text.
func spaces() []string {
	return []string{"\u00a0", "\u2002", "\u2003", "\u2009", "\u200b", "\u202f", "\ufeff"}
}

func letter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

// upTo is the length of s up to and with the first end.
func upTo(s, end string) int {
	if i := strings.Index(s, end); i >= 0 {
		return i + len(end)
	}
	return len(s)
}

// closed is a token in quotes, in which a backslash or a second quote keeps a
// quote from ending it.
func closed(s string, quote byte, k kind) (kind, int, error) {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return k, i + 1, nil
		}
	}
	return 0, 0, &ReadError{fmt.Sprintf("a %c is not closed", quote)}
}

// heredoc is a string such as $x$ … $x$.
func heredoc(s string) (kind, int, error) {
	n := 1
	for n < len(s) && (letter(s[n]) || digit(s[n])) {
		n++
	}
	if n == len(s) || s[n] != '$' {
		return 0, 0, &ReadError{"$ is not allowed outside quotes"}
	}
	tag := s[:n+1]
	end := strings.Index(s[len(tag):], tag)
	if end < 0 {
		return 0, 0, &ReadError{"the string after " + tag + " is not closed"}
	}
	return value, len(tag) + end + len(tag), nil
}

// IsRefusal reports whether err says that a text is refused.
func IsRefusal(err error) bool {
	var refused *ReadError
	return errors.As(err, &refused)
}
