package term

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Redacted hides what must not stand on a screen or in a file by accident:
// members named like credentials, and whatever hide finds in a text. The order of
// members stays. data must be valid JSON.
func Redacted(data json.RawMessage, hide func(text string) string) json.RawMessage {
	var out bytes.Buffer
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := redactValue(&out, d, "", hide); err != nil {
		return json.RawMessage(`"(not printable)"`) // never data that was not looked through
	}
	return out.Bytes()
}

func redactValue(out *bytes.Buffer, d *json.Decoder, name string, hide func(string) string) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	delim, nested := t.(json.Delim)
	if !nested {
		if text, ok := t.(string); ok {
			t = hide(text)
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
			var key json.Token
			if key, err = d.Token(); err != nil {
				return err
			}
			member = fmt.Sprint(key)
			if err = writeJSON(out, hide(member)); err != nil {
				return err
			}
			out.WriteByte(':')
		}
		if err = redactValue(out, d, member, hide); err != nil {
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

// credential reports whether a member's value is one, by its name.
func credential(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"password", "salt", "api_key", "apikey", "token", "secret"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
