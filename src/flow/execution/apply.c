/* Implementation of apply.h. */
#include "flow/execution/apply.h"

#include "base/planted.h"
#include "flow/execution/acts.h"
#include "flow/execution/project.h"
#include "platform/text/json.h"
#include "runtime/queue/queue.h"

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
    struct str stored_event = project_json(t->arena, engine_event_to_json(event));
    struct str stored_state = engine_state_text(t->arena, t->state);
    if (stored_state.p == NULL) {
        return err_set(t->err, ERR_LIMIT, "the pipeline's state has more than %d bytes",
                       ENGINE_MAX_TEXT);
    }
    bool no_event = PLANTED(event_not_kept) && event->kind == EVENT_TRANSITION;
    bool no_state = PLANTED(state_not_kept) && event->kind == EVENT_CHECK;
    if ((!no_event &&
         record_event_add(t->f->db, t->pipeline, t->now_ms, stored_event, t->err) < 0) ||
        (!no_state && record_pipeline_state(t->f->db, t->pipeline, stored_state, t->err) < 0)) {
        return -1;
    }
    if (PLANTED(event_before_rows) &&
        (db_commit(t->f->db, t->err) < 0 || db_begin(t->f->db, t->err) < 0)) {
        return -1;
    }
    for (size_t i = 0; i < effects->n; i++) {
        if (project_effect(t, &effects->v[i]) < 0 || acts_of_effect(t, event, &effects->v[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

/* One step: loaded, taken, written. */
static int take_step(const struct flow *f, struct arena *a, int64_t pipeline,
                     struct engine_event *event, struct str by,
                     struct engine_effect_list *ret_effects, enum engine_refusal *ret_refusal,
                     struct err *err) {
    struct pipeline_row row;
    struct engine_state before;
    struct engine_state after;
    *ret_refusal = REFUSED_NOTHING;
    int found = record_pipeline_by_id(f->db, a, pipeline, &row, err);
    if (found <= 0) {
        return found < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "the pipeline was deleted");
    }
    event->seed = rng_hex(f->rng, a, 32);
    if (execution_state(a, &row, &before, err) < 0 ||
        engine_step(a, &before, event, &after, ret_effects, ret_refusal, err) < 0) {
        return -1;
    }
    bool late = event->kind == EVENT_ACTION || event->kind == EVENT_CHECK;
    if (ret_effects->n == 0 && late) {
        return 0; /* a late end: it happened to nobody */
    }
    struct applying t = {f, a, pipeline, &after, by, clock_now_ms(f->clock), err};
    flow_changed(f);
    return write_step(&t, event, ret_effects);
}

int execution_apply(const struct flow *f, struct arena *a, int64_t pipeline,
                    struct engine_event *event, enum engine_refusal *ret_refusal, struct err *err) {
    enum engine_refusal refusal = REFUSED_NOTHING;
    struct engine_effect_list effects;
    return take_step(f, a, pipeline, event, STR_NONE, &effects,
                     ret_refusal ? ret_refusal : &refusal, err);
}

int execution_define(const struct flow *f, struct arena *a, struct pipeline_row *row,
                     const struct engine_plan *plan, struct err *err) {
    struct engine_event event = {.kind = EVENT_DEFINE, .plan = *plan};
    int64_t now_ms = clock_now_ms(f->clock);
    row->updated_ms = now_ms;
    if (row->id == 0) {
        struct engine_state empty = {0};
        row->created_ms = now_ms;
        row->state = project_json(a, engine_state_to_json(&empty));
        if (record_pipeline_add(f->db, row, err) < 0) {
            return -1;
        }
    } else if (record_pipeline_define(f->db, row->id, row->version, row->definition, now_ms, err) <
               0) {
        return -1;
    }
    return execution_apply(f, a, row->id, &event, NULL, err);
}

static const char *mode_name(enum engine_mode mode) {
    return mode == MODE_QUEUED ? "QUEUED" : mode == MODE_PARALLEL ? "PARALLEL" : "SUPERSEDED";
}

/* The declared variables: what the starter gives over their defaults. */
static int resolve_variables(struct arena *a, const struct pipeline_row *row, struct str given,
                             struct str *ret, struct err *err) {
    struct definition d;
    json_t *o cleanup_json = json_object();
    json_t *values cleanup_json = given.n > 0 ? json_parse(given, err) : json_object();
    if (values == NULL || definition_parse(a, row->definition, &d, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < d.variables.n; i++) {
        if (d.variables.v[i].default_value.p != NULL) {
            json_set_str(o, str_z(a, d.variables.v[i].name), d.variables.v[i].default_value);
        }
    }
    json_object_update(o, values);
    *ret = json_dump_str(a, o);
    return 0;
}

int execution_start(const struct flow *f, struct arena *a, int64_t pipeline,
                    const struct execution_start *start, struct str *ret_id,
                    enum engine_refusal *ret_refusal, struct err *err) {
    struct pipeline_row row;
    int found = record_pipeline_by_id(f->db, a, pipeline, &row, err);
    if (found <= 0) {
        return found < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "the pipeline was deleted");
    }
    struct engine_state state;
    if (execution_state(a, &row, &state, err) < 0) {
        return -1;
    }
    struct str variables = STR_NONE;
    if (resolve_variables(a, &row, start->variables, &variables, err) < 0) {
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
        .variables = variables,
        .request_token = start->request_token,
        .mode = str_c(mode_name(state.plan.mode)),
        .type = S("STANDARD"),
        .started_ms = now_ms,
        .updated_ms = now_ms,
    };
    struct engine_event event = {.kind = EVENT_START, .execution = execution.id};
    *ret_id = execution.id;
    return record_execution_add(f->db, &execution, err) < 0 ||
                   acts_started(f, a, &row, &execution, err) < 0 ||
                   source_pins_put(f->db, execution.id, &start->pins, err) < 0
               ? -1
               : execution_apply(f, a, pipeline, &event, ret_refusal, err);
}

/* ---- rollback ---- */

static int not_a_target(enum engine_refusal why, enum engine_refusal *ret_refusal, struct err *err,
                        struct str target, const char *because) {
    *ret_refusal = why;
    return err_set(err, ERR_CONFLICT, "execution '%.*s' cannot be rolled back to: %s",
                   STR_ARG(target), because);
}

static int check_target(const struct flow *f, const struct pipeline_row *pipeline,
                        const struct execution_row *target, struct str stage,
                        enum engine_refusal *ret_refusal, struct err *err) {
    bool succeeded = false;
    if (record_succeeded_in(f->db, target->id, stage, &succeeded, err) < 0) {
        return -1;
    }
    if (target->version != pipeline->version && !PLANTED(rollback_to_any_version)) {
        return not_a_target(REFUSED_OUTDATED, ret_refusal, err, target->id,
                            "the pipeline's structure has changed since");
    }
    if (!str_is(target->type, "STANDARD")) {
        return not_a_target(REFUSED_NO_ROLLBACK, ret_refusal, err, target->id,
                            "it is a rollback itself");
    }
    return succeeded || PLANTED(rollback_to_failure)
               ? 0
               : not_a_target(REFUSED_NO_ROLLBACK, ret_refusal, err, target->id,
                              "it did not succeed in that stage");
}

int execution_rollback(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                       struct str stage, const struct execution_row *target, struct str by,
                       struct str *ret_id, enum engine_refusal *ret_refusal, struct err *err) {
    struct engine_event event = {.kind = EVENT_ROLLBACK, .stage = stage, .execution = target->id};
    struct engine_effect_list effects;
    struct engine_state state;
    *ret_refusal = REFUSED_NOTHING;
    if (execution_state(a, pipeline, &state, err) < 0) {
        return -1;
    }
    bool known = engine_stage_find(&state, stage) != NULL; /* else the step says so */
    if ((known && check_target(f, pipeline, target, stage, ret_refusal, err) < 0) ||
        take_step(f, a, pipeline->id, &event, by, &effects, ret_refusal, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < effects.n; i++) {
        if (effects.v[i].kind == EFFECT_ROLLBACK) {
            *ret_id = effects.v[i].execution;
        }
    }
    return 0;
}

/* ---- ends ---- */

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

/* A pipeline that was deleted takes no step any more: the row alone tells how it went. */
static int end_of_deleted(const struct flow *f, const struct action_row *row, bool ok,
                          struct err *err) {
    return record_action_status(f->db, row->id, run_status_name(ok ? RUN_SUCCEEDED : RUN_ABANDONED),
                                clock_now_ms(f->clock), err);
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
    if (!str_is(row.status, "InProgress") && !PLANTED(late_end_rewrites)) {
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
    int there = record_pipeline_is_there(f->db, row.pipeline, err);
    if (there < 0 || record_action_detail(f->db, &detail, clock_now_ms(f->clock), err) < 0 ||
        queue_cancel(f->db, JOB_ACTION, action_id, err) < 0) {
        return -1;
    }
    return there > 0 ? execution_apply(f, a, row.pipeline, &event, NULL, err)
                     : end_of_deleted(f, &row, end->ok, err);
}

int execution_check_end(const struct flow *f, struct arena *a, int64_t pipeline,
                        struct str execution, struct str check_id, const struct check_end *end,
                        struct err *err) {
    struct condition_row row;
    int found = record_condition_get(f->db, a, check_id, &row, err);
    if (found <= 0 || !str_is(row.status, "InProgress")) {
        return found < 0 ? -1 : 0;
    }
    struct engine_event event = {.kind = EVENT_CHECK,
                                 .execution = execution,
                                 .action_id = check_id,
                                 .ok = end->ok,
                                 .errored = end->errored};
    return record_condition_summary(f->db, check_id, end->summary, clock_now_ms(f->clock), err) < 0
               ? -1
               : execution_apply(f, a, pipeline, &event, NULL, err);
}
