select network, id as offer_id, name, status, advertiser_id
from {{ source('rawlogs', 'dim_offers_current') }}
