package main

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/store"
)

// profiles are what analysts bring along in theirs. None may change an answer.
var profiles = []clickhouse.Settings{
	{"join_use_nulls": 1},
	{"prefer_column_name_to_alias": 1},
	{"union_default_mode": "DISTINCT"},
	{"any_join_distinct_right_table_keys": 1},
	{"join_default_strictness": "ANY"},
	{"join_any_take_last_row": 1},
	{"join_algorithm": "full_sorting_merge"},
	{"single_join_prefer_left_table": 0},
	{"joined_subquery_requires_alias": 0},
	{"transform_null_in": 1},
	{"cast_keep_nullable": 1},
	{"data_type_default_nullable": 1},
	{"group_by_use_nulls": 1},
	{"aggregate_functions_null_for_empty": 1},
	{"empty_result_for_aggregation_by_empty_set": 1},
	{"enable_positional_arguments": 0},
	{"enable_global_with_statement": 0},
	{"enable_named_columns_in_function_tuple": 1},
	{"final": 1},
	{"session_timezone": "America/New_York"},
	{"date_time_input_format": "basic", "date_time_output_format": "iso"},
	{"short_circuit_function_evaluation": "disable"},
	{"max_rows_to_read": 10_000_000},
	{"additional_result_filter": "1"},
	{"enable_analyzer": 0},
}

// sameUnderSettings runs the views and the queries under each profile, and
// compares their answers with those under the server's own settings.
func sameUnderSettings(t *testing.T, path string, queries []string) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Spec: "embedded:" + path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	fillViews(t, st)
	// A view that wants parameters is given them all; ClickHouse ignores what a view does not know.
	views, err := answer(t.Context(), st, "SELECT concat(name, if(empty(parameterized_view_parameters), '', '(first_day = \\'2016-09-09\\', last_day = \\'2016-09-10\\', least = 1)'))"+
		" FROM system.tables WHERE database = currentDatabase() AND engine = 'View' ORDER BY name", nil)
	if err != nil || len(views) < 10 {
		t.Fatalf("views %v %v", views, err)
	}
	for _, v := range views {
		if strings.HasPrefix(v, "conversions_in(") {
			v = "conversions_in(currency = 'EUR')"
		}
		queries = append(queries, "SELECT * FROM "+v+" ORDER BY ALL")
	}
	for _, q := range queries {
		plain, err := answer(t.Context(), st, q, clickhouse.Settings{})
		if err != nil {
			t.Fatalf("%s\n%v", q, err)
		}
		if len(plain) == 0 && !mayBeEmpty.MatchString(q) {
			t.Errorf("no rows from\n%s", q)
		}
		for _, p := range profiles {
			got, err := answer(t.Context(), st, q, p)
			if err != nil {
				t.Errorf("under %v: %v\n%s", p, err, q)
			} else if !slices.Equal(got, plain) {
				t.Errorf("under %v the answer is\n%s\nand otherwise\n%s\nby\n%s", p, short(got), short(plain), q)
			}
		}
	}
}

func short(rows []string) string { return strings.Join(rows[:min(len(rows), 5)], "\n") }

// fillViews puts a few rows into the tables that no log fills.
func fillViews(t *testing.T, st *store.Store) {
	t.Helper()
	const some = "SELECT arrayJoin(['acme', 'beta']), number, now64(3) FROM numbers(3)"
	for _, sql := range []string{
		"INSERT INTO conversion_updates (network, id, ad_id, status, payout, currency, found, valid_from)" +
			" SELECT network, id, transaction_id, 'rejected', 0, 'USD', 'updated', now64(3) FROM conversions WHERE id % 2 = 1",
		"INSERT INTO conversion_updates (network, id, status, payout, currency, found, valid_from) SELECT 'acme', 4000000000, 'approved', 1, 'USD', 'added', now64(3)",
		"INSERT INTO conversion_report (network, id, tune_event_id, ad_id, goal_id, datetime, status, payout, currency, _file, _hour)" +
			" SELECT network, id, if(id % 3 = 1, '', concat('e', toString(id))), transaction_id, goal_id, datetime, 'approved', 2, 'USD', 'd', _hour FROM conversions WHERE id % 5 < 2",
		"INSERT INTO conversion_report (network, ad_id, payout, currency, _file, _hour) SELECT network, max(transaction_id), 3, 'USD', 'd', max(_hour) FROM conversions GROUP BY network",
		"INSERT INTO report_stats_rows (network, question, day, row_key, version, dims, figures)" +
			" SELECT 'acme', 'q', '2016-09-09', arrayJoin(['', 'a']), 1, map('Stat.hour', '3'), map('Stat.clicks', 1)",
		"INSERT INTO fx_rates (day, currency, per_euro, version) SELECT toDate('2016-09-08') + number, 'USD', 1.1 + number / 100, 1 FROM numbers(2)",
		"INSERT INTO dim_offers (network, id, valid_from) " + some, "INSERT INTO dim_affiliates (network, id, valid_from) " + some,
		"INSERT INTO dim_advertisers (network, id, valid_from) " + some, "INSERT INTO dim_goals (network, id, valid_from) " + some,
		"INSERT INTO dim_countries (network, id, valid_from) " + some, "INSERT INTO dim_affiliate_users (network, id, valid_from) " + some,
		"INSERT INTO dim_offer_files (network, id, valid_from) " + some, "INSERT INTO dim_browsers (network, id, valid_from) " + some,
		"INSERT INTO dim_employees (network, id, valid_from) " + some, "INSERT INTO dim_offer_urls (network, id, valid_from) " + some,
		"INSERT INTO dim_cashflow_groups (network, id, valid_from) " + some, "INSERT INTO dim_ad_campaigns (network, id, valid_from) " + some,
		"INSERT INTO dim_ad_campaign_creatives (network, id, valid_from) " + some, "INSERT INTO dim_offer_categories (network, id, valid_from) " + some,
		"INSERT INTO dim_offer_groups (network, id, valid_from) " + some, "INSERT INTO dim_affiliate_tiers (network, id, valid_from) " + some,
	} {
		if err := st.Conn().Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// answer is a query's rows as text. One thread makes answers alike that any row
// of a group may give.
func answer(ctx context.Context, st *store.Store, query string, profile clickhouse.Settings) ([]string, error) {
	settings := clickhouse.Settings{"max_threads": 1}
	for name, value := range profile {
		settings[name] = value
	}
	rows, err := st.Conn().Query(clickhouse.Context(ctx, clickhouse.WithSettings(settings)), query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var cells []any
		for _, c := range rows.ColumnTypes() {
			cells = append(cells, reflect.New(c.ScanType()).Interface())
		}
		if err := rows.Scan(cells...); err != nil {
			return nil, err
		}
		var texts []string
		for _, cell := range cells {
			v := reflect.ValueOf(cell).Elem()
			for v.Kind() == reflect.Pointer && !v.IsNil() {
				v = v.Elem()
			}
			texts = append(texts, fmt.Sprint(v.Interface()))
		}
		out = append(out, strings.Join(texts, "\t"))
	}
	return out, rows.Err()
}
