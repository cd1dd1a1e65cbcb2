package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"rawlogs/internal/engine"
	"rawlogs/internal/testkit"
)

// What `ingest schema reader` prints is SQL to the server, and makes a user who
// reads, with limits, and whom nobody can be yet.
func TestSchemaReader(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	statements := engine.ReaderStatements("raw`logs", "analyst")
	for _, s := range statements {
		var formatted string
		if err := st.Conn().QueryRow(t.Context(), "SELECT formatQuery(?)", s).Scan(&formatted); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	all := strings.Join(statements, ";\n")
	for _, want := range []string{"GRANT SELECT, dictGet ON `raw\\`logs`.* TO `analyst_role`", "readonly = 2 READONLY", "max_execution_time", "max_memory_usage"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is missing from\n%s", want, all)
		}
	}
	for _, bad := range []string{"INSERT", "FILE", "URL", "S3", "REMOTE", "ON *.*"} {
		if strings.Contains(all, bad) {
			t.Errorf("%q is in\n%s", bad, all)
		}
	}
}

// A statement of a visitor's making shows in a terminal as text; a file gets
// every byte.
func TestTerminalEscapes(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.hold()
	const bad = "SELECT char(27) || '[2J' || char(0xc2, 0x9b) || '31m' || char(7) AS c"
	for _, format := range []string{"tsv", "csv", "json", "table"} {
		cmd, _, stderr := p.command("sql", "-f", format, bad)
		master, slave, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdout = slave
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if err := slave.Close(); err != nil {
			t.Fatal(err)
		}
		shown, _ := io.ReadAll(master) // ends with EIO when the other end is closed
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v: %s", format, err, stderr)
		}
		_ = master.Close()
		if text := string(shown); strings.ContainsAny(text, "\x1b\a\u009b") || !strings.Contains(text, "[2J") {
			t.Errorf("%s shows %q", format, text)
		}
	}
	out, _ := p.run(exitDone, "sql", "-f", "csv", bad)
	if !strings.Contains(out, "\x1b[2J\u009b31m\a") {
		t.Errorf("a pipe gets %q", out)
	}
}

// On a server, where users are not ours to make, readonly refuses what the text
// does not show; a profile that is read-only already is left as it is.
func TestSQLOnAServer(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.hold()
	p.run(exitDone, "schema", "apply")
	e, err := engine.Open(t.Context(), engine.Config{Path: filepath.Join(p.dir, "data/clickhouse")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	for name, ep := range map[string]engine.Endpoint{"owner": e.Endpoint(), "reader": e.Endpoint().AsReader()} {
		p := &program{t: t, dir: p.dir, env: append(p.env, "INGEST_STORE=clickhouse://"+ep.User+":"+ep.Password+"@"+ep.Addr+"/"+ep.Database)}
		for _, bad := range []string{
			"SELECT * FROM url('http://127.0.0.1:1/', LineAsString)", "SELECT * FROM remote('127.0.0.1', system.one)", "SELECT * FROM executable('id', CSV, 'a String')",
			"SELECT (SELECT max(line) FROM url('http://127.0.0.1:1/', LineAsString))", "DESCRIBE (SELECT * FROM url('http://127.0.0.1:1/', CSV))",
			"EXPLAIN ESTIMATE SELECT * FROM url('http://127.0.0.1:1/', LineAsString)", "SELECT * FROM url('http://127.0.0.1:1/', LineAsString) SETTINGS readonly = 0",
		} {
			for _, format := range []string{"table", "parquet"} { // over the native protocol, and over HTTP
				if _, stderr := p.run(exitFailed, "sql", "-f", format, "--set", "readonly=0", bad); !strings.Contains(stderr, "code 164") && !strings.Contains(stderr, "code 497") && !strings.Contains(stderr, "not run") {
					t.Errorf("%s: %s: %s", name, bad, stderr)
				}
			}
		}
		// A statement's own settings hold, though it may not set them itself.
		if out, _ := p.run(exitDone, "sql", "-f", "tsv", "SELECT getSetting('max_threads') SETTINGS max_threads = 5"); out != "5\n" {
			t.Errorf("%s: %s", name, out)
		}
		if out, _ := p.run(exitDone, "sql", "-f", "parquet", "SELECT getSetting('max_threads') AS n, 'planted' SETTINGS max_threads = 5, output_format_parquet_compression_method = 'none'"); !strings.HasPrefix(out, "PAR1") || !strings.HasSuffix(out, "PAR1") || !strings.Contains(out, "planted") {
			t.Errorf("%s: %q", name, out)
		}
		if out, _ := p.run(exitDone, "sql", "-f", "tsv", "--set", "max_threads=3", "SELECT count(), getSetting('max_threads') FROM conversions_current"); out != "0\t3\n" {
			t.Errorf("%s: %s", name, out)
		}
	}
}
