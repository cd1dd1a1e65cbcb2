-- Which schema the store has, and what brought it there. A store without this table is of
-- schema 1 to 3; an ingest that knows less than the highest version here changes nothing.
CREATE TABLE IF NOT EXISTS {database}.ingest_schema
(
    version    UInt32 COMMENT 'Version of the schema; the highest is the store''s.',
    did        Array(String) COMMENT 'Statements that it took.',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was done, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY version
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Versions of the schema that this store has had.';
