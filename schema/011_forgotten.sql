-- Receipts of people who were forgotten: what they were known by, as keyed hashes. A load
-- stores no row that holds one of them. A row a version; the highest is the truth.
CREATE TABLE IF NOT EXISTS {database}.ingest_forgotten
(
    network    LowCardinality(String) COMMENT 'Network whose rows of the person are forgotten.',
    receipt    String COMMENT 'Id of the receipt: the first of hashes.',
    kind       LowCardinality(String) COMMENT 'What the person was known by: device_id, ip, transaction_id or user_id.',
    hashes     Array(String) COMMENT 'HMAC-SHA256, cut to 32 digits, of the value in the forms in which rows may have it, under the key of the privacy policy.',
    key        LowCardinality(String) COMMENT 'Which key: the first digits of another hash.',
    state      Enum8('open' = 1, 'done' = 2) COMMENT 'open: rows may still be there, `ingest forget` with the same value goes on. Loads obey it in either state. done: none was found any more.',
    counts     Map(LowCardinality(String), UInt64) COMMENT 'By table: rows deleted, or lines of rejected_rows withheld, for it and others of its request.',
    run        String COMMENT 'Run that wrote this version.',
    asked_at   DateTime64(3, 'UTC') COMMENT 'When it was first asked for, by the store''s clock.',
    version    UInt64 COMMENT 'Counts up with each change of the receipt.',
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When this version was written, by the store''s clock.'
)
ENGINE = {replacing:version}
ORDER BY (network, receipt)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Receipts of people who were forgotten, with former versions; they hold no value, and loads obey them.';
