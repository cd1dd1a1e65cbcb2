package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rawlogs/schema"
)

// Statements are those that Apply runs on an empty store of the spec.
func Statements(spec string) ([]schema.Statement, error) {
	t, _ := parseSpec(spec) // of one that cannot be read the database has no name
	database := DatabaseOf(spec)
	if t.cluster == "" {
		return t.shape().statements(database)
	}
	shard := t
	shard.own = database + Local
	tables, err := shard.shape().statements(shard.own)
	if err != nil {
		return nil, err
	}
	fronts, err := t.shape().statements(database)
	return append(tables, fronts...), err
}

// apply brings the tables and views of the server's layer about in a store of a version. have is
// what the database holds, where that is known.
func (s *Server) apply(ctx context.Context, from int, have map[string]object) ([]string, error) {
	statements, err := s.shape().statements(s.Database())
	if err != nil {
		return nil, err
	}
	if have == nil {
		if have, err = s.objects(ctx); err != nil {
			return nil, err
		}
	}
	there := present{objects: have}
	if s.shape().layer == front {
		there.strays, err = s.strays(ctx)
	} else {
		there.columns, err = s.columnNames(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s.bringAbout(ctx, statements, there, from)
}

// present is what a database has.
type present struct {
	objects map[string]object
	columns map[string][]string // of the tables that a load writes
	strays  map[string]bool     // of a front
}

// bringAbout runs the statements that a store of a version needs.
func (s *Server) bringAbout(ctx context.Context, statements []schema.Statement, have present, from int) (done []string, err error) {
	for _, st := range statements {
		o, exists := have.objects[st.Creates]
		if st.Creates != "" && exists {
			changed, err := s.keep(ctx, st, o, have, from)
			done = append(done, changed...)
			if err != nil {
				return done, fmt.Errorf("%s:%d: %w", st.File, st.Line, err)
			}
			continue
		}
		if err := s.ddl(ctx, statement{st.Title, st.SQL}); err != nil {
			if st.View != nil && have.objects[st.View.Source].engine != "" {
				err = fmt.Errorf("%w\n%s reads %s: if that table is not one that ingest made, give it another name (RENAME TABLE) and run `ingest schema apply`",
					err, st.Creates, s.TableName(st.View.Source))
			}
			return done, fmt.Errorf("%s:%d: %w", st.File, st.Line, err)
		}
		done = append(done, st.Title)
	}
	return done, nil
}

// keep leaves what is there as it is, but for a view of ours of an older
// revision and a table of an older ingest; it returns what it did.
func (s *Server) keep(ctx context.Context, st schema.Statement, o object, have present, from int) ([]string, error) {
	switch {
	case st.View != nil:
	case s.shape().layer == front:
		return s.keepFront(ctx, st, o, have.strays[st.Creates])
	case !o.holdsRows():
		return nil, s.taken(st.Creates, o)
	default:
		return s.widen(ctx, st, have.columns[st.Creates], from)
	}
	changed, err := s.renew(ctx, st, o)
	if changed == "" {
		return nil, err
	}
	return []string{changed}, err
}

// conversionUpdates gained a column, as tables of names did; one without valid_from is not ours.
const conversionUpdates = "conversion_updates"

// widen adds the columns that a table lacks as an older ingest made it. In the raw
// tables a column that the store's version had is missing by the analysts' choice:
// its values are rescued. A table of another name may be an analyst's altogether.
func (s *Server) widen(ctx context.Context, st schema.Statement, columns []string, from int) (done []string, err error) {
	raw := slices.Contains(RawTables(), st.Creates)
	versions := st.Creates == conversionUpdates || strings.HasPrefix(st.Creates, "dim_")
	ours := strings.HasPrefix(st.Creates, "ingest_") || st.Creates == RejectedRows || versions && slices.Contains(columns, "valid_from")
	if !raw && !ours {
		return nil, nil
	}
	for _, c := range st.Columns {
		if !raw && c.Retyped > from && slices.Contains(columns, c.Name) { //guard:column-retyped
			retype := s.shape().retypeColumn(st.Creates, s.Holding(st.Creates), c)
			if err = s.ddl(ctx, retype); err != nil {
				return done, err
			}
			done = append(done, retype.title)
		}
		if slices.Contains(columns, c.Name) || raw && c.Since <= from { //guard:store-widened
			continue
		}
		add := s.shape().addColumns(st.Creates, s.Holding(st.Creates), []schema.Column{c})
		if err = s.ddl(ctx, add); err != nil {
			return done, err
		}
		done, columns = append(done, add.title), append(columns, c.Name)
	}
	for _, index := range st.Indexes {
		if index.Since <= from || !slices.Contains(columns, index.Column) { //guard:index-added
			continue
		}
		add := s.shape().addIndex(st.Creates, s.Holding(st.Creates), index)
		if err = s.ddl(ctx, add); err != nil {
			return done, err
		}
		done = append(done, add.title)
	}
	added, err := s.addRollUps(ctx, st, from)
	return append(done, added...), err
}

// columnNames lists the columns of the tables that a load writes, by table.
func (s *Server) columnNames(ctx context.Context) (map[string][]string, error) {
	rows, err := s.Conn().Query(ctx, "SELECT table, groupArray(name) FROM system.columns WHERE database = ? AND (startsWith(table, 'ingest_') OR startsWith(table, 'dim_') OR table IN ?) GROUP BY table", s.Database(), append(RawTables(), RejectedRows, conversionUpdates))
	if err != nil {
		return nil, fmt.Errorf("listing the columns: %w", err)
	}
	defer rows.Close()
	out := map[string][]string{}
	for rows.Next() {
		var table string
		var names []string
		if err := rows.Scan(&table, &names); err != nil {
			return nil, fmt.Errorf("listing the columns: %w", err)
		}
		out[table] = names
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("listing the columns: %w", err)
	}
	return out, nil
}

// renew replaces a view of ours of an older revision; it returns what it did, ""
// for nothing.
func (s *Server) renew(ctx context.Context, st schema.Statement, o object) (string, error) {
	ours, err := s.isView(ctx, st, o)
	if err != nil {
		return "", err
	}
	if !ours { //guard:foreign-view
		s.cfg.Log.Warn("a view of ours could not be made; `ingest schema apply` makes it once the name is free", "err", s.taken(st.Creates, o))
		return "", nil
	}
	from := max(schema.Revision(o.comment), 1)
	if from >= st.View.Revision { //guard:view-revision
		return "", nil // this one, or one of a later ingest
	}
	title := fmt.Sprintf("REPLACE VIEW %s (revision %d by %d)", st.Creates, from, st.View.Revision)
	err = s.ddl(ctx, statement{title, st.View.Replace})
	if err == nil {
		return title, nil
	}
	// Another may have replaced it at the same moment.
	if now, lookErr := s.object(ctx, st.Creates); lookErr == nil && schema.Revision(now.comment) >= st.View.Revision {
		return "", nil
	}
	if ctx.Err() != nil || Retryable(err) {
		return "", err
	}
	// A user who may load but not drop views does not stop the loading.
	s.cfg.Log.Warn("a view stays as an earlier ingest made it; run `ingest schema apply` as a user who may create and drop views", "view", st.Creates, "err", err)
	return "", nil
}

// object is a table, view or dictionary as the server knows it.
type object struct{ engine, comment string }

// holdsRows reports whether the object can be one of our tables: whose engine
// is the wrong one is for Check to say.
func (o object) holdsRows() bool {
	return !strings.HasSuffix(o.engine, "View") && o.engine != "Dictionary"
}

// isView reports whether the object that has the name of a view of ours is one that ingest
// made. Before comments named revisions, ours had a comment of their own and a known source.
func (s *Server) isView(ctx context.Context, st schema.Statement, o object) (bool, error) {
	switch {
	case o.engine != "View":
		return false, nil
	case schema.Revision(o.comment) > 0:
		return true, nil
	case o.comment != st.View.Former:
		return false, nil
	}
	query, err := s.viewQuery(ctx, st.Creates)
	return strings.Contains(query, st.View.Source), err
}

// viewQuery is what a view asks; "" where there is none. The server writes that text anew for
// each view that it is asked for, which for all of ours takes it fifty milliseconds.
func (s *Server) viewQuery(ctx context.Context, name string) (query string, err error) {
	err = s.Conn().QueryRow(ctx, "SELECT any(as_select) FROM system.tables WHERE database = ? AND name = ? AND engine = 'View'", s.Database(), name).Scan(&query)
	if err != nil {
		return "", fmt.Errorf("looking at the view %s: %w", name, err)
	}
	return query, nil
}

// TakenError says that a name of ours belongs to something that ingest did not make.
type TakenError struct {
	Name   string // without the database
	Engine string // View, Dictionary, MergeTree …
	rename string
}

// Error names the object and what to do.
func (e *TakenError) Error() string {
	what := "a table (" + e.Engine + ")"
	switch {
	case strings.HasSuffix(e.Engine, "View"):
		what = "a view"
	case e.Engine == "Dictionary":
		what = "a dictionary"
	}
	return fmt.Sprintf("%s that ingest did not make has the name %s and was left as it is: give it another name (%s)", what, e.Name, e.rename)
}

func (s *Server) taken(name string, o object) *TakenError {
	return &TakenError{Name: name, Engine: o.engine, rename: s.shape().rename(o, s.TableName(name), s.TableName("my_"+name))}
}

const objectColumns = "SELECT name, engine, comment FROM system.tables WHERE database = ?"

// Applied reports whether the tables that loading needs are there.
func (s *Server) Applied(ctx context.Context) (bool, error) {
	have, err := s.objects(ctx)
	_, there := have["ingest_files"]
	return there, err
}

// objects lists what the database holds, by name.
func (s *Server) objects(ctx context.Context) (map[string]object, error) {
	return s.list(ctx, objectColumns, s.Database())
}

// object is what has a name; its engine is "" where nothing has.
func (s *Server) object(ctx context.Context, name string) (object, error) {
	found, err := s.list(ctx, objectColumns+" AND name = ?", s.Database(), name)
	return found[name], err
}

func (s *Server) list(ctx context.Context, query string, args ...any) (map[string]object, error) {
	rows, err := s.Conn().Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	defer rows.Close()
	have := map[string]object{}
	for rows.Next() {
		var name string
		var o object
		if err := rows.Scan(&name, &o.engine, &o.comment); err != nil {
			return nil, fmt.Errorf("listing the tables: %w", err)
		}
		have[name] = o
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	return have, nil
}
