package rows

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"rawlogs/internal/load"
	"rawlogs/internal/rawlog"
)

// vital are the columns without which a row says little, and what a header name that
// means one of them looks like when nothing but its letters and digits is left.
var vital = []struct {
	column string
	like   *regexp.Regexp
}{
	{"transaction_id", regexp.MustCompile(`transaction|trans(action)?id|txn?id|clickid|impressionid|^click$|^impression$`)},
	{"datetime", regexp.MustCompile(`date|time`)},
	{"offer_id", regexp.MustCompile(`offerid|^offer$|campaignid|^campaign$`)},
	{"affiliate_id", regexp.MustCompile(`affiliateid|^affiliate$|affid|publisherid|^publisher$|^partner(id)?$`)},
	{"payout_cents", regexp.MustCompile(`^(stat)?payout(cents?|amount|value|[a-z]{3})?$`)},
	{"revenue_cents", regexp.MustCompile(`^(stat)?revenue(cents?|amount|value|[a-z]{3})?$`)},
	{"sale_amount", regexp.MustCompile(`^(stat)?sale(s)?(amount|value)([a-z]{3})?$`)},
}

// alone are columns that only one log type has.
var alone = map[rawlog.Type][]string{
	rawlog.Clicks:      {"is_click_unique"},
	rawlog.Conversions: {"goal_id", "sale_amount", "session_datetime", "session_ip", "tune_event_id", "is_adjustment", "customer_id"},
}

// doubts says what makes one doubt that a header means our columns. filled are the
// columns that some row of the file fills.
func doubts(typ rawlog.Type, l *load.Layout, names, filled []string) (out []string) {
	unknown := l.Unknown()
	for _, v := range vital {
		if !l.Has(v.column) || slices.Contains(filled, v.column) {
			continue
		}
		for _, name := range unknown {
			if v.like.MatchString(letters(name)) { //guard:near-header
				out = append(out, fmt.Sprintf("no row has a value for %s, and its header's %.40q is not read: does it mean that?", v.column, name))
				break
			}
		}
	}
	for other, columns := range alone {
		var of []string
		for _, c := range columns {
			if slices.ContainsFunc(names, func(name string) bool { return rawlog.Alias(name).Column == c }) && !l.Feeds(c) {
				of = append(of, c)
			}
		}
		if other != typ && len(of) > 1 { //guard:other-type
			out = append(out, fmt.Sprintf("its header is that of %s: it names %s", other, strings.Join(of, ", ")))
		}
	}
	return out
}

// letters leaves nothing of a name but its letters and digits, in lower case.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
}
