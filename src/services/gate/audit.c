/*
 * Which calls become rows of the audit chain: those that changed something and were answered 2xx,
 * but for contents (data_events.def), and refusals. Giving out credentials is a change: each key
 * and session is a row of its service. Reads are no rows, those of secrets neither.
 *
 * A refusal is a row when it is the first of its kind (principal, right, resource) and each time
 * that their number has doubled, and only while the principal has few kinds: whoever is refused,
 * a build for one, must not be able to push older rows out of the chain.
 */
#include "services/gate/internal.h"

#include "aws/shape/told.h"
#include "base/planted.h"
#include "gen/sts.h"
#include "runtime/audit/audit.h"
#include "services/sts/sts_store.h"

enum { KINDS_OF_ONE = 100 };

#define USER_AGENT_OF_OURS "trunkline/"

static bool is_data(const struct shape_op *op) {
    static const struct {
        const char *service, *op;
    } data[] = {
#define DATA(service, op) {service, op},
#include "services/gate/data_events.def"
#undef DATA
    };
    for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
        if (strcmp(data[i].op, op->name) == 0 && strcmp(data[i].service, op->service->name) == 0) {
            return true;
        }
    }
    return false;
}

/* By which way it came. The command line is told by its User-Agent, which anybody may send: who
 * it was is the principal's matter alone. */
struct str gate_source(const struct gate_call *c) {
    if (c->journal_id.p != NULL) {
        return S("build");
    }
    if (c->http == NULL) {
        return c->source.p != NULL ? c->source : S("engine");
    }
    struct str agent = http_header(&c->http->headers, S("user-agent"));
    return str_starts(agent, S(USER_AGENT_OF_OURS)) ? S("cli") : S("api");
}

/* What every row of a call has: who, what, when. */
static struct audit_act act_of(struct arena *a, const struct shape_op *op,
                               const struct aws_principal *p) {
    return (struct audit_act){
        .principal = p->arn.p != NULL ? p->arn : p->service,
        .operation = str_printf(a, "%s:%s", op->service->prefix, op->name),
    };
}

static void describe(struct arena *a, const struct shape_op *op, const void *in, const void *out,
                     struct audit_act *act) {
    unsigned char digest[32];
    shape_digest(op->in, in, digest);
    act->digest = str_dup(a, str_n((const char *)digest, sizeof(digest)));
    act->detail = shape_brief(a, op, in, out);
}

const struct audit_act *gate_act(const struct call *c, const void *in, struct str resource) {
    struct audit_act *act = arena_new(c->arena, struct audit_act);
    *act = act_of(c->arena, c->op, c->principal);
    act->at_ms = c->now_ms;
    act->account = c->account;
    act->source = c->source;
    act->resource = resource;
    act->outcome = S("Success");
    act->request_id = c->request_id;
    describe(c->arena, c->op, in, NULL, act);
    return act;
}

static int add(struct gate *g, const struct gate_call *c, const struct gate_refusal *need,
               const char *outcome, const void *out, struct err *err) {
    struct audit_act act = act_of(c->arena, c->op, c->principal);
    act.at_ms = c->now_ms > 0 ? c->now_ms : clock_now_ms(g->clock);
    act.account = c->account;
    act.source = gate_source(c);
    act.resource = need->resource;
    act.outcome = str_c(outcome);
    act.request_id = c->request_id;
    describe(c->arena, c->op, c->in, out, &act);
    if (c->audit_note.p != NULL) {
        act.detail =
            str_printf(c->arena, STR_FMT " " STR_FMT, STR_ARG(act.detail), STR_ARG(c->audit_note));
    }
    return audit_add(g->db, &act, err);
}

/* The engine assumes the same role under the same name each time that it looks at something that
 * waits; those keys stay in the process. Once a day is told. What leaves it (a build's) always is.
 */
static int is_told_already(struct gate *g, const struct gate_call *c, bool *ret, struct err *err) {
    const struct sts_assume_role_response *out = c->out;
    *ret = false;
    bool own = c->op == &sts_op_assume_role && str_is(gate_source(c), "engine") &&
               c->principal->build_id.p == NULL;
    return own && out->assumed_role_user != NULL
               ? sts_session_repeats(g->db, out->assumed_role_user->arn, ret, err)
               : 0;
}

int gate_audit(struct gate *g, const struct gate_call *c, const struct gate_refusal *need,
               bool wrote, struct err *err) {
    bool told = false;
    if (!wrote || is_data(c->op)) {
        return 0;
    }
    if (PLANTED(audit_after_the_act) && (db_commit(g->db, err) < 0 || db_begin(g->db, err) < 0)) {
        return -1;
    }
    if (is_told_already(g, c, &told, err) < 0) {
        return -1;
    }
    return told ? 0 : add(g, c, need, "Success", c->out, err);
}

/* 1: so few that one more does not matter, 0: not, -1. */
static int has_few_kinds(struct gate *g, const struct gate_call *c, struct str who,
                         struct err *err) {
    int64_t n = 0;
    int got = db_get_i64(g->db, &n, err,
                         "SELECT count(*) FROM (SELECT 1 FROM denial WHERE account = ? AND "
                         "principal = ? LIMIT ?)",
                         "ssi", c->account, who, (int64_t)KINDS_OF_ONE + 1);
    return got < 0 ? -1 : n <= KINDS_OF_ONE;
}

int gate_audit_refusal(struct gate *g, const struct gate_call *c, const struct gate_refusal *r,
                       int64_t count, struct err *err) {
    bool doubled = count > 0 && (count & (count - 1)) == 0;
    struct str who = c->principal->arn.p != NULL ? c->principal->arn : c->principal->service;
    int few = doubled ? has_few_kinds(g, c, who, err) : 0;
    return few <= 0 ? few : add(g, c, r, "AccessDenied", NULL, err);
}
