-- migration 1
CREATE TABLE account(
    id TEXT PRIMARY KEY,       -- 12 digits
    name TEXT NOT NULL UNIQUE,
    region TEXT NOT NULL,
    kind TEXT NOT NULL,        -- 'embedded', 'aws', 'endpoint'
    role_arn TEXT,
    endpoint TEXT,
    ca_file TEXT
) WITHOUT ROWID;

CREATE TABLE tag(
    arn TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (arn, key)
) WITHOUT ROWID;
