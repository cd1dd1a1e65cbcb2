package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Patterns of names stand in every layer, as one, as a list, or by type; a slip in one
// is an error that names its place.
func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	read := func(text, env string) ([]*Config, error) {
		file := filepath.Join(dir, "own.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		layers, err := Read(given(map[string]string{"INGEST_CONFIG": file, "INGEST_FILES": env, "INGEST_SOURCE": dir}))
		if err != nil {
			return nil, err
		}
		return layers.All(quiet)
	}
	const day, hour = `(?P<day>\d{8})`, `(?P<hour>\d{10})`
	for _, tc := range []struct {
		text, env string
		want      []string
		reason    string
	}{
		{"", "", nil, ""},
		{"files: 'clicks: " + day + "'", "", []string{"clicks: " + day}, ""},
		{"files: ['clicks: " + day + "', '(?P<type>c).*" + hour + "']", "", []string{"clicks: " + day, "(?P<type>c).*" + hour}, ""},
		{"files: {conversions: ['" + day + "', '" + hour + "'], clicks: '" + day + "'}", "", []string{"clicks: " + day, "conversions: " + day, "conversions: " + hour}, ""},
		{"files: 'clicks: " + day + "'", "impressions: " + hour, []string{"impressions: " + hour}, ""},
		{"networks:\n- {id: a, files: {clicks: '" + day + "'}}", "", []string{"clicks: " + day}, ""},
		{"lookback: 3\nfiles: '" + day + "'", "", nil, "own.yaml:2: pattern"},
		{"files: {klicks: '" + day + "'}", "", nil, `own.yaml:1: files: unknown log type "klicks"`},
		{"files: 7", "", nil, "own.yaml:1: files takes a pattern"},
		{"networks:\n- {id: a, files: {clicks: x}}", "", nil, "own.yaml:1: network 1: pattern"},
		{"", "(", nil, `INGEST_FILES: pattern "(": missing`},
	} {
		all, err := read(tc.text, tc.env)
		switch {
		case tc.reason != "":
			if err == nil || !strings.Contains(err.Error(), tc.reason) {
				t.Errorf("%s: %v, want %q", tc.text, err, tc.reason)
			}
		case err != nil:
			t.Errorf("%s: %v", tc.text, err)
		case !slices.Equal(all[0].Names.Patterns(), tc.want):
			t.Errorf("%s: %q, want %q", tc.text, all[0].Names.Patterns(), tc.want)
		}
	}
}
