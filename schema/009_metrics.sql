-- By day, until when a load had looked at its hours: those that began until then and of
-- which the ledger has no file had none at the source. Shares i/n count once all n have.
CREATE VIEW IF NOT EXISTS {database}.ingest_looked
AS
SELECT network, log_type, toDate(day) AS day, max(upto) AS upto
FROM
(
    SELECT network, log_type, day, splitByChar('/', worker)[2] AS shares, min(upto) AS upto
    FROM
    (
        SELECT network, log_type, day, worker, max(upto) AS upto
        FROM
        (
            SELECT network, log_type, worker, arrayJoin(range(toUInt32(from_day), toUInt32(until_day))) AS day, toDateTime(toDate(day), 'UTC') + INTERVAL 1 DAY AS upto
            FROM (SELECT DISTINCT network, log_type, worker, from_day, until_day FROM {database}.ingest_listings)
            UNION ALL
            SELECT network, arrayJoin(listed_types) AS log_type, worker, arrayJoin(range(toUInt32(days.1), toUInt32(days.2))) AS day, at - INTERVAL 90 MINUTE AS upto
            FROM
            (
                SELECT network, listed_types, worker, arrayJoin(listed_days) AS days, max(toDateTime(assumeNotNull(listed_at), 'UTC')) AS at
                FROM {database}.ingest_runs
                WHERE listed_at IS NOT NULL
                GROUP BY network, listed_types, worker, days, toDate(listed_at)
            )
        )
        GROUP BY network, log_type, day, worker
    )
    GROUP BY network, log_type, day, shares
    HAVING count() = greatest(1, toUInt32OrZero(shares))
)
GROUP BY network, log_type, day
COMMENT 'Until when loads had looked at the hours of a day, by network and log type. Made by ingest, revision 1.';

-- Metrics for Prometheus, from ledger, listings, runs and leases. docs/operations.md says
-- what each means; an hour of a network and type is
--   known     where the ledger has a file of it;
--   expected  from the first known hour of the type until the latest that is due, but for
--             gaps of more than 366 days: nobody wants what is in them;
--   due       90 minutes after it began: files were seen some 16 minutes after its end;
--   looked at where a load has listed its day since it was due (ingest_looked). Without a file it is empty;
--   over      where its month is over (ingest_ttl): then it is none of the following, whatever the ledger has;
--   missing   where it is expected, not known and not looked at, or a file of it is planned;
--   open      where it is missing, or a file of it is failed (and not ignored) or loading;
--   gone      where it is open, and the source keeps such files no longer, or lists the file no more.
-- A day of the report of conversions is one hour of it, and no others are expected. A gone hour is not missing. A network on which nothing has run for 90 days has no metrics.
--
-- Its columns are spelled out, as the server would plan the whole query to learn them.
CREATE VIEW IF NOT EXISTS {database}.ingest_metrics
(
    name   String COMMENT 'Name of the metric.',
    type   String COMMENT 'Kind of metric, as Prometheus has it: gauge.',
    help   String COMMENT 'What it says.',
    labels Map(String, String) COMMENT 'Of what it says that: network, type and the like.',
    value  Float64 COMMENT 'Its value; times are in seconds since 1970.'
)
AS WITH
    networks AS
    (
        SELECT network, max(begun) < now() - INTERVAL 90 DAY AS given_up,
            argMaxIf(kept_days, begun, notEmpty(kept_days)) AS kept
        FROM {database}.ingest_runs
        WHERE network != ''
        GROUP BY network
    ),
    -- Log types of the networks: their known hours, and the days for which the source keeps files, 0 where it does not say.
    kinds AS
    (
        SELECT e.network AS network, e.log_type AS log_type, e.known AS known, toUInt16(n.kept[e.log_type]) AS kept,
            if(ifNull(t.months, 0) = 0, toDateTime(0, 'UTC'), toDateTime(addMonths(toStartOfMonth(now('UTC')), -toInt32(ifNull(t.months, 0))), 'UTC')) AS since
        FROM (SELECT network, log_type, arraySort(groupUniqArray(toUInt32(toStartOfHour(hour)))) AS known FROM {database}.ingest_files GROUP BY network, log_type) AS e
        {global} LEFT ALL JOIN networks AS n ON n.network = e.network
        {global} LEFT ALL JOIN (SELECT network, log_type, argMax(months, version) AS months FROM {database}.ingest_ttl GROUP BY network, log_type) AS t ON t.network = e.network AND t.log_type = e.log_type
        WHERE NOT ifNull(n.given_up, 0)
    ),
    -- Expected hours that are not known and not looked at.
    unknown AS
    (
        SELECT h.network AS network, h.log_type AS log_type, h.hour AS hour
        FROM
        (
            SELECT network, log_type, toDateTime(arrayJoin(range(toUInt32(gap.1 + 3600), gap.2, 3600)), 'UTC') AS hour
            FROM (SELECT network, log_type, arrayJoin(arrayZip(known, arrayPushBack(arrayPopFront(known), greatest(toUInt32(toUInt32(now()) - 5399), known[-1])))) AS gap FROM kinds WHERE log_type != 'conversion_report')
            WHERE gap.2 - gap.1 <= (366 * 24 + 1) * 3600
        ) AS h
        {global} LEFT ALL JOIN {database}.ingest_looked AS l ON l.network = h.network AND l.log_type = h.log_type AND l.day = toDate(h.hour)
        WHERE h.hour > ifNull(l.upto, toDateTime(0, 'UTC'))
    ),
    states AS
    (
        SELECT h.network AS network, h.log_type AS log_type, h.absent AS absent,
            h.lost OR k.kept > 0 AND now() > h.hour + toIntervalDay(k.kept + 1) AS gone,
            dateDiff('day', toDate(now('UTC')), toDate(h.hour) + k.kept) AS left_days
        FROM
        (
            SELECT network, log_type, toStartOfHour(f.hour) AS hour, max(state = 'planned') AS absent, max(has(issues, 'lost')) AS lost
            FROM {database}.ingest_files AS f FINAL
            WHERE state NOT IN ('loaded', 'expired') AND f.ignored = ''
            GROUP BY network, log_type, hour
            UNION ALL
            SELECT network, log_type, hour, 1, 0 FROM unknown
        ) AS h
        {global} INNER ALL JOIN kinds AS k ON k.network = h.network AND k.log_type = h.log_type
        WHERE h.hour >= k.since
    ),
    loads AS
    (
        SELECT *, if(command IN ('conversions', 'firehose'), map('command', toString(command)), map()) AS beside
        FROM {database}.ingest_runs_current
        WHERE network {global} IN (SELECT network FROM networks WHERE NOT given_up) AND command IN ('run', 'backfill', 'reload', 'conversions', 'firehose')
    ),
    samples AS
    (
        SELECT metric.1 AS name, metric.2 AS labels, toFloat64(metric.3) AS value
        FROM
        (
            SELECT arrayJoin(arrayConcat(
                arrayMap(x -> ('ingest_files', mapUpdate(of, map('state', x.1)), x.2), [
                    ('planned', t.planned), ('loading', t.loading), ('loaded', t.loaded), ('failed', t.failed), ('ignored', t.ignored), ('expired', t.expired)]),
                [('ingest_rows', of, t.rows), ('ingest_rejected_rows', of, t.rejected), ('ingest_rescued_rows', of, t.rescued),
                    ('ingest_missing_hours', of, ifNull(s.missing, 0)), ('ingest_gone_hours', of, ifNull(s.gone_hours, 0))],
                if(t.loaded = 0, [], [('ingest_newest_loaded_hour_timestamp_seconds', of, toUInt64(ifNull(t.newest, 0)))]),
                if(k.kept = 0, [], arrayMap(d -> ('ingest_hours_lost_within', mapUpdate(of, map('days', toString(d))), toUInt64(arrayCount(x -> x <= d, s.left_days))), [1, 3, 7]))
                )) AS metric, map('network', toString(t.network), 'type', toString(t.log_type)) AS of
            FROM
            (
                SELECT network, log_type, countIf(state = 'planned') AS planned, countIf(state = 'loading') AS loading, countIf(state = 'loaded') AS loaded,
                    countIf(state = 'failed' AND f.ignored = '') AS failed, countIf(state = 'failed' AND f.ignored != '') AS ignored, countIf(state = 'expired') AS expired, maxIf(toUInt32(f.hour), state = 'loaded') AS newest,
                    ifNull(sum(f.rows), 0) AS rows, ifNull(sum(f.rejected), 0) AS rejected, ifNull(sum(f.rescued), 0) AS rescued
                FROM {database}.ingest_files AS f FINAL
                GROUP BY network, log_type
            ) AS t
            {global} INNER ALL JOIN kinds AS k ON k.network = t.network AND k.log_type = t.log_type
            {global} LEFT ALL JOIN
            (
                SELECT network, log_type, countIf(absent AND NOT gone) AS missing, countIf(gone) AS gone_hours, groupArrayIf(left_days, NOT gone) AS left_days
                FROM states
                GROUP BY network, log_type
            ) AS s ON s.network = t.network AND s.log_type = t.log_type
        )
        UNION ALL
        SELECT 'ingest_last_success_timestamp_seconds', map('network', toString(network)), toFloat64(toUnixTimestamp64Milli(assumeNotNull(max(assumeNotNull(ended)))) / 1000)
        FROM loads
        WHERE command != 'reload' AND outcome IN ('done', 'incomplete', 'differs')
        GROUP BY network
        UNION ALL
        SELECT 'ingest_last_run_timestamp_seconds', mapUpdate(map('network', toString(network), 'status', outcome), beside), toFloat64(toUnixTimestamp64Milli(assumeNotNull(max(coalesce(ended, updated_at)))) / 1000)
        FROM loads
        GROUP BY network, outcome, beside
        UNION ALL
        SELECT 'ingest_run_duration_seconds', map('network', toString(network), 'command', toString(command)), toFloat64(ifNull(argMax(seconds, begun), 0))
        FROM loads
        WHERE outcome IN ('done', 'incomplete', 'differs')
        GROUP BY network, command
        UNION ALL
        SELECT 'ingest_reconcile_difference_rows', map('network', toString(network), 'type', toString(difference.1)), toFloat64(difference.2)
        FROM
        (
            SELECT network, arrayJoin(CAST(argMax(differing_rows, begun), 'Array(Tuple(String, UInt64))')) AS difference
            FROM {database}.ingest_runs
            WHERE notEmpty(differing_rows) AND network {global} IN (SELECT network FROM networks WHERE NOT given_up)
            GROUP BY network
        )
        UNION ALL
        SELECT 'ingest_lease_expires_timestamp_seconds', map('network', toString(network), 'worker', worker), toFloat64(toUnixTimestamp64Milli(assumeNotNull(max(until))) / 1000)
        FROM
        (
            SELECT network, assumeNotNull(any(worker)) AS worker, assumeNotNull(argMax(state, seq)) AS last, assumeNotNull(argMax(expires, seq)) AS until
            FROM {database}.ingest_leases
            WHERE expires > now() - INTERVAL 2 DAY
            GROUP BY network, run
        )
        WHERE last = 'held'
        GROUP BY network, worker
        UNION ALL
        SELECT 'ingest_build_info', map('version', splitByChar(' ', release)[1], 'commit', splitByChar(' ', release)[2]), toFloat64(1)
        FROM (SELECT assumeNotNull(argMax(release, begun)) AS release FROM {database}.ingest_runs HAVING count() > 0)
    )
SELECT
    name,
    'gauge' AS type,
    transform(name,
        ['ingest_files', 'ingest_rows', 'ingest_rejected_rows', 'ingest_rescued_rows', 'ingest_missing_hours', 'ingest_gone_hours', 'ingest_newest_loaded_hour_timestamp_seconds',
            'ingest_hours_lost_within', 'ingest_last_success_timestamp_seconds', 'ingest_last_run_timestamp_seconds', 'ingest_run_duration_seconds', 'ingest_reconcile_difference_rows',
            'ingest_lease_expires_timestamp_seconds', 'ingest_build_info'],
        ['Files by state; ignored ones have failed.', 'Rows of the files that the ledger has.', 'Lines that could not be read as rows.', 'Rows with something in _rescued.',
            'Hours that are due and not loaded, as far as the source still has them.', 'Hours that are not loaded and that the source keeps no longer.', 'Start of the newest hour with a loaded file.',
            'Hours not loaded that the source deletes within days.', 'End of the last run, backfill, conversions or firehose that finished.', 'Last load by outcome: its end, or its last sign of life.',
            'Seconds that the last finished load took, by command.', 'Rows by which the totals of the network differed beyond the tolerance when last compared.',
            'When the lease of a run ends that has not given it back.', 'The ingest that last ran.'],
        '') AS help,
    labels,
    value
FROM samples
ORDER BY name, mapValues(labels)
COMMENT 'Metrics as Prometheus reads them: SELECT * FROM ingest_metrics FORMAT Prometheus. Definitions are in docs/operations.md. Made by ingest, revision 6.';
