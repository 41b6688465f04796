/* What a release is waiting for, in words, and a release as JSON; view.h. */
#include "front/cli/view.h"

bool view_over(const struct view *v) {
    return v->status.n && !str_is(v->status, "InProgress") && !str_is(v->status, "Stopping");
}

bool view_waits_for_approval(const struct view *v) {
    for (size_t i = 0; i < v->stages.n; i++) {
        if (v->stages.v[i].token.n) {
            return !view_over(v);
        }
    }
    return false;
}

/* By its gate, by an action, or by a condition after it, which only the release tells. */
static struct str why_failed(struct arena *a, const struct view *v, const struct view_stage *s) {
    if (str_is(s->gate_status, "Failed") || str_is(s->gate_status, "Errored")) {
        return str_printf(a, "The gate to " STR_FMT " stays closed: " STR_FMT, STR_ARG(s->name),
                          STR_ARG(s->gate_summary));
    }
    for (size_t i = 0; i < s->actions.n; i++) {
        const struct view_action *action = &s->actions.v[i];
        if (str_is(action->status, "Failed")) {
            struct str why = action->error.n ? action->error : action->summary;
            return str_printf(a, STR_FMT " failed in " STR_FMT "%s" STR_FMT, STR_ARG(s->name),
                              STR_ARG(action->name), why.n ? ": " : "", STR_ARG(why));
        }
    }
    return v->status_summary.n ? v->status_summary
                               : str_printf(a, STR_FMT " failed", STR_ARG(s->name));
}

struct str view_why(struct arena *a, const struct view *v) {
    for (size_t i = 0; i < v->stages.n; i++) {
        const struct view_stage *s = &v->stages.v[i];
        if (s->token.n && !view_over(v)) {
            return str_printf(a, STR_FMT " waits for a person: trunkline approve, or reject",
                              STR_ARG(s->name));
        }
        if (str_is(s->status, "Failed") && str_is(v->status, "Failed")) {
            return why_failed(a, v, s);
        }
        if (s->waiting && s->disabled) {
            return str_printf(a, "The way into " STR_FMT " is closed: " STR_FMT, STR_ARG(s->name),
                              STR_ARG(s->disabled_reason));
        }
        if (s->waiting && s->holder.n) {
            return str_printf(a, STR_FMT " is held by release %.8s", STR_ARG(s->name), s->holder.p);
        }
        if (str_is(s->gate_status, "InProgress") && str_is(s->status, "InProgress")) {
            return str_printf(a, "The gate to " STR_FMT " is not open yet: " STR_FMT,
                              STR_ARG(s->name), STR_ARG(s->gate_summary));
        }
    }
    return str_is(v->status, "InProgress") || str_is(v->status, "Succeeded") ? STR_NONE
                                                                             : v->status_summary;
}

/* ---- JSON ---- */

static void set_ms(json_t *o, const char *key, int64_t ms) {
    if (ms) {
        json_set(o, key, json_integer(ms));
    }
}

static json_t *map_json(const struct str_map *m) {
    json_t *o = json_object();
    for (size_t i = 0; i < m->n; i++) {
        json_object_setn_new(o, m->v[i].key.p, m->v[i].key.n, json_from_str(m->v[i].value));
    }
    return o;
}

json_t *view_build_json(const struct view_build *b) {
    json_t *o = json_object();
    json_t *phases = json_array();
    for (size_t i = 0; i < b->phases.n; i++) {
        const struct view_phase *p = &b->phases.v[i];
        json_t *one = json_object();
        json_set_str(one, "name", p->name);
        json_set_str(one, "status", p->status);
        set_ms(one, "startMs", p->start_ms);
        set_ms(one, "endMs", p->end_ms);
        if (p->message.n) {
            json_set_str(one, "message", p->message);
        }
        json_array_append_new(phases, one);
    }
    json_set_str(o, "id", b->id);
    json_set_str(o, "status", b->status);
    json_set_str(o, "phase", b->phase);
    json_set_str(o, "command", b->command);
    set_ms(o, "startMs", b->start_ms);
    set_ms(o, "endMs", b->end_ms);
    json_set(o, "phases", phases);
    json_set(o, "exportedVariables", map_json(&b->exported));
    return o;
}

static json_t *action_json(const struct view_action *action) {
    json_t *o = json_object();
    json_set_str(o, "name", action->name);
    json_set_str(o, "category", action->category);
    json_set_str(o, "status", action->status);
    json_set_str(o, "summary", action->summary);
    json_set_str(o, "note", action->note);
    json_set_str(o, "error", action->error);
    json_set_str(o, "updatedBy", action->updated_by);
    json_set_str(o, "externalExecutionId", action->external_id);
    json_set(o, "attempt", json_integer(action->attempt));
    set_ms(o, "startMs", action->start_ms);
    set_ms(o, "updateMs", action->update_ms);
    json_set(o, "variables", map_json(&action->variables));
    if (action->build) {
        json_set(o, "build", view_build_json(action->build));
    }
    return o;
}

static json_t *stage_json(const struct view_stage *s) {
    json_t *o = json_object();
    json_t *actions = json_array();
    for (size_t i = 0; i < s->actions.n; i++) {
        json_array_append_new(actions, action_json(&s->actions.v[i]));
    }
    json_set_str(o, "name", s->name);
    json_set_str(o, "status", s->status);
    set_ms(o, "startMs", s->start_ms);
    set_ms(o, "endMs", s->end_ms);
    if (s->gate_status.n) {
        json_t *gate = json_object();
        json_set_str(gate, "status", s->gate_status);
        json_set_str(gate, "summary", s->gate_summary);
        json_set(o, "gate", gate);
    }
    if (s->disabled) {
        json_set_str(o, "disabledReason", s->disabled_reason.p ? s->disabled_reason : S(""));
    }
    json_set(o, "actions", actions);
    return o;
}

json_t *view_json(const struct view *v) {
    struct arena a = ARENA_INIT;
    json_t *o = json_object();
    json_t *stages = json_array();
    for (size_t i = 0; i < v->stages.n; i++) {
        json_array_append_new(stages, stage_json(&v->stages.v[i]));
    }
    json_set_str(o, "why", view_why(&a, v));
    json_set_str(o, "frees", v->frees);
    json_set_str(o, "pipeline", v->pipeline);
    json_set_str(o, "id", v->id);
    json_set_str(o, "status", v->status);
    json_set_str(o, "statusSummary", v->status_summary);
    json_set_str(o, "trigger", v->trigger);
    json_set_str(o, "commit", v->commit);
    json_set_str(o, "subject", v->subject);
    set_ms(o, "startMs", v->start_ms);
    set_ms(o, "updateMs", v->update_ms);
    json_set(o, "waitsForApproval", json_boolean(view_waits_for_approval(v)));
    json_set_str(o, "why", view_why(&a, v));
    json_set(o, "stages", stages);
    arena_done(&a);
    return o;
}
