-- Runs: what each command that changes something did on a network. A row a version: it is
-- written at the begin, again while the work goes on, and at the end.
CREATE TABLE IF NOT EXISTS {database}.ingest_runs
(
    network         LowCardinality(String) COMMENT 'Network that was worked on; empty: the store as a whole.',
    run             String COMMENT 'Name of the run: its start in UTC, and chance. It is run of ingest_files.',
    command         LowCardinality(String) COMMENT 'run, backfill, schema apply ...',
    arguments       String COMMENT 'Command line. Secrets are hidden, and so is the statement of ingest sql.',
    worker          String COMMENT 'Share of the work, i/n; empty: all of it.',
    release         LowCardinality(String) COMMENT 'Version and commit of ingest.',
    host            LowCardinality(String) COMMENT 'Machine that it ran on.',
    process         String COMMENT 'Boot, process id and start of the process, for a question on the same machine.',
    begun           DateTime64(3, 'UTC') COMMENT 'When it began, by the store''s clock.',
    ended           Nullable(DateTime64(3, 'UTC')) COMMENT 'When it ended, by the store''s clock; NULL: it did not say that it did.',
    exit_status     Nullable(UInt8) COMMENT '0 done, 1 failed, 2 settings, 3 files have issues, 6 totals differ, 75 lease held by another run, 130 interrupted.',
    error           String COMMENT 'What went wrong, on one line.',
    alive_until     DateTime64(3, 'UTC') COMMENT 'Without an end: it died if nothing newer was written by then, by the store''s clock.',
    files_listed    UInt64 COMMENT 'Files that the source listed of what the run was about: already_loaded + loaded + failed + left_open.',
    already_loaded  UInt64 COMMENT 'Files that were loaded before.',
    loaded          UInt64 COMMENT 'Files that it loaded.',
    failed          UInt64 COMMENT 'Files that could not be loaded.',
    left_open       UInt64 COMMENT 'Files that it did not get to.',
    recovered       UInt64 COMMENT 'Files that a dead run had left loading.',
    replaced        UInt64 COMMENT 'Files whose rows replaced earlier ones.',
    lost            UInt64 COMMENT 'Files that are not loaded and that the source lists no more.',
    rows            UInt64 COMMENT 'Rows stored.',
    rejected        UInt64 COMMENT 'Lines that were no rows.',
    rescued         UInt64 COMMENT 'Rows with something in _rescued.',
    inexact         UInt64 COMMENT 'Rows with a value whose column holds only nearly what it says.',
    bytes           UInt64 COMMENT 'Bytes of the archives loaded.',
    inserts         UInt64 COMMENT 'INSERTs into the tables of rows.',
    changed         UInt64 COMMENT 'Versions of names, and later changes of conversions, that it wrote.',
    mismatches      UInt64 COMMENT 'Files of which the store did not hold the rows that the ledger says.',
    differing_rows  Map(LowCardinality(String), UInt64) COMMENT 'By type, rows by which the network''s totals differ beyond the tolerance, where it compared them.',
    listed_types    Array(LowCardinality(String)) COMMENT 'Log types that it listed whole.',
    listed_days     Array(Tuple(Date, Date)) COMMENT 'Days of those that it listed: from, and first day after.',
    listed_at       Nullable(DateTime64(3, 'UTC')) COMMENT 'When it had listed them, by the store''s clock.',
    kept_days       Map(LowCardinality(String), UInt16) COMMENT 'By type, days for which the source keeps files, where it was asked and says so.',
    version         UInt64 COMMENT 'Counts up with each row of the run.',
    updated_at      DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When this version was written, by the store''s clock.'
)
ENGINE = {replacing:version}
ORDER BY (network, run)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Runs, with former versions; ask ingest_runs_current.';

-- A run says that it lives every 45 seconds. One that was silent for three minutes died,
-- or sleeps with its machine.
CREATE VIEW IF NOT EXISTS {database}.ingest_runs_current
AS SELECT
    *,
    multiIf(
        exit_status IS NULL, if(alive_until > now64(3), 'running', 'died'),
        exit_status = 0, 'done',
        exit_status = 2, 'settings',
        exit_status = 3, 'incomplete',
        exit_status = 6, 'differs',
        exit_status = 75, 'held',
        exit_status = 130, 'interrupted',
        'failed'
    ) AS outcome,
    dateDiff('millisecond', begun, multiIf(ended IS NOT NULL, assumeNotNull(ended), alive_until > now64(3), now64(3), updated_at)) / 1000 AS seconds
FROM {database}.ingest_runs FINAL
COMMENT 'Runs as they stand: a row a run and network. outcome is done, failed, settings, incomplete, differs, held, interrupted, running or died; seconds is how long it took, or has taken. Made by ingest, revision 1.';
