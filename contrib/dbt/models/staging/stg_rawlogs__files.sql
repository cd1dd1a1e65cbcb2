select
    network,
    log_type,
    file as source_file,
    hour,
    state,
    rows as stored_rows,
    rejected as rejected_lines,
    rescued as rescued_rows,
    issues,
    ignored,
    error,
    updated_at
from {{ source('rawlogs', 'ingest_files_current') }}
