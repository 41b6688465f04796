-- migration 1
CREATE TABLE notification_rule(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    arn TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    resource TEXT NOT NULL,
    detail_type TEXT NOT NULL,         -- BASIC or FULL
    status TEXT NOT NULL,              -- ENABLED or DISABLED
    event_types TEXT NOT NULL,         -- JSON list of ids
    created_by TEXT NOT NULL,
    token TEXT,                        -- the request that made it
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL
);
CREATE UNIQUE INDEX notification_rule_name ON notification_rule(account, region, name);
CREATE INDEX notification_rule_resource ON notification_rule(resource);

CREATE TABLE notification_target(
    rule INTEGER NOT NULL REFERENCES notification_rule(seq) ON DELETE CASCADE,
    address TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,              -- ACTIVE, or UNREACHABLE since the last message
    PRIMARY KEY(rule, address)
) WITHOUT ROWID;
CREATE INDEX notification_target_address ON notification_target(address);
