/* The gate's own refusals, in each protocol's form, and the record of them. */
#include "services/gate/internal.h"

static const struct aws_error denied_json = {"AccessDeniedException", "AccessDeniedException", 400,
                                             "Message", NULL};
static const struct aws_error denied_rest_json = {"AccessDeniedException", "AccessDeniedException",
                                                  403, "Message", NULL};
static const struct aws_error denied_xml = {"AccessDenied", "AccessDenied", 403, "message", NULL};
static const struct aws_error unknown_json = {"UnknownOperationException",
                                              "UnknownOperationException", 400, "message", NULL};
static const struct aws_error unknown_rest_json = {
    "UnknownOperationException", "UnknownOperationException", 404, "message", NULL};
static const struct aws_error unknown_query = {"InvalidAction", "InvalidAction", 400, "message",
                                               NULL};
static const struct aws_error unknown_s3 = {"NotImplemented", "NotImplemented", 501, "message",
                                            NULL};

static const struct aws_error *modelled(const struct gate_call *c) {
    static const char *const names[] = {"AccessDeniedException", "AccessDenied",
                                        "AuthorizationErrorException"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const struct aws_error *e = shape_find_error(c->op->service, str_c(names[i]));
        if (e != NULL) {
            return e;
        }
    }
    return NULL;
}

int gate_access_denied(const struct gate_call *c, struct str message, struct err *err) {
    const struct aws_error *api = modelled(c);
    if (api == NULL) {
        switch ((enum shape_protocol)c->op->service->protocol) {
        case SHAPE_QUERY:
        case SHAPE_REST_XML:
            api = &denied_xml;
            break;
        case SHAPE_REST_JSON:
            api = &denied_rest_json;
            break;
        default:
            api = &denied_json;
        }
    }
    err_api(err, api, STR_FMT, STR_ARG(message));
    err->kind = ERR_DENIED;
    return -1;
}

int gate_unknown_operation(const struct gate_call *c, struct err *err) {
    const struct shape_service *s = c->op->service;
    switch ((enum shape_protocol)s->protocol) {
    case SHAPE_QUERY:
        err_api(err, &unknown_query, "Could not find operation %s for version %s", c->op->name,
                s->version);
        break;
    case SHAPE_REST_XML:
        err_api(err, &unknown_s3,
                "A header you provided implies functionality that is not implemented (%s)",
                c->op->name);
        break;
    case SHAPE_REST_JSON:
        err_api(err, &unknown_rest_json, "%s is not implemented", c->op->name);
        break;
    default:
        err_api(err, &unknown_json, "%s is not implemented", c->op->name);
    }
    err->kind = ERR_UNSUPPORTED;
    return -1;
}

enum { DENIALS_KEPT = 5000 };

void gate_denial_note(struct gate *g, const struct gate_call *c, const struct gate_refusal *r) {
    struct err err = ERR_INIT;
    struct str who = c->principal->arn.p ? c->principal->arn : c->principal->service;
    if (db_begin(g->db, &err) < 0) {
        return;
    }
    int64_t now_ms = clock_now_ms(g->clock);
    int failed =
        db_run(g->db, &err,
               "INSERT INTO denial(account, principal, action, resource, reason, missing, hint, "
               "request_id, count, first_ms, last_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?) "
               "ON CONFLICT(account, principal, action, resource) DO UPDATE SET "
               "reason = excluded.reason, missing = excluded.missing, hint = excluded.hint, "
               "request_id = excluded.request_id, count = count + 1, last_ms = excluded.last_ms",
               "ssssssssii", c->account, who, r->action, r->resource, r->reason, r->missing,
               r->hint, c->request_id, now_ms, now_ms);
    if (failed == 0) {
        failed = db_run(g->db, &err,
                        "DELETE FROM denial WHERE last_ms <= (SELECT last_ms FROM denial "
                        "ORDER BY last_ms DESC LIMIT 1 OFFSET ?)",
                        "i", (int64_t)DENIALS_KEPT);
    }
    int64_t count = 0;
    if (failed == 0) {
        failed = db_get_i64(g->db, &count, &err,
                            "SELECT count FROM denial WHERE account = ? AND principal = ? AND "
                            "action = ? AND resource = ?",
                            "ssss", c->account, who, r->action, r->resource) < 0 ||
                         gate_audit_refusal(g, c, r, count, &err) < 0
                     ? -1
                     : 0;
    }
    if (failed < 0) {
        db_rollback(g->db);
    } else if (db_commit(g->db, &err) < 0) {
        return; /* the call's own refusal matters more than the note of it */
    }
}

int gate_denials(struct db *db, struct arena *a, struct str account, int64_t limit,
                 struct gate_denial_list *ret, struct err *err) {
    *ret = (struct gate_denial_list){NULL, 0};
    if (db_begin(db, err) < 0) {
        return -1;
    }
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(db, &rows, err,
                        "SELECT account, principal, action, resource, reason, missing, hint, "
                        "count, first_ms, last_ms FROM denial WHERE account = coalesce(?, account) "
                        "ORDER BY last_ms DESC, principal, action, resource LIMIT ?",
                        "si", account, limit);
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct gate_denial){
            db_str(&rows, a, 0), db_str(&rows, a, 1), db_str(&rows, a, 2), db_str(&rows, a, 3),
            db_str(&rows, a, 4), db_str(&rows, a, 5), db_str(&rows, a, 6), db_i64(&rows, 7),
            db_i64(&rows, 8),    db_i64(&rows, 9),
        };
    }
    db_done(&rows);
    db_rollback(db);
    return more < 0 ? -1 : 0;
}
