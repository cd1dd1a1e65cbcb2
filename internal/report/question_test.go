package report

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/rawlog"
)

func TestParseFilter(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want Filter
		bad  string // part of the error
	}{
		{"Stat.payout>0", Filter{"Stat.payout", "GREATER_THAN", []string{"0"}}, ""},
		{" Stat.payout >= -1.5 ", Filter{"Stat.payout", "GREATER_THAN_OR_EQUAL_TO", []string{"-1.5"}}, ""},
		{"Stat.offer_id=3,4", Filter{"Stat.offer_id", "EQUAL_TO", []string{"3", "4"}}, ""},
		{"Stat.offer_id != 3", Filter{"Stat.offer_id", "NOT_EQUAL_TO", []string{"3"}}, ""},
		{"Stat.source !~ %test%", Filter{"Stat.source", "NOT_LIKE", []string{"%test%"}}, ""},
		{"Stat.payout between 1,5", Filter{"Stat.payout", "BETWEEN", []string{"1", "5"}}, ""},
		{"Stat.source NULL", Filter{"Stat.source", "NULL", nil}, ""},
		{`Offer.name = a\,b,c\\d`, Filter{"Offer.name", "EQUAL_TO", []string{"a,b", `c\d`}}, ""},
		{"Offer.name EQUAL_TO a = b > c", Filter{"Offer.name", "EQUAL_TO", []string{"a = b > c"}}, ""},
		{"Stat.payout", Filter{}, "want FIELD"},
		{">0", Filter{}, "want FIELD"},
		{"Stat.payout=", Filter{}, "wants a value"},
		{"Stat.payout BETWEEN 1", Filter{}, "wants 2 value"},
		{"Stat.payout > 1,2", Filter{}, "wants 1 value"},
		{"Stat.payout NULL 1", Filter{}, "takes no value"},
		{"Stat.payout GREATER 1", Filter{}, `unknown operator "GREATER"`},
		{"Stat.payout =! 1", Filter{}, "unknown operator"},
	} {
		got, err := ParseFilter(tc.in)
		if tc.bad != "" {
			if err == nil || !strings.Contains(err.Error(), tc.bad) {
				t.Errorf("%q: got %v, %v; want an error with %q", tc.in, got, err, tc.bad)
			}
			continue
		}
		if err != nil || cmp.Diff(tc.want, got) != "" {
			t.Errorf("%q: got %v, %v; want %v", tc.in, got, err, tc.want)
			continue
		}
		if again, err := ParseFilter(got.String()); err != nil || cmp.Diff(got, again) != "" {
			t.Errorf("%q: prints as %q, which reads as %v, %v", tc.in, got.String(), again, err)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	f.Add("Stat.payout>0")
	f.Add(`a BETWEEN 1\,,2`)
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseFilter(s)
		if err != nil {
			return
		}
		if again, err := ParseFilter(got.String()); err != nil || again.Operator != got.Operator || again.Field != got.Field || len(again.Values) != len(got.Values) {
			t.Fatalf("%q: %+v prints as %q, which reads as %+v, %v", s, got, got.String(), again, err)
		}
	})
}

func TestPrepare(t *testing.T) {
	t.Parallel()
	q, err := Question{
		Fields: []string{"Stat.payout", "Stat.clicks", "Stat.offer_id", "Stat.hour", "Stat.clicks"}, Groups: []string{"Stat.offer_id", "Stat.date"},
		Filters: []Filter{{"Stat.payout", "GREATER_THAN", []string{"0"}}, {"Stat.country_code", "EQUAL_TO", []string{"CZ", "DE"}}},
	}.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	const text = "network: Stat.clicks, Stat.payout by Stat.date, Stat.hour, Stat.offer_id where Stat.country_code EQUAL_TO CZ,DE and Stat.payout GREATER_THAN 0"
	if got := q.Text(); got != text {
		t.Errorf("text %q, want %q", got, text)
	}
	again, err := q.Prepare()
	if err != nil || again.ID() != q.ID() || len(q.ID()) != 16 {
		t.Errorf("prepared again: %q, %v, want %q", again.ID(), err, q.ID())
	}
	other := q
	other.HourOffset = 1
	if other.ID() == q.ID() {
		t.Error("another offset is the same question")
	}
	p := q.params(split(mustPeriod(t, "20160901..20160930"), 31)[0])
	want := map[string]string{
		"filters[Stat.date][conditional]": "BETWEEN", "filters[Stat.date][values][0]": "2016-09-01", "filters[Stat.date][values][1]": "2016-09-30",
		"filters[Stat.payout][conditional]": "GREATER_THAN", "filters[Stat.payout][values][0]": "0",
		"filters[Stat.country_code][values][1]": "DE", "sort[Stat.offer_id]": "asc", "data_start": "",
	}
	for name, value := range want {
		if p.Get(name) != value {
			t.Errorf("%s = %q, want %q", name, p.Get(name), value)
		}
	}
	for _, tc := range []struct {
		q    Question
		want string
	}{
		{Question{Fields: []string{"Stat.click"}}, `unknown field "Stat.click": did you mean Stat.clicks`},
		{Question{Groups: []string{"Stat.ofer_id"}}, `unknown group "Stat.ofer_id": did you mean Stat.offer_id`},
		{Question{Groups: []string{"Stat.clicks"}}, "nothing can be grouped by it"},
		{Question{As: Affiliate, Fields: []string{"Stat.revenue"}}, `unknown field "Stat.revenue"`},
		{Question{Filters: []Filter{{"Stat.nope", "NULL", nil}}}, `unknown field "Stat.nope"`},
		{Question{Filters: []Filter{{"Stat.date", "NULL", nil}}}, "the days are the period's"},
		{Question{Filters: []Filter{{"Stat.hour", "NULL", nil}, {"Stat.hour", "NULL", nil}}}, "one filter for each field"},
		{Question{Fields: []string{"Stat.offer_id"}, Groups: []string{"Stat.offer_id"}}, "needs a figure"},
		{Question{Currency: "eur"}, "three capital letters"},
		{Question{HourOffset: 99}, "hour offset 99"},
	} {
		if _, err := tc.q.Prepare(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.q, err, tc.want)
		}
	}
	var u *UnknownError
	if _, err := (Question{Fields: []string{"Stat.x"}}).Prepare(); !errors.As(err, &u) || !strings.Contains(u.Hint(), "Stat.gross_clicks") {
		t.Errorf("%v does not list what exists", err)
	}
	if q, err := (Question{AnyField: true, Fields: []string{"Stat.tune_thing"}}).Prepare(); err != nil || q.Fields[0] != "Stat.tune_thing" {
		t.Errorf("any field: %v", err)
	}
}

func mustPeriod(t *testing.T, s string) rawlog.Period {
	t.Helper()
	p, err := rawlog.ParsePeriod(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSplitCoversEachDayOnce(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		period string
		days   int
		want   string
	}{
		{"2016", 31, ""},
		{"20160115..20160302", 10, "2016-01-15 to 2016-01-24|2016-01-25 to 2016-01-31|2016-02-01 to 2016-02-10|2016-02-11 to 2016-02-20|2016-02-21 to 2016-02-29|2016-03-01 to 2016-03-02"},
		{"20160909", 31, "2016-09-09"},
	} {
		p := mustPeriod(t, tc.period)
		at, texts := p.From, []string{}
		for _, s := range split(p, tc.days) {
			if !s.from.Equal(at) || s.days() < 1 || s.days() > tc.days {
				t.Fatalf("%s: span %s after %s", tc.period, s, at)
			}
			at, texts = s.to, append(texts, s.String())
		}
		if !at.Equal(p.To) || tc.want != "" && strings.Join(texts, "|") != tc.want {
			t.Errorf("%s: %v", tc.period, texts)
		}
	}
}

func TestDecimal(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"20645": "20645", "-12.34567": "-12.34567", "0.00000": "0", "-0.5": "-0.5", "1.50": "1.5", ".5": "0.5", "007": "7",
		"9999999999999999999999999999.9999999999": "9999999999999999999999999999.9999999999",
		"10000000000000000000000000000":           "", "0.12345678901": "", "1e5": "", "": "", "-": "", ".": "", "1,000": "", "+1": "",
	} {
		d, ok := ParseDecimal(in)
		if ok != (want != "") || ok && d.String() != want {
			t.Errorf("%q: %s, %v; want %q", in, d, ok, want)
		}
	}
	a, _ := ParseDecimal("0.1")
	b, _ := ParseDecimal("-0.3")
	if sum := a.Add(b).Add(a).Add(a); !sum.Equal(Decimal{}) {
		t.Errorf("0.1 - 0.3 + 0.1 + 0.1 = %s", sum)
	}
	if n, ok := a.Int(); ok {
		t.Errorf("0.1 is the whole number %d", n)
	}
}
