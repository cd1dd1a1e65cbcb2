-- Lines that do not split into the header's number of fields, whole.
CREATE TABLE IF NOT EXISTS {database}.rejected_rows
(
    network    LowCardinality(String) COMMENT 'Network whose log it is.',
    log_type   LowCardinality(String) COMMENT 'clicks, conversions or impressions.',
    file       LowCardinality(String) COMMENT 'File that the line is in.',
    hour       DateTime('UTC') COMMENT 'Start of the hour that the file is for.',
    line       UInt32 COMMENT 'Line of the file at which it starts; the header is line 1.',
    piece      UInt32 COMMENT 'Counts up from 0 where a long line was cut into several rows.',
    reason     LowCardinality(String) COMMENT 'Why it is no row.',
    raw        String COMMENT 'The text as it stands in the file, byte by byte.' CODEC(ZSTD(1)),
    _insert    UInt64 COMMENT 'Id of the INSERT that brought it.',
    _loaded_at DateTime('UTC') DEFAULT now() COMMENT 'When it was stored, by the store''s clock.'
)
ENGINE = {mergetree}
PARTITION BY toYYYYMM(hour)
ORDER BY (network, log_type, file, line, piece)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Lines of raw logs that were no rows.';
