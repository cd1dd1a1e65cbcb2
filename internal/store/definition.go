package store

import (
	"iter"
	"strings"
)

// Each run looks at the definitions of its tables, of some 10 KB, and regular expressions
// took longer over them than all else that the run did about them.

// bare is a definition whose quoted texts are empty.
func bare(create string) string {
	var out strings.Builder
	for {
		before, text, quoted := strings.Cut(create, "'")
		out.WriteString(before)
		if !quoted {
			return out.String()
		}
		out.WriteString("''")
		create = text[quotedLength(text):]
	}
}

// quotedLength is how far the quoted text reaches at whose first byte the argument begins,
// with its closing quote.
func quotedLength(text string) int {
	for at := 0; ; {
		end := strings.IndexByte(text[at:], '\'')
		if end < 0 {
			return len(text)
		}
		escaped := false
		for i := at + end - 1; i >= at && text[i] == '\\'; i-- {
			escaped = !escaped
		}
		at += end + 1
		switch {
		case escaped:
		case strings.HasPrefix(text[at:], "'"): // two are one
			at++
		default:
			return at
		}
	}
}

// after yields what follows each place of a word and a blank in a text.
func after(text, word string) iter.Seq[string] {
	return func(yield func(string) bool) {
		word += " "
		for at := 0; ; {
			i := strings.Index(text[at:], word)
			if i < 0 {
				return
			}
			begins := at+i == 0 || strings.IndexByte(" (,\n\t", text[at+i-1]) >= 0
			at += i + len(word)
			if begins && !yield(text[at:]) {
				return
			}
		}
	}
}

// leadingName parts the name at the beginning of a text, with its quotes if it has any, from the rest.
func leadingName(text string) (name, rest string) {
	if strings.HasPrefix(text, "`") {
		if end := strings.IndexByte(text[1:], '`'); end >= 0 {
			return text[:end+2], text[end+2:]
		}
	}
	if end := strings.IndexAny(text, " \n\t"); end >= 0 {
		return text[:end], text[end:]
	}
	return text, ""
}
