/* trunkline apply: release.yml to a pipeline, with the difference first. */
#include "front/cli/apply.h"
#include "front/cli/out.h"
#include "front/cli/place.h"
#include "front/cli/release_accounts.h"

#include "gen/trunkline.h"
#include "platform/os/file.h"

#include <libgen.h>
#include <unistd.h>

static int ask_accounts(struct cli *c, const struct aws_target *target,
                        struct release_accounts *ret, struct err *err) {
    struct trunkline_list_accounts_input in = {0};
    struct trunkline_list_accounts_output out;
    if (trunkline_call_list_accounts(target, &c->arena, &in, &out, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < out.accounts.n; i++) {
        release_accounts_add(&c->arena, ret,
                             (struct release_account){out.accounts.v[i].name, out.accounts.v[i].id,
                                                      out.accounts.v[i].region});
    }
    return 0;
}

static json_t *plan_json(struct cli *c, const struct release_yml *r,
                         const struct release_plan *plan) {
    struct err ignored = ERR_INIT;
    json_t *document = json_object();
    json_t *projects = json_array();
    for (size_t i = 0; i < plan->projects.n; i++) {
        json_array_append_new(projects, json_parse(plan->projects.v[i].json, &ignored));
    }
    json_set(document, "pipeline", json_parse(plan->pipeline, &ignored));
    json_set(document, "projects", projects);
    json_set_str(document, "bucket", r->bucket);
    if (plan->connection_name.p) {
        json_t *connection = json_object();
        json_set_str(connection, "name", plan->connection_name);
        json_set_str(connection, "url", r->repository);
        json_set(document, "connection", connection);
    }
    if (plan->topic.p) {
        json_t *topic = json_object();
        json_t *hooks = json_array();
        for (size_t i = 0; i < r->notify.n; i++) {
            json_array_append_new(hooks, json_from_str(r->notify.v[i].webhook));
        }
        json_set_str(topic, "name", plan->topic);
        json_set(topic, "webhooks", hooks);
        json_set(document, "topic", topic);
    }
    (void)c;
    return document;
}

/* Compiles and prints; asks no server. */
static int print_plan(struct cli *c, const struct release_yml *r, const char *dir,
                      struct err *err) {
    struct release_accounts accounts = {0};
    struct release_plan plan;
    if (release_accounts_guess(&c->arena, dir, &accounts, err) < 0) {
        return -1;
    }
    struct str arn = str_printf(
        &c->arena, "arn:aws:codeconnections:" STR_FMT ":" STR_FMT ":connection/made-by-apply",
        STR_ARG(accounts.v[0].region), STR_ARG(accounts.v[0].id));
    if (release_yml_compile(&c->arena, r, &accounts, arn, &plan, err) < 0) {
        return -1;
    }
    return out_json(c, plan_json(c, r, &plan));
}

static struct str shortened(struct arena *a, struct str json) {
    struct str safe = out_safe(a, json, false);
    return safe.n <= 70 ? safe : str_printf(a, "%.*s ...", 66, safe.p);
}

static void print_change(struct cli *c, const struct apply_change *change) {
    static const char *const words[] = {"kept", "new", "changed", "removed"};
    static const enum out_style styles[] = {OUT_DIM, OUT_GREEN, OUT_YELLOW, OUT_RED};
    static const char signs[] = "+-~";
    fprintf(c->out, "  %-10s  %-36.*s  %s%-7s%s  %s" STR_FMT "%s\n", change->kind,
            STR_ARG(out_safe(&c->arena, change->name, false)), out_style(c, styles[change->what]),
            words[change->what], out_style(c, OUT_PLAIN), out_style(c, OUT_DIM),
            STR_ARG(out_safe(&c->arena, change->note.p ? change->note : S(""), false)),
            out_style(c, OUT_PLAIN));
    for (size_t i = 0; i < change->fields.n; i++) {
        const struct json_difference *d = &change->fields.v[i];
        fprintf(c->out, "              %c " STR_FMT ": " STR_FMT "%s" STR_FMT "\n",
                signs[d->change], STR_ARG(d->path), STR_ARG(shortened(&c->arena, d->from)),
                d->change == JSON_CHANGED ? " -> " : "", STR_ARG(shortened(&c->arena, d->to)));
    }
}

static bool anything(const struct apply *ap, enum apply_what what) {
    for (size_t i = 0; i < ap->changes.n; i++) {
        if (ap->changes.v[i].what == what) {
            return true;
        }
    }
    return false;
}

/* Asked only where something that is there would change and a person sits before it. */
static bool agreed(struct cli *c, const struct apply *ap) {
    char answer[16] = "";
    if (cli_has(c, "yes") || !anything(ap, APPLY_CHANGE) || !isatty(STDIN_FILENO) ||
        !isatty(STDOUT_FILENO)) {
        return true;
    }
    fputs("Change it? What runs in the pipeline now is cancelled. [y/N] ", c->out);
    fflush(c->out);
    return fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static void print_done(struct cli *c, const struct apply *ap) {
    for (size_t i = 0; i < ap->missing_roles.n; i++) {
        cli_warn("role " STR_FMT " is not there yet; 'trunkline account setup accounts.yml' makes "
                 "the roles of a file",
                 STR_ARG(ap->missing_roles.v[i]));
    }
    if (ap->execution.p) {
        fprintf(c->out, "The first release starts: " STR_FMT "\n", STR_ARG(ap->execution));
    } else if (!anything(ap, APPLY_CREATE) && !anything(ap, APPLY_CHANGE) &&
               !anything(ap, APPLY_REMOVE)) {
        fputs("Nothing to change.\n", c->out);
    }
}

static json_t *done_json(struct cli *c, const struct apply *ap) {
    static const char *const words[] = {"kept", "created", "changed", "removed"};
    json_t *document = plan_json(c, ap->release, &ap->plan);
    json_t *list = json_array();
    for (size_t i = 0; i < ap->changes.n; i++) {
        json_t *one = json_object();
        json_set_str(one, "kind", str_c(ap->changes.v[i].kind));
        json_set_str(one, "name", ap->changes.v[i].name);
        json_set_str(one, "done", str_c(words[ap->changes.v[i].what]));
        json_array_append_new(list, one);
    }
    json_set(document, "changes", list);
    json_set_str(document, "execution", ap->execution);
    return document;
}

static int apply(struct cli *c, const struct release_yml *r, struct err *err) {
    struct release_accounts accounts = {0};
    struct apply ap = {.arena = &c->arena, .release = r, .accounts = &accounts};
    if (place_target(c, NULL, &ap.target, err) < 0 ||
        ask_accounts(c, &ap.target, &accounts, err) < 0 || apply_look(&ap, err) < 0) {
        return -1;
    }
    if (!c->json) {
        for (size_t i = 0; i < ap.changes.n; i++) {
            print_change(c, &ap.changes.v[i]);
        }
        if (!agreed(c, &ap)) {
            fputs("Nothing was changed.\n", c->out);
            return EXIT_STOPPED;
        }
    }
    if (apply_do(&ap, err) < 0) {
        return -1;
    }
    if (c->json) {
        return out_json(c, done_json(c, &ap));
    }
    print_done(c, &ap);
    return EXIT_DONE;
}

static int run(struct cli *c, struct err *err) {
    const char *path = c->args_n ? c->args[0] : "release.yml";
    struct release_yml release;
    struct str text;
    if (file_read(&c->arena, path, 1024 * 1024, &text, err) < 0) {
        return err->kind == ERR_NOT_FOUND && c->args_n == 0
                   ? err_set(err, ERR_NOT_FOUND,
                             "there is no release.yml here; 'trunkline init' writes one")
                   : -1;
    }
    const char *dir = dirname((char *)str_z(&c->arena, str_c(path)));
    if (release_yml_read(&c->arena, path, dir, text, &release, err) < 0) {
        return -1;
    }
    return c->json && !cli_has(c, "yes") ? print_plan(c, &release, dir, err)
                                         : apply(c, &release, err);
}

static const struct cli_option options[] = {
    {"yes", 'y', NULL, "do not ask before changing what is there"},
    {0},
};

const struct cli_verb verb_apply = {
    .name = "apply",
    .group = CLI_RELEASE,
    .args = "[release.yml]",
    .max_args = 1,
    .summary = "Create or update the pipeline that release.yml describes",
    .detail =
        "Shows the difference to what is there, field by field, then makes bucket, connection,\n"
        "projects, topic and pipeline. Creating a pipeline starts its first release. The file:\n\n"
        "  name: logging-infrastructure\n"
        "  source: {repository: ../logging-infrastructure.git, branch: main, ignore: "
        "[\"docs/**\"]}\n"
        "  image: debian-bookworm-build\n"
        "  test: {buildspec: buildspec.test.yml}\n"
        "  environments:\n"
        "    development: {account: development}\n"
        "    production: {account: production, approval: required}\n"
        "  gate: {alarms: [logging-errors]}\n"
        "  notify: [{webhook: \"https://example.org/hook\", on: [approval, failed, alarm]}]\n\n"
        "Environment E is built by project NAME-E with ENV=E as role NAME-E-build. An approval\n"
        "stands in a stage of its own before it. The gate keeps both shut while an alarm of the\n"
        "environment before is in ALARM.\n\n"
        "test and each environment may have buildspec, image, role, timeout (minutes) and "
        "variables;\n"
        "the whole has buildspec, role (the pipeline's), artifacts (its bucket) and mirror (see\n"
        "'trunkline mirror fill'); source has connection, an existing one's ARN; gate has wait,\n"
        "minutes that an alarm is given to end.\n\n"
        "--json compiles, prints {\"pipeline\",\"projects\",\"bucket\",\"connection\",\"topic\"} "
        "and\n"
        "changes nothing; --json --yes applies and adds \"changes\" and \"execution\".",
    .options = options,
    .run = run,
};
