-- migration 1
CREATE TABLE iam_role(
    account TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    path TEXT NOT NULL,
    id TEXT NOT NULL,              -- AROA...
    trust TEXT NOT NULL,
    description TEXT,
    max_session INTEGER NOT NULL,  -- seconds
    boundary TEXT,                 -- ARN
    created_ms INTEGER NOT NULL,
    used_ms INTEGER,
    used_region TEXT,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;

CREATE TABLE iam_user(
    account TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    path TEXT NOT NULL,
    id TEXT NOT NULL,              -- AIDA...
    boundary TEXT,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;

-- Long-lived keys. user NULL: the account's root.
CREATE TABLE iam_key(
    key TEXT PRIMARY KEY,          -- AKIA...
    account TEXT NOT NULL,
    user TEXT,
    secret BLOB NOT NULL,          -- sealed, context 'iam/key/<key>'
    active INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX iam_key_owner ON iam_key(account, user);

-- Customer managed policies; AWS's own are in managed.def.
CREATE TABLE iam_policy(
    arn TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    path TEXT NOT NULL,
    id TEXT NOT NULL,              -- ANPA...
    description TEXT,
    default_version INTEGER NOT NULL,
    last_version INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX iam_policy_name ON iam_policy(account, name);

CREATE TABLE iam_policy_version(
    arn TEXT NOT NULL REFERENCES iam_policy(arn) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (arn, version)
) WITHOUT ROWID;

-- Inline policies and attachments of roles and users (owner_kind 'role', 'user').
CREATE TABLE iam_inline(
    account TEXT NOT NULL,
    owner_kind TEXT NOT NULL,
    owner TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, owner_kind, owner, name)
) WITHOUT ROWID;

CREATE TABLE iam_attached(
    account TEXT NOT NULL,
    owner_kind TEXT NOT NULL,
    owner TEXT NOT NULL COLLATE NOCASE,
    arn TEXT NOT NULL,
    PRIMARY KEY (account, owner_kind, owner, arn)
) WITHOUT ROWID;
CREATE INDEX iam_attached_policy ON iam_attached(arn);

CREATE TABLE iam_alias(
    account TEXT PRIMARY KEY,
    alias TEXT NOT NULL UNIQUE
) WITHOUT ROWID;

-- migration 2
CREATE TABLE iam_profile(
    account TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    path TEXT NOT NULL,
    id TEXT NOT NULL,              -- AIPA...
    role TEXT COLLATE NOCASE,      -- one at most
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;
CREATE INDEX iam_profile_role ON iam_profile(account, role);
