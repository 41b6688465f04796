-- migration 1
CREATE TABLE console_links(
    id TEXT PRIMARY KEY,            -- sha256 of the secret
    principal TEXT NOT NULL,        -- JSON
    expires_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE console_sessions(
    id TEXT PRIMARY KEY,            -- sha256 of the cookie
    principal TEXT NOT NULL,
    csrf TEXT NOT NULL,
    expires_ms INTEGER NOT NULL
) WITHOUT ROWID;
