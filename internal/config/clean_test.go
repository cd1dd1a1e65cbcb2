package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSecretsAreCleaned: a token means the same however an editor, a shell or an env
// file wrote it down, and one that cannot be a token is refused unseen.
func TestSecretsAreCleaned(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ raw, want, err string }{
		"plain":                     {"NETtoken1", "NETtoken1", ""},
		"line end of Windows":       {"NETtoken1\r\n", "NETtoken1", ""},
		"byte order mark":           {"\ufeffNETtoken1\n", "NETtoken1", ""},
		"UTF-16 of PowerShell":      {"\xff\xfeN\x00E\x00T\x00\r\x00\n\x00", "NET", ""},
		"UTF-16, the other order":   {"\xfe\xff\x00N\x00E\x00T", "NET", ""},
		"quotes of an env file":     {`"NETtoken1"`, "NETtoken1", ""},
		"single quotes and a blank": {" 'NETtoken1' \n", "NETtoken1", ""},
		"quotes of a text program":  {"“NETtoken1”", "NETtoken1", ""},
		"blanks that are not seen":  {"\u200bNETtoken1\u00a0\u2060", "NETtoken1", ""},
		"a quote of its own":        {`NET"token`, `NET"token`, ""},
		"two lines":                 {"NETtoken1\nNETtoken2\n", "", "a second line after 9 characters"},
		"a dash of a text program":  {"NET–token", "", "character 4 is U+2013"},
		"a blank within":            {"NET token", "", "character 4 is U+0020"},
		"nothing":                   {"\ufeff\r\n", "", "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, "token")
			if err := os.WriteFile(file, []byte(tc.raw), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, env := range []map[string]string{{"HASOFFERS_NETWORK_TOKEN_FILE": file}, {"HASOFFERS_NETWORK_TOKEN": tc.raw}} {
				if env["HASOFFERS_NETWORK_TOKEN"] != "" && (strings.Contains(tc.raw, "\x00") || tc.err == "is empty") {
					continue // no variable can be that
				}
				layers, err := Read(Given{Getenv: func(k string) string { return env[k] }, Flag: func(string) (string, string, bool) { return "", "", false }})
				if err != nil {
					t.Fatal(err)
				}
				all, err := layers.All(quiet)
				switch {
				case tc.err != "":
					if err == nil || !strings.Contains(err.Error(), tc.err) || strings.Contains(err.Error(), "token2") {
						t.Errorf("%v: %v", env, err)
					}
				case err != nil:
					t.Errorf("%v: %v", env, err)
				case string(all[0].SignIn.Token) != tc.want:
					t.Errorf("%v: %q", env, string(all[0].SignIn.Token))
				}
			}
		})
	}
}

// TestStoresAreCleaned: so does an address.
func TestStoresAreCleaned(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{`"clickhouse://u:p@h:9000/d"`, "clickhouse://u:p@h:9000/d\r", "\ufeffclickhouse://u:p@h:9000/d", "'clickhouse://u:p@h:9000/d'"} {
		env := map[string]string{"INGEST_STORE": raw, "INGEST_SOURCE": t.TempDir()}
		layers, err := Read(Given{Getenv: func(k string) string { return env[k] }, Flag: func(string) (string, string, bool) { return "", "", false }})
		if err != nil {
			t.Fatal(err)
		}
		all, err := layers.All(quiet)
		if err != nil || all[0].Store != "clickhouse://u:p@h:9000/d" {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

// TestHalfAKey: the storage's SDK would pass over it and look elsewhere.
func TestHalfAKey(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"AWS_ACCESS_KEY_ID": "AK"}, "AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not"},
		{map[string]string{"AWS_SECRET_ACCESS_KEY": "SK"}, "AWS_SECRET_ACCESS_KEY is set, and AWS_ACCESS_KEY_ID is not"},
		{map[string]string{"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK"}, ""},
		{map[string]string{}, ""},
	} {
		tc.env["INGEST_SOURCE"] = "s3://b"
		layers, err := Read(Given{Getenv: func(k string) string { return tc.env[k] }, Flag: func(string) (string, string, bool) { return "", "", false }})
		if err != nil {
			t.Fatal(err)
		}
		_, err = layers.All(quiet)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || err.Error() != tc.want) {
			t.Errorf("%v: %v", tc.env, err)
		}
	}
}
