-- migration 1
CREATE TABLE sm_secret(
    arn TEXT PRIMARY KEY,          -- with its six random characters
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    kms_key TEXT,                  -- as the client named it; NULL: alias/aws/secretsmanager
    policy TEXT,                   -- resource policy, JSON
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    accessed_ms INTEGER NOT NULL DEFAULT 0, -- a day; 0: never
    deleted_ms INTEGER NOT NULL DEFAULT 0,  -- when its deletion was asked for; 0: it was not
    purge_ms INTEGER NOT NULL DEFAULT 0     -- when it goes for good
) WITHOUT ROWID;
CREATE UNIQUE INDEX sm_secret_name ON sm_secret(account, region, name);

CREATE TABLE sm_version(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    arn TEXT NOT NULL,
    id TEXT NOT NULL,              -- the ClientRequestToken that made it
    sealed BLOB NOT NULL,          -- by a data key of KMS, bound to ARN and id (value.c)
    is_binary INTEGER NOT NULL,
    digest BLOB NOT NULL,          -- keyed: is it the same value?
    kms_key TEXT,                  -- that sealed it, as the secret names it
    created_ms INTEGER NOT NULL,
    accessed_ms INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX sm_version_id ON sm_version(arn, id);

CREATE TABLE sm_stage(
    arn TEXT NOT NULL,
    stage TEXT NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (arn, stage)
) WITHOUT ROWID;
