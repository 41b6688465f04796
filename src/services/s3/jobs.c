/* Implementation of jobs.h. Both jobs may run again at any point: deleting twice does no harm. */
#include "services/s3/jobs.h"

#include "services/s3/content.h"

enum { TRASH_RUN = 200 };

/* Ends the job in the transaction that saw the trash empty; whoever adds to it later finds no job
 * and makes a new one. 1 ended, 0 there is more. */
static int end_when_empty(struct service_env *env, struct queue_job *job, struct err *err) {
    int64_t left = 0;
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    if (db_get_i64(env->db, &left, err, "SELECT EXISTS(SELECT 1 FROM s3_trash)", "") < 0 ||
        (left == 0 && queue_end(env->db, job, err) < 0)) {
        db_rollback(env->db);
        return -1;
    }
    if (db_commit(env->db, err) < 0) {
        return -1;
    }
    return left == 0;
}

static int run_trash(void *ud, struct queue_job *job, struct err *err) {
    struct service_env *env = ud;
    int ended = 0;
    while (ended == 0) {
        if (s3_trash_empty(env->db, env->data_dir, TRASH_RUN, err) < 0) {
            return -1;
        }
        ended = end_when_empty(env, job, err);
    }
    return ended < 0 ? -1 : 0;
}

static int run_sweep(void *ud, struct queue_job *job, struct err *err) {
    struct service_env *env = ud;
    long long started_ms = 0;
    if (!str_to_i64(job->payload, &started_ms)) {
        return 0;
    }
    return s3_sweep(env->db, env->data_dir, started_ms, err) < 0 ? -1 : 0;
}

void s3_queue_kinds(struct service_env *env, struct queue_kind ret[S3_KINDS]) {
    ret[0] = (struct queue_kind){.name = S3_TRASH, .run = run_trash, .ud = env};
    ret[1] = (struct queue_kind){.name = S3_SWEEP, .run = run_sweep, .ud = env, .max_attempts = 5};
}

int s3_start(struct service_env *env, struct err *err) {
    struct arena a = ARENA_INIT;
    /* Files are stamped by the machine's clock, whatever clock the services live by. */
    struct str now = str_printf(&a, "%lld", (long long)clock_now_ms(&clock_system));
    int bad = db_begin(env->db, err);
    if (bad == 0) {
        bad = queue_cancel(env->db, S3_SWEEP, S("start"), err) < 0 ||
              queue_add(env->db, S3_SWEEP, S("start"), now, 0, err) < 0 ||
              queue_add(env->db, S3_TRASH, S("all"), S(""), 0, err) < 0;
        if (bad) {
            db_rollback(env->db);
        } else {
            bad = db_commit(env->db, err);
        }
    }
    arena_done(&a);
    return bad ? -1 : 0;
}
