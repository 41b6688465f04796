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
