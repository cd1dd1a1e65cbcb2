package notify

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/plain"
)

const hidden = "hidden"

// userinfo is the password in an address, up to the last @ of the word: one that is not
// escaped may hold any character.
var userinfo = regexp.MustCompile(`(://[^:/?#\s]*):\S*@`)

// fewestLetters is how long a part of an address must be to count as a secret of its own:
// an event's name, or api, is none.
const fewestLetters = 12

// Hider returns a function that makes text fit to be sent: without the secrets given,
// which are hidden in parts as well where they are addresses, without passwords in
// addresses and what has the form of a token or a signature, and without control
// characters other than line breaks.
func Hider(secrets []string) func(text string) string {
	var all []string
	for _, s := range secrets {
		all = append(all, s, url.QueryEscape(s), url.PathEscape(s))
		if u, err := url.Parse(s); err == nil && u.Host != "" {
			for _, part := range append(strings.Split(u.EscapedPath(), "/"), u.RawQuery) {
				if len(part) >= fewestLetters {
					all = append(all, part)
				}
			}
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) }) // whole ones before their parts
	return func(text string) string {
		for _, s := range all {
			text = strings.ReplaceAll(text, s, hidden) //guard:notify-secrets
		}
		text = userinfo.ReplaceAllString(text, "${1}:"+hidden+"@")
		return plain.Lines(hasoffers.Redact(text))
	}
}
