/* Implementation of why.h. */
#include "front/why/why.h"

#define SHORT(id) STR_ARG(str_sub((id), 0, 8))

static bool in_progress(const struct codepipeline_stage_state *s) {
    return s->latest_execution != NULL && str_is(s->latest_execution->status, "InProgress");
}

static bool asks_person(const struct codepipeline_stage_state *s) {
    for (size_t i = 0; i < s->action_states.n; i++) {
        const struct codepipeline_action_execution *e = s->action_states.v[i].latest_execution;
        if (e != NULL && e->token.n > 0 && str_is(e->status, "InProgress")) {
            return true;
        }
    }
    return false;
}

/* ---- conditions ---- */

struct condition {
    const struct codepipeline_stage_condition_state *state;
    const char *what;
};

static void conditions_of(const struct codepipeline_stage_state *s, struct condition ret[3]) {
    ret[0] = (struct condition){s->before_entry_condition_state, "the entry condition"};
    ret[1] = (struct condition){s->on_success_condition_state, "the condition after success"};
    ret[2] = (struct condition){s->on_failure_condition_state, "the condition after a failure"};
}

static bool has_status(const struct condition *c, const char *status) {
    return c->state != NULL && c->state->latest_execution != NULL &&
           str_is(c->state->latest_execution->status, status);
}

/* The rule that has not passed yet says more than the condition. */
static struct str reason_of(const struct condition *c) {
    for (size_t i = 0; i < c->state->condition_states.n; i++) {
        const struct codepipeline_condition_state *one = &c->state->condition_states.v[i];
        for (size_t k = 0; k < one->rule_states.n; k++) {
            const struct codepipeline_rule_execution *e = one->rule_states.v[k].latest_execution;
            if (e != NULL && !str_is(e->status, "Succeeded") && e->summary.n > 0) {
                return e->summary;
            }
        }
    }
    return c->state->latest_execution->summary.n > 0 ? c->state->latest_execution->summary
                                                     : S("it has not been looked at yet");
}

static bool why_condition(struct arena *a, const struct codepipeline_stage_state *s,
                          struct why *ret) {
    struct condition all[3];
    conditions_of(s, all);
    bool runs = in_progress(s);
    for (size_t i = 0; i < 3; i++) {
        bool waits = runs && has_status(&all[i], "InProgress");
        bool failed = !runs && i < 2 && s->latest_execution != NULL &&
                      str_is(s->latest_execution->status, "Failed") &&
                      (has_status(&all[i], "Failed") || has_status(&all[i], "Errored"));
        if (!waits && !failed) {
            continue;
        }
        ret->what = str_printf(a, "%s of %.*s %s: %.*s", all[i].what, STR_ARG(s->stage_name),
                               waits ? "is not met yet" : "failed", STR_ARG(reason_of(&all[i])));
        ret->frees =
            i == 2  ? S("it is decided by itself")
            : waits ? str_printf(a, "it is met, or trunkline override %.*s", STR_ARG(s->stage_name))
                    : str_printf(a,
                                 "trunkline retry %.*s when the reason is gone, or trunkline "
                                 "override %.*s",
                                 STR_ARG(s->stage_name), STR_ARG(s->stage_name));
        return true;
    }
    return false;
}

/* ---- in a stage ---- */

static bool why_failed(struct arena *a, const struct codepipeline_stage_state *s, bool first,
                       struct why *ret) {
    for (size_t i = 0; i < s->action_states.n; i++) {
        const struct codepipeline_action_state *one = &s->action_states.v[i];
        const struct codepipeline_action_execution *e = one->latest_execution;
        if (e == NULL || !str_is(e->status, "Failed")) {
            continue;
        }
        struct str said = e->error_details != NULL && e->error_details->message.n > 0
                              ? e->error_details->message
                              : e->summary;
        ret->what = str_printf(a, "%.*s failed in %.*s%s%.*s", STR_ARG(one->action_name),
                               STR_ARG(s->stage_name), said.n > 0 ? ": " : "", STR_ARG(said));
        ret->frees =
            first ? str_printf(a, "trunkline retry %.*s, or a new commit", STR_ARG(s->stage_name))
                  : str_printf(a, "trunkline retry %.*s, a new commit, or trunkline rollback %.*s",
                               STR_ARG(s->stage_name), STR_ARG(s->stage_name));
        return true;
    }
    return false;
}

struct why why_in(struct arena *a, const struct codepipeline_stage_state *s, bool first) {
    struct why w = {0};
    if (s->latest_execution == NULL) {
        return w;
    }
    struct str status = s->latest_execution->status;
    if (str_is(status, "Stopping")) {
        w.what = str_printf(a, "%.*s is being stopped: what runs in it is let end",
                            STR_ARG(s->stage_name));
        w.frees = str_printf(a, "it ends, or trunkline stop --abandon %.*s",
                             SHORT(s->latest_execution->pipeline_execution_id));
    } else if (in_progress(s) && asks_person(s)) {
        w.what = str_printf(a, "%.*s waits for a person", STR_ARG(s->stage_name));
        w.frees = str_printf(a, "trunkline approve %.*s, or trunkline reject %.*s",
                             STR_ARG(s->stage_name), STR_ARG(s->stage_name));
    } else if (!why_condition(a, s, &w) && str_is(status, "Failed")) {
        why_failed(a, s, first, &w);
    } else if (w.what.p == NULL && str_is(status, "Stopped")) {
        w.what = str_printf(a, "%.*s was stopped", STR_ARG(s->stage_name));
        w.frees = str_printf(a, "trunkline retry %.*s, or a new commit", STR_ARG(s->stage_name));
    }
    return w;
}

/* ---- in front of it ---- */

struct why why_before(struct arena *a, const struct codepipeline_stage_state *s,
                      struct str execution) {
    const struct codepipeline_transition_state *t = s->inbound_transition_state;
    struct why w = {0};
    size_t before = 0;
    while (before < s->inbound_executions.n &&
           !str_eq(s->inbound_executions.v[before].pipeline_execution_id, execution)) {
        before++;
    }
    if (t != NULL && t->has_enabled && !t->enabled) {
        w.what = str_printf(a, "the way into %.*s is closed%s%.*s", STR_ARG(s->stage_name),
                            t->disabled_reason.n > 0 ? ": " : "", STR_ARG(t->disabled_reason));
        w.frees = str_printf(a, "trunkline enable %.*s", STR_ARG(s->stage_name));
    } else if (before > 0) {
        w.what = str_printf(a, "%zu release%s before it in front of %.*s", before,
                            before == 1 ? " is" : "s are", STR_ARG(s->stage_name));
        w.frees = str_printf(a, "they leave %.*s", STR_ARG(s->stage_name));
    } else if (s->latest_execution != NULL) {
        struct str holder = s->latest_execution->pipeline_execution_id;
        struct why inner = why_in(a, s, false);
        w.what = str_printf(a, "%.*s is held by release %.*s%s%.*s%s", STR_ARG(s->stage_name),
                            SHORT(holder), inner.what.n > 0 ? " (" : "", STR_ARG(inner.what),
                            inner.what.n > 0 ? ")" : "");
        w.frees =
            str_printf(a, "it leaves %.*s%s%.*s; or trunkline stop %.*s", STR_ARG(s->stage_name),
                       inner.frees.n > 0 ? ": " : "", STR_ARG(inner.frees), SHORT(holder));
    }
    return w;
}

struct why why_of(struct arena *a, const struct codepipeline_stage_state_list *stages,
                  struct str execution) {
    for (size_t i = 0; i < stages->n; i++) {
        const struct codepipeline_stage_state *s = &stages->v[i];
        for (size_t k = 0; k < s->inbound_executions.n; k++) {
            if (str_eq(s->inbound_executions.v[k].pipeline_execution_id, execution)) {
                return why_before(a, s, execution);
            }
        }
        bool here = s->latest_execution != NULL &&
                    str_eq(s->latest_execution->pipeline_execution_id, execution);
        struct why w = here ? why_in(a, s, i == 0) : (struct why){0};
        if (w.what.p != NULL) {
            return w;
        }
    }
    return (struct why){0};
}
