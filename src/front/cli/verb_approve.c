/* trunkline approve, reject: a person answers for a release, bound to what it is. */
#include "front/cli/acting.h"

#include "front/why/why.h"

#include "gen/trunkline.h"

#include <time.h>

enum {
    DIGEST_DIGITS = 64,
    GATE_POLL_MS = 100,
    GATE_MAX_MS = 30 * 1000, /* of a gate that is being looked at; it may stay shut for hours */
};

/* ---- which approval ---- */

struct waiting {
    struct str stage, action, token, execution;
};

struct waiting_list {
    struct waiting *v;
    size_t n;
};

static int from_state(struct acting *act, struct waiting_list *ret, bool *ret_empty,
                      struct err *err) {
    struct codepipeline_get_pipeline_state_input in = {.name = act->pipeline};
    struct codepipeline_get_pipeline_state_output out;
    if (codepipeline_call_get_pipeline_state(&act->target, &act->c->arena, &in, &out, err) < 0) {
        return -1;
    }
    *ret_empty = out.stage_states.n == 0;
    for (size_t i = 0; i < out.stage_states.n; i++) {
        const struct codepipeline_stage_state *s = &out.stage_states.v[i];
        for (size_t k = 0; k < s->action_states.n; k++) {
            const struct codepipeline_action_execution *e = s->action_states.v[k].latest_execution;
            if (e != NULL && e->token.n > 0 && str_is(e->status, "InProgress") &&
                s->latest_execution != NULL) {
                *arena_push(&act->c->arena, ret) =
                    (struct waiting){s->stage_name, s->action_states.v[k].action_name, e->token,
                                     s->latest_execution->pipeline_execution_id};
            }
        }
    }
    return 0;
}

/* A pipeline in PARALLEL mode has no state: its actions say what waits. */
static int from_actions(struct acting *act, struct waiting_list *ret, struct err *err) {
    struct codepipeline_list_action_executions_input in = {.pipeline_name = act->pipeline};
    struct codepipeline_list_action_executions_output out;
    if (codepipeline_call_list_action_executions(&act->target, &act->c->arena, &in, &out, err) <
        0) {
        return -1;
    }
    for (size_t i = 0; i < out.action_execution_details.n; i++) {
        const struct codepipeline_action_execution_detail *d = &out.action_execution_details.v[i];
        if (str_is(d->status, "InProgress") && d->input->action_type_id != NULL &&
            str_is(d->input->action_type_id->category, "Approval")) {
            *arena_push(&act->c->arena, ret) = (struct waiting){
                d->stage_name, d->action_name, d->output->execution_result->external_execution_id,
                d->pipeline_execution_id};
        }
    }
    return 0;
}

/* The only approval that waits; with a stage or a release, the only one there. */
static int find_waiting(struct acting *act, const char *stage, struct str release,
                        struct waiting *ret, struct err *err) {
    struct waiting_list all = {0};
    bool empty = false;
    size_t found = 0;
    if (from_state(act, &all, &empty, err) < 0 || (empty && from_actions(act, &all, err) < 0)) {
        return -1;
    }
    for (size_t i = 0; i < all.n; i++) {
        bool wanted = (stage == NULL || str_is(all.v[i].stage, stage)) &&
                      (release.p == NULL || str_eq(all.v[i].execution, release));
        if (wanted) {
            *ret = all.v[i];
            found++;
        }
    }
    if (found == 0) {
        return err_set(err, ERR_NOT_FOUND, "nothing waits for approval in " STR_FMT "%s%s",
                       STR_ARG(act->pipeline), stage ? ", stage " : "", stage ? stage : "");
    }
    return found == 1 ? 0
                      : err_set(err, ERR_INVALID, "%zu approvals wait: name the stage%s", found,
                                empty ? " and the release (--release)" : "");
}

/* ---- what it is for ---- */

static int describe(struct acting *act, const struct waiting *w,
                    struct trunkline_describe_approval_output *ret, struct err *err) {
    struct trunkline_describe_approval_input in = {.pipeline_name = act->pipeline,
                                                   .pipeline_execution_id = w->execution};
    if (trunkline_call_describe_approval(&act->target, &act->c->arena, &in, ret, err) < 0) {
        return -1;
    }
    return ret->digest.p != NULL
               ? 0
               : err_set(err, ERR_UNAVAILABLE, "what the release is could not be read: " STR_FMT,
                         STR_ARG(ret->reason));
}

static int say_refused(const struct trunkline_answer_approval_output *out, struct err *err) {
    for (size_t i = 0; i < out->moved.n; i++) {
        const struct trunkline_moved_part *m = &out->moved.v[i];
        fprintf(stderr, "  " STR_FMT ": was " STR_FMT ", is " STR_FMT "\n", STR_ARG(m->name),
                STR_ARG(m->shown.p ? m->shown : S("not there")),
                STR_ARG(m->now.p ? m->now : S("gone")));
    }
    return err_set(err, ERR_CONFLICT, "not answered: " STR_FMT "%s", STR_ARG(out->reason),
                   out->moved.n > 0 ? "; look at it again with trunkline show" : "");
}

/* ---- newest first ---- */

static int64_t now_ms(void) {
    return clock_now_ms(&clock_system);
}

/* Why the release is not asked for, in the words that status has. */
static struct str why_not_yet(struct acting *act, struct str release) {
    struct codepipeline_get_pipeline_state_input in = {.name = act->pipeline};
    struct codepipeline_get_pipeline_state_output out;
    struct err ignored = ERR_INIT;
    struct why why = {0};
    if (codepipeline_call_get_pipeline_state(&act->target, &act->c->arena, &in, &out, &ignored) ==
        0) {
        why = why_of(&act->c->arena, &out.stage_states, release);
    }
    return why.what.p ? why.what : S("its gate is being looked at");
}

/* The gate is looked at once more for the release that takes the place: that takes a moment. */
static int wait_for_question(struct acting *act, const char *stage, struct str release,
                             struct waiting *ret, struct err *err) {
    const struct timespec pause = {.tv_nsec = GATE_POLL_MS * 1000000L};
    int64_t until = now_ms() + GATE_MAX_MS;
    struct err why = ERR_INIT;
    while (find_waiting(act, stage, release, ret, &why) < 0) {
        if (why.kind != ERR_NOT_FOUND) {
            *err = why;
            return -1;
        }
        if (now_ms() >= until) {
            return err_set(err, ERR_NOT_FOUND,
                           "release %.8s does not ask yet: " STR_FMT
                           "; approve it when it does (trunkline watch)",
                           release.p, STR_ARG(why_not_yet(act, release)));
        }
        nanosleep(&pause, NULL);
        why = (struct err)ERR_INIT;
    }
    return 0;
}

/* The newest one that waits in front of the stage takes the place of the older one in it. */
static int retire_older(struct acting *act, const char *stage, struct waiting *w, struct err *err) {
    struct arena *a = &act->c->arena;
    struct codepipeline_get_pipeline_state_input in = {.name = act->pipeline};
    struct codepipeline_get_pipeline_state_output out;
    struct str newest = STR_NONE;
    if (codepipeline_call_get_pipeline_state(&act->target, a, &in, &out, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < out.stage_states.n; i++) {
        const struct codepipeline_stage_state *s = &out.stage_states.v[i];
        size_t n = s->inbound_executions.n;
        if (str_eq(s->stage_name, w->stage) && n > 0) {
            newest = s->inbound_executions.v[n - 1].pipeline_execution_id;
        }
    }
    if (newest.p == NULL) {
        return 0; /* the one that asks is the newest */
    }
    struct trunkline_retire_older_executions_input retire = {
        .pipeline_name = act->pipeline, .stage_name = w->stage, .pipeline_execution_id = newest};
    struct trunkline_retire_older_executions_output ignored;
    if (trunkline_call_retire_older_executions(&act->target, a, &retire, &ignored, err) < 0) {
        return -1;
    }
    if (!act->c->json) {
        fprintf(act->c->out, "Retired release " STR_FMT " in favour of " STR_FMT "\n",
                STR_ARG(w->execution), STR_ARG(newest));
    }
    return wait_for_question(act, stage, newest, w, err);
}

/* ---- answering ---- */

static int answer(struct cli *c, const char *status, const char *done, struct err *err) {
    struct acting act;
    struct waiting w;
    struct str release = STR_NONE;
    struct trunkline_describe_approval_output basis;
    struct trunkline_answer_approval_output out;
    const char *stage = c->args_n ? c->args[0] : NULL;
    const char *summary = cli_opt(c, "summary");
    const char *digest = cli_opt(c, "digest");
    if (digest != NULL && strlen(digest) != DIGEST_DIGITS) {
        return cli_usage(c, "--digest takes the 64 digits that 'trunkline show' prints as digest "
                            "of all this");
    }
    if (acting_begin(&act, c, err) < 0 ||
        (cli_opt(c, "release") != NULL &&
         pick_release(c, &act.target, act.pipeline, cli_opt(c, "release"), &release, err) < 0) ||
        find_waiting(&act, stage, release, &w, err) < 0 ||
        (cli_has(c, "newest") && retire_older(&act, stage, &w, err) < 0)) {
        return -1;
    }
    if (digest == NULL && describe(&act, &w, &basis, err) < 0) {
        return -1;
    }
    struct trunkline_answer_approval_input in = {
        .pipeline_name = act.pipeline,
        .pipeline_execution_id = w.execution,
        .stage_name = w.stage,
        .action_name = w.action,
        .token = w.token,
        .status = str_c(status),
        .summary = str_c(summary ? summary : ""),
        .digest = digest ? str_c(digest) : basis.digest,
    };
    if (trunkline_call_answer_approval(&act.target, &c->arena, &in, &out, err) < 0) {
        return -1;
    }
    return out.answered ? acting_told(&act, done, w.stage, w.execution) : say_refused(&out, err);
}

static int run_approve(struct cli *c, struct err *err) {
    return answer(c, "Approved", "Approved", err);
}

static int run_reject(struct cli *c, struct err *err) {
    return answer(c, "Rejected", "Rejected", err);
}

static const struct cli_option approve_options[] = {
    {"summary", 's', "TEXT", "why, kept with the release"},
    {"digest", 'd', "DIGEST", "only if the release is still what show printed with this digest"},
    {"newest", 0, NULL, "retire the older release at the gate, approve the newest one"},
    {"release", 'r', "EXECUTION", "of several that wait, the one whose id begins so"},
    PICK_PIPELINE_OPTION,
    {0},
};

static const struct cli_option reject_options[] = {
    {"summary", 's', "TEXT", "why, kept with the release"},
    {"digest", 'd', "DIGEST", "only if the release is still what show printed with this digest"},
    {"release", 'r', "EXECUTION", "of several that wait, the one whose id begins so"},
    PICK_PIPELINE_OPTION,
    {0},
};

const struct cli_verb verb_approve = {
    .name = "approve",
    .group = CLI_RELEASE,
    .args = "[STAGE]",
    .max_args = 1,
    .summary = "Let the release that waits go on",
    .detail =
        "The approval is bound to what the release is: commits, artifacts, saved plans and the\n"
        "states that they are for. If any of it has moved since it was shown, nothing is approved\n"
        "and what moved is printed. Who answered is kept.",
    .options = approve_options,
    .run = run_approve,
};

const struct cli_verb verb_reject = {
    .name = "reject",
    .group = CLI_RELEASE,
    .args = "[STAGE]",
    .max_args = 1,
    .summary = "End the release that waits for approval",
    .options = reject_options,
    .run = run_reject,
};
