-- migration 1
CREATE TABLE s3_bucket(
    name TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    versioning TEXT            -- NULL (never), 'Enabled', 'Suspended'
) WITHOUT ROWID;
CREATE INDEX s3_bucket_owner ON s3_bucket(account, name);

-- Sub-resources (policy, cors, lifecycle ...), each as the text that its handler wrote.
CREATE TABLE s3_setting(
    bucket TEXT NOT NULL REFERENCES s3_bucket(name) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (bucket, kind)
) WITHOUT ROWID;

-- One row for each version. A higher seq is newer; keys sort as bytes, as S3 lists them.
CREATE TABLE s3_object(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket TEXT NOT NULL REFERENCES s3_bucket(name),
    key BLOB NOT NULL,
    version TEXT NOT NULL,     -- 'null' or a random id
    latest INTEGER NOT NULL,
    marker INTEGER NOT NULL,   -- a delete marker: no content
    modified_ms INTEGER NOT NULL,
    file TEXT,                 -- content: s3/<first 2>/<file>; never shared by two rows
    size INTEGER NOT NULL,
    etag TEXT,
    headers TEXT,              -- form-coded pairs: content-type, cache-control ...
    meta TEXT,                 -- form-coded pairs
    tags TEXT,                 -- form-coded pairs
    acl TEXT,
    sum_algorithm INTEGER NOT NULL,
    sum TEXT,                  -- base64, with "-N" when composite
    sum_type TEXT,
    parts TEXT                 -- "size:sum,size:sum" of a multipart upload
);
CREATE UNIQUE INDEX s3_object_version ON s3_object(bucket, key, version);
CREATE INDEX s3_object_order ON s3_object(bucket, key, seq DESC);
CREATE UNIQUE INDEX s3_object_latest ON s3_object(bucket, key) WHERE latest = 1;
CREATE INDEX s3_object_file ON s3_object(file);

CREATE TABLE s3_upload(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    bucket TEXT NOT NULL REFERENCES s3_bucket(name),
    key BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    headers TEXT,
    meta TEXT,
    tags TEXT,
    acl TEXT,
    sum_algorithm INTEGER NOT NULL,
    sum_type TEXT
);
CREATE INDEX s3_upload_key ON s3_upload(bucket, key, seq);

CREATE TABLE s3_part(
    upload TEXT NOT NULL REFERENCES s3_upload(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    file TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified_ms INTEGER NOT NULL,
    sum TEXT,
    PRIMARY KEY (upload, number)
) WITHOUT ROWID;
CREATE INDEX s3_part_file ON s3_part(file);

-- Content files whose row is gone; emptied after the commit.
CREATE TABLE s3_trash(
    file TEXT PRIMARY KEY
) WITHOUT ROWID;

-- migration 2
-- Contents of up to 64 KiB; then file is NULL. Last, so that lists never read them.
ALTER TABLE s3_object ADD COLUMN data BLOB;
