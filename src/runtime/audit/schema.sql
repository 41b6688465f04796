-- migration 1
-- The audit chain: one row an act, never changed, cut from its beginning only.
CREATE TABLE audit(
    seq INTEGER PRIMARY KEY,       -- 1, 2, ... without gaps
    at_ms INTEGER NOT NULL,
    account TEXT,                  -- whose resources
    principal TEXT,                -- who was authenticated: ARN or service
    source TEXT,                   -- 'api', 'cli', 'console', 'build', 'engine'
    operation TEXT NOT NULL,       -- "codepipeline:StopPipelineExecution"
    resource TEXT,                 -- ARN
    outcome TEXT NOT NULL,         -- 'Success' or an error's code
    request_id TEXT,
    detail TEXT,                   -- what was asked for, short, without secrets
    digest BLOB,                   -- SHA-256 of the request without its secrets
    previous BLOB NOT NULL,        -- hash of row seq - 1; zeros before the first
    hash BLOB NOT NULL             -- HMAC-SHA256 of all the above by DIR/audit.key
);
CREATE INDEX audit_account ON audit(account);
