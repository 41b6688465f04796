-- migration 1
CREATE TABLE kms_key(
    id TEXT PRIMARY KEY,           -- UUID, or "mrk-" and 32 digits
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    description TEXT NOT NULL,
    manager TEXT NOT NULL,         -- 'AWS', 'CUSTOMER'
    state TEXT NOT NULL,           -- 'Enabled', 'Disabled', 'PendingDeletion'
    policy TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    deletion_ms INTEGER NOT NULL,  -- 0 = not scheduled
    rotation_days INTEGER NOT NULL,-- 0 = no rotation
    rotated_ms INTEGER NOT NULL    -- last rotation, or when it was turned on
) WITHOUT ROWID;
CREATE INDEX kms_key_owner ON kms_key(account, region, id);

-- What encrypts. Older versions stay: they open what they have closed.
CREATE TABLE kms_material(
    key TEXT NOT NULL REFERENCES kms_key(id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    bytes BLOB NOT NULL,           -- sealed, context 'kms/<key>/<version>'
    PRIMARY KEY (key, version)
) WITHOUT ROWID;

CREATE TABLE kms_alias(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,            -- "alias/..."
    key TEXT NOT NULL REFERENCES kms_key(id) ON DELETE CASCADE,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (account, region, name)
) WITHOUT ROWID;
CREATE INDEX kms_alias_key ON kms_alias(key);
