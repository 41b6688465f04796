-- Git hosts: how their repositories are read, and who they tell about changes. Times are
-- milliseconds since 1970.
-- migration 1
CREATE TABLE forge_credentials(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    server TEXT NOT NULL,               -- serverType
    auth TEXT NOT NULL,                 -- authType
    username TEXT,                      -- BASIC_AUTH
    token BLOB NOT NULL,                -- sealed by whoever stores it
    resource TEXT,                      -- CODECONNECTIONS, SECRETS_MANAGER: the ARN
    changed_ms INTEGER NOT NULL,
    PRIMARY KEY(account, region, server)
) WITHOUT ROWID;
CREATE TABLE forge_webhooks(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    project TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,            -- in the URL that is told
    secret BLOB NOT NULL,               -- sealed by whoever stores it
    body TEXT NOT NULL,                 -- {"webhook": ...} in the API's words, without the secret
    PRIMARY KEY(account, region, project)
) WITHOUT ROWID;
-- Deliveries that have been acted upon: told again, they change nothing.
CREATE TABLE forge_deliveries(
    webhook TEXT NOT NULL,
    delivery TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    build TEXT,                         -- id of what it started, or NULL
    PRIMARY KEY(webhook, delivery)
) WITHOUT ROWID;
CREATE INDEX forge_deliveries_age ON forge_deliveries(received_ms);
-- migration 2
CREATE TABLE pipeline_webhooks(         -- CodePipeline's PutWebhook
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,            -- in the URL
    secret BLOB,                        -- sealed by whoever stores it; GITHUB_HMAC only
    body TEXT NOT NULL,                 -- WebhookDefinition in the API's words, without the secret
    triggered_ms INTEGER,
    error TEXT,                         -- why the newest delivery started nothing, or NULL
    PRIMARY KEY(account, region, name)
) WITHOUT ROWID;
CREATE TABLE pipeline_webhook_tags(
    webhook TEXT NOT NULL,              -- pipeline_webhooks.id
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY(webhook, key)
) WITHOUT ROWID;
CREATE TABLE connection_hooks(          -- a git host tells of all repositories of a connection
    connection TEXT PRIMARY KEY,        -- ARN
    account TEXT NOT NULL,
    server TEXT NOT NULL,               -- serverType, as CodeBuild names hosts
    id TEXT NOT NULL UNIQUE,            -- in the URL
    secret BLOB NOT NULL                -- sealed by whoever stores it
) WITHOUT ROWID;
