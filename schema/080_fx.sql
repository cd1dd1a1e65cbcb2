-- Exchange rates as the European Central Bank publishes them. A rate that a later file has
-- otherwise, or has no more, is a higher version.
CREATE TABLE IF NOT EXISTS {database}.fx_rates
(
    day       Date COMMENT 'Day that the bank published it for.',
    currency  LowCardinality(String) COMMENT 'Currency, ISO 4217.',
    per_euro  Decimal(18, 8) COMMENT 'Units of currency for one euro; 0: the bank has withdrawn it.',
    source    LowCardinality(String) COMMENT 'File that it was read from.',
    loaded_at DateTime('UTC') DEFAULT now() COMMENT 'When it was stored, by the store''s clock.',
    version   UInt64 COMMENT 'Counts up; the highest is the truth.'
)
ENGINE = {replacing:version}
ORDER BY (currency, day)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Exchange rates of the European Central Bank; ask fx_daily, or this with FINAL.';

-- The bank publishes none on weekends and holidays: the last rate holds, for 7 days at most.
CREATE VIEW IF NOT EXISTS {database}.fx_daily
(
    day       Date COMMENT 'Day, UTC: one without a rate of its own has the last one''s, for at most 7 days.',
    currency  String COMMENT 'Currency, ISO 4217; EUR as well.',
    per_euro  Decimal(18, 8) COMMENT 'Units of currency for one euro.',
    published Date COMMENT 'Day that the bank published the rate for.'
)
AS SELECT published + days AS day, currency, per_euro, published
FROM
(
    SELECT day AS published, currency, per_euro, leadInFrame(day, 1, day + 8) OVER (PARTITION BY currency ORDER BY day ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS following
    FROM
    (
        SELECT day, toString(currency) AS currency, per_euro FROM {database}.fx_rates FINAL WHERE per_euro > 0
        UNION ALL
        SELECT DISTINCT day, 'EUR', toDecimal64(1, 8) FROM {database}.fx_rates FINAL WHERE per_euro > 0
    )
)
ARRAY JOIN range(toUInt32(least(following - published, 8))) AS days
COMMENT 'Exchange rates by calendar day: join by day and currency. Made by ingest, revision 1.';

-- amount / per_euro of its currency * per_euro of the other, at the rates of its day. What is
-- in the asked currency already needs no rate.
CREATE VIEW IF NOT EXISTS {database}.conversions_in
AS SELECT
    c.*,
    {currency:String} AS in_currency,
    multiIf(toString(c.currency) = {currency:String}, toNullable(toDecimal128(1, 14)), r.fx_rate > 0, toNullable(r.fx_rate), NULL) AS rate,
    if(r.fx_rate > 0, toNullable(r.fx_published), NULL) AS rate_day,
    CAST(round(toDecimal256(c.payout, 6) * rate, 6) AS Nullable(Decimal(38, 6))) AS payout_in,
    CAST(round(toDecimal256(c.revenue, 6) * rate, 6) AS Nullable(Decimal(38, 6))) AS revenue_in,
    CAST(round(toDecimal256(c.sale_amount, 6) * rate, 6) AS Nullable(Decimal(38, 6))) AS sale_amount_in
FROM {database}.conversions_current AS c
{global} ALL LEFT JOIN
(
    SELECT f.day AS fx_day, f.currency AS fx_currency, least(f.published, t.published) AS fx_published, toDecimal128(t.per_euro, 14) / f.per_euro AS fx_rate
    FROM {database}.fx_daily AS f
    {global} ALL INNER JOIN {database}.fx_daily AS t ON t.day = f.day
    WHERE t.currency = {currency:String}
) AS r ON r.fx_currency = toString(c.currency) AND r.fx_day = toDate(c.datetime, 'UTC')
WHERE 0 = (SELECT throwIf(NOT match({currency:String}, '^[A-Z]{3}$') OR uniqExactIf(currency, per_euro > 0) > 0 AND countIf(toString(currency) = {currency:String}) = 0 AND {currency:String} != 'EUR',
    'conversions_in: no rate of that currency is known; currencies are as in fx_daily: EUR, USD …') FROM {database}.fx_rates)
COMMENT 'Conversions as they stand, with their amounts in one currency, at the rates of their days; NULL without a rate: conversions_in(currency = ''EUR''). Made by ingest, revision 1.';
