package reconcile_test

import (
	"fmt"
	"strings"
	"testing"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/reconcile"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
)

// decided is a world whose clicks have decisions, and how many rows have each word.
func decided(t *testing.T, hours, rowsAnHour int, words ...string) (*world, map[string]int64) {
	t.Helper()
	w := newWorld(t, simnet.Config{Decisions: words}, day0, 0)
	for h := range hours {
		w.publish(t, rawlog.Clicks, h, gen.Spec{Rows: rowsAnHour + h, Header: gen.Header(rawlog.Clicks, 2022)})
	}
	w.load(t, nil)
	rows := map[string]int64{}
	found, err := w.st.Conn().Query(t.Context(), "SELECT toString(access_control_decision), toInt64(count()) FROM clicks GROUP BY 1")
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		var word string
		var n int64
		if err := found.Scan(&word, &n); err != nil {
			t.Fatal(err)
		}
		rows[word] = n
	}
	if len(rows) != len(words) {
		t.Fatalf("words in the store: %v, want %q", rows, words)
	}
	return w, rows
}

func notCounted(t *testing.T, text string) rawlog.NotCounted {
	t.Helper()
	n, err := rawlog.ParseNotCounted(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// clicksOf reconciles the day and returns its line of clicks and what is known of the words.
func (w *world) clicksOf(t *testing.T, set string) (reconcile.Line, *reconcile.Access) {
	t.Helper()
	r := w.reconcile(t, "20160909", reconcile.Config{Types: []rawlog.Type{rawlog.Clicks}, NotCounted: notCounted(t, set)})
	var printed strings.Builder
	if err := r.Print(&printed, false); err != nil {
		t.Fatal(err)
	}
	if len(r.Access) == 0 {
		return r.Lines[0], nil
	}
	if !strings.Contains(printed.String(), "access_control_decision: "+r.Access[0].Text) {
		t.Errorf("not printed:\n%s", &printed)
	}
	return r.Lines[0], &r.Access[0]
}

func verdicts(a *reconcile.Access) map[string]reconcile.Verdict {
	out := map[string]reconcile.Verdict{}
	for _, w := range a.Words {
		out[w.Word] = w.Verdict
	}
	return out
}

// Whatever a network's words are, those that it does not count are found, and rows with
// them are neither missed nor blamed for another difference.
func TestDecisionsAreLearned(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		words, away []string
		set         string // what makes both sides agree
	}{
		{[]string{"allow", "deny"}, []string{"deny"}, "deny"},
		{[]string{"1", "0"}, []string{"0"}, "0"},
		{[]string{"0", "1"}, []string{"1"}, "1"},
		{[]string{"permit", "deny", ""}, []string{"deny", ""}, "deny,(empty)"},
		{[]string{"", "blocked"}, []string{"blocked"}, "blocked"},
		{[]string{"it's fine", `"no"`}, []string{`"no"`}, `"no"`},
	} {
		t.Run(fmt.Sprintf("%q", tc.words), func(t *testing.T) {
			t.Parallel()
			w, rows := decided(t, 24, 60, tc.words...)
			// All rows are counted: there is nothing to find, and nothing to say.
			if l, a := w.clicksOf(t, ""); l.Difference != 0 || a != nil {
				t.Errorf("all are counted: %+v, %+v", l, a)
			}
			w.Reports.NotCounting(tc.away...)
			var away int64
			for _, word := range tc.away {
				away += rows[word]
			}
			l, a := w.clicksOf(t, "")
			if l.Difference != away || len(l.Reasons) != 1 || l.Reasons[0].Kind != reconcile.Denied || l.Reasons[0].Rows != away || !l.Reasons[0].Exact {
				t.Errorf("%d rows are not counted: %+v", away, l)
			}
			if a == nil {
				t.Fatal("nothing is said of the words")
			}
			for _, word := range tc.words {
				want := reconcile.Counted
				for _, other := range tc.away {
					if word == other {
						want = reconcile.NotCounted
					}
				}
				if got := verdicts(a)[word]; got != want {
					t.Errorf("%q: %s, want %s: %s", word, got, want, a.Text)
				}
			}
			for _, part := range []string{"learned: rows with ", "agree if they are counted", "not_counted: "} {
				if !strings.Contains(a.Text, part) {
					t.Errorf("no %q in %s", part, a.Text)
				}
			}
			// Set, they are left out, and how many those are is said.
			if l, a := w.clicksOf(t, tc.set); l.Difference != 0 || a == nil || a.LeftOut != away || a.Contradicted {
				t.Errorf("set: %+v, %+v", l, a)
			}
		})
	}
}

// A wrong setting, and a difference that only looks like turned away clicks, are told.
func TestDecisionsAreNotGuessed(t *testing.T) {
	t.Parallel()
	w, rows := decided(t, 24, 60, "allow", "deny")
	// As many clicks are missing in the report as have "deny", which is counted.
	w.Reports.Phantom(rawlog.Clicks, w.hour(10), 5, -int(rows["deny"]))
	l, a := w.clicksOf(t, "")
	if l.Difference != rows["deny"] || len(l.Reasons) != 1 || l.Reasons[0].Kind != reconcile.NotInReport {
		t.Errorf("a surplus of another kind: %+v", l)
	}
	if a != nil {
		t.Errorf("both words are counted, and there is nothing to set: %+v", a)
	}
	w.Reports.Phantom(rawlog.Clicks, w.hour(10), 5, int(rows["deny"]))

	w.Reports.NotCounting("deny")
	for _, tc := range []struct {
		set, text    string
		contradicted bool
		kind         reconcile.Kind
	}{
		{"allow", `not_counted is "allow", so that "allow" is not counted, but of `, true, reconcile.LeftOut},
		{"none", `not_counted is "none", so that "deny" is counted, but of `, true, reconcile.Denied},
		{"blocked", `no row has "blocked", which not_counted names`, true, reconcile.Denied},
		{"deny,blocked", `no row has "blocked"`, false, ""},
	} {
		l, a := w.clicksOf(t, tc.set)
		if a == nil || !strings.Contains(a.Text, tc.text) || a.Contradicted != tc.contradicted {
			t.Errorf("not_counted %s: %+v", tc.set, a)
		}
		if (tc.kind == "") != (l.Difference == 0) || tc.kind != "" && (len(l.Reasons) == 0 || !kindsOf(l)[tc.kind]) {
			t.Errorf("not_counted %s: %+v", tc.set, l)
		}
		var sum int64
		for _, c := range l.Reasons {
			sum += c.Rows
		}
		if sum != l.Difference {
			t.Errorf("not_counted %s: reasons of %d for %d", tc.set, sum, l.Difference)
		}
	}
	// A file that is lost as well is told from them.
	if err := w.st.Conn().Exec(t.Context(), "DELETE FROM clicks WHERE _file = ?", w.name(rawlog.Clicks, 7)); err != nil {
		t.Fatal(err)
	}
	if l, _ := w.clicksOf(t, ""); !kindsOf(l)[reconcile.Denied] || !kindsOf(l)[reconcile.Gone] || len(l.Reasons) != 2 {
		t.Errorf("a lost file and turned away clicks: %+v", l)
	}
	// A column that no longer exists is not an error.
	if err := w.st.Conn().Exec(t.Context(), "ALTER TABLE clicks DROP COLUMN access_control_decision SETTINGS mutations_sync = 1"); err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{"", "deny"} {
		if l, a := w.clicksOf(t, set); a != nil && set == "" || l.Difference == 0 || kindsOf(l)[reconcile.Denied] {
			t.Errorf("without the column, not_counted %q: %+v, %+v", set, l, a)
		}
	}
}

func kindsOf(l reconcile.Line) map[reconcile.Kind]bool {
	out := map[reconcile.Kind]bool{}
	for _, c := range l.Reasons {
		out[c.Kind] = true
	}
	return out
}

// Too little to learn from is said, with what to set.
func TestDecisionsRemainUnknown(t *testing.T) {
	t.Parallel()
	w, rows := decided(t, 1, 60, "1", "0")
	w.Reports.NotCounting("0")
	l, a := w.clicksOf(t, "")
	if a == nil || verdicts(a)["0"] != reconcile.Undecided || !strings.Contains(a.Text, `unknown whether the network counts "0"`) ||
		!strings.Contains(a.Text, "set not_counted (--not-counted)") {
		t.Errorf("%v: %+v", rows, a)
	}
	if len(l.Reasons) != 1 || l.Reasons[0].Kind != reconcile.NotInReport || !strings.Contains(l.Reasons[0].Text, "it is unknown whether the network counts them") {
		t.Errorf("%+v", l)
	}
	if l, a := w.clicksOf(t, "0"); l.Difference != 0 || a == nil || a.LeftOut != rows["0"] {
		t.Errorf("set: %+v, %+v", l, a)
	}
}
