-- Totals over the roll-ups of clicks and impressions, each in the words of one of them: only so
-- does the server answer from it. Conversions are few, and are summed from their rows; an analyst's
-- profile must not change the answer: see conversions_current.
CREATE VIEW IF NOT EXISTS {database}.performance_by_day
(
    network       LowCardinality(String) COMMENT 'Network; ids are unique only within one.',
    day           Date COMMENT 'Day (UTC) on which it happened.',
    offer_id      UInt32 COMMENT 'Offer.',
    affiliate_id  UInt32 COMMENT 'Affiliate.',
    advertiser_id UInt32 COMMENT 'Advertiser.',
    currency      LowCardinality(String) COMMENT 'Currency of payout, revenue and margin: group by it where you sum them.',
    impressions   UInt64 COMMENT 'Impressions: sum() it, as all below.',
    clicks        UInt64 COMMENT 'Clicks.',
    unique_clicks UInt64 COMMENT 'Clicks that were a visitor''s first on the offer.',
    conversions   UInt64 COMMENT 'Conversions that the log has as approved, or without a status; adjustments do not count.',
    pending       UInt64 COMMENT 'Conversions that the log has as pending.',
    rejected      UInt64 COMMENT 'Conversions that the log has as rejected.',
    payout        Decimal(38, 6) COMMENT 'What affiliates are owed for all this, in whole units of currency, by the logs.',
    revenue       Decimal(38, 6) COMMENT 'What advertisers owe for it, likewise.',
    margin        Decimal(38, 6) COMMENT 'revenue - payout.'
)
AS SELECT
    network, toDate(datetime) AS day, offer_id, affiliate_id, advertiser_id, currency,
    count() AS impressions, toUInt64(0) AS clicks, toUInt64(0) AS unique_clicks, toUInt64(0) AS conversions, toUInt64(0) AS pending, toUInt64(0) AS rejected,
    CAST(sum(payout_cents) AS Decimal(38, 6)) / 100 AS payout, CAST(sum(revenue_cents) AS Decimal(38, 6)) / 100 AS revenue, CAST(sum(revenue_cents) - sum(payout_cents) AS Decimal(38, 6)) / 100 AS margin
FROM {database}.impressions
GROUP BY network, toDate(datetime), offer_id, affiliate_id, advertiser_id, currency
UNION ALL
SELECT
    network, toDate(datetime), offer_id, affiliate_id, advertiser_id, currency,
    toUInt64(0), count(), sum(is_click_unique), toUInt64(0), toUInt64(0), toUInt64(0),
    CAST(sum(payout_cents) AS Decimal(38, 6)) / 100, CAST(sum(revenue_cents) AS Decimal(38, 6)) / 100, CAST(sum(revenue_cents) - sum(payout_cents) AS Decimal(38, 6)) / 100
FROM {database}.clicks
GROUP BY network, toDate(datetime), offer_id, affiliate_id, advertiser_id, currency
UNION ALL
SELECT
    network, toDate(datetime), offer_id, affiliate_id, advertiser_id, currency,
    toUInt64(0), toUInt64(0), toUInt64(0), countIf(is_adjustment = 0 AND status IN ('approved', '')), countIf(is_adjustment = 0 AND status = 'pending'), countIf(is_adjustment = 0 AND status = 'rejected'),
    CAST(sum(if(is_adjustment != 0 OR status IN ('approved', ''), payout_cents, 0)) AS Decimal(38, 6)) / 100, CAST(sum(if(is_adjustment != 0 OR status IN ('approved', ''), revenue_cents, 0)) AS Decimal(38, 6)) / 100, CAST(sum(if(is_adjustment != 0 OR status IN ('approved', ''), revenue_cents - payout_cents, 0)) AS Decimal(38, 6)) / 100
FROM {database}.conversions
GROUP BY network, toDate(datetime), offer_id, affiliate_id, advertiser_id, currency
COMMENT 'Impressions, clicks, conversions and money by the logs, by day, offer, affiliate and advertiser: up to three rows for what is alike, so sum() them. Answers from roll-ups. Made by ingest, revision 1.';

CREATE VIEW IF NOT EXISTS {database}.performance_by_offer
(
    network       LowCardinality(String) COMMENT 'Network; ids are unique only within one.',
    hour          DateTime('UTC') COMMENT 'Hour in which it happened.',
    offer_id      UInt32 COMMENT 'Offer.',
    advertiser_id UInt32 COMMENT 'Advertiser.',
    currency      LowCardinality(String) COMMENT 'Currency of payout, revenue and margin: group by it where you sum them.',
    impressions   UInt64 COMMENT 'Impressions: sum() it, as all below.',
    clicks        UInt64 COMMENT 'Clicks.',
    unique_clicks UInt64 COMMENT 'Clicks that were a visitor''s first on the offer.',
    conversions   UInt64 COMMENT 'Conversions that the log has as approved, or without a status; adjustments do not count.',
    pending       UInt64 COMMENT 'Conversions that the log has as pending.',
    rejected      UInt64 COMMENT 'Conversions that the log has as rejected.',
    payout        Decimal(38, 6) COMMENT 'What affiliates are owed for all this, in whole units of currency, by the logs.',
    revenue       Decimal(38, 6) COMMENT 'What advertisers owe for it, likewise.',
    margin        Decimal(38, 6) COMMENT 'revenue - payout.'
)
AS SELECT
    network, toStartOfHour(datetime) AS hour, offer_id, advertiser_id, currency,
    count() AS impressions, toUInt64(0) AS clicks, toUInt64(0) AS unique_clicks, toUInt64(0) AS conversions, toUInt64(0) AS pending, toUInt64(0) AS rejected,
    CAST(sum(payout_cents) AS Decimal(38, 6)) / 100 AS payout, CAST(sum(revenue_cents) AS Decimal(38, 6)) / 100 AS revenue, CAST(sum(revenue_cents) - sum(payout_cents) AS Decimal(38, 6)) / 100 AS margin
FROM {database}.impressions
GROUP BY network, toStartOfHour(datetime), offer_id, advertiser_id, currency
UNION ALL
SELECT
    network, toStartOfHour(datetime), offer_id, advertiser_id, currency,
    toUInt64(0), count(), sum(is_click_unique), toUInt64(0), toUInt64(0), toUInt64(0),
    CAST(sum(payout_cents) AS Decimal(38, 6)) / 100, CAST(sum(revenue_cents) AS Decimal(38, 6)) / 100, CAST(sum(revenue_cents) - sum(payout_cents) AS Decimal(38, 6)) / 100
FROM {database}.clicks
GROUP BY network, toStartOfHour(datetime), offer_id, advertiser_id, currency
UNION ALL
SELECT
    network, toStartOfHour(datetime), offer_id, advertiser_id, currency,
    toUInt64(0), toUInt64(0), toUInt64(0), countIf(is_adjustment = 0 AND status IN ('approved', '')), countIf(is_adjustment = 0 AND status = 'pending'), countIf(is_adjustment = 0 AND status = 'rejected'),
    CAST(sum(if(is_adjustment != 0 OR status IN ('approved', ''), payout_cents, 0)) AS Decimal(38, 6)) / 100, CAST(sum(if(is_adjustment != 0 OR status IN ('approved', ''), revenue_cents, 0)) AS Decimal(38, 6)) / 100, CAST(sum(if(is_adjustment != 0 OR status IN ('approved', ''), revenue_cents - payout_cents, 0)) AS Decimal(38, 6)) / 100
FROM {database}.conversions
GROUP BY network, toStartOfHour(datetime), offer_id, advertiser_id, currency
COMMENT 'Impressions, clicks, conversions and money by the logs, by hour, offer and advertiser: up to three rows for what is alike, so sum() them. Answers from roll-ups. Made by ingest, revision 1.';

CREATE VIEW IF NOT EXISTS {database}.performance_by_affiliate
(
    network       LowCardinality(String) COMMENT 'Network; ids are unique only within one.',
    hour          DateTime('UTC') COMMENT 'Hour in which it happened.',
    affiliate_id  UInt32 COMMENT 'Affiliate.',
    currency      LowCardinality(String) COMMENT 'Currency of payout, revenue and margin: group by it where you sum them.',
    impressions   UInt64 COMMENT 'Impressions: sum() it, as all below.',
    clicks        UInt64 COMMENT 'Clicks.',
    unique_clicks UInt64 COMMENT 'Clicks that were a visitor''s first on the offer.',
    conversions   UInt64 COMMENT 'Conversions that the log has as approved, or without a status; adjustments do not count.',
    pending       UInt64 COMMENT 'Conversions that the log has as pending.',
    rejected      UInt64 COMMENT 'Conversions that the log has as rejected.',
    payout        Decimal(38, 6) COMMENT 'What affiliates are owed for all this, in whole units of currency, by the logs.',
    revenue       Decimal(38, 6) COMMENT 'What advertisers owe for it, likewise.',
    margin        Decimal(38, 6) COMMENT 'revenue - payout.'
)
AS SELECT
    network, toStartOfHour(datetime) AS hour, affiliate_id, currency,
    count() AS impressions, toUInt64(0) AS clicks, toUInt64(0) AS unique_clicks, toUInt64(0) AS conversions, toUInt64(0) AS pending, toUInt64(0) AS rejected,
    CAST(sum(payout_cents) AS Decimal(38, 6)) / 100 AS payout, CAST(sum(revenue_cents) AS Decimal(38, 6)) / 100 AS revenue, CAST(sum(revenue_cents) - sum(payout_cents) AS Decimal(38, 6)) / 100 AS margin
FROM {database}.impressions
GROUP BY network, toStartOfHour(datetime), affiliate_id, currency
UNION ALL
SELECT
    network, toStartOfHour(datetime), affiliate_id, currency,
    toUInt64(0), count(), sum(is_click_unique), toUInt64(0), toUInt64(0), toUInt64(0),
    CAST(sum(payout_cents) AS Decimal(38, 6)) / 100, CAST(sum(revenue_cents) AS Decimal(38, 6)) / 100, CAST(sum(revenue_cents) - sum(payout_cents) AS Decimal(38, 6)) / 100
FROM {database}.clicks
GROUP BY network, toStartOfHour(datetime), affiliate_id, currency
UNION ALL
SELECT
    network, toStartOfHour(datetime), affiliate_id, currency,
    toUInt64(0), toUInt64(0), toUInt64(0), countIf(is_adjustment = 0 AND status IN ('approved', '')), countIf(is_adjustment = 0 AND status = 'pending'), countIf(is_adjustment = 0 AND status = 'rejected'),
    CAST(sum(if(is_adjustment != 0 OR status IN ('approved', ''), payout_cents, 0)) AS Decimal(38, 6)) / 100, CAST(sum(if(is_adjustment != 0 OR status IN ('approved', ''), revenue_cents, 0)) AS Decimal(38, 6)) / 100, CAST(sum(if(is_adjustment != 0 OR status IN ('approved', ''), revenue_cents - payout_cents, 0)) AS Decimal(38, 6)) / 100
FROM {database}.conversions
GROUP BY network, toStartOfHour(datetime), affiliate_id, currency
COMMENT 'Impressions, clicks, conversions and money by the logs, by hour and affiliate: up to three rows for what is alike, so sum() them. Answers from roll-ups. Made by ingest, revision 1.';

CREATE VIEW IF NOT EXISTS {database}.performance_by_country
(
    network       LowCardinality(String) COMMENT 'Network; ids are unique only within one.',
    hour          DateTime('UTC') COMMENT 'Hour in which it happened.',
    country_code  LowCardinality(String) COMMENT 'Country of the address, ISO 3166 alpha-2.',
    currency      LowCardinality(String) COMMENT 'Currency of payout, revenue and margin: group by it where you sum them.',
    impressions   UInt64 COMMENT 'Impressions: sum() it, as all below.',
    clicks        UInt64 COMMENT 'Clicks.',
    unique_clicks UInt64 COMMENT 'Clicks that were a visitor''s first on the offer.',
    conversions   UInt64 COMMENT 'Conversions that the log has as approved, or without a status; adjustments do not count.',
    pending       UInt64 COMMENT 'Conversions that the log has as pending.',
    rejected      UInt64 COMMENT 'Conversions that the log has as rejected.',
    payout        Decimal(38, 6) COMMENT 'What affiliates are owed for all this, in whole units of currency, by the logs.',
    revenue       Decimal(38, 6) COMMENT 'What advertisers owe for it, likewise.',
    margin        Decimal(38, 6) COMMENT 'revenue - payout.'
)
AS SELECT
    network, toStartOfHour(datetime) AS hour, country_code, currency,
    count() AS impressions, toUInt64(0) AS clicks, toUInt64(0) AS unique_clicks, toUInt64(0) AS conversions, toUInt64(0) AS pending, toUInt64(0) AS rejected,
    CAST(sum(payout_cents) AS Decimal(38, 6)) / 100 AS payout, CAST(sum(revenue_cents) AS Decimal(38, 6)) / 100 AS revenue, CAST(sum(revenue_cents) - sum(payout_cents) AS Decimal(38, 6)) / 100 AS margin
FROM {database}.impressions
GROUP BY network, toStartOfHour(datetime), country_code, currency
UNION ALL
SELECT
    network, toStartOfHour(datetime), country_code, currency,
    toUInt64(0), count(), sum(is_click_unique), toUInt64(0), toUInt64(0), toUInt64(0),
    CAST(sum(payout_cents) AS Decimal(38, 6)) / 100, CAST(sum(revenue_cents) AS Decimal(38, 6)) / 100, CAST(sum(revenue_cents) - sum(payout_cents) AS Decimal(38, 6)) / 100
FROM {database}.clicks
GROUP BY network, toStartOfHour(datetime), country_code, currency
UNION ALL
SELECT
    network, toStartOfHour(datetime), country_code, currency,
    toUInt64(0), toUInt64(0), toUInt64(0), countIf(is_adjustment = 0 AND status IN ('approved', '')), countIf(is_adjustment = 0 AND status = 'pending'), countIf(is_adjustment = 0 AND status = 'rejected'),
    CAST(sum(if(is_adjustment != 0 OR status IN ('approved', ''), payout_cents, 0)) AS Decimal(38, 6)) / 100, CAST(sum(if(is_adjustment != 0 OR status IN ('approved', ''), revenue_cents, 0)) AS Decimal(38, 6)) / 100, CAST(sum(if(is_adjustment != 0 OR status IN ('approved', ''), revenue_cents - payout_cents, 0)) AS Decimal(38, 6)) / 100
FROM {database}.conversions
GROUP BY network, toStartOfHour(datetime), country_code, currency
COMMENT 'Impressions, clicks, conversions and money by the logs, by hour and country: up to three rows for what is alike, so sum() them. Answers from roll-ups. Made by ingest, revision 1.';
