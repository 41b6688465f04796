/* trunkline status and history: where everything is, and what went before. */
#include "front/cli/out.h"
#include "front/cli/pick.h"
#include "front/cli/place.h"
#include "front/why/why.h"

/* ---- status ---- */

struct looking {
    struct cli *c;
    struct aws_target target;
    struct str pipeline;
    struct codepipeline_pipeline_execution_summary_list releases;
};

static const struct codepipeline_pipeline_execution_summary *release_of(const struct looking *l,
                                                                        struct str id) {
    for (size_t i = 0; i < l->releases.n; i++) {
        if (str_eq(l->releases.v[i].pipeline_execution_id, id)) {
            return &l->releases.v[i];
        }
    }
    return NULL;
}

static struct str commit_of(const struct codepipeline_pipeline_execution_summary *r) {
    return r && r->source_revisions.n ? r->source_revisions.v[0].revision_id : STR_NONE;
}

static struct str subject_of(const struct codepipeline_pipeline_execution_summary *r) {
    struct str s =
        r && r->source_revisions.n ? r->source_revisions.v[0].revision_summary : STR_NONE;
    return str_sub(s, 0, str_find_c(s, '\n', 0));
}

/* Why nothing may enter a stage, or absent. */
static struct str closed(const struct codepipeline_stage_state *s) {
    const struct codepipeline_transition_state *t = s->inbound_transition_state;
    return t && t->has_enabled && !t->enabled
               ? (t->disabled_reason.p ? t->disabled_reason : S("no reason was given"))
               : STR_NONE;
}

static void print_note(struct cli *c, const char *before, struct str text) {
    if (text.n) {
        fprintf(c->out, "  %-20s  %s%s" STR_FMT "%s\n", "", out_style(c, OUT_YELLOW), before,
                STR_ARG(out_safe(&c->arena, text, false)), out_style(c, OUT_PLAIN));
    }
}

static void print_why(struct cli *c, struct why w) {
    print_note(c, "", w.what);
    if (w.what.n && w.frees.n) {
        fprintf(c->out, "  %-20s  %sfreed when: " STR_FMT "%s\n", "", out_style(c, OUT_DIM),
                STR_ARG(out_safe(&c->arena, w.frees, false)), out_style(c, OUT_PLAIN));
    }
}

static void print_stage(const struct looking *l, const struct codepipeline_stage_state *s,
                        bool first) {
    struct cli *c = l->c;
    struct str id = s->latest_execution ? s->latest_execution->pipeline_execution_id : STR_NONE;
    struct str status = s->latest_execution ? s->latest_execution->status : S("-");
    const struct codepipeline_pipeline_execution_summary *r = release_of(l, id);
    fprintf(c->out, "  %-20.*s  %s%-10.*s%s  %-8.8s  %-7.7s  " STR_FMT "\n", STR_ARG(s->stage_name),
            out_style(c, out_status_style(status)), STR_ARG(status), out_style(c, OUT_PLAIN),
            id.n >= 8 ? id.p : "", commit_of(r).n >= 7 ? commit_of(r).p : "",
            STR_ARG(out_safe(&c->arena, subject_of(r).p ? subject_of(r) : S(""), false)));
    print_why(c, why_in(&c->arena, s, first));
    for (size_t i = 0; i < s->inbound_executions.n; i++) {
        struct str waiting = s->inbound_executions.v[i].pipeline_execution_id;
        fprintf(c->out, "  %-20s  %swaiting     %.8s%s\n", "", out_style(c, OUT_DIM), waiting.p,
                out_style(c, OUT_PLAIN));
        print_why(c, why_before(&c->arena, s, waiting));
    }
    if (s->inbound_executions.n == 0) {
        print_note(c, "the way in is closed: ", closed(s));
    }
}

static json_t *stage_json(const struct looking *l, const struct codepipeline_stage_state *s,
                          bool first) {
    json_t *o = json_object();
    struct str id = s->latest_execution ? s->latest_execution->pipeline_execution_id : STR_NONE;
    const struct codepipeline_pipeline_execution_summary *r = release_of(l, id);
    json_set_str(o, "name", s->stage_name);
    json_set_str(o, "status", s->latest_execution ? s->latest_execution->status : STR_NONE);
    json_set_str(o, "execution", id);
    json_set_str(o, "commit", commit_of(r));
    json_set_str(o, "subject", subject_of(r));
    struct why w = why_in(&l->c->arena, s, first);
    json_set_str(o, "why", w.what);
    json_set_str(o, "frees", w.frees);
    json_set_str(o, "closed", closed(s));
    if (s->inbound_executions.n) {
        json_set_str(o, "waiting", s->inbound_executions.v[0].pipeline_execution_id);
    }
    json_t *inbound = json_array();
    for (size_t i = 0; i < s->inbound_executions.n; i++) {
        struct str waiting = s->inbound_executions.v[i].pipeline_execution_id;
        json_t *one = json_object();
        w = why_before(&l->c->arena, s, waiting);
        json_set_str(one, "execution", waiting);
        json_set_str(one, "why", w.what);
        json_set_str(one, "frees", w.frees);
        json_array_append_new(inbound, one);
    }
    json_set(o, "inbound", inbound);
    return o;
}

static int status_of(struct looking *l, json_t *list, struct err *err) {
    struct codepipeline_get_pipeline_state_input in = {.name = l->pipeline};
    struct codepipeline_get_pipeline_state_output out;
    if (codepipeline_call_get_pipeline_state(&l->target, &l->c->arena, &in, &out, err) < 0 ||
        pick_releases(l->c, &l->target, l->pipeline, 100, &l->releases, err) < 0) {
        return -1;
    }
    if (!l->c->json) {
        fprintf(l->c->out, "%s" STR_FMT "%s\n", out_style(l->c, OUT_BOLD), STR_ARG(l->pipeline),
                out_style(l->c, OUT_PLAIN));
        for (size_t i = 0; i < out.stage_states.n; i++) {
            print_stage(l, &out.stage_states.v[i], i == 0);
        }
        return 0;
    }
    json_t *one = json_object();
    json_t *stages = json_array();
    for (size_t i = 0; i < out.stage_states.n; i++) {
        json_array_append_new(stages, stage_json(l, &out.stage_states.v[i], i == 0));
    }
    json_set_str(one, "name", l->pipeline);
    json_set(one, "version", json_integer(out.pipeline_version));
    json_set(one, "stages", stages);
    json_array_append_new(list, one);
    return 0;
}

static int all_pipelines(struct cli *c, const struct aws_target *t, struct str_list *ret,
                         struct err *err) {
    struct codepipeline_list_pipelines_input in = {0};
    struct codepipeline_list_pipelines_output out;
    if (cli_opt(c, "pipeline")) {
        *arena_push(&c->arena, ret) = str_c(cli_opt(c, "pipeline"));
        return 0;
    }
    do {
        if (codepipeline_call_list_pipelines(t, &c->arena, &in, &out, err) < 0) {
            return -1;
        }
        for (size_t i = 0; i < out.pipelines.n; i++) {
            *arena_push(&c->arena, ret) = out.pipelines.v[i].name;
        }
        in.next_token = out.next_token;
    } while (out.next_token.n > 0);
    return 0;
}

static int run_status(struct cli *c, struct err *err) {
    struct looking l = {.c = c};
    struct str_list names = {0};
    if (place_target(c, NULL, &l.target, err) < 0 || all_pipelines(c, &l.target, &names, err) < 0) {
        return -1;
    }
    json_t *list cleanup_json = json_array();
    for (size_t i = 0; i < names.n; i++) {
        l.pipeline = names.v[i];
        if (status_of(&l, list, err) < 0) {
            return -1;
        }
    }
    if (c->json) {
        json_t *document = json_object();
        json_set(document, "pipelines", json_incref(list));
        return out_json(c, document);
    }
    if (names.n == 0) {
        fputs("There is no pipeline yet; 'trunkline apply release.yml' makes one.\n", c->out);
    }
    return EXIT_DONE;
}

static const struct cli_option options[] = {PICK_PIPELINE_OPTION, {0}};

const struct cli_verb verb_status = {
    .name = "status",
    .group = CLI_RELEASE,
    .args = "",
    .summary = "Show each stage of each pipeline: what is in it, and why it waits",
    .options = options,
    .run = run_status,
};

/* ---- history ---- */

static json_t *release_json(const struct codepipeline_pipeline_execution_summary *r) {
    json_t *o = json_object();
    json_set_str(o, "id", r->pipeline_execution_id);
    json_set_str(o, "status", r->status);
    json_set_str(o, "statusSummary", r->status_summary);
    json_set_str(o, "commit", commit_of(r));
    json_set_str(o, "subject", subject_of(r));
    json_set_str(o, "trigger", r->trigger ? r->trigger->trigger_type : STR_NONE);
    json_set_str(o, "triggerDetail", r->trigger ? r->trigger->trigger_detail : STR_NONE);
    json_set(o, "startMs", json_integer(r->start_time));
    json_set(o, "updateMs", json_integer(r->last_update_time));
    return o;
}

static void print_release(struct cli *c, const struct codepipeline_pipeline_execution_summary *r,
                          int64_t now_ms) {
    struct str subject = subject_of(r);
    bool runs = str_is(r->status, "InProgress") || str_is(r->status, "Stopping");
    bool back = r->execution_type.p != NULL && str_is(r->execution_type, "ROLLBACK");
    fprintf(c->out, "%.8s  %s%-10.*s%s  %-7.7s  %-12.*s  %12.*s  %s" STR_FMT "\n",
            r->pipeline_execution_id.n >= 8 ? r->pipeline_execution_id.p : "",
            out_style(c, out_status_style(r->status)), STR_ARG(r->status), out_style(c, OUT_PLAIN),
            commit_of(r).n >= 7 ? commit_of(r).p : "",
            STR_ARG(out_ago(&c->arena, now_ms - r->start_time)),
            STR_ARG(out_seconds(&c->arena, (runs ? now_ms : r->last_update_time) - r->start_time)),
            back ? "rollback: " : "",
            STR_ARG(out_safe(&c->arena, subject.p ? subject : S(""), false)));
}

static int run_history(struct cli *c, struct err *err) {
    struct aws_target target;
    struct str pipeline;
    long long max = 0;
    struct codepipeline_pipeline_execution_summary_list all;
    if (cli_number(c, "max", 1, 20, &max, err) < 0) {
        return cli_usage(c, "%s", err->msg);
    }
    if (place_target(c, NULL, &target, err) < 0 || pick_pipeline(c, &target, &pipeline, err) < 0 ||
        pick_releases(c, &target, pipeline, (size_t)max, &all, err) < 0) {
        return -1;
    }
    if (c->json) {
        json_t *document = json_object();
        json_t *list = json_array();
        for (size_t i = 0; i < all.n; i++) {
            json_array_append_new(list, release_json(&all.v[i]));
        }
        json_set_str(document, "pipeline", pipeline);
        json_set(document, "executions", list);
        return out_json(c, document);
    }
    int64_t now_ms = clock_now_ms(&clock_system);
    for (size_t i = 0; i < all.n; i++) {
        print_release(c, &all.v[i], now_ms);
    }
    return EXIT_DONE;
}

static const struct cli_option history_options[] = {
    PICK_PIPELINE_OPTION,
    {"max", 'n', "N", "at most so many (20)"},
    {0},
};

const struct cli_verb verb_history = {
    .name = "history",
    .group = CLI_RELEASE,
    .args = "",
    .summary = "List releases, newest first",
    .detail = "Id, status, commit, when it started, how long it took, the commit's subject.\n"
              "--json prints {\"pipeline\",\"executions\":[{\"id\",\"status\",\"commit\",...}]}.",
    .options = history_options,
    .run = run_history,
};
