package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/schema"
)

// Roll-ups are aggregate projections: the server writes them with each part, sums them
// anew where a deletion marks rows of it, and drops them with it. No step of a load knows
// of them, only of the mode of the table in which that is so (Shape.clauses); in the default
// one the server refuses to mark rows.
//
// In a wide part in which rows are marked as deleted, MATERIALIZE PROJECTION, and an UPDATE of
// a column that is summed, count these again (seen with 26.7). Nothing here does either: parts
// of before get their roll-ups when they are merged. DifferentRollUps finds it, a merge mends it.
//
// A normal projection is not summed anew, and goes on answering with rows that are only
// marked: see normalProjections.

// declaredRollUps are the schema's, by table.
var declaredRollUps = sync.OnceValues(func() (map[string][]schema.RollUp, error) {
	statements, err := single.statements("any")
	out := map[string][]schema.RollUp{}
	for _, st := range statements {
		if len(st.RollUps) > 0 {
			out[st.Creates] = st.RollUps
		}
	}
	return out, err
})

// RollUps are those that the schema declares for a table, and whether its definition has
// each of them.
func RollUps(table, create string) (have, lack []schema.RollUp, err error) {
	declared, err := declaredRollUps()
	for _, r := range declared[table] {
		if strings.Contains(create, "PROJECTION "+r.Definition) {
			have = append(have, r)
		} else {
			lack = append(lack, r)
		}
	}
	return have, lack, err
}

// Projections are the names of the projections in a table's definition that are not the
// schema's roll-ups: those that only sum, and those that hold rows.
func Projections(create string) (aggregate, normal []string) {
	declared, _ := declaredRollUps() // of an unreadable schema there is no table
	for text := range after(bare(create), "PROJECTION") {
		name, rest := leadingName(text)
		query := parenthesized(rest)
		definition, ours := name+" "+query, false
		for _, list := range declared {
			ours = ours || slices.ContainsFunc(list, func(r schema.RollUp) bool { return r.Definition == definition })
		}
		switch {
		case ours:
		case strings.Contains(query, " GROUP BY "):
			aggregate = append(aggregate, name)
		default:
			normal = append(normal, name)
		}
	}
	return aggregate, normal
}

// parenthesized is what stands in the first parentheses of a text, with them.
func parenthesized(text string) string {
	from, depth := strings.IndexByte(text, '('), 0
	for i := max(from, 0); i < len(text); i++ {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return text[from : i+1]
			}
		}
	}
	return ""
}

// normalProjections reports whether a table has any.
func (s *Server) normalProjections(ctx context.Context, table string) (bool, error) {
	create, err := s.definition(ctx, table)
	_, normal := Projections(create)
	return len(normal) > 0, err
}

// definition is a table's, as the server prints it.
func (s *Server) definition(ctx context.Context, table string) (string, error) {
	var create string
	err := s.Conn().QueryRow(ctx, "SELECT anyLast(create_table_query) FROM system.tables WHERE database = ? AND name = ?", s.Database(), table).Scan(&create)
	if err != nil {
		return "", fmt.Errorf("looking at the definition of %s: %w", table, err)
	}
	return create, nil
}

// rollUpSettings is the schema version that last changed the settings of tables with roll-ups.
const rollUpSettings = 15

// addRollUps adds the roll-ups and their settings that a table of an older ingest lacks. They
// are for speed alone: a user who may not alter the table loads without them.
func (s *Server) addRollUps(ctx context.Context, st schema.Statement, from int) (done []string, err error) {
	var steps []statement
	if len(st.RollUps) > 0 && from < rollUpSettings { //guard:parts-bounded
		// They come first: a deletion between the two is refused otherwise, and writes whole parts.
		steps = append(steps, s.shape().prepareRollUps(st.Creates, s.Holding(st.Creates)))
	}
	for _, r := range st.RollUps {
		if r.Since > from { //guard:dropped-rollup-stays
			steps = append(steps, s.shape().addRollUp(st.Creates, s.Holding(st.Creates), r))
		}
	}
	for _, step := range steps {
		err = s.ddl(ctx, step)
		if err != nil && (ctx.Err() != nil || Retryable(err)) {
			return done, err
		}
		if err != nil {
			s.cfg.Log.Warn("roll-ups could not be added or configured, so totals read all rows or reloads are slow; `ingest check` has the statements for a user who may alter the table",
				"table", st.Creates, "step", step.title, "err", err)
			return done, nil
		}
		done = append(done, step.title)
	}
	return done, nil
}

// RowsWithout counts the rows of a table in parts that lack a roll-up, and names the month of
// the first. Of a part whose rows are all deleted the server keeps none, which is no lack. A
// user who may not look at parts is told of none.
func (s *Server) RowsWithout(ctx context.Context, table string, r schema.RollUp) (rows uint64, month string, err error) {
	err = s.Conn().QueryRow(ctx, "SELECT count(), toString(min(_partition_id)) FROM "+s.Holding(table)+
		" WHERE _part IN (SELECT name FROM system.parts WHERE active AND database = ? AND table = ? AND rows > 0 AND NOT has(projections, ?))",
		s.Database(), table, r.Name).Scan(&rows, &month)
	if code(err) == codeAccessDenied {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("looking at the parts of %s: %w", table, err)
	}
	return rows, month, nil
}

// RollUpDifference is a day on which a roll-up does not say what the rows say.
type RollUpDifference struct {
	Table, RollUp string
	Day           string // of the rows' time (UTC)
	Rows, Counted uint64 // by the rows, and by the roll-up
}

// differentRollUps compares each roll-up of a raw table with the rows of a network, by day:
// their number and all sums. What a load does meanwhile is not taken for a difference.
func (s *Server) differentRollUps(ctx context.Context, table, network string) ([]RollUpDifference, error) {
	if declared, err := declaredRollUps(); err != nil || len(declared[table]) == 0 {
		return nil, err
	}
	create, err := s.definition(ctx, table)
	if err != nil {
		return nil, err
	}
	have, _, err := RollUps(table, create)
	if err != nil || len(have) == 0 {
		return nil, err
	}
	first, err := s.compareRollUps(ctx, table, network, have)
	if err != nil || len(first) == 0 {
		return nil, err
	}
	again, err := s.compareRollUps(ctx, table, network, have)
	return slices.DeleteFunc(again, func(d RollUpDifference) bool { return !slices.Contains(first, d) }), err
}

func (s *Server) compareRollUps(ctx context.Context, table, network string, have []schema.RollUp) ([]RollUpDifference, error) {
	// The same question is answered from the rows where projections are off, as they are by default.
	byRows, err := s.totals(s.Wide(ctx), table, network, have[:1])
	if err != nil {
		return nil, err
	}
	byRollUp, err := s.totals(clickhouse.Context(s.Wide(ctx), clickhouse.WithSettings(clickhouse.Settings{"optimize_use_projections": 1})), table, network, have)
	if err != nil {
		return nil, err
	}
	var out []RollUpDifference
	for _, r := range have {
		days := make(map[string]bool)
		for at := range byRows {
			days[at.day] = true
		}
		for at := range byRollUp {
			if at.rollUp == r.Name {
				days[at.day] = true
			}
		}
		for _, day := range slices.Sorted(maps.Keys(days)) {
			rows, counted := byRows[totalOf{have[0].Name, day}], byRollUp[totalOf{r.Name, day}]
			if rows != counted {
				out = append(out, RollUpDifference{table, r.Name, day, rows.rows, counted.rows})
			}
		}
	}
	return out, nil
}

// totalOf is what a total is of, and total what a day has: its rows, and a hash of all its sums.
type (
	totalOf struct{ rollUp, day string }
	total   struct{ rows, hash uint64 }
)

// totals asks for a network's totals of each day in the words of roll-ups.
func (s *Server) totals(ctx context.Context, table, network string, of []schema.RollUp) (map[totalOf]total, error) {
	var parts []string
	var args []any
	for _, r := range of {
		day := "toDate(`toStartOfHour(datetime)`)"
		if strings.Contains(r.Keys, "toDate(datetime)") {
			day = "`toDate(datetime)`"
		}
		var sums []string
		for sum := range strings.SplitSeq(r.Sums, ", ") {
			sums = append(sums, "toString(sum(`"+sum+"`))")
		}
		parts = append(parts, "SELECT "+literal(r.Name)+", toString("+day+") AS day, toUInt64(sum(`count()`)), cityHash64("+strings.Join(sums, ", ")+") FROM (SELECT "+
			r.Keys+", "+r.Sums+" FROM "+s.Holding(table)+" WHERE network = ? GROUP BY "+r.Keys+") GROUP BY day")
		args = append(args, network)
	}
	rows, err := s.Conn().Query(ctx, strings.Join(parts, " UNION ALL "), args...)
	if err != nil {
		return nil, fmt.Errorf("adding up %s: %w", table, err)
	}
	defer rows.Close()
	out := map[totalOf]total{}
	for rows.Next() {
		var at totalOf
		var t total
		if err := rows.Scan(&at.rollUp, &at.day, &t.rows, &t.hash); err != nil {
			return nil, fmt.Errorf("adding up %s: %w", table, err)
		}
		out[at] = t
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("adding up %s: %w", table, err)
	}
	return out, nil
}
