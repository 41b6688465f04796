/*
 * Durable effects. A job is a row that is inserted in the transaction of the state change that
 * causes it; worker threads run it after the commit, and delete it in the transaction of its own
 * result. After a crash every job that is still there runs again: handlers are idempotent by the
 * job's key. (kind, key) is unique: adding a job that is there already changes nothing.
 */
#pragma once

#include "base/clock.h"
#include "runtime/db/db.h"

struct queue;

struct queue_job {
    int64_t id;
    struct str kind;
    struct str key;      /* says what it is about: "execution/action/attempt", "message/endpoint" */
    struct str payload;  /* JSON of the kind's own making */
    int attempt;         /* 1 for the first run */
    struct arena *arena; /* of this run */
    int64_t again_ms;    /* handler may set: run again at that wall time, instead of ending or
                            instead of after the usual back-off */
    bool give_up;        /* handler may set when it fails: no further attempt helps */
    bool ended;          /* set by queue_end and queue_later */
};

/* One kind of job. `run` is called outside any transaction, on a worker thread; it returns 0 when
 * the job is done (it is deleted), -1 when it failed for now: it runs again after a back-off of
 * 0.2 s doubling to 60 s, at most max_attempts times (0 = for ever), then `gave_up` is called. */
struct queue_kind {
    const char *name;
    int (*run)(void *ud, struct queue_job *job, struct err *err);
    void (*gave_up)(void *ud, struct queue_job *job, const struct err *why); /* may be NULL */
    void *ud;
    int max_attempts;
    int parallel; /* how many of this kind at once; 0 = 1 */
    /* Whether there is room for a job of this kind: jobs that are due wait until queue_wake_db, or
     * until they are urged. NULL: always. Called under the store's lock. */
    bool (*room)(void *ud);
};

extern const struct db_schema queue_schema;

/* Kinds are copied; a job of an unknown kind waits and is named in the log once. */
int queue_start(struct db *db, const struct clock *clock, const struct queue_kind *kinds, size_t n,
                struct queue **ret, struct err *err) MUST_USE;
void queue_stop(struct queue *q); /* waits for running jobs; NULL ok */

/* The same without threads, for tests and one-shot commands: queue_run_due runs what is due by the
 * clock on the calling thread, and what that adds, until nothing is due. Returns how many runs. */
int queue_open(struct db *db, const struct clock *clock, const struct queue_kind *kinds, size_t n,
               struct queue **ret, struct err *err) MUST_USE;
int queue_run_due(struct queue *q);

/* Inside the caller's transaction. run_at_ms 0 = now; a later time makes it a timer. */
int queue_add(struct db *db, const char *kind, struct str key, struct str payload,
              int64_t run_at_ms, struct err *err) MUST_USE;
/* The job is looked at now, whether or not its kind has room; key absent: all jobs of the kind that
 * are due. Nothing happens when there is none. */
int queue_urge(struct db *db, const char *kind, struct str key, struct err *err) MUST_USE;
int queue_cancel(struct db *db, const char *kind, struct str key, struct err *err) MUST_USE;

/* Deletes a running job inside the handler's own transaction, together with the result. Whoever
 * adds the same key after that commit gets a new job; without this, an addition between the
 * handler's last look and its return would be lost. */
int queue_end(struct db *db, struct queue_job *job, struct err *err) MUST_USE;

/* A running job goes to wait for that time (0 = for room), inside the handler's own transaction:
 * whoever urges it after that commit finds it waiting. */
int queue_later(struct db *db, struct queue_job *job, int64_t run_at_ms, struct err *err) MUST_USE;

/* Workers look again. Registered by queue_add with db_on_commit, so seldom called by hand; the
 * second one is for those who have room again, and know the store only. */
void queue_wake(struct queue *q);
void queue_wake_db(struct db *db);
