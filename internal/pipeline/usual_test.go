package pipeline

import (
	"archive/zip"
	"fmt"
	"strings"
	"testing"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/testkit"
)

// A column that all other files fill and this one does not is an issue of the file,
// however it comes about; a column that others lack, too, or a quiet hour, is none.
func TestUsualColumns(t *testing.T) {
	t.Parallel()
	const header = "transaction_id,offer_id,ip,country_code,browser_id,affiliate_sub1\n"
	row := func(i int) string { return fmt.Sprintf(`"t%d",%d,"192.0.2.1","CZ",%d,""`, i, i%9+1, i%3) }
	st := testkit.Database(t)
	src := newFolder(t)
	for hour := range 110 {
		text := header + lines(20, row)
		if hour%10 == 0 { // browser_id is not in all of them
			text = header + lines(20, func(i int) string { return fmt.Sprintf(`"t%d",1,"192.0.2.1","CZ",0,"x"`, i) })
		}
		src.raw(t, hour, 1, text, zip.Deflate)
	}
	opts := Options{Network: "acme"}
	if sum, err := Run(t.Context(), st, src.source(), opts); err != nil || len(sum.Issues) > 0 || sum.Loaded != 110 {
		t.Fatalf("%+v, %v", sum, err)
	}
	for i, c := range []struct{ name, text, lacks string }{
		{"as ever", header + lines(20, row), ""},
		{"no such column", "transaction_id,offer_id,ip,browser_id,affiliate_sub1\n" + lines(20, func(i int) string { return strings.Replace(row(i), `"CZ",`, "", 1) }), "country_code"},
		{"another name", strings.Replace(header, "country_code", "country_iso", 1) + lines(20, row), "country_code"},
		{"empty in every row", header + lines(20, func(i int) string { return strings.Replace(row(i), "CZ", "", 1) }), "country_code"},
		{"two at once", header + lines(20, func(i int) string { return fmt.Sprintf(`"t%d",1,"","",1,""`, i) }), "country_code, ip"},
		{"a quiet hour", header + lines(3, func(i int) string { return fmt.Sprintf(`"t%d",1,"192.0.2.1","",1,""`, i) }), ""},
		{"one that others lack", header + lines(20, func(i int) string { return fmt.Sprintf(`"t%d",1,"192.0.2.1","CZ",0,""`, i) }), ""},
	} {
		name := src.raw(t, 110+i, 1, c.text, zip.Deflate)
		sum, err := Run(t.Context(), st, src.source(), opts)
		if err != nil {
			t.Fatal(err)
		}
		var issues []checkpoint.Issue
		for _, f := range sum.Issues {
			if f.File.Name == name {
				issues = f.Issues
			}
		}
		want := ""
		if c.lacks != "" {
			want = string(checkpoint.Columns)
		}
		if kinds(issues) != want || c.lacks != "" && !strings.Contains(issues[0].Text, "has "+c.lacks+", which each of the latest") {
			t.Errorf("%s: issues %+v; want %q about %q", c.name, issues, want, c.lacks)
		}
	}
}
