-- migration 1
CREATE TABLE ddb_table(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    uuid TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    hash_name TEXT NOT NULL,
    hash_type TEXT NOT NULL,       -- 'S', 'N', 'B'
    range_name TEXT,               -- NULL: hash key only
    range_type TEXT,
    billing TEXT NOT NULL,         -- 'PROVISIONED', 'PAY_PER_REQUEST'
    read_units INTEGER NOT NULL,
    write_units INTEGER NOT NULL,
    class TEXT NOT NULL,
    protected INTEGER NOT NULL,    -- deletion protection
    sse TEXT,                      -- NULL: AWS owned key; 'KMS' or the key's ARN
    stream TEXT,                   -- NULL: none; view type
    stream_label TEXT,
    ttl_attribute TEXT,            -- NULL: disabled
    recovery_ms INTEGER,           -- point in time recovery since; NULL: off
    items INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, region, name)
);

CREATE TABLE ddb_index(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    table_id INTEGER NOT NULL REFERENCES ddb_table(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    local INTEGER NOT NULL,
    hash_name TEXT NOT NULL,
    hash_type TEXT NOT NULL,
    range_name TEXT,
    range_type TEXT,
    projection TEXT NOT NULL,      -- 'ALL', 'KEYS_ONLY', 'INCLUDE'
    attributes TEXT,               -- of INCLUDE, separated by newlines
    read_units INTEGER NOT NULL,
    write_units INTEGER NOT NULL,
    UNIQUE (table_id, name)
);

-- hash and range are keys whose byte order is the order of the attribute's values.
CREATE TABLE ddb_item(
    table_id INTEGER NOT NULL REFERENCES ddb_table(id) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    range BLOB NOT NULL,           -- x'' where the table has no range key
    item TEXT NOT NULL,            -- typed JSON
    PRIMARY KEY (table_id, hash, range)
) WITHOUT ROWID;

CREATE TABLE ddb_entry(
    index_id INTEGER NOT NULL REFERENCES ddb_index(id) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    range BLOB NOT NULL,
    item_hash BLOB NOT NULL,
    item_range BLOB NOT NULL,
    PRIMARY KEY (index_id, hash, range, item_hash, item_range)
) WITHOUT ROWID;

-- migration 2
-- Transactions of the last ten minutes, by their client's token.
CREATE TABLE ddb_token(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    token TEXT NOT NULL,
    digest TEXT NOT NULL,          -- SHA-256 of what was asked
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (account, region, token)
) WITHOUT ROWID;
CREATE INDEX ddb_token_age ON ddb_token(at_ms);
