package convreport_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"rawlogs/internal/dirs/convreport"
	"rawlogs/internal/dirs/hoapi"
	"rawlogs/internal/fetch"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

const filesToken = "NETCANARYtoken"

// filed is a network whose report of a day is longer than a page, read by its file where
// that is sound.
type filed struct {
	*testing.T
	*testkit.Network
	log bytes.Buffer
	mu  sync.Mutex
}

func (f *filed) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(p)
}

func newFiled(t *testing.T) *filed {
	t.Helper()
	n := testkit.Simnet(t, simnet.Config{Limit: 1000, Token: filesToken})
	n.Happen("a", gen.Spec{Type: rawlog.Conversions, Hour: fileDay.Add(9 * time.Hour), Rows: 70})
	n.Happen("b", gen.Spec{Type: rawlog.Conversions, Hour: fileDay.Add(34 * time.Hour), Rows: 40})
	n.Happen("c", gen.Spec{Type: rawlog.Conversions, Hour: fileDay.Add(50 * time.Hour), Rows: 5})
	n.Conversions.Currencies("USD", "EUR")
	return &filed{T: t, Network: n}
}

var fileDay = time.Date(2016, 9, 9, 0, 0, 0, 0, time.UTC)

func (f *filed) source(pages bool) *convreport.Source {
	f.Helper()
	client, err := hasoffers.New(hasoffers.Config{NetworkID: f.ID(), Auth: hasoffers.NetworkToken(f.Token()), BaseURL: f.URL, Calls: 1000, Backoff: time.Millisecond, Attempts: 2})
	if err != nil {
		f.Fatal(err)
	}
	cfg := convreport.Config{
		Client: client, Limit: 20, Spool: f.TempDir(), Log: slog.New(slog.NewTextHandler(f, nil)),
		Download: fetch.Config{Backoff: time.Millisecond, Attempts: 4},
	}
	if !pages {
		cfg.Links = func(ask convreport.Ask) convreport.Opener { return hoapi.Links(hoapi.Config{Client: client}, ask) }
	}
	return convreport.New(cfg)
}

// text is a day's file, and how often each method was called for it.
func (f *filed) text(s *convreport.Source, day time.Time) (string, map[string]int) {
	f.Helper()
	f.ForgetCalls()
	body, err := s.Open(f.Context(), rawlog.ReportDay(day), 0, "")
	if err != nil {
		f.Fatal(err)
	}
	text, err := io.ReadAll(body)
	if err != nil || body.Close() != nil || len(body.Notes) > 0 {
		f.Fatal(err, body.Notes)
	}
	return string(text), f.Usage().Methods
}

func (f *filed) said() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	said := f.log.String()
	f.log.Reset()
	if strings.Contains(said, "CANARY") || strings.Contains(said, "X-Amz") {
		f.Errorf("a secret in the log: %s", said)
	}
	return said
}

// A day is the same by its file and by its pages, byte by byte, and a file takes two calls.
func TestFileAndPages(t *testing.T) {
	t.Parallel()
	f := newFiled(t)
	byPages, byFile := f.source(true), f.source(false)
	same := func(day time.Time, links, pages int) { // as many calls; -1: any
		t.Helper()
		want, _ := f.text(byPages, day)
		got, calls := f.text(byFile, day)
		if got != want {
			t.Errorf("%v: the file has other rows than the pages:\n%.500s\n%.500s", day, got, want)
		}
		if calls["getDownloadReportLink"] != links || pages >= 0 && calls["getConversions"] != pages {
			t.Errorf("%v: %v", day, calls)
		}
	}
	same(fileDay, 1, 1)
	same(fileDay.AddDate(0, 0, 1), 1, 1)
	same(fileDay.AddDate(0, 0, 2), 0, 1) // five fit on a page
	same(fileDay.AddDate(0, 0, 3), 0, 1) // none
	f.Conversions.Numbers(true)
	f.Conversions.Refuse(true, "Stat.id", "Offer.name")
	same(fileDay, 1, 3) // two of them find out what is refused
	f.Conversions.Refuse(true, "Stat.tune_event_id")
	same(fileDay, 1, 2)
	if said := f.said(); strings.Contains(said, "file of the report") {
		t.Error(said)
	}
	// One page is too much already, and so is the file; then all comes by halves.
	f.Conversions.Slow(50)
	same(fileDay, 1, -1)
}

func gzipped(text []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(text) // into memory
	_ = w.Close()
	return out.Bytes()
}

// column is the place of a name in a table's header.
func column(rows [][]string, name string) int {
	for i, n := range rows[0] {
		if n == name {
			return i
		}
	}
	return -1
}

// A file that is not what was asked for is named and left alone: the day is that of the pages.
func TestFilesThatAreNotSound(t *testing.T) {
	t.Parallel()
	without := func(names ...string) func([][]string) [][]string {
		return func(rows [][]string) [][]string {
			for _, name := range names {
				at := column(rows, name)
				for i, row := range rows {
					rows[i] = append(append([]string{}, row[:at]...), row[at+1:]...)
				}
			}
			return rows
		}
	}
	twice := func(change string) func([][]string) [][]string {
		return func(rows [][]string) [][]string {
			at := column(rows, "Stat.payout")
			for i, row := range rows {
				rows[i] = append(append([]string{}, row...), row[at])
			}
			rows[7][len(rows[7])-1] += change
			return rows
		}
	}
	renamed := func(rows [][]string) [][]string {
		for i, name := range rows[0] {
			rows[0][i] = strings.ToUpper(strings.ReplaceAll(name, ".", " "))
		}
		return rows
	}
	text := func(s string) func([]byte) []byte { return func([]byte) []byte { return []byte(s) } }
	for name, tc := range map[string]struct {
		edit  func([][]string) [][]string
		alter func([]byte) []byte
		says  string
		once  bool // no other file is asked for
	}{
		"a missing column":    {edit: without("Stat.payout"), says: "it lacks columns that were asked for: Stat.payout", once: true},
		"two missing columns": {edit: without("Offer.name", "Stat.id"), says: "Stat.id, Offer.name", once: true},
		"many missing columns": {edit: func(rows [][]string) [][]string {
			rows[0] = append([]string{"Stat.id"}, make([]string, len(rows[0])-1)...)
			return rows
		}, says: "columns that were asked for: Stat.tune_event_id, Stat.ad_id", once: true},
		"other names":               {edit: renamed, says: "none of its columns was asked for, the first is", once: true},
		"no header":                 {edit: func(rows [][]string) [][]string { return rows[1:] }, says: "none of its columns was asked for", once: true},
		"twice the same, differing": {edit: twice("9"), says: "its column Stat.payout stands there twice, with different values in line 8", once: true},
		"twice, one of them empty":  {edit: func(rows [][]string) [][]string { rows = twice("")(rows); rows[9][len(rows[9])-1] = ""; return rows }, says: "in line 10", once: true},
		"cut in a row":              {alter: func(b []byte) []byte { return b[:len(b)*2/3] }, says: "is not a row"},
		"cut at a line":             {alter: func(b []byte) []byte { return b[:bytes.LastIndexByte(b[:len(b)/2], '\n')+1] }, says: "the network says that it has 70 conversions, and its file has "},
		"cut in the last value":     {edit: func(rows [][]string) [][]string { rows[len(rows)-1][len(rows[0])-1] = "1.23456"; return rows }, alter: func(b []byte) []byte { return b[:len(b)-3] }, says: "may be cut short"},
		"the last line end is gone": {alter: func(b []byte) []byte { return b[:len(b)-1] }, says: "may be cut short"},
		"a header alone":            {edit: func(rows [][]string) [][]string { return rows[:1] }, says: "its file has 0"},
		"a row of too many fields":  {alter: func(b []byte) []byte { return bytes.Replace(b, []byte("\n"), []byte("\nx,"), 2) }, says: "line 2 is not a row"},
		"a stray quote":             {alter: func(b []byte) []byte { return append(b, "7,\"8\n"...) }, says: "is not a row"},
		"another day's row":         {edit: func(rows [][]string) [][]string { rows[5][column(rows, "Stat.date")] = "2016-09-08"; return rows }, says: "and 2016-09-09 was asked for"},
		"a row twice for another":   {edit: func(rows [][]string) [][]string { rows[5] = rows[6]; return rows }, says: "its file has 69"},
		"HTML":                      {alter: text("<!DOCTYPE html><html><body>Service Unavailable</body></html>"), says: "begins with"},
		"XML":                       {alter: text("<?xml version=\"1.0\"?><Error><Code>InternalError</Code></Error>"), says: "begins with"},
		"JSON":                      {alter: text(`{"response":{"status":-1}}`), says: "begins with"},
		"words":                     {alter: text("The report is not ready yet.\n"), says: "none of its columns"},
		"empty":                     {alter: text(""), says: "it is empty"},
		"a blank line":              {alter: text("\n"), says: "not sound"},
		"packed and damaged":        {alter: func(b []byte) []byte { z := gzipped(b); z[len(z)-6] ^= 1; return z }, says: "not sound"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFiled(t)
			want, _ := f.text(f.source(true), fileDay)
			s := f.source(false)
			f.Downloads.Edit(tc.edit)
			f.Downloads.Alter(tc.alter)
			f.said()
			got, _ := f.text(s, fileDay)
			if got != want {
				t.Errorf("other rows than the pages have")
			}
			if said := f.said(); strings.Count(said, "of the report of conversions is not") != 1 || !strings.Contains(said, strings.ReplaceAll(tc.says, `"`, `\"`)) || !strings.Contains(said, "day=2016-09-09") {
				t.Errorf("want %q, said %s", tc.says, said)
			}
			f.Downloads.Edit(nil)
			f.Downloads.Alter(nil)
			next := fileDay.AddDate(0, 0, 1)
			want, _ = f.text(f.source(true), next)
			got, calls := f.text(s, next)
			if got != want || (calls["getDownloadReportLink"] == 0) != (tc.once || strings.Contains(tc.says, "none of its columns")) || f.said() != "" {
				t.Errorf("the day after: %v", calls)
			}
		})
	}
}

// What a file has beyond the question comes with it, or does not matter.
func TestFilesWithMore(t *testing.T) {
	t.Parallel()
	f := newFiled(t)
	s := f.source(false)
	want, _ := f.text(f.source(true), fileDay)
	if got, _ := f.text(s, fileDay); got != want {
		t.Error("other rows")
	}
	for name, alter := range map[string]func([]byte) []byte{
		"gzip":         gzipped,
		"CR LF":        func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) },
		"a mark":       func(b []byte) []byte { return append([]byte("\xef\xbb\xbf"), b...) },
		"column names": func(b []byte) []byte { return bytes.Replace(b, []byte("Offer.name,"), []byte("offer_name,"), 1) },
		"cases":        func(b []byte) []byte { return bytes.Replace(b, []byte("Stat.payout,"), []byte(" stat.PAYOUT,"), 1) },
	} {
		f.Downloads.Alter(alter)
		if got, calls := f.text(s, fileDay); got != want || calls["getDownloadReportLink"] != 1 {
			t.Errorf("%s: %v", name, calls)
		}
	}
	f.Downloads.Alter(nil)
	f.Downloads.Edit(func(rows [][]string) [][]string { // in another order, and one of them twice
		at := column(rows, "Stat.id")
		for i, row := range rows {
			rows[i] = append([]string{row[len(row)-1], "extra", row[at]}, row[:len(row)-1]...)
		}
		rows[0][1] = "Stat.brand_new"
		return rows
	})
	got, calls := f.text(s, fileDay)
	if lines := strings.Split(got, "\n"); !strings.Contains(lines[0], ",Stat.brand_new,") && !strings.HasSuffix(lines[0], ",Stat.brand_new") || strings.Count(got, "extra") != 70 || calls["getDownloadReportLink"] != 1 {
		t.Errorf("%v: %s", calls, lines[0])
	}
	if said := f.said(); strings.Contains(said, "file of the report") {
		t.Error(said)
	}
}

// An account that may not have the file is told so once; one after the other that is of no
// use ends the asking.
func TestFilesRefused(t *testing.T) {
	t.Parallel()
	f := newFiled(t)
	want, _ := f.text(f.source(true), fileDay)
	s := f.source(false)
	f.Access.Forbid("DownloadReport", true)
	for i, links := range []int{1, 0} {
		if got, calls := f.text(s, fileDay); got != want || calls["getDownloadReportLink"] != links {
			t.Errorf("%d: %v", i, calls)
		}
	}
	if said := f.said(); strings.Count(said, "does not give the report of conversions as a file") != 1 {
		t.Error(said)
	}
	f.Access.Forbid("DownloadReport", false)
	s = f.source(false)
	f.Downloads.Alter(func([]byte) []byte { return nil })
	for i, links := range []int{1, 1, 1, 0} {
		if got, calls := f.text(s, fileDay); got != want || (calls["getDownloadReportLink"] > 0) != (links > 0) {
			t.Errorf("%d: %v", i, calls)
		}
	}
	// A file that is sound forgives those before it.
	s = f.source(false)
	for i := range 9 {
		f.Downloads.Alter(nil)
		if i%3 < 2 {
			f.Downloads.Alter(func([]byte) []byte { return []byte("<html>") })
		}
		if got, calls := f.text(s, fileDay); got != want || calls["getDownloadReportLink"] == 0 {
			t.Errorf("%d: %v", i, calls)
		}
	}
	// Credentials that are refused are no matter of the way.
	f.said()
	f.Faults.RevokeToken(true)
	if _, err := s.Open(t.Context(), rawlog.ReportDay(fileDay), 0, ""); err == nil || strings.Contains(f.said(), "reading the day's pages") {
		t.Error(err)
	}
}

// A link that ends in mid-download is replaced, and the download goes on or begins anew.
func TestLinksThatExpire(t *testing.T) {
	t.Parallel()
	f := newFiled(t)
	want, _ := f.text(f.source(true), fileDay)
	s := f.source(false)
	for name, tc := range map[string]struct {
		begin func()
		links int
	}{
		"in mid-download":      {func() { f.Downloads.Halve(1) }, 2},
		"twice":                {func() { f.Downloads.Halve(2) }, 3},
		"before its first use": {func() { f.Faults.ExpireLinks(1) }, 2},
	} {
		tc.begin()
		if got, calls := f.text(s, fileDay); got != want || calls["getDownloadReportLink"] != tc.links || calls["getConversions"] != 1 {
			t.Errorf("%s: %v", name, calls)
		}
	}
	// The new link leads to other bytes: what came by the first is not a part of them.
	f.Downloads.Halve(1)
	n := 0
	f.Downloads.Alter(func(b []byte) []byte {
		if n++; n == 1 {
			return bytes.ReplaceAll(b, []byte("approved"), []byte("rejected"))
		}
		return b
	})
	if got, calls := f.text(s, fileDay); got != want || calls["getDownloadReportLink"] != 2 {
		t.Errorf("other bytes: %v", calls)
	}
	f.Downloads.Alter(nil)
	if said := f.said(); strings.Contains(said, "not sound") {
		t.Error(said)
	}
	// None of them is good.
	f.Faults.ExpireLinks(-1)
	if got, _ := f.text(s, fileDay); got != want || !strings.Contains(f.said(), "403") {
		t.Error("expired links")
	}
}

// A link may lead elsewhere: what listens there hears nothing of our credentials, and what is
// near hears nothing at all.
func TestLinksElsewhere(t *testing.T) {
	t.Parallel()
	f := newFiled(t)
	want, _ := f.text(f.source(true), fileDay)
	var mu sync.Mutex
	var heard []string
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		dump := r.Method + " " + r.URL.String()
		for name, values := range r.Header {
			dump += "\n" + name + ": " + strings.Join(values, ",")
		}
		heard = append(heard, dump)
		if r.URL.Path == "/on" {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, "<html>hello</html>")
	}))
	defer foreign.Close()
	for link, says := range map[string]string{
		foreign.URL + "/x":             "begins with",
		foreign.URL + "/on":            "169.254.169.254, which is never storage",
		"http://169.254.169.254/x":     "169.254.169.254, which is never storage",
		"https://[fd00:ec2::254]/x":    "never storage",
		"file:///etc/passwd":           `the link's scheme is \"file\", not https`,
		"gopher://x/?Signature=CANARY": "scheme",
		"https:///nowhere":             "names no host",
		"\x7f not a link":              "not a URL",
	} {
		f.Downloads.Lead(func(string) string { return link })
		s := f.source(false)
		if got, _ := f.text(s, fileDay); got != want {
			t.Errorf("%q: other rows", link)
		}
		if said := f.said(); !strings.Contains(said, says) || !strings.Contains(said, "reading the day's pages") {
			t.Errorf("%q: %s", link, said)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(heard) == 0 {
		t.Error("the foreign host was not asked")
	}
	for _, dump := range heard {
		if strings.Contains(dump, "CANARY") || strings.Contains(dump, "Referer") || strings.Contains(dump, "Authorization") || strings.Contains(dump, "Cookie") || strings.Contains(dump, f.ID()) {
			t.Errorf("told a foreign host: %s", dump)
		}
	}
}
