package store

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"rawlogs/internal/rawlog"
	"rawlogs/schema"
)

// Wanted is what rows are looked for by. It goes with a statement as tables of their own: no
// value stands in a statement's text, which the server keeps in its logs.
type Wanted struct {
	// Marks are texts in small letters. A row has one where it is all of a text, or stands
	// between the separators of a link in it, however often that was packed into another; or
	// where it is a name of Names, an equals sign and the text of that column or key.
	Marks     []string
	Values    []string // looked for anywhere in lines that are not rows
	Addresses []netip.Addr
	Names     []string
}

// Place is where a row is from.
type Place struct {
	File    string
	Hour    time.Time
	Line    uint32
	Insert  uint64
	Rescued bool // it has something in _rescued
}

func (w Wanted) tables() ([]*ext.Table, error) {
	var out []*ext.Table
	for _, t := range []struct {
		name, typ string
		values    []any
	}{
		{"marks", "String", anys(w.Marks)}, {"people", "String", anys(w.Values)},
		{"addresses", "IPv6", addresses(w.Addresses)},
	} {
		table, err := ext.NewTable(t.name, ext.Column("v", column.Type(t.typ)))
		if err != nil {
			return nil, err
		}
		for _, v := range t.values {
			if err := table.Append(v); err != nil {
				return nil, err
			}
		}
		out = append(out, table)
	}
	return out, nil
}

func anys(values []string) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

func addresses(ips []netip.Addr) []any {
	out := make([]any, len(ips))
	for i, ip := range ips {
		wide := ip.As16()
		out[i] = net.IP(wide[:])
	}
	return out
}

// deepest is how many times a link can be packed into a parameter of another one.
const deepest = 5

// has is the condition that a row of a table has one of the marks or addresses.
func (w Wanted) has(columns []Column) string {
	var texts, named, maps, conds []string
	for _, c := range columns {
		if c.Name == "network" || strings.HasPrefix(c.Name, "_") && c.Name != "_rescued" || c.DefaultKind == "ALIAS" || c.DefaultKind == "EPHEMERAL" {
			continue
		}
		name := quote(c.Name)
		text := "lower(trimBoth(toString(" + name + ")))"
		if strings.Contains(c.Type, "Nullable") {
			text = "lower(trimBoth(ifNull(toString(" + name + "), '')))"
		}
		switch {
		case strings.HasPrefix(c.Type, "Map("):
			maps = append(maps, name)
		case strings.Contains(c.Type, "IPv6"):
			conds = append(conds, name+" IN (SELECT v FROM addresses)")
		case strings.Contains(c.Type, "String"), strings.Contains(c.Type, "IPv4"):
			texts = append(texts, text)
			if slices.Contains(w.Names, rawlog.Spelling(c.Name)) {
				named = append(named, "concat("+schema.Literal(rawlog.Spelling(c.Name)+"=")+", "+text+")")
			}
		}
	}
	whole := []string{"[" + strings.Join(append(texts, "''"), ", ") + "]"}
	for _, m := range maps {
		whole = append(whole, "arrayMap(v -> lower(trimBoth(toString(v))), mapValues("+m+"))")
	}
	all := "arrayConcat(" + strings.Join(whole, ", ") + ")"
	names := []string{"[" + strings.Join(append(named, "''"), ", ") + "]"}
	for _, m := range maps {
		names = append(names, "arrayMap((k, v) -> concat(lower(replaceRegexpAll(replaceRegexpOne(toString(k), '#[0-9]+$', ''), '[- ]', '_')), '=', lower(trimBoth(toString(v)))), mapKeys("+m+"), mapValues("+m+"))")
	}
	const sep = `\x01`
	link := "arrayStringConcat(arrayFilter(v -> multiSearchAny(v, ['=', '%', '?', '&', ';', '#']), " + all + "), '" + sep + "')"
	lists := []string{all, strings.Join(names, ", ")}
	for range deepest {
		for _, apart := range []string{"?&;#", "?&;#="} {
			lists = append(lists, "splitByRegexp('["+apart+sep+"]', "+link+")")
		}
		link = "lower(decodeURLComponent(" + link + "))"
	}
	conds = append(conds, "arrayExists(v -> trimBoth(v) IN (SELECT v FROM marks), arrayConcat("+strings.Join(lists, ", ")+"))")
	return "(" + strings.Join(conds, " OR ") + ")"
}

// narrow keeps the memory for a block of rows with all their texts small.
const narrow = " SETTINGS max_block_size = 1024, preferred_block_size_bytes = 1000000"

// findPeople returns where the rows in scope are from that have what is wanted.
func (s *Server) findPeople(ctx context.Context, c Scope, w Wanted) (places []Place, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("looking for people in %s: %w", c.Table(), err)
		}
	}()
	where, args := c.where()
	var none bool
	if none, err = s.empty(ctx, c.Table(), where, args...); none || err != nil {
		return nil, err
	}
	columns, err := s.Columns(ctx, c.Table())
	if err != nil {
		return nil, err
	}
	rows, err := s.wanted(ctx, w, "SELECT toString(_file), _hour, _line, _insert, notEmpty(_rescued) FROM "+s.Holding(c.Table())+" WHERE "+where+" AND "+w.has(columns)+narrow, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names := make(map[string]string)
	for rows.Next() {
		var p Place
		if err := rows.Scan(&p.File, &p.Hour, &p.Line, &p.Insert, &p.Rescued); err != nil {
			return nil, err
		}
		if names[p.File] == "" {
			names[p.File] = p.File
		}
		p.File, p.Hour = names[p.File], p.Hour.UTC()
		places = append(places, p)
	}
	return places, rows.Err()
}

// empty reports whether no row of a table is of that kind. To plan a search for people takes
// a tenth of a second, also where there is nothing to search.
func (s *Server) empty(ctx context.Context, table, where string, args ...any) (bool, error) {
	var some uint64
	err := s.Conn().QueryRow(ctx, "SELECT count() FROM (SELECT 1 FROM "+s.Holding(table)+" WHERE "+where+" LIMIT 1)", args...).Scan(&some)
	return some == 0, err
}

// wanted asks with what is wanted beside the statement.
func (s *Server) wanted(ctx context.Context, w Wanted, query string, args ...any) (driver.Rows, error) {
	tables, err := w.tables()
	if err != nil {
		return nil, err
	}
	return s.Conn().Query(clickhouse.Context(s.Wide(ctx), clickhouse.WithExternalTable(tables...)), query, args...)
}

// deletePlaces deletes the rows of the places, and returns when they are gone.
func (s *Server) deletePlaces(ctx context.Context, c Scope, places []Place, fence Fence) error {
	for cond, args := range ofPlaces(places) {
		if err := s.deleteUntilGone(ctx, c, fence, cond, args); err != nil {
			return err
		}
	}
	return nil
}

// ofPlaces are conditions for all of the places, each of bounded length.
func ofPlaces(places []Place) iter.Seq2[string, []any] {
	type unit struct {
		file   string
		insert uint64
	}
	lines := make(map[unit][]uint32)
	for _, p := range places {
		u := unit{p.File, p.Insert}
		lines[u] = append(lines[u], p.Line)
	}
	return func(yield func(string, []any) bool) {
		var terms []string
		var args []any
		size := 0
		for u, all := range lines {
			for chunk := range slices.Chunk(all, statementBytes/11) {
				texts := make([]string, len(chunk))
				for i, n := range chunk {
					texts[i] = strconv.FormatUint(uint64(n), 10)
				}
				list := strings.Join(texts, ",")
				terms, args = append(terms, "(_file = ? AND _insert = ? AND _line IN ("+list+"))"), append(args, u.file, u.insert)
				if size += len(list) + 2*len(u.file) + 64; size < statementBytes {
					continue
				}
				if !yield("("+strings.Join(terms, " OR ")+")", args) {
					return
				}
				terms, args, size = nil, nil, 0
			}
		}
		if len(terms) > 0 {
			yield("("+strings.Join(terms, " OR ")+")", args)
		}
	}
}

// loose are tables of rows that are from no file, and what tells a row of theirs from others.
var loose = map[string]string{
	conversionUpdates:   "(id, tune_event_id, hash, valid_from)",
	"report_stats_rows": "(question, day, row_key, version, fetched_at)",
}

// LooseTables lists the tables of rows that are from no file.
func LooseTables() []string { return slices.Sorted(maps.Keys(loose)) }

// FindLoose returns hashes that tell the wanted rows of such a table from others.
func (s *Server) FindLoose(ctx context.Context, table, network string, w Wanted) (keys []uint64, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("looking for people in %s: %w", table, err)
		}
	}()
	var none bool
	if none, err = s.empty(ctx, table, "network = ?", network); none || err != nil {
		return nil, err
	}
	columns, err := s.Columns(ctx, table)
	if err != nil {
		return nil, err
	}
	rows, err := s.wanted(ctx, w, "SELECT sipHash64("+loose[table]+") FROM "+s.Holding(table)+" WHERE network = ? AND "+w.has(columns)+narrow, network)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var key uint64
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}

// DeleteLoose deletes the rows of those hashes.
func (s *Server) DeleteLoose(ctx context.Context, table, network string, keys []uint64, fence Fence) error {
	for chunk := range chunks(keys, func(uint64) int { return 20 }) {
		where := "network = ? AND sipHash64(" + loose[table] + ") IN ?"
		if fence.Condition != "" {
			where += " AND (" + fence.Condition + ")"
		}
		if err := s.Delete(fence.Context(ctx), table, where, network, chunk); err != nil {
			return fmt.Errorf("deleting from %s: %w", table, err)
		}
	}
	return nil
}
