-- How far refreshes of the dim tables got, so that one that was interrupted goes
-- on after its last complete page.
CREATE TABLE IF NOT EXISTS {database}.dim_refreshes
(
    network    LowCardinality(String) COMMENT 'Network that was asked.',
    entity     LowCardinality(String) COMMENT 'offers, affiliates ...',
    filter     String COMMENT 'Conditions that narrowed it; empty: everything.',
    state      LowCardinality(String) COMMENT 'running, done or failed.',
    after_id   UInt64 COMMENT 'Every row up to this id has been seen.',
    pages      UInt32 COMMENT 'Pages read.',
    rows       UInt64 COMMENT 'Rows read.',
    changed    UInt64 COMMENT 'Versions written, of new and changed rows.',
    vanished   UInt64 COMMENT 'Rows that the API no longer shows.',
    error      String COMMENT 'Why it failed.',
    started_at DateTime64(3, 'UTC') COMMENT 'When it began, by the store''s clock.',
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When this was written, by the store''s clock.',
    version    UInt64 COMMENT 'Counts up; the highest is the truth.'
)
ENGINE = {replacing:version}
ORDER BY (network, entity, filter)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'How far refreshes of the dim tables got; ask with FINAL.';
