/* What each effect of a step writes: rows for readers, jobs, notices; project.h. */
#include "flow/execution/project.h"

#include "base/planted.h"
#include "flow/execution/apply.h"
#include "flow/record/notices.h"
#include "platform/text/json.h"
#include "runtime/queue/queue.h"

struct str project_json(struct arena *a, json_t *json) {
    struct str text = json_dump_str(a, json);
    json_decref(json);
    return text;
}

static struct str job_payload(struct arena *a, int64_t pipeline, const struct engine_effect *e) {
    json_t *o = json_object();
    json_object_set_new(o, "pipeline", json_integer(pipeline));
    json_set_str(o, "execution", e->execution);
    json_set_str(o, "stage", e->stage);
    json_set_str(o, "action", e->action);
    json_set_str(o, "id", e->action_id);
    if (e->condition != CONDITION_NONE) {
        json_set_str(o, "condition", str_c(condition_kind_name(e->condition)));
    }
    return project_json(a, o);
}

/* ---- what each effect writes ---- */

static int job(struct applying *t, const char *kind, const struct engine_effect *e) {
    return queue_add(t->f->db, kind, e->action_id, job_payload(t->arena, t->pipeline, e), 0,
                     t->err);
}

/* A notice is kept for ever, and told to whoever asked for it by the notify job of its number. */
static int notice(struct applying *t, const char *kind, const struct engine_effect *e,
                  const char *state, struct str detail) {
    if (record_notice_add(t->f->db, t->pipeline, t->now_ms, kind, e->execution,
                          str_is(str_c(kind), "Pipeline") ? STR_NONE : e->stage, e->action, state,
                          detail, t->err) < 0) {
        return -1;
    }
    struct str key = str_printf(t->arena, "%lld", (long long)db_last_rowid(t->f->db));
    json_t *o = json_object();
    json_object_set_new(o, "pipeline", json_integer(t->pipeline));
    json_set_str(o, "kind", str_c(kind));
    json_set_str(o, "state", str_c(state));
    json_set_str(o, "execution", e->execution);
    json_set_str(o, "stage", e->stage);
    json_set_str(o, "action", e->action);
    json_set_str(o, "id", e->action_id);
    if (e->approval) {
        json_object_set_new(o, "approval", json_true());
    }
    return queue_add(t->f->db, JOB_NOTIFY, key, project_json(t->arena, o), 0, t->err);
}

/* EventBridge spells Cancelled with one l. */
static const char *notice_state(const char *status, bool resumed) {
    static const char *const pairs[][2] = {
        {"Succeeded", "SUCCEEDED"}, {"Failed", "FAILED"},         {"Stopping", "STOPPING"},
        {"Stopped", "STOPPED"},     {"Superseded", "SUPERSEDED"}, {"Cancelled", "CANCELED"},
        {"Abandoned", "ABANDONED"}, {"Skipped", "SKIPPED"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (strcmp(pairs[i][0], status) == 0) {
            return pairs[i][1];
        }
    }
    return resumed ? "RESUMED" : "STARTED";
}

/* Why, in a sentence, where the status alone does not say it. */
static int reason_of(struct applying *t, const struct engine_effect *e, struct str *ret) {
    struct str failed = STR_NONE;
    *ret = STR_NONE;
    if (e->by.p != NULL) {
        *ret = str_printf(t->arena, "Superseded by execution %.*s", STR_ARG(e->by));
        return 0;
    }
    if (e->execution_status != EXEC_FAILED) {
        return 0;
    }
    int found = record_condition_failed_at(t->f->db, t->arena, e->execution, e->stage, t->now_ms,
                                           &failed, t->err);
    if (found > 0) {
        *ret = str_printf(t->arena, "A condition of stage %.*s failed: %.*s", STR_ARG(e->stage),
                          STR_ARG(failed));
    }
    return found < 0 ? -1 : 0;
}

static int tell_execution(struct applying *t, const struct engine_effect *e) {
    const char *status = exec_status_name(e->execution_status);
    struct str summary = STR_NONE;
    if (reason_of(t, e, &summary) < 0 ||
        record_execution_status(t->f->db, e->execution, status, summary, e->by, t->now_ms, t->err) <
            0) {
        return -1;
    }
    return notice(t, "Pipeline", e, notice_state(status, e->resumed), summary);
}

static int tell_stage(struct applying *t, const struct engine_effect *e) {
    const char *status = stage_status_name(e->stage_status);
    bool retried = e->auto_retries + e->manual_retries > 0;
    struct stage_row row = {
        .execution = e->execution,
        .stage = e->stage,
        .attempt = e->attempt,
        .status = str_c(status),
        .auto_retries = e->auto_retries,
        .manual_retries = e->manual_retries,
        .retry_trigger = !retried       ? STR_NONE
                         : e->auto_last ? S("AutomatedStageRetry")
                                        : S("ManualStageRetry"),
        .updated_ms = t->now_ms,
    };
    return record_stage_put(t->f->db, &row, t->err) < 0
               ? -1
               : notice(t, "Stage", e, notice_state(status, e->resumed), STR_NONE);
}

static int add_action(struct applying *t, const struct engine_effect *e) {
    const struct engine_execution *execution = engine_find(t->state, e->execution);
    struct action_row row = {
        .id = e->action_id,
        .pipeline = t->pipeline,
        .execution = e->execution,
        .stage = e->stage,
        .action = e->action,
        .version = execution->version,
        .status = S("InProgress"),
        .token = e->token,
        .started_ms = t->now_ms,
        .updated_ms = t->now_ms,
    };
    return record_action_add(t->f->db, &row, t->err);
}

static int tell_action(struct applying *t, const struct engine_effect *e) {
    const char *status = run_status_name(e->action_status);
    bool starts = e->action_status == RUN_IN_PROGRESS;
    int written = starts ? add_action(t, e)
                         : record_action_status(t->f->db, e->action_id, status, t->now_ms, t->err);
    const char *state = e->cancelled ? "CANCELED" : notice_state(status, false);
    return written < 0 ? -1 : notice(t, "Action", e, state, STR_NONE);
}

static int tell_condition(struct applying *t, const struct engine_effect *e) {
    struct condition_row row = {
        .id = e->action_id,
        .pipeline = t->pipeline,
        .execution = e->execution,
        .stage = e->stage,
        .attempt = e->attempt,
        .kind = str_c(condition_kind_name(e->condition)),
        .status = str_c(condition_status_name(e->condition_status)),
        .started_ms = t->now_ms,
        .updated_ms = t->now_ms,
    };
    if (record_condition_put(t->f->db, &row, t->err) < 0) {
        return -1;
    }
    bool dropped = e->condition_status == CONDITION_CANCELLED ||
                   e->condition_status == CONDITION_ABANDONED ||
                   e->condition_status == CONDITION_OVERRIDDEN;
    return dropped ? record_rules_abandon(t->f->db, e->action_id, t->now_ms, t->err) : 0;
}

/* The new execution has what its target had taken: sources, variables, artifacts. */
static int add_rollback(struct applying *t, const struct engine_effect *e) {
    const struct engine_execution *made = engine_find(t->state, e->execution);
    struct execution_row target;
    int found = record_execution_get(t->f->db, t->arena, e->by, &target, t->err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_set(t->err, ERR_INTERNAL,
                                   "there is no execution '%.*s' to go back to", STR_ARG(e->by));
    }
    struct execution_row row = {
        .id = e->execution,
        .pipeline = t->pipeline,
        .number = made->number,
        .version = made->version,
        .status = S("InProgress"),
        .trigger_type = e->automatic ? S("AutomatedRollback") : S("ManualRollback"),
        .trigger_detail = e->automatic ? e->of : t->by,
        .revision = target.revision,
        .source_commit = target.source_commit,
        .variables = target.variables,
        .source_overrides = target.source_overrides,
        .mode = target.mode,
        .type = S("ROLLBACK"),
        .rollback_target = target.id,
        .started_ms = t->now_ms,
        .updated_ms = t->now_ms,
    };
    return record_execution_add(t->f->db, &row, t->err) < 0 ||
                   source_revision_copy(t->f->db, target.id, row.id, t->err) < 0
               ? -1
               : record_artifacts_copy(t->f->db, target.id, row.id, t->err);
}

/* What has not begun never does; what has is stopped, and waited for, by the job. */
static int kill_action(struct applying *t, const struct engine_effect *e) {
    bool kept = PLANTED(killed_may_begin);
    return !kept && queue_cancel(t->f->db, JOB_ACTION, e->action_id, t->err) < 0
               ? -1
               : job(t, JOB_KILL, e);
}

int project_effect(struct applying *t, const struct engine_effect *e) {
    switch (e->kind) {
    case EFFECT_START_ACTION:
        return job(t, JOB_ACTION, e);
    case EFFECT_KILL_ACTION:
        return PLANTED(kill_job_lost) ? 0 : kill_action(t, e);
    case EFFECT_CHECK:
        return PLANTED(check_job_lost) ? 0 : job(t, JOB_CHECK, e);
    case EFFECT_END_CHECK:
        return job(t, JOB_END_CHECK, e);
    case EFFECT_ROLLBACK:
        return add_rollback(t, e);
    case EFFECT_CONDITION:
        return tell_condition(t, e);
    case EFFECT_EXECUTION:
        return tell_execution(t, e);
    case EFFECT_STAGE:
        return tell_stage(t, e);
    case EFFECT_ACTION:
        return tell_action(t, e);
    }
    return err_set(t->err, ERR_INTERNAL, "effect of kind %d", (int)e->kind);
}
