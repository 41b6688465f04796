/* trunkline audit: who did what, from the audit chain of each account, newest last as a log is
 * read. */
#include "front/cli/out.h"
#include "front/cli/place.h"

#include "gen/trunkline.h"

#include <stdlib.h>

enum { PAGE = 1000, MOST = 100000 };

struct record {
    const struct place_account *account;
    const struct trunkline_audit_record *row;
};

struct record_list {
    struct record *v;
    size_t n;
};

/* ---- asking ---- */

/* "2h", "30m", "7d", or a time as ISO 8601 has it. */
static bool parse_since(struct str text, int64_t now_ms, int64_t *ret) {
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    long long n = 0;
    for (size_t i = 0; text.n > 1 && i < sizeof(units) / sizeof(units[0]); i++) {
        if (text.p[text.n - 1] == units[i].unit && str_to_i64(str_sub(text, 0, text.n - 1), &n)) {
            if (n < 0 || n > INT64_C(100000000)) {
                return false;
            }
            *ret = now_ms - n * units[i].ms;
            return true;
        }
    }
    return text.n >= sizeof("2026-01-01") - 1 && time_parse(text, ret);
}

/* The newest `limit` of one account. */
static int ask_account(struct cli *c, const struct place_account *account, int64_t since_ms,
                       long long limit, struct record_list *io, struct str *ret_head,
                       struct err *err) {
    struct aws_target target;
    if (place_target(c, str_z(&c->arena, account->id), &target, err) < 0) {
        return -1;
    }
    int64_t before = 0;
    for (long long left = limit; left > 0;) {
        struct trunkline_list_audit_records_output *out =
            arena_new(&c->arena, struct trunkline_list_audit_records_output);
        const struct trunkline_list_audit_records_input in = {
            .since = since_ms,
            .has_since = since_ms > 0,
            .before = before,
            .has_before = before > 0,
            .max_results = (int32_t)(left < PAGE ? left : PAGE),
            .has_max_results = true,
        };
        if (trunkline_call_list_audit_records(&target, &c->arena, &in, out, err) < 0) {
            return -1;
        }
        for (size_t i = 0; i < out->records.n; i++) {
            *arena_push(&c->arena, io) = (struct record){account, &out->records.v[i]};
            before = out->records.v[i].sequence;
        }
        *ret_head = out->head;
        left -= (long long)out->records.n;
        if (out->records.n < (size_t)in.max_results) {
            break;
        }
    }
    return 0;
}

static int by_sequence(const void *x, const void *y) {
    int64_t one = ((const struct record *)x)->row->sequence;
    int64_t two = ((const struct record *)y)->row->sequence;
    return one < two ? -1 : one > two;
}

static int ask(struct cli *c, const struct place_account_list *accounts, int64_t since_ms,
               long long limit, struct record_list *ret, struct str *ret_head, struct err *err) {
    *ret = (struct record_list){NULL, 0};
    for (size_t i = 0; i < accounts->n; i++) {
        if (ask_account(c, &accounts->v[i], since_ms, limit, ret, ret_head, err) < 0) {
            return -1;
        }
    }
    if (ret->n > 0) {
        qsort(ret->v, ret->n, sizeof(*ret->v), by_sequence);
    }
    if (ret->n > (size_t)limit) {
        ret->v += ret->n - (size_t)limit;
        ret->n = (size_t)limit;
    }
    return 0;
}

/* ---- telling ---- */

static json_t *record_json(const struct record *r) {
    const struct trunkline_audit_record *row = r->row;
    json_t *o = json_object();
    json_set(o, "sequence", json_integer(row->sequence));
    json_set(o, "time", json_integer(row->time));
    json_set_str(o, "account", r->account->id);
    json_set_str(o, "principal", row->principal);
    json_set_str(o, "source", row->source);
    json_set_str(o, "operation", row->operation);
    json_set_str(o, "resource", row->resource);
    json_set_str(o, "outcome", row->outcome);
    json_set_str(o, "requestId", row->request_id);
    json_set_str(o, "detail", row->detail);
    json_set_str(o, "requestDigest", row->request_digest);
    json_set_str(o, "hash", row->hash);
    return o;
}

static void print_record(struct cli *c, const struct record *r) {
    struct arena *a = &c->arena;
    const struct trunkline_audit_record *row = r->row;
    bool done = str_is(row->outcome, "Success");
    fprintf(c->out, "%s" STR_FMT " %6lld%s " STR_FMT " by " STR_FMT " (" STR_FMT ")",
            out_style(c, OUT_DIM), STR_ARG(out_time(a, row->time)), (long long)row->sequence,
            out_style(c, OUT_PLAIN), STR_ARG(out_safe(a, row->operation, false)),
            STR_ARG(out_safe(a, row->principal, false)), STR_ARG(out_safe(a, row->source, false)));
    if (!done) {
        fprintf(c->out, " %s" STR_FMT "%s", out_style(c, OUT_RED),
                STR_ARG(out_safe(a, row->outcome, false)), out_style(c, OUT_PLAIN));
    }
    fprintf(c->out, "\n    " STR_FMT, STR_ARG(out_safe(a, row->resource, false)));
    if (row->detail.n > 0) {
        fprintf(c->out, "  " STR_FMT, STR_ARG(out_safe(a, row->detail, false)));
    }
    fputc('\n', c->out);
}

/* With --head alone the records that came along are left out. */
static int tell(struct cli *c, const struct record_list *list, struct str head) {
    if (c->json) {
        json_t *document = json_object();
        json_t *records = json_array();
        for (size_t i = 0; i < list->n; i++) {
            json_array_append_new(records, record_json(&list->v[i]));
        }
        if (cli_has(c, "head")) {
            json_decref(records);
        } else {
            json_set(document, "records", records);
        }
        json_set_str(document, "head", head);
        return out_json(c, document);
    }
    for (size_t i = 0; i < list->n; i++) {
        print_record(c, &list->v[i]);
    }
    if (list->n == 0) {
        fputs("Nothing has been done.\n", c->out);
    }
    return EXIT_DONE;
}

static int run(struct cli *c, struct err *err) {
    struct place_account_list accounts = {0};
    struct record_list list;
    struct str head = STR_NONE;
    int64_t since_ms = 0;
    long long limit = 0;
    const char *since = cli_opt(c, "since");
    if (since != NULL && !parse_since(str_c(since), clock_now_ms(&clock_system), &since_ms)) {
        return cli_usage(c, "--since takes a time (2026-11-24T02:46:17Z) or an age (30m, 12h, 7d)");
    }
    if (cli_number(c, "limit", 1, since != NULL ? MOST : 50, &limit, err) < 0) {
        return -1;
    }
    if (limit > MOST) {
        return cli_usage(c, "--limit takes a number from 1 to %d", MOST);
    }
    if (place_accounts_chosen(c, &accounts, err) < 0 ||
        ask(c, &accounts, since_ms, cli_has(c, "head") ? 1 : limit, &list, &head, err) < 0) {
        return -1;
    }
    if (cli_has(c, "head") && !c->json) {
        fprintf(c->out, STR_FMT "\n", STR_ARG(head));
        return EXIT_DONE;
    }
    return tell(c, &list, head);
}

static const struct cli_option options[] = {
    {"account", 0, "ACCOUNT", "of this account only, by name or id"},
    {"since", 0, "TIME", "from then on: 2026-11-24T02:46:17Z, or an age as 30m, 12h, 7d"},
    {"limit", 0, "N", "the newest N (default 50; with --since all of them)"},
    {"head", 0, NULL, "only how far the chain reaches, to be kept elsewhere"},
    {0},
};

const struct cli_verb verb_audit = {
    .name = "audit",
    .group = CLI_MACHINE,
    .args = "",
    .summary = "List who did what: changes, approvals, credentials given out, refusals",
    .detail =
        "One entry for each call that changed something, but for contents, and for refusals, "
        "oldest\n"
        "first: when, who (as authenticated), by which way (api, cli, console, build, engine), "
        "what,\n"
        "and what was asked for, without secrets. `trunkline verify` proves that none was changed "
        "or\n"
        "taken away. --head prints number and hash of the newest entry: kept where nobody of this\n"
        "machine can write, it proves later by `trunkline verify --all --head HEAD` that the end "
        "of\n"
        "the chain was not cut.",
    .options = options,
    .run = run,
};
