-- migration 1
CREATE TABLE ssm_parameter(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,      -- the newest
    PRIMARY KEY (account, region, name)
) WITHOUT ROWID;

CREATE TABLE ssm_version(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    type TEXT NOT NULL,            -- 'String', 'StringList', 'SecureString'
    value BLOB NOT NULL,           -- SecureString: what KMS made of it (value.c)
    key_id TEXT,                   -- SecureString: as the client named it
    description TEXT,
    pattern TEXT,
    tier TEXT NOT NULL,            -- 'Standard', 'Advanced'
    data_type TEXT NOT NULL,
    policies TEXT,                 -- JSON list
    modified_ms INTEGER NOT NULL,
    modified_by TEXT NOT NULL,     -- ARN
    PRIMARY KEY (account, region, name, version)
) WITHOUT ROWID;

CREATE TABLE ssm_label(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    label TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (account, region, name, label)
) WITHOUT ROWID;
