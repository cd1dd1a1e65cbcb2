package runs

import (
	"regexp"
	"strings"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/plain"
)

// most bounds a text of ingest_runs, in characters.
const most = 2000

// userinfo is the password in an address, up to the last @ of the word: one that is not
// escaped may hold any character.
var userinfo = regexp.MustCompile(`(://[^:/?#\s]*):\S*@`)

// hide makes text of one line without secrets: those given, passwords in addresses, and
// what has the form of a signature or a token.
func hide(text string, secrets []string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "hidden") //guard:run-secrets
		}
	}
	text = userinfo.ReplaceAllString(text, "${1}:hidden@") //guard:run-password
	return shorten(plain.Text(hasoffers.Redact(text)))
}

func shorten(text string) string {
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return text
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
	return shorten(strings.Join(words, " "))
}
