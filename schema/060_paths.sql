-- Conversions, but not adjustments of them, with the click that each came from. The ids of the period's conversions pick the
-- clicks, of 45 days and the period: real conversions come up to 41 days after their click. They do so by hash, as the index
-- of ids would look for each of them in each granule; the join compares the ids themselves.
-- An analyst's profile must not change the answer: see conversions_current.
CREATE VIEW IF NOT EXISTS {database}.conversion_paths
(
    network                    LowCardinality(String) COMMENT 'Network; ids are unique only within one.',
    transaction_id             String COMMENT 'Id of the click that it came from.',
    id                         UInt64 COMMENT 'Id of the conversion; 0 where the log has none.',
    offer_id                   UInt32 COMMENT 'Offer that converted.',
    affiliate_id               UInt32 COMMENT 'Affiliate whose click converted.',
    affiliate_source           String COMMENT 'Source that the affiliate passed in the link.',
    advertiser_id              UInt32 COMMENT 'Advertiser whose offer it is.',
    goal_id                    UInt32 COMMENT 'Goal of the offer; 0: the offer itself.',
    converted_at               DateTime('UTC') COMMENT 'When it converted.',
    clicked_at                 Nullable(DateTime('UTC')) COMMENT 'When the first click of that transaction happened, by the log of clicks, else by the conversion''s session_datetime; NULL: neither says.',
    seconds                    Nullable(Int64) COMMENT 'From clicked_at to converted_at.',
    clicks                     UInt64 COMMENT 'Clicks of that transaction in the log, within 45 days before the period and the period; 0: what the click said is NULL here. More than 1: the first one is shown.',
    same_ip                    Nullable(UInt8) COMMENT '1: the conversion''s address is the click''s; NULL where one of them is not known. Where advertisers'' servers report conversions, the address is theirs.',
    same_agent                 Nullable(UInt8) COMMENT '1: the conversion''s user agent is the click''s; NULL where one of them is not known.',
    same_country               Nullable(UInt8) COMMENT '1: the conversion''s country is the click''s; NULL where one of them is not known.',
    access_control_decision    Nullable(String) COMMENT 'What access control decided about the click.',
    access_control_reason_code Nullable(String) COMMENT 'Why access control decided so.',
    status                     LowCardinality(String) COMMENT 'Status in the log; conversions_current has the latest.',
    status_code                UInt32 COMMENT 'Reason for the status in the log; the dictionary status_codes of ingest dims has its name.',
    payout                     Decimal(38, 6) COMMENT 'Payout in the log, in whole units of currency.',
    revenue                    Decimal(38, 6) COMMENT 'Revenue in the log, in whole units of currency.',
    currency                   LowCardinality(String) COMMENT 'Currency of payout and revenue.',
    _file                      LowCardinality(String) COMMENT 'File of the conversion.',
    _line                      UInt32 COMMENT 'Line of the file.',
    click_file                 Nullable(String) COMMENT 'File of the click.',
    click_line                 Nullable(UInt32) COMMENT 'Line of that file.'
)
AS SELECT
    network, transaction_id, id, offer_id, affiliate_id, affiliate_source, advertiser_id, goal_id, converted_at, clicked_at,
    toInt64(converted_at) - toInt64(clicked_at) AS seconds, clicks,
    if(clicks = 0 OR ip = toIPv6('::') OR click_ip = toIPv6('::'), NULL, toUInt8(ip = click_ip)) AS same_ip,
    if(clicks = 0 OR user_agent = '' OR click_agent = '', NULL, toUInt8(user_agent = click_agent)) AS same_agent,
    if(clicks = 0 OR country_code = '' OR click_country = '', NULL, toUInt8(country_code = click_country)) AS same_country,
    if(clicks = 0, NULL, decision) AS access_control_decision, if(clicks = 0, NULL, reason) AS access_control_reason_code,
    status, status_code, payout, revenue, currency, _file, _line,
    if(clicks = 0, NULL, k_file) AS click_file, if(clicks = 0, NULL, k_line) AS click_line
FROM
(
    SELECT
        c.network AS network, c.transaction_id AS transaction_id, c.id AS id, c.offer_id AS offer_id, c.affiliate_id AS affiliate_id,
        c.affiliate_source AS affiliate_source, c.advertiser_id AS advertiser_id, c.goal_id AS goal_id, c.datetime AS converted_at,
        ifNull(k.clicks, toUInt64(0)) AS clicks,
        multiIf(clicks > 0, CAST(k.first AS Nullable(DateTime('UTC'))), c.session_datetime > toDateTime(0, 'UTC'), CAST(c.session_datetime AS Nullable(DateTime('UTC'))), NULL) AS clicked_at,
        c.ip AS ip, ifNull(k.ip, toIPv6('::')) AS click_ip,
        CAST(c.user_agent AS String) AS user_agent, CAST(ifNull(k.agent, '') AS String) AS click_agent,
        CAST(c.country_code AS String) AS country_code, CAST(ifNull(k.country, '') AS String) AS click_country,
        CAST(k.decision AS Nullable(String)) AS decision, CAST(k.reason AS Nullable(String)) AS reason,
        CAST(k.file AS Nullable(String)) AS k_file, CAST(k.line AS Nullable(UInt32)) AS k_line,
        c.status AS status, c.status_code AS status_code, CAST(c.payout_cents AS Decimal(38, 6)) / 100 AS payout, CAST(c.revenue_cents AS Decimal(38, 6)) / 100 AS revenue,
        c.currency AS currency, c._file AS _file, c._line AS _line
    FROM {database}.conversions AS c
    {global} ALL LEFT JOIN
    (
        SELECT network, transaction_id, clicks, first, of.1 AS ip, of.2 AS agent, of.3 AS country, of.4 AS decision, of.5 AS reason, of.6 AS file, of.7 AS line
        FROM
        (
            SELECT
                network, transaction_id, count() AS clicks, min(datetime) AS first,
                argMin((ip, user_agent, country_code, access_control_decision, access_control_reason_code, _file, _line), (datetime, cityHash64(_file, _line))) AS of
            FROM {database}.clicks
            WHERE datetime >= toDateTime({first_day:Date}, 'UTC') - toIntervalDay(45) AND datetime < toDateTime({last_day:Date} + 1, 'UTC')
                AND cityHash64(transaction_id) {global} IN
                (
                    SELECT cityHash64(transaction_id) FROM {database}.conversions
                    WHERE datetime >= toDateTime({first_day:Date}, 'UTC') AND datetime < toDateTime({last_day:Date} + 1, 'UTC') AND transaction_id != '' AND is_adjustment = 0
                )
            GROUP BY network, transaction_id
        )
    ) AS k ON k.network = c.network AND k.transaction_id = c.transaction_id
    WHERE c.is_adjustment = 0 AND c.datetime >= toDateTime({first_day:Date}, 'UTC') AND c.datetime < toDateTime({last_day:Date} + 1, 'UTC')
)
COMMENT 'Conversions (without adjustments) of the days first_day to last_day, each with its click: conversion_paths(first_day = ''2016-09-01'', last_day = ''2016-09-30''). Made by ingest, revision 3.';

-- How much of an offer's conversions a window would keep. Counts only, so that days, offers and
-- affiliates can be added up. What the log of conversions says is enough: clicks are not read.
CREATE VIEW IF NOT EXISTS {database}.attribution_windows
(
    network      LowCardinality(String) COMMENT 'Network; ids are unique only within one.',
    day          Date COMMENT 'Day of the conversions, UTC.',
    offer_id     UInt32 COMMENT 'Offer that converted.',
    affiliate_id UInt32 COMMENT 'Affiliate whose click converted.',
    conversions  UInt64 COMMENT 'Lines of the log, whatever their status; repetitions of a transaction included, adjustments not.',
    rejected     UInt64 COMMENT 'Of these, rejected in the log.',
    unknown      UInt64 COMMENT 'Of these, without a time of the click (session_datetime), or with one after the conversion: in no window.',
    within_1m    UInt64 COMMENT 'Conversions within a minute of the click.',
    within_1h    UInt64 COMMENT 'Conversions within an hour of the click, those of the columns before included; and so on.',
    within_1d    UInt64 COMMENT 'Within 24 hours.',
    within_3d    UInt64 COMMENT 'Within 3 days.',
    within_7d    UInt64 COMMENT 'Within 7 days.',
    within_14d   UInt64 COMMENT 'Within 14 days.',
    within_30d   UInt64 COMMENT 'Within 30 days.',
    within_45d   UInt64 COMMENT 'Within 45 days.',
    longest      Nullable(Int64) COMMENT 'Most seconds from click to conversion; NULL: none is known.'
)
AS SELECT
    network, toDate(converted_at) AS day, offer_id, affiliate_id,
    count() AS conversions, countIf(state = 'rejected') AS rejected, countIf(NOT known) AS unknown,
    countIf(known AND took <= 60) AS within_1m, countIf(known AND took <= 3600) AS within_1h, countIf(known AND took <= 86400) AS within_1d,
    countIf(known AND took <= 3 * 86400) AS within_3d, countIf(known AND took <= 7 * 86400) AS within_7d, countIf(known AND took <= 14 * 86400) AS within_14d,
    countIf(known AND took <= 30 * 86400) AS within_30d, countIf(known AND took <= 45 * 86400) AS within_45d,
    maxOrNullIf(took, known) AS longest
FROM
(
    SELECT
        network, offer_id, affiliate_id, datetime AS converted_at, CAST(status AS String) AS state,
        toInt64(datetime) - toInt64(session_datetime) AS took, session_datetime > toDateTime(0, 'UTC') AND took >= 0 AS known
    FROM {database}.conversions
    WHERE is_adjustment = 0
)
GROUP BY network, day, offer_id, affiliate_id
COMMENT 'Conversions by how long after the click they came, by offer, affiliate and day. Made by ingest, revision 2.';
