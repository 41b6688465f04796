-- migration 1
-- Buses that were made, and the default one once something was said about it.
CREATE TABLE events_bus(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    kms_key TEXT,
    policy TEXT,                       -- JSON, or NULL
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL
);
CREATE UNIQUE INDEX events_bus_name ON events_bus(account, region, name);

CREATE TABLE events_rule(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    arn TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    bus TEXT NOT NULL,
    name TEXT NOT NULL,
    pattern TEXT,
    schedule TEXT,
    state TEXT NOT NULL,
    description TEXT,
    role TEXT,
    managed_by TEXT,                   -- a service of ours whose rule it is
    created_by TEXT NOT NULL,
    anchor_ms INTEGER NOT NULL         -- a rate counts from here
);
CREATE UNIQUE INDEX events_rule_name ON events_rule(account, region, bus, name);

CREATE TABLE events_target(
    rule INTEGER NOT NULL REFERENCES events_rule(seq) ON DELETE CASCADE,
    id TEXT NOT NULL,
    arn TEXT NOT NULL,
    body TEXT NOT NULL,                -- the operation's Target as JSON
    PRIMARY KEY(rule, id)
) WITHOUT ROWID;
CREATE INDEX events_target_arn ON events_target(arn);

-- migration 2
-- Connections; what is secret of them lies in Secrets Manager.
CREATE TABLE events_connection(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    arn TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    type TEXT NOT NULL,                -- BASIC, API_KEY, OAUTH_CLIENT_CREDENTIALS
    state TEXT NOT NULL,
    reason TEXT,
    shown TEXT NOT NULL,               -- JSON: parameters without what is secret
    secret TEXT,                       -- ARN; NULL once deauthorized
    kms_key TEXT,
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    authorized_ms INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX events_connection_name ON events_connection(account, region, name);

CREATE TABLE events_destination(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    arn TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    connection TEXT NOT NULL,          -- ARN
    endpoint TEXT NOT NULL,
    method TEXT NOT NULL,
    rate INTEGER NOT NULL,             -- a second
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL
);
CREATE UNIQUE INDEX events_destination_name ON events_destination(account, region, name);

-- migration 3
CREATE TABLE events_archive(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    arn TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    bus TEXT NOT NULL,                 -- name
    description TEXT,
    pattern TEXT,                      -- NULL: all events
    retention_days INTEGER NOT NULL,   -- 0 = for ever
    kms_key TEXT,
    created_ms INTEGER NOT NULL
);
CREATE UNIQUE INDEX events_archive_name ON events_archive(account, region, name);
CREATE INDEX events_archive_bus ON events_archive(account, region, bus);

CREATE TABLE events_archived(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    archive INTEGER NOT NULL REFERENCES events_archive(seq) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL,
    event TEXT NOT NULL
);
CREATE INDEX events_archived_time ON events_archived(archive, at_ms, seq);

CREATE TABLE events_replay(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    arn TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    archive TEXT NOT NULL,             -- ARN
    destination TEXT NOT NULL,         -- the operation's Destination as JSON
    description TEXT,
    state TEXT NOT NULL,
    reason TEXT,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    done_ms INTEGER NOT NULL,          -- time and number of the event that was replayed last
    done_seq INTEGER NOT NULL,
    begun_ms INTEGER NOT NULL,
    ended_ms INTEGER NOT NULL          -- 0 = runs
);
CREATE UNIQUE INDEX events_replay_name ON events_replay(account, region, name);
