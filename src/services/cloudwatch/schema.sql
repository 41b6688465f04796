-- migration 1
CREATE TABLE cw_metric(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    dimensions TEXT NOT NULL,  -- JSON [["name","value"],...], sorted by name
    last_ms INTEGER NOT NULL   -- newest datapoint
);
CREATE UNIQUE INDEX cw_metric_key ON cw_metric(account, region, namespace, name, dimensions);

-- What was put, summed up by second (high resolution) or minute.
CREATE TABLE cw_point(
    metric INTEGER NOT NULL REFERENCES cw_metric(id) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL,
    unit TEXT NOT NULL,
    n REAL NOT NULL,
    sum REAL NOT NULL,
    min REAL NOT NULL,
    max REAL NOT NULL,
    PRIMARY KEY (metric, at_ms, unit)
) WITHOUT ROWID;

-- The single values behind a point, for percentiles. Statistic sets have none.
CREATE TABLE cw_value(
    metric INTEGER NOT NULL REFERENCES cw_metric(id) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL,
    unit TEXT NOT NULL,
    value REAL NOT NULL,
    n REAL NOT NULL,
    PRIMARY KEY (metric, at_ms, unit, value)
) WITHOUT ROWID;

CREATE TABLE cw_alarm(
    arn TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    config TEXT NOT NULL,            -- JSON of MetricAlarm without what follows
    config_ms INTEGER NOT NULL,
    actions_enabled INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    reason_data TEXT,
    state_ms INTEGER NOT NULL,       -- last look that wrote a state
    transition_ms INTEGER NOT NULL   -- last change of state
);
CREATE UNIQUE INDEX cw_alarm_name ON cw_alarm(account, region, name);

-- Which alarms a datapoint concerns.
CREATE TABLE cw_alarm_metric(
    alarm TEXT NOT NULL REFERENCES cw_alarm(arn) ON DELETE CASCADE,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    dimensions TEXT NOT NULL,
    PRIMARY KEY (account, region, namespace, name, dimensions, alarm)
) WITHOUT ROWID;
CREATE INDEX cw_alarm_metric_alarm ON cw_alarm_metric(alarm);

CREATE TABLE cw_history(
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    alarm TEXT NOT NULL,             -- name: history outlives the alarm
    at_ms INTEGER NOT NULL,
    type TEXT NOT NULL,              -- 'ConfigurationUpdate', 'StateUpdate', 'Action'
    summary TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX cw_history_alarm ON cw_history(account, region, alarm, seq);
CREATE INDEX cw_history_time ON cw_history(at_ms);
