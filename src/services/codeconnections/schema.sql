-- migration 1
CREATE TABLE connection(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    arn TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    provider TEXT NOT NULL,
    host_arn TEXT,
    status TEXT NOT NULL,    -- 'PENDING', 'AVAILABLE'
    url TEXT,                -- set by the handshake; {repository} is the FullRepositoryId
    created_ms INTEGER NOT NULL
);
CREATE INDEX connection_owner ON connection(account, region, seq);
CREATE INDEX connection_name ON connection(name);
-- migration 2
ALTER TABLE connection ADD COLUMN sealed_url BLOB; -- url, sealed; the open one is of older stores
