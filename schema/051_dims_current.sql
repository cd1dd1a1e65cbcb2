-- How each thing is now: one row an id, without what the API no longer shows.
CREATE VIEW IF NOT EXISTS {database}.dim_offers_current
AS SELECT network, id, advertiser_id, name, status, currency, default_payout, max_payout, payout_type, revenue_type, expiration_date, offer_url, preview_url, default_goal_name, percent_payout, max_percent_payout, ref_id, other, valid_from
FROM
(
    SELECT * FROM {database}.dim_offers
    ORDER BY network, id, valid_from DESC
    LIMIT 1 BY network, id
)
WHERE NOT deleted
COMMENT 'Offers of the network, as they are now. Made by ingest, revision 2.';

CREATE VIEW IF NOT EXISTS {database}.dim_affiliates_current
AS SELECT network, id, company, status, country, date_added, modified, account_manager_id, other, valid_from
FROM
(
    SELECT * FROM {database}.dim_affiliates
    ORDER BY network, id, valid_from DESC
    LIMIT 1 BY network, id
)
WHERE NOT deleted
COMMENT 'Affiliates of the network, as they are now. Made by ingest, revision 1.';

CREATE VIEW IF NOT EXISTS {database}.dim_advertisers_current
AS SELECT network, id, company, status, country, date_added, modified, account_manager_id, other, valid_from
FROM
(
    SELECT * FROM {database}.dim_advertisers
    ORDER BY network, id, valid_from DESC
    LIMIT 1 BY network, id
)
WHERE NOT deleted
COMMENT 'Advertisers of the network, as they are now. Made by ingest, revision 1.';

CREATE VIEW IF NOT EXISTS {database}.dim_goals_current
AS SELECT network, id, offer_id, name, status, default_payout, max_payout, payout_type, percent_payout, ref_id, other, valid_from
FROM
(
    SELECT * FROM {database}.dim_goals
    ORDER BY network, id, valid_from DESC
    LIMIT 1 BY network, id
)
WHERE NOT deleted
COMMENT 'Goals of offers, as they are now. Made by ingest, revision 2.';

CREATE VIEW IF NOT EXISTS {database}.dim_countries_current
AS SELECT network, id, code, name, other, valid_from
FROM
(
    SELECT * FROM {database}.dim_countries
    ORDER BY network, id, valid_from DESC
    LIMIT 1 BY network, id
)
WHERE NOT deleted
COMMENT 'Countries, as they are now. Made by ingest, revision 1.';

CREATE VIEW IF NOT EXISTS {database}.dim_affiliate_users_current
AS SELECT network, id, affiliate_id, email, status, join_date, other, valid_from
FROM
(
    SELECT * FROM {database}.dim_affiliate_users
    ORDER BY network, id, valid_from DESC
    LIMIT 1 BY network, id
)
WHERE NOT deleted
COMMENT 'People of affiliates; never their passwords, as they are now. Made by ingest, revision 1.';

CREATE VIEW IF NOT EXISTS {database}.dim_offer_files_current
AS SELECT network, id, offer_id, filename, type, width, height, display, status, other, valid_from
FROM
(
    SELECT * FROM {database}.dim_offer_files
    ORDER BY network, id, valid_from DESC
    LIMIT 1 BY network, id
)
WHERE NOT deleted
COMMENT 'Creative files of offers, as they are now. Made by ingest, revision 2.';

CREATE VIEW IF NOT EXISTS {database}.dim_browsers_current
AS SELECT network, id, name, other, valid_from
FROM
(
    SELECT * FROM {database}.dim_browsers
    ORDER BY network, id, valid_from DESC
    LIMIT 1 BY network, id
)
WHERE NOT deleted
COMMENT 'Browsers, by the numbering of browser_id, as they are now. Made by ingest, revision 1.';

CREATE VIEW IF NOT EXISTS {database}.dim_employees_current
AS SELECT network, id, first_name, last_name, status, other, valid_from
FROM
(
    SELECT * FROM {database}.dim_employees
    ORDER BY network, id, valid_from DESC
    LIMIT 1 BY network, id
)
WHERE NOT deleted
COMMENT 'People of the network, such as account managers; never their passwords, as they are now. Made by ingest, revision 1.';

CREATE VIEW IF NOT EXISTS {database}.dim_offer_urls_current
AS SELECT network, id, offer_id, name, status, offer_url, preview_url, other, valid_from
FROM
(
    SELECT * FROM {database}.dim_offer_urls
    ORDER BY network, id, valid_from DESC
    LIMIT 1 BY network, id
)
WHERE NOT deleted
COMMENT 'Landing pages of offers, as they are now. Made by ingest, revision 1.';

CREATE VIEW IF NOT EXISTS {database}.dim_cashflow_groups_current
AS SELECT network, id, name, description, other, valid_from
FROM
(
    SELECT * FROM {database}.dim_cashflow_groups
    ORDER BY network, id, valid_from DESC
    LIMIT 1 BY network, id
)
WHERE NOT deleted
COMMENT 'Payout and revenue groups, as they are now. Made by ingest, revision 1.';

CREATE VIEW IF NOT EXISTS {database}.dim_ad_campaigns_current
AS SELECT network, id, name, status, other, valid_from
FROM
(
    SELECT * FROM {database}.dim_ad_campaigns
    ORDER BY network, id, valid_from DESC
    LIMIT 1 BY network, id
)
WHERE NOT deleted
COMMENT 'Ad campaigns, as they are now. Made by ingest, revision 1.';

CREATE VIEW IF NOT EXISTS {database}.dim_ad_campaign_creatives_current
AS SELECT network, id, ad_campaign_id, name, status, offer_id, offer_file_id, other, valid_from
FROM
(
    SELECT * FROM {database}.dim_ad_campaign_creatives
    ORDER BY network, id, valid_from DESC
    LIMIT 1 BY network, id
)
WHERE NOT deleted
COMMENT 'Creatives of ad campaigns, as they are now. Made by ingest, revision 1.';

CREATE VIEW IF NOT EXISTS {database}.dim_offer_categories_current
AS SELECT network, id, name, status, other, valid_from
FROM
(
    SELECT * FROM {database}.dim_offer_categories
    ORDER BY network, id, valid_from DESC
    LIMIT 1 BY network, id
)
WHERE NOT deleted
COMMENT 'Categories of offers, as they are now. Made by ingest, revision 1.';

CREATE VIEW IF NOT EXISTS {database}.dim_offer_groups_current
AS SELECT network, id, name, status, other, valid_from
FROM
(
    SELECT * FROM {database}.dim_offer_groups
    ORDER BY network, id, valid_from DESC
    LIMIT 1 BY network, id
)
WHERE NOT deleted
COMMENT 'Groups of offers, as they are now. Made by ingest, revision 1.';

CREATE VIEW IF NOT EXISTS {database}.dim_affiliate_tiers_current
AS SELECT network, id, name, level, other, valid_from
FROM
(
    SELECT * FROM {database}.dim_affiliate_tiers
    ORDER BY network, id, valid_from DESC
    LIMIT 1 BY network, id
)
WHERE NOT deleted
COMMENT 'Tiers of affiliates, as they are now. Made by ingest, revision 1.';
