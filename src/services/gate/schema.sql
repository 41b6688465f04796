-- migration 1
-- Answers to builds' writes, until the build's supervisor has acknowledged them.
CREATE TABLE journal(
    request_id TEXT PRIMARY KEY,   -- "<build uuid>/<sequence>"
    at_ms INTEGER NOT NULL,
    status INTEGER NOT NULL,
    headers TEXT NOT NULL,         -- one "name: value" a line
    body BLOB NOT NULL             -- sealed, context 'journal/<request id>'
) WITHOUT ROWID;

-- What was refused, and what would have allowed it. One row for each principal and need.
CREATE TABLE denial(
    account TEXT NOT NULL,
    principal TEXT NOT NULL,
    action TEXT NOT NULL,
    resource TEXT NOT NULL,
    reason TEXT NOT NULL,          -- as told to the caller
    missing TEXT NOT NULL,         -- the statement that was missing, or that denied, as JSON
    hint TEXT,                     -- what came nearest
    request_id TEXT,
    count INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    PRIMARY KEY (account, principal, action, resource)
) WITHOUT ROWID;
CREATE INDEX denial_last ON denial(last_ms);
