-- migration 1
CREATE TABLE job(
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again, so that a running one is known by it
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    payload TEXT,
    run_at_ms INTEGER NOT NULL,           -- 0 = as soon as possible
    failures INTEGER NOT NULL DEFAULT 0,
    UNIQUE(kind, key)
);
CREATE INDEX job_due ON job(kind, run_at_ms, id);
CREATE INDEX job_time ON job(run_at_ms);
