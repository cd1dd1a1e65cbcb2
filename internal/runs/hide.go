package runs

import (
	"strings"

	"rawlogs/internal/plain"
	"rawlogs/internal/secret"
)

// most bounds a text of ingest_runs, in characters.
const most = 2000

// hide makes text of one line without secrets.
func hide(text string, secrets []string) string {
	return plain.Cut(plain.Text(secret.Hider(secrets)(text)), most) //guard:run-secrets
}

// commandLine is the arguments as a shell would take them, without secrets.
func commandLine(args, secrets []string) string {
	words := make([]string, len(args))
	for i, word := range args {
		word = hide(word, secrets) // before quotes of the shell's part it
		words[i] = word
		if word == "" || strings.ContainsAny(word, " \t\n'\"\\$`*?[](){}<>|&;#~!") {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return plain.Cut(strings.Join(words, " "), most)
}
