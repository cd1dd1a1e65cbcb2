-- conversions_current as it was in revision 4, to compare the present one with; but that a row of the
-- report stays with the line that has its key, as updates did.
WITH
-- Networks of which more is known than the logs.
told AS
(
    SELECT DISTINCT network FROM conversion_updates UNION ALL SELECT DISTINCT network FROM conversion_report
),
-- Ids of the logs' lines without an event: a row that has both is known by its id if it is
-- one of these.
numbered AS
(
    SELECT network, id FROM conversions WHERE id != 0 AND tune_event_id = '' AND network IN (SELECT network FROM told)
),
-- Networks some of whose rows have an event only, and those where others have an id only.
unnumbered AS
(
    SELECT DISTINCT network FROM conversions WHERE id = 0 AND tune_event_id != ''
    UNION ALL
    SELECT DISTINCT network FROM conversion_report WHERE id = 0 AND tune_event_id != ''
    UNION ALL
    SELECT DISTINCT network FROM conversion_updates WHERE id = 0 AND tune_event_id != ''
),
nameless AS
(
    SELECT DISTINCT network
    FROM
    (
        SELECT network FROM conversions WHERE id != 0 AND tune_event_id = ''
        UNION ALL
        SELECT network FROM conversion_report WHERE id != 0 AND tune_event_id = ''
        UNION ALL
        SELECT network FROM conversion_updates WHERE id != 0 AND tune_event_id = ''
    )
    WHERE network IN (SELECT network FROM unnumbered)
),
-- Events of ids that the report or an update has alone, and the other way around.
events AS
(
    SELECT network, id, max(tune_event_id) AS event
    FROM
    (
        SELECT network, id, tune_event_id FROM conversions WHERE id != 0 AND tune_event_id != ''
        UNION ALL
        SELECT network, id, tune_event_id FROM conversion_report WHERE id != 0 AND tune_event_id != ''
        UNION ALL
        SELECT network, id, tune_event_id FROM conversion_updates WHERE id != 0 AND tune_event_id != ''
    )
    WHERE (network, id) IN (SELECT network, id FROM conversion_report WHERE id != 0 AND tune_event_id = '' UNION ALL SELECT network, id FROM conversion_updates WHERE id != 0 AND tune_event_id = '')
    GROUP BY network, id
),
numbers AS
(
    SELECT network, tune_event_id AS event, max(id) AS number
    FROM
    (
        SELECT network, id, tune_event_id FROM conversions WHERE id != 0 AND tune_event_id != ''
        UNION ALL
        SELECT network, id, tune_event_id FROM conversion_report WHERE id != 0 AND tune_event_id != ''
        UNION ALL
        SELECT network, id, tune_event_id FROM conversion_updates WHERE id != 0 AND tune_event_id != ''
    )
    WHERE network IN (SELECT network FROM unnumbered) AND (network, tune_event_id) IN (SELECT network, tune_event_id FROM conversion_report WHERE id = 0 AND tune_event_id != '' UNION ALL SELECT network, tune_event_id FROM conversion_updates WHERE id = 0 AND tune_event_id != '')
    GROUP BY network, tune_event_id
),
-- Lines of the logs, rows of the report, and updates, each with the key of its conversion.
lines AS
(
    SELECT
        l.network AS network, l.id AS id, l.tune_event_id AS tune_event_id, l.transaction_id AS transaction_id,
        l.affiliate_id AS affiliate_id, l.advertiser_id AS advertiser_id, l.offer_id AS offer_id, l.goal_id AS goal_id,
        l.datetime AS datetime, l.session_datetime AS session_datetime, l.country_code AS country_code,
        l.status AS status, l.status_code AS status_code, l.payout_cents AS payout_cents, l.revenue_cents AS revenue_cents,
        l.sale_amount AS sale_amount, l.currency AS currency, l.is_adjustment AS is_adjustment, l._file AS _file, l._line AS _line,
        (l.datetime, l._hour, l._file, l._line, l._part, l._part_offset) AS place, 1 AS here,
        if(l.transaction_id = '', toUInt128(0), reinterpretAsUInt128(sipHash128('click', l.network, l.transaction_id, toUInt64(l.goal_id)))) AS click,
        reinterpretAsUInt128(multiIf(
            l.id != 0 AND (l.tune_event_id = '' OR (l.network, l.id) IN (SELECT network, id FROM numbered)), sipHash128('id', l.network, l.id),
            l.tune_event_id != '', sipHash128('event', l.network, l.tune_event_id),
            sipHash128('line', l.network, l._file, l._line))) AS key
    FROM conversions AS l
),
reported AS
(
    SELECT
        r.network AS network, r.id AS id, r.tune_event_id AS tune_event_id, r.ad_id AS ad_id,
        r.affiliate_id AS affiliate_id, r.advertiser_id AS advertiser_id, r.offer_id AS offer_id, r.goal_id AS goal_id,
        r.datetime AS datetime, r.session_datetime AS session_datetime, r.country_code AS country_code,
        r.status AS status, r.status_code AS status_code, r.payout AS payout, r.revenue AS revenue,
        r.sale_amount AS sale_amount, r.currency AS currency, r.is_adjustment AS is_adjustment,
        greatest(toDateTime64(r._loaded_at, 3, 'UTC'), ifNull(d.read, toDateTime64(0, 3, 'UTC'))) AS as_of,
        if(r.id != 0, r.id, ifNull(i.number, toUInt64(0))) AS own_id,
        if(r.tune_event_id != '', r.tune_event_id, ifNull(e.event, '')) AS own_event,
        if(r.ad_id = '', toUInt128(0), reinterpretAsUInt128(sipHash128('click', r.network, r.ad_id, toUInt64(r.goal_id)))) AS click,
        reinterpretAsUInt128(multiIf(
            own_id != 0 AND (own_event = '' OR (r.network, own_id) IN (SELECT network, id FROM numbered)), sipHash128('id', r.network, own_id),
            own_event != '', sipHash128('event', r.network, own_event),
            sipHash128('row', r.network, r._file, r._line))) AS key
    FROM conversion_report AS r
    ALL LEFT JOIN events AS e ON e.network = r.network AND e.id = r.id
    ALL LEFT JOIN numbers AS i ON i.network = r.network AND i.event = r.tune_event_id
    ALL LEFT JOIN
    (
        SELECT network, file, updated_at AS read FROM ingest_files_current
        WHERE log_type = 'conversion_report' AND state = 'loaded' AND ignored = ''
    ) AS d ON d.network = r.network AND d.file = r._file
),
updated AS
(
    SELECT
        u.network AS network, u.id AS id, u.tune_event_id AS tune_event_id, u.ad_id AS ad_id,
        toUInt32(u.affiliate_id) AS affiliate_id, toUInt32(u.advertiser_id) AS advertiser_id, toUInt32(u.offer_id) AS offer_id, toUInt32(u.goal_id) AS goal_id,
        ifNull(u.datetime, toDateTime(0, 'UTC')) AS datetime, ifNull(u.session_datetime, toDateTime(0, 'UTC')) AS session_datetime, u.country_code AS country_code,
        u.status AS status, toUInt32(u.status_code) AS status_code, u.payout AS payout, u.revenue AS revenue,
        u.sale_amount AS sale_amount, u.currency AS currency, toUInt8(u.is_adjustment) AS is_adjustment,
        u.valid_from AS as_of, u.found AS found,
        if(u.id != 0, u.id, ifNull(i.number, toUInt64(0))) AS own_id,
        if(u.tune_event_id != '', u.tune_event_id, ifNull(e.event, '')) AS own_event,
        if(u.ad_id = '', toUInt128(0), reinterpretAsUInt128(sipHash128('click', u.network, u.ad_id, toUInt64(u.goal_id)))) AS click,
        reinterpretAsUInt128(multiIf(
            own_id != 0 AND (own_event = '' OR (u.network, own_id) IN (SELECT network, id FROM numbered)), sipHash128('id', u.network, own_id),
            own_event != '', sipHash128('event', u.network, own_event),
            sipHash128('update', u.network))) AS key
    FROM conversion_updates AS u
    ALL LEFT JOIN events AS e ON e.network = u.network AND e.id = u.id
    ALL LEFT JOIN numbers AS i ON i.network = u.network AND i.event = u.tune_event_id
    WHERE u.id != 0 OR u.tune_event_id != ''
),
-- Clicks of rows that lack what others are known by.
suspects AS
(
    SELECT sipHash64(network, click) AS suspect
    FROM
    (
        SELECT network, transaction_id AS click, tune_event_id FROM conversions WHERE id = 0
        UNION ALL
        SELECT network, ad_id, tune_event_id FROM conversion_report WHERE id = 0
        UNION ALL
        SELECT network, ad_id, tune_event_id FROM conversion_updates WHERE id = 0
    )
    WHERE click != '' AND network IN (SELECT network FROM told) AND (tune_event_id = '' OR network IN (SELECT network FROM nameless))
),
-- Rows of the report and updates at these clicks that get another key, that of a line or of
-- one another; and updates of which nothing tells which line they are of.
moves AS
(
    SELECT m.1 AS key, m.2 AS moved, m.3 AS unsure
    FROM
    (
        SELECT
            of_click,
            arraySort(x -> (x.4, x.1), groupArray((key, sources, kinds, first))) AS found,
            arrayFilter(x -> x.2 = 1, found) AS logged,
            arrayFilter(x -> bitAnd(x.2, 5) = 4, found) AS listed,
            arrayMap(x -> x.4, logged) AS logged_at,
            arrayEnumerateUniq(logged_at) AS logged_nth,
            arrayEnumerateUniq(arrayMap(x -> x.4, listed)) AS listed_nth,
            max(astray) = 0 AND sum(sources) = groupBitOr(sources) AND sum(kinds) = groupBitOr(kinds) AS apart,
            max(astray) = 0 AND NOT arrayExists(x -> arrayExists(y -> bitAnd(x.3, y.3) != 0, listed), logged) AS alike,
            arrayConcat(
                multiIf(
                    apart, arrayMap(x -> (x.1, arraySort(y -> (-bitAnd(y.2, 1), -y.2), found)[1].1, 0), arrayFilter(x -> bitAnd(x.2, 1) = 0, found)),
                    alike AND length(logged) = length(listed), arrayMap((x, y) -> (x.1, y.1, 0), listed, arrayResize(logged, length(listed))),
                    alike, arrayMap(
                        (x, n) -> (x.1, logged[arrayFirstIndex((at, nth) -> at = x.4 AND nth = n, logged_at, logged_nth)].1, 0),
                        listed, listed_nth),
                    []),
                arrayMap(x -> (x.1, toUInt128(0), 1), arrayFilter(x -> NOT apart AND x.2 = 2 AND arrayExists(y -> bitAnd(x.3, y.3) = 0, logged), found))) AS all_moves,
            arrayJoin(arrayFilter(x -> x.2 != 0 OR x.3 = 1, all_moves)) AS m
        FROM
        (
            SELECT
                key, groupBitOr(source) AS sources, groupBitOr(kind) AS kinds, minIf(at, source != 2) AS first,
                min(click) != max(click) AS astray, arrayJoin(if(astray, [min(click), max(click)], [min(click)])) AS of_click
            FROM
            (
                SELECT key, click, sipHash64(network, transaction_id) AS suspect, toUInt8(1) AS source, toUInt8(if(id = 0, 0, 1) + if(tune_event_id = '', 0, 2)) AS kind, datetime AS at FROM lines
                UNION ALL
                SELECT key, click, sipHash64(network, ad_id), toUInt8(4), toUInt8(if(own_id = 0, 0, 1) + if(own_event = '', 0, 2)), datetime FROM reported
                UNION ALL
                SELECT key, click, sipHash64(network, ad_id), toUInt8(2), toUInt8(if(own_id = 0, 0, 1) + if(own_event = '', 0, 2)), datetime FROM updated
            )
            WHERE suspect IN (SELECT * FROM suspects)
            GROUP BY key
        )
        WHERE of_click != 0
        GROUP BY of_click
        HAVING count() > 1
    )
    -- A line of another click may have the key already.
    WHERE m.1 NOT IN (SELECT key FROM lines)
),
-- What is told of each conversion now: by its latest update, or by its row of the report if
-- the day was read later.
known AS
(
    SELECT
        conversion, 1 AS there,
        argMax(network, since) AS network,
        argMaxIf(id, since, id != 0) AS id, argMaxIf(tune_event_id, since, tune_event_id != '') AS tune_event_id,
        argMax(ad_id, standing) AS transaction_id,
        argMax(affiliate_id, standing) AS affiliate_id, argMax(advertiser_id, standing) AS advertiser_id,
        argMax(offer_id, standing) AS offer_id, argMax(goal_id, standing) AS goal_id,
        argMax(datetime, standing) AS datetime, argMax(session_datetime, standing) AS session_datetime,
        argMax(country_code, standing) AS country_code, argMax(is_adjustment, standing) AS is_adjustment,
        argMax(status, since) AS status, argMax(status_code, since) AS status_code,
        argMax(payout, since) AS payout, argMax(revenue, since) AS revenue, argMax(sale_amount, since) AS sale_amount,
        argMax(currency, since) AS currency, argMax(as_of, since) AS as_of,
        argMax(is_report, since) AS by_report, max(is_report) AS has_report, min(is_report) AS only_report,
        argMax(found, since) = 'updated' AND max(is_unsure) = 1 AND max(is_report) = 0 AS unsure
    FROM
    (
        SELECT
            t.*, toUInt64(toUnixTimestamp64Milli(t.as_of)) * 2 + 1 - t.is_report AS since,
            since + bitShiftLeft(toUInt64(t.is_report), 60) AS standing,
            if(ifNull(m.moved, 0) != 0, assumeNotNull(m.moved), t.key) AS conversion, ifNull(m.unsure, 0) AS is_unsure
        FROM
        (
            SELECT network, id, tune_event_id, ad_id, affiliate_id, advertiser_id, offer_id, goal_id, datetime, session_datetime, country_code,
            status, status_code, payout, revenue, sale_amount, currency, is_adjustment, as_of, toUInt8(1) AS is_report, '' AS found, key FROM reported
            UNION ALL
            SELECT network, id, tune_event_id, ad_id, affiliate_id, advertiser_id, offer_id, goal_id, datetime, session_datetime, country_code,
            status, status_code, payout, revenue, sale_amount, currency, is_adjustment, as_of, toUInt8(0), found, key FROM updated
        ) AS t
        ALL LEFT JOIN moves AS m ON m.key = t.key
    )
    GROUP BY conversion
),
repeats AS
(
    SELECT stamp
    FROM
    (
        SELECT reinterpretAsUInt128(sipHash128(key, place)) AS stamp, row_number() OVER (PARTITION BY key ORDER BY place DESC) AS nth
        FROM lines
        WHERE key IN (SELECT key FROM lines WHERE network IN (SELECT network FROM told) GROUP BY key HAVING count() > 1)
    )
    WHERE nth > 1
)
SELECT
    network, id, transaction_id, affiliate_id, advertiser_id, offer_id, goal_id, datetime, session_datetime, country_code,
    status, status_code, payout, revenue, sale_amount, currency, is_adjustment,
    logged_status, logged_payout, logged_revenue, origin, updated_at, _file, _line, logged_currency, tune_event_id, told_by
FROM
(
    SELECT
        assumeNotNull(if(logged, l.network, k.network)) AS network,
        assumeNotNull(if(told AND k.id != 0, k.id, l.id)) AS id,
        assumeNotNull(if(logged, l.transaction_id, k.transaction_id)) AS transaction_id,
        assumeNotNull(if(logged, l.affiliate_id, k.affiliate_id)) AS affiliate_id,
        assumeNotNull(if(logged, l.advertiser_id, k.advertiser_id)) AS advertiser_id,
        assumeNotNull(if(logged, l.offer_id, k.offer_id)) AS offer_id,
        assumeNotNull(if(logged, l.goal_id, k.goal_id)) AS goal_id,
        assumeNotNull(if(logged, l.datetime, k.datetime)) AS datetime,
        assumeNotNull(if(logged, l.session_datetime, k.session_datetime)) AS session_datetime,
        assumeNotNull(if(logged, l.country_code, k.country_code)) AS country_code,
        assumeNotNull(multiIf(repeated, 'repeated', told, k.status, l.status)) AS status,
        assumeNotNull(multiIf(repeated, 0, told, k.status_code, l.status_code)) AS status_code,
        assumeNotNull(multiIf(repeated, CAST(0 AS Decimal(38, 6)), told, CAST(k.payout AS Decimal(38, 6)), CAST(l.payout_cents AS Decimal(38, 6)) / 100)) AS payout,
        assumeNotNull(multiIf(repeated, CAST(0 AS Decimal(38, 6)), told, CAST(k.revenue AS Decimal(38, 6)), CAST(l.revenue_cents AS Decimal(38, 6)) / 100)) AS revenue,
        assumeNotNull(multiIf(repeated, CAST(0 AS Decimal(38, 6)), told, CAST(k.sale_amount AS Decimal(38, 6)), CAST(l.sale_amount AS Decimal(38, 6)))) AS sale_amount,
        assumeNotNull(if(told, k.currency, l.currency)) AS currency,
        assumeNotNull(if(logged, l.is_adjustment, k.is_adjustment)) AS is_adjustment,
        assumeNotNull(if(logged, l.status, '')) AS logged_status,
        assumeNotNull(if(logged, CAST(l.payout_cents AS Decimal(38, 6)) / 100, CAST(0 AS Decimal(38, 6)))) AS logged_payout,
        assumeNotNull(if(logged, CAST(l.revenue_cents AS Decimal(38, 6)) / 100, CAST(0 AS Decimal(38, 6)))) AS logged_revenue,
        multiIf(
            repeated, 'repeated',
            logged AND NOT told, 'log',
            logged AND k.has_report = 0, 'log and update', logged AND k.only_report = 1, 'log and report', logged, 'log, update and report',
            k.has_report = 0, 'update', k.only_report = 1, 'report', 'update and report') AS origin,
        if(told, CAST(k.as_of AS Nullable(DateTime64(3, 'UTC'))), NULL) AS updated_at,
        assumeNotNull(if(logged, l._file, '')) AS _file,
        assumeNotNull(if(logged, l._line, 0)) AS _line,
        assumeNotNull(if(logged, l.currency, '')) AS logged_currency,
        assumeNotNull(if(logged AND l.tune_event_id != '', l.tune_event_id, k.tune_event_id)) AS tune_event_id,
        multiIf(NOT told, 'log', k.by_report = 1, 'report', 'update') AS told_by,
        ifNull(l.here, 0) = 1 AS logged, ifNull(k.there, 0) = 1 AS told,
        told AND logged AND reinterpretAsUInt128(sipHash128(l.key, l.place)) IN (SELECT stamp FROM repeats) AS repeated
    FROM lines AS l
    ALL FULL JOIN known AS k ON k.conversion = l.key
    WHERE logged OR k.unsure = 0
)
