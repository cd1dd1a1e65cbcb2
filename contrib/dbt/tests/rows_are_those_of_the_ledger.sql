-- Files whose rows in the store are more or fewer than the ledger says, and rows of files
-- that the ledger does not know. Files that are being loaded or dropped are left out, and so are failed
-- ones, which may keep the rows of an earlier version.
select
    network,
    log_type,
    source_file,
    sum(told) as ledger_rows,
    sum(found) as store_rows
from
(
    select network, log_type, source_file, stored_rows as told, 0 as found, state in ('loading', 'failed', 'expired') as unsettled
    from {{ ref('stg_rawlogs__files') }}
    where log_type in ('clicks', 'conversions', 'impressions') and hour >= now() - interval {{ var('rawlogs_days') }} day
    union all
    select network, 'clicks' as log_type, _file as source_file, 0 as told, count() as found, 0 as unsettled
    from {{ source('rawlogs', 'clicks') }}
    where _hour >= now() - interval {{ var('rawlogs_days') }} day
    group by network, _file
    union all
    select network, 'conversions' as log_type, _file as source_file, 0 as told, count() as found, 0 as unsettled
    from {{ source('rawlogs', 'conversions') }}
    where _hour >= now() - interval {{ var('rawlogs_days') }} day
    group by network, _file
    union all
    select network, 'impressions' as log_type, _file as source_file, 0 as told, count() as found, 0 as unsettled
    from {{ source('rawlogs', 'impressions') }}
    where _hour >= now() - interval {{ var('rawlogs_days') }} day
    group by network, _file
) as counts
group by network, log_type, source_file
having max(unsettled) = 0 and sum(told) != sum(found)
