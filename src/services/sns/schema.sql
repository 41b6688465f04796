-- migration 1
CREATE TABLE sns_topic(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    arn TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    attributes TEXT NOT NULL,          -- JSON object of those that were set
    created_ms INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0 -- subscriptions removed so far
);
CREATE INDEX sns_topic_owner ON sns_topic(account, region, seq);

CREATE TABLE sns_subscription(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    arn TEXT NOT NULL UNIQUE,
    topic TEXT NOT NULL REFERENCES sns_topic(arn) ON DELETE CASCADE,
    account TEXT NOT NULL,             -- who subscribed
    region TEXT NOT NULL,
    principal TEXT,
    protocol TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    confirmed INTEGER NOT NULL,
    authenticated INTEGER NOT NULL,    -- only a signed Unsubscribe may end it
    token TEXT NOT NULL,
    token_ends_ms INTEGER NOT NULL,
    attributes TEXT NOT NULL           -- JSON object of those that were set
);
CREATE UNIQUE INDEX sns_subscription_target ON sns_subscription(topic, protocol, endpoint);
CREATE INDEX sns_subscription_owner ON sns_subscription(account, region, seq);

-- The key pair that signs messages; one for each data directory.
CREATE TABLE sns_signer(
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,                -- file name in SigningCertURL
    cert TEXT NOT NULL,
    key BLOB NOT NULL                  -- sealed
);
