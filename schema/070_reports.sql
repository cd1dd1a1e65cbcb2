-- Answers of the network's own reports. A day's answer is one generation, named
-- by version: rows and a marker (row_key '') come in one INSERT, and the view
-- shows the highest version of each day from a single reading. So asking again
-- replaces a day in one moment, rows that are no longer reported vanish with it,
-- and a day that became empty is empty.
CREATE TABLE IF NOT EXISTS {database}.report_stats_rows
(
    network       LowCardinality(String) COMMENT 'Network that was asked.',
    question      LowCardinality(String) COMMENT 'Key of the question: a hash of question_text.',
    day           Date COMMENT 'Day that the row is about, in the network''s zone, shifted by hour_offset.',
    row_key       String COMMENT 'Values of the groups, joined; empty: marks that the day was answered.',
    version       UInt64 COMMENT 'Generation of the day''s answer; the highest is the truth.',
    question_text LowCardinality(String) COMMENT 'The question in words.',
    asked_as      LowCardinality(String) COMMENT 'Who asked: network, affiliate or advertiser.',
    hour_offset   Int8 COMMENT 'Hours by which the network shifted its days.',
    currency      LowCardinality(String) COMMENT 'Currency that was asked for; empty: the network''s own.',
    dims          Map(LowCardinality(String), String) COMMENT 'What the row is grouped by, and texts, under the API''s names: dims[''Stat.offer_id''].',
    figures       Map(LowCardinality(String), Decimal(38, 10)) COMMENT 'Figures under the API''s names, exact: figures[''Stat.payout''].',
    fetched_at    DateTime('UTC') DEFAULT now() COMMENT 'When the answer was kept, by the store''s clock.'
)
ENGINE = {replacing:version}
ORDER BY (network, question, day, row_key)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Answers of the network''s reports, with former ones; ask report_stats.';

CREATE VIEW IF NOT EXISTS {database}.report_stats
AS SELECT
    network, question, question_text, asked_as, day, hour_offset, currency,
    toUInt32OrZero(dims['Stat.offer_id']) AS offer_id,
    toUInt32OrZero(dims['Stat.affiliate_id']) AS affiliate_id,
    toUInt32OrZero(dims['Stat.advertiser_id']) AS advertiser_id,
    toUInt32OrZero(dims['Stat.goal_id']) AS goal_id,
    dims['Stat.country_code'] AS country_code,
    toUInt8OrNull(dims['Stat.hour']) AS hour,
    figures['Stat.impressions'] AS impressions,
    figures['Stat.gross_clicks'] AS gross_clicks,
    figures['Stat.clicks'] AS clicks,
    figures['Stat.conversions'] AS conversions,
    figures['Stat.payout'] AS payout,
    figures['Stat.revenue'] AS revenue,
    dims, figures, row_key, version, fetched_at
FROM
(
    SELECT *, max(version) OVER (PARTITION BY network, question, day) AS latest
    FROM {database}.report_stats_rows
)
WHERE version = latest AND row_key != ''
COMMENT 'Answers of the network''s reports as they stand. One question a query: questions overlap. Made by ingest, revision 1.';
