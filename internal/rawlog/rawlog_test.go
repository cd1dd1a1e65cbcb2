package rawlog

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestParseName(t *testing.T) {
	t.Parallel()
	hour := time.Unix(1473411600, 0).UTC()
	for _, tc := range []struct {
		name string
		typ  Type
		ok   bool
	}{
		{"20160909/clicks-1473411600-SlY9UO.zip", Clicks, true},
		{"clicks-1473411600-SlY9UO.zip", Clicks, true},
		{"a/b/2016/09/conversions-1473411600-Sl_9U-.zip", Conversions, true},
		{"x/impressions-1473411600-a.zip", Impressions, true},
		{"20160910/clicks-1473411600-SlY9UO.zip", "", false},
		{"clicks-1473411600.zip", "", false},
		{"clicks-1473411600-.zip", "", false},
		{"clicks--1-SlY9UO.zip", "", false},
		{"clicks-99999999999-SlY9UO.zip", "", false},
		{"pixels-1473411600-SlY9UO.zip", "", false},
		{"clicks-1473411600-SlY9UO.csv", Clicks, true},
		{"clicks-1473411600-SlY9UO.CSV.GZ", Clicks, true},
		{"20160909/clicks-1473411600-SlY9UO.csv.zst", Clicks, true},
		{"clicks-1473411600-SlY9UO.gz", Clicks, true},
		{"clicks-1473411600-SlY9UO.csv.zip", Clicks, true},
		{"clicks-1473411600-SlY9UO.csv.xz", "", false},
		{"clicks-1473411600-.csv", "", false},
		{"clicks-1473411600.csv", "", false},
		{".csv", "", false},
		{"clicks-1473411600-SlY9UO", "", false},
		{"clicks.zip", "", false},
		{"", "", false},
	} {
		typ, h, err := ParseName(tc.name)
		if (err == nil) != tc.ok {
			t.Errorf("%q: err = %v, want ok = %v", tc.name, err, tc.ok)
			continue
		}
		if tc.ok && (typ != tc.typ || !h.Equal(hour)) {
			t.Errorf("%q: got %s %s, want %s %s", tc.name, typ, h, tc.typ, hour)
		}
	}
}

// A date directory may be of local time, which is up to 14 hours ahead of UTC
// and 12 behind.
func TestParseNameMisplaced(t *testing.T) {
	t.Parallel()
	for name, placed := range map[string]bool{
		"20160910/clicks-1473415200-a.zip": true, "20160910/clicks-1473411600-a.zip": false, // 10:00 and 09:00 of the 9th
		"20160908/clicks-1473418800-a.zip": true, "20160908/clicks-1473422400-a.zip": false, // 11:00 and 12:00 of the 9th
		"20160911/clicks-1473458400-a.zip": false, "20150909/clicks-1473411600-a.zip": false,
	} {
		typ, hour, err := ParseName(name)
		if (err == nil) != placed || errors.Is(err, ErrMisplaced) == placed || typ != Clicks || DayOf(hour).String() != "20160909" {
			t.Errorf("%s: %s %v, %v", name, typ, hour, err)
		}
	}
}

func TestParsePeriod(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, from, to string }{
		{"2016", "20160101", "20170101"},
		{"201609", "20160901", "20161001"},
		{"2016-09", "20160901", "20161001"},
		{"20160909", "20160909", "20160910"},
		{"2016-09-09", "20160909", "20160910"},
		{"20160901..20160915", "20160901", "20160916"},
		{"201601..201602", "20160101", "20160301"},
		{"2015..20160102", "20150101", "20160103"},
		{"20160229", "20160229", "20160301"},
		{"20160230", "", ""},
		{"201613", "", ""},
		{"1969", "", ""},
		{"2106", "", ""},
		{"20160902..20160901", "", ""},
		{"20160901..", "", ""},
		{"..20160901", "", ""},
		{"2016-0909", "", ""},
		{"last week", "", ""},
		{"", "", ""},
	} {
		p, err := ParsePeriod(tc.in)
		if tc.from == "" {
			if err == nil {
				t.Errorf("%q: got %v, want an error", tc.in, p)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", tc.in, err)
			continue
		}
		if got := p.From.Format(DayLayout) + " " + p.To.Format(DayLayout); got != tc.from+" "+tc.to {
			t.Errorf("%q: got %s, want %s %s", tc.in, got, tc.from, tc.to)
		}
	}
}

func FuzzParsePeriod(f *testing.F) {
	for _, s := range []string{"2016", "201609", "2016-09-09", "20160901..20160915", "2016..", "0000", "20160230"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePeriod(s)
		if err != nil {
			return
		}
		if !p.From.Before(p.To) {
			t.Fatalf("%q: empty period %v", s, p)
		}
		again, err := ParsePeriod(p.String())
		if err != nil || again != p {
			t.Fatalf("%q: prints as %q, which reads as %v, %v", s, p.String(), again, err)
		}
	})
}

func FuzzParseName(f *testing.F) {
	f.Add("20160909/clicks-1473411600-SlY9UO.zip")
	f.Add("../../clicks-0-x.zip")
	f.Fuzz(func(t *testing.T, s string) {
		_, hour, err := ParseName(s)
		if err == nil && (hour.Before(time.Unix(0, 0)) || hour.Location() != time.UTC) {
			t.Fatalf("%q: hour %v", s, hour)
		}
	})
}

// A file is the same in every format, and its share of the work, too; what the
// ledger knew before there were any stays as it is.
func TestOneIdentity(t *testing.T) {
	t.Parallel()
	hour := time.Unix(1473411600, 0)
	const want = "20160909/clicks-1473411600-SlY9UO.zip"
	for _, name := range []string{want, "clicks-1473411600-SlY9UO.ZIP", "a/b/clicks-1473411600-SlY9UO.csv.gz", "clicks-1473411600-SlY9UO.GZ",
		"clicks-1473411600-SlY9UO.csv.zst", "20160909/clicks-1473411600-SlY9UO.CSV"} {
		if got := NameOf(name, hour); got != want {
			t.Errorf("%s is %s", name, got)
		}
	}
	if got := NameOf("clicks-1473411600-SlY9UO.csv.zip", hour); got != "20160909/clicks-1473411600-SlY9UO.csv.zip" {
		t.Errorf("what was known as .csv.zip is %s", got)
	}
}

func TestFormatOf(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		head, name string
		want       Format // "" is none
	}{
		{"PK\x03\x04", "a.zip", Zip}, {"PK\x05\x06", "a.csv", Zip}, {"PK\x00 a prefix", "a.zip", Zip}, {"PK_id,", "a.csv", Plain},
		{"\x1f\x8b\x08", "a.csv.gz", Gzip}, {"\x1f\x8b\x08\x00", "a.zip", Gzip}, {"\x1f\x8b\x08\x00", "a.csv", Gzip},
		{"\x28\xb5\x2f\xfd", "a.csv.zst", Zstd}, {"\x5a\x2a\x4d\x18", "a.csv.zst", Zstd},
		{"id,ip", "a.csv", Plain}, {"id,ip", "a.CSV", Plain}, {"id,ip", "a.csv.gz", ""}, {"id,ip", "a.zip", ""}, {"", "a.csv", Plain}, {"", "a.zip", ""},
	} {
		if got, ok := FormatOf([]byte(tc.head), tc.name); ok != (tc.want != "") || ok && got != tc.want {
			t.Errorf("%q in %s: got %s %t", tc.head, tc.name, got, ok)
		}
	}
}

func TestSpelling(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"affiliate_unique1": "affiliate_unique1", "affiliate_unique_1": "affiliate_unique1", "affiliate_sub_12": "affiliate_sub12",
		"ip": "ip", "_1": "1", "_": "_", "": "", "1": "1", "a_": "a_", "sha1": "sha1", "a__1": "a_1",
		" offer_id": "offer_id", "OFFER_ID": "offer_id", "Offer ID\t": "offer_id", "\u00a0offer\u00a0id": "offer_id", "\ufeffip": "ip", "\u200bip": "ip",
		`"ip"`: "ip", "'ip'": "ip", "` ip `": "ip", "offer-id": "offer_id", "Größe": "größe", "Affiliate Sub 1": "affiliate_sub1",
	} {
		if got := Spelling(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestAlias(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Meaning{
		"ad_id": {"transaction_id", 0}, "affiliate_info3": {"affiliate_sub3", 0}, "affiliate_info_3": {"affiliate_sub3", 0},
		"aff_sub": {"affiliate_sub1", 0}, "Aff_Sub5": {"affiliate_sub5", 0}, "Stat.payout": {"payout_cents", 2}, "REVENUE ": {"revenue_cents", 2},
		"Stat.offer_id": {"offer_id", 0}, "ConversionsMobile.device_os": {"device_os", 0}, "Offer.name": {"offer.name", 0}, "ip": {"ip", 0}, "sale_amount": {"sale_amount", 0},
	} {
		if got := Alias(in); got != want {
			t.Errorf("%q: got %v, want %v", in, got, want)
		}
	}
	for name, m := range aliases {
		if Spelling(name) != name || Spelling(m.Column) != m.Column {
			t.Errorf("%s → %s is not in the spelling by which it is looked up", name, m.Column)
		}
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Share{"": {}, "1/1": {1, 1}, "3/4": {3, 4}} {
		if got, err := ParseShare(in); err != nil || got != want || got.String() != in {
			t.Errorf("%q: got %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"0/1", "2/1", "1", "/", "a/b", "1/65", "-1/2"} {
		if _, err := ParseShare(in); err == nil {
			t.Errorf("%q: no error", in)
		}
	}
	for name := range 100 {
		name := fmt.Sprintf("20160909/clicks-%d-aaaaaa.zip", name)
		n := 0
		for i := range 3 {
			if (Share{i + 1, 3}).Has(name) {
				n++
			}
		}
		if n != 1 || !(Share{}).Has(name) {
			t.Errorf("%s is in %d shares of three", name, n)
		}
	}
	for _, tc := range []struct {
		a, b Share
		want bool
	}{
		{Share{}, Share{}, true}, {Share{}, Share{1, 2}, true}, {Share{1, 2}, Share{1, 2}, true},
		{Share{1, 2}, Share{2, 2}, false}, {Share{1, 2}, Share{2, 3}, true},
	} {
		if tc.a.Clashes(tc.b) != tc.want || tc.b.Clashes(tc.a) != tc.want {
			t.Errorf("%q and %q: want %v", tc.a, tc.b, tc.want)
		}
	}
}
