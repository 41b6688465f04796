-- What executions are of, and what the watcher saw last of the sources. Written in the transactions
-- of flow/execution, flow/action and flow/trigger. Times are milliseconds since 1970.
-- migration 1
CREATE TABLE source_pins(               -- revisions to take instead of the newest ones
    execution TEXT NOT NULL,
    action TEXT NOT NULL,
    type TEXT NOT NULL,                 -- COMMIT_ID S3_OBJECT_VERSION_ID S3_OBJECT_KEY BRANCH_NAME
    value TEXT NOT NULL,
    PRIMARY KEY(execution, action, type)
) WITHOUT ROWID;
CREATE TABLE source_revisions(          -- what the source actions took
    execution TEXT NOT NULL,
    action TEXT NOT NULL,
    pipeline INTEGER NOT NULL,
    id TEXT NOT NULL,                   -- commit or version
    revision TEXT NOT NULL,             -- JSON, see record.h
    clone TEXT,                         -- JSON of a CODEBUILD_CLONE_REF artifact
    PRIMARY KEY(execution, action)
) WITHOUT ROWID;
CREATE INDEX source_revisions_by_id ON source_revisions(pipeline, action, id);
CREATE TABLE source_seen(               -- heads of references, versions of objects
    pipeline INTEGER NOT NULL,
    action TEXT NOT NULL,
    ref TEXT NOT NULL,                  -- refs/heads/main, s3://bucket/key; '' = what is watched
    head TEXT NOT NULL,
    seen_ms INTEGER NOT NULL,
    PRIMARY KEY(pipeline, action, ref)
) WITHOUT ROWID;
CREATE TABLE source_troubles(           -- why a source could not be looked at, until it could
    pipeline INTEGER NOT NULL,
    action TEXT NOT NULL,
    error TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    PRIMARY KEY(pipeline, action)
) WITHOUT ROWID;
INSERT INTO source_seen SELECT pipeline, action, 'refs/heads/' || branch, head, seen_ms FROM watched
    WHERE head <> '';
