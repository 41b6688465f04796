/* Implementation of jobs.h: each job loads what it is about, acts outside any transaction, and
 * feeds the result back through apply.h. Running one again has the effect of once. */
#include "flow/execution/jobs.h"

#include "flow/action/action.h"
#include "flow/action/regions.h"
#include "flow/action/running.h"
#include "flow/execution/apply.h"
#include "flow/execution/notify.h"
#include "flow/stage/check.h"
#include "platform/text/json.h"

enum {
    APPROVAL_MINUTES = 7 * 24 * 60, /* CodePipeline's default */
    ACTION_TRIES = 8,
};

struct job {
    const struct flow *f;
    struct queue_job *queue;
    struct arena *arena;
    int64_t pipeline;
    struct str execution;
    struct str stage;
    struct str action;
    struct str id;
};

static int read_job(void *ud, struct queue_job *queue, struct job *ret, struct err *err) {
    json_t *o cleanup_json = json_parse(queue->payload, err);
    if (o == NULL) {
        return -1;
    }
    *ret = (struct job){
        .f = ud,
        .queue = queue,
        .arena = queue->arena,
        .pipeline = json_int(o, "pipeline"),
        .execution = str_dup(queue->arena, json_str(o, "execution")),
        .stage = str_dup(queue->arena, json_str(o, "stage")),
        .action = str_dup(queue->arena, json_str(o, "action")),
        .id = str_dup(queue->arena, json_str(o, "id")),
    };
    return 0;
}

/* Runs fn in a transaction of its own. */
static int in_tx(const struct flow *f, int (*fn)(void *ud, struct err *err), void *ud,
                 struct err *err) {
    if (db_begin(f->db, err) < 0) {
        return -1;
    }
    if (fn(ud, err) < 0) {
        db_rollback(f->db);
        return -1;
    }
    return db_commit(f->db, err);
}

/* ---- actions ---- */

struct ending {
    const struct job *job;
    const struct action_end *end;
};

static int write_end(void *ud, struct err *err) {
    struct ending *e = ud;
    return execution_action_end(e->job->f, e->job->arena, e->job->id, e->end, err);
}

static int end_action(const struct job *j, const struct action_end *end, struct err *err) {
    struct ending e = {j, end};
    return in_tx(j->f, write_end, &e, err);
}

static const char *error_code(const struct err *err) {
    switch (err->kind) {
    case ERR_DENIED:
        return "PermissionError";
    case ERR_INVALID:
    case ERR_NOT_FOUND:
        return "ConfigurationError";
    case ERR_UNAVAILABLE:
        return "SystemUnavailable";
    default:
        return "JobFailed";
    }
}

static int fail_action(const struct job *j, const struct err *why, struct err *err) {
    struct action_end end = {
        .error_code = str_c(error_code(why)),
        .error_message = str_dup(j->arena, str_c(why->msg)),
        .summary = str_dup(j->arena, str_c(why->msg)),
    };
    return end_action(j, &end, err);
}

/* An approval starts nothing: it gets its expiry, and a timer for it. */
struct approval {
    const struct job *job;
    const struct action_run *run;
};

static int write_approval(void *ud, struct err *err) {
    struct approval *w = ud;
    const struct job *j = w->job;
    int minutes = w->run->decl->timeout_minutes ? w->run->decl->timeout_minutes : APPROVAL_MINUTES;
    int64_t expires = w->run->action.started_ms + (int64_t)minutes * 60 * 1000;
    struct action_row detail = {.id = j->id, .expires_ms = expires};
    return record_action_detail(j->f->db, &detail, w->run->action.started_ms, err) < 0
               ? -1
               : queue_add(j->f->db, JOB_EXPIRE, j->id, j->queue->payload, expires, err);
}

/* What was started is dead before the attempt ends: this comes back until it is. */
static int time_out(const struct job *j, const struct action_provider *provider,
                    struct action_run *run, struct err *err) {
    if (provider->kill != NULL && provider->kill(run, err) < 0) {
        return -1;
    }
    int64_t minutes =
        (action_deadline_ms(run, provider) - run->action.started_ms) / (int64_t)(60 * 1000);
    struct str why =
        str_printf(j->arena, "The action timed out after %lld minutes", (long long)minutes);
    struct action_end end = {.error_code = S("JobFailed"), .error_message = why, .summary = why};
    return end_action(j, &end, err);
}

/* The job of an attempt that goes on stays: it looks again when the provider says so, and when the
 * attempt is over its time. The attempt's end removes it (execution_action_end). */
static void look_again(const struct job *j, const struct action_provider *provider,
                       const struct action_run *run) {
    int64_t deadline = action_deadline_ms(run, provider);
    bool sooner = run->again_ms > 0 && run->again_ms < deadline;
    j->queue->again_ms = sooner ? run->again_ms : deadline;
}

/* What an attempt has begun finds its inputs where it left them. */
static int begin(const struct action_provider *provider, struct action_run *run, bool *ret_ended,
                 struct action_end *ret_end, struct err *err) {
    return run->action.external_id.n == 0 && action_bring_inputs(run, err) < 0
               ? -1
               : provider->start(run, ret_ended, ret_end, err);
}

static int run_action(void *ud, struct queue_job *queue, struct err *err) {
    struct job j;
    struct action_run run;
    if (read_job(ud, queue, &j, err) < 0) {
        return -1;
    }
    struct action_running running cleanup_running;
    action_enter(&running, j.id); /* before the look at its status: whoever kills it sees it */
    struct err why = ERR_INIT;
    int loaded = action_load(j.f, j.arena, j.id, &run, &why);
    if (loaded <= 0) {
        return loaded == 0 ? 0 : fail_action(&j, &why, err);
    }
    if (run.deleted) {
        return 0; /* its kill is under way */
    }
    if (str_is(run.decl->category, "Approval")) {
        struct approval w = {&j, &run};
        return in_tx(j.f, write_approval, &w, err);
    }
    const struct action_provider *provider = action_provider_find(run.decl);
    bool ended = false;
    struct action_end end = {0};
    if (provider != NULL && clock_now_ms(j.f->clock) >= action_deadline_ms(&run, provider)) {
        return time_out(&j, provider, &run, err);
    }
    int started =
        provider ? begin(provider, &run, &ended, &end, &why)
                 : err_set(&why, ERR_UNSUPPORTED, "no provider %.*s", STR_ARG(run.decl->provider));
    if (started < 0 && why.kind == ERR_UNAVAILABLE && queue->attempt < ACTION_TRIES) {
        *err = why;
        return -1;
    }
    if (started < 0) {
        return fail_action(&j, &why, err);
    }
    if (ended) {
        return end_action(&j, &end, err);
    }
    look_again(&j, provider, &run);
    return 0;
}

static int run_kill(void *ud, struct queue_job *queue, struct err *err) {
    struct job j;
    struct action_run run;
    if (read_job(ud, queue, &j, err) < 0) {
        return -1;
    }
    if (action_stop(j.id)) {
        return err_set(err, ERR_UNAVAILABLE, "action %.*s is still at work", STR_ARG(j.action));
    }
    int loaded = action_load(j.f, j.arena, j.id, &run, err);
    bool unfit = loaded < 0 && (err->kind == ERR_INVALID || err->kind == ERR_LIMIT);
    bool begun = run.action.external_id.n > 0;
    if (loaded <= 0 && (!unfit || begun)) {
        return loaded;
    }
    /* what cannot be loaded (a variable that nothing sets) has not begun */
    const struct action_provider *provider = unfit ? NULL : action_provider_find(run.decl);
    if (provider != NULL && provider->kill != NULL && provider->kill(&run, err) < 0) {
        return -1;
    }
    struct action_end end = {.summary = S("Abandoned")};
    return end_action(&j, &end, err);
}

static int run_expire(void *ud, struct queue_job *queue, struct err *err) {
    struct job j;
    if (read_job(ud, queue, &j, err) < 0) {
        return -1;
    }
    struct action_end end = {
        .error_code = S("JobFailed"),
        .error_message = S("The approval was not answered in time."),
        .summary = S("Approval expired"),
    };
    return end_action(&j, &end, err);
}

/* ---- conditions ---- */

struct checked {
    const struct job *job;
    const struct check_run *run;
    const struct check_result *result;
};

static int write_check(void *ud, struct err *err) {
    struct checked *c = ud;
    const struct job *j = c->job;
    struct check_end end = {
        .ok = c->result->passed, .errored = c->result->errored, .summary = c->result->summary};
    int over = stage_check_over(c->run, err);
    if (over != 0) {
        return over < 0 ? -1 : 0; /* it was dropped while its rules were asked */
    }
    if (stage_check_record(c->run, c->result, err) < 0) {
        return -1;
    }
    if (!c->result->decided) {
        return record_condition_summary(j->f->db, j->id, c->result->summary,
                                        clock_now_ms(j->f->clock), err);
    }
    if (c->result->left_over &&
        queue_add(j->f->db, JOB_END_CHECK, j->id, j->queue->payload, 0, err) < 0) {
        return -1;
    }
    return execution_check_end(j->f, j->arena, j->pipeline, j->execution, j->id, &end, err);
}

static int run_check(void *ud, struct queue_job *queue, struct err *err) {
    struct job j;
    struct check_run run;
    struct check_result result;
    if (read_job(ud, queue, &j, err) < 0) {
        return -1;
    }
    int loaded = stage_check_load(j.f, j.arena, j.id, &run, err);
    if (loaded <= 0) {
        return loaded;
    }
    struct err why = ERR_INIT;
    if (stage_check(&run, &result, &why) < 0) {
        if (queue->attempt < ACTION_TRIES) {
            *err = why;
            return -1;
        }
        result.decided = true; /* what could not be asked so often counts as an error */
    }
    struct checked c = {&j, &run, &result};
    if (in_tx(j.f, write_check, &c, err) < 0) {
        return -1;
    }
    if (!result.decided) {
        queue->again_ms = clock_now_ms(j.f->clock) + result.again_ms;
    }
    return 0;
}

static int run_end_check(void *ud, struct queue_job *queue, struct err *err) {
    struct job j;
    return read_job(ud, queue, &j, err) < 0 ? -1 : stage_check_end(j.f, j.arena, j.id, err);
}

/* ---- builds that ended ---- */

/* The stages behind find what the build left under the names of its output artifacts. */
static int put_outputs(const struct flow *f, const struct action_row *action, struct str json,
                       struct err *err) {
    json_t *outputs cleanup_json = json.n > 0 ? json_parse(json, err) : json_array();
    size_t i = 0;
    const json_t *one = NULL;
    if (outputs == NULL) {
        return err_wrap(err, "artifacts of " STR_FMT, STR_ARG(action->external_id));
    }
    json_array_foreach(outputs, i, one) {
        struct artifact_row row = {
            .name = json_str(one, "name"),
            .action = action->id,
            .bucket = json_str(one, "bucket"),
            .key = json_str(one, "key"),
            .sha256 = json_str(one, "sha256"),
        };
        if (row.sha256.n > 0 && record_artifact_put(f->db, action->execution, &row, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int execution_build_ended(const struct flow *f, struct arena *a, struct str external_id,
                          const struct build_outcome *outcome, struct err *err) {
    struct action_row row;
    int found = record_action_by_external(f->db, a, external_id, &row, err);
    if (found <= 0) {
        return found;
    }
    struct str summary =
        outcome->ok
            ? STR_NONE
            : str_printf(a, "Build terminated with state: %.*s%s%.*s", STR_ARG(outcome->status),
                         outcome->message.n > 0 ? ". " : "", STR_ARG(outcome->message));
    struct action_end end = {
        .ok = outcome->ok,
        .summary = summary,
        .error_code = outcome->ok ? STR_NONE : S("JobFailed"),
        .error_message = summary,
        .outputs = outcome->outputs,
        .output_variables = outcome->output_variables,
    };
    return outcome->ok && put_outputs(f, &row, outcome->outputs, err) < 0
               ? -1
               : execution_action_end(f, a, row.id, &end, err);
}

/* ---- the kinds ---- */

const struct queue_kind *execution_jobs(struct flow *f, size_t *ret_n) {
    static struct queue_kind kinds[8];
    const struct queue_kind all[8] = {
        {.name = JOB_ACTION, .run = run_action, .ud = f, .parallel = 4},
        {.name = JOB_KILL, .run = run_kill, .ud = f, .parallel = 2},
        {.name = JOB_CHECK, .run = run_check, .ud = f, .parallel = 2},
        {.name = JOB_END_CHECK, .run = run_end_check, .ud = f},
        {.name = JOB_EXPIRE, .run = run_expire, .ud = f},
        {.name = JOB_NOTIFY, .run = notify_run, .ud = f, .parallel = 1, .max_attempts = 10},
        {.name = JOB_TELL, .run = notify_tell_run, .ud = f, .parallel = 1, .max_attempts = 10},
        {.name = JOB_ALARM, .run = notify_alarm_run, .ud = f, .parallel = 1, .max_attempts = 10},
    };
    memcpy(kinds, all, sizeof(kinds));
    *ret_n = 8;
    return kinds;
}
