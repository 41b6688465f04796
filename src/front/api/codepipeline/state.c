/* GetPipelineState: what each stage holds now, what waits in front of it, and why. */
#include "front/api/codepipeline/codepipeline.h"

#include "flow/worker/jobs.h"
#include "flow/worker/types.h"

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
    const struct engine_execution *known = engine_find(s->state, id);
    e->type = known != NULL && known->rollback_of.p != NULL ? S("ROLLBACK") : S("STANDARD");
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

static int show_revision(struct showing *s, const struct action_row *row,
                         struct codepipeline_action_state *out) {
    struct source_revision_list list;
    if (source_revision_list(s->c->db, s->c->arena, row->execution, &list, s->err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        const struct revision *r = &list.v[i].revision;
        if (str_eq(r->action, row->action)) {
            out->revision_url = r->url;
            out->current_revision = arena_new(s->c->arena, struct codepipeline_action_revision);
            out->current_revision->revision_id = r->commit;
            out->current_revision->revision_change_id = str_sub(r->commit, 0, 100);
            out->current_revision->created = r->at_ms;
            out->current_revision->has_created = true;
        }
    }
    return 0;
}

/* Of an action that somebody's worker does: the links that its type makes, and how far it is. */
static int show_work(struct showing *s, const struct def_action *action,
                     const struct action_row *row, struct codepipeline_action_state *out) {
    struct arena *a = s->c->arena;
    struct worker_type t = {.account = s->c->account,
                            .region = s->c->region,
                            .owner = action->owner,
                            .category = action->category,
                            .provider = action->provider,
                            .version = action->version};
    struct worker_job job;
    if (str_is(action->owner, "AWS")) {
        return 0;
    }
    int found = worker_type_get(s->c->db, a, &t, s->err);
    if (found <= 0) {
        return found;
    }
    const struct str_map *settings = &action->configuration;
    out->entity_url =
        worker_url(a, worker_type_template(a, &t, "entityUrlTemplate"), settings, row->external_id);
    if (out->revision_url.p == NULL) {
        out->revision_url = worker_url(a, worker_type_template(a, &t, "revisionUrlTemplate"),
                                       settings, row->external_id);
    }
    found = worker_job_of_action(s->c->db, a, row->id, &job, s->err);
    if (found > 0 && job.percent >= 0) {
        out->latest_execution->percent_complete = job.percent;
        out->latest_execution->has_percent_complete = true;
    }
    return found < 0 ? -1 : 0;
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
    return show_revision(s, &row, out) < 0 ? -1 : show_work(s, action, &row, out);
}

static int show_rules(struct showing *s, const struct condition_row *row,
                      struct codepipeline_condition_state *out) {
    struct rule_row_list rules;
    if (record_rule_list(s->c->db, s->c->arena, row->id, &rules, s->err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule_row *from = &rules.v[i];
        struct codepipeline_rule_state *rule = arena_push(s->c->arena, &out->rule_states);
        struct codepipeline_rule_execution *e =
            arena_new(s->c->arena, struct codepipeline_rule_execution);
        *e = (struct codepipeline_rule_execution){
            .rule_execution_id = from->id,
            .status = from->status,
            .summary = from->summary,
            .last_status_change = from->updated_ms,
            .has_last_status_change = true,
            .external_execution_id = from->external_id,
            .external_execution_url = from->external_url,
        };
        if (from->error_code.p != NULL || from->error_message.p != NULL) {
            e->error_details = arena_new(s->c->arena, struct codepipeline_error_details);
            e->error_details->code = from->error_code;
            e->error_details->message = from->error_message;
        }
        rule->rule_name = from->rule;
        rule->latest_execution = e;
    }
    return 0;
}

static int show_condition(struct showing *s, const struct condition_row *row,
                          struct codepipeline_stage_condition_state **ret) {
    struct codepipeline_stage_condition_state *state =
        arena_new(s->c->arena, struct codepipeline_stage_condition_state);
    state->latest_execution =
        arena_new(s->c->arena, struct codepipeline_stage_conditions_execution);
    state->latest_execution->status = row->status;
    state->latest_execution->summary = row->summary;
    struct codepipeline_condition_state *one = arena_push(s->c->arena, &state->condition_states);
    one->latest_execution = arena_new(s->c->arena, struct codepipeline_condition_execution);
    one->latest_execution->status = row->status;
    one->latest_execution->summary = row->summary;
    one->latest_execution->last_status_change = row->updated_ms;
    one->latest_execution->has_last_status_change = true;
    *ret = state;
    return show_rules(s, row, one);
}

/* The newest check of each kind. */
static int show_conditions(struct showing *s, struct str execution, struct str stage,
                           struct codepipeline_stage_state *out) {
    struct condition_row_list rows;
    if (record_condition_list(s->c->db, s->c->arena, execution, stage, &rows, s->err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < rows.n; i++) {
        struct str kind = rows.v[i].kind;
        struct codepipeline_stage_condition_state **to =
            str_is(kind, "ON_SUCCESS")   ? &out->on_success_condition_state
            : str_is(kind, "ON_FAILURE") ? &out->on_failure_condition_state
                                         : &out->before_entry_condition_state;
        if (show_condition(s, &rows.v[i], to) < 0) {
            return -1;
        }
    }
    return 0;
}

static void show_retry(struct showing *s, const struct engine_stage *stage,
                       struct codepipeline_stage_state *out) {
    const struct engine_execution *e = engine_find(s->state, stage->last);
    if (e == NULL || e->auto_retries + e->manual_retries == 0 || !str_eq(e->stage, stage->name)) {
        return;
    }
    struct codepipeline_retry_stage_metadata *m =
        arena_new(s->c->arena, struct codepipeline_retry_stage_metadata);
    m->auto_stage_retry_attempt = e->auto_retries;
    m->has_auto_stage_retry_attempt = e->auto_retries > 0;
    m->manual_stage_retry_attempt = e->manual_retries;
    m->has_manual_stage_retry_attempt = e->manual_retries > 0;
    m->latest_retry_trigger = e->auto_last ? S("AutomatedStageRetry") : S("ManualStageRetry");
    out->retry_stage_metadata = m;
}

/* Who was in the stage last. The engine forgets it with a new version, by which nobody of before
 * may be retried; what became of it is shown until another one comes. */
static int show_latest(struct showing *s, const struct engine_stage *stage,
                       struct codepipeline_stage_state *out) {
    struct execution_row row;
    struct str last = stage->last;
    int found = last.p != NULL ? 1
                               : record_stage_newest(s->c->db, s->c->arena, s->row->id, stage->name,
                                                     &last, s->err);
    if (found <= 0) {
        return found;
    }
    out->latest_execution = stage_execution(s, last, stage_status_of(s, stage->name, last));
    if (engine_find(s->state, last) == NULL) {
        found = record_execution_get(s->c->db, s->c->arena, last, &row, s->err);
        out->latest_execution->type = found > 0 ? row.type : S("STANDARD");
    }
    return found < 0 ? -1 : show_conditions(s, last, stage->name, out);
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
    for (size_t i = 0; i < stage->waiting.n; i++) {
        *arena_push(s->c->arena, &out->inbound_executions) =
            *stage_execution(s, stage->waiting.v[i], S("InProgress"));
    }
    if (stage->waiting.n > 0) {
        out->inbound_execution = &out->inbound_executions.v[0];
    }
    if (show_latest(s, stage, out) < 0) {
        return -1;
    }
    show_retry(s, stage, out);
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
    if (state.plan.mode == MODE_PARALLEL) {
        def.stages.n = 0; /* executions hold no stages: the lists of executions and actions tell */
    }
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
