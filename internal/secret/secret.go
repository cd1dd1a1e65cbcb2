// Package secret takes credentials out of texts that are shown, stored or sent.
package secret

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Hidden stands where a credential stood.
const Hidden = "hidden"

// fewestLetters is how long a part of an address must be to count as a secret of its own;
// a shorter one is a word, such as an event's name.
const fewestLetters = 12

// forms are compiled at their first use: most commands never have to hide anything.
var forms = sync.OnceValue(func() (f struct{ param, bearer, userinfo *regexp.Regexp }) {
	const names = `NetworkToken|api_key|apikey|AWSAccessKeyId|Signature|X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token|` +
		`access_token|refresh_token|client_secret|password|salt`
	f.param = regexp.MustCompile(`(?i)\b(` + names + `)("?\s*[=:]\s*"?)[^&"'\s,}]+`)
	f.bearer = regexp.MustCompile(`(?i)\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+`)
	// A password that is not escaped may hold any character, @ included.
	f.userinfo = regexp.MustCompile(`(://[^:/?#\s]*):\S*@`)
	return f
})

// Redact hides what has the form of a credential, in URLs, headers and JSON alike: the
// values of parameters named like one, bearer tokens, passwords in addresses.
func Redact(text string) string {
	f := forms()
	text = f.param.ReplaceAllString(text, "${1}${2}"+Hidden)
	text = f.bearer.ReplaceAllString(text, "${1} "+Hidden)
	return f.userinfo.ReplaceAllString(text, "${1}:"+Hidden+"@") //guard:address-password
}

// Hider returns a function that hides the given secrets, as Exact does, and everything that
// Redact hides.
func Hider(secrets []string) func(text string) string {
	exact := Exact(secrets)
	return func(text string) string { return Redact(exact(text)) }
}

// Exact returns a function that hides the given secrets, as they are and as addresses
// spell them. Of a secret that is an address, its longer parts count as secrets, too.
// Empty secrets hide nothing.
func Exact(secrets []string) func(text string) string {
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
			text = strings.ReplaceAll(text, s, Hidden) //guard:secrets-hidden
		}
		return text
	}
}
