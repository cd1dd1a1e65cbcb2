package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/clickhouse-go/v2"
)

// everySetting is pinned on every connection: with other values a read could
// be cut short without an error, or a write be acknowledged before it is there.
var everySetting = map[string]string{
	"async_insert":           "0",
	"wait_for_async_insert":  "1",
	"read_overflow_mode":     "throw",
	"result_overflow_mode":   "throw",
	"timeout_overflow_mode":  "throw",
	"group_by_overflow_mode": "throw",
	"distinct_overflow_mode": "throw",
	"limit":                  "0",
	"offset":                 "0",
	"apply_deleted_mask":     "1",
	//guard:no-extremes
	"extremes":        "0", // two further rows at the end of each answer
	"final":           "0",
	"use_query_cache": "0", // a count of yesterday decides nothing
	// A filter of the profile's hides rows as a row policy does.
	"additional_table_filters": "{}",
	//guard:no-filters
	"additional_result_filter": "",
	// Projections of an analyst's that deletions do not reach.
	"optimize_use_projections":           "0",
	"force_optimize_projection":          "0",
	"force_index_by_date":                "0",
	"force_primary_key":                  "0",
	"force_data_skipping_indices":        "",
	"lightweight_delete_mode":            "alter_update",
	"enable_lightweight_delete":          "1",
	"implicit_transaction":               "0",
	"prefer_column_name_to_alias":        "0",
	"aggregate_functions_null_for_empty": "0",
	"session_timezone":                   "",
	//guard:counts-of-nothing
	"empty_result_for_aggregation_by_empty_set": "0", // a count of 0 is a row
	// Columns of our tables would become Nullable, and no longer sort or key them.
	//guard:same-tables
	"data_type_default_nullable": "0",
	"cast_keep_nullable":         "0",
	"join_use_nulls":             "0",
	"transform_null_in":          "0",
}

// limitSetting is pinned on every connection too: a profile's limits are for
// analysts' queries, and ours are cut to size by us.
var limitSetting = map[string]string{
	"max_result_rows": "0", "max_result_bytes": "0",
	"max_rows_to_read": "0", "max_bytes_to_read": "0", "max_rows_to_read_leaf": "0", "max_bytes_to_read_leaf": "0",
	"max_rows_to_group_by": "0", "max_rows_to_sort": "0", "max_bytes_to_sort": "0",
	"max_rows_in_distinct": "0", "max_bytes_in_distinct": "0", "max_rows_in_set": "0", "max_bytes_in_set": "0",
	"max_rows_in_join": "0", "max_bytes_in_join": "0",
	"max_columns_to_read": "0", "max_temporary_columns": "0", "max_temporary_non_const_columns": "0",
	"max_partitions_to_read": "-1",
	"max_execution_time":     "0", "max_execution_time_leaf": "0", "max_estimated_execution_time": "0",
	"min_execution_speed": "0", "min_execution_speed_bytes": "0", "max_execution_speed": "0", "max_execution_speed_bytes": "0",
	"max_query_size":   "262144", // statementBytes lies below
	"max_ast_elements": "50000", "max_expanded_ast_elements": "500000", "max_ast_depth": "1000", "max_parser_depth": "1000",
}

// insertSetting goes with every INSERT.
var insertSetting = map[string]string{
	// Of a client that was stopped or cut off in mid-INSERT the server hears no
	// more, and it looks at no kill meanwhile: a successor waits for this long. A
	// client that lives is silent for two seconds at most.
	//guard:silence-bounded
	"receive_timeout": "30",
	// Equal bytes in two files are two files' rows, and a token that was
	// used before a DELETE would silence the rows that replace it.
	//guard:no-deduplication{
	"deduplicate_insert": "disable",
	"insert_deduplicate": "0",
	//guard:no-deduplication}
	// Whatever is streamed into one INSERT becomes one part, written at its
	// end: that is what makes it atomic. A higher number of rows the server
	// lowers by itself, with a warning for each INSERT.
	//guard:one-block{
	"min_insert_block_size_rows":  "4294967295",
	"min_insert_block_size_bytes": "1099511627776",
	//guard:one-block}
	// By the usual rule a server of little memory cuts at an eighth of it.
	//guard:one-block-in-little-memory
	"use_strict_insert_block_limits":     "1",
	"max_insert_block_size":              "4294967295",
	"max_insert_block_size_bytes":        "0",
	"max_insert_threads":                 "1",
	"materialized_views_ignore_errors":   "0", // a view that lacks rows is told
	"insert_distributed_sync":            "1",
	"distributed_foreground_insert":      "1",
	"optimize_on_insert":                 "1",
	"materialize_skip_indexes_on_insert": "1",
}

// quickSetting is pinned where only our own statements are sent, nearly all of which
// read a few kilobytes: planning and threads are all that they cost. Compiling an
// expression takes the server a fifth of a second, and pays only over more rows than the
// ledger ever has. Handing a tiny read to another thread costs several times the read.
// Statements that read the rows of many files are sent Wide.
var quickSetting = map[string]string{
	"max_threads":                   "1",
	"local_filesystem_read_method":  "pread",
	"compile_expressions":           "0",
	"compile_aggregate_expressions": "0",
	"compile_sort_description":      "0",
}

// streamSetting goes with the INSERTs of raw logs only. One that would spread
// over two partitions is not atomic: it is refused (252).
var streamSetting = map[string]string{
	//guard:one-partition
	"max_partitions_per_insert_block":          "1",
	"throw_on_max_partitions_per_insert_block": "1",
}

// allSettings are all that we pin on connections or statements, by occasion.
func (sh Shape) allSettings() []map[string]string {
	return []map[string]string{everySetting, sh.settings, limitSetting, quickSetting, insertSetting, streamSetting, httpSetting}
}

func (sh Shape) settingNames() []string {
	var names []string
	for _, m := range sh.allSettings() {
		names = slices.AppendSeq(names, maps.Keys(m))
	}
	return names
}

// connectionSettings are pinned on every connection.
func (sh Shape) connectionSettings(known map[string]bool) []ch.Setting {
	own := append(pinned(everySetting, known), pinned(sh.settings, known)...)
	return append(own, pinned(limitSetting, known)...) //guard:no-limits
}

// pinned renders the settings that the server knows, sorted by name.
func pinned(settings map[string]string, known map[string]bool) []ch.Setting {
	var out []ch.Setting
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if known[name] {
			out = append(out, ch.Setting{Key: name, Value: settings[name], Important: true})
		}
	}
	return out
}

// InsertSettings are the settings of an INSERT streamed over Dial's
// connection: one table, one partition, one part. The caller owns the slice.
func (s *Server) InsertSettings() []ch.Setting {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return append(pinned(insertSetting, s.profile.known), pinned(streamSetting, s.profile.known)...)
}

// InsertContext is the context for an INSERT through Conn, into any number of
// partitions.
func (s *Server) InsertContext(ctx context.Context) context.Context {
	s.mu.RLock()
	defer s.mu.RUnlock()
	settings := clickhouse.Settings{}
	for _, set := range pinned(insertSetting, s.profile.known) {
		settings[set.Key] = set.Value
	}
	return clickhouse.Context(ctx, clickhouse.WithSettings(settings))
}

// profile is what the server lets a user set.
type profile struct {
	known   map[string]bool // of the settings that we pin, those that it has and this user may change
	limits  []Limit         // that are tighter than ours, and stay
	threads string          // max_threads, as the profile or the address has it
}

// askSettings asks for the user's profile with all of our settings in force, as its
// limits could refuse or cut the question, and with none where that is refused.
func (t target) askSettings(ctx context.Context, addr string, greet greeting) (profile, error) {
	settings := maps.Clone(t.settings)
	if settings == nil {
		settings = clickhouse.Settings{}
	}
	for _, m := range []map[string]string{everySetting, t.shape().settings, limitSetting} {
		for name, value := range m {
			settings[name] = value
		}
	}
	own, err := t.askSettingsWith(ctx, addr, greet, settings)
	if forbidden(err) {
		own, err = t.askSettingsWith(ctx, addr, greet, t.settings)
	}
	return own, t.refusedParameters(t.explain(ctx, addr, err))
}

var errCutShort = errors.New("the profile's settings (offset, a filter?) cut a result of one row short: lift them for this user")

func (t target) askSettingsWith(ctx context.Context, addr string, greet greeting, settings clickhouse.Settings) (own profile, err error) {
	conn := newPool(poolOptions(t, addr, settings), greet)
	conn.undated = true
	defer func() { err = errors.Join(err, conn.Close()) }()
	// One row: a profile's limit on rows would cut a longer answer short, and
	// leave unpinned what is missing from it.
	var names []string
	err = conn.QueryRow(ctx, "SELECT groupArray(name), anyIf(value, name = 'max_threads') FROM system.settings WHERE has(?, name) AND NOT readonly",
		t.shape().settingNames()).Scan(&names, &own.threads)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return profile{}, errCutShort
	case code(err) == codeUnknownDatabase:
		return profile{}, fmt.Errorf("database %s does not exist on %s: create it there (CREATE DATABASE %s): %w", t.database, addr, quote(t.database), err)
	case err != nil:
		return profile{}, err
	}
	own.known = make(map[string]bool, len(names))
	for _, name := range names {
		own.known[name] = true
	}
	if err = t.permitted(ctx, conn, own.known); err != nil {
		return profile{}, err
	}
	if !own.known["max_threads"] {
		own.threads = "" // it stays as it is
	}
	own.limits, err = heldLimits(ctx, conn, own.known)
	return own, err
}

// Wide is the context of a statement that reads the rows of many files: it runs on as
// many threads as the user's profile or the address says, not on one.
func (s *Server) Wide(ctx context.Context) context.Context {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.profile.threads == "" {
		return ctx
	}
	return clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_threads": s.profile.threads}))
}

// permitted takes out of known the settings whose values of ours the profile's
// constraints forbid: one of them refuses a whole statement.
func (t target) permitted(ctx context.Context, conn *pool, known map[string]bool) error {
	all := clickhouse.Settings{}
	for _, m := range t.shape().allSettings() {
		for _, set := range pinned(m, known) {
			all[set.Key] = set.Value
		}
	}
	try := func(settings clickhouse.Settings) error {
		return conn.Exec(clickhouse.Context(ctx, clickhouse.WithSettings(settings)), "SELECT 1 FORMAT Null")
	}
	err := try(all)
	if !forbidden(err) {
		return err
	}
	for name, value := range all {
		switch err := try(clickhouse.Settings{name: value}); {
		case forbidden(err):
			delete(known, name) //guard:forbidden-settings
		case err != nil:
			return err
		}
	}
	return nil
}

// forbidden reports whether a statement was refused for its settings.
func forbidden(err error) bool {
	const unknownSetting, violation = 115, 452
	return slices.Contains([]int32{codeReadonly, unknownSetting, violation}, code(err))
}
