package reconcile

import (
	"strings"
	"testing"

	"rawlogs/internal/rawlog"
)

// What comparing says of words, and when it says that it does not know.
func TestLearner(t *testing.T) {
	t.Parallel()
	type total struct {
		network int64
		rows    []int64
	}
	repeat := func(n int, of ...total) (out []total) {
		for range n {
			out = append(out, of...)
		}
		return out
	}
	for _, tc := range []struct {
		name   string
		totals []total
		want   string // by word
	}{
		{"counted but one", repeat(4, total{7, []int64{7, 2}}, total{5, []int64{5, 1}}), "counted, not counted"},
		{"all counted", repeat(4, total{9, []int64{7, 2}}), "counted, counted"},
		{"two of three", repeat(4, total{7, []int64{7, 2, 0}}, total{5, []int64{5, 0, 3}}, total{4, []int64{4, 1, 1}}), "counted, not counted, not counted"},
		{"the empty one as well", repeat(4, total{9, []int64{7, 2, 1}}), "counted, counted, not counted"},
		{"always as many of two", repeat(9, total{8, []int64{7, 1, 1}}), "counted, unknown, unknown"},
		{"too few", repeat(2, total{7, []int64{7, 2}}), "unknown, unknown"},
		{"sometimes so, sometimes so", append(repeat(9, total{7, []int64{7, 2}}), repeat(9, total{9, []int64{7, 2}})...), "counted, unknown"},
		{"now and then by chance", append(repeat(20, total{7, []int64{7, 2}}), total{9, []int64{7, 2}}), "counted, not counted"},
		{"other troubles as well", append(repeat(6, total{7, []int64{7, 2}}), repeat(9, total{3, []int64{7, 2}})...), "counted, not counted"},
		{"hardly any agrees", append(repeat(3, total{7, []int64{7, 2}}), repeat(30, total{3, []int64{7, 2}})...), "unknown, unknown"},
		{"a report that lags", repeat(9, total{0, []int64{7, 0}}, total{0, []int64{0, 2}}), "unknown, unknown"},
		{"most rows would be gone", repeat(9, total{2, []int64{7, 2}}), "unknown, counted"},
	} {
		l := newLearner(len(tc.totals[0].rows))
		for _, at := range tc.totals {
			l.add(at.network, at.rows)
		}
		var got []string
		for _, w := range l.judge() {
			got = append(got, string(w.Verdict))
		}
		if s := strings.Join(got, ", "); s != tc.want {
			t.Errorf("%s: %s, want %s (%+v)", tc.name, s, tc.want, l.judge())
		}
	}
}

// What a word looks like is nothing that an output or a statement trips over.
func TestWordsAreHarmless(t *testing.T) {
	t.Parallel()
	if got, want := oneOf([]string{`it's`, `\`, ""}), `toString(access_control_decision) IN ('it\'s', '\\', '')`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	a := Access{Others: 3, Words: []Word{{Word: "\x1b[31mred\n", Rows: 2, Verdict: Undecided}}}
	a.describe(rawlog.NotCounted{})
	if strings.ContainsAny(a.Text, "\x1b\n") || !strings.Contains(a.Text, "and 3 rows with rarer words: ask the network, and set not_counted") {
		t.Errorf("%q", a.Text)
	}
}
