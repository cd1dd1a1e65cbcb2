-- Names beside the ids. Each table holds every version of every row: the latest
-- valid_from of an id is how it is now (dim_*_current), the latest one before a
-- click is how it was then (ASOF JOIN). Ids are unique within a network only.
CREATE TABLE IF NOT EXISTS {database}.dim_offers
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
    default_goal_name String COMMENT 'Name of the goal 0, the offer itself.', --since:8
    percent_payout Decimal(18, 5) COMMENT 'What an affiliate gets, in percent of the sale.', --since:8
    max_percent_payout Decimal(18, 5) COMMENT 'What the advertiser pays, in percent of the sale.', --since:8
    ref_id String COMMENT 'Id of the offer in a system of the network''s own.', --since:8
    other           Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash            UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted         Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from      DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Offers of the network, with former versions.';

CREATE TABLE IF NOT EXISTS {database}.dim_affiliates
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

CREATE TABLE IF NOT EXISTS {database}.dim_advertisers
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

CREATE TABLE IF NOT EXISTS {database}.dim_goals
(
    network        LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id             UInt64 COMMENT 'Id within the network.',
    offer_id       UInt64 COMMENT 'Offer whose goal it is.',
    name           String COMMENT 'Name of the goal.',
    status         LowCardinality(String) COMMENT 'active, paused, deleted.',
    default_payout Decimal(18, 5) COMMENT 'What an affiliate gets, in whole units of currency.',
    max_payout     Decimal(18, 5) COMMENT 'What the advertiser pays, in whole units of currency.',
    payout_type LowCardinality(String) COMMENT 'cpa_flat, cpa_percentage ...', --since:8
    percent_payout Decimal(18, 5) COMMENT 'What an affiliate gets, in percent of the sale.', --since:8
    ref_id String COMMENT 'Id of the goal in a system of the network''s own.', --since:8
    other          Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash           UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted        Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from     DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Goals of offers, with former versions.';

CREATE TABLE IF NOT EXISTS {database}.dim_countries
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

CREATE TABLE IF NOT EXISTS {database}.dim_affiliate_users
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

CREATE TABLE IF NOT EXISTS {database}.dim_offer_files
(
    network    LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id         UInt64 COMMENT 'Id within the network.',
    offer_id   UInt64 COMMENT 'Offer whose file it is.',
    filename   String COMMENT 'Name of the file.',
    type       LowCardinality(String) COMMENT 'image banner, email creative ...',
    width      UInt64 COMMENT 'Pixels; 0: unknown.',
    height     UInt64 COMMENT 'Pixels; 0: unknown.',
    display String COMMENT 'Name of the file in reports.', --since:8
    status LowCardinality(String) COMMENT 'active, pending, deleted.', --since:8
    other      Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash       UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted    Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Creative files of offers, with former versions.';

CREATE TABLE IF NOT EXISTS {database}.dim_browsers
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

CREATE TABLE IF NOT EXISTS {database}.dim_employees
(
    network    LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id         UInt64 COMMENT 'Id within the network.',
    first_name String COMMENT 'First name: personal data.',
    last_name  String COMMENT 'Last name: personal data.',
    status     LowCardinality(String) COMMENT 'active, blocked, deleted.',
    other      Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash       UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted    Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'People of the network, such as account managers; never their passwords, with former versions.';

CREATE TABLE IF NOT EXISTS {database}.dim_offer_urls
(
    network     LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id          UInt64 COMMENT 'Id within the network.',
    offer_id    UInt64 COMMENT 'Offer whose page it is.',
    name        String COMMENT 'Name of the page.',
    status      LowCardinality(String) COMMENT 'active, deleted.',
    offer_url   String COMMENT 'The page, with its macros.',
    preview_url String COMMENT 'The page for people.',
    other       Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash        UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted     Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from  DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Landing pages of offers, with former versions.';

CREATE TABLE IF NOT EXISTS {database}.dim_cashflow_groups
(
    network     LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id          UInt64 COMMENT 'Id within the network.',
    name        String COMMENT 'Name of the group.',
    description String COMMENT 'What the network says of it.',
    other       Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash        UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted     Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from  DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Payout and revenue groups, with former versions.';

CREATE TABLE IF NOT EXISTS {database}.dim_ad_campaigns
(
    network    LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id         UInt64 COMMENT 'Id within the network.',
    name       String COMMENT 'Name of the campaign.',
    status     LowCardinality(String) COMMENT 'active, deleted ...',
    other      Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash       UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted    Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Ad campaigns, with former versions.';

CREATE TABLE IF NOT EXISTS {database}.dim_ad_campaign_creatives
(
    network        LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id             UInt64 COMMENT 'Id within the network.',
    ad_campaign_id UInt64 COMMENT 'Campaign that it belongs to.',
    name           String COMMENT 'Name of the creative; empty: that of its file.',
    status         LowCardinality(String) COMMENT 'active, deleted ...',
    offer_id       UInt64 COMMENT 'Offer that it advertises; 0: none.',
    offer_file_id  UInt64 COMMENT 'Creative file that it shows; offer_files has its name.',
    other          Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash           UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted        Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from     DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Creatives of ad campaigns, with former versions.';

CREATE TABLE IF NOT EXISTS {database}.dim_offer_categories
(
    network    LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id         UInt64 COMMENT 'Id within the network.',
    name       String COMMENT 'Name of the category.',
    status     LowCardinality(String) COMMENT 'active, deleted.',
    other      Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash       UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted    Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Categories of offers, with former versions.';

CREATE TABLE IF NOT EXISTS {database}.dim_offer_groups
(
    network    LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id         UInt64 COMMENT 'Id within the network.',
    name       String COMMENT 'Name of the group.',
    status     LowCardinality(String) COMMENT 'active, deleted.',
    other      Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash       UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted    Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Groups of offers, with former versions.';

CREATE TABLE IF NOT EXISTS {database}.dim_affiliate_tiers
(
    network    LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id         UInt64 COMMENT 'Id within the network.',
    name       String COMMENT 'Name of the tier.',
    level      UInt64 COMMENT 'Rank of the tier; 0: unknown.',
    other      Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash       UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted    Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Tiers of affiliates, with former versions.';
