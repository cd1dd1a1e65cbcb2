package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/jedib0t/go-pretty/v6/table"
)

// variant is another definition of clicks: edits of the schema's own.
type variant struct {
	what  string
	edits [][2]string // regular expression, replacement; each must match
	drop  string      // columns that are left out of the INSERT, as a regular expression
}

func order(by string) [][2]string {
	return [][2]string{{`ORDER BY \([^)]*\)`, "ORDER BY (" + by + ")"}}
}

func codec(columns, codec string) [2]string {
	return [2]string{"(?m)(^\\s*`(" + columns + ")` [^\n]*?)(,?)$", "$1 CODEC(" + codec + ")$3"}
}

func typed(columns, typ string) [2]string {
	return [2]string{"(`(" + columns + ")`) (LowCardinality\\(String\\)|String)", "$1 " + typ}
}

const (
	noIndex = `,\s*INDEX by_transaction [^\n]*GRANULARITY 1`
	low     = "LowCardinality(String)"
)

// plain takes all codecs away.
var plain = [2]string{` CODEC\(ZSTD\(1\)\)`, ""}

// variants are those that docs/performance.md has a line for.
func variants() []variant {
	return []variant{
		{what: "as it is"},
		{what: "ORDER BY offer_id, datetime", edits: order("offer_id, datetime")},
		{what: "ORDER BY offer_id, _hour, affiliate_id", edits: order("offer_id, _hour, affiliate_id")},
		{what: "ORDER BY _hour, offer_id, affiliate_id", edits: order("_hour, offer_id, affiliate_id")},
		{what: "ORDER BY datetime", edits: order("datetime")},
		{what: "no roll-ups", edits: [][2]string{{`(?s),\s*PROJECTION rollup_\w+\s*\(.*?\n\s*\)`, ""}}},
		{what: "no bloom filter", edits: [][2]string{{noIndex, ""}}},
		{what: "bloom filter 0.01", edits: [][2]string{{`bloom_filter\(0.001\)`, "bloom_filter(0.01)"}}},
		{what: "no ZSTD", edits: [][2]string{plain}},
		{what: "ZSTD for refer, url and pixel_refer only", edits: [][2]string{plain, codec("refer|url|pixel_refer", "ZSTD(1)")}},
		{what: "_line Delta", edits: [][2]string{codec("_line", "Delta, LZ4")}},
		{what: "ZSTD for everything", edits: [][2]string{plain, codec("\\w+", "ZSTD(1)")}},
		{what: "_line T64", edits: [][2]string{codec("_line", "T64, LZ4")}},
		{what: "user_agent String", edits: [][2]string{typed("user_agent", "String CODEC(ZSTD(1))")}},
		{what: "all String", edits: [][2]string{{`LowCardinality\(String\)( |,)`, "String$1"}}},
		{what: "device ids LowCardinality", edits: [][2]string{typed("device_id|device_id_\\w+|android_id|android_id_\\w+|mac_address|mac_address_\\w+|odin|open_udid|ios_\\w+|user_id|unknown_id", low)}},
		{what: "affiliate_source LowCardinality", edits: [][2]string{typed("affiliate_source", low)}},
		{what: "without lineage but _file and _hour", drop: "network|_line|_insert|_rescued|_loaded_at"},
		{what: "without fsync", edits: [][2]string{{`fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1`, "fsync_after_insert = 0"}}},
	}
}

// questions are what analysts ask most (docs/sql-cookbook.md), by what they filter on.
// The values in braces are of the data itself: the busiest offer and affiliate,
// the last id and file.
var questions = []struct{ name, query string }{
	{"offer × day", "SELECT toDate(datetime) AS day, offer_id, count(), sum(is_click_unique) FROM bench_variant GROUP BY day, offer_id"},
	{"an offer", "SELECT toStartOfHour(datetime) AS hour, count() FROM bench_variant WHERE offer_id = {topK(1)(offer_id)[1]} GROUP BY hour"},
	{"an affiliate", "SELECT affiliate_source, affiliate_sub1, count(), uniqExact(ip) FROM bench_variant WHERE affiliate_id = {topK(1)(affiliate_id)[1]} GROUP BY ALL"},
	{"an hour", "SELECT country_code, count(), uniqExact(ip) FROM bench_variant WHERE datetime >= '2016-09-09 07:00:00' AND datetime < '2016-09-09 08:00:00' GROUP BY country_code"},
	{"one click", "SELECT * FROM bench_variant WHERE transaction_id = '{max(transaction_id)}'"},
	{"all ids", "SELECT uniqExact(transaction_id) FROM bench_variant"},
	{"a file", "SELECT count() FROM bench_variant WHERE _file = '{max(_file)}'"},
}

// ask fills the braces of a question.
func (s *server) ask(ctx context.Context, query string) (string, error) {
	from, to := strings.IndexByte(query, '{'), strings.IndexByte(query, '}')
	if from < 0 {
		return query, nil
	}
	var value string
	err := s.st.Conn().QueryRow(ctx, "SELECT toString("+query[from+1:to]+") FROM bench_rows").Scan(&value)
	return query[:from] + value + query[to+1:], err
}

// schemaShare measures what the table's definition costs and gives. Each
// variant takes the same rows from memory, as ingest's INSERTs bring them, in
// one thread.
func schemaShare(ctx context.Context, o options, srv *server, ing *ingest, t *report) error {
	ds := dataSets()[0]
	if err := ds.make(o.data); err != nil {
		return err
	}
	if err := srv.clear(ctx); err != nil {
		return err
	}
	if _, err := ing.backfill(ctx, ds.zips()); err != nil {
		return err
	}
	conn := srv.st.Conn()
	var create string
	if err := conn.QueryRow(ctx, "SELECT formatQuery(create_table_query) FROM system.tables WHERE database = ? AND name = 'clicks'", srv.st.Database()).Scan(&create); err != nil {
		return err
	}
	// What one INSERT of ingest's holds, in the order of its lines.
	for _, statement := range []string{
		"DROP TABLE IF EXISTS bench_rows SYNC",
		"CREATE TABLE bench_rows AS clicks ENGINE = Memory",
		"INSERT INTO bench_rows SELECT * FROM clicks WHERE _hour < toDateTime('2016-09-09 10:00:00', 'UTC') ORDER BY _hour, _line SETTINGS max_threads = 1",
	} {
		if err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	only, err := regexp.Compile(o.variants)
	if err != nil {
		return err
	}
	all := slices.DeleteFunc(variants(), func(v variant) bool { return !only.MatchString(v.what) })
	var asked []string
	for _, q := range questions {
		text, err := srv.ask(ctx, q.query)
		if err != nil {
			return err
		}
		asked = append(asked, text)
	}
	costs := make([]variantCost, len(all))
	// In turn, as the machine is never the same for long; the least disturbed
	// round of each counts.
	for range o.rounds {
		for i, v := range all {
			if err := srv.variant(ctx, create, v, asked, &costs[i]); err != nil {
				return fmt.Errorf("%s: %w", v.what, err)
			}
		}
	}
	t.notes = append(t.notes, variantTable(all, costs))
	if err := conn.Exec(ctx, "DROP TABLE bench_rows SYNC"); err != nil {
		return err
	}
	return srv.clear(ctx)
}

func variantTable(all []variant, costs []variantCost) string {
	out := table.NewWriter()
	out.SetStyle(table.StyleLight)
	header := table.Row{"clicks", "insert CPU s", "merge CPU s", "MB"}
	for _, q := range questions {
		header = append(header, q.name+" ms")
	}
	out.AppendHeader(header)
	for i, v := range all {
		c := costs[i]
		row := table.Row{v.what, seconds(c.insert), seconds(c.merge), fmt.Sprintf("%.1f", float64(c.bytes)/1e6)}
		for _, q := range c.questions {
			row = append(row, fmt.Sprintf("%.1f", q.Seconds()*1e3))
		}
		out.AppendRow(row)
	}
	return out.Render()
}

// variantCost is the least of what each step of a variant cost.
type variantCost struct {
	insert, merge time.Duration
	bytes         uint64 // merged
	questions     []time.Duration
}

func least(to *time.Duration, d time.Duration) {
	if *to == 0 || d < *to {
		*to = d
	}
}

// definition is the variant's CREATE TABLE, made of that of clicks.
func (v variant) definition(create, name string) (string, error) {
	sql := strings.Replace(create, ".clicks", "."+name, 1)
	sql = regexp.MustCompile(` COMMENT '(?:[^'\\]|\\.|'')*'`).ReplaceAllString(sql, "")
	sql = regexp.MustCompile(`(?m)^COMMENT .*$`).ReplaceAllString(sql, "")
	for _, e := range v.edits {
		was := sql
		if sql = regexp.MustCompile(e[0]).ReplaceAllString(sql, e[1]); sql == was {
			return "", fmt.Errorf("%s matches nothing in\n%s", e[0], sql)
		}
	}
	return sql, nil
}

// variant makes the table, fills it with two INSERTs of the same rows, merges
// them and asks the questions.
func (s *server) variant(ctx context.Context, create string, v variant, asked []string, c *variantCost) error {
	const name = "bench_variant"
	conn := s.st.Conn()
	sql, err := v.definition(create, name)
	if err != nil {
		return err
	}
	columns, into := "*", name
	if v.drop != "" {
		columns = "* EXCEPT ('^(" + v.drop + ")$')"
		into += " (" + columns + ")"
	}
	for _, statement := range []string{"DROP TABLE IF EXISTS " + name + " SYNC", sql, "SYSTEM STOP MERGES " + name} {
		if err = conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	for range 2 {
		var cost time.Duration
		cost, err = s.cost(ctx, "INSERT INTO "+into+" SELECT "+columns+" FROM bench_rows", clickhouse.Settings{
			"max_threads": 1, "max_insert_threads": 1, "min_insert_block_size_rows": 1 << 40, "min_insert_block_size_bytes": 1 << 40,
		})
		if err != nil {
			return err
		}
		least(&c.insert, cost)
	}
	if err = conn.Exec(ctx, "SYSTEM START MERGES "+name); err != nil {
		return err
	}
	before, err := s.cpu()
	if err != nil {
		return err
	}
	if err = conn.Exec(ctx, "OPTIMIZE TABLE "+name+" FINAL"); err != nil {
		return err
	}
	after, err := s.cpu()
	if err != nil {
		return err
	}
	least(&c.merge, after-before)
	if c.bytes, err = s.number(ctx, "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = '"+name+"'"); err != nil {
		return err
	}
	c.questions = append(c.questions, make([]time.Duration, len(asked)-len(c.questions))...)
	for i, text := range asked {
		for range 2 {
			cost, err := s.cost(ctx, text, clickhouse.Settings{"max_threads": 1})
			if err != nil {
				return err
			}
			least(&c.questions[i], cost)
		}
	}
	return conn.Exec(ctx, "DROP TABLE "+name+" SYNC")
}

// cost runs a statement and returns the CPU time of its threads.
func (s *server) cost(ctx context.Context, query string, settings clickhouse.Settings) (time.Duration, error) {
	id := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	conn := s.st.Conn()
	if err := conn.Exec(clickhouse.Context(ctx, clickhouse.WithQueryID(id), clickhouse.WithSettings(settings)), query); err != nil {
		return 0, err
	}
	if err := conn.Exec(ctx, "SYSTEM FLUSH LOGS"); err != nil {
		return 0, err
	}
	micros, err := s.number(ctx, "SELECT ProfileEvents['OSCPUVirtualTimeMicroseconds'] FROM system.query_log WHERE type = 'QueryFinish' AND query_id = ?", id)
	return time.Duration(micros) * time.Microsecond, err
}
