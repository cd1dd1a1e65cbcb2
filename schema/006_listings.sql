-- What was looked at: days that a load listed whole, of which it has taken up every
-- file. A job that was down goes on where the last one left off.
CREATE TABLE IF NOT EXISTS {database}.ingest_listings
(
    network    LowCardinality(String) COMMENT 'Network whose source was listed.',
    log_type   LowCardinality(String) COMMENT 'clicks, conversions or impressions.',
    worker     String COMMENT 'Share of the work, i/n; empty: all of it.',
    from_day   Date COMMENT 'First day that was listed.',
    until_day  Date COMMENT 'First day after those that need not be listed again: files of later days may still be published.',
    run        String COMMENT 'Run that listed them.',
    listed_at  DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When this was written, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, log_type, worker, until_day)
SETTINGS {no_insert_dedup}
COMMENT 'Days that loads listed whole.';
