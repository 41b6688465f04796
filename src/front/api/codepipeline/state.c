/* GetPipelineState: what each stage holds now, what waits in front of it, and why. */
#include "front/api/codepipeline/codepipeline.h"

#include "platform/text/json.h"

struct showing {
    struct call *c;
    struct err *err;
    const struct pipeline_row *row;
    const struct definition *def;
    const struct engine_state *state;
};

/* Status of an execution as a stage shows it. */
static struct str stage_status_of(struct showing *s, struct str stage, struct str execution) {
    struct stage_row_list rows;
    struct err ignored = ERR_INIT;
    struct str status = S("InProgress");
    if (record_stage_list(s->c->db, s->c->arena, execution, &rows, &ignored) == 0) {
        for (size_t i = 0; i < rows.n; i++) {
            if (str_eq(rows.v[i].stage, stage)) {
                status = rows.v[i].status;
            }
        }
    }
    return status;
}

static struct codepipeline_stage_execution *stage_execution(struct showing *s, struct str id,
                                                            struct str status) {
    struct codepipeline_stage_execution *e =
        arena_new(s->c->arena, struct codepipeline_stage_execution);
    e->pipeline_execution_id = id;
    e->status = status;
    e->type = S("STANDARD");
    return e;
}

static int show_transition(struct showing *s, const struct engine_stage *stage,
                           struct codepipeline_stage_state *out) {
    struct codepipeline_transition_state *t =
        arena_new(s->c->arena, struct codepipeline_transition_state);
    t->enabled = !stage->inbound_disabled;
    t->has_enabled = true;
    struct str reason = STR_NONE;
    int found = record_transition_get(s->c->db, s->c->arena, s->row->id, stage->name, "Inbound",
                                      &reason, &t->last_changed_by, &t->last_changed_at, s->err);
    if (found < 0) {
        return -1;
    }
    t->has_last_changed_at = found > 0;
    if (found > 0 && stage->inbound_disabled) {
        t->disabled_reason = reason;
    }
    out->inbound_transition_state = t;
    return 0;
}

static void show_revision(struct showing *s, const struct action_row *row,
                          struct codepipeline_action_state *out) {
    struct execution_row execution;
    struct revision revision;
    struct err ignored = ERR_INIT;
    if (record_execution_get(s->c->db, s->c->arena, row->execution, &execution, &ignored) <= 0 ||
        !revision_from_json(s->c->arena, execution.revision, &revision) ||
        !str_eq(revision.action, row->action)) {
        return;
    }
    out->current_revision = arena_new(s->c->arena, struct codepipeline_action_revision);
    out->current_revision->revision_id = revision.commit;
    out->current_revision->revision_change_id = revision.commit;
    out->current_revision->created = revision.at_ms;
    out->current_revision->has_created = true;
}

static int show_action(struct showing *s, const struct def_stage *stage,
                       const struct def_action *action, struct codepipeline_action_state *out) {
    *out = (struct codepipeline_action_state){.action_name = action->name};
    struct action_row row;
    int found = record_action_newest(s->c->db, s->c->arena, s->row->id, stage->name, action->name,
                                     &row, s->err);
    if (found <= 0) {
        return found;
    }
    struct codepipeline_action_execution *e =
        arena_new(s->c->arena, struct codepipeline_action_execution);
    e->action_execution_id = row.id;
    e->status = row.status;
    e->summary = row.summary;
    e->last_status_change = row.updated_ms;
    e->has_last_status_change = true;
    e->token = str_is(row.status, "InProgress") ? row.token : STR_NONE;
    e->last_updated_by = row.updated_by;
    e->external_execution_id = row.external_id;
    e->external_execution_url = row.external_url;
    e->log_stream_arn = row.log_stream;
    if (row.error_code.p != NULL || row.error_message.p != NULL) {
        e->error_details = arena_new(s->c->arena, struct codepipeline_error_details);
        e->error_details->code = row.error_code;
        e->error_details->message = row.error_message;
    }
    out->latest_execution = e;
    show_revision(s, &row, out);
    return 0;
}

static void show_rules(struct showing *s, struct str json, int64_t at_ms,
                       struct codepipeline_condition_state *out) {
    struct err ignored = ERR_INIT;
    json_t *rules cleanup_json = json.p ? json_parse(json, &ignored) : NULL;
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *from = json_array_get(rules, i);
        struct codepipeline_rule_state *rule = arena_push(s->c->arena, &out->rule_states);
        rule->rule_name = str_dup(s->c->arena, json_str(from, "name"));
        rule->latest_execution = arena_new(s->c->arena, struct codepipeline_rule_execution);
        rule->latest_execution->status = str_dup(s->c->arena, json_str(from, "status"));
        rule->latest_execution->summary = str_dup(s->c->arena, json_str(from, "summary"));
        rule->latest_execution->last_status_change = at_ms;
        rule->latest_execution->has_last_status_change = true;
    }
}

static int show_condition(struct showing *s, const struct engine_stage *stage,
                          struct codepipeline_stage_state *out) {
    struct stage_row_list rows;
    if (record_stage_list(s->c->db, s->c->arena, stage->last, &rows, s->err) < 0) {
        return -1;
    }
    const struct stage_row *last = NULL;
    for (size_t i = 0; i < rows.n; i++) {
        if (str_eq(rows.v[i].stage, stage->name) && rows.v[i].check_status.p != NULL) {
            last = &rows.v[i];
        }
    }
    if (last == NULL) {
        return 0;
    }
    struct codepipeline_stage_condition_state *state =
        arena_new(s->c->arena, struct codepipeline_stage_condition_state);
    state->latest_execution =
        arena_new(s->c->arena, struct codepipeline_stage_conditions_execution);
    state->latest_execution->status = last->check_status;
    state->latest_execution->summary = last->check_summary;
    struct codepipeline_condition_state *one = arena_push(s->c->arena, &state->condition_states);
    one->latest_execution = arena_new(s->c->arena, struct codepipeline_condition_execution);
    one->latest_execution->status = last->check_status;
    one->latest_execution->summary = last->check_summary;
    one->latest_execution->last_status_change = last->updated_ms;
    one->latest_execution->has_last_status_change = true;
    show_rules(s, last->check_rules, last->updated_ms, one);
    out->before_entry_condition_state = state;
    return 0;
}

static void show_retry(struct showing *s, const struct engine_stage *stage,
                       struct codepipeline_stage_state *out) {
    const struct engine_execution *e = engine_find(s->state, stage->last);
    if (e == NULL || e->attempt < 2 || !str_eq(e->stage, stage->name)) {
        return;
    }
    out->retry_stage_metadata = arena_new(s->c->arena, struct codepipeline_retry_stage_metadata);
    out->retry_stage_metadata->manual_stage_retry_attempt = e->attempt - 1;
    out->retry_stage_metadata->has_manual_stage_retry_attempt = true;
    out->retry_stage_metadata->latest_retry_trigger = S("ManualStageRetry");
}

static int show_stage(struct showing *s, size_t index, struct codepipeline_stage_state *out) {
    const struct def_stage *def = &s->def->stages.v[index];
    const struct engine_stage *stage = engine_stage_find(s->state, def->name);
    *out = (struct codepipeline_stage_state){.stage_name = def->name};
    out->action_states.v =
        arena_new_n(s->c->arena, struct codepipeline_action_state, def->actions.n);
    out->action_states.n = def->actions.n;
    for (size_t i = 0; i < def->actions.n; i++) {
        if (show_action(s, def, &def->actions.v[i], &out->action_states.v[i]) < 0) {
            return -1;
        }
    }
    if (stage == NULL) {
        return 0;
    }
    if (stage->waiting.p != NULL) {
        out->inbound_execution = stage_execution(s, stage->waiting, S("InProgress"));
        *arena_push(s->c->arena, &out->inbound_executions) = *out->inbound_execution;
    }
    if (stage->last.p != NULL) {
        out->latest_execution =
            stage_execution(s, stage->last, stage_status_of(s, def->name, stage->last));
        if (show_condition(s, stage, out) < 0) {
            return -1;
        }
        show_retry(s, stage, out);
    }
    return index == 0 ? 0 : show_transition(s, stage, out);
}

int codepipeline_get_pipeline_state(struct call *c,
                                    const struct codepipeline_get_pipeline_state_input *in,
                                    struct codepipeline_get_pipeline_state_output *out,
                                    struct err *err) {
    struct pipeline_row row;
    struct definition def;
    struct engine_state state;
    if (codepipeline_load(c, in->name, &row, &def, &state, err) < 0) {
        return -1;
    }
    struct showing s = {c, err, &row, &def, &state};
    out->pipeline_name = row.name;
    out->pipeline_version = row.version;
    out->has_pipeline_version = true;
    out->created = row.created_ms;
    out->has_created = true;
    out->updated = row.updated_ms;
    out->has_updated = true;
    out->stage_states.v = arena_new_n(c->arena, struct codepipeline_stage_state, def.stages.n);
    out->stage_states.n = def.stages.n;
    for (size_t i = 0; i < def.stages.n; i++) {
        if (show_stage(&s, i, &out->stage_states.v[i]) < 0) {
            return -1;
        }
    }
    return 0;
}
