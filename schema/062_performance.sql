-- What happened, for dashboards and totals. Rows are not grouped here: a question reads the
-- columns that it names and groups by no more than it asks for.
CREATE VIEW IF NOT EXISTS {database}.performance
(
    network       LowCardinality(String) COMMENT 'Network; ids are unique only within one.',
    hour          DateTime('UTC') COMMENT 'Hour in which it happened.',
    offer_id      UInt32 COMMENT 'Offer.',
    affiliate_id  UInt32 COMMENT 'Affiliate.',
    advertiser_id UInt32 COMMENT 'Advertiser.',
    country_code  LowCardinality(String) COMMENT 'Country of the address, ISO 3166 alpha-2.',
    currency      LowCardinality(String) COMMENT 'Currency of payout, revenue and margin: group by it where you sum them.',
    impressions   UInt64 COMMENT 'Impressions: sum() it, as all below.',
    clicks        UInt64 COMMENT 'Clicks.',
    unique_clicks UInt64 COMMENT 'Clicks that were a visitor''s first on the offer.',
    conversions   UInt64 COMMENT 'Conversions that the log has as approved, or without a status; adjustments do not count.',
    pending       UInt64 COMMENT 'Conversions that the log has as pending.',
    rejected      UInt64 COMMENT 'Conversions that the log has as rejected.',
    payout        Decimal(38, 6) COMMENT 'What affiliates are owed for all this, in whole units of currency: of impressions, clicks, approved conversions and adjustments, by the logs.',
    revenue       Decimal(38, 6) COMMENT 'What advertisers owe for it, likewise.',
    margin        Decimal(38, 6) COMMENT 'revenue - payout.'
)
AS SELECT
    network, toStartOfHour(datetime) AS hour, offer_id, affiliate_id, advertiser_id, country_code, currency,
    toUInt64(1) AS impressions, toUInt64(0) AS clicks, toUInt64(0) AS unique_clicks, toUInt64(0) AS conversions, toUInt64(0) AS pending, toUInt64(0) AS rejected,
    CAST(payout_cents AS Decimal(38, 6)) / 100 AS payout, CAST(revenue_cents AS Decimal(38, 6)) / 100 AS revenue, CAST(revenue_cents - payout_cents AS Decimal(38, 6)) / 100 AS margin
FROM {database}.impressions
UNION ALL
SELECT
    network, toStartOfHour(datetime), offer_id, affiliate_id, advertiser_id, country_code, currency,
    toUInt64(0), toUInt64(1), toUInt64(is_click_unique), toUInt64(0), toUInt64(0), toUInt64(0),
    CAST(payout_cents AS Decimal(38, 6)) / 100, CAST(revenue_cents AS Decimal(38, 6)) / 100, CAST(revenue_cents - payout_cents AS Decimal(38, 6)) / 100
FROM {database}.clicks
UNION ALL
SELECT
    network, toStartOfHour(datetime), offer_id, affiliate_id, advertiser_id, country_code, currency,
    toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(is_adjustment = 0 AND status IN ('approved', '')), toUInt64(is_adjustment = 0 AND status = 'pending'), toUInt64(is_adjustment = 0 AND status = 'rejected'),
    if(is_adjustment != 0 OR status IN ('approved', ''), CAST(payout_cents AS Decimal(38, 6)) / 100, CAST(0 AS Decimal(38, 6))),
    if(is_adjustment != 0 OR status IN ('approved', ''), CAST(revenue_cents AS Decimal(38, 6)) / 100, CAST(0 AS Decimal(38, 6))),
    if(is_adjustment != 0 OR status IN ('approved', ''), CAST(revenue_cents - payout_cents AS Decimal(38, 6)) / 100, CAST(0 AS Decimal(38, 6)))
FROM {database}.conversions
COMMENT 'Impressions, clicks, conversions and money by the logs: one row or several for what is alike, so sum() them. conversions_current has later statuses. Made by ingest, revision 1.';
