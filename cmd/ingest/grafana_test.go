package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"rawlogs/internal/engine"
	"rawlogs/internal/testkit/asked"
	"rawlogs/internal/testkit/overhttp"
)

const grafanaFolder = "../../contrib/grafana"

// dashboard is what of a dashboard's JSON this test reads.
type dashboard struct {
	UID, Title, Refresh string
	SchemaVersion       int
	Time                struct{ From, To string }
	Templating          struct{ List []variable }
	Panels              []panel
}

type variable struct {
	Name, Label, Type, Query string
	Datasource               sourceRef
	Multi, IncludeAll        bool
}

type panel struct {
	ID          int
	Type, Title string
	Datasource  sourceRef
	GridPos     struct{ X, Y, W, H int }
	FieldConfig struct {
		Defaults struct {
			Unit   string
			Min    *float64
			Custom struct {
				DrawStyle string
				Stacking  struct{ Mode string }
			}
		}
		Overrides []struct {
			Matcher    struct{ ID, Options string }
			Properties []struct {
				ID    string
				Value any
			}
		}
	}
	Targets []struct {
		RefID, RawSQL, QueryType string
		Datasource               sourceRef
	}
}

type sourceRef struct{ Type, UID string }

// grafanaPassword is of the user that addReader makes.
const grafanaPassword = "only-for-tests"

var readerSetting = regexp.MustCompile(`(\w+) = '?(\w+)'?(?: MIN (\d+))?(?: MAX (\d+))?( READONLY)?`)

// addReader adds the user grafana of `ingest schema reader` to the embedded store
// that is to be started in a folder. That one has no users but those of its
// files, so the rights and limits that are printed are put into one of these.
func addReader(t *testing.T, path string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run([]string{"schema", "reader", "grafana", "--store", "embedded:" + path}, nil, &stdout, &stderr, os.Getenv); status != exitDone {
		t.Fatalf("schema reader: %s", &stderr)
	}
	var settings, constraints, grants strings.Builder
	for line := range strings.Lines(stdout.String()) {
		if _, list, ok := strings.Cut(line, " SETTINGS "); ok {
			for _, s := range readerSetting.FindAllStringSubmatch(list, -1) {
				settings.WriteString("<" + s[1] + ">" + s[2] + "</" + s[1] + ">")
				if s[5] != "" {
					constraints.WriteString("<" + s[1] + "><const/></" + s[1] + ">")
				} else if s[3] != "" {
					constraints.WriteString("<" + s[1] + "><min>" + s[3] + "</min><max>" + s[4] + "</max></" + s[1] + ">")
				}
			}
		}
		if grant, ok := strings.CutSuffix(line, " TO `grafana_role`;\n"); ok {
			grants.WriteString("<query>" + grant + "</query>")
		}
	}
	if grants.Len() == 0 || constraints.Len() == 0 {
		t.Fatalf("no rights or no limits in\n%s", &stdout)
	}
	text := "<clickhouse><profiles><grafana>" + settings.String() + "<constraints>" + constraints.String() + "</constraints></grafana></profiles>" +
		"<users><grafana><password>" + grafanaPassword + "</password><networks><ip>127.0.0.1</ip></networks><profile>grafana</profile><quota>default</quota>" +
		"<grants>" + grants.String() + "</grants></grafana></users></clickhouse>"
	folder := filepath.Join(path, "users.d")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "grafana.xml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// query is the answer to a statement, tab-separated with a line of names before
// it, or the server's error, which begins with "Code: ".
func query(t *testing.T, ep engine.Endpoint, statement string) string {
	t.Helper()
	server := overhttp.Server{Addr: ep.HTTPAddr, User: ep.User, Password: ep.Password, Database: ep.Database, Format: "TabSeparatedWithNames"}
	return server.Ask(t, statement)
}

// cells are the rows of a query without the line of names.
func cells(t *testing.T, ep engine.Endpoint, statement string) [][]string {
	t.Helper()
	text := query(t, ep, statement)
	if strings.Contains(text, "Code: ") {
		t.Fatalf("%s\n%s", text, statement)
	}
	var rows [][]string
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if i > 0 {
			rows = append(rows, strings.Split(line, "\t"))
		}
	}
	return rows
}

// expanded is SQL as the plugin sends it for a choice of variables (none: All)
// and the years from 2016 until now.
func expanded(t *testing.T, sql string, choice map[string][]string) string {
	t.Helper()
	return expandedFrom(t, time.Unix(1451606400, 0), sql, choice)
}

// expandedFrom is SQL as expanded has it, from a time on.
func expandedFrom(t *testing.T, from time.Time, sql string, choice map[string][]string) string {
	t.Helper()
	sql, err := asked.Choice{From: from, To: time.Now().Add(time.Minute), Variables: choice}.Expand(sql)
	if err != nil {
		t.Fatal(err)
	}
	return sql
}

// documented is the SQL of a document, which has some.
func documented(t *testing.T, page string) (queries []string) {
	t.Helper()
	questions, err := asked.Document(filepath.Join("../../docs", page))
	if err != nil || len(questions) == 0 {
		t.Fatalf("%s has %d queries: %v", page, len(questions), err)
	}
	for _, q := range questions {
		queries = append(queries, q.SQL)
	}
	return queries
}

// dashboards checks what contrib/grafana provisions, and runs all SQL of it as
// the user whom `ingest schema reader` makes, in a store of two networks, acme
// and beta, that share every id.
func dashboards(t *testing.T, e *engine.Engine) {
	owner := e.Endpoint()
	reader := owner
	reader.User, reader.Password = "grafana", grafanaPassword
	source := provisioned(t)
	files, err := filepath.Glob(grafanaFolder + "/dashboards/*.json")
	if err != nil || len(files) != 2 {
		t.Fatalf("dashboards %v, %v", files, err)
	}
	boards := map[string]*dashboard{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		boards[filepath.Base(file)] = &d
		d.check(t, source)
		d.answer(t, reader)
	}
	traffic := boards["traffic.json"]
	traffic.apart(t, reader, owner)
	traffic.rolledUp(t, owner)
	traffic.named(t, reader, owner)
	onlyReads(t, reader)
}

// provisioned reads the files that Grafana is configured by, and returns the
// data source that they define.
func provisioned(t *testing.T) sourceRef {
	t.Helper()
	var sources struct {
		Datasources []struct {
			sourceRef      `yaml:",inline"`
			JSONData       map[string]string `yaml:"jsonData"`
			SecureJSONData map[string]string `yaml:"secureJsonData"`
		}
	}
	var boards struct {
		Providers []struct {
			Type    string
			Options struct{ Path string }
		}
	}
	for name, to := range map[string]any{"datasources": &sources, "dashboards": &boards} {
		text, err := os.ReadFile(filepath.Join(grafanaFolder, "provisioning", name, "rawlogs.yml"))
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, to); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if len(sources.Datasources) != 1 || len(boards.Providers) != 1 || boards.Providers[0].Type != "file" || !filepath.IsAbs(boards.Providers[0].Options.Path) {
		t.Fatalf("provisioned are %+v and %+v", sources, boards)
	}
	source := sources.Datasources[0]
	if source.UID == "" || source.Type != "grafana-clickhouse-datasource" {
		t.Errorf("the source is %+v", source.sourceRef)
	}
	docs, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{source.JSONData["host"], source.JSONData["port"], source.JSONData["defaultDatabase"], source.JSONData["username"], source.SecureJSONData["password"]} {
		if name, ok := strings.CutPrefix(value, "$"); !ok || !strings.Contains(string(docs), name) {
			t.Errorf("%q is no variable of the environment that docs/operations.md tells", value)
		}
	}
	return source.sourceRef
}

// check is about what Grafana needs to show a dashboard.
func (d *dashboard) check(t *testing.T, source sourceRef) {
	t.Helper()
	if d.UID == "" || d.Title == "" || d.Refresh == "" || d.Time.From == "" || d.Time.To == "" || d.SchemaVersion < 36 {
		t.Errorf("%s: uid, title, refresh, time or schemaVersion is missing", d.Title)
	}
	ids := map[int]bool{}
	type place struct{ x, y int }
	taken := map[place]string{}
	for _, p := range d.Panels {
		if p.ID == 0 || ids[p.ID] || p.Title == "" {
			t.Errorf("%s: panel %q: no id %d of its own, or no title", d.Title, p.Title, p.ID)
		}
		ids[p.ID] = true
		g := p.GridPos
		if g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > 24 {
			t.Errorf("%s: panel %q lies at %+v", d.Title, p.Title, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other := taken[place{x, y}]; other != "" {
					t.Fatalf("%s: panels %q and %q overlap", d.Title, p.Title, other)
				}
				taken[place{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.FieldConfig.Defaults.Unit == "" || p.Datasource != source || len(p.Targets) != 1 || p.Targets[0].Datasource != source || p.Targets[0].RefID == "" {
			t.Errorf("%s: panel %q: no unit, another data source, or not one query", d.Title, p.Title)
		}
		p.read(t, d.Title)
	}
	for _, v := range d.Templating.List {
		if v.Type != "query" || v.Label == "" || v.Datasource != source || !v.Multi || !v.IncludeAll {
			t.Errorf("%s: variable %+v", d.Title, v)
		}
	}
}

// read is about what was misread in pictures of the panels: a unit is applied to
// texts of digits, too ("11.1 K" for the network 11111); bars that do not begin at
// zero; sums of money piled on one another, as if they were of one currency.
func (p *panel) read(t *testing.T, board string) {
	t.Helper()
	defaults, texts := p.FieldConfig.Defaults, false
	for _, o := range p.FieldConfig.Overrides {
		texts = texts || o.Matcher.ID == "byType" && o.Matcher.Options == "string" && len(o.Properties) == 1 && o.Properties[0].ID == "unit" && o.Properties[0].Value == "string"
	}
	if (p.Type == "stat" || p.Type == "table") && !texts {
		t.Errorf("%s: panel %q would show a network's id as a number", board, p.Title)
	}
	if p.Type == "timeseries" && (defaults.Min == nil || *defaults.Min != 0) {
		t.Errorf("%s: panel %q has an axis that may begin anywhere", board, p.Title)
	}
	if strings.Contains(p.Targets[0].RawSQL, "currency") && defaults.Custom.Stacking.Mode == "normal" {
		t.Errorf("%s: panel %q piles up currencies", board, p.Title)
	}
}

// answer runs the SQL of all variables and panels: with All, then with the first
// value of each variable.
func (d *dashboard) answer(t *testing.T, reader engine.Endpoint) {
	t.Helper()
	choice := map[string][]string{}
	for _, v := range d.Templating.List {
		rows := cells(t, reader, expanded(t, v.Query, choice))
		if len(rows) == 0 {
			t.Fatalf("%s: no choice by\n%s", d.Title, v.Query)
		}
		choice[v.Name] = []string{rows[0][0]}
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all := choice
			if !strings.Contains(target.RawSQL, "FROM ingest_metrics") { // half a second each over these ten years, and once is enough
				all = nil
			}
			text := query(t, reader, expanded(t, target.RawSQL, all))
			switch {
			case strings.Contains(text, "Code: "):
				t.Errorf("%s: panel %q: %s", d.Title, p.Title, text)
			case strings.Count(text, "\n") < 2:
				t.Errorf("%s: panel %q shows nothing", d.Title, p.Title)
			case target.QueryType == "timeseries" && !strings.HasPrefix(text, "time\tseries\t"):
				t.Errorf("%s: panel %q has no time, series and value", d.Title, p.Title)
			}
			if all == nil {
				text = query(t, reader, expanded(t, target.RawSQL, choice))
			}
			if strings.Contains(text, "beta") || strings.Contains(text, "Code: ") {
				t.Errorf("%s: panel %q shows more than acme, which was chosen: %s", d.Title, p.Title, text)
			}
		}
	}
}

// sql is that of a panel.
func (d *dashboard) sql(t *testing.T, title string) string {
	t.Helper()
	for _, p := range d.Panels {
		if p.Title == title {
			return p.Targets[0].RawSQL
		}
	}
	t.Fatalf("%s has no panel %q", d.Title, title)
	return ""
}

// apart compares numbers with those of the tables, network by network, where
// both have the ids.
func (d *dashboard) apart(t *testing.T, reader, owner engine.Endpoint) {
	t.Helper()
	for title, want := range map[string]string{
		"Clicks":           "SELECT network, count() FROM clicks GROUP BY network ORDER BY network",
		"Conversions":      "SELECT network, count() FROM conversions GROUP BY network ORDER BY network",
		"Clicks by day":    "SELECT toStartOfDay(datetime) AS day, network, count() FROM clicks GROUP BY day, network ORDER BY day, network",
		"Traffic by offer": "SELECT network, concat('#', toString(offer_id)) AS offer, count() AS n FROM clicks GROUP BY network, offer_id HAVING n > 5",
		"Revenue": "SELECT concat(network, ' ', currency) AS s, toFloat64(sum(r)) / 100 FROM (" +
			"SELECT network, currency, revenue_cents AS r FROM clicks WHERE revenue_cents != 0 UNION ALL SELECT network, currency, revenue_cents FROM impressions WHERE revenue_cents != 0" +
			" UNION ALL SELECT network, currency, revenue_cents FROM conversions WHERE status = 'approved' AND (revenue_cents != 0 OR payout_cents != 0)) GROUP BY s ORDER BY s",
	} {
		got, direct := cells(t, reader, expanded(t, d.sql(t, title), nil)), cells(t, owner, want)
		if title == "Traffic by offer" { // it has more columns, another order, and only the first 500
			for i, row := range got {
				got[i] = []string{row[0], row[1], row[3]}
			}
			got = slices.DeleteFunc(got, func(row []string) bool { n, err := strconv.Atoi(row[2]); return err != nil || n <= 5 })
			slices.SortFunc(got, slices.Compare)
			slices.SortFunc(direct, slices.Compare)
		}
		if !slices.EqualFunc(got, direct, slices.Equal) {
			t.Errorf("panel %q shows\n%.999v\nand the tables hold\n%.999v", title, got, direct)
		}
	}
	// An offer of one network is none of another's with its id.
	offer := cells(t, owner, "SELECT offer_id, countIf(network = 'acme') AS acme, countIf(network = 'beta') AS beta FROM clicks GROUP BY offer_id ORDER BY acme DESC LIMIT 1")[0]
	if offer[2] == "0" {
		t.Fatal("the networks share no offer")
	}
	if got := cells(t, reader, expanded(t, d.sql(t, "Clicks"), map[string][]string{"offer": {"acme/" + offer[0]}})); len(got) != 1 || got[0][0] != "acme" || got[0][1] != offer[1] {
		t.Errorf("clicks of acme's offer %v are shown as %v", offer, got)
	}
}

// named has a name for one network's offer, which only that one's rows show.
func (d *dashboard) named(t *testing.T, reader, owner engine.Endpoint) {
	t.Helper()
	offer := cells(t, owner, "SELECT offer_id FROM clicks WHERE network = 'beta' GROUP BY offer_id ORDER BY count() DESC LIMIT 1")[0][0]
	if got := query(t, owner, "INSERT INTO dim_offers (network, id, name, valid_from) VALUES ('acme', "+offer+", 'Shoes', now64(3))"); got != "" {
		t.Fatal(got)
	}
	name := "Shoes (" + offer + ")"
	for _, title := range []string{"Traffic by offer", "Money by offer"} {
		shown := map[string]bool{}
		for _, row := range cells(t, reader, expanded(t, d.sql(t, title), nil)) {
			shown[row[0]+" "+row[1]] = true
		}
		if title == "Traffic by offer" && (!shown["acme "+name] || !shown["beta #"+offer]) || shown["beta "+name] || shown["acme #"+offer] {
			t.Errorf("panel %q does not show %s for acme alone: %v", title, name, shown)
		}
	}
	if got := query(t, owner, "TRUNCATE TABLE dim_offers"); got != "" {
		t.Fatal(got)
	}
}

// onlyReads has the reader do what it may, and what it may not.
func onlyReads(t *testing.T, reader engine.Endpoint) {
	t.Helper()
	for _, view := range []string{"ingest_metrics", "ingest_runs_current", "ingest_files_current", "conversions_current", "clicks", "system.parts"} {
		if rows := cells(t, reader, "SELECT * FROM "+view+" LIMIT 3"); len(rows) == 0 {
			t.Errorf("the reader sees nothing of %s", view)
		}
	}
	for _, statement := range []string{
		"INSERT INTO rejected_rows (network) VALUES ('x')", "CREATE TABLE x (n UInt8) ENGINE = Memory", "CREATE USER x", "ALTER TABLE clicks DELETE WHERE 1",
		"ALTER TABLE clicks ADD COLUMN x UInt8", "ALTER USER grafana SETTINGS readonly = 0", "TRUNCATE TABLE clicks", "DROP TABLE clicks", "OPTIMIZE TABLE clicks",
		"SELECT * FROM url('http://127.0.0.1:1/', LineAsString)", "SELECT * FROM system.query_log",
	} {
		if got := query(t, reader, statement); !strings.Contains(got, "Code: 497") {
			t.Errorf("%s: %q", statement, got)
		}
	}
}
