{{ config(engine='MergeTree()', order_by=['network', 'day', 'offer_id', 'affiliate_id', 'advertiser_id', 'currency']) }}

-- A day is one of UTC. Amounts are those of clicks, impressions, approved conversions and
-- adjustments, in whole units of the row's currency; the currency is empty where the logs name
-- none. As the view performance, but with conversions as they are now.
select
    network,
    day,
    offer_id,
    affiliate_id,
    advertiser_id,
    currency,
    sum(shown) as impressions,
    sum(clicked) as clicks,
    sum(clicked_first) as unique_clicks,
    sum(converted) as conversions,
    sum(earned) as revenue,
    sum(owed) as payout
from
(
    -- Clicks and impressions, of roll-ups; the view's rows of conversions have none of either.
    select
        network, day, offer_id, affiliate_id, advertiser_id, currency,
        impressions as shown, clicks as clicked, unique_clicks as clicked_first, 0 as converted, revenue as earned, payout as owed
    from {{ source('rawlogs', 'performance_by_day') }}
    where impressions > 0 or clicks > 0
    union all
    select
        network, day, offer_id, affiliate_id, advertiser_id, currency,
        0 as shown, 0 as clicked, 0 as clicked_first, is_adjustment = 0 as converted, revenue as earned, payout as owed
    from {{ ref('stg_rawlogs__conversions') }}
    where status in ('approved', '') or is_adjustment != 0
) as events
group by network, day, offer_id, affiliate_id, advertiser_id, currency
