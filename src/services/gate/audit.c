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
#include "runtime/audit/audit.h"

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
static struct str source_of(const struct gate_call *c) {
    if (c->journal_id.p != NULL) {
        return S("build");
    }
    if (c->http == NULL) {
        return c->source.p != NULL ? c->source : S("engine");
    }
    struct str agent = http_header(&c->http->headers, S("user-agent"));
    return str_starts(agent, S(USER_AGENT_OF_OURS)) ? S("cli") : S("api");
}

static struct audit_act act_of(const struct gate *g, const struct gate_call *c,
                               const struct gate_refusal *need) {
    const struct aws_principal *p = c->principal;
    return (struct audit_act){
        .at_ms = c->now_ms > 0 ? c->now_ms : clock_now_ms(g->clock),
        .account = c->account,
        .principal = p->arn.p != NULL ? p->arn : p->service,
        .source = source_of(c),
        .operation = str_printf(c->arena, "%s:%s", c->op->service->prefix, c->op->name),
        .resource = need->resource,
        .request_id = c->request_id,
    };
}

static int add(struct gate *g, const struct gate_call *c, struct audit_act *act, const void *out,
               struct err *err) {
    unsigned char digest[32];
    shape_digest(c->op->in, c->in, digest);
    act->digest = str_n((const char *)digest, sizeof(digest));
    act->detail = shape_brief(c->arena, c->op, c->in, out);
    if (c->audit_note.p != NULL) {
        act->detail =
            str_printf(c->arena, STR_FMT " " STR_FMT, STR_ARG(act->detail), STR_ARG(c->audit_note));
    }
    return audit_add(g->db, act, err);
}

int gate_audit(struct gate *g, const struct gate_call *c, const struct gate_refusal *need,
               bool wrote, struct err *err) {
    if (!wrote || is_data(c->op)) {
        return 0;
    }
    struct audit_act act = act_of(g, c, need);
    act.outcome = S("Success");
    return add(g, c, &act, c->out, err);
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
    struct audit_act act = act_of(g, c, r);
    int few = doubled ? has_few_kinds(g, c, act.principal, err) : 0;
    if (few <= 0) {
        return few;
    }
    act.outcome = S("AccessDenied");
    return add(g, c, &act, NULL, err);
}
