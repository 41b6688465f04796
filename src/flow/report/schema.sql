-- Report groups and reports of CodeBuild. Times are milliseconds since 1970.
-- migration 1
CREATE TABLE codebuild_report_groups(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,                 -- {"reportGroup": ...} in the API's words
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    PRIMARY KEY(account, region, name)
) WITHOUT ROWID;
CREATE TABLE codebuild_reports(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    report_group TEXT NOT NULL,
    type TEXT NOT NULL,
    build TEXT NOT NULL,                -- uuid
    build_arn TEXT NOT NULL,
    status TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expired_ms INTEGER NOT NULL,
    export TEXT NOT NULL,               -- {"reportGroup": {"exportConfig": ...}} as it was then
    truncated INTEGER NOT NULL DEFAULT 0,
    succeeded INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    error INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    unknown INTEGER NOT NULL DEFAULT 0,
    duration_ns INTEGER NOT NULL DEFAULT 0,
    lines_covered INTEGER NOT NULL DEFAULT 0,
    lines_missed INTEGER NOT NULL DEFAULT 0,
    branches_covered INTEGER NOT NULL DEFAULT 0,
    branches_missed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX codebuild_reports_group ON codebuild_reports(account, region, report_group, seq);
CREATE INDEX codebuild_reports_account ON codebuild_reports(account, region, seq);
CREATE INDEX codebuild_reports_build ON codebuild_reports(build);
CREATE INDEX codebuild_reports_expired ON codebuild_reports(expired_ms);
CREATE TABLE codebuild_report_cases(
    report TEXT NOT NULL,               -- uuid
    n INTEGER NOT NULL,
    path TEXT NOT NULL,
    prefix TEXT,
    name TEXT,
    suite TEXT,
    status TEXT NOT NULL,
    duration_ns INTEGER NOT NULL,
    message TEXT,
    PRIMARY KEY(report, n)
) WITHOUT ROWID;
CREATE TABLE codebuild_report_sources(
    report TEXT NOT NULL,
    n INTEGER NOT NULL,
    path TEXT NOT NULL,
    lines_covered INTEGER NOT NULL,
    lines_missed INTEGER NOT NULL,
    branches_covered INTEGER NOT NULL,
    branches_missed INTEGER NOT NULL,
    percent REAL NOT NULL,              -- of lines
    PRIMARY KEY(report, n)
) WITHOUT ROWID;
