package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bound is how one of limitSetting stops a statement.
type bound struct {
	// least is the lowest value that usual loads stay under: below it they end
	// with an error. At or above it only large ones may. Zero values mean no limit.
	least float64
	codes []int32 // of the server's errors
	text  string  // in the error, where a code has other causes too; "" is any
}

// The lowest values are far above what a run of one small file takes (200 rows of an
// answer, 2,000 rows read, 72 columns, 2 KB of statement; measured), and below
// what a backfill may take.
var (
	rowsRead   = bound{least: 1e6, codes: []int32{158}} // as many ids of rows are compared in one statement
	bytesRead  = bound{least: 1e9, codes: []int32{307}}
	rowsSorted = bound{least: 1e6, codes: []int32{396, 158}}
	rowsInSet  = bound{least: 1e5, codes: []int32{191}}
	bytesInSet = bound{least: 1e8, codes: []int32{191}}
	columns    = bound{least: 100, codes: []int32{161, 165, 166}}
	seconds    = bound{least: 60, codes: []int32{159, 160}}
	pace       = bound{least: math.Inf(1), codes: []int32{160}} // any: a statement that waits for merges is slow
	slower     = bound{codes: []int32{160}}
)

var bounds = map[string]bound{
	"max_result_rows": {least: 1e4, codes: []int32{396}}, "max_result_bytes": {least: 1e7, codes: []int32{396}},
	"max_rows_to_read": rowsRead, "max_rows_to_read_leaf": rowsRead, "max_bytes_to_read": bytesRead, "max_bytes_to_read_leaf": bytesRead,
	"max_rows_to_group_by": {least: 1e6, codes: []int32{158}}, "max_rows_to_sort": rowsSorted, "max_bytes_to_sort": {least: 1e8, codes: []int32{396, 307}},
	"max_rows_in_distinct": rowsInSet, "max_bytes_in_distinct": bytesInSet, "max_rows_in_set": rowsInSet, "max_bytes_in_set": bytesInSet,
	"max_rows_in_join": rowsInSet, "max_bytes_in_join": bytesInSet,
	"max_columns_to_read": columns, "max_temporary_columns": columns, "max_temporary_non_const_columns": columns,
	"max_partitions_to_read": {least: 3, codes: []int32{565}}, // the months of a run's files
	"max_execution_time":     seconds, "max_execution_time_leaf": seconds, "max_estimated_execution_time": seconds,
	"min_execution_speed": pace, "min_execution_speed_bytes": pace, "max_execution_speed": slower, "max_execution_speed_bytes": slower,
	"max_query_size":   {least: 16 << 10, codes: []int32{62}, text: "max_query_size"}, // the longest statement of the schema's is below
	"max_ast_elements": {least: 2000, codes: []int32{168}}, "max_expanded_ast_elements": {least: 2000, codes: []int32{36, 168}, text: "too big"},
	"max_ast_depth": {least: 100, codes: []int32{167}}, "max_parser_depth": {least: 100, codes: []int32{306}},
}

// Limit is a limit of the profile's that is tighter than ours, and that the user may
// not change.
type Limit struct {
	Name  string // of the setting
	Value string // "" where it could not be asked for
}

// String is the limit as it would be set.
func (l Limit) String() string {
	if l.Value == "" {
		return l.Name
	}
	return l.Name + " = " + l.Value
}

// Ours is the value that a load sets where it may.
func (l Limit) Ours() string { return limitSetting[l.Name] }

// Stops reports whether usual loads come up against the limit, and not only large ones.
func (l Limit) Stops() bool {
	v, err := strconv.ParseFloat(l.Value, 64)
	return err != nil || v < bounds[l.Name].least //guard:tight-limits
}

// tightens reports whether the value is less than a load would set.
func (l Limit) tightens() bool {
	v, err := strconv.ParseFloat(l.Value, 64)
	ours, _ := strconv.ParseFloat(l.Ours(), 64)
	switch {
	case err != nil:
		return true
	case ours < 0: // where 0 is a limit too
		return v >= 0
	case v <= 0:
		return false
	}
	return ours == 0 || v < ours
}

// explains reports whether the limit can be why a statement was refused.
func (l Limit) explains(err error) bool {
	b := bounds[l.Name]
	return slices.Contains(b.codes, code(err)) && strings.Contains(err.Error(), b.text)
}

// LimitError reports that a limit of the user's profile stopped a statement.
type LimitError struct {
	Limits []Limit // which of them the server does not always say
	user   string
	err    error
}

// Error names the limits, and ends with the server's own words.
func (e *LimitError) Error() string {
	var names []string
	for _, l := range e.Limits {
		names = append(names, l.String())
	}
	return fmt.Sprintf("%s, which the profile of the user %s does not let ingest change, stops this: %v", strings.Join(names, " or "), e.user, e.err)
}

// Unwrap returns the server's error.
func (e *LimitError) Unwrap() error { return e.err }

// Hint says how to lift the limits.
func (e *LimitError) Hint() string { return LiftLimits(e.user, e.Limits) }

// LiftLimits says what to do about limits of a user's.
func LiftLimits(user string, limits []Limit) string {
	var set, names []string
	for _, l := range limits {
		set = append(set, l.Name+" = "+l.Ours())
		names = append(names, l.Name)
	}
	return "ask the server's administrator to lift it for this user: ALTER USER " + quote(user) + " SETTINGS " + strings.Join(set, ", ") +
		"; where users are in users.xml, take " + strings.Join(names, ", ") + " out of the profile and of its constraints"
}

// limited names the limits that explain an error; any other error stays as it is.
func limited(err error, limits []Limit, user string) error {
	var already *LimitError
	if code(err) == 0 || errors.As(err, &already) {
		return err
	}
	var why []Limit
	for _, l := range limits {
		if l.explains(err) { //guard:limits-named
			why = append(why, l)
		}
	}
	if len(why) == 0 {
		return err
	}
	return &LimitError{Limits: why, user: user, err: err}
}

// Limits are those of the profile that are tighter than ours and cannot be changed.
// The caller must not change them.
func (s *Server) Limits() []Limit {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.conn.limits
}

// Profiles names the settings profiles of the user, "" where the server cannot say.
func (s *Server) Profiles(ctx context.Context) string {
	var names string
	if err := s.Conn().QueryRow(ctx, "SELECT arrayStringConcat(enabledProfiles(), ', ')").Scan(&names); err != nil {
		return ""
	}
	return names
}

// IsLimit reports whether a setting is one of the limits.
func IsLimit(name string) bool { return limitSetting[name] != "" }

// heldLimits asks which of the limits that are not known to be ours to change are
// tighter than ours.
func heldLimits(ctx context.Context, conn *pool, known map[string]bool) ([]Limit, error) {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(limitSetting)) {
		if !known[name] {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	var values []string
	if err := conn.QueryRow(ctx, "SELECT groupArray(concat(name, '=', value)) FROM system.settings WHERE has(?, name)", names).Scan(&values); err != nil {
		return nil, err
	}
	var out []Limit
	for _, text := range values {
		name, value, _ := strings.Cut(text, "=")
		if l := (Limit{name, value}); l.tightens() {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b Limit) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// explain looks for the limit that refused the first questions to a server, in
// questions of one name each, which are as short as they can be.
func (t target) explain(ctx context.Context, addr string, err error) error {
	var why []Limit
	for _, name := range slices.Sorted(maps.Keys(limitSetting)) {
		if (Limit{Name: name}).explains(err) {
			why = append(why, Limit{Name: name})
		}
	}
	if len(why) == 0 {
		return err
	}
	conn := newPool(poolOptions(t, addr, t.settings), func(context.Context, asker) error { return nil })
	conn.undated = true
	defer func() { _ = conn.Close() }() // nothing was written
	var held []Limit
	for _, l := range why {
		var value string
		if conn.QueryRow(ctx, "SELECT value FROM system.settings WHERE name = ?", l.Name).Scan(&value) != nil {
			continue
		}
		if l.Value = value; l.tightens() {
			held = append(held, l)
		}
	}
	if len(held) > 0 {
		why = held
	}
	return limited(err, why, t.user)
}

// undated is a context whose deadline is not seen: the library would make it the
// statement's max_execution_time. It ends when it would.
type undated struct{ context.Context }

func (undated) Deadline() (time.Time, bool) { return time.Time{}, false }
