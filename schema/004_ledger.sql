-- The ledger: one row a version of a file; the highest version is the truth.
-- Nothing else decides what is loaded.
CREATE TABLE IF NOT EXISTS {database}.ingest_files
(
    network     LowCardinality(String) COMMENT 'Network whose log it is.',
    log_type    LowCardinality(String) COMMENT 'clicks, conversions, impressions or conversion_report: the table of its rows.',
    file        String COMMENT 'Name of the file, as its source names it; _file of its rows.',
    hour        DateTime('UTC') COMMENT 'Start of the hour that the file is for.',
    state       Enum8('planned' = 1, 'loading' = 2, 'loaded' = 3, 'failed' = 4, 'expired' = 5) COMMENT 'loaded: all rows are there. loading: some may be. planned: none yet. failed: none, or those of an earlier version; error says why. expired: its month is over, and its rows are dropped, or about to be where rows is not 0.', --retyped:14
    attempt     UInt32 COMMENT 'How often its loading was begun.',
    run         String COMMENT 'Run that wrote this version.',
    size        Int64 COMMENT 'Bytes of the ZIP; -1: not known yet.',
    etag        String COMMENT 'ETag of the ZIP where its storage gives one.',
    lines       UInt64 COMMENT 'Lines of the CSV, header included: 1 + rows + rejected + forgotten.',
    rows        UInt64 COMMENT 'Rows of the file in the table of its type.',
    rescued     UInt64 COMMENT 'Rows of those with something in _rescued.',
    inexact     UInt64 COMMENT 'Rows with a value whose column holds only nearly what it says: an amount that was rounded, bytes that are not UTF-8.',
    rejected    UInt64 COMMENT 'Lines that were no rows; they are in rejected_rows.',
    filled      Array(String) COMMENT 'Columns with a value other than their default in any of its rows; empty: not known.',
    inserts     Array(UInt64) COMMENT 'Ids of the INSERTs that brought its rows; _insert of its rows.',
    first_time  Nullable(DateTime('UTC')) COMMENT 'Earliest datetime of its rows.',
    last_time   Nullable(DateTime('UTC')) COMMENT 'Latest datetime of its rows.',
    shift_hours Int8 COMMENT 'Whole hours by which most rows lie off the file''s hour; not 0: the timezone setting is likely wrong.',
    error       String COMMENT 'Why the file failed.',
    contents    String COMMENT 'CRC-32 and length of the text in the archive; empty: not known.',
    issues      Array(String) COMMENT 'What is not as it should be: rejected, misfit, inexact, columns, shifted, copy, overlap, repeated, unsteady, view, mismatch, left_out, lost or failed.',
    issue_texts Array(String) COMMENT 'A sentence for each of issues.',
    issue_since Nullable(DateTime('UTC')) COMMENT 'When the oldest of issues was first seen.',
    left_out    UInt64 COMMENT 'Events of Firehose that were left out, as they stand in the table already.', --since:8
    leans_on    Array(String) COMMENT 'Files that hold the events which this one left out.', --since:8
    privacy     LowCardinality(String) COMMENT 'Policy for personal data under which its rows were loaded; empty: none.', --since:10
    forgotten   UInt64 COMMENT 'Rows of people who were forgotten (`ingest forget`): they were deleted, or not stored.', --since:12
    forgetting  UInt64 COMMENT 'Of rows, those that are about to be deleted for it; not 0 for long: `ingest forget` died there, and the next run or forget sets it right.', --since:12
    ignored     String COMMENT 'Reason given to `ingest ignore`; empty: the issues are open.',
    version     UInt64 COMMENT 'Counts up with each change of the file.',
    updated_at  DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When this version was written, by the store''s clock.'
)
ENGINE = {replacing:version} --guard:ledger-version
ORDER BY (network, log_type, file)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Ledger of files, with former versions; ask ingest_files_current.';

CREATE VIEW IF NOT EXISTS {database}.ingest_files_current
AS SELECT * FROM {database}.ingest_files FINAL
COMMENT 'Ledger of files as it stands: a row a file. Made by ingest, revision 7.';

-- For how long files stay: months that are over are dropped by the runs, and files of
-- them are not loaded any more.
CREATE TABLE IF NOT EXISTS {database}.ingest_ttl
(
    network  LowCardinality(String) COMMENT 'Network whose files they are.',
    log_type LowCardinality(String) COMMENT 'clicks, conversions, impressions or conversion_report.',
    months   UInt32 COMMENT 'Whole months before the present one that are kept; 0: all.',
    run      String COMMENT 'Run of ingest schema ttl that said so.',
    version  UInt64 COMMENT 'Counts up with each change; the highest is the truth.',
    set_at   DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was said, by the store''s clock.'
)
ENGINE = {replacing:version}
ORDER BY (network, log_type)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'For how many months files are kept, as ingest schema ttl has it.';

-- Leases: who works on a network. A claim is written, read back, and withdrawn
-- if another live one is seen; each renewal is a row.
CREATE TABLE IF NOT EXISTS {database}.ingest_leases
(
    network LowCardinality(String) COMMENT 'Network that is worked on.',
    run     String COMMENT 'Run that claims it.',
    worker  String COMMENT 'Share of the work, i/n; empty: all of it.',
    owner   String COMMENT 'Host and process of the run, for people.',
    process String COMMENT 'Boot, process id and start of the run, for a later run on the same machine.',
    state   LowCardinality(String) COMMENT 'claim, held or released.',
    since   DateTime64(3, 'UTC') COMMENT 'When this row was written, by the store''s clock.',
    expires DateTime64(3, 'UTC') COMMENT 'When the lease ends if it is not renewed, by the store''s clock.',
    seq     UInt64 COMMENT 'Counts up within a run; the highest is the truth.'
)
ENGINE = {mergetree}
ORDER BY (network, run, seq)
TTL toDateTime(expires) + INTERVAL 30 DAY
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Leases of runs on networks.';
