package sqltext

import (
	"maps"
	"slices"
	"testing"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]Part{
		"":                         nil,
		" ; -- nothing;\n/* ; */;": nil,
		"SELECT 1":                 {{"SELECT 1", 1}},
		"SELECT 1;\n\nSELECT 2;":   {{"SELECT 1", 1}, {"SELECT 2", 3}},
		"-- one; two\nSELECT ';', \"a;b\", `c;\\`;`, $x$ ; $x$ -- no;\n;\n# no;\n/*\n;*/ SELECT 'it'';s'": {
			{"SELECT ';', \"a;b\", `c;\\`;`, $x$ ; $x$", 2}, {"SELECT 'it'';s'", 6}},
		"SELECT 'a\n;b',\n1; SELECT 2":              {{"SELECT 'a\n;b',\n1", 1}, {"SELECT 2", 3}},
		"SELECT 'a\\';' ; SELECT 'b\\\\'; SELECT 3": {{`SELECT 'a\';'`, 1}, {`SELECT 'b\\'`, 1}, {"SELECT 3", 1}},
		"SELECT 1 /* mid; */ + 2;;SELECT 3":         {{"SELECT 1 /* mid; */ + 2", 1}, {"SELECT 3", 1}},
	} {
		got, err := Split(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"SELECT 1;\nSELECT 'open", "SELECT 1; /* open", "SELECT 1; SELECT $x$ open", "SELECT `open;"} {
		if got, err := Split(text); err == nil {
			t.Errorf("%q is cut into %+v", text, got)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		rest string
		set  map[string]string
	}{
		"SELECT 1":                          {"SELECT 1", nil},
		"SELECT 1 SETTINGS max_threads = 3": {"SELECT 1 ", map[string]string{"max_threads": "3"}},
		"SELECT 1 settings a=-1, `b` = 'it''s\\n', c = true, d=1e9, e=0.5, f=1e-3, g=auto, h=DEFAULT, i = 10_000 -- end": {"SELECT 1 ", map[string]string{
			"a": "-1", "b": "it's\n", "c": "1", "d": "1000000000", "e": "0.5", "f": "1e-3", "g": "auto", "i": "10000"}},
		"SELECT 1 SETTINGS m = {'t': 'x = 1, y'}, l = [1, 2], s = $x$it's$x$": {"SELECT 1 ", map[string]string{"m": "{'t':'x = 1, y'}", "l": "[1,2]", "s": "it's"}},
		"SELECT 1 UNION ALL SELECT 2 SETTINGS a = 1":                          {"SELECT 1 UNION ALL SELECT 2 ", map[string]string{"a": "1"}},
		// Of a part of the statement, or of no statement at all.
		"SELECT * FROM (SELECT 1 SETTINGS a = 1)":     {"SELECT * FROM (SELECT 1 SETTINGS a = 1)", nil},
		"SELECT 1 SETTINGS a = 1 UNION ALL SELECT 2":  {"SELECT 1 SETTINGS a = 1 UNION ALL SELECT 2", nil},
		"SELECT 1 SETTINGS a = 1 FORMAT CSV":          {"SELECT 1 SETTINGS a = 1 FORMAT CSV", nil},
		"SELECT 'x SETTINGS a = 1'":                   {"SELECT 'x SETTINGS a = 1'", nil},
		"SELECT 1 -- SETTINGS a = 1":                  {"SELECT 1 -- SETTINGS a = 1", nil},
		"SELECT name FROM system.settings":            {"SELECT name FROM system.settings", nil},
		"SELECT 1 AS settings WHERE settings = 1":     {"SELECT 1 AS settings WHERE settings = 1", nil},
		"SELECT 1 SETTINGS a =":                       {"SELECT 1 SETTINGS a =", nil},
		"SELECT 1 SETTINGS a = [1":                    {"SELECT 1 SETTINGS a = [1", nil},
		"SELECT (1 SETTINGS a = 1 SETTINGS b = 2":     {"SELECT (1 SETTINGS a = 1 SETTINGS b = 2", nil},
		"SELECT 1 SETTINGS a = 1 SETTINGS b = 2":      {"SELECT 1 SETTINGS a = 1 ", map[string]string{"b": "2"}},
		"SELECT 1 SETTINGS a = 1, `b`, c = 2":         {"SELECT 1 SETTINGS a = 1, `b`, c = 2", nil},
		"SELECT 1 SETTINGS a = +1, b = 0x10, c = 010": {"SELECT 1 ", map[string]string{"a": "1", "b": "16", "c": "010"}},
	} {
		rest, set := Settings(text)
		if rest != want.rest || !maps.Equal(set, want.set) {
			t.Errorf("%q: %q, %v", text, rest, set)
		}
	}
	if set := Set("SET a = 1, b = 'x'"); !maps.Equal(set, map[string]string{"a": "1", "b": "x"}) {
		t.Errorf("SET: %v", set)
	}
	for _, text := range []string{"SET", "SET a", "SETTINGS a = 1", "SET ROLE x", "SET DEFAULT ROLE x TO y", "SELECT 1", "SET a = 1; SELECT 2"} {
		if set := Set(text); set != nil {
			t.Errorf("%q: %v", text, set)
		}
	}
}

func TestFormatted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"SELECT 1": false, "SELECT 1 FORMAT CSV": true, "SELECT 1 format\nParquet -- end": true, "SELECT 'FORMAT CSV'": false,
		"SELECT format FROM t ORDER BY format DESC": false, "SELECT 1 -- FORMAT CSV": false, "FORMAT CSV": false,
	} {
		if Formatted(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

// Cutting a text again changes nothing, and no statement is lost.
func FuzzSplit(f *testing.F) {
	for _, text := range []string{"SELECT 1; SELECT ';'", "a;$x$;$x$;`;`", "SELECT 1 SETTINGS a = 1e9, b = '\\'"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parts, err := Split(text)
		if err != nil {
			return
		}
		for _, p := range parts {
			again, err := Split(p.Text)
			if err != nil || len(again) != 1 || again[0].Text != p.Text {
				t.Fatalf("%q of %q: %+v, %v", p.Text, text, again, err)
			}
			rest, _ := Settings(p.Text)
			if len(rest) > len(p.Text) || p.Text[:len(rest)] != rest {
				t.Fatalf("%q of %q", rest, p.Text)
			}
			Set(p.Text)
		}
	})
}
