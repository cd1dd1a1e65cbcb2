package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/report"
	"rawlogs/schema"
)

const decisionColumn = "access_control_decision"

// has reports whether a type's table has a column.
func (j *job) has(ctx context.Context, typ rawlog.Type, column string) (bool, error) {
	if j.columns == nil {
		j.columns = map[rawlog.Type]map[string]bool{}
	}
	if j.columns[typ] == nil {
		all, err := j.st.Columns(ctx, string(typ))
		if err != nil {
			return false, err
		}
		names := map[string]bool{}
		for _, c := range all {
			names[c.Name] = true
		}
		j.columns[typ] = names
	}
	return j.columns[typ][column], nil
}

// oneOf is the condition for rows with one of some words, of which there is one at least.
func oneOf(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = schema.Literal(word)
	}
	return "toString(" + decisionColumn + ") IN (" + strings.Join(quoted, ", ") + ")"
}

// countWords are columns of a query: how many rows have each word, and how many none of them.
func countWords(words []string, base string) string {
	parts := make([]string, len(words))
	for i, word := range words {
		parts[i] = "toInt64(countIf(" + base + " AND " + oneOf([]string{word}) + "))"
	}
	if len(words) == 0 {
		return "CAST([], 'Array(Int64)'), toInt64(0)"
	}
	return "[" + strings.Join(parts, ", ") + "], toInt64(countIf(" + base + " AND NOT " + oneOf(words) + "))"
}

// wordsOf lists the words of a type's rows in some days, the most frequent first, and
// those that not_counted names.
func (j *job) wordsOf(ctx context.Context, typ rawlog.Type, days rawlog.Period) (words []string, rows map[string]int64, err error) {
	has, err := j.has(ctx, typ, decisionColumn)
	if err != nil || !has {
		return nil, nil, err
	}
	order := "n DESC, word"
	if len(j.NotCounted.Words) > 0 {
		order = oneOf(j.NotCounted.Words) + " DESC, " + order
	}
	from, _ := bounds(days.From.Format(isoDay), j.Zone)
	to, _ := bounds(days.To.Format(isoDay), j.Zone)
	found, err := j.st.Conn().Query(j.params(ctx, from, to), "SELECT toString("+decisionColumn+") AS word, toInt64(count()) AS n FROM "+j.st.TableName(string(typ))+
		" WHERE "+inSpan+" AND "+j.base(typ)+" GROUP BY "+decisionColumn+" ORDER BY "+order+" LIMIT "+fmt.Sprint(mostWords))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the decisions in %s: %w", typ, err)
	}
	defer found.Close()
	rows = map[string]int64{}
	for found.Next() {
		var word string
		var n int64
		if err := found.Scan(&word, &n); err != nil {
			return nil, nil, fmt.Errorf("reading the decisions in %s: %w", typ, err)
		}
		words = append(words, word)
		rows[word] = n
	}
	if err := found.Err(); err != nil {
		return nil, nil, fmt.Errorf("reading the decisions in %s: %w", typ, err)
	}
	return words, rows, nil
}

// access says what is set and what is learned of the words of a type; its text is ""
// where there is nothing to say.
func (j *job) access(ctx context.Context, f *facts) (Access, error) {
	out := Access{Type: f.typ}
	if j.NotCounted.Known && len(j.NotCounted.Words) > 0 {
		if err := j.leftOut(ctx, &out); err != nil {
			return out, err
		}
	}
	surplus := slices.ContainsFunc(f.hours, func(h *hourFacts) bool { return !h.open && f.days[h.day] && h.difference() > 0 })
	if len(f.days) > 0 && (surplus || j.NotCounted.Known) && (len(f.words) > 1 || j.NotCounted.Known && len(f.words) > 0) {
		if err := j.learn(ctx, f, &out); err != nil {
			return out, err
		}
	}
	out.describe(j.NotCounted)
	return out, nil
}

// leftOut counts the rows of the period that not_counted takes out of the comparison.
func (j *job) leftOut(ctx context.Context, out *Access) error {
	_, rows, err := j.wordsOf(ctx, out.Type, j.period)
	if err != nil || rows == nil {
		return err // a table without the column leaves nothing out
	}
	for _, word := range j.NotCounted.Words {
		out.Words = append(out.Words, Word{Word: word, Rows: rows[word], Verdict: Undecided, Set: true})
		out.LeftOut += rows[word]
	}
	return nil
}

// mostFineDays is how many days are asked for by offer and affiliate at most, where hours do not decide.
const mostFineDays = 3

// learn compares the network's totals with the rows of each word: those of hours first,
// which are known already, then those of each offer and affiliate on a few days.
func (j *job) learn(ctx context.Context, f *facts, out *Access) error {
	l := newLearner(len(f.words))
	rows := map[string]int64{}
	for _, h := range f.hours {
		for w, n := range h.words {
			rows[f.words[w]] += n
		}
		out.Others += h.others
		if !h.open && h.others == 0 {
			l.add(h.theirs, h.words)
		}
	}
	judged := l.judge()
	days := slices.Sorted(maps.Keys(f.days))
	days = slices.DeleteFunc(days, func(day string) bool { return j.open(Line{Day: day}) })
	for i := 0; i < min(len(days), mostFineDays) && undecided(judged); i++ {
		if err := j.compareFine(ctx, f, days[i], l); err != nil {
			return err
		}
		judged = l.judge()
	}
	for i := range judged {
		w := &judged[i]
		w.Word = f.words[i]
		w.Set = j.NotCounted.Has(w.Word)
		w.Rows = rows[w.Word]
		f.turnedAway[i] = w.Verdict == NotCounted && !w.Set
		f.undecided[i] = w.Verdict == Undecided && !j.NotCounted.Known
		f.missed[i] = w.Verdict == Counted && w.Set
		f.verdicts[i] = *w
	}
	for _, before := range out.Words { // of words that are set, the period's rows count
		at := slices.IndexFunc(judged, func(w Word) bool { return w.Word == before.Word })
		if at < 0 {
			judged = append(judged, before)
			continue
		}
		judged[at].Rows = before.Rows
	}
	out.Words = judged
	return nil
}

type pair struct{ offer, affiliate int64 }

func (p pair) compare(o pair) int {
	return cmp.Or(cmp.Compare(p.offer, o.offer), cmp.Compare(p.affiliate, o.affiliate))
}

// compareFine adds the totals of each offer and affiliate on a day. What a day needs is
// in memory, and no more.
func (j *job) compareFine(ctx context.Context, f *facts, day string, l *learner) error {
	theirs, ready, err := j.askPairs(ctx, f.typ, day, nil)
	if err != nil || !ready {
		return err
	}
	from, to := bounds(day, j.Zone)
	rows, err := j.st.Conn().Query(j.params(ctx, from, to), "SELECT toInt64(offer_id) AS offer, toInt64(affiliate_id) AS affiliate, "+countWords(f.words, j.base(f.typ))+
		" FROM "+j.st.TableName(string(f.typ))+" WHERE "+inSpan+" GROUP BY offer, affiliate")
	if err != nil {
		return fmt.Errorf("counting %s by offer and affiliate: %w", f.typ, err)
	}
	defer rows.Close()
	for rows.Next() {
		var p pair
		var n []int64
		var others int64
		if err := rows.Scan(&p.offer, &p.affiliate, &n, &others); err != nil {
			return fmt.Errorf("counting %s by offer and affiliate: %w", f.typ, err)
		}
		if others == 0 {
			l.add(theirs[p], n)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("counting %s by offer and affiliate: %w", f.typ, err)
	}
	return nil
}

// askPairs asks for the totals of a day, or of an hour of it, by offer and affiliate; ready
// is false where the network does not get so fine a report ready.
func (j *job) askPairs(ctx context.Context, typ rawlog.Type, day string, hour *int) (totals map[pair]int64, ready bool, err error) {
	q := report.Question{Fields: []string{Figure(typ)}, Groups: []string{"Stat.offer_id", "Stat.affiliate_id"}}
	if hour != nil {
		q.Filters = []report.Filter{{Field: "Stat.hour", Operator: "EQUAL_TO", Values: []string{fmt.Sprint(*hour)}}}
	}
	if q, err = q.Prepare(); err != nil {
		return nil, false, err
	}
	d, err := time.Parse(isoDay, day)
	if err != nil {
		return nil, false, err
	}
	totals = map[pair]int64{}
	err = j.ask.Ask(ctx, q, rawlog.DayOf(d), func(a report.Answer) error {
		j.calls += a.Calls
		for _, row := range a.Rows {
			offer, err1 := readCount(row, "Stat.offer_id")
			affiliate, err2 := readCount(row, "Stat.affiliate_id")
			n, err3 := readCount(row, Figure(typ))
			if bad := cmp.Or(err1, err2, err3); bad != nil {
				return bad
			}
			totals[pair{offer, affiliate}] += n
		}
		return nil
	})
	var large *report.TooLargeError
	if errors.As(err, &large) {
		j.Log.Info("the network has no totals by offer and affiliate ready; going on without them", "day", day, "err", err)
		return nil, false, nil
	}
	return totals, err == nil, err
}
