select
    network,
    transaction_id,
    datetime as shown_at,
    toDate(datetime) as day,
    offer_id,
    affiliate_id,
    advertiser_id,
    affiliate_source,
    country_code,
    device_os,
    device_brand,
    currency,
    toDecimal128(revenue_cents, 6) / 100 as revenue,
    toDecimal128(payout_cents, 6) / 100 as payout,
    _file as source_file,
    _line as source_line
from {{ source('rawlogs', 'impressions') }}
