-- Names beside the ids. Each table holds every version of every row: the latest
-- valid_from of an id is how it is now (dim_*_current), the latest one before a
-- click is how it was then (ASOF JOIN). Ids are unique within a network only.
CREATE TABLE IF NOT EXISTS {database}.dim_offers {on_cluster}
(
    network         LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id              UInt64 COMMENT 'Id within the network.',
    advertiser_id   UInt64 COMMENT 'Advertiser whose offer it is; advertisers has its name.',
    name            String COMMENT 'Name of the offer.',
    status          LowCardinality(String) COMMENT 'active, pending, paused, expired, deleted.',
    currency        LowCardinality(String) COMMENT 'Currency of payouts and revenue, ISO 4217; empty: the network''s own.',
    default_payout  Decimal(18, 5) COMMENT 'What an affiliate gets, in whole units of currency, or in percent.',
    max_payout      Decimal(18, 5) COMMENT 'What the advertiser pays, in whole units of currency, or in percent.',
    payout_type     LowCardinality(String) COMMENT 'cpa_flat, cpa_percentage, cpc, cpm ...',
    revenue_type    LowCardinality(String) COMMENT 'cpa_flat, cpa_percentage, cpc, cpm ...',
    expiration_date Nullable(Date32) COMMENT 'Last day of the offer; NULL: none.',
    offer_url       String COMMENT 'Landing page, with its macros.',
    preview_url     String COMMENT 'Landing page for people.',
    other           Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash            UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted         Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from      DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Offers of the network, with former versions.';

CREATE TABLE IF NOT EXISTS {database}.dim_affiliates {on_cluster}
(
    network            LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id                 UInt64 COMMENT 'Id within the network.',
    company            String COMMENT 'Company''s name.',
    status             LowCardinality(String) COMMENT 'active, pending, paused, blocked, deleted ...',
    country            LowCardinality(String) COMMENT 'Country, as the network wrote it.',
    date_added         Nullable(DateTime('UTC')) COMMENT 'When it joined.',
    modified           Nullable(DateTime('UTC')) COMMENT 'When the network last changed it.',
    account_manager_id UInt64 COMMENT 'Employee in charge; 0: none.',
    other              Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash               UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted            Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from         DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Affiliates of the network, with former versions.';

CREATE TABLE IF NOT EXISTS {database}.dim_advertisers {on_cluster}
(
    network            LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id                 UInt64 COMMENT 'Id within the network.',
    company            String COMMENT 'Company''s name.',
    status             LowCardinality(String) COMMENT 'active, pending, paused, blocked, deleted ...',
    country            LowCardinality(String) COMMENT 'Country, as the network wrote it.',
    date_added         Nullable(DateTime('UTC')) COMMENT 'When it joined.',
    modified           Nullable(DateTime('UTC')) COMMENT 'When the network last changed it.',
    account_manager_id UInt64 COMMENT 'Employee in charge; 0: none.',
    other              Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash               UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted            Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from         DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Advertisers of the network, with former versions.';

CREATE TABLE IF NOT EXISTS {database}.dim_goals {on_cluster}
(
    network        LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id             UInt64 COMMENT 'Id within the network.',
    offer_id       UInt64 COMMENT 'Offer whose goal it is.',
    name           String COMMENT 'Name of the goal.',
    status         LowCardinality(String) COMMENT 'active, paused, deleted.',
    default_payout Decimal(18, 5) COMMENT 'What an affiliate gets, in whole units of currency.',
    max_payout     Decimal(18, 5) COMMENT 'What the advertiser pays, in whole units of currency.',
    other          Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash           UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted        Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from     DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Goals of offers, with former versions.';

CREATE TABLE IF NOT EXISTS {database}.dim_countries {on_cluster}
(
    network    LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id         UInt64 COMMENT 'Id within the network.',
    code       LowCardinality(String) COMMENT 'ISO 3166 alpha-2, as in country_code of the logs.',
    name       String COMMENT 'Name of the country.',
    other      Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash       UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted    Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Countries, with former versions.';

CREATE TABLE IF NOT EXISTS {database}.dim_affiliate_users {on_cluster}
(
    network      LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id           UInt64 COMMENT 'Id within the network.',
    affiliate_id UInt64 COMMENT 'Affiliate whom the person works for.',
    email        String COMMENT 'Address for mail: personal data.',
    status       LowCardinality(String) COMMENT 'active, blocked, deleted.',
    join_date    Nullable(DateTime('UTC')) COMMENT 'When the person joined.',
    other        Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash         UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted      Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from   DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'People of affiliates; never their passwords, with former versions.';

CREATE TABLE IF NOT EXISTS {database}.dim_offer_files {on_cluster}
(
    network    LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id         UInt64 COMMENT 'Id within the network.',
    offer_id   UInt64 COMMENT 'Offer whose file it is.',
    filename   String COMMENT 'Name of the file.',
    type       LowCardinality(String) COMMENT 'image banner, email creative ...',
    width      UInt64 COMMENT 'Pixels; 0: unknown.',
    height     UInt64 COMMENT 'Pixels; 0: unknown.',
    other      Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash       UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted    Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Creative files of offers, with former versions.';

CREATE TABLE IF NOT EXISTS {database}.dim_browsers {on_cluster}
(
    network    LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id         UInt64 COMMENT 'Id within the network.',
    name       String COMMENT 'Name of the browser.',
    other      Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash       UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted    Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Browsers, by the numbering of browser_id, with former versions.';
