-- migration 1
CREATE TABLE lambda_function(
    arn TEXT PRIMARY KEY,           -- without a version
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    config BLOB NOT NULL,           -- sealed JSON of FunctionConfiguration: variables may be secret
    code TEXT NOT NULL,             -- file name: SHA-256 in hexadecimal
    last_version INTEGER NOT NULL DEFAULT 0,
    concurrency INTEGER             -- reserved, or NULL
);
CREATE UNIQUE INDEX lambda_function_name ON lambda_function(account, region, name);
CREATE INDEX lambda_function_code ON lambda_function(code);

CREATE TABLE lambda_version(
    arn TEXT NOT NULL REFERENCES lambda_function(arn) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    config BLOB NOT NULL,           -- sealed
    code TEXT NOT NULL,
    PRIMARY KEY (arn, version)
);
CREATE INDEX lambda_version_code ON lambda_version(code);

-- The resource policy's statements. qualifier '' is the function itself.
CREATE TABLE lambda_statement(
    arn TEXT NOT NULL REFERENCES lambda_function(arn) ON DELETE CASCADE,
    qualifier TEXT NOT NULL,
    seq INTEGER NOT NULL,
    sid TEXT NOT NULL,
    statement TEXT NOT NULL,        -- JSON
    PRIMARY KEY (arn, qualifier, sid)
);
