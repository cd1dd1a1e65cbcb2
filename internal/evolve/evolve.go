// Package evolve makes columns of headers that the tables did not know: what
// keeps turning up in _rescued gets a column of a type that holds it exactly,
// and is moved there.
package evolve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/load"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/schema"
)

// Config says what to evolve; zero values mean the defaults named here.
type Config struct {
	Types    []rawlog.Type // default all
	MinRows  uint64        // rows that a header must have turned up in; default 100
	MinFiles uint64        // files that they must come from; default 2: once is a slip
	DryRun   bool          // plan and change nothing
	// Zones are the zones of the networks' datetimes, by network. Times of a
	// network that is not named stay where they are.
	Zones map[string]rawlog.Zones
	// Networks are held beside those that the store knows.
	Networks []string
	// Run names the claim on the networks; required unless DryRun.
	Run string
	Log *slog.Logger
}

// Column is a column that is made, or that an earlier run made and did not
// finish to fill.
type Column struct {
	Table  string `json:"table"`
	Header string `json:"header"`
	Type   string `json:"type"`
	New    bool   `json:"new"`   // false: it was there, made by evolve
	Rows   uint64 `json:"rows"`  // in which the header turned up
	Moved  uint64 `json:"moved"` // rows whose value fits, and is (to be) moved
	Left   uint64 `json:"left"`  // rows whose value does not fit, and stays in _rescued

	Example string `json:"example"`
	fit     fit
}

// Skipped is a header that gets no column.
type Skipped struct {
	Table  string `json:"table"`
	Header string `json:"header"`
	Rows   uint64 `json:"rows"`
	Why    string `json:"why"`
}

// Report is what was done, or with DryRun what would be.
type Report struct {
	DryRun  bool      `json:"dry_run"`
	Columns []Column  `json:"columns"`
	Skipped []Skipped `json:"skipped"`
}

// marker begins the comment of columns that are ours to fill.
const marker = "Made by schema evolve"

// Run evolves the raw tables. It holds the lease of every network of the store
// meanwhile, as the tables are everybody's: a *lease.HeldError says who
// is at work. A run that dies is finished by the next one: columns come first,
// then one mutation moves each row's values and takes them out of _rescued
// together, part by part.
func Run(ctx context.Context, st *store.Store, cfg Config) (report *Report, err error) {
	if cfg.MinRows == 0 {
		cfg.MinRows = 100
	}
	if cfg.MinFiles == 0 {
		cfg.MinFiles = 2
	}
	if len(cfg.Types) == 0 {
		cfg.Types = rawlog.Types()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	e := &evolution{Config: cfg, st: st}
	if !cfg.DryRun {
		if cfg.Run == "" {
			return nil, errors.New("evolve: the run has no name")
		}
		var cancel context.CancelCauseFunc
		ctx, cancel = context.WithCancelCause(ctx)
		defer cancel(nil)
		release, claimErr := e.claim(ctx, cancel)
		if claimErr != nil {
			return nil, claimErr
		}
		defer func() { err = errors.Join(err, release()) }()
	}
	report = &Report{DryRun: cfg.DryRun, Columns: []Column{}, Skipped: []Skipped{}}
	for _, typ := range cfg.Types {
		if err := e.table(ctx, typ, report); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause // the lease is lost, say
			}
			return report, fmt.Errorf("%s: %w", typ, err)
		}
	}
	return report, nil
}

type evolution struct {
	Config
	st *store.Store
}

// claim takes the leases of all networks, in the order of their names.
func (e *evolution) claim(ctx context.Context, lost context.CancelCauseFunc) (release func() error, err error) {
	var networks []string
	err = e.st.Conn().QueryRow(ctx, "SELECT groupUniqArray(network) FROM (SELECT DISTINCT toString(network) AS network FROM "+
		e.st.TableName("ingest_files")+" UNION DISTINCT SELECT DISTINCT toString(network) FROM "+e.st.TableName("ingest_leases")+
		" WHERE position(network, '/') = 0)").Scan(&networks) // what follows a slash is a lease on something else than the tables
	if err != nil {
		return nil, fmt.Errorf("listing the networks: %w", err)
	}
	networks = append(networks, e.Networks...)
	slices.Sort(networks)
	var held []*lease.Lease
	release = func() error {
		var errs []error
		for _, l := range held {
			errs = append(errs, l.Release(ctx))
		}
		return errors.Join(errs...)
	}
	for _, network := range slices.Compact(networks) {
		claim := lease.New(e.st, network, e.Run, rawlog.Share{}, e.Log)
		if err := claim.Claim(ctx); err != nil {
			return nil, errors.Join(err, release())
		}
		claim.Keep(ctx, lost)
		held = append(held, claim)
	}
	return release, nil
}

// table evolves one table.
func (e *evolution) table(ctx context.Context, typ rawlog.Type, report *Report) error {
	table := string(typ)
	columns, err := e.st.Columns(ctx, table)
	if err != nil {
		return err
	}
	ours, err := e.made(ctx, table)
	if err != nil {
		return err
	}
	headers, err := scan(ctx, e.st, table)
	if err != nil {
		return err
	}
	var todo []Column
	spelt := map[string]string{} // headers that get a column, by spelling
	for _, h := range headers {
		c := Column{Table: table, Header: h.name, Rows: h.rows, Example: h.example}
		if typ, ok := ours[h.name]; ok {
			c.Type, c.fit = typ, fitOf(typ)
			if c.fit.convert == nil {
				continue // its owner changed the type
			}
		} else {
			why := e.skip(h, table, columns)
			if first, ok := spelt[rawlog.Spelling(h.name)]; ok && why == "" { //guard:evolve-spelling
				why = fmt.Sprintf("another spelling of %q, whose column later files of both fill", first)
			}
			if why != "" {
				report.Skipped = append(report.Skipped, Skipped{table, h.name, h.rows, why})
				continue
			}
			spelt[rawlog.Spelling(h.name)] = h.name
			c.New, c.Type = true, h.chooseType()
			c.fit = fitOf(c.Type)
		}
		if c.Moved, err = e.count(ctx, c); err != nil {
			return err
		}
		c.Left = c.Rows - min(c.Moved, c.Rows)
		if c.New || c.Moved > 0 {
			todo = append(todo, c)
		}
	}
	report.Columns = append(report.Columns, todo...)
	if e.DryRun || len(todo) == 0 {
		return nil
	}
	if err := e.add(ctx, table, todo); err != nil {
		return err
	}
	return e.fill(ctx, table, todo)
}

var repeated = regexp.MustCompile(`#[0-9]+$`)

// skip says why a header gets no column; "" if it does.
func (e *evolution) skip(h header, table string, columns []store.Column) string {
	feeds := load.NewLayout(&load.Table{Name: table, Columns: columns}, []string{h.name})
	switch {
	case slices.ContainsFunc(columns, func(c store.Column) bool { return c.Name == h.name }) || len(feeds.Unknown()) == 0:
		return "names a column; these values did not fit it"
	case h.name == "" || strings.HasPrefix(h.name, "_"):
		return "names with an underscore in front are the store's own"
	case strings.HasSuffix(h.name, load.HexSuffix):
		return "the bytes of values that are not UTF-8, in hexadecimal"
	case repeated.MatchString(h.name):
		return "a header that came twice in a file; the first one feeds the column"
	case h.rows < e.MinRows:
		return fmt.Sprintf("in %d rows only; --min-rows is %d", h.rows, e.MinRows)
	case h.files < e.MinFiles:
		return fmt.Sprintf("in %d file only", h.files)
	}
	return ""
}

// made lists the columns that evolve made, with their types.
func (e *evolution) made(ctx context.Context, table string) (map[string]string, error) {
	rows, err := e.st.Conn().Query(ctx, "SELECT name, type FROM system.columns WHERE database = ? AND table = ? AND startsWith(comment, ?)",
		e.st.Database(), table, marker)
	if err != nil {
		return nil, fmt.Errorf("reading the columns: %w", err)
	}
	defer rows.Close()
	made := map[string]string{}
	for rows.Next() {
		var name, typ string
		if err := rows.Scan(&name, &typ); err != nil {
			return nil, fmt.Errorf("reading the columns: %w", err)
		}
		made[name] = typ
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the columns: %w", err)
	}
	return made, nil
}

// count counts the rows whose value of the header can be moved exactly.
func (e *evolution) count(ctx context.Context, c Column) (uint64, error) {
	var n uint64
	value := "_rescued[" + schema.Literal(c.Header) + "]"
	err := e.st.Conn().QueryRow(e.st.Wide(ctx), "SELECT countIf("+c.fit.fits(value, e.Zones)+") FROM "+e.st.TableName(c.Table)+
		" WHERE mapContains(_rescued, "+schema.Literal(c.Header)+")").Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("header %q: counting what fits %s: %w", c.Header, c.Type, err)
	}
	return n, nil
}

func (e *evolution) add(ctx context.Context, table string, columns []Column) error {
	var adds []schema.Column
	for _, c := range columns {
		if c.New {
			adds = append(adds, schema.Column{Name: c.Header, Definition: schema.Identifier(c.Header) + " " + c.Type +
				" COMMENT " + schema.Literal(marker+" from the header of that name.")})
		}
	}
	if len(adds) == 0 {
		return nil
	}
	// All or none: a comment is what a later run knows its columns by.
	return e.st.AddColumns(ctx, table, adds...)
}

// fill moves the values. One UPDATE sets the columns and _rescued from what
// the row held before, so that no row is ever without a value or with it twice.
func (e *evolution) fill(ctx context.Context, table string, columns []Column) error {
	var sets, gone, has []string
	for _, c := range columns {
		key := schema.Literal(c.Header)
		value, name := "_rescued["+key+"]", schema.Identifier(c.Header)
		present := "mapContains(_rescued, " + key + ")"
		sets = append(sets, name+" = if("+present+" AND "+c.fit.fits(value, e.Zones)+", "+c.fit.convert(value, e.Zones)+", "+name+")")
		gone = append(gone, "(k = "+key+" AND "+c.fit.fits("v", e.Zones)+")")
		has = append(has, present)
	}
	sets = append(sets, "_rescued = mapFilter((k, v) -> NOT ("+strings.Join(gone, " OR ")+"), _rescued)")
	return e.st.Update(ctx, store.Op{Kind: "update", Detail: "_rescued of " + table}, table, strings.Join(sets, ", "), strings.Join(has, " OR "))
}
