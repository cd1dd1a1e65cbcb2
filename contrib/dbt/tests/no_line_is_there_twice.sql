-- Lines of a file with more than one row in the store.
select network, 'clicks' as log_type, _file as source_file, _line as source_line, count() as times
from {{ source('rawlogs', 'clicks') }}
where _hour >= now() - interval {{ var('rawlogs_days') }} day
group by network, _file, _line
having count() > 1
union all
select network, 'conversions' as log_type, _file as source_file, _line as source_line, count() as times
from {{ source('rawlogs', 'conversions') }}
where _hour >= now() - interval {{ var('rawlogs_days') }} day
group by network, _file, _line
having count() > 1
union all
select network, 'impressions' as log_type, _file as source_file, _line as source_line, count() as times
from {{ source('rawlogs', 'impressions') }}
where _hour >= now() - interval {{ var('rawlogs_days') }} day
group by network, _file, _line
having count() > 1
