package page

import (
	"archive/zip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/folder"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/report"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
	"rawlogs/internal/testkit/pack"
)

const header = "transaction_id,offer_id,datetime\n"

// rig is a network in a folder that says for how long it keeps files.
type rig struct {
	*testing.T
	root string
	keep map[rawlog.Type]int
	st   *store.Store
}

type keeping struct {
	dirs.Source
	keep map[rawlog.Type]int
}

func (k keeping) Retention(context.Context) (map[rawlog.Type]int, error) { return k.keep, nil }

func (r *rig) source() (dirs.Source, error) { return keeping{folder.New(r.root, nil), r.keep}, nil }

// put writes a file of an hour.
func (r *rig) put(typ rawlog.Type, hour time.Time, archive []byte) string {
	r.Helper()
	name := gen.FileName(typ, hour, 7)
	path := filepath.Join(r.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(path, archive, 0o600); err != nil {
		r.Fatal(err)
	}
	return name
}

func (r *rig) text(hour time.Time, rows int, more string) []byte {
	text := header
	for i := range rows {
		text += fmt.Sprintf("%x-%d,%d,%s\n", hour.Unix(), i, i%3+1, hour.Add(time.Duration(i)*time.Second).Format(time.DateTime))
	}
	return pack.ZIP(r.T, zip.Deflate, text+more)
}

func (r *rig) load() {
	r.Helper()
	src, _ := r.source()
	if _, err := pipeline.Run(r.Context(), r.st, src, pipeline.Options{Network: "acme", Parsers: 1}); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) gather(q Question) Network {
	r.Helper()
	d, err := Start(r.Context(), r.st, "1")
	if err != nil {
		r.Fatal(err)
	}
	q.Network = "acme"
	if err := d.Add(r.Context(), r.st, q); err != nil {
		r.Fatal(err)
	}
	if len(d.Warnings) > 0 {
		r.Errorf("warnings: %q", d.Warnings)
	}
	return d.Networks[0]
}

// states are those of a type's hours from one on.
func (n Network) of(typ rawlog.Type, from time.Time, hours int) string {
	c := n.Types[slices.IndexFunc(n.Types, func(c Calendar) bool { return c.Type == string(typ) })]
	var all strings.Builder
	for text := c.States; text != ""; {
		var state byte
		var count int
		rest := 1
		for rest < len(text) && text[rest] >= '0' && text[rest] <= '9' {
			rest++
		}
		_, _ = fmt.Sscanf(text[:rest], "%c%d", &state, &count)
		all.WriteString(strings.Repeat(string(rune(state)), count))
		text = text[rest:]
	}
	at := from.Unix()/hourSeconds - c.First
	return all.String()[at : at+int64(hours)]
}

var morning = time.Date(2016, 9, 9, 0, 0, 0, 0, time.UTC)

func at(hour int) time.Time { return morning.Add(time.Duration(hour) * time.Hour) }

// TestStates brings each state about by loads, and finds it in the data.
func TestStates(t *testing.T) {
	t.Parallel()
	r := &rig{T: t, root: t.TempDir(), keep: map[rawlog.Type]int{rawlog.Conversions: 3}, st: testkit.Database(t)}
	for _, hour := range []int{0, 5, 7} {
		r.put(rawlog.Clicks, at(hour), r.text(at(hour), 20, ""))
	}
	r.put(rawlog.Clicks, at(1), r.text(at(1), 30, "x\n"))
	r.put(rawlog.Clicks, at(2), []byte("no archive at all"))
	gone := r.put(rawlog.Clicks, at(6), []byte("nor this one"))
	r.put(rawlog.Conversions, at(0), r.text(at(0), 3, ""))
	r.load()

	if err := os.Remove(filepath.Join(r.root, gone)); err != nil {
		t.Fatal(err)
	}
	r.put(rawlog.Clicks, at(4), r.text(at(4), 2, "")) // listed, and never loaded
	r.put(rawlog.Conversions, at(3), r.text(at(3), 2, ""))
	if err := r.st.Conn().Exec(t.Context(), "DELETE FROM clicks WHERE _hour = ? AND offer_id = 1", at(5)); err != nil {
		t.Fatal(err)
	}
	now := at(9).Add(20 * time.Minute)
	q := Question{Source: r.source, Now: func() time.Time { return now }}
	n := r.gather(q)
	if got, want := n.of(rawlog.Clicks, morning, 24), "lnfemdgl"+strings.Repeat("p", 16); got != want {
		t.Errorf("clicks: %s; want %s", got, want)
	}
	if got, want := n.of(rawlog.Conversions, morning, 10), "leeseeee"+"pp"; got != want {
		t.Errorf("conversions: %s; want %s", got, want)
	}
	if h := n.Headline; h.Level != "bad" || h.Text != "2 hours are missing, 1 hour failed, 1 will be lost within 7 days" {
		t.Errorf("headline: %+v", h)
	}
	if len(n.Issues) != 3 || n.Source == "" || len(n.Rejected) != 1 || n.Rejected[0].Lines != 1 {
		t.Errorf("%+v, %+v, source %q", n.Issues, n.Rejected, n.Source)
	}
	lines := strings.Split(n.Types[0].Files[0], "\n")
	if want := "5,d,20,13,"; !strings.HasPrefix(lines[3], want) || strings.Contains(lines[3], "/") {
		t.Errorf("line of the hour that lost rows: %s; want %s…", lines[3], want)
	}

	// A file at which a run died is neither missing nor failed.
	if err := r.st.Conn().Exec(t.Context(), "INSERT INTO ingest_files (network, log_type, file, hour, state, version) VALUES ('acme', 'clicks', 'dying', ?, 'loading', 1)", at(8)); err != nil {
		t.Fatal(err)
	}
	if got := r.gather(Question{Now: q.Now}).of(rawlog.Clicks, at(8), 1); got != "w" {
		t.Errorf("while it is loaded: %s; want w", got)
	}
	// Without the source, what it lists and what it deletes is not known.
	q.Source = nil
	if got, want := r.gather(q).of(rawlog.Clicks, morning, 8), "lnfmmdfl"; got != want {
		t.Errorf("offline: %s; want %s", got, want)
	}
	// Long after their retention hours are gone, and a year later nobody waits for more.
	q.Source, now = r.source, at(24*9)
	if got := r.gather(q).of(rawlog.Conversions, morning, 3); got != "lgg" {
		t.Errorf("nine days later: %s; want lgg", got)
	}
	q.Now = func() time.Time { return at(24 * 500) }
	if n := r.gather(q); n.Types[0].First+int64(len(n.of(rawlog.Clicks, morning, 8))) != at(8).Unix()/hourSeconds {
		t.Errorf("500 days later: %+v", n.Types[0])
	}
}

// TestReportDisagrees: a kept report of the network marks its hours, in the network's days.
func TestReportDisagrees(t *testing.T) {
	t.Parallel()
	r := &rig{T: t, root: t.TempDir(), st: testkit.Database(t)}
	for hour := range 4 {
		r.put(rawlog.Clicks, at(hour), r.text(at(hour), 10, ""))
	}
	r.load()
	question, err := report.Question{Fields: []string{"Stat.gross_clicks"}, Groups: []string{"Stat.hour"}}.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	answer := report.Answer{From: morning, To: morning.AddDate(0, 0, 1)}
	for hour, clicks := range []string{"10", "10", "12", "10"} {
		answer.Rows = append(answer.Rows, report.Row{"Stat.date": "2016-09-09", "Stat.hour": fmt.Sprint(hour), "Stat.gross_clicks": clicks})
	}
	if err := report.Open(r.st, "acme").Put(t.Context(), question, answer); err != nil {
		t.Fatal(err)
	}
	n := r.gather(Question{Now: func() time.Time { return at(200) }})
	if got := n.of(rawlog.Clicks, morning, 4); got != "lldl" {
		t.Errorf("clicks: %s; want lldl", got)
	}
	if got := n.Types[0].Report; len(got) != 1 || !got[0].Differs || got[0].Network != 42 || got[0].Store != 40 || len(got[0].Hours) != 1 {
		t.Errorf("report: %+v", got)
	}
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	n = r.gather(Question{Zones: rawlog.InZone(prague), Now: func() time.Time { return at(200) }})
	if n.Zone.Name != "Europe/Prague" || len(n.Zone.From) != 1 || n.Zone.From[0][1] != 120 {
		t.Errorf("zone: %+v", n.Zone)
	}
}

func TestShortNames(t *testing.T) {
	t.Parallel()
	hour := morning.Unix() / hourSeconds
	for name, want := range map[string]string{
		"20160909/clicks-1473379200-SlY9UO.zip": "SlY9UO",
		"20160910/clicks-1473379200-SlY9UO.zip": "/20160910/clicks-1473379200-SlY9UO.zip",
		"20160909/clicks_20160909":              "/20160909/clicks_20160909",
		"20160909/clicks-1473379200-.zip":       "/20160909/clicks-1473379200-.zip",
	} {
		if got := short(name, "clicks", hour); got != want {
			t.Errorf("%s is %s; want %s", name, got, want)
		}
	}
}

// TestBounded: questions about raw tables end by themselves.
func TestBounded(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	limits, err := limit(t.Context(), st)
	if err != nil {
		t.Fatal(err)
	}
	var seconds, memory uint64
	err = st.Conn().QueryRow(bounded(t.Context(), limits), "SELECT toUInt64(getSetting('max_execution_time')), toUInt64(getSetting('max_memory_usage'))").Scan(&seconds, &memory)
	if err != nil || seconds != 20 || memory != stepMemory {
		t.Errorf("%d s, %d bytes, %v", seconds, memory, err)
	}
}
