-- What was shown to approvers, so that a refusal can say what has moved since.
-- migration 1
CREATE TABLE approval_views(
    execution TEXT NOT NULL,
    digest TEXT NOT NULL,               -- of parts
    parts TEXT NOT NULL,                -- JSON array of [name, value]
    shown_ms INTEGER NOT NULL,
    PRIMARY KEY(execution, digest)
) WITHOUT ROWID;
-- migration 2
-- Who started, retried, overrode or edited: for four eyes. execution '' is the pipeline itself.
CREATE TABLE approval_hands(
    pipeline INTEGER NOT NULL,
    execution TEXT NOT NULL,
    what TEXT NOT NULL,                 -- "started this release": goes on with the person's name
    person TEXT NOT NULL,               -- person_to_json
    at_ms INTEGER NOT NULL,             -- the last time
    PRIMARY KEY(pipeline, execution, what, person)
) WITHOUT ROWID;
