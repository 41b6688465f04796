-- What was shown to approvers, so that a refusal can say what has moved since.
-- migration 1
CREATE TABLE approval_views(
    execution TEXT NOT NULL,
    digest TEXT NOT NULL,               -- of parts
    parts TEXT NOT NULL,                -- JSON array of [name, value]
    shown_ms INTEGER NOT NULL,
    PRIMARY KEY(execution, digest)
) WITHOUT ROWID;
