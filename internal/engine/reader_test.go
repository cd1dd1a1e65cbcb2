//go:build linux && amd64

package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rawlogs/internal/testkit/overhttp"
)

// ask runs a statement as the endpoint's user and returns the answer, or the
// server's error, as text.
func ask(t *testing.T, ep Endpoint, statement string) string {
	t.Helper()
	server := overhttp.Server{Addr: ep.HTTPAddr, User: ep.User, Password: ep.Password, Database: ep.Database}
	return strings.TrimSpace(server.Ask(t, statement))
}

// The user who may only read gets the tables, and nothing with which to change
// them, to end what others do, or to reach past the database.
func TestReader(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	e := mustOpen(t, Config{Path: path})
	mustQuery(t, e, "CREATE TABLE rawlogs.t (n UInt8) ENGINE = MergeTree ORDER BY n AS SELECT 7")
	mustQuery(t, e, "CREATE DATABASE marts")
	mustQuery(t, e, "CREATE VIEW marts.v AS SELECT n + 1 AS m FROM rawlogs.t")
	reader := e.Endpoint().AsReader()
	for statement, want := range map[string]string{
		"SELECT n FROM t":                            "7",
		"SELECT m FROM marts.v":                      "8",
		"SELECT sum(number) FROM numbers(4)":         "6",
		"SELECT n FROM t SETTINGS max_threads = 1":   "7",
		"SELECT sum(rows) FROM system.parts":         "1",
		"SHOW TABLES":                                "t",
		"SELECT 1 SETTINGS max_memory_usage = 65000": "1",
	} {
		if got := ask(t, reader, statement); got != want {
			t.Errorf("%s: %s", statement, got)
		}
	}
	target := filepath.Join(t.TempDir(), "target")
	if err := os.WriteFile(target, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	const rights, readonly, memory = "Code: 497", "Code: 164", "Code: 452"
	for statement, want := range map[string]string{
		"INSERT INTO t VALUES (1)":                                                             rights,
		"WITH 1 AS x INSERT INTO t SELECT x":                                                   rights,
		"INSERT INTO FUNCTION file('" + target + "', CSV, 'a Int8') SELECT 1":                  rights,
		"INSERT INTO FUNCTION url('http://127.0.0.1:1', CSV, 'a Int8') SELECT 1":               rights,
		"EXPLAIN PIPELINE INSERT INTO FUNCTION file('" + target + "', CSV, 'a Int8') SELECT 1": rights,
		"SELECT * FROM file('/etc/passwd', LineAsString)":                                      rights,
		"DESCRIBE file('/etc/passwd', CSV)":                                                    rights,
		"SELECT * FROM url('http://127.0.0.1:1/', LineAsString)":                               rights,
		"SELECT * FROM remote('127.0.0.1', system.one)":                                        rights,
		"SELECT * FROM executable('id', CSV, 'a String')":                                      rights,
		"SELECT * FROM sqlite('/tmp/x', 't')":                                                  "Code: 481",
		"CREATE TABLE x (n UInt8) ENGINE = Memory":                                             rights,
		"CREATE TEMPORARY TABLE x (n UInt8)":                                                   rights,
		"ALTER TABLE t DELETE WHERE 1":                                                         rights,
		"TRUNCATE TABLE t":                                                                     rights,
		"DROP TABLE t":                                                                         rights,
		"OPTIMIZE TABLE t":                                                                     rights,
		"BACKUP TABLE t TO File('" + target + "')":                                             rights,
		"KILL QUERY WHERE 1":                                                                   rights,
		"SYSTEM SHUTDOWN":                                                                      rights,
		"SYSTEM STOP LISTEN TCP":                                                               rights,
		"SELECT * FROM system.processes":                                                       rights,
		"SELECT * FROM system.users":                                                           rights,
		"SHOW PROCESSLIST":                                                                     rights,
		"SET readonly = 0":                                                                     readonly,
		"SELECT 1 SETTINGS readonly = 0":                                                       readonly,
		"SELECT 1 SETTINGS max_memory_usage = 0":                                               memory,
		"SELECT 1 SETTINGS max_memory_usage = 1000000000000000":                                memory,
	} {
		if got := ask(t, reader, statement); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %s", statement, got, want)
		}
	}
	if text, err := os.ReadFile(target); string(text) != "precious" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	if got := ask(t, e.Endpoint(), "SELECT count() FROM rawlogs.t"); got != "1" {
		t.Errorf("rows: %s", got)
	}
	wrong := reader
	wrong.Password = "wrong"
	if got := ask(t, wrong, "SELECT 1"); !strings.Contains(got, "Code: 516") {
		t.Errorf("wrong password: %s", got)
	}
	if info, err := os.Stat(filepath.Join(path, readerFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the reader's password file: %v, %v", info, err)
	}
}

// Whoever may run SQL, the reader and the store's own user, reaches the store's
// files and those of one folder: no others of the machine, no passwords, and not
// the environment of other processes, where a token may stand.
func TestFence(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	e := mustOpen(t, Config{Path: path})
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(path, filesFolder, "link")); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{
		outside, "link", "../../outside", "/etc/passwd", "/proc/self/root" + outside, fmt.Sprintf("/proc/%d/environ", os.Getpid()), fmt.Sprintf("/proc/%d/root%s", os.Getpid(), outside),
		filepath.Join(path, passwordFile), filepath.Join(path, readerFile), filepath.Join(path, endpointFile),
	} {
		for name, user := range map[string]Endpoint{"owner": e.Endpoint(), "reader": e.Endpoint().AsReader()} {
			for _, statement := range []string{
				"SELECT file('" + file + "')",
				"SELECT * FROM file('" + file + "', LineAsString)",
				"INSERT INTO FUNCTION file('" + file + "', CSV, 'n UInt8') SETTINGS engine_file_truncate_on_insert = 1 SELECT 1",
			} {
				if got := ask(t, user, statement); !strings.Contains(got, "Code: ") {
					t.Errorf("%s: %s: %s", name, statement, got)
				}
			}
		}
	}
	if text, err := os.ReadFile(outside); string(text) != "7\n" {
		t.Errorf("the file outside holds %q, %v", text, err)
	}
	for _, statement := range []string{"INSERT INTO FUNCTION file('x.csv', CSV, 'n UInt8') SELECT 5", "SELECT n FROM file('x.csv', CSV, 'n UInt8')"} {
		if got := ask(t, e.Endpoint(), statement); strings.Contains(got, "Code: ") {
			t.Errorf("the store's own folder for files: %s: %s", statement, got)
		}
	}
	if _, err := os.Stat(filepath.Join(path, filesFolder, "x.csv")); err != nil {
		t.Error(err)
	}
}

// Looking makes nothing: neither a store where none is, nor a folder, nor a file.
func TestExistingOnly(t *testing.T) {
	t.Parallel()
	empty, other := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "letter.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	absent := filepath.Join(empty, "absent")
	for _, path := range []string{absent, empty, other} {
		if _, err := Open(t.Context(), Config{Path: path, Existing: true}); !errors.Is(err, ErrAbsent) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if entries, err := os.ReadDir(empty); err != nil || len(entries) > 0 {
		t.Errorf("made %v, %v", entries, err)
	}
	if entries, err := os.ReadDir(other); err != nil || len(entries) != 1 {
		t.Errorf("made %v, %v", entries, err)
	}
}

// The grants that `ingest schema reader` prints for a server, given to the user
// here by an administrator's addition to the users.
func TestReaderOfOneDatabase(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	first, err := Open(t.Context(), Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	mustQuery(t, first, "CREATE TABLE rawlogs.t (n UInt8) ENGINE = MergeTree ORDER BY n AS SELECT 7")
	mustQuery(t, first, "CREATE DATABASE marts")
	mustQuery(t, first, "CREATE TABLE marts.t (n UInt8) ENGINE = MergeTree ORDER BY n AS SELECT 7")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(path, usersFile))
	if err != nil {
		t.Fatal(err)
	}
	if all := grantElements(t, ReaderGrants("")); !strings.Contains(string(text), all) {
		t.Fatalf("no grants in\n%s", text)
	}
	addition := "<clickhouse><users><" + readerName + "><grants replace=\"replace\">" + grantElements(t, ReaderGrants(DefaultDatabase)) +
		"</grants></" + readerName + "></users></clickhouse>"
	if err := os.MkdirAll(filepath.Join(path, "users.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "users.d", "reader.xml"), []byte(addition), 0o600); err != nil {
		t.Fatal(err)
	}
	e := mustOpen(t, Config{Path: path})
	reader := e.Endpoint().AsReader()
	const rights = "Code: 497"
	if got := ask(t, reader, "SELECT n FROM marts.t"); !strings.Contains(got, rights) {
		t.Errorf("another database: %s", got)
	}
	for _, schema := range []string{"information_schema", "INFORMATION_SCHEMA"} {
		if got := ask(t, reader, "SELECT table_schema, table_name, column_name FROM "+schema+".columns WHERE table_name = 't'"); got != "rawlogs\tt\tn" {
			t.Errorf("%s shows %s", schema, got)
		}
	}
	for _, statement := range []string{"SELECT n FROM rawlogs.t", "SELECT count() FROM system.parts", "SHOW TABLES"} {
		if got := ask(t, reader, statement); strings.Contains(got, "Code:") {
			t.Errorf("%s: %s", statement, got)
		}
	}
	for _, statement := range []string{
		"INSERT INTO t VALUES (1)", "SELECT * FROM file('x', LineAsString)", "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
		"SELECT * FROM remote('127.0.0.1', system.one)", "CREATE TABLE x (n UInt8) ENGINE = Memory", "DROP TABLE t", "KILL QUERY WHERE 1",
		"SELECT * FROM system.query_log", "SELECT * FROM system.users",
	} {
		if got := ask(t, reader, statement); !strings.Contains(got, rights) && !strings.Contains(got, "Code: 60") {
			t.Errorf("%s: %s", statement, got)
		}
	}
}

func grantElements(t *testing.T, grants []string) string {
	t.Helper()
	var b strings.Builder
	for _, g := range grants {
		text, err := escapeXML(g)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString("\n        <query>" + text + "</query>")
	}
	return b.String()
}
