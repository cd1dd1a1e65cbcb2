package secret_test

import (
	"testing"

	"rawlogs/internal/secret"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"GET /x?NetworkToken=abc&Method=m":               "GET /x?NetworkToken=hidden&Method=m",
		`{"NetworkToken":"abc","a":"b"}`:                 `{"NetworkToken":"hidden","a":"b"}`,
		"Authorization: Bearer eyJ.a-b_c":                "Authorization: Bearer hidden",
		"?AWSAccessKeyId=A&Expires=1&Signature=x%2By%3D": "?AWSAccessKeyId=hidden&Expires=1&Signature=hidden",
		"clickhouse://loader:p@ss:w/rd@h:9000/db":        "clickhouse://loader:hidden@h:9000/db",
		"https://host:8443/x":                            "https://host:8443/x",
		"nothing here":                                   "nothing here",
	} {
		if got := secret.Redact(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

// A secret is hidden whole, escaped, and in the parts of an address.
func TestHider(t *testing.T) {
	t.Parallel()
	hide := secret.Hider([]string{"", "CANARY", "CANARY-whole", "tok en/secret", "https://hc.example/ping/0123-4567-89ab?key=0123456789"})
	for in, want := range map[string]string{
		"a CANARY-whole, a CANARY":                          "a hidden, a hidden",
		"q=tok+en%2Fsecret, path tok%20en%2Fsecret":         "q=hidden, path hidden",
		"POST https://hc.example/ping/0123-4567-89ab/start": "POST https://hc.example/ping/hidden/start",
		"path /ping/0123-4567-89ab":                         "path /ping/hidden",
		"query key=0123456789":                              "query hidden",
		"refused: NetworkToken=other":                       "refused: NetworkToken=hidden",
		"":                                                  "",
	} {
		if got := hide(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
