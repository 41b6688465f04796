/* Puts a release together from AWS's operations; view.h. */
#include "front/cli/view_log.h"
#include "front/why/why.h"

#include "gen/codebuild.h"
#include "gen/codepipeline.h"

enum { NEWEST_LINES = 300, FRESH_MS = 3000 };

struct loader {
    struct arena *a;
    const struct aws_target *t;
    struct view *v;
    unsigned what;
    struct err *err;
};

static struct view_stage *stage_named(const struct view *v, struct str name) {
    for (size_t i = 0; i < v->stages.n; i++) {
        if (str_eq(v->stages.v[i].name, name)) {
            return &v->stages.v[i];
        }
    }
    return NULL;
}

/* ---- the pipeline's stages and gates ---- */

static void add_alarms(const struct loader *l, const struct codepipeline_stage_declaration *s) {
    for (size_t i = 0; s->before_entry && i < s->before_entry->conditions.n; i++) {
        const struct codepipeline_rule_declaration_list *rules =
            &s->before_entry->conditions.v[i].rules;
        for (size_t k = 0; k < rules->n; k++) {
            struct view_alarm one = {
                .name = str_map_get(&rules->v[k].configuration, S("AlarmName")), .stage = s->name};
            struct aws_arn arn;
            if (aws_arn_parse(rules->v[k].role_arn, &arn)) {
                one.account = arn.account;
            }
            bool known = one.name.p == NULL;
            for (size_t j = 0; j < l->v->alarms.n; j++) {
                known = known || (str_eq(l->v->alarms.v[j].name, one.name) &&
                                  str_eq(l->v->alarms.v[j].account, one.account));
            }
            if (!known) {
                *arena_push(l->a, &l->v->alarms) = one;
            }
        }
    }
}

static int load_stages(const struct loader *l, int version) {
    struct codepipeline_get_pipeline_input in = {
        .name = l->v->pipeline, .version = version, .has_version = version > 0};
    struct codepipeline_get_pipeline_output out;
    if (codepipeline_call_get_pipeline(l->t, l->a, &in, &out, l->err) < 0) {
        return -1;
    }
    for (size_t i = 0; out.pipeline && i < out.pipeline->stages.n; i++) {
        const struct codepipeline_stage_declaration *s = &out.pipeline->stages.v[i];
        struct view_stage *stage = arena_push(l->a, &l->v->stages);
        *stage = (struct view_stage){.name = s->name};
        for (size_t k = 0; k < s->actions.n; k++) {
            stage->approval =
                stage->approval || (s->actions.v[k].action_type_id &&
                                    str_is(s->actions.v[k].action_type_id->category, "Approval"));
        }
        add_alarms(l, s);
    }
    return 0;
}

static int load_execution(const struct loader *l, int *ret_version) {
    struct codepipeline_get_pipeline_execution_input in = {.pipeline_name = l->v->pipeline,
                                                           .pipeline_execution_id = l->v->id};
    struct codepipeline_get_pipeline_execution_output out;
    if (codepipeline_call_get_pipeline_execution(l->t, l->a, &in, &out, l->err) < 0) {
        return -1;
    }
    const struct codepipeline_pipeline_execution *e = out.pipeline_execution;
    *ret_version = e && e->has_pipeline_version ? e->pipeline_version : 0;
    if (e == NULL) {
        return err_set(l->err, ERR_NOT_FOUND, "there is no release " STR_FMT, STR_ARG(l->v->id));
    }
    l->v->status = e->status;
    l->v->status_summary = e->status_summary;
    l->v->trigger = e->trigger ? e->trigger->trigger_type : STR_NONE;
    if (e->artifact_revisions.n) {
        struct str message = e->artifact_revisions.v[0].revision_summary;
        l->v->commit = e->artifact_revisions.v[0].revision_id;
        l->v->subject = str_sub(message, 0, str_find_c(message, '\n', 0));
    }
    return 0;
}

/* ---- actions ---- */

static void add_action(const struct loader *l,
                       const struct codepipeline_action_execution_detail *from) {
    struct view_stage *stage = stage_named(l->v, from->stage_name);
    if (stage == NULL) {
        return;
    }
    /* They come newest first: a further one of the same name is an earlier attempt. */
    for (size_t i = 0; i < stage->actions.n; i++) {
        if (str_eq(stage->actions.v[i].name, from->action_name)) {
            stage->actions.v[i].attempt++;
            return;
        }
    }
    struct view_action *action = arena_push(l->a, &stage->actions);
    *action = (struct view_action){
        .name = from->action_name,
        .status = from->status,
        .updated_by = from->updated_by,
        .start_ms = from->start_time,
        .update_ms = from->last_update_time,
        .attempt = 1,
    };
    if (from->input && from->input->action_type_id) {
        action->category = from->input->action_type_id->category;
        action->note = str_map_get(&from->input->resolved_configuration, S("CustomData"));
    }
    if (from->output) {
        action->variables = from->output->output_variables;
        const struct codepipeline_action_execution_result *r = from->output->execution_result;
        if (r) {
            action->summary = r->external_execution_summary;
            action->external_id = r->external_execution_id;
            action->error = r->error_details ? r->error_details->message : STR_NONE;
        }
    }
}

static void reverse_actions(struct view_stage *stage) {
    for (size_t i = 0; i < stage->actions.n / 2; i++) {
        struct view_action one = stage->actions.v[i];
        stage->actions.v[i] = stage->actions.v[stage->actions.n - 1 - i];
        stage->actions.v[stage->actions.n - 1 - i] = one;
    }
}

static int load_actions(const struct loader *l) {
    struct codepipeline_action_execution_filter filter = {.pipeline_execution_id = l->v->id};
    struct codepipeline_list_action_executions_input in = {.pipeline_name = l->v->pipeline,
                                                           .filter = &filter};
    struct codepipeline_list_action_executions_output out;
    do {
        if (codepipeline_call_list_action_executions(l->t, l->a, &in, &out, l->err) < 0) {
            return -1;
        }
        for (size_t i = 0; i < out.action_execution_details.n; i++) {
            add_action(l, &out.action_execution_details.v[i]);
        }
        in.next_token = out.next_token;
    } while (out.next_token.n > 0);
    for (size_t i = 0; i < l->v->stages.n; i++) {
        reverse_actions(&l->v->stages.v[i]);
    }
    return 0;
}

/* ---- the state of stages ---- */

static void read_gate(struct view_stage *stage, const struct codepipeline_stage_state *from) {
    const struct codepipeline_stage_condition_state *gate = from->before_entry_condition_state;
    if (gate && gate->latest_execution) {
        stage->gate_status = gate->latest_execution->status;
        stage->gate_summary = gate->latest_execution->summary;
    }
    for (size_t i = 0; gate && i < gate->condition_states.n; i++) {
        const struct codepipeline_condition_execution *one =
            gate->condition_states.v[i].latest_execution;
        stage->gate_ms = one && one->last_status_change > stage->gate_ms ? one->last_status_change
                                                                         : stage->gate_ms;
    }
}

static void read_token(struct view_stage *stage, const struct codepipeline_stage_state *from) {
    for (size_t i = 0; i < from->action_states.n; i++) {
        const struct codepipeline_action_state *a = &from->action_states.v[i];
        if (a->latest_execution && a->latest_execution->token.n &&
            str_is(a->latest_execution->status, "InProgress")) {
            stage->token = a->latest_execution->token;
            stage->approve_action = a->action_name;
        }
    }
}

static void read_stage(const struct loader *l, struct view_stage *stage,
                       const struct codepipeline_stage_state *from) {
    const struct codepipeline_stage_execution *latest = from->latest_execution;
    if (from->inbound_transition_state && from->inbound_transition_state->has_enabled) {
        stage->disabled = !from->inbound_transition_state->enabled;
        stage->disabled_reason = from->inbound_transition_state->disabled_reason;
    }
    stage->waiting =
        from->inbound_execution && str_eq(from->inbound_execution->pipeline_execution_id, l->v->id);
    if (latest && str_eq(latest->pipeline_execution_id, l->v->id)) {
        stage->status = latest->status;
        read_gate(stage, from);
        read_token(stage, from);
    } else if (latest && stage->waiting && str_is(latest->status, "InProgress")) {
        stage->holder = latest->pipeline_execution_id;
    }
}

/* A stage that a later release has taken: its actions tell how it went. */
static struct str status_of_actions(const struct view_stage *stage) {
    struct str status = stage->actions.n ? S("Succeeded") : STR_NONE;
    for (size_t i = 0; i < stage->actions.n; i++) {
        if (!str_is(stage->actions.v[i].status, "Succeeded")) {
            status = stage->actions.v[i].status;
        }
    }
    return status;
}

static void set_times(struct view *v, struct view_stage *stage) {
    for (size_t i = 0; i < stage->actions.n; i++) {
        const struct view_action *a = &stage->actions.v[i];
        if (stage->start_ms == 0 || a->start_ms < stage->start_ms) {
            stage->start_ms = a->start_ms;
        }
        stage->end_ms = a->update_ms > stage->end_ms ? a->update_ms : stage->end_ms;
        v->update_ms = a->update_ms > v->update_ms ? a->update_ms : v->update_ms;
    }
    if (v->start_ms == 0 || (stage->start_ms && stage->start_ms < v->start_ms)) {
        v->start_ms = stage->start_ms;
    }
    if (str_is(stage->status, "InProgress")) {
        stage->end_ms = 0;
    }
}

static int load_state(const struct loader *l) {
    struct codepipeline_get_pipeline_state_input in = {.name = l->v->pipeline};
    struct codepipeline_get_pipeline_state_output out;
    if (codepipeline_call_get_pipeline_state(l->t, l->a, &in, &out, l->err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < out.stage_states.n; i++) {
        struct view_stage *stage = stage_named(l->v, out.stage_states.v[i].stage_name);
        if (stage) {
            read_stage(l, stage, &out.stage_states.v[i]);
        }
    }
    l->v->frees = why_of(l->a, &out.stage_states, l->v->id).frees;
    return 0;
}

/* A stage whose action runs is not over, and one that the release has left is. */
void view_settle(struct view *v) {
    bool left = false;
    for (size_t i = v->stages.n; i > 0; i--) {
        struct view_stage *stage = &v->stages.v[i - 1];
        struct str by_actions = status_of_actions(stage);
        bool over = str_is(stage->status, "Succeeded") || str_is(stage->status, "Failed");
        bool behind =
            left ? str_is(stage->status, "InProgress") : over && str_is(by_actions, "InProgress");
        if (stage->status.p == NULL || (behind && by_actions.p != NULL)) {
            stage->status = by_actions;
        }
        left = left || stage->actions.n > 0;
    }
    for (size_t i = 0; i < v->stages.n; i++) {
        set_times(v, &v->stages.v[i]);
    }
}

/* ---- builds ---- */

static void read_build(struct arena *a, const struct codebuild_build *from,
                       struct view_build *ret) {
    *ret = (struct view_build){
        .id = from->id,
        .status = from->build_status,
        .phase = from->current_phase,
        .start_ms = from->start_time,
        .end_ms = from->has_end_time ? from->end_time : 0,
    };
    if (from->logs) {
        ret->log_group = from->logs->group_name;
        ret->log_stream = from->logs->stream_name;
    }
    for (size_t i = 0; i < from->phases.n; i++) {
        const struct codebuild_build_phase *p = &from->phases.v[i];
        *arena_push(a, &ret->phases) = (struct view_phase){
            .name = p->phase_type,
            .status = p->phase_status,
            .start_ms = p->start_time,
            .end_ms = p->has_end_time ? p->end_time : 0,
            .message = p->contexts.n ? p->contexts.v[0].message : STR_NONE,
        };
    }
    for (size_t i = 0; i < from->exported_environment_variables.n; i++) {
        *arena_push(a, &ret->exported) =
            (struct str_pair){from->exported_environment_variables.v[i].name,
                              from->exported_environment_variables.v[i].value};
    }
}

static int load_commands(struct arena *a, const struct aws_target *t, struct view_build *b,
                         struct err *err) {
    /* Of one that failed as many as AWS gives at once: its cause may be far from the end. */
    struct logs_get_log_events_request in = {
        .log_group_name = b->log_group,
        .log_stream_name = b->log_stream,
        .limit = NEWEST_LINES,
        .has_limit = !str_is(b->status, "FAILED"),
    };
    struct logs_get_log_events_response out;
    if (b->log_group.n == 0 || b->log_stream.n == 0) {
        return 0;
    }
    if (logs_call_get_log_events(t, a, &in, &out, err) < 0) {
        return err->kind == ERR_NOT_FOUND || err->http_status == 400 ? 0 : -1;
    }
    view_read_log(a, &out.events, b);
    return 0;
}

/* Logs that may have news, and those that say why a build failed. */
static bool is_worth_reading(const struct view_build *b) {
    return b->end_ms == 0 || str_is(b->status, "FAILED") ||
           clock_now_ms(&clock_system) - b->end_ms < FRESH_MS;
}

static void give_build(const struct loader *l, struct view_build *b) {
    for (size_t i = 0; i < l->v->stages.n; i++) {
        for (size_t k = 0; k < l->v->stages.v[i].actions.n; k++) {
            if (str_eq(l->v->stages.v[i].actions.v[k].external_id, b->id)) {
                l->v->stages.v[i].actions.v[k].build = b;
            }
        }
    }
}

static int load_builds(const struct loader *l) {
    struct codebuild_batch_get_builds_input in = {0};
    struct codebuild_batch_get_builds_output out;
    for (size_t i = 0; i < l->v->stages.n; i++) {
        for (size_t k = 0; k < l->v->stages.v[i].actions.n; k++) {
            struct str id = l->v->stages.v[i].actions.v[k].external_id;
            if (str_find_c(id, ':', 0) != (size_t)-1 && in.ids.n < 100) {
                *arena_push(l->a, &in.ids) = id;
            }
        }
    }
    if (in.ids.n == 0) {
        return 0;
    }
    if (codebuild_call_batch_get_builds(l->t, l->a, &in, &out, l->err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < out.builds.n; i++) {
        struct view_build *b = arena_new(l->a, struct view_build);
        read_build(l->a, &out.builds.v[i], b);
        if ((l->what & VIEW_COMMANDS) && is_worth_reading(b) &&
            load_commands(l->a, l->t, b, l->err) < 0) {
            return -1;
        }
        give_build(l, b);
    }
    return 0;
}

int view_load(struct arena *a, const struct aws_target *t, struct str pipeline, struct str id,
              unsigned what, struct view *ret, struct err *err) {
    struct loader l = {a, t, ret, what, err};
    int version = 0;
    *ret = (struct view){.pipeline = pipeline, .id = id};
    /* What comes last in a release is read first: whatever is seen, its causes are seen too. */
    if (load_execution(&l, &version) < 0 || load_stages(&l, version) < 0 || load_state(&l) < 0 ||
        load_actions(&l) < 0) {
        return -1;
    }
    view_settle(ret);
    return what & (VIEW_BUILDS | VIEW_COMMANDS) ? load_builds(&l) : 0;
}

int view_load_build(struct arena *a, const struct aws_target *t, struct str id,
                    struct view_build *ret, struct err *err) {
    struct codebuild_batch_get_builds_input in = {.ids = {&id, 1}};
    struct codebuild_batch_get_builds_output out;
    if (codebuild_call_batch_get_builds(t, a, &in, &out, err) < 0) {
        return -1;
    }
    if (out.builds.n == 0) {
        return err_set(err, ERR_NOT_FOUND, "there is no build " STR_FMT, STR_ARG(id));
    }
    read_build(a, &out.builds.v[0], ret);
    return 0;
}
