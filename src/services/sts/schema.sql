-- migration 1
-- Temporary credentials. A row is deleted some time after it expired, or with its build.
CREATE TABLE sts_session(
    key TEXT PRIMARY KEY,          -- ASIA...
    secret BLOB NOT NULL,          -- sealed: 40 characters of secret, then the session token
    account TEXT NOT NULL,
    kind TEXT NOT NULL,            -- 'role', 'user', 'root'
    arn TEXT NOT NULL,
    user_id TEXT NOT NULL,
    role_arn TEXT,
    session_name TEXT,
    policy TEXT,                   -- session policies, as one document
    source_identity TEXT,
    tags TEXT,                     -- session tags, JSON object
    transitive TEXT,               -- keys of those that chained sessions inherit, JSON list
    build_id TEXT,                 -- "project:uuid"
    issued_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sts_session_build ON sts_session(build_id) WHERE build_id IS NOT NULL;
CREATE INDEX sts_session_expiry ON sts_session(expires_ms);

-- migration 2
-- Has this session been given out before? (audit)
CREATE INDEX sts_session_arn ON sts_session(arn);

-- migration 3
ALTER TABLE sts_session ADD COLUMN origin TEXT; -- ARN of the user who opened the first session
