-- What the API says of conversions after their log was written. A conversion's
-- versions are kept; the latest valid_from is how it is now.
CREATE TABLE IF NOT EXISTS {database}.conversion_updates {on_cluster}
(
    network          LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id               UInt64 COMMENT 'Id within the network.',
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

-- Each conversion as it is now. A log's row and its update belong together by the
-- conversion's id. Where a log has no id (it is 0), they do by click and goal, if
-- there is exactly one of either; a guess between two would move money from one
-- to the other: such rows stay as logged. Conversions that no log holds, such as
-- adjustments, come from their update alone.
CREATE VIEW IF NOT EXISTS {database}.conversions_current {on_cluster}
AS WITH
latest AS
(
    SELECT * FROM {database}.conversion_updates
    ORDER BY network, id, valid_from DESC
    LIMIT 1 BY network, id
),
single_update AS
(
    SELECT network, ad_id, goal_id, any(id) AS id
    FROM latest
    WHERE ad_id != ''
    GROUP BY network, ad_id, goal_id
    HAVING count() = 1
),
single_log AS
(
    SELECT l.network AS network, l.transaction_id AS ad_id, toUInt64(l.goal_id) AS goal_id, s.id AS id
    FROM {database}.conversions AS l
    INNER JOIN single_update AS s
        ON s.network = l.network AND s.ad_id = l.transaction_id AND s.goal_id = toUInt64(l.goal_id)
    WHERE l.transaction_id IN (SELECT ad_id FROM latest)
    GROUP BY network, ad_id, goal_id, s.id
    HAVING count() = 1 AND max(l.id) = 0
),
log AS
(
    SELECT
        l.network AS network, if(l.id = 0, g.id, l.id) AS id, l.transaction_id AS transaction_id,
        l.affiliate_id AS affiliate_id, l.advertiser_id AS advertiser_id, l.offer_id AS offer_id, l.goal_id AS goal_id,
        l.datetime AS datetime, l.session_datetime AS session_datetime, l.country_code AS country_code,
        l.status AS status, l.status_code AS status_code, l.currency AS currency, l.is_adjustment AS is_adjustment,
        CAST(l.payout_cents AS Decimal(38, 6)) / 100 AS payout, CAST(l.revenue_cents AS Decimal(38, 6)) / 100 AS revenue,
        CAST(l.sale_amount AS Decimal(38, 6)) AS sale_amount, l._file AS _file, l._line AS _line
    FROM {database}.conversions AS l
    LEFT ANY JOIN single_log AS g
        ON g.network = l.network AND g.ad_id = l.transaction_id AND g.goal_id = toUInt64(l.goal_id)
)
SELECT
    log.network AS network, log.id AS id, log.transaction_id AS transaction_id,
    log.affiliate_id AS affiliate_id, log.advertiser_id AS advertiser_id, log.offer_id AS offer_id, log.goal_id AS goal_id,
    log.datetime AS datetime, log.session_datetime AS session_datetime, log.country_code AS country_code,
    if(u.id = 0, log.status, u.status) AS status, if(u.id = 0, log.status_code, toUInt32(u.status_code)) AS status_code,
    if(u.id = 0, log.payout, CAST(u.payout AS Decimal(38, 6))) AS payout,
    if(u.id = 0, log.revenue, CAST(u.revenue AS Decimal(38, 6))) AS revenue,
    if(u.id = 0, log.sale_amount, CAST(u.sale_amount AS Decimal(38, 6))) AS sale_amount,
    log.currency AS currency, log.is_adjustment AS is_adjustment,
    log.status AS logged_status, log.payout AS logged_payout, log.revenue AS logged_revenue,
    if(u.id = 0, 'log', 'log and update') AS origin, if(u.id = 0, NULL, u.valid_from) AS updated_at,
    log._file AS _file, log._line AS _line
FROM log
LEFT ANY JOIN latest AS u ON u.network = log.network AND u.id = log.id AND u.id != 0
UNION ALL
SELECT
    u.network, u.id, u.ad_id,
    toUInt32(u.affiliate_id), toUInt32(u.advertiser_id), toUInt32(u.offer_id), toUInt32(u.goal_id),
    ifNull(u.datetime, toDateTime(0, 'UTC')), ifNull(u.session_datetime, toDateTime(0, 'UTC')), u.country_code,
    u.status, toUInt32(u.status_code),
    CAST(u.payout AS Decimal(38, 6)), CAST(u.revenue AS Decimal(38, 6)), CAST(u.sale_amount AS Decimal(38, 6)),
    u.currency, toUInt8(u.is_adjustment),
    '', CAST(0 AS Decimal(38, 6)), CAST(0 AS Decimal(38, 6)),
    'update', u.valid_from, '', toUInt32(0)
FROM latest AS u
WHERE (u.network, u.id) NOT IN (SELECT network, id FROM {database}.conversions WHERE id IN (SELECT id FROM {database}.conversion_updates))
  AND (u.network, u.id) NOT IN (SELECT network, id FROM single_log)
  AND NOT (u.found = 'updated' AND u.ad_id != '' AND (u.network, u.ad_id, u.goal_id) IN
  (
      SELECT network, transaction_id, toUInt64(goal_id) FROM {database}.conversions
      WHERE id = 0 AND transaction_id IN (SELECT ad_id FROM {database}.conversion_updates)
  ))
COMMENT 'Conversions of the logs with their latest status, payout and revenue, and those that only updates tell of.';
