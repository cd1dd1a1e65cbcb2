package reconcile

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/report"
)

// instant is when a row happened: its datetime, or the middle of its file's
// hour where the log's datetime could not be read (it is kept in _rescued).
const instant = "if(datetime = toDateTime(0, 'UTC'), _hour + 1800, datetime)"

// inSpan is the condition for a network's rows between two instants.
const inSpan = "network = {network:String} AND (datetime >= fromUnixTimestamp({from:Int64}) AND datetime < fromUnixTimestamp({to:Int64})" +
	" OR datetime = toDateTime(0, 'UTC') AND _hour >= fromUnixTimestamp({from:Int64}) AND _hour < fromUnixTimestamp({to:Int64}))"

// countStore counts the rows of a type by the network's days and hours or offers.
func (j *job) countStore(ctx context.Context, typ rawlog.Type, period rawlog.Period, by By) (counts, error) {
	from, _ := bounds(period.From.Format(isoDay), j.Zone)
	to, _ := bounds(period.To.Format(isoDay), j.Zone)
	hour, offer := "toUInt8(0)", "toInt64(0)"
	switch by {
	case Hour:
		hour = "toUInt8(toHour(" + instant + ", {zone:String}))"
	case Offer:
		offer = "toInt64(offer_id)"
	case Day:
	}
	counted, err := j.counted(ctx, typ)
	if err != nil {
		return nil, err
	}
	query := "SELECT toString(toDate(" + instant + ", {zone:String})) AS day, " + hour + " AS hour, " + offer + " AS offer, toInt64(count())" +
		" FROM " + j.st.TableName(j.table(typ)) + " WHERE " + inSpan + " AND " + counted + " GROUP BY day, hour, offer"
	rows, err := j.st.Conn().Query(j.params(ctx, from, to), query)
	if err != nil {
		return nil, fmt.Errorf("counting %s: %w", typ, err)
	}
	defer rows.Close()
	out := counts{}
	for rows.Next() {
		var b bucket
		var hour uint8
		var n int64
		if err := rows.Scan(&b.day, &hour, &b.offer, &n); err != nil {
			return nil, fmt.Errorf("counting %s: %w", typ, err)
		}
		b.hour = int(hour)
		out[b] += n
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("counting %s: %w", typ, err)
	}
	return out, nil
}

// table holds a type's rows.
func (j *job) table(typ rawlog.Type) string {
	if j.FromReport {
		return string(rawlog.ConversionReport)
	}
	return string(typ)
}

// base is the condition for rows that the network counts too, whatever access control
// decided about them.
func (j *job) base(typ rawlog.Type) string {
	if typ == rawlog.Conversions && !j.AllConversions {
		return "status IN ('approved', '')"
	}
	return "1"
}

// counted is base without the rows that are known not to be counted.
func (j *job) counted(ctx context.Context, typ rawlog.Type) (string, error) {
	if len(j.NotCounted.Words) == 0 || j.FromReport {
		return j.base(typ), nil
	}
	ok, err := j.has(ctx, typ, decisionColumn)
	if err != nil || !ok {
		return j.base(typ), err
	}
	return j.base(typ) + " AND NOT " + oneOf(j.NotCounted.Words), nil
}

// readChanges reads by how much the later changes of conversions that were
// fetched (ingest updates) raise or lower the count of each hour.
func (j *job) readChanges(ctx context.Context, f *facts, index map[bucket]*hourFacts, from, to time.Time) error {
	if f.typ != rawlog.Conversions {
		return nil
	}
	var any uint64
	err := j.st.Conn().QueryRow(j.params(ctx, from, to), "SELECT count() FROM (SELECT 1 FROM "+j.st.TableName("conversion_updates")+
		" WHERE network = {network:String} LIMIT 1)").Scan(&any)
	if err != nil || any == 0 {
		return err
	}
	now, then := "origin != 'repeated'", "origin != 'update'"
	if !j.AllConversions {
		now = "status IN ('approved', '')"
		then += " AND logged_status IN ('approved', '')"
	}
	rows, err := j.st.Conn().Query(j.params(ctx, from, to), "SELECT toString(toDate(datetime, {zone:String})) AS day, toUInt8(toHour(datetime, {zone:String})) AS hour,"+
		" toInt64(countIf("+now+")) - toInt64(countIf("+then+")) AS changed FROM "+j.st.TableName("conversions_current")+
		" WHERE network = {network:String} AND datetime >= fromUnixTimestamp({from:Int64}) AND datetime < fromUnixTimestamp({to:Int64})"+
		" GROUP BY day, hour HAVING changed != 0")
	if err != nil {
		return fmt.Errorf("reading the changes of conversions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var b bucket
		var hour uint8
		var n int64
		if err := rows.Scan(&b.day, &hour, &n); err != nil {
			return fmt.Errorf("reading the changes of conversions: %w", err)
		}
		b.hour = int(hour)
		if h := index[b]; h != nil {
			h.changed = n
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading the changes of conversions: %w", err)
	}
	return nil
}

// params fills the placeholders of inSpan and the zone.
func (j *job) params(ctx context.Context, from, to time.Time) context.Context {
	return clickhouse.Context(j.st.Wide(ctx), clickhouse.WithParameters(clickhouse.Parameters{
		"network": j.Network, "zone": j.Zone.String(),
		"from": strconv.FormatInt(from.Unix(), 10), "to": strconv.FormatInt(to.Unix(), 10),
	}))
}

// askNetwork asks for the network's totals of several types at once.
func (j *job) askNetwork(ctx context.Context, types []rawlog.Type, period rawlog.Period, by By) (map[rawlog.Type]counts, error) {
	q := report.Question{}
	for _, t := range types {
		q.Fields = append(q.Fields, Figure(t))
	}
	switch by {
	case Hour:
		q.Groups = []string{"Stat.hour"}
	case Offer:
		q.Groups = []string{"Stat.offer_id"}
	case Day:
	}
	q, err := q.Prepare()
	if err != nil {
		return nil, err
	}
	out := map[rawlog.Type]counts{}
	for _, t := range types {
		out[t] = counts{}
	}
	return out, j.ask.Ask(ctx, q, period, func(a report.Answer) error {
		j.calls += a.Calls
		for _, row := range a.Rows {
			b, err := readBucket(row, by)
			if err != nil {
				return err
			}
			for _, t := range types {
				n, err := readCount(row, Figure(t))
				if err != nil {
					return err
				}
				if n != 0 {
					out[t][b] += n
				}
			}
		}
		return nil
	})
}

func readBucket(row report.Row, by By) (bucket, error) {
	b := bucket{day: row["Stat.date"]}
	var err error
	switch by {
	case Hour:
		b.hour, err = strconv.Atoi(row["Stat.hour"])
		if err == nil && (b.hour < 0 || b.hour > 23) {
			err = fmt.Errorf("%d is not an hour", b.hour)
		}
	case Offer:
		if text := row["Stat.offer_id"]; text != "" {
			b.offer, err = strconv.ParseInt(text, 10, 64)
		}
	case Day:
	}
	if err != nil {
		return b, fmt.Errorf("the network's report of %s: %w", b.day, err)
	}
	return b, nil
}

func readCount(row report.Row, field string) (int64, error) {
	text := row[field]
	if text == "" {
		return 0, nil
	}
	d, ok := report.ParseDecimal(text)
	n, whole := d.Int()
	if !ok || !whole {
		return 0, fmt.Errorf("the network's report of %s: %s is %.40q, no whole number", row["Stat.date"], field, text)
	}
	return n, nil
}
