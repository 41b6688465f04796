/*
 * Starting and stopping the builds of a batch. Rights are asked for outside of transactions: the
 * batch's service role must be allowed StartBuild, as AWS documents it, so that a build's own role
 * need not be. What happens then happens in one transaction, if the state still wants it.
 */
#include "flow/batch/jobs.h"

#include "flow/batch/apply.h"
#include "flow/batch/member.h"

enum { AGAIN_MS = 1000 };

/* "BATCH/REST" */
struct batch_job {
    const struct flow *f;
    struct queue_job *queue;
    struct arena *a;
    struct str batch;
    struct str rest;
};

static struct batch_job job_of(void *ud, struct queue_job *queue) {
    struct batch_job j = {.f = ud, .queue = queue, .a = queue->arena, .rest = queue->key};
    str_cut(&j.rest, '/', &j.batch);
    return j;
}

static int feed(const struct batch_job *j, struct batch_event event, struct err *err) {
    if (db_begin(j->f->db, err) < 0) {
        return -1;
    }
    if (batch_apply(j->f, j->a, j->batch, &event, err) < 0) {
        db_rollback(j->f->db);
        bool gone = err->kind == ERR_NOT_FOUND || err->kind == ERR_INVALID;
        *err = gone ? ERR_INIT : *err;
        return gone ? 0 : -1; /* it went on without us, or was deleted */
    }
    return db_commit(j->f->db, err);
}

static int run_continue(void *ud, struct queue_job *queue, struct err *err) {
    struct batch_job j = job_of(ud, queue);
    return feed(&j, (struct batch_event){.kind = BATCH_CONTINUE}, err);
}

static int run_timeout(void *ud, struct queue_job *queue, struct err *err) {
    struct batch_job j = job_of(ud, queue);
    long long attempt = 0;
    return !str_to_i64(j.rest, &attempt)
               ? 0
               : feed(&j, (struct batch_event){.kind = BATCH_TIMEOUT, .attempt = attempt}, err);
}

/* ---- starting ---- */

static int load(const struct batch_job *j, struct batch_row *row, struct batch_state *state,
                struct err *err) {
    int found = batch_load(j->f->db, j->a, j->batch, row, err);
    return found <= 0 || batch_state_parse(j->a, row->state, state, err) < 0 ? (found == 0 ? 0 : -1)
                                                                             : 1;
}

static int glance(const struct batch_job *j, struct batch_row *row, struct batch_state *state,
                  struct err *err) {
    if (db_begin(j->f->db, err) < 0) {
        return -1;
    }
    int found = load(j, row, state, err);
    db_rollback(j->f->db);
    return found;
}

static int check_right(const struct batch_job *j, const struct batch_row *row, struct err *err) {
    struct aws_target target;
    struct codebuild_project *p = NULL;
    struct codebuild_start_build_input in = {.project_name = row->project};
    if (project_from_json(j->a, row->settings, &p, err) < 0) {
        return -1;
    }
    if (j->f->world == NULL) {
        return 0;
    }
    struct str session = str_printf(j->a, "AWSCodeBuildBatch-" STR_FMT, STR_ARG(row->uuid));
    return aws_assume(j->f->world, j->a, S("codebuild.amazonaws.com"),
                      p->build_batch_config->service_role, session, &target, err) < 0
               ? -1
               : aws_allowed(j->f->world, j->a, &target, &codebuild_op_start_build, &in, err);
}

/* One transaction: 0 done or not wanted any more. */
static int start_in_tx(const struct batch_job *j, struct err *err) {
    struct batch_row row;
    struct batch_state state;
    int found = load(j, &row, &state, err);
    return found <= 0 ? found : member_start(j->f, j->a, &row, &state, j->rest, err);
}

static int start(const struct batch_job *j, struct err *err) {
    if (db_begin(j->f->db, err) < 0) {
        return -1;
    }
    if (start_in_tx(j, err) < 0) {
        db_rollback(j->f->db);
        return -1;
    }
    return db_commit(j->f->db, err);
}

/* The build cannot be: that is its end. */
static int refuse(const struct batch_job *j, const struct err *why, struct err *err) {
    struct batch_event event = {.kind = BATCH_ENDED,
                                .uuid = j->rest,
                                .status = BATCH_FAILED,
                                .message = str_dup(j->a, str_c(why->msg))};
    return feed(j, event, err);
}

static bool for_now(const struct err *err) {
    return err->kind == ERR_SYSTEM || err->kind == ERR_UNAVAILABLE || err->kind == ERR_INTERNAL;
}

static int run_start(void *ud, struct queue_job *queue, struct err *err) {
    struct batch_job j = job_of(ud, queue);
    struct batch_row row;
    struct batch_state state;
    struct err why = ERR_INIT;
    int found = glance(&j, &row, &state, err);
    if (found <= 0) {
        return found;
    }
    if (check_right(&j, &row, &why) == 0 && start(&j, &why) == 0) {
        return 0;
    }
    if (why.api == &codebuild_AccountLimitExceededException) { /* concurrentBuildLimit: it waits */
        queue->again_ms = clock_now_ms(j.f->clock) + AGAIN_MS;
        return 0;
    }
    if (for_now(&why)) {
        *err = why;
        return -1;
    }
    return refuse(&j, &why, err);
}

/* ---- putting artifacts together ---- */

/* Files that are no zip lie below one folder already. */
static int run_combine(void *ud, struct queue_job *queue, struct err *err) {
    struct batch_job j = job_of(ud, queue);
    struct batch_row row;
    struct batch_state state;
    struct batch_event done = {.kind = BATCH_ENDED, .uuid = j.rest, .status = BATCH_SUCCEEDED};
    int found = glance(&j, &row, &state, err);
    if (found <= 0) {
        return found;
    }
    int together = member_together(j.a, &row, &state, &done.artifacts, err);
    return together < 0 ? -1 : together > 0 ? feed(&j, done, err) : run_start(ud, queue, err);
}

/* ---- stopping ---- */

static int run_stop(void *ud, struct queue_job *queue, struct err *err) {
    struct batch_job j = job_of(ud, queue);
    struct build_row build;
    if (db_begin(j.f->db, err) < 0) {
        return -1;
    }
    int found = build_load(j.f->db, j.a, j.rest, &build, err);
    if (found < 0 || (found > 0 && build_stop(j.f, j.rest, err) < 0)) {
        db_rollback(j.f->db);
        return -1;
    }
    if (db_commit(j.f->db, err) < 0) {
        return -1;
    }
    struct batch_event never = {.kind = BATCH_ENDED, .uuid = j.rest, .status = BATCH_STOPPED};
    return found > 0 ? 0 : feed(&j, never, err);
}

const struct queue_kind *batch_jobs(const struct flow *f, size_t *ret_n) {
    static struct queue_kind kinds[] = {
        {.name = BATCH_JOB_CONTINUE, .run = run_continue, .parallel = 2},
        {.name = BATCH_JOB_START, .run = run_start, .parallel = 2},
        {.name = BATCH_JOB_COMBINE, .run = run_combine, .parallel = 1},
        {.name = BATCH_JOB_STOP, .run = run_stop, .parallel = 2},
        {.name = BATCH_JOB_TIMEOUT, .run = run_timeout, .parallel = 1},
    };
    *ret_n = sizeof(kinds) / sizeof(kinds[0]);
    for (size_t i = 0; i < *ret_n; i++) {
        kinds[i].ud = (void *)(uintptr_t)f;
    }
    return kinds;
}
