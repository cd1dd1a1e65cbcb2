package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"rawlogs/internal/engine"
)

// clients asks, as the user that `ingest schema reader` makes and as that of the embedded
// store, what the tools of docs/connect.md ask when they connect and send with their queries.
func clients(t *testing.T, e *engine.Engine) {
	made := e.Endpoint()
	made.User, made.Password = "grafana", grafanaPassword
	for _, ep := range []engine.Endpoint{made, e.Endpoint().AsReader()} {
		for _, statement := range []string{
			"SELECT version(), timezone()",
			"SELECT name, value, readonly FROM system.settings LIMIT 10000",
			"SELECT currentUser() AS user, timezone() AS timezone, version() AS version, getSetting('readonly') AS readonly",
			"SELECT name, engine, comment FROM system.databases",
			"SELECT database, name, engine, comment, total_rows FROM system.tables WHERE database = 'rawlogs'",
			"SELECT name, type, comment FROM system.columns WHERE database = 'rawlogs' AND table = 'clicks' ORDER BY position",
			"SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema = 'rawlogs'",
			"SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'rawlogs' AND table_name = 'clicks'",
			"SELECT name FROM system.functions LIMIT 1", "SELECT name FROM system.data_type_families LIMIT 1", "SELECT engine FROM system.databases WHERE name = database()",
			"SHOW DATABASES", "SHOW TABLES", "DESCRIBE TABLE clicks", "SHOW CREATE TABLE clicks", "SELECT * FROM clicks LIMIT 1", "SELECT * FROM conversions_current LIMIT 1",
		} {
			if text := sends(t, ep, statement, nil); text == "" || strings.Contains(text, "Code: ") {
				t.Errorf("%s may not ask %s: %s", ep.User, statement, text)
			}
		}
		for name, value := range map[string]string{
			"readonly": "2", "join_use_nulls": "1", "max_result_rows": "2000", "session_timezone": "Europe/Prague", "max_execution_time": "60", "session_id": "s1", "wait_end_of_query": "1",
			"send_progress_in_http_headers": "1", "cancel_http_readonly_queries_on_client_close": "1", "default_format": "RowBinaryWithNamesAndTypes", "compress": "1",
			"enable_http_compression": "1", "date_time_input_format": "best_effort", "output_format_json_quote_64bit_integers": "1", "use_query_cache": "1",
		} {
			if text := sends(t, ep, "SELECT count() FROM clicks", map[string]string{name: value}); text == "" || strings.Contains(text, "Code: ") {
				t.Errorf("%s may not send %s=%s: %s", ep.User, name, value, text)
			}
		}
		for statement, with := range map[string]map[string]string{
			"SELECT 1": {"readonly": "0"}, "SELECT 2": {"readonly": "1"}, // as the page says
			"CREATE TABLE t (n UInt8) ENGINE = Memory": nil, "INSERT INTO clicks (network) VALUES ('x')": nil,
		} {
			if text := sends(t, ep, statement, with); !strings.Contains(text, "Code: ") {
				t.Errorf("%s: %s with %v: %q, want an error", ep.User, statement, with, text)
			}
		}
	}
	connectPage(t, e)
}

// sends is a client's request over HTTP, with settings of its own.
func sends(t *testing.T, ep engine.Endpoint, statement string, settings map[string]string) string {
	t.Helper()
	params := url.Values{"database": {ep.Database}}
	for name, value := range settings {
		params.Set(name, value)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+ep.HTTPAddr+"/?"+params.Encode(), strings.NewReader(statement))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(ep.User, ep.Password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// connectPage checks that the blocks of docs/connect.md are what they say.
func connectPage(t *testing.T, e *engine.Engine) {
	t.Helper()
	text, err := os.ReadFile("../../docs/connect.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, block := range regexp.MustCompile("(?s)\n```(\\w*)\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		seen[block[1]]++
		var to map[string]any
		switch block[1] {
		case "json":
			if err := json.Unmarshal([]byte(block[2]), &to); err != nil {
				t.Errorf("%v: %s", err, block[2])
			}
		case "yaml":
			if err := yaml.Unmarshal([]byte(block[2]), &to); err != nil {
				t.Errorf("%v: %s", err, block[2])
			}
		case "sql":
			for statement := range strings.SplitSeq(block[2], ";\n") {
				if got := query(t, e.Endpoint(), "SELECT formatQuery('"+strings.ReplaceAll(statement, "'", "\\'")+"') AS parsed"); !strings.HasPrefix(got, "parsed\n") {
					t.Errorf("%s: %s", got, statement)
				}
			}
		}
	}
	if len(seen) != 3 || seen["json"] != 1 || seen["yaml"] != 2 || seen["sql"] != 1 {
		t.Errorf("blocks of docs/connect.md: %v", seen)
	}
}
