package store_test

import (
	"strings"
	"testing"

	"rawlogs/internal/engine"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// Nobody listens at these addresses: what they say is refused before anybody is spoken to.
func TestParametersAreRefused(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"clickhouse://u@127.0.0.1:1/d?secur=true":                   "secur, which is not one: did you mean secure?",
		"clickhouse://u@127.0.0.1:1/d?Secure=true":                  "did you mean secure?",
		"clickhouse://u@127.0.0.1:1/d?secrue=true":                  "did you mean secure?",
		"clickhouse://u@127.0.0.1:1/d?dial_timout=10s":              "did you mean dial_timeout?",
		"clickhouse://u@127.0.0.1:1/d?secure=true&skip-verify=true": "did you mean skip_verify?",
		"clickhouse://127.0.0.1:1/d?user=loader":                    "did you mean username?",
		"clickhouse://u@127.0.0.1:1/d?tls":                          "did you mean secure?",
		"clickhouse://u@127.0.0.1:1/d?max_threads=2&something":      "has no value",
		"clickhouse://u@127.0.0.1:1/system":                         "the database system is reserved by the server",
		"clickhouse://u@127.0.0.1:1/information_schema":             "the database information_schema is reserved by the server",
		"clickhouse://u@127.0.0.1:1/INFORMATION_SCHEMA?secure=true": "reserved by the server",
		"clickhouse://u@127.0.0.1:1?database=system":                "reserved by the server",
	} {
		if _, err := store.Open(t.Context(), store.Config{Spec: spec}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", spec, err, want)
		}
	}
	embedded := store.Config{Spec: "embedded:" + t.TempDir(), Engine: engine.Config{Database: "system"}}
	if _, err := store.Open(t.Context(), embedded); err == nil || !strings.Contains(err.Error(), "reserved by the server") {
		t.Errorf("an embedded one: %v", err)
	}
}

// A parameter that is no option and no setting is named; each setting of the server's can be one.
func TestParametersAreSettings(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for query, want := range map[string]string{
		"max_threads=2&frobnicate=1":     "the parameter frobnicate, which the server does not take as a setting",
		"max_threads=many&log_comment=x": "the parameter max_threads, which the server does not take",
	} {
		got, err := store.Open(t.Context(), store.Config{Spec: address(t, st, query)})
		if err == nil {
			_ = got.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "skip_verify") {
			t.Errorf("%s: %v; want %q", query, err, want)
		}
	}
	var names []string
	if err := st.Conn().QueryRow(t.Context(), "SELECT groupArray(name) FROM system.settings").Scan(&names); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if option := store.Meant(name); option != "" {
			t.Errorf("the setting %s would be taken for %s", name, option)
		}
	}
}
