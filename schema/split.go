package schema

import "strings"

// piece is a statement as it stands in its file.
type piece struct {
	text string
	line int
}

// split cuts SQL at the semicolons that end statements: not those within
// quotes or comments. Comments before a statement are dropped, as are
// statements of nothing else.
func split(sql string) []piece {
	var out []piece
	start := -1 // of the statement's first word
	flush := func(end int) {
		if start >= 0 {
			out = append(out, piece{strings.TrimSpace(sql[start:end]), 1 + strings.Count(sql[:start], "\n")})
		}
		start = -1
	}
	for i := 0; i < len(sql); {
		rest := sql[i:]
		switch c := sql[i]; {
		case strings.HasPrefix(rest, "--"):
			i += until(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			i += 2 + until(rest[2:], "*/")
		case c == ';':
			flush(i)
			i++
		case c == '\'' || c == '"' || c == '`':
			if start < 0 {
				start = i
			}
			i += quoted(rest)
		default:
			if start < 0 && !strings.ContainsRune(" \t\r\n", rune(c)) {
				start = i
			}
			i++
		}
	}
	flush(len(sql))
	return out
}

// until is the length up to and including the end mark, or all.
func until(s, end string) int {
	if i := strings.Index(s, end); i >= 0 {
		return i + len(end)
	}
	return len(s)
}

// quoted is the length of a quoted text, in which a backslash escapes. A
// doubled quote reads as two texts side by side, which is as good here.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return len(s)
}
