package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"rawlogs/internal/engine"
)

const dbtFolder = "../../contrib/dbt"

// dbtProject is what of a dbt package this test reads; a field that it does not know fails.
type dbtProject struct {
	Name, Profile string
	Version       string
	ConfigVersion int      `yaml:"config-version"`
	Require       []string `yaml:"require-dbt-version"`
	ModelPaths    []string `yaml:"model-paths"`
	TestPaths     []string `yaml:"test-paths"`
	Vars          map[string]string
	Models        map[string]map[string]struct {
		Materialized string `yaml:"+materialized"`
	}

	tables map[string]bool        // of the source
	fresh  map[string]string      // a table's question of freshness
	schema string                 // of the source, a template
	docs   map[string][]dbtColumn // by model
	sql    map[string]string      // of models and tests, by name
	kind   map[string]string      // of models: view or table
}

type dbtColumn struct {
	Name, Description string
	DataTests         []string `yaml:"data_tests"`
}

// dbtYAML is a properties file.
type dbtYAML struct {
	Version int
	Sources []struct {
		Name, Description, Schema string
		Tables                    []struct {
			Name, Description string
			Config            struct {
				LoadedAt  string `yaml:"loaded_at_field"`
				Freshness struct {
					WarnAfter  map[string]string `yaml:"warn_after"`
					ErrorAfter map[string]string `yaml:"error_after"`
					Filter     string
				}
			}
		}
	}
	Models []struct {
		Name, Description string
		Columns           []dbtColumn
	}
}

func strictYAML(t *testing.T, path string, to any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	if err := d.Decode(to); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func readDBT(t *testing.T) *dbtProject {
	t.Helper()
	p := &dbtProject{tables: map[string]bool{}, fresh: map[string]string{}, docs: map[string][]dbtColumn{}, sql: map[string]string{}, kind: map[string]string{}}
	strictYAML(t, filepath.Join(dbtFolder, "dbt_project.yml"), p)
	if p.Name != "rawlogs" || p.ConfigVersion != 2 || len(p.Require) != 2 || !slices.Equal(append(p.ModelPaths, p.TestPaths...), []string{"models", "tests"}) {
		t.Fatalf("%+v", p)
	}
	files, err := filepath.Glob(dbtFolder + "/*/*")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(dbtFolder + "/models/*/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(files, more...) {
		name, isSQL := strings.CutSuffix(filepath.Base(path), ".sql")
		switch {
		case isSQL:
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			p.sql[name] = string(text)
			if folder := filepath.Base(filepath.Dir(path)); folder != "tests" {
				p.kind[name] = p.Models[p.Name][folder].Materialized
			}
		case strings.HasSuffix(path, ".yml"):
			var y dbtYAML
			strictYAML(t, path, &y)
			p.properties(t, path, y)
		}
	}
	for name := range p.kind {
		if len(p.docs[name]) == 0 {
			t.Errorf("%s: no column is described", name)
		}
	}
	return p
}

// properties takes a properties file in.
func (p *dbtProject) properties(t *testing.T, path string, y dbtYAML) {
	t.Helper()
	for _, s := range y.Sources {
		if s.Name != "rawlogs" || s.Description == "" {
			t.Errorf("%s: source %q", path, s.Name)
		}
		p.schema = s.Schema
		for _, table := range s.Tables {
			p.tables[table.Name] = true
			if c := table.Config; c.LoadedAt != "" {
				p.fresh[table.Name] = fmt.Sprintf("select max(%s) as max_loaded_at, now() as snapshotted_at from {{ source('rawlogs', '%s') }} where %s", c.LoadedAt, table.Name, c.Freshness.Filter)
			}
		}
	}
	for _, m := range y.Models {
		p.docs[m.Name] = m.Columns
		for _, c := range m.Columns {
			if m.Description == "" || c.Description == "" {
				t.Errorf("%s: %s.%s is not described", path, m.Name, c.Name)
			}
		}
	}
}

var (
	dbtTag    = regexp.MustCompile(`\{[{%#]\s*(.*?)\s*[}%#]\}`)
	dbtCall   = regexp.MustCompile(`^(source|ref|var|config)\((.*)\)$`)
	dbtEngine = regexp.MustCompile(`engine='([^']+)'`)
	dbtOrder  = regexp.MustCompile(`order_by=\[([^\]]+)\]`)
)

// render is a template's SQL, and which models it asks. Of Jinja it knows what the package
// uses, and nothing else may be there.
func (p *dbtProject) render(t *testing.T, name, template string, vars map[string]string) (sql, settings string, refs []string) {
	t.Helper()
	sql = dbtTag.ReplaceAllStringFunc(template, func(tag string) string {
		call := dbtCall.FindStringSubmatch(dbtTag.FindStringSubmatch(tag)[1])
		if call == nil || !strings.HasPrefix(tag, "{{") {
			t.Fatalf("%s: the test does not know %s", name, tag)
		}
		args := strings.Split(strings.ReplaceAll(call[2], "'", ""), ", ")
		switch call[1] {
		case "source":
			if len(args) != 2 || args[0] != "rawlogs" || !p.tables[args[1]] {
				t.Fatalf("%s: no source %s", name, call[2])
			}
			schema, _, _ := p.render(t, "sources.yml", p.schema, vars)
			return "`" + schema + "`.`" + args[1] + "`"
		case "ref":
			if p.kind[args[0]] == "" {
				t.Fatalf("%s: no model %s", name, call[2])
			}
			refs = append(refs, args[0])
			return "`dbt_built`.`" + args[0] + "`"
		case "var":
			value, own := vars[args[0]]
			if !own {
				value = p.Vars[args[0]]
			}
			if value == "" {
				t.Fatalf("%s: no variable %s", name, call[2])
			}
			return value
		}
		engine, order := dbtEngine.FindStringSubmatch(call[2]), dbtOrder.FindStringSubmatch(call[2])
		if engine == nil || order == nil {
			t.Fatalf("%s: the test does not know %s", name, tag)
		}
		settings = "engine = " + engine[1] + " order by (" + strings.ReplaceAll(order[1], "'", "") + ")"
		return ""
	})
	return sql, settings, refs
}

// dbtPackage builds the models of contrib/dbt as dbt would, on the store of TestCookbook,
// and runs its tests: they find nothing there, and just what is wrong in a copy that was
// tampered with.
func dbtPackage(t *testing.T, e *engine.Engine) {
	ep := e.Endpoint()
	p := readDBT(t)
	do := func(statement string) {
		t.Helper()
		if answer := query(t, ep, statement); answer != "" {
			t.Fatalf("%s\n%s", answer, statement)
		}
	}
	do("create database dbt_built")
	defer do("drop database dbt_built")
	built := map[string]bool{}
	for len(built) < len(p.kind) {
		before := len(built)
		for _, name := range slices.Sorted(maps.Keys(p.kind)) {
			sql, settings, refs := p.render(t, name, p.sql[name], nil)
			if built[name] || slices.ContainsFunc(refs, func(ref string) bool { return !built[ref] }) {
				continue
			}
			do("create " + p.kind[name] + " dbt_built." + name + " " + settings + " as (\n" + sql + "\n)")
			built[name] = true
			p.described(t, ep, name)
		}
		if len(built) == before {
			t.Fatalf("models refer to each other in a circle; built are %v", built)
		}
	}
	if len(built) != 7 || len(p.fresh) != 1 {
		t.Errorf("built %v; questions of freshness %v", built, p.fresh)
	}
	for table, question := range p.fresh {
		sql, _, _ := p.render(t, table, question, nil)
		if got := cells(t, ep, sql); len(got) != 1 || got[0][0] != "2016-09-10 11:00:00" {
			t.Errorf("freshness of %s: %v", table, got)
		}
	}
	for mart, raw := range map[string]string{
		"sum(impressions)": "(select count() from impressions where network = n)",
		"sum(clicks)":      "(select count() from clicks where network = n)",
		"sum(conversions)": "(select sum(conversions) from performance where network = n)",
	} {
		for _, network := range []string{"acme", "beta"} {
			got := cells(t, ep, "with '"+network+"' as n select "+mart+" as m, "+raw+" as r, m > 0 and m = r from dbt_built.rawlogs_daily where network = n")
			if got[0][2] != "1" {
				t.Errorf("%s of %s: %v", mart, network, got)
			}
		}
	}
	money := func(table string) string { // no conversion has changed since it was logged
		return fmt.Sprint(cells(t, ep, "select network, currency, sum(revenue), sum(payout) from "+table+" group by network, currency having sum(revenue) != 0 order by network, currency"))
	}
	if got, want := money("dbt_built.rawlogs_daily"), money("performance"); got != want || strings.Count(got, "USD") != 2 {
		t.Errorf("money: %v, want %v", got, want)
	}
	p.finds(t, ep, do)
}

// described compares a model with what its file of properties says.
func (p *dbtProject) described(t *testing.T, ep engine.Endpoint, name string) {
	t.Helper()
	var said, nulls []string
	for _, c := range p.docs[name] {
		said = append(said, c.Name)
		for _, test := range c.DataTests {
			if test != "not_null" {
				t.Fatalf("%s.%s: the test does not know %s", name, c.Name, test)
			}
			nulls = append(nulls, "countIf("+c.Name+" is null)")
		}
	}
	var columns []string
	for _, row := range cells(t, ep, "describe table dbt_built."+name) {
		columns = append(columns, row[0])
	}
	if !slices.Equal(said, columns) {
		t.Errorf("%s has the columns %v; described are %v", name, columns, said)
	}
	got := cells(t, ep, "select count() > 0, "+strings.Join(nulls, " + ")+" from dbt_built."+name)
	dims := name == "stg_rawlogs__offers" || name == "stg_rawlogs__affiliates" // these networks have no API
	if len(nulls) == 0 || got[0][1] != "0" || got[0][0] != "1" && !dims {
		t.Errorf("%s: rows, nulls: %v", name, got)
	}
}

// finds runs the tests of the package on the store and on one that was tampered with.
func (p *dbtProject) finds(t *testing.T, ep engine.Endpoint, do func(string)) {
	t.Helper()
	do("create database dbt_broken")
	defer do("drop database dbt_broken")
	first := func(table string) string { return "(_file, _line) = (select min((_file, _line)) from " + table + ")" }
	for table, sql := range map[string]string{
		"clicks":      "select * from rawlogs.clicks where not " + first("rawlogs.clicks"),
		"conversions": "select * from rawlogs.conversions union all select * from rawlogs.conversions where " + first("rawlogs.conversions") + " and network = 'beta'",
		"impressions": "select * replace (if(" + first("rawlogs.impressions") + ", 'gone.zip', _file) as _file) from rawlogs.impressions",
	} {
		do("create view dbt_broken." + table + " as " + sql)
	}
	all := fmt.Sprint(int(time.Since(time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)).Hours() / 24))
	tests := map[string]string{ // both networks have the same files
		"rows_are_those_of_the_ledger": "acme clicks,acme impressions,acme impressions,beta clicks,beta conversions,beta impressions,beta impressions",
		"no_line_is_there_twice":       "beta conversions",
	}
	for name, want := range tests {
		for database, wanted := range map[string]string{"rawlogs": "", "dbt_broken": want} {
			sql, _, _ := p.render(t, name, p.sql[name], map[string]string{"rawlogs_database": database, "rawlogs_days": all})
			var found []string
			for _, row := range cells(t, ep, "select network, log_type from (\n"+sql+"\n) as dbt_internal_test order by network, log_type") {
				found = append(found, strings.Join(row, " "))
			}
			if got := strings.Join(found, ","); got != wanted {
				t.Errorf("%s of %s finds %q, want %q", name, database, got, wanted)
			}
		}
	}
	if len(p.sql) != len(p.kind)+len(tests) {
		t.Errorf("tests that are not run: %v", slices.Sorted(maps.Keys(p.sql)))
	}
}
