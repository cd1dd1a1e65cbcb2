package fx_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/fx"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
	"rawlogs/internal/testkit/pack"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// zipped packs texts, each after its name.
func zipped(t *testing.T, pairs ...string) string { return string(pack.Named(t, pairs...)) }

const history = "Date,USD,JPY,CYP,\n2016-09-12,1.1226,114.42,N/A,\n2016-09-09,1.1268,115.54,0.58,\n"

func TestParse(t *testing.T) {
	t.Parallel()
	whole := []string{"2016-09-12 USD 1.1226", "2016-09-12 JPY 114.42", "2016-09-12 CYP 0", "2016-09-09 USD 1.1268", "2016-09-09 JPY 115.54", "2016-09-09 CYP 0.58"}
	for name, c := range map[string]struct {
		text string
		want []string
		err  string // a part; "" for none
	}{
		"history":              {history, whole, ""},
		"CRLF and BOM":         {"\xef\xbb\xbf" + strings.ReplaceAll(history, "\n", "\r\n"), whole, ""},
		"zipped":               {zipped(t, "eurofxref-hist.csv", history), whole, ""},
		"no comma too many":    {"Date,USD\n2016-09-09,1.1\n", []string{"2016-09-09 USD 1.1"}, ""},
		"one day":              {"Date, USD, JPY, \n09 September 2016, 1.1268, 115.54, \n", []string{"2016-09-09 USD 1.1268", "2016-09-09 JPY 115.54"}, ""},
		"empty":                {"", nil, "the file is empty"},
		"no day":               {"Date,USD\n", nil, "no day"},
		"a page":               {"<!DOCTYPE html>\n<html>", nil, "line 1: the first column is"},
		"no currency":          {"Date,\n2016-09-09,1\n", nil, "line 1: there is no currency"},
		"unknown name":         {"Date,USD,Dollar\n", nil, `line 1: column 3, "Dollar"`},
		"a hole in the header": {"Date,USD,,JPY\n", nil, "line 1: column 3"},
		"euro":                 {"Date,USD,EUR\n", nil, "line 1: column 3 is EUR"},
		"currency twice":       {"Date,USD,JPY,USD\n", nil, "line 1: two columns are USD"},
		"day twice":            {"Date,USD\n2016-09-09,1\n2016-09-10,1\n2016-09-09,1.2\n", nil, "line 4: 2016-09-09 is also in line 2"},
		"no date":              {"Date,USD\n09/09/2016,1.1\n", nil, `line 2: "09/09/2016" is not a date`},
		"before the euro":      {"Date,USD\n1970-01-01,1.1\n", nil, "line 2: "},
		"no number":            {"Date,USD,JPY\n2016-09-09,1.1,115.54\n2016-09-08,1.1,1e2\n", nil, `line 3: JPY is "1e2"`},
		"zero":                 {"Date,USD\n2016-09-09,0.000\n", nil, `line 2: USD is "0.000"`},
		"negative":             {"Date,USD\n2016-09-09,-1\n", nil, `line 2: USD is "-1"`},
		"too fine":             {"Date,USD\n2016-09-09,1.123456789\n", nil, "line 2: USD is"},
		"decimal comma":        {"Date,USD\n2016-09-09,\"1,12\"\n", nil, "line 2: USD is"},
		"cut off":              {"Date,USD,JPY,CYP,\n2016-09-09,1.1\n", nil, "line 2: 2 columns instead of 5"},
		"too many":             {"Date,USD\n2016-09-09,1.1,7\n", nil, `line 2: column 3, "7", has no header`},
		"stray quote":          {"Date,USD\n2016-09-09,1\"1\n", nil, "line 2: "},
		"two in a ZIP":         {zipped(t, "a.csv", history, "b.csv", history), nil, "holds 2 files"},
		"cut ZIP":              {zipped(t, "a.csv", history)[:60], nil, "the ZIP cannot be read"},
	} {
		rates, err := fx.Parse(strings.NewReader(c.text))
		var own *fx.Error
		switch {
		case c.err == "" && err != nil, c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: %v, want %q", name, err, c.err)
		case err != nil && (!errors.As(err, &own) || own.Hint() == ""):
			t.Errorf("%s: %v says not what to do", name, err)
		}
		var got []string
		for _, r := range rates {
			got = append(got, fmt.Sprintf("%s %s %s", r.Day.Format(time.DateOnly), r.Currency, r.Value))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(history)
	f.Add("Date, USD, \n9 September 2016, 1, \n")
	f.Fuzz(func(t *testing.T, text string) {
		rates, err := fx.Parse(strings.NewReader(text))
		if (err == nil) != (len(rates) > 0) {
			t.Errorf("%q: %d rates, %v", text, len(rates), err)
		}
		for _, r := range rates {
			if r.Value.IsNegative() || r.Value.Exponent() < -8 || len(r.Currency) != 3 {
				t.Errorf("%q: %+v", text, r)
			}
		}
	})
}

func load(t *testing.T, st *store.Store, text string, gaps bool) (*fx.Result, error) {
	t.Helper()
	rates, err := fx.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return fx.Load(t.Context(), st, rates, fx.Options{Source: "rates.csv", Gaps: gaps, Now: time.Date(2016, 12, 1, 12, 0, 0, 0, time.UTC)})
}

func ask(t *testing.T, st *store.Store, query string) string {
	t.Helper()
	var got []string
	if err := st.Conn().QueryRow(t.Context(), "SELECT groupArray(arrayStringConcat(row, ' ')) FROM ("+query+")").Scan(&got); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return strings.Join(got, "; ")
}

// Rates are stored once, corrected and withdrawn by later files, and hold over days without.
func TestLoad(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, step := range []struct {
		text         string
		gaps         bool
		new, changed int
		err          string
		gap          int
	}{
		{history, false, 5, 0, "", 0},
		{history, false, 0, 0, "", 0},
		{"Date,USD,CYP\n2016-09-12,1.13,0.59\n2016-09-09,1.1268,N/A\n", false, 1, 2, "", 0},
		{"Date,USD,CYP\n2016-09-12,1.13,0.59\n2016-09-09,1.1268,N/A\n", false, 0, 0, "", 0},
		{"Date,USD\n2016-12-02,1.13\n", false, 0, 0, "2016-12-02 is a day that has not come", 0},
		{"Date,USD\n2016-09-20,1.13\n", false, 0, 0, "between 2016-09-12 and 2016-09-20", 0},
		{"Date,USD\n2016-09-20,1.13\n", true, 1, 0, "", 1},
		{"Date,USD\n2016-09-21,1.14\n", false, 1, 0, "", 0}, // the gap was accepted before
		{"Date,USD\n2016-09-01,1.2\n", false, 0, 0, "between 2016-09-01 and 2016-09-09", 0},
	} {
		r, err := load(t, st, step.text, step.gaps)
		if step.err != "" {
			if err == nil || !strings.Contains(err.Error(), step.err) {
				t.Errorf("%q: %v, want %s", step.text, err, step.err)
			}
			continue
		}
		if err != nil || r.New != step.new || r.Changed != step.changed || len(r.Gaps) != step.gap {
			t.Errorf("%q: %+v, %v", step.text, r, err)
		}
	}
	got := ask(t, st, "SELECT [currency, toString(min(day)), toString(max(day)), toString(count())] AS row FROM fx_daily GROUP BY currency, published ORDER BY currency, published")
	if want := "CYP 2016-09-12 2016-09-19 8; EUR 2016-09-09 2016-09-11 3; EUR 2016-09-12 2016-09-19 8; EUR 2016-09-20 2016-09-20 1; EUR 2016-09-21 2016-09-28 8; " +
		"JPY 2016-09-09 2016-09-11 3; JPY 2016-09-12 2016-09-19 8; USD 2016-09-09 2016-09-11 3; USD 2016-09-12 2016-09-19 8; USD 2016-09-20 2016-09-20 1; USD 2016-09-21 2016-09-28 8"; got != want {
		t.Errorf("rates by day: got  %s\nwant %s", got, want)
	}
}

// A write whose answer was lost is made again, and is the same rows.
func TestLoadAgain(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	rates, err := fx.Parse(strings.NewReader(history))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := fx.Insert(t.Context(), st, rates); err != nil {
			t.Fatal(err)
		}
	}
	if got := ask(t, st, "SELECT [currency, toString(per_euro)] AS row FROM fx_daily WHERE day = '2016-09-10' ORDER BY 1"); got != "CYP 0.58; EUR 1; JPY 115.54; USD 1.1268" {
		t.Error(got)
	}
}

// Amounts are converted at the rates of their days, exactly; what has no rate is NULL, and
// an amount that is already in the asked currency needs none.
func TestConversionsIn(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	if _, err := load(t, st, history, false); err != nil {
		t.Fatal(err)
	}
	insert := "INSERT INTO conversions (network, id, payout_cents, revenue_cents, sale_amount, currency, datetime, _hour, _file, _line) SELECT c1, c2, c3, c4, 10, c5, c6, toStartOfHour(c6), 'f', c2 FROM " +
		"values('c1 String, c2 UInt32, c3 Decimal(18, 4), c4 Decimal(18, 4), c5 String, c6 DateTime(\\'UTC\\')', " +
		"('acme', 1, 112680, 225360, 'USD', '2016-09-10 23:59:59'), ('acme', 2, 100, 0, 'EUR', '2016-09-12 00:00:00'), ('acme', 3, 100, 100, 'JPY', '2016-09-09 12:00:00'), " +
		"('acme', 4, 100, 100, 'USD', '2016-09-08 12:00:00'), ('acme', 5, 100, 100, 'CHF', '2016-09-09 12:00:00'), ('beta', 1, 100, 100, 'CYP', '2016-09-12 12:00:00'), ('beta', 2, 100, 100, '', '2016-09-12 12:00:00'))"
	if err := st.Conn().Exec(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	const rows = "SELECT [network, toString(id), currency, ifNull(toString(rate_day), 'none'), ifNull(toString(payout_in), 'none'), ifNull(toString(revenue_in), 'none')] AS row FROM conversions_in(currency = '%s') ORDER BY network, id"
	for currency, want := range map[string]string{
		"EUR": "acme 1 USD 2016-09-09 1000 2000; acme 2 EUR 2016-09-12 1 0; acme 3 JPY 2016-09-09 0.008655 0.008655; acme 4 USD none none none; acme 5 CHF none none none; beta 1 CYP 2016-09-09 1.724138 1.724138; beta 2  none none none",
		"USD": "acme 1 USD 2016-09-09 1126.8 2253.6; acme 2 EUR 2016-09-12 1.1226 0; acme 3 JPY 2016-09-09 0.009752 0.009752; acme 4 USD none 1 1; acme 5 CHF none none none; beta 1 CYP 2016-09-09 1.935517 1.935517; beta 2  none none none",
	} {
		if got := ask(t, st, fmt.Sprintf(rows, currency)); got != want {
			t.Errorf("in %s: got  %s\nwant %s", currency, got, want)
		}
	}
	for query, want := range map[string]string{
		"conversions_in(currency = 'CHF')": "no rate of that currency is known",
		"conversions_in(currency = 'usd')": "no rate of that currency is known",
		"conversions_in(curency = 'USD')":  "`currency` is not set",
	} {
		if err := st.Conn().Exec(t.Context(), "SELECT count() FROM "+query); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", query, err)
		}
	}
}
