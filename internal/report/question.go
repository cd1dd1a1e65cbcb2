package report

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// As is who asks: it picks the API's target and the fields that exist.
type As string

// The three sides of a network that have a report of their own.
const (
	Network    As = "network"
	Affiliate  As = "affiliate"
	Advertiser As = "advertiser"
)

// ParseAs reads who asks; "" is the network.
func ParseAs(s string) (As, error) {
	switch a := As(s); a {
	case "":
		return Network, nil
	case Network, Affiliate, Advertiser:
		return a, nil
	}
	return "", unknown("target", s, []string{string(Network), string(Affiliate), string(Advertiser)})
}

// Target is the API target whose getStats is called.
func (a As) Target() string {
	switch a {
	case Affiliate:
		return "Affiliate_Report"
	case Advertiser:
		return "Advertiser_Report"
	default:
		return "Report"
	}
}

func (a As) audience() audience {
	switch a {
	case Affiliate:
		return forAffiliate
	case Advertiser:
		return forAdvertiser
	default:
		return forNetwork
	}
}

const (
	dateField = "Stat.date"
	hourField = "Stat.hour"
)

// Question is what is asked of every day. Answers are kept by day, so the date
// is always among its groups; Prepare puts it there.
type Question struct {
	As         As
	Fields     []string // figures, and texts that follow from the groups
	Groups     []string
	Filters    []Filter
	HourOffset int    // hours by which the API shifts its days; 0: the network's zone
	Currency   string // ISO 4217; "": the network's own
	// AnyField lets names through that this program does not know.
	AnyField bool
}

// DefaultFields are asked for when none are named.
func DefaultFields(a As) []string {
	fields := []string{"Stat.impressions", "Stat.gross_clicks", "Stat.clicks", "Stat.conversions"}
	for _, f := range []string{"Stat.payout", "Stat.revenue"} {
		if _, ok := lookup(f, a); ok {
			fields = append(fields, f)
		}
	}
	return fields
}

var (
	namePattern     = regexp.MustCompile(`^[A-Z][A-Za-z]*\.[a-z][a-z0-9_]*$`)
	currencyPattern = regexp.MustCompile(`^[A-Z]{3}$`)
)

// Prepare checks a question and puts it into its one canonical form: names in
// order and without repetition, groups among neither fields nor each other,
// the date first. An *UnknownError lists what exists.
func (q Question) Prepare() (Question, error) {
	if q.As == "" {
		q.As = Network
	}
	if len(q.Fields) == 0 {
		q.Fields = DefaultFields(q.As)
	}
	q.Fields, q.Groups = slices.Clone(q.Fields), slices.Clone(q.Groups)
	for _, g := range q.Groups {
		if err := q.checkName("group", g); err != nil {
			return q, err
		}
	}
	for _, f := range q.Fields {
		if err := q.checkName("field", f); err != nil {
			return q, err
		}
		if f == dateField || f == hourField {
			q.Groups = append(q.Groups, f) // a date that is not grouped by is any one of them
		}
	}
	slices.Sort(q.Groups)
	q.Groups = slices.DeleteFunc(slices.Compact(q.Groups), func(g string) bool { return g == dateField })
	q.Groups = append([]string{dateField}, q.Groups...)
	slices.Sort(q.Fields)
	q.Fields = slices.DeleteFunc(slices.Compact(q.Fields), func(f string) bool { return slices.Contains(q.Groups, f) })
	if len(q.Fields) == 0 {
		return q, errors.New("a question needs a figure besides its groups: name one with --field, e.g. Stat.clicks")
	}
	q.Filters = slices.Clone(q.Filters)
	if err := checkFilters(q.Filters, q); err != nil {
		return q, err
	}
	slices.SortFunc(q.Filters, func(a, b Filter) int { return strings.Compare(a.Field, b.Field) })
	if q.HourOffset < -26 || q.HourOffset > 26 {
		return q, fmt.Errorf("hour offset %d: want -26 to 26", q.HourOffset)
	}
	if q.Currency != "" && !currencyPattern.MatchString(q.Currency) {
		return q, fmt.Errorf("currency %q: want three capital letters, e.g. EUR", q.Currency)
	}
	return q, nil
}

func (q Question) checkName(what, name string) error {
	f, ok := lookup(name, q.As)
	groups, figures := Fields(q.As)
	if what != "group" {
		groups = append(groups, figures...)
	}
	switch {
	case ok && what == "group" && f.kind != dimension:
		return fmt.Errorf("group %s: that is a figure; nothing can be grouped by it", name)
	case ok:
		return nil
	case q.AnyField && namePattern.MatchString(name):
		return nil
	}
	return unknown(what, name, groups)
}

// Text is the question in words, the same for the same question.
func (q Question) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s by %s", q.As, strings.Join(q.Fields, ", "), strings.Join(q.Groups, ", "))
	for i, f := range q.Filters {
		b.WriteString([]string{" where ", " and "}[min(i, 1)] + f.String())
	}
	if q.HourOffset != 0 {
		fmt.Fprintf(&b, " shifted by %+d h", q.HourOffset)
	}
	if q.Currency != "" {
		b.WriteString(" in " + q.Currency)
	}
	return b.String()
}

// ID is the question's key: 16 hex digits of a hash of its text.
func (q Question) ID() string {
	sum := sha256.Sum256([]byte(q.Text()))
	return hex.EncodeToString(sum[:8])
}

// params are the API's parameters for a span of days.
func (q Question) params(s span) url.Values {
	p := url.Values{"fields[]": append(slices.Clone(q.Groups), q.Fields...), "groups[]": slices.Clone(q.Groups)}
	for _, f := range q.Filters {
		f.put(p)
	}
	first, last := s.from.Format(isoDay), s.to.AddDate(0, 0, -1).Format(isoDay)
	Filter{dateField, "BETWEEN", []string{first, last}}.put(p)
	if s.hours() {
		Filter{hourField, "BETWEEN", []string{strconv.Itoa(s.hourFrom), strconv.Itoa(s.hourTo - 1)}}.put(p)
	}
	for _, g := range q.Groups {
		p.Set("sort["+g+"]", "asc") // pages of an answer without an order may repeat and miss rows
	}
	if q.HourOffset != 0 {
		p.Set("hour_offset", strconv.Itoa(q.HourOffset))
		p.Set("data_start", first) // they filter nothing, but a shift is documented to want them
		p.Set("data_end", last)
	}
	if q.Currency != "" {
		p.Set("currency", q.Currency)
	}
	return p
}
