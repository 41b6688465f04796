/* trunkline dev denials: what policies refused, and the statement that was missing. */
#include "front/cli/out.h"
#include "front/cli/place.h"

#include "gen/trunkline.h"

enum { MOST = 1000 };

static json_t *denial_json(const struct place_account *account, const struct trunkline_denial *d) {
    struct err ignored = ERR_INIT;
    json_t *o = json_object();
    json_t *statement = json_parse(d->statement, &ignored);
    json_set_str(o, "account", account->id);
    json_set_str(o, "principal", d->principal);
    json_set_str(o, "action", d->action);
    json_set_str(o, "resource", d->resource);
    json_set_str(o, "reason", d->reason);
    json_set(o, "statement", statement != NULL ? statement : json_from_str(d->statement));
    json_set_str(o, "hint", d->hint);
    json_set(o, "count", json_integer(d->count));
    json_set(o, "first", json_integer(d->first));
    json_set(o, "last", json_integer(d->last));
    return o;
}

static void print_denial(struct cli *c, const struct trunkline_denial *d, int64_t now_ms) {
    struct arena *a = &c->arena;
    fprintf(c->out, "%s" STR_FMT "%s on " STR_FMT "\n", out_style(c, OUT_RED),
            STR_ARG(out_safe(a, d->action, false)), out_style(c, OUT_PLAIN),
            STR_ARG(out_safe(a, d->resource, false)));
    fprintf(c->out, "  by " STR_FMT "%s, " STR_FMT, STR_ARG(out_safe(a, d->principal, false)),
            out_style(c, OUT_DIM), STR_ARG(out_ago(a, now_ms - d->last)));
    if (d->count > 1) {
        fprintf(c->out, ", %lld times", (long long)d->count);
    }
    fprintf(c->out, "%s\n  " STR_FMT "\n", out_style(c, OUT_PLAIN),
            STR_ARG(out_safe(a, d->reason, false)));
    fprintf(c->out, "  statement: " STR_FMT "\n", STR_ARG(out_safe(a, d->statement, false)));
    if (d->hint.n > 0) {
        fprintf(c->out, "  nearest:   " STR_FMT "\n", STR_ARG(out_safe(a, d->hint, false)));
    }
}

/* Of one account, newest first. */
static int show_account(struct cli *c, const struct place_account *account, int limit, json_t *list,
                        struct err *err) {
    struct aws_target target;
    struct trunkline_list_denials_output out;
    const struct trunkline_list_denials_input in = {.max_results = limit, .has_max_results = true};
    if (place_target(c, str_z(&c->arena, account->id), &target, err) < 0 ||
        trunkline_call_list_denials(&target, &c->arena, &in, &out, err) < 0) {
        return -1;
    }
    if (!c->json && out.denials.n > 0) {
        fprintf(c->out, "%s" STR_FMT "%s\n", out_style(c, OUT_BOLD), STR_ARG(account->name),
                out_style(c, OUT_PLAIN));
    }
    for (size_t i = 0; i < out.denials.n; i++) {
        if (!c->json) {
            print_denial(c, &out.denials.v[i], clock_now_ms(&clock_system));
        }
        json_array_append_new(list, denial_json(account, &out.denials.v[i]));
    }
    return 0;
}

static int run(struct cli *c, struct err *err) {
    struct place_account_list accounts = {0};
    long long limit = 0;
    if (cli_number(c, "limit", 1, 20, &limit, err) < 0) {
        return -1;
    }
    if (limit > MOST) {
        return cli_usage(c, "--limit takes a number from 1 to %d", MOST);
    }
    if (place_accounts_chosen(c, &accounts, err) < 0) {
        return -1;
    }
    json_t *list cleanup_json = json_array();
    for (size_t i = 0; i < accounts.n; i++) {
        if (show_account(c, &accounts.v[i], (int)limit, list, err) < 0) {
            return -1;
        }
    }
    if (c->json) {
        json_t *document = json_object();
        json_set(document, "denials", json_incref(list));
        return out_json(c, document);
    }
    if (json_array_size(list) == 0) {
        fputs("Nothing was refused.\n", c->out);
    }
    return EXIT_DONE;
}

static const struct cli_option options[] = {
    {"account", 0, "ACCOUNT", "of this account only, by name or id"},
    {"limit", 0, "N", "the newest N of each account (default 20)"},
    {0},
};

const struct cli_verb verb_dev_denials = {
    .name = "dev denials",
    .group = CLI_DEVELOP,
    .args = "",
    .summary = "Show what policies refused, and the statement that was missing",
    .detail =
        "One entry for each principal, action and resource: how often it was refused, when last, "
        "what\n"
        "the caller was told, and the statement that would have allowed it or that denied it.",
    .options = options,
    .run = run,
};
