package rawlog

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
)

func parseNames(t testing.TB, text string) *Names {
	t.Helper()
	n, err := ParseNames(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNames(t *testing.T) {
	t.Parallel()
	const day, hour = 24 * time.Hour, time.Hour
	for _, tc := range []struct {
		patterns, path string
		typ            Type
		name, at       string // "" is no file
		span           time.Duration
		part           string
	}{
		// The network's own names come first, whatever a pattern makes of them.
		{`(?P<type>\w+)-(?P<epoch>\d+)-\w+`, "x/clicks-1473411600-SlY9UO.csv.gz", Clicks, "20160909/clicks-1473411600-SlY9UO.zip", "2016-09-09 09", 0, ""},
		{"", "clicks_20160909.csv", "", "", "", 0, ""},
		// A day's file, as one.
		{`(?P<type>clicks|conversions)_(?P<day>\d{8})`, "a/b/clicks_20160909.csv.gz", Clicks, "20160909/clicks_20160909", "2016-09-09 00", day, ""},
		{`(?P<type>clicks|conversions)_(?P<day>\d{8})`, "clicks_20160909.ZIP", Clicks, "20160909/clicks_20160909", "2016-09-09 00", day, ""},
		{`(?P<type>\w+)\.(?P<day>\d{4}-\d\d-\d\d)\.csv\.gz`, "Click.2016-09-09.csv.zst", Clicks, "20160909/Click.2016-09-09", "2016-09-09 00", day, ""},
		{`^clicks: ignored$`, "", "", "", "", 0, ""},
		{`conversions: ^(?P<year>\d{4})/(?P<month>\d\d?)/(?P<day>\d\d?)/all\.csv$`, "logs/2016/9/9/all.csv", Conversions, "20160909/2016/9/9/all", "2016-09-09 00", day, ""},
		// An hour's, in parts or not.
		{`(?P<type>\w+)_(?P<day>[\d-]+)_(?P<hour>\d\d)(?:_part(?P<part>\d+))?`, "clicks_2016-09-09_14_part2.csv.zst", Clicks, "20160909/clicks_2016-09-09_14_part2", "2016-09-09 14", hour, "2"},
		{`(?P<type>\w+)_(?P<day>[\d-]+)_(?P<hour>\d\d)(?:_part(?P<part>\d+))?`, "clicks_2016-09-09_14.csv.zst", Clicks, "20160909/clicks_2016-09-09_14", "2016-09-09 14", hour, ""},
		{`(?P<type>\w+)_(?P<hour>\d{10})`, "impressions_2016090923.gz", Impressions, "20160909/impressions_2016090923", "2016-09-09 23", hour, ""},
		{`clicks: dt=(?P<day>[\d-]+)/hour=(?P<hour>\d+)/part-(?P<part>\d+)`, "lake/clicks/dt=2016-09-09/hour=7/part-0001.csv.gz", Clicks,
			"20160909/dt=2016-09-09/hour=7/part-0001", "2016-09-09 07", hour, "0001"},
		{`(?P<type>\w+)-raw-(?P<epoch>\d+)`, "clicks-raw-1473411605.csv", Clicks, "20160909/clicks-raw-1473411605", "2016-09-09 09", hour, ""},
		// Several patterns, the first that fits.
		{"clicks: c(?P<day>\\d{8})\n\nconversions: v(?P<day>\\d{8})", "v20160909.csv", Conversions, "20160909/v20160909", "2016-09-09 00", day, ""},
		{`c(?P<type>licks)?|(?P<type>conversions)_(?P<day>\d{8})|clicks-of-(?P<day>\d{8})(?P<type>)`, "conversions_20160909.csv", Conversions, "20160909/conversions_20160909", "2016-09-09 00", day, ""},
		// A pattern describes the whole name.
		{`(?P<type>clicks)_(?P<day>\d{8})`, "old_clicks_20160909.csv", "", "", "", 0, ""},
		{`(?P<type>clicks)_(?P<day>\d{8})`, "clicks_20160909_old.csv", "", "", "", 0, ""},
		{`(?P<type>clicks)_(?P<day>\d{8})`, "clicks_20160909", "", "", "", 0, ""},
		{`.*(?P<type>clicks)_(?P<day>\d{8})`, "a/._clicks_20160909.csv", "", "", "", 0, ""},
		{`.*(?P<type>clicks)_(?P<day>\d{8})`, "__MACOSX/clicks_20160909.csv", "", "", "", 0, ""},
		{`(?P<type>\w+)_(?P<day>\d{8})`, "offers_20160909.csv", "", "", "", 0, ""},
	} {
		if tc.path == "" {
			continue
		}
		n := parseNames(t, tc.patterns)
		f, _, err := n.File(tc.path)
		if tc.name == "" {
			if err == nil {
				t.Errorf("%s as %q: %+v", tc.path, tc.patterns, f)
			}
			continue
		}
		if err != nil || f.Type != tc.typ || f.Name != tc.name || f.Path != tc.path || f.Hour.Format("2006-01-02 15") != tc.at || f.Span != tc.span || f.Part != tc.part {
			t.Errorf("%s as %q: %+v, %v", tc.path, tc.patterns, f, err)
		}
		if part, span := n.Known(f.Type, f.Name); part != f.Part || span != max(f.Span, hour) {
			t.Errorf("%s is known by part %q, span %v", f.Name, part, span)
		}
		for _, other := range []string{".csv", ".csv.gz", ".ZIP"} {
			stem, _, _ := CutFormat(tc.path)
			if again, _, err := n.File(stem + other); err != nil || again.Name != f.Name {
				t.Errorf("%s%s is %s, %v", stem, other, again.Name, err)
			}
		}
	}
	for path, why := range map[string]error{
		"clicks_20160931.csv": ErrDate, "clicks_19691231.csv": ErrDate, "clicks_20160909_24.csv": ErrDate, "20160912/clicks_20160909.csv": ErrMisplaced,
	} {
		if _, by, err := parseNames(t, `(?P<type>clicks)_(?P<day>\d{8})(?:_(?P<hour>\d\d))?`).File(path); by != 0 || !errors.Is(err, why) {
			t.Errorf("%s: by %d, %v", path, by, err)
		}
	}
}

func TestPatternsAreChecked(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`(?P<type>clicks_(?P<day>\d{8})`:               "missing closing )",
		`(?P<day>\d{8})`:                               "which type a file has",
		`(?P<type>\w+)\.csv`:                           "which day or hour a file is for",
		`(?P<type>\w+)_(?P<day>\d{8})_(?P<houer>\d\d)`: `unknown group "houer"`,
		`clicks: (?P<type>\w+)_(?P<day>\d{8})`:         "twice",
		`(?P<type>\w+)_(?P<year>\d{4})_(?P<day>\d\d)`:  "year and month",
		`(?P<type>\w+)_(?P<year>\d{4})(?P<month>\d\d)`: "which day or hour a file is for",
		"clicks:": "empty",
		"clicks: (?P<day>\\d{8})\n(?P<day>\\d{8})": "which type a file has",
	} {
		if _, err := ParseNames(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{"", "\n \n", `clicks: (?P<day>\d{8})`, `(?<type>\w+)(?<hour>\d{10})`} {
		if _, err := ParseNames(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestMeant(t *testing.T) {
	t.Parallel()
	n := parseNames(t, `(?P<type>clicks)_(?P<day>\d{8})`)
	for word, want := range map[string]string{
		"20160909/clicks-1473411600-SlY9UO.csv.gz": "20160909/clicks-1473411600-SlY9UO.zip",
		"clicks-1473411600-SlY9UO.csv":             "clicks-1473411600-SlY9UO.zip",
		"a/b/clicks_20160909.csv.gz":               "20160909/clicks_20160909",
		"20160909/clicks_20160909":                 "20160909/clicks_20160909",
	} {
		if got := strings.Join(n.Meant(word), " "); !regexp.MustCompile(`(^| )` + regexp.QuoteMeta(want) + `( |$)`).MatchString(got) {
			t.Errorf("%s may mean %s", word, got)
		}
	}
}

func FuzzNames(f *testing.F) {
	f.Add(`(?P<type>\w+)_(?P<day>[\d-]+)_(?P<hour>\d\d)(?:_(?P<part>\d+))?`, "x/clicks_2016-09-09_14_2.csv.gz")
	f.Add(`clicks: (?P<year>\d+)/(?P<month>\d+)/(?P<day>\d+)`, "2016/9/9.csv")
	f.Add("impressions: (?P<hour>.*)$", "2016090914.zst")
	f.Add("(?P<type>.*)(?P<epoch>.*)", "clicks1473411600.csv")
	f.Fuzz(func(t *testing.T, patterns, path string) {
		n, err := ParseNames(patterns)
		if err != nil {
			return
		}
		file, by, err := n.File(path)
		if err != nil {
			return
		}
		if file.Hour.Before(time.Unix(0, 0)) || file.Hour.Unix() > maxEpoch || !strings.HasPrefix(file.Name, file.Hour.Format(DayLayout)+"/") || by != Own && file.Span < time.Hour {
			t.Fatalf("%q as %q: %+v", path, patterns, file)
		}
		if _, err := ParseType(string(file.Type)); err != nil {
			t.Fatal(err)
		}
	})
}
