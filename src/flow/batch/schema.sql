-- Batches of builds. Times are milliseconds since 1970.
-- migration 1
CREATE TABLE codebuild_batches(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    project TEXT NOT NULL,
    number INTEGER NOT NULL,
    token TEXT,                         -- of the request; unique per project
    token_digest TEXT,
    status TEXT NOT NULL,               -- of state, for lists
    created_ms INTEGER NOT NULL,
    settings TEXT NOT NULL,             -- {"project": ...}: what its builds are made from
    body TEXT NOT NULL,                 -- {"buildBatch": ...}: what never changes
    state TEXT NOT NULL,                -- batch.h
    resolved_version TEXT
);
CREATE INDEX codebuild_batches_project ON codebuild_batches(account, region, project, seq);
CREATE INDEX codebuild_batches_account ON codebuild_batches(account, region, seq);
CREATE UNIQUE INDEX codebuild_batches_token ON codebuild_batches(account, region, project, token)
    WHERE token IS NOT NULL;
CREATE TABLE codebuild_batch_numbers(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    project TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY(account, region, project)
) WITHOUT ROWID;
CREATE TABLE codebuild_batch_builds(
    build TEXT PRIMARY KEY,             -- uuid
    batch TEXT NOT NULL                 -- uuid
) WITHOUT ROWID;
CREATE TABLE codebuild_batch_retries(
    batch TEXT NOT NULL,                -- uuid
    token TEXT NOT NULL,
    type TEXT NOT NULL,                 -- retryType of the request
    at_ms INTEGER NOT NULL,
    PRIMARY KEY(batch, token)
) WITHOUT ROWID;
-- migration 2
ALTER TABLE codebuild_batches ADD COLUMN pipeline TEXT; -- pipeline.h: what an action handed over
