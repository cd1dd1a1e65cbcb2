package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// An hour that is exported again as another text is an issue on each night, until it is
// something else or ignored.
func TestOverlaps(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	a := export(ids(1, 60)...)
	header, rest, _ := strings.Cut(strings.TrimSuffix(a, "\n"), "\n")
	reversed := strings.Split(rest, "\n")
	slices.Reverse(reversed)
	columns := func(text string, order ...int) string {
		var b strings.Builder
		for line := range strings.Lines(text) {
			fields := strings.Split(strings.TrimSpace(line), ",")
			for i, at := range order {
				if i > 0 {
					b.WriteByte(',')
				}
				b.WriteString(fields[at])
			}
			b.WriteByte('\n')
		}
		return b.String()
	}
	cases := []struct{ name, a, b, second, said string }{
		{"line ends", a, strings.ReplaceAll(a, "\n", "\r\n"), "BBBBBB", "60 of its 60 rows"},
		{"no last line end", a, strings.TrimSuffix(a, "\n"), "BBBBBB", "60 of its 60 rows"},
		{"byte order mark", a, "\ufeff" + a, "BBBBBB", "60 of its 60 rows"},
		{"quotes", a, `"` + strings.NewReplacer(",", `","`, "\n", "\"\n\"").Replace(strings.TrimSuffix(a, "\n")) + "\"\n", "BBBBBB", "60 of its 60 rows"},
		{"order of lines", a, header + "\n" + strings.Join(reversed, "\n") + "\n", "BBBBBB", "60 of its 60 rows"},
		{"order of columns", a, columns(a, 3, 1, 0, 2), "BBBBBB", "60 of its 60 rows"},
		{"fewer columns", a, columns(a, 0, 1), "BBBBBB", "60 of its 60 rows"},
		{"half, then whole", export(ids(1, 30)...), a, "BBBBBB", "30 of its 60 rows"},
		{"whole, then half", a, export(ids(1, 30)...), "BBBBBB", "30 of its 30 rows"},
		{"a download again", export(ids(1, 45)...), a, "AAAAAA (1)", "45 of its 60 rows"},
		{"more in both", export(ids(1, 50)...), export(ids(11, 60)...), "BBBBBB", "40 of its 50 rows"},
		{
			"mostly without ids", export(ids(1, 10)...) + lines(50, func(int) string { return ",7,7,1.2.3.4" }),
			export(ids(1, 10)...) + lines(40, func(int) string { return ",8,7,1.2.3.4" }), "BBBBBB", "10 of its 10 rows",
		},
		{"one row", export(1), strings.TrimSuffix(export(1), "\n"), "BBBBBB", "1 of its 1 rows"},
	}
	const beside = 20
	for _, together := range []bool{false, true} {
		src := newFolder(t)
		opts := Options{Network: fmt.Sprint(together), Parsers: 1}
		src.put(ofHour(beside, "AAAAAA"), a) // another hour may have the same rows
		var want []string
		for i, c := range cases {
			src.put(ofHour(i, "AAAAAA"), c.a)
			want = append(want, ofHour(i, c.second)+" overlap")
		}
		if !together {
			if got := src.night(st, opts); got != "" {
				t.Errorf("of one file each: %q", got)
			}
		}
		for i, c := range cases {
			src.put(ofHour(i, c.second), c.b)
		}
		for night := range 2 {
			got := src.night(st, opts)
			if together { // whichever is loaded first
				got = strings.ReplaceAll(got, "AAAAAA.zip", "BBBBBB.zip")
				got = strings.ReplaceAll(got, "AAAAAA (1).zip", "BBBBBB.zip")
				want = strings.Split(strings.ReplaceAll(strings.Join(want, "\n"), "AAAAAA (1).zip", "BBBBBB.zip"), "\n")
			}
			if diff := cmp.Diff(want, strings.Split(got, ", ")); diff != "" {
				t.Errorf("together %t, night %d (-want +got):\n%s", together, night, diff)
			}
		}
		for i, c := range cases {
			if together {
				break
			}
			want := c.said + " have transaction ids that " + ofHour(i, "AAAAAA") + " has too: "
			if text := entryOf(t, st, opts, ofHour(i, c.second)).Issues[0].Text; !strings.HasPrefix(text, want) {
				t.Errorf("%s: it says %q", c.name, text)
			}
		}
	}
}

// An overlap stays with its file until it no longer holds, or is ignored.
func TestOverlapStays(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t)
	opts := Options{Network: "acme", Parsers: 1}
	first, second := hourly("AAAAAA"), hourly("BBBBBB")
	src.put(second, export(ids(1, 60)...))
	_ = src.night(st, opts)
	reload := opts
	reload.Reload = true
	for _, step := range []struct {
		name string
		do   func()
		opts Options
		want string
	}{
		{"the same rows", func() { src.put(first, "\ufeff"+export(ids(1, 60)...)) }, opts, first + " overlap"},
		{"nothing", func() {}, opts, first + " overlap"},
		{"a reload of both", func() {}, reload, first + " overlap"},
		{"ignored", func() {
			ignored := opts
			ignored.Files = []string{first}
			if _, err := Ignore(t.Context(), st, ignored, "it is so"); err != nil {
				t.Fatal(err)
			}
		}, opts, ""},
		{"ignored and reloaded", func() {}, reload, ""},
		{"replaced by other rows", func() { src.put(first, export(ids(1001, 1060)...)) }, opts, ""},
		{"as it was", func() { src.put(first, "\ufeff"+export(ids(1, 60)...)) }, opts, first + " overlap"},
		{"the other one becomes another", func() { src.put(second, export(ids(2001, 2060)...)) }, opts, ""},
		{"nothing", func() {}, opts, ""},
		{"the other one is as it was", func() { src.put(second, export(ids(1, 60)...)) }, opts, second + " overlap"},
		{"the first one is emptied", func() { src.put(first, export()) }, opts, ""},
	} {
		step.do()
		if got := src.night(st, step.opts); got != step.want {
			t.Errorf("%s: %q; want %q", step.name, got, step.want)
		}
	}
	for _, name := range []string{first, second} {
		if e := entryOf(t, st, opts, name); len(e.Issues) > 0 || e.Ignored != "" {
			t.Errorf("at the end: %+v", e)
		}
	}
}

// Files of one hour that are really different stand beside each other.
func TestNoOverlap(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	list := func(header string, n int, row func(i int) string) string { return header + "\n" + lines(n, row) }
	at := firstHour.Format(time.DateTime)
	for _, c := range []struct{ name, typ, a, b string }{
		{"other rows", "clicks", export(ids(1, 60)...), export(ids(61, 120)...)},
		{"half of them", "clicks", export(ids(1, 60)...), export(ids(31, 90)...)},
		{"a few of a smaller one", "clicks", export(ids(1, 600)...), export(append(ids(1001, 1010), ids(1, 10)...)...)},
		{"no ids", "clicks", list("transaction_id,offer_id", 60, func(int) string { return ",7" }), list("offer_id,transaction_id", 70, func(int) string { return "7," })},
		{"no column of ids", "impressions", list("offer_id,affiliate_id", 60, func(int) string { return "1,2" }), list("affiliate_id,offer_id", 60, func(int) string { return "2,1" })},
		{"one word for all ids", "clicks", list("transaction_id,offer_id", 60, func(int) string { return "-,7" }), list("transaction_id,offer_id", 70, func(int) string { return "-,8" })},
		{"no rows", "clicks", export(), "\ufeff" + export()},
		{
			"goals", "conversions",
			list("transaction_id,goal_id,offer_id", 60, func(i int) string { return fmt.Sprintf("t%d,1,7", i) }),
			list("transaction_id,goal_id,offer_id", 60, func(i int) string { return fmt.Sprintf("t%d,2,7", i) }),
		},
		{
			"conversions of one goal", "conversions",
			list("transaction_id,id,offer_id", 60, func(i int) string { return fmt.Sprintf("t%d,%d,7", i, 1000+i) }),
			list("transaction_id,id,offer_id", 60, func(i int) string { return fmt.Sprintf("t%d,%d,7", i, 2000+i) }),
		},
		{
			"conversions of one goal by event", "conversions",
			list("transaction_id,tune_event_id,offer_id", 60, func(i int) string { return fmt.Sprintf("t%d,a%d,7", i, i) }),
			list("transaction_id,tune_event_id,offer_id", 60, func(i int) string { return fmt.Sprintf("t%d,b%d,7", i, i) }),
		},
		{
			"conversions of one goal by time", "conversions",
			list("transaction_id,datetime,offer_id", 60, func(i int) string { return fmt.Sprintf("t%d,%s,7", i, at) }),
			list("transaction_id,datetime,offer_id", 60, func(i int) string { return fmt.Sprintf("t%d,%s1,7", i, at[:len(at)-1]) }),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			src := newFolder(t)
			opts := Options{Network: c.name}
			for suffix, text := range map[string]string{"AAAAAA": c.a, "BBBBBB": c.b} {
				src.put(strings.ReplaceAll(hourly(suffix), "clicks", c.typ), text)
			}
			for night := range 2 {
				if got := src.night(st, opts); strings.Contains(got, "overlap") {
					t.Errorf("night %d: %q", night, got)
				}
			}
		})
	}
}

// Conversions that are exported again are told by whatever their files have of ids.
func TestConversionsOverlap(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	row := func(i int) string {
		return fmt.Sprintf("t%d,%d,e%d,%d,%s", i/2, 1000+i, i, i%2, firstHour.Format(time.DateTime))
	}
	const header = "transaction_id,id,tune_event_id,goal_id,datetime\n"
	a := header + lines(60, row)
	without := func(text string, column int) string {
		var b strings.Builder
		for line := range strings.Lines(text) {
			b.WriteString(strings.Join(slices.Delete(strings.Split(line, ","), column, column+1), ","))
		}
		return b.String()
	}
	for name, b := range map[string]string{
		"all":      strings.ReplaceAll(a, "\n", "\r\n"),
		"no ids":   without(a, 1),
		"no event": without(a, 2),
		"neither":  without(without(a, 2), 1),
		"no goal":  without(a, 3),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := newFolder(t)
			opts := Options{Network: name}
			first, second := strings.ReplaceAll(hourly("AAAAAA"), "clicks", "conversions"), strings.ReplaceAll(hourly("BBBBBB"), "clicks", "conversions")
			src.put(first, a)
			_ = src.night(st, opts)
			src.put(second, b)
			for night := range 2 {
				if got := src.night(st, opts); got != second+" overlap" {
					t.Errorf("night %d: %q", night, got)
				}
			}
		})
	}
}

// Names that say seconds within the hour are of the hour.
func TestOverlapWithinTheHour(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, c := range []struct{ kind, text string }{
		{"copy", export(ids(1, 60)...)},
		{"overlap", strings.ReplaceAll(export(ids(1, 60)...), "\n", "\r\n")},
	} {
		src := newFolder(t)
		opts := Options{Network: c.kind}
		second := fmt.Sprintf("20160930/clicks-%d-BBBBBB.zip", firstHour.Unix()+5)
		src.put(hourly("AAAAAA"), export(ids(1, 60)...))
		_ = src.night(st, opts)
		src.put(second, c.text)
		for night := range 2 {
			if got := src.night(st, opts); got != second+" "+c.kind {
				t.Errorf("night %d: %q; want a %s", night, got, c.kind)
			}
		}
	}
}

// A day's file holds what its hours' files hold.
func TestDailyOverlap(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	names, err := rawlog.ParseNames(`(?P<type>clicks|conversions)_(?P<day>\d{4}-\d\d-\d\d)`)
	if err != nil {
		t.Fatal(err)
	}
	hour := func(i int) string { return ofHour(i, "AAAAAA") }
	day := export(ids(1, 180)...)
	for _, first := range []string{"hours", "day"} {
		src := newFolder(t)
		opts := Options{Network: first, Names: names, Parsers: 1}
		put := func(what string) {
			if what == "day" {
				src.put("clicks_2016-09-30.csv", day)
				return
			}
			for i := range 3 {
				src.put(hour(i), export(ids(1+60*i, 60+60*i)...))
			}
		}
		put(first)
		if got := src.night(st, opts); strings.Contains(got, "overlap") {
			t.Errorf("%s alone: %q", first, got)
		}
		want := "20160930/clicks_2016-09-30 overlap"
		if first == "day" {
			put("hours")
			want = hour(0) + " overlap, " + hour(1) + " overlap, " + hour(2) + " overlap"
		} else {
			put("day")
		}
		for night := range 2 {
			if got := src.night(st, opts); got != want {
				t.Errorf("%s first, night %d: %q; want %q", first, night, got, want)
			}
		}
		unaware := opts
		unaware.Names, unaware.RetryFailed = nil, true // the patterns are taken out of the settings
		if got := src.night(st, unaware); got != want {
			t.Errorf("%s first, without patterns: %q; want %q", first, got, want)
		}
		if first == "hours" {
			if text := entryOf(t, st, opts, "20160930/clicks_2016-09-30").Issues[0].Text; !strings.Contains(text, "180 of its 180 rows have transaction ids that "+hour(0)+" and 2 others have too") {
				t.Errorf("it says %q", text)
			}
		}
	}
}

// Of parts of an hour none is told, unless one is there twice.
func TestPartsOverlap(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	names, err := rawlog.ParseNames(`clicks: log_(?P<day>\d{8})_(?P<hour>\d\d)_(?P<part>\d)`)
	if err != nil {
		t.Fatal(err)
	}
	src := newFolder(t)
	opts := Options{Network: "acme", Names: names}
	src.put("log_20160930_20_1.csv", export(ids(1, 60)...))
	src.put("log_20160930_20_2.csv", export(ids(61, 120)...))
	if got := src.night(st, opts); got != "" {
		t.Errorf("parts: %q", got)
	}
	src.put("log_20160930_20_3.csv", export(ids(50, 120)...))
	for night := range 2 {
		if got := src.night(st, opts); got != "20160930/log_20160930_20_3 overlap" {
			t.Errorf("night %d: %q", night, got)
		}
	}
}

// A run that ends before it has compared leaves that to the next one, and says so.
func TestOverlapAfterCrash(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	for _, c := range []struct{ name, text, want string }{
		{"the same rows", strings.ReplaceAll(export(ids(1, 60)...), "\n", "\r\n"), hourly("BBBBBB") + " overlap"},
		{"other rows", export(ids(61, 120)...), ""},
	} {
		src := newFolder(t)
		opts := Options{Network: c.name}
		src.put(hourly("AAAAAA"), export(ids(1, 60)...))
		_ = src.night(st, opts)
		src.put(hourly("BBBBBB"), c.text)
		ctx, cancel := context.WithCancel(t.Context())
		dies := cfg
		dies.Hook = func(ctx context.Context, op store.Op, do func(context.Context) error) error {
			err := do(ctx)
			if op.Kind == "ledger" && strings.HasPrefix(op.Detail, string(checkpoint.Loaded)) {
				cancel()
			}
			return err
		}
		if _, err := Run(ctx, testkit.OpenStore(t, dies), src.source(), opts); err == nil {
			t.Fatalf("%s: the run was not interrupted", c.name)
		}
		if e := entryOf(t, st, opts, hourly("BBBBBB")); e.State != checkpoint.Loaded || len(e.Issues) != 1 || e.Issues[0].Text != uncompared {
			t.Errorf("%s, after the interrupt: %+v", c.name, e)
		}
		for night := range 2 {
			if got := src.night(st, opts); got != c.want {
				t.Errorf("%s, night %d: %q; want %q", c.name, night, got, c.want)
			}
		}
	}
}

// Of two files of which each is another worker's, one is told.
func TestOverlapOfWorkers(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	first := rawlog.Share{I: 1, N: 2}
	names := map[bool]string{}
	for i := range 100 {
		name := hourly(fmt.Sprintf("A%05d", i))
		names[first.Has(name)] = name
	}
	src := newFolder(t)
	src.put(names[true], export(ids(1, 60)...))
	src.put(names[false], "\ufeff"+export(ids(1, 60)...))
	if got := src.night(st, Options{Network: "acme", Share: first}); got != "" {
		t.Errorf("the first worker: %q", got)
	}
	if got := src.night(st, Options{Network: "acme", Share: rawlog.Share{I: 2, N: 2}}); got != names[false]+" overlap" {
		t.Errorf("the second worker: %q", got)
	}
	for night := range 2 {
		if got := src.night(st, Options{Network: "acme"}); got != names[false]+" overlap" {
			t.Errorf("night %d: %q", night, got)
		}
	}
}

// A file that overlaps another does so too while its newer version cannot be loaded.
func TestOverlapOutlivesFailure(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t)
	since := time.Now().Add(-48 * time.Hour).UTC().Truncate(time.Second)
	opts := Options{Network: "acme", Now: func() time.Time { return since }}
	second := hourly("BBBBBB")
	src.put(hourly("AAAAAA"), export(ids(1, 60)...))
	_ = src.night(st, opts)
	src.put(second, export(ids(1, 50)...))
	_ = src.night(st, opts)
	src.put(second, "")
	opts.Now = nil
	for night := range 2 {
		sum, err := Run(t.Context(), st, src.source(), opts)
		// The comparison at the run's end would say it anew, as of today.
		if err != nil || len(sum.Issues) != 1 || kinds(sum.Issues[0].Issues) != "failed overlap" || !sum.Issues[0].Since.Equal(since) {
			t.Errorf("night %d: %+v, %v; want them since %s", night, sum.Issues, err, since)
		}
	}
}

// More rows than the server should hold are compared by a sample.
func TestOverlapOfSample(t *testing.T) {
	t.Parallel()
	g := &likes{entries: []*checkpoint.Entry{
		{File: rawlog.File{Name: "a"}, State: checkpoint.Loaded},
		{File: rawlog.File{Name: "b"}, State: checkpoint.Loaded},
		{File: rawlog.File{Name: "c"}, State: checkpoint.Loaded},
	}}
	files := map[string]store.Identified{"a": {Rows: 1000}, "b": {Rows: 900}, "c": {Rows: 3}}
	g.judge(files, []store.Common{{Files: []string{"a", "b"}, Keys: 800}, {Files: []string{"b", "c"}, Keys: 3}}, 7, rawlog.Share{})
	if len(g.found) != 1 || !strings.HasPrefix(g.found["b"].String(), "about 5600 of its 6300 rows have transaction ids that a has too") {
		t.Errorf("%+v", g.found)
	}
}
