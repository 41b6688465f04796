-- migration 1
CREATE TABLE cf_stack(
    id TEXT PRIMARY KEY,              -- ARN
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,      -- 0 = never
    deleted_ms INTEGER NOT NULL,      -- 0 = it is there
    change_set TEXT,                  -- the one that was executed last
    template TEXT NOT NULL,           -- of the last state that was reached, or is being created
    body BLOB NOT NULL,               -- sealed JSON: parameters, tags, outputs, principal ...
    operation BLOB                    -- sealed JSON of what is going on, or NULL
);
CREATE UNIQUE INDEX cf_stack_name ON cf_stack(account, region, name) WHERE deleted_ms = 0;
CREATE INDEX cf_stack_list ON cf_stack(account, region, created_ms);

CREATE TABLE cf_resource(
    stack TEXT NOT NULL REFERENCES cf_stack(id),
    logical_id TEXT NOT NULL,
    seq INTEGER NOT NULL,             -- order of creation
    type TEXT NOT NULL,
    physical_id TEXT,
    status TEXT NOT NULL,
    reason TEXT,
    at_ms INTEGER NOT NULL,
    operation TEXT,                   -- the last operation that was done with it
    body BLOB NOT NULL,               -- sealed JSON: properties, attributes, needs, policies
    PRIMARY KEY (stack, logical_id)
) WITHOUT ROWID;

-- What an update has done so far, for the way back. kind: 'added', 'changed', 'replaced'.
CREATE TABLE cf_undo(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    stack TEXT NOT NULL REFERENCES cf_stack(id),
    logical_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    physical_id TEXT,                 -- before
    body BLOB                         -- before, sealed
);
CREATE INDEX cf_undo_stack ON cf_undo(stack, seq);

-- Physical resources that no logical one names any more and that wait for their deletion.
CREATE TABLE cf_leftover(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    stack TEXT NOT NULL REFERENCES cf_stack(id),
    logical_id TEXT NOT NULL,
    type TEXT NOT NULL,
    physical_id TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX cf_leftover_stack ON cf_leftover(stack, seq);

CREATE TABLE cf_event(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    stack TEXT NOT NULL,
    logical_id TEXT NOT NULL,
    physical_id TEXT,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    token TEXT,
    at_ms INTEGER NOT NULL
);
CREATE INDEX cf_event_stack ON cf_event(stack, seq);

CREATE TABLE cf_change_set(
    id TEXT PRIMARY KEY,              -- ARN
    stack TEXT NOT NULL REFERENCES cf_stack(id),
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    status TEXT NOT NULL,
    execution_status TEXT NOT NULL,
    reason TEXT,
    template TEXT NOT NULL,
    body BLOB NOT NULL                -- sealed JSON: parameters, tags, changes ...
);
CREATE UNIQUE INDEX cf_change_set_name ON cf_change_set(stack, name);

CREATE TABLE cf_export(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    stack TEXT NOT NULL REFERENCES cf_stack(id),
    value TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
) WITHOUT ROWID;
CREATE INDEX cf_export_stack ON cf_export(stack);

CREATE TABLE cf_import(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    stack TEXT NOT NULL REFERENCES cf_stack(id),
    PRIMARY KEY (account, region, name, stack)
) WITHOUT ROWID;
CREATE INDEX cf_import_stack ON cf_import(stack);
