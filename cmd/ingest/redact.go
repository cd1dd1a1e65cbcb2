package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"rawlogs/internal/hasoffers"
)

// redacted hides what must not stand on a screen or in a file by accident:
// members named like credentials, signatures within links, and our own secrets.
// The order of members stays. data must be valid JSON.
func redacted(data json.RawMessage, secrets []string) json.RawMessage {
	var out bytes.Buffer
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := redactValue(&out, d, "", secrets); err != nil {
		return json.RawMessage(`"(not printable)"`) // never data that was not looked through
	}
	return out.Bytes()
}

func redactValue(out *bytes.Buffer, d *json.Decoder, name string, secrets []string) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	delim, nested := t.(json.Delim)
	if !nested {
		if text, ok := t.(string); ok {
			t = hideIn(text, secrets)
		}
		if credential(name) && t != nil && t != "" {
			t = "hidden"
		}
		return writeJSON(out, t)
	}
	out.WriteString(delim.String())
	for i := 0; d.More(); i++ {
		if i > 0 {
			out.WriteByte(',')
		}
		member := name
		if delim == '{' {
			key, err := d.Token()
			if err != nil {
				return err
			}
			member = fmt.Sprint(key)
			if err := writeJSON(out, hideIn(member, secrets)); err != nil {
				return err
			}
			out.WriteByte(':')
		}
		if err := redactValue(out, d, member, secrets); err != nil {
			return err
		}
	}
	end, err := d.Token()
	if err != nil {
		return err
	}
	out.WriteString(end.(json.Delim).String()) //nolint:errcheck // More was false: it is the closing one
	return nil
}

func writeJSON(out *bytes.Buffer, v any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	out.Truncate(out.Len() - 1) // Encode's line break
	return nil
}

func hideIn(text string, secrets []string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(strings.ReplaceAll(text, s, "hidden"), url.QueryEscape(s), "hidden")
		}
	}
	if strings.Contains(text, "=") {
		text = hasoffers.Redact(text)
	}
	return text
}

// credential tells from a member's name that its value is one.
func credential(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"password", "salt", "api_key", "apikey", "token", "secret"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// secretsOf are those that a client holds now, a bearer token among them.
func secretsOf(c *hasoffers.Client) []string { return c.Auth.Secrets() }

// escapeControls keeps an answer from acting on a terminal; JSON has escaped
// everything below a space, but not the control characters above.
func escapeControls(b []byte) []byte {
	return []byte(strings.Map(func(r rune) rune {
		if r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return '\uFFFD'
		}
		return r
	}, string(b)))
}

// stderrIsTerminal tells whether a question would be seen.
func (a *app) stderrIsTerminal() bool {
	a.stderr.mu.Lock()
	defer a.stderr.mu.Unlock()
	return isTerminal(a.stderr.w)
}
