-- migration 1
CREATE TABLE log_groups(
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    class TEXT NOT NULL,
    kms_key TEXT,
    retention_days INTEGER,             -- NULL = for ever
    created_ms INTEGER NOT NULL,
    UNIQUE(account, region, name)
);
CREATE TABLE log_streams(
    id INTEGER PRIMARY KEY,
    log_group INTEGER NOT NULL REFERENCES log_groups(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    first_ms INTEGER,                   -- timestamp of the oldest event
    last_ms INTEGER,                    -- of the newest
    ingested_ms INTEGER,                -- when the last one came
    stored_bytes INTEGER NOT NULL DEFAULT 0,
    next_seq INTEGER NOT NULL DEFAULT 1,
    UNIQUE(log_group, name)
);
CREATE TABLE log_events(
    stream INTEGER NOT NULL REFERENCES log_streams(id) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,               -- order of arrival in the stream
    ingested_ms INTEGER NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY(stream, at_ms, seq)
) WITHOUT ROWID;
CREATE TABLE log_filters(
    log_group INTEGER NOT NULL REFERENCES log_groups(id) ON DELETE CASCADE,
    kind TEXT NOT NULL,                 -- metric, subscription
    name TEXT NOT NULL,
    pattern TEXT NOT NULL,
    detail TEXT NOT NULL,               -- JSON: the transformation, or the destination
    created_ms INTEGER NOT NULL,
    PRIMARY KEY(log_group, kind, name)
) WITHOUT ROWID;
CREATE TABLE log_policies(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY(account, region, name)
) WITHOUT ROWID;
