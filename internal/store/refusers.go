package store

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Refuser is a part of a table's definition that ingest did not make, and by which the
// server may refuse rows, or keep fewer than were sent, when an INSERT ends.
type Refuser struct {
	Kind RefuserKind
	Name string
	Text string // what it is, for people
}

// RefuserKind is what a Refuser is of its table.
type RefuserKind string

// The kinds of Refusers.
const (
	Constraint RefuserKind = "constraint"
	Computed   RefuserKind = "column" // with an expression for its values
	Index      RefuserKind = "index"
	Projection RefuserKind = "projection"
	SortingKey RefuserKind = "key" // with an expression in it
	TTL        RefuserKind = "TTL"
	Merging    RefuserKind = "engine" // that makes one row of several
)

var (
	// plain is a list of columns.
	plain = regexp.MustCompile("^[(]?(?:`[^`]*`|\\w+)(?:, (?:`[^`]*`|\\w+))*[)]?$")
	// literal is a value that is the same for every row.
	literalValue = regexp.MustCompile(`^(?:-?[\d.]+(?:e[+-]?\d+)?|'(?:[^'\\]|\\.|'')*'|NULL|true|false|\[\]|map\(\)|CAST\('(?:[^'\\]|\\.|'')*', '(?:[^'\\]|\\.|'')*'\)|(?:now|today|now64)\(\))$`)
)

// Refusers lists, by table, by what of the definition that ingest did not make the server
// may refuse rows. columns are the tables'.
func (s *Server) Refusers(ctx context.Context, columns map[string][]Column) (map[string][]Refuser, error) {
	tables := slices.Sorted(maps.Keys(columns))
	names := strings.Join(tables, ", ")
	rows, err := s.Conn().Query(ctx, "SELECT name, engine, create_table_query, sorting_key, partition_key FROM system.tables WHERE database = ? AND name IN ?",
		s.Database(), tables)
	if err != nil {
		return nil, fmt.Errorf("looking at the definition of %s: %w", names, err)
	}
	defer rows.Close()
	out := make(map[string][]Refuser)
	for rows.Next() {
		var table, engine, create, sorting, partition string
		if err := rows.Scan(&table, &engine, &create, &sorting, &partition); err != nil {
			return nil, fmt.Errorf("looking at the definition of %s: %w", names, err)
		}
		computed, err := computedColumns(table, columns[table])
		if err != nil {
			return nil, err
		}
		out[table] = append(s.shape().refusersOf(engine, create, sorting, partition), computed...)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("looking at the definition of %s: %w", names, err)
	}
	for _, table := range tables {
		if _, there := out[table]; !there {
			return nil, fmt.Errorf("looking at the definition of %s: the server lists no such table", table)
		}
	}
	return out, nil
}

// computedColumns are those with an expression that is not the schema's.
func computedColumns(table string, columns []Column) (out []Refuser, err error) {
	declared, err := declaredColumns()
	if err != nil {
		return nil, err
	}
	for _, c := range columns {
		computed := c.DefaultKind == "DEFAULT" || c.DefaultKind == "MATERIALIZED"
		ours := strings.Contains(declared[table][c.Name], " "+c.DefaultKind+" "+c.DefaultExpr)
		if computed && !ours && !literalValue.MatchString(c.DefaultExpr) { //guard:computed-refuse
			out = append(out, Refuser{Computed, c.Name, "the column " + c.Name + " (" + c.DefaultKind + " " + c.DefaultExpr + ")"})
		}
	}
	return out, nil
}

// refusersOf looks at everything but the columns.
func (sh Shape) refusersOf(engine, create, sorting, partition string) (out []Refuser) {
	add := func(kind RefuserKind, name, text string) { out = append(out, Refuser{kind, name, text}) }
	bare := bare(create)
	for _, name := range Constraints(create) {
		add(Constraint, name, "the constraint "+name)
	}
	aggregate, normal := Projections(create)
	for _, name := range slices.Concat(aggregate, normal) {
		add(Projection, name, "the projection "+name)
	}
	for text := range after(bare, "INDEX") {
		name, rest := leadingName(text)
		on, _, typed := strings.Cut(strings.TrimPrefix(rest, " "), " TYPE ")
		if typed && !plain.MatchString(on) {
			add(Index, name, "the index "+name+" on "+on)
		}
	}
	for _, key := range []string{sorting, partition} {
		if key != "" && key != "toYYYYMM(_hour)" && !plain.MatchString(key) {
			add(SortingKey, key, "the key "+key)
		}
	}
	for range after(bare, "TTL") {
		add(TTL, "", "a TTL")
		break
	}
	if sh.merging(engine) != "" { //guard:merging-engines
		add(Merging, engine, "the engine "+engine)
	}
	return out
}

// Constraints are the names, quoted where need be, of the constraints in a table's
// definition as the server prints it.
func Constraints(create string) (names []string) {
	for text := range after(bare(create), "CONSTRAINT") {
		name, rest := leadingName(text)
		if strings.HasPrefix(rest, " CHECK ") || strings.HasPrefix(rest, " ASSUME ") {
			names = append(names, name)
		}
	}
	return names
}

// rowCodes are the server's errors about values in rows, by code: another file's rows may
// be taken. The names are those of errorCodeToName, which a test compares.
var rowCodes = map[int32]string{
	6:   "CANNOT_PARSE_TEXT",
	26:  "CANNOT_PARSE_QUOTED_STRING",
	27:  "CANNOT_PARSE_INPUT_ASSERTION_FAILED",
	36:  "BAD_ARGUMENTS",
	38:  "CANNOT_PARSE_DATE",
	41:  "CANNOT_PARSE_DATETIME",
	69:  "ARGUMENT_OUT_OF_BOUND",
	70:  "CANNOT_CONVERT_TYPE",
	72:  "CANNOT_PARSE_NUMBER",
	117: "INCORRECT_DATA",
	128: "TOO_LARGE_ARRAY_SIZE",
	131: "TOO_LARGE_STRING_SIZE",
	153: "ILLEGAL_DIVISION",
	190: "SIZES_OF_ARRAYS_DONT_MATCH",
	321: "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE",
	349: "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN",
	376: "CANNOT_PARSE_UUID",
	395: "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO",
	407: "DECIMAL_OVERFLOW",
	427: "CANNOT_COMPILE_REGEXP",
	441: "CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING",
	467: "CANNOT_PARSE_BOOL",
	469: "VIOLATED_CONSTRAINT",
	675: "CANNOT_PARSE_IPV4",
	676: "CANNOT_PARSE_IPV6",
	691: "UNKNOWN_ELEMENT_OF_ENUM",
}

// RowsRefused reports whether the server refused an INSERT for values in its rows: by a
// constraint, or as an expression of the table's cannot be computed from them.
func RowsRefused(err error) bool { return rowCodes[code(err)] != "" }
