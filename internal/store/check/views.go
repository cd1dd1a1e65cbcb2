package check

import (
	"context"
	"fmt"
	"regexp"

	"rawlogs/internal/store"
	"rawlogs/schema"
)

// view is a materialized view that a table's INSERTs feed.
type view struct{ database, name, create, query string }

// target finds the table that a materialized view writes to, in its definition as the
// server prints it; a view without one keeps its rows itself.
var target = regexp.MustCompile("^CREATE MATERIALIZED VIEW (?:`(?:[^`\\\\]|\\\\.)*`|[\\w.])+ TO ((?:`(?:[^`\\\\]|\\\\.)*`|[\\w.])+)")

// brokenViews finds the materialized views that every INSERT into a table fails by: the
// table that they write to is gone, or their query names what is gone.
func (c checker) brokenViews(ctx context.Context, table string) ([]Finding, error) {
	views, err := c.viewsOf(ctx, table)
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, v := range views {
		name := schema.Identifier(v.database) + "." + schema.Identifier(v.name)
		broken := func(why string) {
			out = append(out, Finding{Fail, "table " + table, "feeds " + v.name + ", which " + why + ": INSERTs fail by it",
				"mend it or drop it: DROP VIEW " + name})
		}
		if m := target.FindStringSubmatch(v.create); m != nil { //guard:view-target
			var there uint8
			err := c.st.Conn().QueryRow(ctx, "EXISTS TABLE "+m[1]).Scan(&there)
			if err != nil && !store.Refused(err) {
				return nil, err
			}
			if err == nil && there == 0 {
				broken("writes to " + m[1] + ", which is not there")
				continue
			}
		}
		if err := c.st.Conn().Exec(ctx, "DESCRIBE TABLE ("+v.query+")"); err != nil {
			if !store.Refused(err) {
				return nil, err
			}
			// The view's owner may have rights that this user lacks.
			if !store.Denied(err) { //guard:view-query
				broken(fmt.Sprintf("cannot be asked (%v)", err))
			}
		}
	}
	return out, nil
}

func (c checker) viewsOf(ctx context.Context, table string) (views []view, err error) {
	rows, err := c.st.Conn().Query(ctx, `
		SELECT database, name, create_table_query, as_select FROM system.tables
		WHERE engine = 'MaterializedView' AND (database, name) IN
		(
			SELECT of.1, of.2
			FROM (SELECT arrayJoin(arrayZip(dependencies_database, dependencies_table)) AS of FROM system.tables WHERE database = ? AND name = ?)
		)
		ORDER BY database, name`, c.st.Database(), table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v view
		if err := rows.Scan(&v.database, &v.name, &v.create, &v.query); err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	return views, rows.Err()
}
