// Package asked reads what the project tells analysts to ask: the queries of its documents,
// and those of its dashboards as Grafana's plugin sends them.
package asked

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Question is one statement and what it is known by.
type Question struct{ Name, SQL string }

var block = regexp.MustCompile("(?s)([^\n]*)\n\n```sql\n(.*?)```")

// Document reads the SQL of a Markdown file. A query's name is the end of the paragraph
// before it.
func Document(path string) ([]Question, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out []Question
	for _, m := range block.FindAllStringSubmatch(string(text), -1) {
		out = append(out, Question{strings.Trim(strings.TrimSpace(m[1]), ":."), strings.TrimSpace(m[2])})
	}
	if len(out) != strings.Count(string(text), "```sql\n") {
		return nil, fmt.Errorf("%s: %d queries have a paragraph before them, of %d", path, len(out), strings.Count(string(text), "```sql\n"))
	}
	return out, nil
}

// Choice is what somebody looks at on a dashboard: a time, and values of its variables, by
// name; none is all.
type Choice struct {
	From, To  time.Time
	Variables map[string][]string
}

// Dashboards reads the panels and variables of a folder of dashboards.
func Dashboards(folder string, c Choice) ([]Question, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	var out []Question
	for _, path := range files {
		var board struct {
			Title      string
			Templating struct {
				List []struct{ Name, Type, Query string }
			}
			Panels []struct {
				Title   string
				Targets []struct{ RefID, RawSQL string }
			}
		}
		var text []byte
		if text, err = os.ReadFile(path); err == nil {
			err = json.Unmarshal(text, &board)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for _, v := range board.Templating.List {
			if v.Type == "query" {
				out = append(out, Question{board.Title + ", list of " + v.Name, v.Query})
			}
		}
		for _, p := range board.Panels {
			for _, t := range p.Targets {
				if t.RawSQL != "" {
					out = append(out, Question{board.Title + ", " + p.Title, t.RawSQL})
				}
			}
		}
	}
	for i := range out {
		if out[i].SQL, err = c.Expand(out[i].SQL); err != nil {
			return nil, fmt.Errorf("%s: %w", out[i].Name, err)
		}
	}
	return out, nil
}

var (
	conditionalAll = regexp.MustCompile(`\$__conditionalAll\(`)
	timeFilter     = regexp.MustCompile(`\$__timeFilter\(((?:[^()]|\([^()]*\))+)\)`)
	quoted         = regexp.MustCompile(`\$\{(\w+):singlequote\}`)
)

// Expand is SQL as the plugin sends it. A macro or variable that it does not know is an error.
func (c Choice) Expand(sql string) (string, error) {
	for {
		at := conditionalAll.FindStringIndex(sql)
		if at == nil {
			break
		}
		comma, end := arguments(sql, at[1])
		if comma == 0 {
			return "", fmt.Errorf("$__conditionalAll wants a condition and a variable in\n%s", sql)
		}
		name, known := strings.CutPrefix(strings.TrimSpace(sql[comma+1:end]), "$")
		if !known || !strings.Contains(sql[at[1]:comma], "${"+name+":singlequote}") {
			return "", fmt.Errorf("$__conditionalAll is about another variable than its condition in\n%s", sql)
		}
		condition := sql[at[1]:comma]
		if len(c.Variables[name]) == 0 {
			condition = "1=1"
		}
		sql = sql[:at[0]] + condition + sql[end+1:]
	}
	second := func(t time.Time) string { return "toDateTime(" + strconv.FormatInt(t.Unix(), 10) + ")" }
	sql = timeFilter.ReplaceAllString(sql, "$1 >= "+second(c.From)+" AND $1 <= "+second(c.To))
	sql = strings.NewReplacer("$__fromTime", second(c.From), "$__toTime", second(c.To)).Replace(sql)
	sql = quoted.ReplaceAllStringFunc(sql, func(ref string) string {
		return "'" + strings.Join(c.Variables[quoted.FindStringSubmatch(ref)[1]], "','") + "'"
	})
	if strings.Contains(sql, "$") {
		return "", fmt.Errorf("a macro or variable is not known of\n%s", sql)
	}
	return sql, nil
}

// arguments finds the last comma between two arguments of a macro that begin at an index,
// and the parenthesis behind them; 0 where there is no comma.
func arguments(sql string, from int) (comma, end int) {
	for i, depth := from, 1; i < len(sql) && depth > 0; i++ {
		switch c := sql[i]; {
		case c == '(' || c == '{' || c == '[':
			depth++
		case c == ')' || c == '}' || c == ']':
			depth--
		case c == ',' && depth == 1:
			comma = i
		}
		end = i
	}
	return comma, end
}
