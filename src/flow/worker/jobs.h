/*
 * Jobs of workers: an attempt of a custom action waits in a job until somebody's worker takes it.
 * Queued -> (a poll hands it out with a nonce) Dispatched -> (acknowledged) InProgress ->
 * Succeeded, Failed or TimedOut. A delivery that nobody acknowledges is handed out again after a
 * minute, with a new nonce. One function per statement, all inside the caller's transaction.
 */
#pragma once

#include "base/arena.h"
#include "runtime/db/db.h"

enum { WORKER_OFFER_MS = 60 * 1000 };

struct worker_job {
    int64_t number;
    struct str id;
    struct str account;
    struct str region;
    struct str type;   /* worker_type_name */
    struct str action; /* action execution */
    struct str status;
    struct str nonce;
    struct str client_id;
    struct str client_token;
    struct str query;
    struct str data; /* JobData, without credentials */
    struct str role_arn;
    struct str policy;
    struct str continuation;
    struct str result; /* worker_result_json */
    int percent;       /* of the work, as its worker last said; -1: never */
    int64_t changed_ms;
};

struct worker_job_list {
    struct worker_job *v;
    size_t n;
};

/* How a job ended, as its worker said. */
struct worker_result {
    bool ok;
    struct str failure; /* type: JobFailed ConfigurationError ... */
    struct str message;
    struct str summary;
    struct str external_id;
    struct str output_variables; /* JSON object */
    struct str revision;         /* of a source: currentRevision as JSON */
};

int worker_job_add(struct db *db, const struct worker_job *job, int64_t now_ms,
                   struct err *err) MUST_USE;
/* 1 found, 0 not, -1 error. */
int worker_job_get(struct db *db, struct arena *a, struct str id, struct worker_job *ret,
                   struct err *err) MUST_USE;
int worker_job_of_action(struct db *db, struct arena *a, struct str action, struct worker_job *ret,
                         struct err *err) MUST_USE; /* the newest */
/* Those that may be handed out now, oldest first. `query` absent: of any value. */
int worker_job_waiting(struct db *db, struct arena *a, struct str account, struct str region,
                       struct str type, struct str query, int64_t now_ms, int limit,
                       struct worker_job_list *ret, struct err *err) MUST_USE;
int worker_job_offer(struct db *db, struct str id, struct str nonce, int64_t now_ms,
                     struct err *err) MUST_USE;
int worker_job_status(struct db *db, struct str id, const char *status, int64_t now_ms,
                      struct err *err) MUST_USE;
int worker_job_end(struct db *db, struct str id, const char *status, struct str continuation,
                   struct str result, int64_t now_ms, struct err *err) MUST_USE;
/* Whatever of the attempt is still open is TimedOut: nobody's answer counts any more. */
int worker_jobs_close(struct db *db, struct str action, int64_t now_ms, struct err *err) MUST_USE;
int worker_job_percent(struct db *db, struct str id, int percent, struct err *err) MUST_USE;

struct str worker_result_json(struct arena *a, const struct worker_result *r);
/* False: absent or damaged. */
bool worker_result_read(struct arena *a, struct str json, struct worker_result *ret);
