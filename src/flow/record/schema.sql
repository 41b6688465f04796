-- The release's rows. pipeline_events is the truth; `state` in pipelines is their fold; everything
-- else is written in the same transaction, for readers. Times are milliseconds since 1970.
-- migration 1
CREATE TABLE pipelines(
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    definition TEXT NOT NULL,           -- PipelineDeclaration as JSON, newest version
    state TEXT NOT NULL,                -- engine_state_to_json
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    deleted_ms INTEGER,                 -- name is free again; history stays
    UNIQUE(account, region, name, deleted_ms)
);
CREATE UNIQUE INDEX pipelines_live ON pipelines(account, region, name) WHERE deleted_ms IS NULL;
CREATE TABLE pipeline_versions(
    pipeline INTEGER NOT NULL REFERENCES pipelines(id),
    version INTEGER NOT NULL,
    definition TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY(pipeline, version)
) WITHOUT ROWID;
CREATE TABLE pipeline_events(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline INTEGER NOT NULL REFERENCES pipelines(id),
    at_ms INTEGER NOT NULL,
    event TEXT NOT NULL                 -- engine_event_to_json
);
CREATE INDEX pipeline_events_by_pipeline ON pipeline_events(pipeline, seq);
CREATE TABLE pipeline_executions(
    id TEXT PRIMARY KEY,
    pipeline INTEGER NOT NULL REFERENCES pipelines(id),
    number INTEGER NOT NULL,
    version INTEGER NOT NULL,
    status TEXT NOT NULL,               -- InProgress Stopping Stopped Succeeded Failed ...
    status_summary TEXT,
    trigger_type TEXT NOT NULL,
    trigger_detail TEXT,
    stop_reason TEXT,
    superseded_by TEXT,
    revision TEXT,                      -- JSON of the source action's revision, once it is known
    source_commit TEXT,                 -- commit to take instead of the branch's head, or NULL
    variables TEXT,                     -- JSON object of pipeline variables, resolved
    request_token TEXT,                 -- clientRequestToken of StartPipelineExecution
    started_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX pipeline_executions_by_number ON pipeline_executions(pipeline, number DESC);
CREATE TABLE stage_executions(
    execution TEXT NOT NULL,
    stage TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    status TEXT NOT NULL,
    check_status TEXT,                  -- beforeEntry condition: InProgress Succeeded Failed
    check_summary TEXT,
    check_rules TEXT,                   -- JSON array of {name,status,summary,id}
    started_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY(execution, stage, attempt)
) WITHOUT ROWID;
CREATE TABLE action_executions(
    id TEXT PRIMARY KEY,
    pipeline INTEGER NOT NULL,
    execution TEXT NOT NULL,
    stage TEXT NOT NULL,
    action TEXT NOT NULL,
    number INTEGER NOT NULL,            -- order of starting, in the store
    version INTEGER NOT NULL,
    status TEXT NOT NULL,               -- InProgress Succeeded Failed Abandoned
    token TEXT,                         -- approvals
    summary TEXT,
    error_code TEXT,
    error_message TEXT,
    external_id TEXT,
    external_url TEXT,
    log_stream TEXT,
    updated_by TEXT,
    configuration TEXT,                 -- JSON object, variables resolved
    inputs TEXT,                        -- JSON array of {name,bucket,key,sha256}
    outputs TEXT,
    output_variables TEXT,              -- JSON object
    expires_ms INTEGER,                 -- approvals
    started_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX action_executions_by_execution ON action_executions(execution, number);
CREATE INDEX action_executions_by_pipeline ON action_executions(pipeline, number DESC);
CREATE INDEX action_executions_by_external ON action_executions(external_id);
CREATE TABLE artifacts(
    execution TEXT NOT NULL,
    name TEXT NOT NULL,
    action TEXT NOT NULL,               -- action execution that made it
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    sha256 TEXT NOT NULL,               -- hex, checked at every later read
    revision TEXT,
    PRIMARY KEY(execution, name)
) WITHOUT ROWID;
CREATE TABLE stage_transitions(
    pipeline INTEGER NOT NULL,
    stage TEXT NOT NULL,
    direction TEXT NOT NULL,            -- Inbound Outbound
    reason TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_ms INTEGER NOT NULL,
    PRIMARY KEY(pipeline, stage, direction)
) WITHOUT ROWID;
CREATE TABLE pipeline_notices(          -- what was told: EventBridge-shaped state changes
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,                 -- Pipeline Stage Action
    execution TEXT NOT NULL,
    stage TEXT,
    action TEXT,
    state TEXT NOT NULL,                -- STARTED SUCCEEDED FAILED SUPERSEDED CANCELED ...
    detail TEXT
);
CREATE INDEX pipeline_notices_by_pipeline ON pipeline_notices(pipeline, seq);
CREATE TABLE pipeline_tags(
    pipeline INTEGER NOT NULL REFERENCES pipelines(id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY(pipeline, key)
) WITHOUT ROWID;
CREATE TABLE watched(                   -- what the watcher saw last of a source
    pipeline INTEGER NOT NULL,
    action TEXT NOT NULL,
    branch TEXT NOT NULL,
    head TEXT NOT NULL,
    seen_ms INTEGER NOT NULL,
    error TEXT,
    PRIMARY KEY(pipeline, action)
) WITHOUT ROWID;
CREATE TABLE alarm_watch(               -- last state of the alarms that gates name
    pipeline INTEGER NOT NULL,
    account TEXT NOT NULL,
    alarm TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    changed_ms INTEGER NOT NULL,
    PRIMARY KEY(pipeline, account, alarm)
) WITHOUT ROWID;
-- migration 2
ALTER TABLE pipeline_executions ADD COLUMN mode TEXT NOT NULL DEFAULT 'SUPERSEDED';
ALTER TABLE pipeline_executions ADD COLUMN type TEXT NOT NULL DEFAULT 'STANDARD'; -- or ROLLBACK
ALTER TABLE pipeline_executions ADD COLUMN rollback_target TEXT; -- execution whose work is put back
ALTER TABLE pipeline_executions ADD COLUMN source_overrides TEXT; -- JSON array of SourceRevisionOverride
ALTER TABLE stage_executions ADD COLUMN auto_retries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stage_executions ADD COLUMN manual_retries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stage_executions ADD COLUMN retry_trigger TEXT;     -- AutomatedStageRetry ManualStageRetry
CREATE TABLE condition_executions(      -- one check of one condition of a stage
    id TEXT PRIMARY KEY,
    pipeline INTEGER NOT NULL,
    execution TEXT NOT NULL,
    stage TEXT NOT NULL,
    attempt INTEGER NOT NULL,           -- of the stage
    kind TEXT NOT NULL,                 -- BEFORE_ENTRY ON_SUCCESS ON_FAILURE
    number INTEGER NOT NULL,            -- order of starting, in the pipeline
    status TEXT NOT NULL,               -- InProgress Succeeded Failed Errored Cancelled Abandoned Overridden
    summary TEXT,
    started_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX condition_executions_by_execution ON condition_executions(execution, stage);
CREATE INDEX condition_executions_by_pipeline ON condition_executions(pipeline, number DESC);
CREATE TABLE rule_executions(
    id TEXT PRIMARY KEY,
    condition TEXT NOT NULL,            -- condition_executions.id
    pipeline INTEGER NOT NULL,
    execution TEXT NOT NULL,
    stage TEXT NOT NULL,
    rule TEXT NOT NULL,
    number INTEGER NOT NULL,            -- order of starting, in the pipeline
    status TEXT NOT NULL,               -- InProgress Succeeded Failed Abandoned
    summary TEXT,
    error_code TEXT,
    error_message TEXT,
    external_id TEXT,
    external_url TEXT,
    configuration TEXT,                 -- JSON object, variables resolved
    started_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    UNIQUE(condition, rule)
) WITHOUT ROWID;
CREATE INDEX rule_executions_by_pipeline ON rule_executions(pipeline, number DESC);
CREATE INDEX rule_executions_by_external ON rule_executions(external_id);
INSERT INTO condition_executions(id, pipeline, execution, stage, attempt, kind, number, status, summary,
    started_ms, updated_ms)
    SELECT s.execution || '/' || s.stage || '/' || s.attempt, e.pipeline, s.execution, s.stage, s.attempt,
        'BEFORE_ENTRY', row_number() OVER (PARTITION BY e.pipeline ORDER BY s.started_ms), s.check_status,
        s.check_summary, s.started_ms, s.updated_ms
    FROM stage_executions s JOIN pipeline_executions e ON e.id = s.execution
    WHERE s.check_status IS NOT NULL;
INSERT INTO rule_executions(id, condition, pipeline, execution, stage, rule, number, status, summary,
    started_ms, updated_ms)
    SELECT c.id || '/' || r.key, c.id, c.pipeline, c.execution, c.stage, r.value ->> '$.name',
        row_number() OVER (PARTITION BY c.pipeline ORDER BY c.number, r.key), r.value ->> '$.status',
        r.value ->> '$.summary', c.started_ms, c.updated_ms
    FROM condition_executions c
    JOIN stage_executions s ON s.execution = c.execution AND s.stage = c.stage AND s.attempt = c.attempt,
    json_each(s.check_rules) r;
ALTER TABLE stage_executions DROP COLUMN check_status;
ALTER TABLE stage_executions DROP COLUMN check_summary;
ALTER TABLE stage_executions DROP COLUMN check_rules;
-- migration 3
-- A start refuses a history that has events of kinds that it does not know, and looks at their numbers only.
ALTER TABLE pipeline_events ADD COLUMN kind INTEGER GENERATED ALWAYS AS (event ->> '$.kind') VIRTUAL;
CREATE INDEX pipeline_events_by_kind ON pipeline_events(kind);
CREATE INDEX pipeline_executions_by_token ON pipeline_executions(pipeline, request_token)
    WHERE request_token IS NOT NULL;
CREATE INDEX action_executions_newest ON action_executions(pipeline, stage, action, number DESC);
