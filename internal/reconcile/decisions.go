package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
)

// Access is what is known of access_control_decision in rows of a type: which of its
// words the network counts. It is either set (not_counted) or learned by comparing.
type Access struct {
	Type  rawlog.Type `json:"type"`
	Words []Word      `json:"words"`
	// Others is the number of rows with further words, which were not judged.
	Others int64 `json:"others,omitempty"`
	// LeftOut is the number of rows that were not compared, as not_counted says.
	LeftOut int64 `json:"left_out"`
	// Contradicted: the network's totals say otherwise than not_counted.
	Contradicted bool   `json:"contradicted,omitempty"`
	Text         string `json:"text"`
}

// Verdict is what comparing says of a word.
type Verdict string

// The verdicts.
const (
	Counted    Verdict = "counted"
	NotCounted Verdict = "not counted"
	Undecided  Verdict = "unknown"
)

// Word is one word of access_control_decision.
type Word struct {
	Word    string  `json:"word"`
	Rows    int64   `json:"rows"`
	Verdict Verdict `json:"verdict"`
	// Of Totals totals with such rows, so many agree if they are counted and if they are not.
	IfCounted    int `json:"if_counted"`
	IfNotCounted int `json:"if_not_counted"`
	Totals       int `json:"totals"`
	// Set: not_counted names it.
	Set bool `json:"set,omitempty"`
}

// mostWords bounds how many words are judged, the most frequent ones: every set of them
// is tried.
const mostWords = 8

// learner finds the set of words whose rows, added up, are the network's totals.
type learner struct {
	words int
	// fits counts by word and set (a bit for each word that is counted) the totals with
	// rows of the word that the set makes agree.
	fits   [][]int
	totals []int // with rows of the word
	rows   []int64
}

func newLearner(words int) *learner {
	l := &learner{words: words, fits: make([][]int, words), totals: make([]int, words), rows: make([]int64, words)}
	for w := range l.fits {
		l.fits[w] = make([]int, 1<<words)
	}
	return l
}

// add takes one total of the network and the rows of each word that belong to it.
func (l *learner) add(network int64, rows []int64) {
	for set := range 1 << l.words {
		left := network
		for w, n := range rows {
			if set>>w&1 == 1 {
				left -= n
			}
		}
		if left != 0 {
			continue
		}
		for w, n := range rows {
			if n > 0 {
				l.fits[w][set]++
			}
		}
	}
	for w, n := range rows {
		if n > 0 {
			l.totals[w]++
			l.rows[w] += n
		}
	}
}

// A word is decided where at least so many totals speak for it, at least a third of those that
// it is in, and ten times as many as speak against it.
const (
	leastTotals   = 3
	timesMore     = 10
	partOfTotals  = 3
	mostNotTaken  = 2 // words that are not counted hold less than half of the rows
	noneIsCounted = 0 // the set of no word
)

// judge says of each word whether it is counted. What is decided of one is taken for
// granted where others are judged.
func (l *learner) judge() []Word {
	out := make([]Word, l.words)
	for w := range out {
		out[w].Verdict, out[w].Totals = Undecided, l.totals[w]
	}
	possible := func(int) bool { return true }
	for more := true; more; {
		more = false
		for w := range out {
			if out[w].Verdict != Undecided {
				continue
			}
			l.weigh(&out[w], w, possible)
			more = more || out[w].Verdict != Undecided
		}
		possible = func(set int) bool {
			for w := range out {
				if v := out[w].Verdict; v != Undecided && (v == Counted) != (set>>w&1 == 1) {
					return false
				}
			}
			return true
		}
	}
	l.doubt(out)
	return out
}

// weigh finds how many totals speak for a word's being counted, and how many against.
func (l *learner) weigh(o *Word, w int, possible func(set int) bool) {
	o.IfCounted, o.IfNotCounted = 0, 0
	for set, n := range l.fits[w] {
		switch {
		case !possible(set):
		case set>>w&1 == 1:
			o.IfCounted = max(o.IfCounted, n)
		case set != noneIsCounted:
			o.IfNotCounted = max(o.IfNotCounted, n)
		}
	}
	decides := func(a, b int) bool { return a >= leastTotals && a >= timesMore*b && a*partOfTotals >= o.Totals }
	switch {
	case decides(o.IfCounted, o.IfNotCounted):
		o.Verdict = Counted
	case decides(o.IfNotCounted, o.IfCounted):
		o.Verdict = NotCounted
	}
}

// doubt takes back that words are not counted where that would be most of the rows: a
// report that lags looks as if hardly anything was counted.
func (l *learner) doubt(out []Word) {
	var all, not int64
	for w := range out {
		all += l.rows[w]
		if out[w].Verdict == NotCounted {
			not += l.rows[w]
		}
	}
	if not*mostNotTaken < all {
		return
	}
	for w := range out {
		if out[w].Verdict == NotCounted {
			out[w].Verdict = Undecided
		}
	}
}

func undecided(words []Word) bool {
	return slices.ContainsFunc(words, func(w Word) bool { return w.Verdict == Undecided })
}

// named puts a word between quotes, made harmless.
func named(word string) string { return fmt.Sprintf("%q", plain.Line(word, 60)) }

// describe finds the sentence for people; "" where nothing needs to be said.
func (a *Access) describe(set rawlog.NotCounted) {
	var said []string
	of := func(keep func(Word) bool) []Word {
		var some []Word
		for _, w := range a.Words {
			if keep(w) {
				some = append(some, w)
			}
		}
		return some
	}
	if set.Known {
		if out := of(func(w Word) bool { return w.Set && w.Rows > 0 }); len(out) > 0 {
			said = append(said, fmt.Sprintf("%d rows are left out, as not_counted says: %s", a.LeftOut, list(out, func(w Word) string { return fmt.Sprintf("%s (%d)", named(w.Word), w.Rows) })))
		}
		if absent := of(func(w Word) bool { return w.Set && w.Rows == 0 }); len(absent) > 0 {
			said = append(said, fmt.Sprintf("no row has %s, which not_counted names", list(absent, func(w Word) string { return named(w.Word) })))
		}
	}
	wrong := of(func(w Word) bool {
		return set.Known && (w.Set && w.Verdict == Counted || !w.Set && w.Verdict == NotCounted)
	})
	for _, w := range wrong {
		says := "is counted"
		if w.Set {
			says = "is not counted"
		}
		said = append(said, fmt.Sprintf("not_counted is %q, so that %s %s, but %s: correct it", plain.Line(set.String(), 60), named(w.Word), says, evidence(w)))
	}
	a.Contradicted = len(wrong) > 0
	if !set.Known {
		said = append(said, a.learned(of)...)
	}
	a.Text = strings.Join(said, "; ")
}

// learned says what comparing found out, and what to do about what it did not.
func (a *Access) learned(of func(func(Word) bool) []Word) []string {
	var said []string
	not := of(func(w Word) bool { return w.Verdict == NotCounted })
	for _, w := range not {
		said = append(said, fmt.Sprintf("learned: rows with %s are logged and not counted: %s", named(w.Word), evidence(w)))
	}
	open := of(func(w Word) bool { return w.Verdict == Undecided })
	if len(open) > 0 || a.Others > 0 {
		what := list(open, func(w Word) string { return fmt.Sprintf("%s (%d rows: %s)", named(w.Word), w.Rows, evidence(w)) })
		if a.Others > 0 {
			what = strings.TrimPrefix(fmt.Sprintf("%s, and %d rows with rarer words", what, a.Others), ", and ")
		}
		said = append(said, "unknown whether the network counts "+what+": ask the network, and set not_counted (--not-counted) to the words that it does not count, or to none")
	} else if len(not) > 0 {
		var words rawlog.NotCounted
		for _, w := range not {
			words.Known, words.Words = true, append(words.Words, w.Word)
		}
		said = append(said, fmt.Sprintf("not_counted: %s (--not-counted) leaves them out of the comparison", plain.Line(words.String(), 200)))
	}
	return said
}

// evidence says how many totals speak for and against a word's being counted.
func evidence(w Word) string {
	return fmt.Sprintf("of %d totals with such rows, %d agree if they are counted, %d if not", w.Totals, w.IfCounted, w.IfNotCounted)
}

func list(words []Word, text func(Word) string) string {
	words = slices.Clone(words)
	slices.SortStableFunc(words, func(a, b Word) int { return cmp.Compare(b.Rows, a.Rows) })
	parts := make([]string, len(words))
	for i, w := range words {
		parts[i] = text(w)
	}
	return strings.Join(parts, ", ")
}
