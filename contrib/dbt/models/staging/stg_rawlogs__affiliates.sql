select network, id as affiliate_id, company, status
from {{ source('rawlogs', 'dim_affiliates_current') }}
