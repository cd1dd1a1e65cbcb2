-- What the API says of conversions after their log was written. A conversion's
-- versions are kept; the latest valid_from is how it is now.
CREATE TABLE IF NOT EXISTS {database}.conversion_updates {on_cluster}
(
    network          LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id               UInt64 COMMENT 'Id within the network; 0 where the API gave none.',
    tune_event_id    String COMMENT 'Id as the vendor gives it since it retires the numeric one; empty where the API gave none.', --since:6
    ad_id            String COMMENT 'Id of the click that it came from: transaction_id of the logs.',
    affiliate_id     UInt64 COMMENT 'Affiliate whose click converted.',
    advertiser_id    UInt64 COMMENT 'Advertiser whose offer it is.',
    offer_id         UInt64 COMMENT 'Offer that converted.',
    goal_id          UInt64 COMMENT 'Goal of the offer; 0: the offer itself.',
    datetime         Nullable(DateTime('UTC')) COMMENT 'When it converted.',
    session_datetime Nullable(DateTime('UTC')) COMMENT 'When the click happened.',
    status           LowCardinality(String) COMMENT 'approved, pending or rejected.',
    status_code      UInt64 COMMENT 'Reason for the status; 0: none.',
    payout           Decimal(18, 5) COMMENT 'What the affiliate is owed, in whole units of currency.',
    revenue          Decimal(18, 5) COMMENT 'What the advertiser owes, in whole units of currency.',
    sale_amount      Decimal(18, 5) COMMENT 'Amount of the sale, in whole units of currency.',
    currency         LowCardinality(String) COMMENT 'Currency, ISO 4217.',
    payout_type      LowCardinality(String) COMMENT 'cpa_flat, cpa_percentage ...',
    revenue_type     LowCardinality(String) COMMENT 'cpa_flat, cpa_percentage ...',
    country_code     LowCardinality(String) COMMENT 'Country of the address, ISO 3166 alpha-2.',
    is_adjustment    Bool COMMENT 'Entered by hand to correct totals.',
    found            LowCardinality(String) COMMENT 'updated: findUpdatedConversions showed it; added: findAddedConversions did.',
    other            Map(LowCardinality(String), String) COMMENT 'Fields that did not fit their column, as the API gave them.',
    hash             UInt64 COMMENT 'Of the fields; a version is written when it changes.',
    deleted          Bool COMMENT 'The API no longer shows it; the fields are its last ones.',
    valid_from       DateTime64(3, 'UTC') COMMENT 'When this version was first seen, by the store''s clock.'
)
ENGINE = {mergetree}
ORDER BY (network, id, valid_from)
SETTINGS {no_insert_dedup}, {durable}
COMMENT 'Later changes of conversions, with former versions; ask conversions_current.';

-- Each conversion as it is now. A log's row and its update belong together by
-- tune_event_id; where one of them lacks it, by id; where they have neither in common
-- to compare, by click and goal, if there is exactly one of either: a guess between two
-- would move money from one to the other, so such rows stay as logged. Conversions
-- that no log holds, such as adjustments, come from their update alone.
--
-- An update says what the whole conversion is worth now, so amounts, their currency
-- and the status come from it together, and it counts once: where several lines of
-- the logs have its id, the latest shows it and the others show 0.
--
-- An analyst's profile must not change the answer: no outer join (join_use_nulls
-- would fill it with NULLs), every type is spelled out, and no alias hides a column
-- that the same SELECT asks for (prefer_column_name_to_alias).
CREATE VIEW IF NOT EXISTS {database}.conversions_current {on_cluster}
(
    network          LowCardinality(String) COMMENT 'Network (HASOFFERS_NETWORK_ID).',
    id               UInt64 COMMENT 'Id of the conversion; 0 where neither its log nor an update has one.',
    transaction_id   String COMMENT 'Id of the click that it came from.',
    affiliate_id     UInt32 COMMENT 'Affiliate whose click converted.',
    advertiser_id    UInt32 COMMENT 'Advertiser whose offer it is.',
    offer_id         UInt32 COMMENT 'Offer that converted.',
    goal_id          UInt32 COMMENT 'Goal of the offer; 0: the offer itself.',
    datetime         DateTime('UTC') COMMENT 'When it converted.',
    session_datetime DateTime('UTC') COMMENT 'When the click happened; 1970-01-01 where it is not known.',
    country_code     LowCardinality(String) COMMENT 'Country of the address, ISO 3166 alpha-2.',
    status           String COMMENT 'Status as it is now: approved, pending or rejected; repeated: see origin.',
    status_code      UInt32 COMMENT 'Reason for the status; 0: none.',
    payout           Decimal(38, 6) COMMENT 'What the affiliate is owed now, in whole units of currency.',
    revenue          Decimal(38, 6) COMMENT 'What the advertiser owes now, in whole units of currency.',
    sale_amount      Decimal(38, 6) COMMENT 'Amount of the sale, in whole units of currency.',
    currency         LowCardinality(String) COMMENT 'Currency of payout, revenue and sale_amount: of the update where they come from one, else of the log.',
    is_adjustment    UInt8 COMMENT '1: entered by hand to correct totals.',
    logged_status    String COMMENT 'Status in the log.',
    logged_payout    Decimal(38, 6) COMMENT 'Payout in the log, in whole units of logged_currency.',
    logged_revenue   Decimal(38, 6) COMMENT 'Revenue in the log, in whole units of logged_currency.',
    origin           String COMMENT 'log: no update is known. log and update: amounts, currency and status are the update''s. repeated: a later line of the logs has the same id and shows the update, amounts here are 0. update: no log has it.',
    updated_at       Nullable(DateTime64(3, 'UTC')) COMMENT 'When the update was first seen, by the store''s clock; NULL: none is known.',
    _file            String COMMENT 'File of the log; empty: none.',
    _line            UInt32 COMMENT 'Line of the file; 0: none.',
    logged_currency  LowCardinality(String) COMMENT 'Currency of logged_payout and logged_revenue.',
    tune_event_id    String COMMENT 'Id of the conversion as the vendor gives it since it retires the numeric one; empty where neither its log nor an update has one.'
)
AS WITH
latest AS
(
    SELECT *
    FROM
    (
        SELECT * FROM {database}.conversion_updates
        WHERE id != 0 OR tune_event_id != ''
        ORDER BY network, id, if(id = 0, tune_event_id, ''), valid_from DESC
        LIMIT 1 BY network, id, if(id = 0, tune_event_id, '')
    )
    ORDER BY network, valid_from DESC, id DESC
    LIMIT 1 BY network, tune_event_id, if(tune_event_id = '', id, 0)
),
-- Lines of the logs, each with the key of the update that is tied to it by event or id.
tied AS
(
    SELECT
        network, id, tune_event_id, transaction_id, affiliate_id, advertiser_id, offer_id, goal_id, datetime, session_datetime, country_code,
        status, status_code, payout_cents, revenue_cents, sale_amount, currency, is_adjustment, _hour, _file, _line,
        multiIf(
            tune_event_id != '' AND (network, tune_event_id) IN (SELECT network, tune_event_id FROM {database}.conversion_updates), concat('event ', tune_event_id),
            id != 0 AND tune_event_id = '' AND (network, id) IN (SELECT network, id FROM {database}.conversion_updates), concat('id ', toString(id)),
            id != 0 AND tune_event_id != '' AND (network, id) IN (SELECT network, id FROM {database}.conversion_updates GROUP BY network, id HAVING max(tune_event_id) = ''), concat('id ', toString(id)),
            '') AS tie
    FROM {database}.conversions
),
-- Updates, each with whether a line of the logs has its event or its id. An id says
-- nothing of a line that has an event of its own.
known AS
(
    SELECT
        *,
        if(tune_event_id = '', 'id', if(id = 0, 'event', 'both')) AS named_by,
        tune_event_id != '' AND (network, tune_event_id) IN
        (
            SELECT network, tune_event_id FROM {database}.conversions
            WHERE tune_event_id IN (SELECT tune_event_id FROM {database}.conversion_updates WHERE tune_event_id != '')
        )
        OR (network, id, named_by) IN
        (
            SELECT network, id, arrayJoin(if(tune_event_id = '', ['id', 'both'], ['id'])) FROM {database}.conversions
            WHERE id IN (SELECT id FROM {database}.conversion_updates WHERE id != 0)
        ) AS is_tied
    FROM latest
),
by_click AS
(
    SELECT u.network AS network, u.ad_id AS ad_id, u.goal_id AS goal_id, u.any_id AS any_id, u.any_event AS any_event
    FROM
    (
        SELECT network, ad_id, goal_id, max(id) AS any_id, max(tune_event_id) AS any_event
        FROM known
        WHERE ad_id != ''
        GROUP BY network, ad_id, goal_id
        HAVING count() = 1 AND max(is_tied) = 0
    ) AS u
    INNER ALL JOIN
    (
        SELECT network, transaction_id, toUInt64(goal_id) AS goal, max(id) AS any_id, max(tune_event_id) AS any_event
        FROM tied
        WHERE transaction_id IN (SELECT ad_id FROM {database}.conversion_updates WHERE ad_id != '')
        GROUP BY network, transaction_id, goal
        HAVING count() = 1 AND max(tie) = ''
    ) AS l
        ON l.network = u.network AND l.transaction_id = u.ad_id AND l.goal = u.goal_id
    WHERE (u.any_id = 0 OR l.any_id = 0) AND (u.any_event = '' OR l.any_event = '') --guard:update-strangers
)
SELECT
    l.network AS network, l.id AS id, l.transaction_id AS transaction_id,
    l.affiliate_id AS affiliate_id, l.advertiser_id AS advertiser_id, l.offer_id AS offer_id, l.goal_id AS goal_id,
    l.datetime AS datetime, l.session_datetime AS session_datetime, l.country_code AS country_code,
    l.status AS status, l.status_code AS status_code,
    CAST(l.payout_cents AS Decimal(38, 6)) / 100 AS payout,
    CAST(l.revenue_cents AS Decimal(38, 6)) / 100 AS revenue,
    CAST(l.sale_amount AS Decimal(38, 6)) AS sale_amount,
    l.currency AS currency, l.is_adjustment AS is_adjustment,
    l.status AS logged_status,
    CAST(l.payout_cents AS Decimal(38, 6)) / 100 AS logged_payout,
    CAST(l.revenue_cents AS Decimal(38, 6)) / 100 AS logged_revenue,
    'log' AS origin, CAST(NULL AS Nullable(DateTime64(3, 'UTC'))) AS updated_at,
    l._file AS _file, l._line AS _line, l.currency AS logged_currency, l.tune_event_id AS tune_event_id
FROM tied AS l
WHERE l.tie = '' AND (l.network, l.transaction_id, toUInt64(l.goal_id)) NOT IN (SELECT network, ad_id, goal_id FROM by_click)
UNION ALL
SELECT
    r.network, r.id, r.transaction_id,
    r.affiliate_id, r.advertiser_id, r.offer_id, r.goal_id, r.datetime, r.session_datetime, r.country_code,
    if(r.nth = 1, r.status, 'repeated'), if(r.nth = 1, toUInt32(r.status_code), 0),
    if(r.nth = 1, CAST(r.payout AS Decimal(38, 6)), CAST(0 AS Decimal(38, 6))),
    if(r.nth = 1, CAST(r.revenue AS Decimal(38, 6)), CAST(0 AS Decimal(38, 6))),
    if(r.nth = 1, CAST(r.sale_amount AS Decimal(38, 6)), CAST(0 AS Decimal(38, 6))),
    r.currency, r.is_adjustment, --guard:update-currency
    r.logged_status,
    CAST(r.payout_cents AS Decimal(38, 6)) / 100,
    CAST(r.revenue_cents AS Decimal(38, 6)) / 100,
    if(r.nth = 1, 'log and update', 'repeated'), r.valid_from,
    r._file, r._line, r.logged_currency, r.tune_event_id
FROM
(
    SELECT
        l.network AS network, if(u.id = 0, l.id, u.id) AS id, l.transaction_id AS transaction_id,
        l.affiliate_id AS affiliate_id, l.advertiser_id AS advertiser_id, l.offer_id AS offer_id, l.goal_id AS goal_id,
        l.datetime AS datetime, l.session_datetime AS session_datetime, l.country_code AS country_code,
        u.status AS status, u.status_code AS status_code,
        u.payout AS payout, u.revenue AS revenue, u.sale_amount AS sale_amount, u.currency AS currency,
        l.is_adjustment AS is_adjustment, l.status AS logged_status, l.currency AS logged_currency,
        l.payout_cents AS payout_cents, l.revenue_cents AS revenue_cents,
        u.valid_from AS valid_from, l._file AS _file, l._line AS _line,
        if(l.tune_event_id = '', u.tune_event_id, l.tune_event_id) AS tune_event_id,
        row_number() OVER (PARTITION BY u.network, u.id, u.tune_event_id ORDER BY l.datetime DESC, l._hour DESC, l._file DESC, l._line DESC) AS nth --guard:update-once
    FROM tied AS l
    INNER ALL JOIN
    (
        SELECT
            *,
            arrayJoin(arrayConcat(
                if(tune_event_id != '', [concat('event ', tune_event_id)], []),
                if(id != 0, [concat('id ', toString(id))], []))) AS key
        FROM {database}.conversion_updates
        ORDER BY valid_from DESC
        LIMIT 1 BY network, key
    ) AS u
        ON u.network = l.network AND u.key = l.tie
    WHERE l.tie != ''
      AND (l.id IN (SELECT id FROM {database}.conversion_updates WHERE id != 0)
        OR l.tune_event_id IN (SELECT tune_event_id FROM {database}.conversion_updates WHERE tune_event_id != ''))
) AS r
UNION ALL
SELECT
    l.network, if(u.id = 0, l.id, u.id), l.transaction_id,
    l.affiliate_id, l.advertiser_id, l.offer_id, l.goal_id, l.datetime, l.session_datetime, l.country_code,
    u.status, toUInt32(u.status_code),
    CAST(u.payout AS Decimal(38, 6)), CAST(u.revenue AS Decimal(38, 6)), CAST(u.sale_amount AS Decimal(38, 6)),
    u.currency, l.is_adjustment,
    l.status,
    CAST(l.payout_cents AS Decimal(38, 6)) / 100,
    CAST(l.revenue_cents AS Decimal(38, 6)) / 100,
    'log and update', u.valid_from,
    l._file, l._line, l.currency, if(l.tune_event_id = '', u.tune_event_id, l.tune_event_id)
FROM
(
    SELECT * FROM {database}.conversions
    WHERE transaction_id IN (SELECT ad_id FROM {database}.conversion_updates WHERE ad_id != '')
) AS l
INNER ALL JOIN
(
    SELECT * FROM latest
    WHERE (network, id, tune_event_id) IN (SELECT network, any_id, any_event FROM by_click)
) AS u
    ON u.network = l.network AND u.ad_id = l.transaction_id AND u.goal_id = toUInt64(l.goal_id)
UNION ALL
SELECT
    u.network, u.id, u.ad_id,
    toUInt32(u.affiliate_id), toUInt32(u.advertiser_id), toUInt32(u.offer_id), toUInt32(u.goal_id),
    ifNull(u.datetime, toDateTime(0, 'UTC')), ifNull(u.session_datetime, toDateTime(0, 'UTC')), u.country_code,
    u.status, toUInt32(u.status_code),
    CAST(u.payout AS Decimal(38, 6)), CAST(u.revenue AS Decimal(38, 6)), CAST(u.sale_amount AS Decimal(38, 6)),
    u.currency, toUInt8(u.is_adjustment),
    '', CAST(0 AS Decimal(38, 6)), CAST(0 AS Decimal(38, 6)),
    'update', u.valid_from, '', toUInt32(0), '', u.tune_event_id
FROM known AS u
WHERE NOT u.is_tied AND (u.network, u.id, u.tune_event_id) NOT IN (SELECT network, any_id, any_event FROM by_click)
  -- One of several lines of its click may be it, and which is not known: they show it as logged.
  AND NOT (u.found = 'updated' AND u.ad_id != '' AND (u.network, u.ad_id, u.goal_id, u.named_by) IN
  (
      SELECT network, transaction_id, toUInt64(goal_id),
          arrayJoin(multiIf(id = 0 AND tune_event_id = '', ['id', 'event', 'both'], id = 0, ['id'], tune_event_id = '', ['event'], [])) FROM tied
      WHERE tie = '' AND transaction_id IN (SELECT ad_id FROM {database}.conversion_updates WHERE ad_id != '')
  ))
COMMENT 'Conversions of the logs with their latest status, payout and revenue, and those that only updates tell of. Made by ingest, revision 3.';
