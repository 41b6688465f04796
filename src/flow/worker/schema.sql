-- Action types of accounts, and the jobs that workers ask for. Times are milliseconds since 1970.
-- migration 1
CREATE TABLE worker_types(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    owner TEXT NOT NULL,                -- Custom ThirdParty
    category TEXT NOT NULL,
    provider TEXT NOT NULL,
    version TEXT NOT NULL,
    definition TEXT NOT NULL,           -- {"actionType": ActionType, or ActionTypeDeclaration}
    created_ms INTEGER NOT NULL,
    deleted_ms INTEGER,                 -- kept: a version is never used for another definition
    PRIMARY KEY(account, region, owner, category, provider, version)
) WITHOUT ROWID;
CREATE TABLE worker_jobs(
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,              -- of the pipeline
    region TEXT NOT NULL,
    type TEXT NOT NULL,                 -- "Custom/Build/Provider/1"
    action TEXT NOT NULL,               -- action execution
    status TEXT NOT NULL,               -- Queued Dispatched InProgress Succeeded Failed TimedOut
    nonce TEXT,                         -- of the last delivery, until somebody acknowledges it
    client_id TEXT,                     -- third party
    client_token TEXT,                  -- the same, sealed as the pipeline's definition has it
    query TEXT,                         -- value of the queryable property
    data TEXT NOT NULL,                 -- JobData without credentials
    role_arn TEXT NOT NULL,             -- whose rights the credentials have
    policy TEXT NOT NULL,               -- what of them
    offered_ms INTEGER NOT NULL,        -- last delivery; 0: none
    continuation TEXT,                  -- of the result: the work goes on in a further job
    result TEXT,                        -- how it ended, JSON
    percent INTEGER,
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
);
CREATE INDEX worker_jobs_open ON worker_jobs(account, region, type, number)
    WHERE status IN ('Queued', 'Dispatched');
CREATE INDEX worker_jobs_by_action ON worker_jobs(action, number);
