package sqltext

import (
	"strings"
	"testing"
)

func TestReading(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Statement{
		"select 1": {"SELECT", "select 1"},
		"  \n-- a; comment\n/* and */ # one\nSELECT 1 ;; -- end": {"SELECT", "SELECT 1 "},
		"WITH 1 AS x SELECT x":                  {"WITH", "WITH 1 AS x SELECT x"},
		"(SELECT 1) UNION ALL (SELECT 2)":       {"(", "(SELECT 1) UNION ALL (SELECT 2)"},
		"SELECT ';', 'it''s', \"a;b\", `c\\`;`": {"SELECT", "SELECT ';', 'it''s', \"a;b\", `c\\`;`"},
		"SELECT $x$ ; ' ) $x$":                  {"SELECT", "SELECT $x$ ; ' ) $x$"},
		"SELECT\u00a01":                         {"SELECT", "SELECT\u00a01"},
		"SELECT 'ž“'":                           {"SELECT", "SELECT 'ž“'"},
		"SELECT insert, file FROM t":            {"SELECT", "SELECT insert, file FROM t"},
		"DESCRIBE (SELECT 1)":                   {"DESCRIBE", "DESCRIBE (SELECT 1)"},
		"DESCRIBE TABLE t":                      {"DESCRIBE", "DESCRIBE TABLE t"},
		"SELECT name FROM system.settings WHERE readonly = 1 SETTINGS max_threads = 1": {"SELECT", "SELECT name FROM system.settings WHERE readonly = 1 SETTINGS max_threads = 1"},
		"SHOW TABLES":      {"SHOW", "SHOW TABLES"},
		"DESC clicks":      {"DESC", "DESC clicks"},
		"EXISTS clicks":    {"EXISTS", "EXISTS clicks"},
		"EXPLAIN SELECT 1": {"EXPLAIN", "EXPLAIN SELECT 1"},
		"EXPLAIN PLAN header = 1, actions=1 (SELECT 1)": {"EXPLAIN", "EXPLAIN PLAN header = 1, actions=1 (SELECT 1)"},
		"EXPLAIN QUERY TREE WITH 1 AS x SELECT x":       {"EXPLAIN", "EXPLAIN QUERY TREE WITH 1 AS x SELECT x"},
	} {
		got, err := Reading(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", ";", "-- nothing",
		"INSERT INTO t VALUES (1)", "insert into function file('x') select 1",
		"/* SELECT */ KILL QUERY WHERE 1", "-- SELECT\nDROP TABLE t", "\ufeffDROP TABLE t", "\u00a0SYSTEM SHUTDOWN", "\u200bSET readonly = 0",
		"OPTIMIZE TABLE t", "CHECK TABLE t", "CREATE TABLE t (a Int8)", "ALTER TABLE t DELETE WHERE 1", "BACKUP TABLE t TO Disk('x')",
		"USE system", "EXECUTE AS ingest SELECT 1", "PARALLEL WITH SELECT 1", "SELEC 1", "`SELECT` 1", "'SELECT' 1", "1",
		"SELECT 1; DROP TABLE t", "SELECT 1;; SELECT 2", "SELECT 1 /* ; */ ; SELECT 2",
		"SELECT 1 INTO OUTFILE 'x'", "SELECT 1 into/**/outfile 'x'", "SHOW TABLES INTO OUTFILE 'x'",
		"SELECT 1) UNION ALL (SELECT 2", "SELECT (1", "SELECT ')' )",
		"SELECT file('/etc/passwd')", "SELECT * FROM File ('/etc/passwd', LineAsString)", "SELECT `file`('/etc/passwd')", "DESCRIBE \"file\"/**/('x')",
		"SELECT 1 SETTINGS readonly = 0", "SELECT * FROM (SELECT 1 settings max_threads=1, `readonly`=2)", "SELECT 1 SETTINGS profile = 'default'",
		"DESCRIBE url('http://x')", "desc table `s3` ('x')", "EXPLAIN INSERT INTO t SELECT 1", "EXPLAIN PIPELINE INSERT INTO FUNCTION file('x') SELECT 1", "EXPLAIN WITH 1 AS x INSERT INTO t SELECT x",
		"EXPLAIN PLAN header = 1 INSERT INTO t SELECT 1", "EXPLAIN AST DROP TABLE t", "EXPLAIN", "EXPLAIN PLAN",
		"SELECT 'open", "SELECT `open", "SELECT /* open", "SELECT $x$ open", "SELECT ‘x’ ; DROP TABLE t", "SELECT \x00 1", "SELECT 1 $ 2",
	} {
		if got, err := Reading(text); !IsRefusal(err) {
			t.Errorf("%q passes: %+v, %v", text, got, err)
		}
	}
}

// Whatever passes begins with a reading keyword, and putting it in parentheses
// leaves them balanced.
func FuzzReading(f *testing.F) {
	for _, text := range []string{"SELECT 1", "/*;*/ WITH x AS (SELECT ';') SELECT * FROM x;", "EXPLAIN a = 1 SELECT $a$'$a$", "SHOW TABLES -- )"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Reading(text)
		if err != nil {
			if !IsRefusal(err) {
				t.Fatal(err)
			}
			return
		}
		if !strings.HasPrefix(strings.ToUpper(s.Text), s.Keyword) || !strings.Contains(text, s.Text) {
			t.Fatalf("%q became %+v", text, s)
		}
		if again, err := Reading(s.Text); err != nil || again.Keyword != s.Keyword {
			t.Fatalf("%q: %+v, %v", s.Text, again, err)
		}
	})
}

func TestFirst(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"select 1": "SELECT", "  -- x\n/* y\n */ With a AS (SELECT 1) SELECT a": "WITH", "(select 1)": "(",
		"ALTER TABLE x": "ALTER", "": "", "-- only": "", "#!/x\nSHOW TABLES": "SHOW", "42": "", "SELECT 'open": "SELECT",
	} {
		if got := First(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
