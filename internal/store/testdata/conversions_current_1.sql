CREATE VIEW conversions_current
AS WITH
latest AS
(
    SELECT * FROM conversion_updates
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
    FROM conversions AS l
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
    FROM conversions AS l
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
WHERE (u.network, u.id) NOT IN (SELECT network, id FROM conversions WHERE id IN (SELECT id FROM conversion_updates))
  AND (u.network, u.id) NOT IN (SELECT network, id FROM single_log)
  AND NOT (u.found = 'updated' AND u.ad_id != '' AND (u.network, u.ad_id, u.goal_id) IN
  (
      SELECT network, transaction_id, toUInt64(goal_id) FROM conversions
      WHERE id = 0 AND transaction_id IN (SELECT ad_id FROM conversion_updates)
  ))
COMMENT 'Conversions of the logs with their latest status, payout and revenue, and those that only updates tell of.'
