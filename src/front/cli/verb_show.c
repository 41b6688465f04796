/* trunkline show: the release card, what a person reads before saying yes. */
#include "front/cli/card_times.h"
#include "front/cli/out.h"
#include "front/cli/pick.h"
#include "front/cli/place.h"

#include "gen/cloudwatch.h"
#include "gen/trunkline.h"

struct card_alarm {
    struct str account; /* name */
    struct str name;
    struct str state; /* "OK", "ALARM", "INSUFFICIENT_DATA", "MISSING" */
    struct str reason;
};

struct card {
    struct cli *c;
    struct aws_target target;
    struct view view;
    struct trunkline_describe_release_output release;
    struct trunkline_describe_approval_output approval; /* of a release that is in progress */
    struct {
        struct card_alarm *v;
        size_t n;
    } alarms;
    int64_t now_ms;
};

/* ---- alarms ---- */

static void add_alarm(struct card *card, struct str account, struct str name, struct str state,
                      struct str reason) {
    *arena_push(&card->c->arena, &card->alarms) = (struct card_alarm){account, name, state, reason};
}

static bool is_among(const struct cloudwatch_metric_alarm_list *list, struct str name) {
    for (size_t i = 0; i < list->n; i++) {
        if (str_eq(list->v[i].alarm_name, name)) {
            return true;
        }
    }
    return false;
}

/* Alarms that gates name, in each account whose keys we have. */
static void read_account(struct card *card, const struct place_account *account,
                         const struct str_list *names) {
    struct aws_target target = card->target;
    struct cloudwatch_describe_alarms_input in = {.alarm_names = *names};
    struct cloudwatch_describe_alarms_output out;
    struct err why = ERR_INIT;
    target.account = account->id;
    target.region = account->region;
    target.credentials = account->keys;
    if (cloudwatch_call_describe_alarms(&target, &card->c->arena, &in, &out, &why) < 0) {
        return; /* the card is also for those who may not see this */
    }
    for (size_t i = 0; i < out.metric_alarms.n; i++) {
        const struct cloudwatch_metric_alarm *alarm = &out.metric_alarms.v[i];
        add_alarm(card, account->name, alarm->alarm_name, alarm->state_value, alarm->state_reason);
    }
    for (size_t i = 0; i < card->view.alarms.n; i++) {
        const struct view_alarm *wanted = &card->view.alarms.v[i];
        bool here = str_eq(wanted->account.p ? wanted->account : card->target.account, account->id);
        if (here && !is_among(&out.metric_alarms, wanted->name)) {
            add_alarm(card, account->name, wanted->name, S("MISSING"),
                      S("there is no alarm of this name; a gate does not wait for it"));
        }
    }
}

static void read_alarms(struct card *card) {
    struct place_account_list accounts;
    struct str_list names = {0};
    struct err ignored = ERR_INIT;
    for (size_t i = 0; i < card->view.alarms.n; i++) {
        if (!str_list_has(&names, card->view.alarms.v[i].name)) {
            *arena_push(&card->c->arena, &names) = card->view.alarms.v[i].name;
        }
    }
    if (names.n == 0 || place_accounts(card->c, &accounts, &ignored) < 0) {
        return;
    }
    for (size_t i = 0; i < accounts.n; i++) {
        read_account(card, &accounts.v[i], &names);
    }
}

static int load(struct card *card, struct str pipeline, struct str id, struct err *err) {
    struct trunkline_describe_release_input in = {.pipeline_name = pipeline,
                                                  .pipeline_execution_id = id};
    struct cli *c = card->c;
    card->now_ms = clock_now_ms(&clock_system);
    if (view_load(&c->arena, &card->target, pipeline, id, VIEW_BUILDS, &card->view, err) < 0 ||
        trunkline_call_describe_release(&card->target, &c->arena, &in, &card->release, err) < 0) {
        return -1;
    }
    struct trunkline_describe_approval_input approval = {.pipeline_name = pipeline,
                                                         .pipeline_execution_id = id};
    if (str_is(card->view.status, "InProgress") &&
        trunkline_call_describe_approval(&card->target, &c->arena, &approval, &card->approval,
                                         err) < 0) {
        return -1;
    }
    read_alarms(card);
    return 0;
}

/* ---- text ---- */

static struct str safe(struct card *card, struct str s) {
    return out_safe(&card->c->arena, s.p ? s : S(""), false);
}

static void heading(struct card *card, const char *text) {
    fprintf(card->c->out, "\n%s%s%s\n", out_style(card->c, OUT_BOLD), text,
            out_style(card->c, OUT_PLAIN));
}

static void print_head(struct card *card) {
    struct cli *c = card->c;
    const struct view *v = &card->view;
    const struct trunkline_commit *r = card->release.revision;
    fprintf(c->out, "%sRelease %.8s of " STR_FMT "%s  %s" STR_FMT "%s\n", out_style(c, OUT_BOLD),
            v->id.p, STR_ARG(v->pipeline), out_style(c, OUT_PLAIN),
            out_style(c, out_status_style(v->status)), STR_ARG(v->status), out_style(c, OUT_PLAIN));
    if (r) {
        fprintf(c->out, "  %.7s on " STR_FMT " by " STR_FMT ", " STR_FMT "\n  " STR_FMT "\n",
                r->id.n >= 7 ? r->id.p : "", STR_ARG(safe(card, card->release.branch_name)),
                STR_ARG(safe(card, r->author)),
                STR_ARG(out_time(&c->arena, r->has_date ? r->date : 0)),
                STR_ARG(safe(card, r->subject)));
    }
}

static void print_commits(struct card *card) {
    struct cli *c = card->c;
    const struct trunkline_describe_release_output *r = &card->release;
    if (r->base_commit_id.n >= 7) {
        heading(card, str_printf(&c->arena, "Since the last production release, %.7s",
                                 r->base_commit_id.p)
                          .p);
    } else {
        heading(card, str_is(card->view.status, "Succeeded")
                          ? "Commits (nothing had reached production before)"
                          : "Commits (nothing has reached production yet)");
    }
    for (size_t i = 0; i < r->commits.n; i++) {
        const struct trunkline_commit *commit = &r->commits.v[i];
        fprintf(c->out, "  %.7s  %-20.*s  " STR_FMT "\n", commit->id.n >= 7 ? commit->id.p : "",
                STR_ARG(safe(card, commit->author)), STR_ARG(safe(card, commit->subject)));
    }
    if (r->commits.n == 0) {
        /* Where git could not be asked, nobody said that there are no more. */
        bool known = r->base_commit_id.n > 0 && r->revision != NULL && r->has_more_commits;
        bool same = known && str_eq(r->revision->id, r->base_commit_id);
        fputs(same    ? "  none: the same commit\n"
              : known ? "  none: this one goes back behind it\n"
                      : "  not known\n",
              c->out);
    }
    if (r->more_commits) {
        fputs("  ... and more\n", c->out);
    }
}

static void print_variables(struct card *card, const struct view_action *action) {
    const struct str_map *m =
        action->build && action->build->exported.n ? &action->build->exported : &action->variables;
    for (size_t i = 0; i < m->n; i++) {
        fprintf(card->c->out, "      %-22.*s " STR_FMT "\n", STR_ARG(safe(card, m->v[i].key)),
                STR_ARG(safe(card, m->v[i].value)));
    }
}

static void print_phases(struct card *card, const struct view_build *b) {
    struct cli *c = card->c;
    fputs("      ", c->out);
    size_t width = 6;
    for (size_t i = 0; i < b->phases.n; i++) {
        const struct view_phase *p = &b->phases.v[i];
        if (p->end_ms - p->start_ms < 50) {
            continue;
        }
        struct str one =
            str_printf(&c->arena, "%s" STR_FMT " " STR_FMT, width > 6 ? ", " : "", STR_ARG(p->name),
                       STR_ARG(out_seconds(&c->arena, p->end_ms - p->start_ms)));
        if (width + one.n > 96) {
            fputs(",\n      ", c->out);
            one = str_sub(one, 2, one.n);
            width = 6;
        }
        fprintf(c->out, STR_FMT, STR_ARG(one));
        width += one.n;
    }
    fputc('\n', c->out);
}

static void print_stage(struct card *card, const struct view_stage *s) {
    struct cli *c = card->c;
    if (s->status.n == 0) {
        return;
    }
    int64_t end = s->end_ms ? s->end_ms : card->now_ms;
    fprintf(c->out, "  %-20.*s  %s%-10.*s%s  " STR_FMT "\n", STR_ARG(s->name),
            out_style(c, out_status_style(s->status)), STR_ARG(s->status), out_style(c, OUT_PLAIN),
            STR_ARG(s->start_ms ? out_seconds(&c->arena, end - s->start_ms) : S("")));
    if (s->gate_status.n) {
        fprintf(c->out, "      gate %s" STR_FMT "%s: " STR_FMT "\n",
                out_style(c, out_status_style(s->gate_status)), STR_ARG(s->gate_status),
                out_style(c, OUT_PLAIN), STR_ARG(safe(card, s->gate_summary)));
    }
    for (size_t i = 0; i < s->actions.n; i++) {
        const struct view_action *a = &s->actions.v[i];
        if (a->attempt > 1) {
            fprintf(c->out, "      attempt %d\n", a->attempt);
        }
        if (str_is(a->category, "Approval") && a->note.n) {
            fprintf(c->out, "      asks: " STR_FMT "\n", STR_ARG(safe(card, a->note)));
        }
        if (str_is(a->category, "Approval") && !str_is(a->status, "InProgress")) {
            fprintf(c->out, "      by " STR_FMT "%s" STR_FMT "\n",
                    STR_ARG(safe(card, a->updated_by)), a->summary.n ? ": " : "",
                    STR_ARG(safe(card, a->summary)));
        } else if (str_is(a->category, "Build")) {
            print_variables(card, a);
        }
        if (a->build && cli_has(c, "times")) {
            print_phases(card, a->build);
        }
        if (a->error.n) {
            fprintf(c->out, "      %s" STR_FMT "%s\n", out_style(c, OUT_RED),
                    STR_ARG(safe(card, a->error)), out_style(c, OUT_PLAIN));
        }
    }
}

static void print_alarms(struct card *card) {
    struct cli *c = card->c;
    if (card->view.alarms.n == 0) {
        return;
    }
    heading(card, "Alarms");
    for (size_t i = 0; i < card->alarms.n; i++) {
        const struct card_alarm *alarm = &card->alarms.v[i];
        fprintf(c->out, "  %-20.*s  %s%-17.*s%s  " STR_FMT "\n", STR_ARG(alarm->account),
                out_style(c, out_status_style(alarm->state)), STR_ARG(alarm->state),
                out_style(c, OUT_PLAIN), STR_ARG(safe(card, alarm->name)));
        if (str_is(alarm->state, "ALARM") || str_is(alarm->state, "MISSING")) {
            fprintf(c->out, "      " STR_FMT "\n", STR_ARG(safe(card, alarm->reason)));
        }
    }
    if (card->alarms.n == 0) {
        fputs("  none can be read from here\n", c->out);
    }
}

static void print_share(struct card *card, const char *what, int64_t ms, int64_t of) {
    long long thousandths = of > 0 ? (long long)(ms * 100000 / of) : 0;
    fprintf(card->c->out, "  %-44s  %9lld.%03lld s  %3lld.%02lld %%\n", what,
            (long long)(ms / 1000), (long long)(ms % 1000), thousandths / 1000,
            thousandths % 1000 / 10);
}

static void print_times(struct card *card) {
    struct card_times t = card_times(&card->c->arena, &card->view);
    heading(card, "Times");
    print_share(card, "commands of the buildspecs", t.commands_ms, t.total_ms);
    print_share(card, "builds around them: container, variables, ...", t.builds_ms, t.total_ms);
    print_share(card, "source: fetching and packing the commit", t.source_ms, t.total_ms);
    print_share(card, "the engine's own share", t.engine_ms, t.total_ms);
    print_share(card, "all, without waiting for people", t.total_ms, t.total_ms);
    if (t.waited_ms) {
        fprintf(card->c->out, "  people were waited for " STR_FMT "\n",
                STR_ARG(out_seconds(&card->c->arena, t.waited_ms)));
    }
}

/* What `approve --digest` takes, and what it stands for. */
static void print_approval(struct card *card) {
    const struct trunkline_describe_approval_output *a = &card->approval;
    if (a->digest.n == 0 && a->reason.n == 0) {
        return;
    }
    heading(card, "An approval is bound to");
    for (size_t i = 0; i < a->parts.n; i++) {
        fprintf(card->c->out, "  %-32.*s  " STR_FMT "\n", STR_ARG(safe(card, a->parts.v[i].name)),
                STR_ARG(safe(card, a->parts.v[i].value)));
    }
    fprintf(card->c->out, "  %-32s  " STR_FMT "\n",
            a->digest.n ? "digest of all this" : "not known",
            STR_ARG(safe(card, a->digest.n ? a->digest : a->reason)));
}

static void print_card(struct card *card) {
    struct cli *c = card->c;
    print_head(card);
    print_commits(card);
    heading(card, "How it went");
    for (size_t i = 0; i < card->view.stages.n; i++) {
        print_stage(card, &card->view.stages.v[i]);
    }
    print_alarms(card);
    print_approval(card);
    if (cli_has(c, "times")) {
        print_times(card);
    }
    struct str why = view_why(&c->arena, &card->view);
    if (why.n) {
        fprintf(c->out, "\n" STR_FMT "\n", STR_ARG(safe(card, why)));
    }
    if (card->view.frees.n && !str_is(card->view.status, "Succeeded")) {
        fprintf(c->out, "%sfreed when: " STR_FMT "%s\n", out_style(c, OUT_DIM),
                STR_ARG(safe(card, card->view.frees)), out_style(c, OUT_PLAIN));
    }
}

/* ---- JSON ---- */

static json_t *commit_json(const struct trunkline_commit *commit) {
    json_t *o = json_object();
    json_set_str(o, "id", commit->id);
    json_set_str(o, "author", commit->author);
    json_set_str(o, "email", commit->email);
    json_set_str(o, "subject", commit->subject);
    if (commit->has_date) {
        json_set(o, "dateMs", json_integer(commit->date));
    }
    return o;
}

static json_t *card_json(struct card *card) {
    json_t *o = view_json(&card->view);
    json_t *commits = json_array();
    json_t *alarms = json_array();
    json_t *times = json_object();
    for (size_t i = 0; i < card->release.commits.n; i++) {
        json_array_append_new(commits, commit_json(&card->release.commits.v[i]));
    }
    for (size_t i = 0; i < card->alarms.n; i++) {
        json_t *one = json_object();
        json_set_str(one, "account", card->alarms.v[i].account);
        json_set_str(one, "name", card->alarms.v[i].name);
        json_set_str(one, "state", card->alarms.v[i].state);
        json_set_str(one, "reason", card->alarms.v[i].reason);
        json_array_append_new(alarms, one);
    }
    struct card_times t = card_times(&card->c->arena, &card->view);
    json_set(times, "totalMs", json_integer(t.total_ms));
    json_set(times, "commandsMs", json_integer(t.commands_ms));
    json_set(times, "buildsMs", json_integer(t.builds_ms));
    json_set(times, "sourceMs", json_integer(t.source_ms));
    json_set(times, "engineMs", json_integer(t.engine_ms));
    json_set(times, "waitedMs", json_integer(t.waited_ms));
    if (card->approval.digest.n > 0) {
        json_t *parts = json_object();
        for (size_t i = 0; i < card->approval.parts.n; i++) {
            json_set_str(parts, str_z(&card->c->arena, card->approval.parts.v[i].name),
                         card->approval.parts.v[i].value);
        }
        json_set_str(o, "approvalDigest", card->approval.digest);
        json_set(o, "approvalParts", parts);
    }
    if (card->release.revision) {
        json_set(o, "revision", commit_json(card->release.revision));
    }
    json_set_str(o, "branch", card->release.branch_name);
    json_set_str(o, "productionExecution", card->release.base_execution_id);
    json_set_str(o, "productionCommit", card->release.base_commit_id);
    json_set(o, "commits", commits);
    json_set(o, "alarms", alarms);
    json_set(o, "times", times);
    return o;
}

static int run(struct cli *c, struct err *err) {
    struct card card = {.c = c};
    struct str pipeline, id;
    if (place_target(c, NULL, &card.target, err) < 0 ||
        pick_pipeline(c, &card.target, &pipeline, err) < 0 ||
        pick_release(c, &card.target, pipeline, c->args_n ? c->args[0] : NULL, &id, err) < 0 ||
        load(&card, pipeline, id, err) < 0) {
        return -1;
    }
    if (c->json) {
        return out_json(c, card_json(&card));
    }
    print_card(&card);
    return EXIT_DONE;
}

static const struct cli_option options[] = {
    {"times", 't', NULL, "seconds by phase, and the engine's own share"},
    PICK_PIPELINE_OPTION,
    {0},
};

const struct cli_verb verb_show = {
    .name = "show",
    .group = CLI_RELEASE,
    .args = "[EXECUTION]",
    .max_args = 1,
    .summary = "Show a release: its commits, how each environment went, alarms, why it waits",
    .detail =
        "The newest one, or the one whose id begins with EXECUTION. Commits are those since the\n"
        "last release that reached the last stage.",
    .options = options,
    .run = run,
};
