-- Projects and builds of CodeBuild. Times are milliseconds since 1970.
-- migration 1
CREATE TABLE codebuild_projects(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,                 -- {"project": ...} in the API's words
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    PRIMARY KEY(account, region, name)
) WITHOUT ROWID;
-- Build numbers outlive the project, because builds do.
CREATE TABLE codebuild_numbers(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    project TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY(account, region, project)
) WITHOUT ROWID;
CREATE TABLE codebuild_builds(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    project TEXT NOT NULL,
    number INTEGER NOT NULL,
    token TEXT,                         -- of the order or the request; unique per project
    token_digest TEXT,                  -- of the request that came with it
    initiator TEXT NOT NULL,
    status TEXT NOT NULL,
    phase TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER NOT NULL DEFAULT 0,
    stop_ms INTEGER NOT NULL DEFAULT 0, -- a stop was asked for
    spawned INTEGER NOT NULL DEFAULT 0, -- the directory is made: it never starts again
    phases TEXT NOT NULL,               -- JSON, see build.h
    exported TEXT NOT NULL DEFAULT '[]',
    artifacts TEXT NOT NULL DEFAULT '[]',
    unmasked TEXT NOT NULL DEFAULT '[]',
    log_group TEXT,
    log_stream TEXT,
    resolved_version TEXT,
    reason TEXT,
    body TEXT NOT NULL,                 -- {"build": ...}: the settings that it runs with
    plan TEXT NOT NULL,                 -- plan.json but for what the machine adds
    events_offset INTEGER NOT NULL DEFAULT 0,
    log_offset INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX codebuild_builds_project ON codebuild_builds(account, region, project, number);
CREATE INDEX codebuild_builds_account ON codebuild_builds(account, region, seq);
CREATE UNIQUE INDEX codebuild_builds_token ON codebuild_builds(account, region, project, token)
    WHERE token IS NOT NULL;
CREATE INDEX codebuild_builds_running ON codebuild_builds(seq) WHERE ended_ms = 0;
-- migration 2
-- InvalidateProjectCache: every cache of a project has this number in its name.
CREATE TABLE codebuild_caches(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    project TEXT NOT NULL,
    generation INTEGER NOT NULL,
    PRIMARY KEY(account, region, project)
) WITHOUT ROWID;
-- migration 3
-- Resource policies of projects and report groups, by ARN.
CREATE TABLE codebuild_policies(
    arn TEXT PRIMARY KEY,
    account TEXT NOT NULL,              -- whose the resource is
    region TEXT NOT NULL,
    policy TEXT NOT NULL,               -- JSON
    modified_ms INTEGER NOT NULL
) WITHOUT ROWID;
-- migration 4
-- The boot of the machine in which a build was spawned. Its files are those of that boot and not
-- synced: when the machine went down, this row alone says that commands may have run.
ALTER TABLE codebuild_builds ADD COLUMN boot TEXT;
-- migration 5
-- Whose rights a build has, where that differs from its service role's as CodeBuild assumes it.
CREATE TABLE codebuild_rights(
    build TEXT PRIMARY KEY,             -- uuid
    service TEXT,                       -- who assumes the role
    via TEXT,                           -- through this one
    policy TEXT,                        -- of the session
    revoked_ms INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
