//go:build linux && amd64

package engine

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// lastWords quotes the end of what the server wrote, for an error that cannot
// say more by itself.
func (f folder) lastWords() string {
	var out []string
	for _, name := range []string{hostLog, errorLog} {
		raw, err := os.ReadFile(f.file(name))
		if err != nil {
			continue
		}
		const most = 5
		lines := telling(string(raw[max(0, len(raw)-64<<10):]))
		// Stacks follow a crash's first line, which alone says what happened.
		if at := slices.IndexFunc(lines, crash.MatchString); at >= 0 { //guard:crash-line
			lines = lines[at:min(at+2, len(lines))]
			if strings.HasPrefix(lines[0], "SIGILL") {
				lines = append(lines, "this processor lacks an instruction that the library needs: use a newer machine, or a ClickHouse server (INGEST_STORE)")
			}
		}
		for _, line := range lines[max(0, len(lines)-most):] {
			out = append(out, "  "+name+": "+line)
		}
	}
	return strings.Join(out, "\n")
}

var (
	escapes    = regexp.MustCompile("\x1b\\[[0-9;?]*[a-zA-Z]")
	crash      = regexp.MustCompile(`^(SIG[A-Z]+: |fatal error: |panic: |unexpected fault address )`)
	stackFrame = regexp.MustCompile(`^[0-9]+\. .* @ 0x[0-9a-f]+`)
)

// telling returns the lines of a log without stack frames, terminal escapes
// and blanks, and none longer than a few lines of a terminal.
func telling(log string) []string {
	var out []string
	log = escapes.ReplaceAllString(strings.ToValidUTF8(log, "?"), "")
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, line))
		if line == "" || stackFrame.MatchString(line) {
			continue
		}
		const longest = 400
		if len(line) > longest {
			line = strings.ToValidUTF8(line[:longest], "") + " ..."
		}
		out = append(out, line)
	}
	return out
}
