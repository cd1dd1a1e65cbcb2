package store

import (
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
)

func TestParseSpec(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		spec, name, addrs, user, password, database string
		secure                                      bool
	}{
		{spec: "clickhouse://u:p@h:9000/d", name: "clickhouse://u@h:9000/d", addrs: "h:9000", user: "u", password: "p", database: "d"},
		{spec: "clickhouse://h", name: "clickhouse://default@h:9000/default", addrs: "h:9000", user: "default", database: "default"},
		{spec: "clickhouse://h/?secure=true", name: "clickhouse://default@h:9440/default", addrs: "h:9440", user: "default", database: "default", secure: true},
		{spec: "clickhouse://u:p%40%23%2F%3F%25@h:1,[::1]:2,[::2]/d?dial_timeout=3s", name: "clickhouse://u@h:1,[::1]:2,[::2]:9000/d", addrs: "h:1,[::1]:2,[::2]:9000", user: "u", password: "p@#/?%", database: "d"},
		{spec: "clickhouse://h:9000/d?username=u&password=p", name: "clickhouse://u@h:9000/d", addrs: "h:9000", user: "u", password: "p", database: "d"},
	} {
		for range 2 {
			got, err := parseSpec(c.spec)
			if err != nil {
				t.Errorf("%s: %v", c.spec, err)
				continue
			}
			if got.name != c.name || strings.Join(got.addrs, ",") != c.addrs || got.user != c.user || got.password != c.password || got.database != c.database || (got.tls != nil) != c.secure {
				t.Errorf("%s: %+v", c.spec, got)
			}
		}
	}
	got, err := parseSpec("embedded:data/clickhouse")
	if err != nil || got.path != "data/clickhouse" || got.name != "embedded:data/clickhouse" {
		t.Errorf("embedded: %+v, %v", got, err)
	}
}

// TestBadSpecKeepsItsSecret plants parts of a password in every place where a
// missing escape can put them.
func TestBadSpecKeepsItsSecret(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{
		"", "embedded:", "data/clickhouse", "canary",
		"http://u:canary@h:8123/d", "u:canary@h:9000/d", "postgres://u:canary@h/d",
		"clickhouse://u:canary/x@h:9000/d", "clickhouse://u:12/canary@h:9000/d", "clickhouse://u:canary#x@h:9000/d",
		"clickhouse://u:12#canary@h:9000/d", "clickhouse://u:12?canary@h:9000/d", "clickhouse://u:12?canary=1@h:9000/d",
		"clickhouse://u:can@ary@h:9000/d", "clickhouse://u:canary%zz@h:9000/d", "clickhouse://u:canary @h:9000/d", "clickhouse://u:canary\n@h/d",
		"clickhouse://u:canary@/d", "clickhouse://u:canary@h:port/d", "clickhouse://u:canary@h:0/d", "clickhouse://u:canary@h:1,:2/d",
		"clickhouse://u:canary@h:9000/d?secure=maybe", "clickhouse://u:canary@h:9000/d?compress=gzip", "clickhouse://u:canary@h:9000/d?dial_timeout=soon",
		"clickhouse://u:x@h:9000/d?password=12&canary", "clickhouse://h:9000/d?pasword=canary", "clickhouse://u:canary@h:9000/system",
		"clickhouse://u:canary@h:9000/d?tls_server_name=x", "clickhouse://h:9000/d?password=canary&secure=x",
	} {
		got, err := parseSpec(spec)
		if err == nil {
			t.Errorf("%q is read as %q at %v", spec, got.name, got.addrs)
			continue
		}
		if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "u:12") {
			t.Errorf("%q: the error shows it: %v", spec, err)
		}
	}
}

func TestCompression(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]clickhouse.CompressionMethod{
		"clickhouse://127.0.0.1":                  clickhouse.CompressionNone,
		"clickhouse://localhost":                  clickhouse.CompressionNone,
		"clickhouse://[::1]:9000":                 clickhouse.CompressionNone,
		"clickhouse://10.0.0.1":                   clickhouse.CompressionLZ4,
		"clickhouse://db.example.com":             clickhouse.CompressionLZ4,
		"clickhouse://127.0.0.1?compress=zstd":    clickhouse.CompressionZSTD,
		"clickhouse://127.0.0.1?compress=true":    clickhouse.CompressionLZ4,
		"clickhouse://10.0.0.1?compress=none":     clickhouse.CompressionNone,
		"clickhouse://10.0.0.1?compress=false":    clickhouse.CompressionNone,
		"clickhouse://10.0.0.1?compress_level=22": clickhouse.CompressionLZ4,
	} {
		got, err := parseSpec(spec)
		if err != nil {
			t.Errorf("%s: %v", spec, err)
			continue
		}
		if m := got.compressionAt(got.addrs[0]); m != want {
			t.Errorf("%s: %v, want %v", spec, m, want)
		}
	}
}
