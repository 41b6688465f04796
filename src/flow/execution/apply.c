/* Implementation of apply.h. */
#include "flow/execution/apply.h"

#include "platform/text/json.h"
#include "runtime/queue/queue.h"

static struct str dump(struct arena *a, json_t *json) {
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
    return dump(a, o);
}

/* ---- what each effect writes ---- */

struct applying {
    const struct flow *f;
    struct arena *arena;
    int64_t pipeline;
    const struct engine_state *state; /* after the step */
    int64_t now_ms;
    struct err *err;
};

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
    return queue_add(t->f->db, JOB_NOTIFY, key, dump(t->arena, o), 0, t->err);
}

/* EventBridge spells Cancelled with one l. */
static const char *notice_state(const char *status, bool resumed) {
    static const char *const pairs[][2] = {
        {"Succeeded", "SUCCEEDED"}, {"Failed", "FAILED"},         {"Stopping", "STOPPING"},
        {"Stopped", "STOPPED"},     {"Superseded", "SUPERSEDED"}, {"Cancelled", "CANCELED"},
        {"Abandoned", "ABANDONED"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (strcmp(pairs[i][0], status) == 0) {
            return pairs[i][1];
        }
    }
    return resumed ? "RESUMED" : "STARTED";
}

static int tell_execution(struct applying *t, const struct engine_effect *e) {
    const char *status = exec_status_name(e->execution_status);
    struct str summary = e->by.p != NULL
                             ? str_printf(t->arena, "Superseded by execution %.*s", STR_ARG(e->by))
                             : STR_NONE;
    if (record_execution_status(t->f->db, e->execution, status, summary, e->by, t->now_ms, t->err) <
        0) {
        return -1;
    }
    return notice(t, "Pipeline", e, notice_state(status, e->resumed), summary);
}

static int tell_stage(struct applying *t, const struct engine_effect *e) {
    const char *status = stage_status_name(e->stage_status);
    const struct engine_execution *execution = engine_find(t->state, e->execution);
    int attempt = execution != NULL && str_eq(execution->stage, e->stage) ? execution->attempt : 0;
    if (attempt == 0) {
        /* the execution has moved on within this step: its newest visit of that stage ends */
        int64_t last = 1;
        if (db_get_i64(t->f->db, &last, t->err,
                       "SELECT coalesce(max(attempt), 1) FROM stage_executions WHERE execution = ? "
                       "AND stage = ?",
                       "ss", e->execution, e->stage) < 0) {
            return -1;
        }
        attempt = (int)last;
    }
    if (record_stage_put(t->f->db, e->execution, e->stage, attempt, status, t->now_ms, t->err) <
        0) {
        return -1;
    }
    return notice(t, "Stage", e, notice_state(status, e->resumed), STR_NONE);
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
    return written < 0 ? -1 : notice(t, "Action", e, notice_state(status, false), STR_NONE);
}

static int begin_check(struct applying *t, const struct engine_effect *e) {
    const struct engine_execution *execution = engine_find(t->state, e->execution);
    if (record_stage_check(t->f->db, e->execution, e->stage, execution->attempt, "InProgress",
                           STR_NONE, STR_NONE, t->now_ms, t->err) < 0) {
        return -1;
    }
    return job(t, JOB_CHECK, e);
}

static int write_effect(struct applying *t, const struct engine_effect *e) {
    switch (e->kind) {
    case EFFECT_START_ACTION:
        return job(t, JOB_ACTION, e);
    case EFFECT_KILL_ACTION:
        return job(t, JOB_KILL, e);
    case EFFECT_CHECK:
        return begin_check(t, e);
    case EFFECT_EXECUTION:
        return tell_execution(t, e);
    case EFFECT_STAGE:
        return tell_stage(t, e);
    case EFFECT_ACTION:
        return tell_action(t, e);
    }
    return err_set(t->err, ERR_INTERNAL, "effect of kind %d", (int)e->kind);
}

/* ---- the door ---- */

int execution_state(struct arena *a, const struct pipeline_row *row, struct engine_state *ret,
                    struct err *err) {
    json_t *json = json_loadb(row->state.p, row->state.n, 0, NULL);
    int result = engine_state_from_json(a, json, ret, err);
    json_decref(json);
    return result < 0 ? err_wrap(err, "pipeline '%.*s'", STR_ARG(row->name)) : 0;
}

static int write_step(struct applying *t, const struct engine_event *event,
                      const struct engine_effect_list *effects) {
    struct str stored_event = dump(t->arena, engine_event_to_json(event));
    struct str stored_state = dump(t->arena, engine_state_to_json(t->state));
    if (record_event_add(t->f->db, t->pipeline, t->now_ms, stored_event, t->err) < 0 ||
        record_pipeline_state(t->f->db, t->pipeline, stored_state, t->err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < effects->n; i++) {
        if (write_effect(t, &effects->v[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

int execution_apply(const struct flow *f, struct arena *a, int64_t pipeline,
                    struct engine_event *event, enum engine_refusal *ret_refusal, struct err *err) {
    enum engine_refusal refusal = REFUSED_NOTHING;
    enum engine_refusal *why = ret_refusal ? ret_refusal : &refusal;
    *why = REFUSED_NOTHING;
    struct pipeline_row row;
    int found = record_pipeline_by_id(f->db, a, pipeline, &row, err);
    if (found <= 0) {
        return found < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "the pipeline was deleted");
    }
    struct engine_state before;
    struct engine_state after;
    struct engine_effect_list effects;
    event->seed = rng_hex(f->rng, a, 32);
    if (execution_state(a, &row, &before, err) < 0 ||
        engine_step(a, &before, event, &after, &effects, why, err) < 0) {
        return -1;
    }
    bool nothing = effects.n == 0 && (event->kind == EVENT_ACTION || event->kind == EVENT_CHECK);
    if (nothing) {
        return 0; /* a late end: it happened to nobody */
    }
    struct applying t = {f, a, pipeline, &after, clock_now_ms(f->clock), err};
    flow_changed(f);
    return write_step(&t, event, &effects);
}

int execution_define(const struct flow *f, struct arena *a, struct pipeline_row *row,
                     const struct engine_plan *plan, struct err *err) {
    struct engine_event event = {.kind = EVENT_DEFINE, .plan = *plan};
    int64_t now_ms = clock_now_ms(f->clock);
    row->updated_ms = now_ms;
    if (row->id == 0) {
        struct engine_state empty = {0};
        row->created_ms = now_ms;
        row->state = dump(a, engine_state_to_json(&empty));
        if (record_pipeline_add(f->db, row, err) < 0) {
            return -1;
        }
    } else if (record_pipeline_define(f->db, row->id, row->version, row->definition, now_ms, err) <
               0) {
        return -1;
    }
    return execution_apply(f, a, row->id, &event, NULL, err);
}

int execution_start(const struct flow *f, struct arena *a, int64_t pipeline,
                    const struct execution_start *start, struct str *ret_id, struct err *err) {
    struct pipeline_row row;
    int found = record_pipeline_by_id(f->db, a, pipeline, &row, err);
    if (found <= 0) {
        return found < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "the pipeline was deleted");
    }
    struct engine_state state;
    if (execution_state(a, &row, &state, err) < 0) {
        return -1;
    }
    int64_t now_ms = clock_now_ms(f->clock);
    struct execution_row execution = {
        .id = rng_uuid(f->rng, a),
        .pipeline = pipeline,
        .number = state.started + 1,
        .version = row.version,
        .status = S("InProgress"),
        .trigger_type = start->trigger_type,
        .trigger_detail = start->trigger_detail,
        .source_commit = start->commit,
        .variables = start->variables,
        .request_token = start->request_token,
        .started_ms = now_ms,
        .updated_ms = now_ms,
    };
    struct engine_event event = {.kind = EVENT_START, .execution = execution.id};
    *ret_id = execution.id;
    return record_execution_add(f->db, &execution, err) < 0
               ? -1
               : execution_apply(f, a, pipeline, &event, NULL, err);
}

/* An action that leaves more than CodePipeline keeps has failed, whatever it did. */
static struct action_end within_limits(struct arena *a, const struct action_end *end) {
    struct err why = ERR_INIT;
    if (!end->ok || variables_check_output(end->output_variables, &why) == 0) {
        return *end;
    }
    struct str text = str_dup(a, str_c(why.msg));
    return (struct action_end){
        .summary = text, .error_code = S("JobFailed"), .error_message = text};
}

int execution_action_end(const struct flow *f, struct arena *a, struct str action_id,
                         const struct action_end *given, struct err *err) {
    struct action_end limited = within_limits(a, given);
    const struct action_end *end = &limited;
    struct action_row row;
    int found = record_action_get(f->db, a, action_id, &row, err);
    if (found <= 0) {
        return found;
    }
    if (!str_is(row.status, "InProgress")) {
        return 0;
    }
    struct action_row detail = {
        .id = action_id,
        .summary = end->summary,
        .error_code = end->error_code,
        .error_message = end->error_message,
        .outputs = end->outputs,
        .output_variables = end->output_variables,
        .updated_by = end->updated_by,
    };
    struct engine_event event = {
        .kind = EVENT_ACTION, .execution = row.execution, .action_id = action_id, .ok = end->ok};
    return record_action_detail(f->db, &detail, clock_now_ms(f->clock), err) < 0 ||
                   queue_cancel(f->db, JOB_ACTION, action_id, err) < 0
               ? -1
               : execution_apply(f, a, row.pipeline, &event, NULL, err);
}

int execution_check_end(const struct flow *f, struct arena *a, int64_t pipeline,
                        struct str execution, struct str check_id, bool ok, struct str summary,
                        struct str rules, struct err *err) {
    struct pipeline_row row;
    struct engine_state state;
    int found = record_pipeline_by_id(f->db, a, pipeline, &row, err);
    if (found <= 0 || execution_state(a, &row, &state, err) < 0) {
        return found == 0 ? 0 : -1;
    }
    const struct engine_execution *e = engine_find(&state, execution);
    if (e == NULL || !str_eq(e->check, check_id)) {
        return 0;
    }
    if (record_stage_check(f->db, execution, e->stage, e->attempt, ok ? "Succeeded" : "Failed",
                           summary, rules, clock_now_ms(f->clock), err) < 0) {
        return -1;
    }
    struct engine_event event = {
        .kind = EVENT_CHECK, .execution = execution, .action_id = check_id, .ok = ok};
    return execution_apply(f, a, pipeline, &event, NULL, err);
}
