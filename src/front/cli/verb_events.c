/* trunkline events: the state changes of a pipeline, its stages and actions, as they were told. */
#include "front/cli/out.h"
#include "front/cli/pick.h"
#include "front/cli/place.h"

#include "gen/trunkline.h"

enum { PAGE = 1000, MOST = 100000 };

/* The newest `limit`, newest first. */
static int ask(struct cli *c, const struct aws_target *t, struct str pipeline, struct str release,
               long long limit, struct trunkline_state_change_list *ret, struct err *err) {
    struct trunkline_list_state_changes_input in = {
        .pipeline_name = pipeline, .pipeline_execution_id = release, .has_max_results = true};
    *ret = (struct trunkline_state_change_list){0};
    for (bool more = true; more && ret->n < (size_t)limit;) {
        struct trunkline_list_state_changes_output out = {0};
        long long left = limit - (long long)ret->n;
        in.max_results = (int32_t)(left < PAGE ? left : PAGE);
        if (trunkline_call_list_state_changes(t, &c->arena, &in, &out, err) < 0) {
            return -1;
        }
        for (size_t i = 0; i < out.changes.n; i++) {
            *arena_push(&c->arena, ret) = out.changes.v[i];
            in.before = out.changes.v[i].sequence;
        }
        in.has_before = true;
        more = out.changes.n == (size_t)in.max_results;
    }
    return 0;
}

/* As EventBridge shapes it; a rule's target gets more of the detail. */
static json_t *event_json(struct cli *c, const struct aws_target *t, struct str pipeline,
                          const struct trunkline_state_change *e) {
    struct arena *a = &c->arena;
    json_t *o = json_object();
    json_t *resources = json_array();
    json_t *detail = json_object();
    json_set_str(o, "source", S("aws.codepipeline"));
    json_set_str(
        o, "detail-type",
        str_printf(a, "CodePipeline " STR_FMT " Execution State Change", STR_ARG(e->kind)));
    json_set_str(o, "account", t->account);
    json_set_str(o, "region", t->region);
    json_set_str(o, "time", time_iso(a, e->time));
    json_array_append_new(
        resources,
        json_from_str(str_printf(a, "arn:aws:codepipeline:" STR_FMT ":" STR_FMT ":" STR_FMT,
                                 STR_ARG(t->region), STR_ARG(t->account), STR_ARG(pipeline))));
    json_set(o, "resources", resources);
    json_set_str(detail, "pipeline", pipeline);
    json_set_str(detail, "execution-id", e->pipeline_execution_id);
    json_set_str(detail, "stage", e->stage_name);
    json_set_str(detail, "action", e->action_name);
    json_set_str(detail, "state", e->state);
    json_set(o, "detail", detail);
    json_set(o, "sequence", json_integer(e->sequence));
    json_set_str(o, "reason", e->reason);
    return o;
}

static void print_event(struct cli *c, const struct trunkline_state_change *e) {
    struct arena *a = &c->arena;
    struct str where =
        e->action_name.n > 0
            ? str_printf(a, STR_FMT "/" STR_FMT, STR_ARG(e->stage_name), STR_ARG(e->action_name))
        : e->stage_name.n > 0 ? e->stage_name
                              : S("");
    fprintf(c->out, "%s" STR_FMT "%s  %.8s  %-8.*s  %-10.*s  " STR_FMT, out_style(c, OUT_DIM),
            STR_ARG(out_time(a, e->time)), out_style(c, OUT_PLAIN),
            e->pipeline_execution_id.n >= 8 ? e->pipeline_execution_id.p : "", STR_ARG(e->kind),
            STR_ARG(e->state), STR_ARG(out_safe(a, where, false)));
    if (e->reason.n > 0) {
        fprintf(c->out, "  " STR_FMT, STR_ARG(out_safe(a, e->reason, false)));
    }
    fputc('\n', c->out);
}

static int tell_json(struct cli *c, const struct aws_target *t, struct str pipeline,
                     const struct trunkline_state_change_list *all) {
    json_t *document = json_object();
    json_t *events = json_array();
    for (size_t i = all->n; i > 0; i--) {
        json_array_append_new(events, event_json(c, t, pipeline, &all->v[i - 1]));
    }
    json_set_str(document, "pipeline", pipeline);
    json_set(document, "events", events);
    return out_json(c, document);
}

static int run(struct cli *c, struct err *err) {
    struct aws_target target;
    struct str pipeline;
    struct str release = STR_NONE;
    long long limit = 0;
    struct trunkline_state_change_list all;
    if (cli_number(c, "limit", 1, 100, &limit, err) < 0) {
        return cli_usage(c, "%s", err->msg);
    }
    if (limit > MOST) {
        return cli_usage(c, "--limit takes a number from 1 to %d", MOST);
    }
    if (place_target(c, NULL, &target, err) < 0 || pick_pipeline(c, &target, &pipeline, err) < 0 ||
        (c->args_n > 0 && pick_release(c, &target, pipeline, c->args[0], &release, err) < 0) ||
        ask(c, &target, pipeline, release, limit, &all, err) < 0) {
        return -1;
    }
    if (c->json) {
        return tell_json(c, &target, pipeline, &all);
    }
    for (size_t i = all.n; i > 0; i--) {
        print_event(c, &all.v[i - 1]);
    }
    if (all.n == 0) {
        fputs("Nothing has happened yet.\n", c->out);
    }
    return EXIT_DONE;
}

static const struct cli_option options[] = {
    PICK_PIPELINE_OPTION,
    {"limit", 0, "N", "the newest N (100)"},
    {0},
};

const struct cli_verb verb_events = {
    .name = "events",
    .group = CLI_RELEASE,
    .args = "[RELEASE]",
    .max_args = 1,
    .summary = "List the state changes of a pipeline or release, oldest first",
    .detail =
        "What EventBridge's rules and notification rules are matched with: when the pipeline,\n"
        "a stage or an action started, succeeded, failed, was stopped, ... and why. They are\n"
        "kept as long as the store. With --json they have EventBridge's shape; the events that\n"
        "a rule's target gets say more in their detail.",
    .options = options,
    .run = run,
};
