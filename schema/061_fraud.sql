-- The time from click to conversion, by offer, affiliate and source, and how far it is from that
-- of the offer's other affiliates. Only the first conversion of a transaction counts. Its click's
-- time is the one in the log of conversions; the clicks' own log is read for lines without one only.
CREATE VIEW IF NOT EXISTS {database}.fraud_ctit
(
    network            LowCardinality(String) COMMENT 'Network; ids are unique only within one.',
    offer_id           UInt32 COMMENT 'Offer that converted.',
    affiliate_id       UInt32 COMMENT 'Affiliate whose clicks converted.',
    affiliate_source   String COMMENT 'Source that the affiliate passed in the link.',
    conversions        UInt64 COMMENT 'First conversions of transactions whose click''s time is known; at least the parameter least.',
    unknown            UInt64 COMMENT 'Further ones: the time of their click is not known, or is after the conversion.',
    share_10s          Float64 COMMENT 'Share of conversions within 10 seconds of the click. A glut is hijacking.',
    share_1m           Float64 COMMENT 'Share within a minute.',
    share_1h           Float64 COMMENT 'Share within an hour; as a rule 75 %.',
    share_24h          Float64 COMMENT 'Share within 24 hours; as a rule 94 %.',
    share_2h_24h       Float64 COMMENT 'Share after 2 and within 24 hours.',
    flat_2h_24h        Nullable(Float64) COMMENT 'Of those, the share of the latter half (after 13 hours): 0.5 is flat, as in flooding; clicks of people convert early. NULL: there are none.',
    others             UInt64 COMMENT 'Conversions of the offer''s other affiliates.',
    others_share_10s   Nullable(Float64) COMMENT 'Their share within 10 seconds; NULL: there are none.',
    others_share_2h_24h Nullable(Float64) COMMENT 'Their share after 2 and within 24 hours; NULL: there are none.',
    distance           Nullable(Float64) COMMENT 'Greatest difference to the others'' shares within 10 s, 1 min, 1 h, 2 h, 13 h and 24 h; NULL: there are none.',
    suspicion          String COMMENT 'hijacking: 20 points more within 10 s than the others have. flooding: 25 points more after 2 to 24 hours than they have, and flat_2h_24h is 0.3 or more. Where the others have fewer conversions than least, 0 and 20 % are expected. Else empty.'
)
AS SELECT
    network, offer_id, affiliate_id, affiliate_source, n AS conversions, lost AS unknown,
    n_10s / n AS share_10s, n_1m / n AS share_1m, n_1h / n AS share_1h, n_24h / n AS share_24h, (n_24h - n_2h) / n AS share_2h_24h,
    if(n_24h = n_2h, NULL, (n_24h - n_13h) / (n_24h - n_2h)) AS flat_2h_24h,
    o AS others, if(o = 0, NULL, o_10s / o) AS others_share_10s, if(o = 0, NULL, (o_24h - o_2h) / o) AS others_share_2h_24h,
    if(o = 0, NULL, greatest(abs(n_10s / n - o_10s / o), abs(n_1m / n - o_1m / o), abs(n_1h / n - o_1h / o), abs(n_2h / n - o_2h / o), abs(n_13h / n - o_13h / o), abs(n_24h / n - o_24h / o))) AS distance,
    multiIf(
        n_10s / n - if(o >= {least:UInt64}, o_10s / o, 0) >= 0.2, 'hijacking',
        (n_24h - n_2h) / n - if(o >= {least:UInt64}, (o_24h - o_2h) / o, 0.2) >= 0.25 AND (n_24h - n_13h) / (n_24h - n_2h) >= 0.3, 'flooding',
        '') AS suspicion
FROM
(
    SELECT
        *,
        sum(n) OVER whole - sum(n) OVER own AS o, sum(n_10s) OVER whole - sum(n_10s) OVER own AS o_10s, sum(n_1m) OVER whole - sum(n_1m) OVER own AS o_1m,
        sum(n_1h) OVER whole - sum(n_1h) OVER own AS o_1h, sum(n_2h) OVER whole - sum(n_2h) OVER own AS o_2h, sum(n_13h) OVER whole - sum(n_13h) OVER own AS o_13h,
        sum(n_24h) OVER whole - sum(n_24h) OVER own AS o_24h
    FROM
    (
        SELECT
            network, offer_id, affiliate_id, affiliate_source,
            toInt64(countIf(took >= 0)) AS n, toUInt64(countIf(took < 0)) AS lost,
            toInt64(countIf(took BETWEEN 0 AND 10)) AS n_10s, toInt64(countIf(took BETWEEN 0 AND 60)) AS n_1m, toInt64(countIf(took BETWEEN 0 AND 3600)) AS n_1h,
            toInt64(countIf(took BETWEEN 0 AND 7200)) AS n_2h, toInt64(countIf(took BETWEEN 0 AND 46800)) AS n_13h, toInt64(countIf(took BETWEEN 0 AND 86400)) AS n_24h
        FROM
        (
            SELECT
                c.network AS network, c.of.1 AS offer_id, c.of.2 AS affiliate_id, c.of.3 AS affiliate_source,
                multiIf(c.of.4 > 0, c.first - c.of.4, ifNull(k.clicked, 0) > 0, c.first - ifNull(k.clicked, 0), -1) AS took
            FROM
            (
                SELECT
                    network, transaction_id, min(toInt64(datetime)) AS first,
                    argMin((offer_id, affiliate_id, affiliate_source, toInt64(session_datetime)), (datetime, cityHash64(_file, _line))) AS of
                FROM {database}.conversions
                WHERE is_adjustment = 0 AND datetime >= toDateTime({first_day:Date}, 'UTC') - toIntervalDay(45) AND datetime < toDateTime({last_day:Date} + 1, 'UTC')
                GROUP BY network, transaction_id, if(transaction_id = '', cityHash64(_file, _line), 0)
                HAVING first >= toInt64(toDateTime({first_day:Date}, 'UTC'))
            ) AS c
            {global} ALL LEFT JOIN
            (
                SELECT network, transaction_id, min(toInt64(datetime)) AS clicked
                FROM {database}.clicks
                WHERE datetime >= toDateTime({first_day:Date}, 'UTC') - toIntervalDay(45) AND datetime < toDateTime({last_day:Date} + 1, 'UTC')
                    AND cityHash64(transaction_id) {global} IN
                    (
                        SELECT cityHash64(transaction_id) FROM {database}.conversions
                        WHERE datetime >= toDateTime({first_day:Date}, 'UTC') AND datetime < toDateTime({last_day:Date} + 1, 'UTC')
                            AND session_datetime = toDateTime(0, 'UTC') AND transaction_id != ''
                    )
                GROUP BY network, transaction_id
            ) AS k ON k.network = c.network AND k.transaction_id = c.transaction_id
        )
        GROUP BY network, offer_id, affiliate_id, affiliate_source
    )
    WINDOW whole AS (PARTITION BY network, offer_id), own AS (PARTITION BY network, offer_id, affiliate_id)
)
WHERE n > 0 AND n >= {least:UInt64}
COMMENT 'Times from click to conversion that give fraud away: fraud_ctit(first_day = ''2016-09-01'', last_day = ''2016-09-30'', least = 30). Made by ingest, revision 3.';

-- Addresses and devices that send many clicks, by affiliate. A first reading counts clicks by hash, in
-- a table of bounded size; a second one counts exactly, of those alone whose hash has enough.
-- One reading for addresses and devices at once takes more processor time than two: the hashes of
-- both have to be unfolded for every row. An affiliate's clicks are in a roll-up by day.
CREATE VIEW IF NOT EXISTS {database}.fraud_addresses
(
    network          LowCardinality(String) COMMENT 'Network; ids are unique only within one.',
    kind             String COMMENT 'ip or device.',
    address          String COMMENT 'The address, IPv4 as usual; or the device''s advertising id (google_aid, else ios_ifa), else its device_id.',
    affiliate_id     UInt32 COMMENT 'Affiliate who sent the clicks.',
    clicks           UInt64 COMMENT 'Clicks of the affiliate from there; at least the parameter least.',
    of_address       UInt64 COMMENT 'Clicks of all affiliates from there.',
    share_of_address Float64 COMMENT 'clicks / of_address: near 1 for an affiliate''s own machines, small behind a gateway of many people.',
    of_affiliate     UInt64 COMMENT 'Clicks of the affiliate from everywhere.',
    offers           UInt64 COMMENT 'Offers that were clicked.',
    agents           UInt64 COMMENT 'User agents that were seen.',
    hours            UInt64 COMMENT 'Hours in which there were such clicks.',
    first_click      DateTime('UTC') COMMENT 'First of these clicks.',
    last_click       DateTime('UTC') COMMENT 'Last of them.'
)
AS SELECT
    f.network AS network, f.kind AS kind, f.address AS address, f.affiliate_id AS affiliate_id, f.clicks AS clicks, f.of_address AS of_address,
    f.clicks / f.of_address AS share_of_address, assumeNotNull(a.of_affiliate) AS of_affiliate,
    f.offers AS offers, f.agents AS agents, f.hours AS hours, f.first_click AS first_click, f.last_click AS last_click
FROM
(
    SELECT
        network, 'ip' AS kind, replaceOne(toString(ip), '::ffff:', '') AS address, affiliate_id, count() AS clicks,
        sum(count()) OVER (PARTITION BY network, ip) AS of_address,
        uniqExact(offer_id) AS offers, uniqExact(user_agent) AS agents, uniqExact(toStartOfHour(datetime)) AS hours, min(datetime) AS first_click, max(datetime) AS last_click
    FROM {database}.clicks
    WHERE datetime >= toDateTime({first_day:Date}, 'UTC') AND datetime < toDateTime({last_day:Date} + 1, 'UTC')
        AND ip != toIPv6('::') AND cityHash64(ip) % 4194304 {global} IN
        (
            SELECT cityHash64(ip) % 4194304 AS bucket FROM {database}.clicks
            WHERE datetime >= toDateTime({first_day:Date}, 'UTC') AND datetime < toDateTime({last_day:Date} + 1, 'UTC') AND ip != toIPv6('::')
            GROUP BY bucket HAVING count() >= {least:UInt64}
        )
    GROUP BY network, ip, affiliate_id
    UNION ALL
    SELECT
        network, 'device' AS kind, multiIf(google_aid != '', google_aid, ios_ifa != '', ios_ifa, device_id) AS address, affiliate_id, count() AS clicks,
        sum(count()) OVER (PARTITION BY network, address) AS of_address,
        uniqExact(offer_id) AS offers, uniqExact(user_agent) AS agents, uniqExact(toStartOfHour(datetime)) AS hours, min(datetime) AS first_click, max(datetime) AS last_click
    FROM {database}.clicks
    WHERE datetime >= toDateTime({first_day:Date}, 'UTC') AND datetime < toDateTime({last_day:Date} + 1, 'UTC')
        AND (google_aid != '' OR ios_ifa != '' OR device_id != '') AND cityHash64(multiIf(google_aid != '', google_aid, ios_ifa != '', ios_ifa, device_id)) % 4194304 {global} IN
        (
            SELECT cityHash64(multiIf(google_aid != '', google_aid, ios_ifa != '', ios_ifa, device_id)) % 4194304 AS bucket FROM {database}.clicks
            WHERE datetime >= toDateTime({first_day:Date}, 'UTC') AND datetime < toDateTime({last_day:Date} + 1, 'UTC') AND (google_aid != '' OR ios_ifa != '' OR device_id != '')
            GROUP BY bucket HAVING count() >= {least:UInt64}
        )
    GROUP BY network, address, affiliate_id
) AS f
{global} ALL LEFT JOIN
(
    SELECT network, affiliate_id, count() AS of_affiliate FROM {database}.clicks
    WHERE toDate(datetime) BETWEEN {first_day:Date} AND {last_day:Date}
    GROUP BY network, affiliate_id
) AS a ON a.network = f.network AND a.affiliate_id = f.affiliate_id
WHERE f.clicks >= {least:UInt64}
COMMENT 'Addresses and devices with many clicks for an affiliate: fraud_addresses(first_day = ''2016-09-01'', last_day = ''2016-09-30'', least = 100). Made by ingest, revision 4.';
