-- Clicks: every column of the headers seen so far, under the header's own name, then
-- where the row came from. A column added with ALTER TABLE clicks ADD COLUMN under a
-- header's name is filled from the next file on. Texts and ids are ZSTD, as LZ4 cannot
-- pack hexadecimal digits: a quarter less disk (docs/performance.md).
-- The partition is of the file's hour, not of the row's time: so every file lies in one
-- partition, whatever its rows say, and one INSERT of it lands whole or not at all. Do
-- not change it; datetime has an index of its own.
CREATE TABLE IF NOT EXISTS {database}.clicks
(
    transaction_id             String COMMENT 'Id of the click, given by the network; conversions carry the one they came from. Not promised to be unique.' CODEC(ZSTD(1)),
    tune_event_id              String COMMENT 'Id of the event as Firehose gives it; empty where a raw log brought the row.' CODEC(ZSTD(1)), --since:8
    affiliate_id               UInt32 COMMENT 'Affiliate who sent the click.',
    affiliate_manager_id       UInt32 COMMENT 'Employee in charge of the affiliate; 0: none.',
    advertiser_id              UInt32 COMMENT 'Advertiser whose offer it is.',
    advertiser_manager_id      UInt32 COMMENT 'Employee in charge of the advertiser; 0: none.',
    offer_id                   UInt32 COMMENT 'Offer that was clicked.',
    creative_url_id            UInt32 COMMENT 'Landing page chosen for the offer; 0: its default.',
    affiliate_click_id         String COMMENT 'Click id of the affiliate''s own system, as passed in the link (header of 2022).' CODEC(ZSTD(1)),
    affiliate_source           String COMMENT 'Source that the affiliate passed in the link; free text.' CODEC(ZSTD(1)),
    affiliate_sub1             String COMMENT 'Sub-id 1 that the affiliate passed in the link; free text.' CODEC(ZSTD(1)),
    affiliate_sub2             String COMMENT 'Sub-id 2 that the affiliate passed in the link; free text.' CODEC(ZSTD(1)),
    affiliate_sub3             String COMMENT 'Sub-id 3 that the affiliate passed in the link; free text.' CODEC(ZSTD(1)),
    affiliate_sub4             String COMMENT 'Sub-id 4 that the affiliate passed in the link; free text.' CODEC(ZSTD(1)),
    affiliate_sub5             String COMMENT 'Sub-id 5 that the affiliate passed in the link; free text.' CODEC(ZSTD(1)),
    affiliate_unique_1         String COMMENT 'Unique id 1 that the affiliate passed in the link; free text (header of 2022).' CODEC(ZSTD(1)),
    affiliate_unique_2         String COMMENT 'Unique id 2 that the affiliate passed in the link; free text (header of 2022).' CODEC(ZSTD(1)),
    affiliate_unique_3         String COMMENT 'Unique id 3 that the affiliate passed in the link; free text (header of 2022).' CODEC(ZSTD(1)),
    affiliate_unique_4         String COMMENT 'Unique id 4 that the affiliate passed in the link; free text (header of 2022).' CODEC(ZSTD(1)),
    affiliate_unique_5         String COMMENT 'Unique id 5 that the affiliate passed in the link; free text (header of 2022).' CODEC(ZSTD(1)),
    datetime                   DateTime('UTC') COMMENT 'When it happened, as an instant; the log has no zone, HASOFFERS_TIMEZONE says which it means.',
    revenue_cents              Decimal(18, 4) COMMENT 'What the advertiser owes, in hundredths of currency; 0 where the log has none.',
    payout_cents               Decimal(18, 4) COMMENT 'What the affiliate is owed, in hundredths of currency; 0 where the log has none.',
    refer                      String COMMENT 'Referer that the browser sent.' CODEC(ZSTD(1)),
    url                        String COMMENT 'Link that was followed, with its parameters.' CODEC(ZSTD(1)),
    pixel_refer                String COMMENT 'Referer of the pixel''s request.' CODEC(ZSTD(1)),
    ip                         IPv6 COMMENT 'Address of the visitor; IPv4 as ::ffff:a.b.c.d, :: where the log has none.',
    user_agent                 LowCardinality(String) COMMENT 'User-Agent that the browser sent.',
    country_code               LowCardinality(String) COMMENT 'Country of the address, ISO 3166 alpha-2.',
    browser_id                 UInt32 COMMENT 'Browser, by the network''s own numbering; 0: unknown.',
    is_click_unique            UInt8 COMMENT '1: first click of this visitor on the offer.',
    ad_campaign_id             UInt32 COMMENT 'Ad campaign; 0: none.',
    ad_campaign_creative_id    UInt32 COMMENT 'Creative within the ad campaign; 0: none.',
    offer_file_id              UInt32 COMMENT 'Creative file of the offer, such as a banner; 0: none.',
    status                     LowCardinality(String) COMMENT 'Status as the log words it.',
    offer_file_size            LowCardinality(String) COMMENT 'Size of the creative file as the log words it.',
    currency                   LowCardinality(String) COMMENT 'Currency of revenue and payout, ISO 4217.',
    payout_type                LowCardinality(String) COMMENT 'How the affiliate is paid: cpa_flat, cpa_percentage, cpc, cpm ...',
    revenue_type               LowCardinality(String) COMMENT 'How the advertiser pays: cpa_flat, cpa_percentage, cpc, cpm ...',
    device_brand               LowCardinality(String) COMMENT 'Maker of the device, from its user agent.',
    device_model               LowCardinality(String) COMMENT 'Model of the device, from its user agent.',
    device_os                  LowCardinality(String) COMMENT 'Operating system, from the user agent.',
    device_os_version          LowCardinality(String) COMMENT 'Version of the operating system, from the user agent.',
    device_id                  String COMMENT 'Device id that the affiliate passed.' CODEC(ZSTD(1)),
    device_id_md5              String COMMENT 'MD5 of the device id, as passed.' CODEC(ZSTD(1)),
    device_id_sha1             String COMMENT 'SHA-1 of the device id, as passed.' CODEC(ZSTD(1)),
    android_id                 String COMMENT 'Android id, as passed.' CODEC(ZSTD(1)),
    android_id_md5             String COMMENT 'MD5 of the Android id, as passed.' CODEC(ZSTD(1)),
    android_id_sha1            String COMMENT 'SHA-1 of the Android id, as passed.' CODEC(ZSTD(1)),
    mac_address                String COMMENT 'MAC address, as passed.' CODEC(ZSTD(1)),
    mac_address_md5            String COMMENT 'MD5 of the MAC address, as passed.' CODEC(ZSTD(1)),
    mac_address_sha1           String COMMENT 'SHA-1 of the MAC address, as passed.' CODEC(ZSTD(1)),
    odin                       String COMMENT 'ODIN device id, as passed.' CODEC(ZSTD(1)),
    open_udid                  String COMMENT 'OpenUDID, as passed.' CODEC(ZSTD(1)),
    ios_ifa                    String COMMENT 'iOS advertising id, as passed.' CODEC(ZSTD(1)),
    ios_ifa_md5                String COMMENT 'MD5 of the iOS advertising id, as passed.' CODEC(ZSTD(1)),
    ios_ifa_sha1               String COMMENT 'SHA-1 of the iOS advertising id, as passed.' CODEC(ZSTD(1)),
    ios_ifv                    String COMMENT 'iOS vendor id, as passed.' CODEC(ZSTD(1)),
    user_id                    String COMMENT 'User id that the affiliate passed.' CODEC(ZSTD(1)),
    unknown_id                 String COMMENT 'Id of a kind that was not named.' CODEC(ZSTD(1)),
    payout_group_id            UInt32 COMMENT 'Payout group that set the payout; 0: none.',
    revenue_group_id           UInt32 COMMENT 'Revenue group that set the revenue; 0: none.',
    req_connection_speed       LowCardinality(String) COMMENT 'Speed class of the visitor''s connection, such as mobile or broadband.',
    google_aid                 String COMMENT 'Google advertising id, as passed.' CODEC(ZSTD(1)),
    access_control_decision    LowCardinality(String) COMMENT 'What access control decided about the click (header of 2022).',
    access_control_reason_code LowCardinality(String) COMMENT 'Why access control decided so (header of 2022).',
    network                    LowCardinality(String) COMMENT 'Network whose log it is (HASOFFERS_NETWORK_ID).',
    _file                      LowCardinality(String) COMMENT 'File that the row came from, as its source names it; ingest_files_current tells about it.',
    _line                      UInt32 COMMENT 'Line of the file at which the row starts; the header is line 1.',
    _hour                      DateTime('UTC') COMMENT 'Start of the hour that the file is for; decides the partition, so a file is always within one month.',
    _insert                    UInt64 COMMENT 'Id of the INSERT that brought the row.',
    _rescued                   Map(LowCardinality(String), String) COMMENT 'Fields by header name that have no column or did not fit theirs, as they stood in the log.',
    _loaded_at                 DateTime('UTC') DEFAULT now() COMMENT 'When the row was stored, by the store''s clock.',
    INDEX by_datetime datetime TYPE minmax GRANULARITY 1,
    INDEX by_insert _insert TYPE minmax GRANULARITY 1,
    INDEX by_transaction transaction_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_event tune_event_id TYPE bloom_filter(0.0001) GRANULARITY 1, --since:8
    PROJECTION rollup_country (SELECT network, toStartOfHour(datetime), country_code, currency, count(), sum(is_click_unique), sum(revenue_cents), sum(payout_cents) GROUP BY network, toStartOfHour(datetime), country_code, currency), --since:13
    PROJECTION rollup_offer (SELECT network, toStartOfHour(datetime), offer_id, advertiser_id, currency, count(), sum(is_click_unique), sum(revenue_cents), sum(payout_cents) GROUP BY network, toStartOfHour(datetime), offer_id, advertiser_id, currency), --since:13
    PROJECTION rollup_affiliate (SELECT network, toStartOfHour(datetime), affiliate_id, currency, count(), sum(is_click_unique), sum(revenue_cents), sum(payout_cents) GROUP BY network, toStartOfHour(datetime), affiliate_id, currency), --since:13
    PROJECTION rollup_day (SELECT network, toDate(datetime), offer_id, affiliate_id, advertiser_id, currency, count(), sum(is_click_unique), sum(revenue_cents), sum(payout_cents) GROUP BY network, toDate(datetime), offer_id, affiliate_id, advertiser_id, currency) --since:13
)
ENGINE = {mergetree}
PARTITION BY toYYYYMM(_hour)
ORDER BY (offer_id, affiliate_id, datetime)
SETTINGS {no_insert_dedup}, {durable}, {rollups}, {bounded}
COMMENT 'Clicks of the network''s raw logs, a row a line.';
