-- What the API says of conversions after their log was written. A conversion's
-- versions are kept; the latest valid_from is how it is now.
CREATE TABLE IF NOT EXISTS {database}.conversion_updates
(
    network          LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id               UInt64 COMMENT 'Id within the network; 0 where the API gave none.',
    tune_event_id    String COMMENT 'Id as the vendor gives it since it retires the numeric one; empty where the API gave none.', --since:6
    ad_id            String COMMENT 'Id of the click that it came from: transaction_id of the logs.',
    affiliate_id     UInt64 COMMENT 'Affiliate whose click converted.',
    advertiser_id    UInt64 COMMENT 'Advertiser whose offer it is.',
    offer_id         UInt64 COMMENT 'Offer that converted.',
    goal_id          UInt64 COMMENT 'Goal of the offer; 0: the offer itself.',
    datetime         Nullable(DateTime('UTC')) COMMENT 'When it converted.',
    session_datetime Nullable(DateTime('UTC')) COMMENT 'When the click happened.',
    status           LowCardinality(String) COMMENT 'approved, pending or rejected.',
    status_code      UInt64 COMMENT 'Reason for the status; 0: none.',
    payout           Decimal(18, 5) COMMENT 'What the affiliate is owed, in whole units of currency.',
    revenue          Decimal(18, 5) COMMENT 'What the advertiser owes, in whole units of currency.',
    sale_amount      Decimal(18, 5) COMMENT 'Amount of the sale, in whole units of currency.',
    currency         LowCardinality(String) COMMENT 'Currency, ISO 4217.',
    payout_type      LowCardinality(String) COMMENT 'cpa_flat, cpa_percentage ...',
    revenue_type     LowCardinality(String) COMMENT 'cpa_flat, cpa_percentage ...',
    country_code     LowCardinality(String) COMMENT 'Country of the address, ISO 3166 alpha-2.',
    is_adjustment    Bool COMMENT 'Entered by hand to correct totals.',
    found            LowCardinality(String) COMMENT 'updated: findUpdatedConversions showed it; added: findAddedConversions did.',
    other            Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash             UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted          Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from       DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Later changes of conversions, with former versions; ask conversions_current.';

-- Networks for which conversions_current has something to look for: 1 more is known than the
-- logs; 2 rows may belong together by nothing but their click; 3 of these, some rows have an
-- event only, others an id only; 4 the report or an update has an id or an event, and not the
-- other; 5 lines of the logs have an id only, 6 and others have both. The usual network is in
-- few of these lists, and what is looked for in an empty one costs nothing: hence notEmpty
-- there. As a subquery of one row it is asked once, where all others are asked wherever they
-- are named. It is a view of its own because a query is planned with each subquery's tables
-- as often as it is named, some seventy times: it took twice as long to plan as to answer.
-- Its column is spelled out, as conversion_updates may be somebody else's table.
CREATE VIEW IF NOT EXISTS {database}.conversion_lookups
(
    lists Tuple(Array(String), Array(String), Array(String), Array(String), Array(String), Array(String)) COMMENT 'Networks by what is to be looked for in them.'
)
AS
SELECT
(
    f.1,
    arrayIntersect(f.1, arrayConcat(f.2, arrayIntersect(f.3, f.4))),
    arrayIntersect(f.3, f.4),
    f.5,
    arrayIntersect(f.1, f.6),
    arrayIntersect(f.1, f.6, f.7)
) AS lists
FROM
(
    SELECT
    (
        groupUniqArrayIf(network, source != 1),
        groupUniqArrayIf(network, id = 0 AND event = 0),
        groupUniqArrayIf(network, id = 0 AND event = 1),
        groupUniqArrayIf(network, id != 0 AND event = 0),
        groupUniqArrayIf(network, source != 1 AND (id = 0) = (event = 1)),
        groupUniqArrayIf(network, source = 1 AND id != 0 AND event = 0),
        groupUniqArrayIf(network, source = 1 AND id != 0 AND event = 1)
    ) AS f
    FROM
    (
        SELECT network, id, tune_event_id != '' AS event, 1 AS source FROM {database}.conversions
        UNION ALL
        SELECT network, id, tune_event_id != '', 4 FROM {database}.conversion_report
        UNION ALL
        SELECT network, id, tune_event_id != '', 2 FROM {database}.conversion_updates
    )
)
COMMENT 'What conversions_current has to look for, and in which networks; one row. Made by ingest, revision 1.';

-- Each conversion as it is now, of what there is: the raw log, the report of conversions,
-- later updates. They belong together by tune_event_id; where one of them lacks it, by id;
-- where they have neither in common to compare, by click and goal. There each of them may
-- have one conversion; or the log and the report have several, which are paired in the order
-- of their times, or by the very time where one of them has more. An update that may be of
-- several lines is of none: they stay as they are.
--
-- What tells last decides status, amounts and their currency, together: an update since it was
-- first seen, the report since its day was last read. The log is older than either. All else is
-- the log's, then the report's, then the update's. Where several lines of the logs are of one
-- conversion that is told of, the latest shows it and the others show 0.
--
-- An analyst's profile must not change the answer: what an outer join leaves open is no
-- default (join_use_nulls), every type is spelled out, and no alias hides a column that the
-- same SELECT asks for (prefer_column_name_to_alias).
CREATE VIEW IF NOT EXISTS {database}.conversions_current
(
    network          LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id               UInt64 COMMENT 'Id of the conversion; 0 where no source has one.',
    transaction_id   String COMMENT 'Id of the click that it came from.',
    affiliate_id     UInt32 COMMENT 'Affiliate whose click converted. This, and all up to country_code, is the log''s, else the report''s, else the update''s.',
    advertiser_id    UInt32 COMMENT 'Advertiser whose offer it is.',
    offer_id         UInt32 COMMENT 'Offer that converted.',
    goal_id          UInt32 COMMENT 'Goal of the offer; 0: the offer itself.',
    datetime         DateTime('UTC') COMMENT 'When it converted.',
    session_datetime DateTime('UTC') COMMENT 'When the click happened; 1970-01-01 where it is not known.',
    country_code     LowCardinality(String) COMMENT 'Country of the address, ISO 3166 alpha-2.',
    status           String COMMENT 'Status as it is now, by what told_by names: approved, pending or rejected; repeated: see origin.',
    status_code      UInt32 COMMENT 'Reason for the status, by what told_by names; 0: none.',
    payout           Decimal(38, 6) COMMENT 'What the affiliate is owed now, in whole units of currency, by what told_by names.',
    revenue          Decimal(38, 6) COMMENT 'What the advertiser owes now, in whole units of currency, by what told_by names.',
    sale_amount      Decimal(38, 6) COMMENT 'Amount of the sale, in whole units of currency, by what told_by names.',
    currency         LowCardinality(String) COMMENT 'Currency of payout, revenue and sale_amount, by what told_by names.',
    is_adjustment    UInt8 COMMENT '1: entered by hand to correct totals; the log''s, else the report''s, else the update''s.',
    logged_status    String COMMENT 'Status in the log; empty where no log has it.',
    logged_payout    Decimal(38, 6) COMMENT 'Payout in the log, in whole units of logged_currency.',
    logged_revenue   Decimal(38, 6) COMMENT 'Revenue in the log, in whole units of logged_currency.',
    origin           String COMMENT 'Which sources have it: log, report, update; log and report, log and update, update and report; log, update and report. repeated: a later line of the logs is of the same conversion and shows what is told of it, amounts here are 0.',
    updated_at       Nullable(DateTime64(3, 'UTC')) COMMENT 'When the update was first seen, or the day of the report last read, that status and amounts come from, by the store''s clock; NULL: they are the log''s.',
    _file            String COMMENT 'File of the log; empty: none.',
    _line            UInt32 COMMENT 'Line of the file; 0: none.',
    logged_currency  LowCardinality(String) COMMENT 'Currency of logged_payout and logged_revenue; empty where no log has it.',
    tune_event_id    String COMMENT 'Id of the conversion as the vendor gives it since it retires the numeric one; empty where no source has one.',
    told_by          String COMMENT 'log, update or report: where status, amounts and currency come from, the one that tells last.'
)
AS WITH
-- Lines of the logs, each with the key of its conversion: its id if there is a line that has
-- no other name, else its event.
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
            l.id != 0 AND (l.tune_event_id = '' OR reinterpretAsUInt128(sipHash128('id', l.network, l.id)) {global} IN
                (SELECT reinterpretAsUInt128(sipHash128('id', network, id)) FROM {database}.conversions WHERE (notEmpty(tupleElement((SELECT lists FROM {database}.conversion_lookups), 6)) AND has(tupleElement((SELECT lists FROM {database}.conversion_lookups), 6), network)) AND id != 0 AND tune_event_id = '')),
            sipHash128('id', l.network, l.id),
            l.tune_event_id != '', sipHash128('event', l.network, l.tune_event_id),
            sipHash128('line', l.network, l._file, l._line))) AS key
    FROM {database}.conversions AS l
),
-- Rows of the report and updates, each with its key; what they lack of id and event is what
-- others have beside the one that they have.
rest AS
(
    SELECT
        t.*,
        if(t.id != 0, t.id, ifNull(n.number, toUInt64(0))) AS own_id,
        if(t.tune_event_id != '', t.tune_event_id, ifNull(n.event, '')) AS own_event,
        if(t.ad_id = '', toUInt128(0), reinterpretAsUInt128(sipHash128('click', t.network, t.ad_id, toUInt64(t.goal_id)))) AS click,
        reinterpretAsUInt128(multiIf(
            own_id != 0 AND (own_event = '' OR reinterpretAsUInt128(sipHash128('id', t.network, own_id)) {global} IN
                (SELECT reinterpretAsUInt128(sipHash128('id', network, id)) FROM {database}.conversions WHERE (notEmpty(tupleElement((SELECT lists FROM {database}.conversion_lookups), 5)) AND has(tupleElement((SELECT lists FROM {database}.conversion_lookups), 5), network)) AND id != 0 AND tune_event_id = '')),
            sipHash128('id', t.network, own_id),
            own_event != '', sipHash128('event', t.network, own_event),
            sipHash128('row', t.network, t._file, t._line))) AS key
    FROM
    (
        SELECT
            network, id, tune_event_id, ad_id, affiliate_id, advertiser_id, offer_id, goal_id, datetime, session_datetime, country_code,
            status, status_code, payout, revenue, sale_amount, currency, is_adjustment, toDateTime64(_loaded_at, 3, 'UTC') AS stored, toUInt8(1) AS is_report, toUInt8(0) AS is_update, _file, _line
        FROM {database}.conversion_report
        UNION ALL
        SELECT
            network, id, tune_event_id, ad_id, toUInt32(affiliate_id), toUInt32(advertiser_id), toUInt32(offer_id), toUInt32(goal_id),
            ifNull(datetime, toDateTime(0, 'UTC')), ifNull(session_datetime, toDateTime(0, 'UTC')), country_code,
            status, toUInt32(status_code), payout, revenue, sale_amount, currency, toUInt8(is_adjustment), valid_from, toUInt8(0), toUInt8(found = 'updated'), '', toUInt32(0)
        FROM {database}.conversion_updates
        WHERE id != 0 OR tune_event_id != ''
    ) AS t
    {global} ALL LEFT JOIN
    (
        SELECT pair.1 AS name, max(pair.2) AS number, max(pair.3) AS event
        FROM
        (
            SELECT arrayJoin([
                (reinterpretAsUInt128(sipHash128('id', network, id)), toUInt64(0), tune_event_id),
                (reinterpretAsUInt128(sipHash128('event', network, tune_event_id)), id, '')]) AS pair
            FROM
            (
                SELECT network, id, tune_event_id FROM {database}.conversions
                UNION ALL
                SELECT network, id, tune_event_id FROM {database}.conversion_report
                UNION ALL
                SELECT network, id, tune_event_id FROM {database}.conversion_updates
            )
            WHERE (notEmpty(tupleElement((SELECT lists FROM {database}.conversion_lookups), 4)) AND has(tupleElement((SELECT lists FROM {database}.conversion_lookups), 4), network)) AND id != 0 AND tune_event_id != ''
        )
        WHERE pair.1 {global} IN
        (
            SELECT reinterpretAsUInt128(if(id != 0, sipHash128('id', network, id), sipHash128('event', network, tune_event_id)))
            FROM (SELECT network, id, tune_event_id FROM {database}.conversion_report UNION ALL SELECT network, id, tune_event_id FROM {database}.conversion_updates)
            WHERE (notEmpty(tupleElement((SELECT lists FROM {database}.conversion_lookups), 4)) AND has(tupleElement((SELECT lists FROM {database}.conversion_lookups), 4), network)) AND (id = 0) = (tune_event_id != '')
        )
        GROUP BY name
    ) AS n ON n.name = multiIf(
        t.id != 0 AND t.tune_event_id = '', reinterpretAsUInt128(sipHash128('id', t.network, t.id)),
        t.id = 0 AND t.tune_event_id != '', reinterpretAsUInt128(sipHash128('event', t.network, t.tune_event_id)),
        toUInt128(0))
),
-- Rows of the report and updates that get another key by their click, that of a line or of
-- one another, where they or others lack what all are known by; and updates of which nothing
-- tells which line they are of.
moves AS
(
    SELECT m.1 AS key, m.2 AS moved, m.3 AS unsure
    FROM
    (
        SELECT arrayJoin(arrayFilter(x -> x.2 != 0 OR x.3 = 1, arrayConcat(
            multiIf(
                apart, arrayMap(x -> (x.1, arraySort(y -> (-bitAnd(y.2, 1), -y.2), found)[1].1, 0), arrayFilter(x -> bitAnd(x.2, 1) = 0, found)),
                alike AND length(logged) = length(listed), arrayMap((x, y) -> (x.1, y.1, 0), listed, arrayResize(logged, length(listed))),
                alike, arrayMap(
                    (x, n) -> (x.1, logged[arrayFirstIndex((at, nth) -> at = x.4 AND nth = n, logged_at, logged_nth)].1, 0),
                    listed, listed_nth),
                []),
            arrayMap(x -> (x.1, toUInt128(0), 1), arrayFilter(x -> NOT apart AND x.2 = 2 AND arrayExists(y -> bitAnd(x.3, y.3) = 0, logged), found))))) AS m
        FROM
        (
            SELECT
                found, logged, listed, apart, alone AND NOT arrayExists(x -> arrayExists(y -> bitAnd(x.3, y.3) != 0, listed), logged) AS alike, --guard:report-strangers
                arrayMap(x -> x.4, logged) AS logged_at, arrayEnumerateUniq(logged_at) AS logged_nth, arrayEnumerateUniq(arrayMap(x -> x.4, listed)) AS listed_nth
            FROM
            (
                SELECT found, apart, alone, arrayFilter(x -> x.2 = 1, found) AS logged, arrayFilter(x -> bitAnd(x.2, 5) = 4, found) AS listed
                FROM
                (
                    SELECT
                        of_click, arraySort(x -> (x.4, x.1), groupArray((key, sources, kinds, first))) AS found, max(astray) = 0 AS alone,
                        alone AND sum(sources) = groupBitOr(sources) AND sum(kinds) = groupBitOr(kinds) AS apart --guard:update-strangers
                    FROM
                    (
                        SELECT
                            key, groupBitOr(source) AS sources, groupBitOr(kind) AS kinds, minIf(at, source != 2) AS first,
                            min(click) != max(click) AS astray, arrayJoin(if(astray, [min(click), max(click)], [min(click)])) AS of_click
                        FROM
                        (
                            SELECT network, key, click, sipHash64(network, transaction_id) AS suspect, toUInt8(1) AS source, toUInt8(if(id = 0, 0, 1) + if(tune_event_id = '', 0, 2)) AS kind, datetime AS at FROM lines
                            UNION ALL
                            SELECT network, key, click, sipHash64(network, ad_id), toUInt8(if(is_report = 1, 4, 2)), toUInt8(if(own_id = 0, 0, 1) + if(own_event = '', 0, 2)), datetime FROM rest
                        )
                        WHERE (notEmpty(tupleElement((SELECT lists FROM {database}.conversion_lookups), 2)) AND has(tupleElement((SELECT lists FROM {database}.conversion_lookups), 2), network)) AND suspect {global} IN
                        (
                            SELECT sipHash64(network, click)
                            FROM
                            (
                                SELECT network, transaction_id AS click, tune_event_id FROM {database}.conversions WHERE id = 0
                                UNION ALL
                                SELECT network, ad_id, tune_event_id FROM {database}.conversion_report WHERE id = 0
                                UNION ALL
                                SELECT network, ad_id, tune_event_id FROM {database}.conversion_updates WHERE id = 0
                            )
                            WHERE click != '' AND (notEmpty(tupleElement((SELECT lists FROM {database}.conversion_lookups), 2)) AND has(tupleElement((SELECT lists FROM {database}.conversion_lookups), 2), network)) AND (tune_event_id = '' OR has(tupleElement((SELECT lists FROM {database}.conversion_lookups), 3), network))
                        )
                        GROUP BY key
                    )
                    WHERE of_click != 0
                    GROUP BY of_click
                    HAVING count() > 1
                )
            )
        )
    )
    -- A line of another click may have the key already.
    WHERE m.1 {global} NOT IN (SELECT key FROM lines WHERE (notEmpty(tupleElement((SELECT lists FROM {database}.conversion_lookups), 2)) AND has(tupleElement((SELECT lists FROM {database}.conversion_lookups), 2), network)) AND (id != 0 OR tune_event_id != ''))
),
-- What is told of each conversion now: by its latest update, or by its row of the report if
-- the day was read later. since is when, in milliseconds, and then two bits: an update and not
-- the report; found as updated.
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
        argMax(currency, since) AS currency,
        max(since) AS latest, max(is_report) AS has_report, min(is_report) AS only_report,
        max(is_unsure) AND has_report = 0 AND bitAnd(latest, 1) = 1 AS unsure
    FROM
    (
        SELECT
            t.*,
            if(t.is_report = 1, greatest(t.stored, ifNull(t.read, t.stored)), t.stored) AS as_of, --guard:report-age
            toUInt64(toUnixTimestamp64Milli(as_of)) * 4 + if(t.is_report = 1, 0, 2) + t.is_update AS since, --guard:told-last
            since + bitShiftLeft(toUInt64(t.is_report), 60) AS standing,
            if(ifNull(m.moved, toUInt128(0)) != 0, assumeNotNull(m.moved), t.key) AS conversion, ifNull(m.unsure, 0) = 1 AS is_unsure
        FROM
        (
            SELECT r.*, d.read AS read
            FROM rest AS r
            {global} ALL LEFT JOIN
            (
                SELECT network AS of_network, file, updated_at AS read FROM {database}.ingest_files_current
                WHERE log_type = 'conversion_report' AND state = 'loaded' AND ignored = ''
            ) AS d ON d.of_network = r.network AND d.file = r._file
        ) AS t
        {global} ALL LEFT JOIN moves AS m ON m.key = t.key
    )
    GROUP BY conversion
),
repeats AS
(
    SELECT stamp
    FROM
    (
        SELECT reinterpretAsUInt128(sipHash128(key, place)) AS stamp, row_number() OVER (PARTITION BY key ORDER BY place DESC) AS nth --guard:update-once
        FROM lines
        WHERE (notEmpty(tupleElement((SELECT lists FROM {database}.conversion_lookups), 1)) AND has(tupleElement((SELECT lists FROM {database}.conversion_lookups), 1), network)) AND key {global} IN (SELECT key FROM lines WHERE (notEmpty(tupleElement((SELECT lists FROM {database}.conversion_lookups), 1)) AND has(tupleElement((SELECT lists FROM {database}.conversion_lookups), 1), network)) GROUP BY key HAVING count() > 1)
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
        assumeNotNull(if(told, k.currency, l.currency)) AS currency, --guard:update-currency
        assumeNotNull(if(logged, l.is_adjustment, k.is_adjustment)) AS is_adjustment,
        assumeNotNull(if(logged, l.status, '')) AS logged_status,
        assumeNotNull(if(logged, CAST(l.payout_cents AS Decimal(38, 6)) / 100, CAST(0 AS Decimal(38, 6)))) AS logged_payout,
        assumeNotNull(if(logged, CAST(l.revenue_cents AS Decimal(38, 6)) / 100, CAST(0 AS Decimal(38, 6)))) AS logged_revenue,
        multiIf(
            repeated, 'repeated',
            logged AND NOT told, 'log',
            logged AND k.has_report = 0, 'log and update', logged AND k.only_report = 1, 'log and report', logged, 'log, update and report',
            k.has_report = 0, 'update', k.only_report = 1, 'report', 'update and report') AS origin,
        if(told, CAST(fromUnixTimestamp64Milli(toInt64(intDiv(assumeNotNull(k.latest), 4)), 'UTC') AS Nullable(DateTime64(3, 'UTC'))), NULL) AS updated_at,
        assumeNotNull(if(logged, l._file, '')) AS _file,
        assumeNotNull(if(logged, l._line, 0)) AS _line,
        assumeNotNull(if(logged, l.currency, '')) AS logged_currency,
        assumeNotNull(if(logged AND l.tune_event_id != '', l.tune_event_id, k.tune_event_id)) AS tune_event_id,
        multiIf(NOT told, 'log', bitAnd(assumeNotNull(k.latest), 2) = 0, 'report', 'update') AS told_by,
        ifNull(l.here, 0) = 1 AS logged, ifNull(k.there, 0) = 1 AS told,
        told AND logged AND reinterpretAsUInt128(sipHash128(l.key, l.place)) {global} IN (SELECT stamp FROM repeats) AS repeated
    FROM lines AS l
    {global} ALL FULL JOIN known AS k ON k.conversion = l.key
    WHERE logged OR k.unsure = 0
)
COMMENT 'Conversions of the logs with their latest status, payout and revenue, and those that only updates tell of. Made by ingest, revision 6.';
