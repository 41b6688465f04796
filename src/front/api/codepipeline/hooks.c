/* POST /hooks/<id>: verified, judged, started. See webhooks.h. */
#include "front/api/codepipeline/webhooks.h"

#include "flow/forge/delivery.h"
#include "flow/forge/path.h"
#include "flow/forge/store.h"
#include "platform/crypto/hash.h"
#include "platform/text/json.h"
#include "runtime/http/egress.h"

enum { MAX_WANTED = 8192 };

/* One delivery to a webhook. */
struct delivery {
    struct http_request *req;
    struct http_response *resp;
    const struct flow *flow;
    struct pipeline_webhook row;
    struct codepipeline_webhook_definition *webhook;
    struct str secret;
    struct pipeline_row pipeline;
    struct definition def;
    const struct def_action *action;
};

static void answer(struct http_request *req, struct http_response *resp, int status,
                   const char *what, struct str text) {
    json_t *o cleanup_json = json_object();
    json_set_str(o, what, text);
    resp->status = status;
    resp->body = json_dump_str(req->arena, o);
    http_header_add(req->arena, &resp->headers, S("Content-Type"), S("application/json"));
}

static void refuse_signature(struct http_request *req, struct http_response *resp, int status) {
    answer(req, resp, status, "message",
           status == 401 ? S("the signature is missing") : S("the signature is wrong"));
}

/* ---- is it who it has to be? ---- */

/* "127.0.0.1:54321", "[::1]:54321" */
static struct str address_of(struct str remote) {
    size_t colon = str_rfind_c(remote, ':');
    struct str host = colon == (size_t)-1 ? remote : str_sub(remote, 0, colon);
    return str_starts(host, S("[")) ? str_sub(host, 1, host.n - 2) : host;
}

static bool in_range(struct delivery *d) {
    struct egress networks = {0};
    struct err ignored = ERR_INIT;
    struct str range = d->webhook->authentication_configuration->allowed_ip_range;
    return egress_allow(d->req->arena, &networks, range, &ignored) == 0 &&
           egress_lists(&networks, address_of(d->req->remote));
}

/* True when it may start the pipeline; else it has been answered. */
static bool verify(struct delivery *d) {
    struct str how = d->webhook->authentication;
    if (str_is(how, "GITHUB_HMAC")) {
        int wrong = d->secret.n == 0 ? 403 : forge_verify(d->req, S("GITHUB"), d->secret);
        if (wrong != 0) {
            refuse_signature(d->req, d->resp, wrong);
        }
        return wrong == 0;
    }
    if (str_is(how, "IP") && !in_range(d)) {
        answer(d->req, d->resp, 403, "message", S("the address is not in the allowed range"));
        return false;
    }
    return true;
}

/* ---- does it match? ---- */

struct str webhook_wanted(struct arena *a, struct str text, const struct str_map *configuration) {
    struct str out = S("");
    while (text.n > 0) {
        size_t open = str_find_c(text, '{', 0);
        size_t close = open == (size_t)-1 ? open : str_find_c(text, '}', open);
        if (close == (size_t)-1) {
            return str_concat(a, out, text);
        }
        struct str value = str_map_get(configuration, str_sub(text, open + 1, close - open - 1));
        if (value.p == NULL || out.n + value.n > MAX_WANTED) {
            return STR_NONE;
        }
        out = str_concat(a, str_concat(a, out, str_sub(text, 0, open)), value);
        text = str_sub(text, close + 1, text.n);
    }
    return out;
}

/* 1 all filters match, 0 one does not, -1: the body is no JSON. */
static int match(struct delivery *d, struct err *err) {
    struct str body = STR_NONE;
    if (forge_payload(d->req, &body, err) < 0) {
        return -1;
    }
    json_t *root cleanup_json = json_parse(body.p != NULL ? body : S(""), err);
    if (root == NULL) {
        return err_set(err, ERR_INVALID, "the body is no JSON");
    }
    for (size_t i = 0; i < d->webhook->filters.n; i++) {
        const struct codepipeline_webhook_filter_rule *rule = &d->webhook->filters.v[i];
        struct str wanted = STR_NONE;
        if (rule->match_equals.p != NULL) {
            wanted = webhook_wanted(d->req->arena, rule->match_equals, &d->action->configuration);
            if (wanted.p == NULL) {
                return 0;
            }
        }
        if (!forge_path_matches(root, rule->json_path, wanted)) {
            return 0;
        }
    }
    return 1;
}

/* ---- the start ---- */

/* What is signed carries its own name, its digest: nobody can send it again. Without a signature
 * the same body may well be meant again. */
static int is_fresh(struct delivery *d, struct err *err) {
    if (!str_is(d->webhook->authentication, "GITHUB_HMAC")) {
        return 1;
    }
    return forge_delivery_add(d->flow->db, d->row.id,
                              crypto_sha256_hex(d->req->arena, d->req->body),
                              clock_now_ms(d->flow->clock), err);
}

static int start(struct delivery *d, struct err *err) {
    struct str id = STR_NONE;
    struct db *db = d->flow->db;
    struct execution_start start = {.trigger_type = S("Webhook"),
                                    .trigger_detail = webhook_arn(d->req->arena, &d->row)};
    int fresh = is_fresh(d, err);
    if (fresh <= 0) {
        answer(d->req, d->resp, 200, "ignored", S("this delivery was acted upon before"));
        return fresh;
    }
    if (execution_start(d->flow, d->req->arena, d->pipeline.id, &start, &id, NULL, err) < 0 ||
        pipeline_webhook_note(db, d->row.id, STR_NONE, clock_now_ms(d->flow->clock), err) < 0) {
        return -1;
    }
    answer(d->req, d->resp, 200, "pipelineExecutionId", id);
    return 0;
}

/* The pipeline may have gone, or changed, since the webhook was made. */
static int find_target(struct delivery *d, struct err *err) {
    int found = record_pipeline_get(d->flow->db, d->req->arena, d->row.account, d->row.region,
                                    d->webhook->target_pipeline, &d->pipeline, err);
    if (found <= 0) {
        return found;
    }
    if (definition_parse(d->req->arena, d->pipeline.definition, &d->def, err) < 0) {
        return -1;
    }
    d->action = definition_action(&d->def.stages.v[0], d->webhook->target_action);
    return d->action != NULL;
}

static int gone(struct delivery *d, struct err *err) {
    struct str why =
        str_printf(d->req->arena, "Pipeline " STR_FMT " has no source action " STR_FMT,
                   STR_ARG(d->webhook->target_pipeline), STR_ARG(d->webhook->target_action));
    answer(d->req, d->resp, 404, "message", why);
    return pipeline_webhook_note(d->flow->db, d->row.id, why, 0, err);
}

static int of_webhook(struct delivery *d, struct err *err) {
    struct err why = ERR_INIT;
    if (webhook_definition(d->req->arena, &d->row, &d->webhook, &d->secret, err) < 0) {
        return -1;
    }
    if (!verify(d)) {
        return 0;
    }
    int there = find_target(d, err);
    if (there <= 0) {
        return there < 0 ? -1 : gone(d, err);
    }
    int matches = match(d, &why);
    if (matches > 0) {
        return start(d, err);
    }
    if (matches < 0) {
        answer(d->req, d->resp, 400, "message", str_dup(d->req->arena, str_c(why.msg)));
    } else {
        answer(d->req, d->resp, 200, "ignored", S("a filter of the webhook does not match"));
    }
    return 0;
}

/* ---- hooks of connections ---- */

static int of_connection(struct delivery *d, const struct connection_hook *hook, struct err *err) {
    struct str secret = STR_NONE;
    struct str done = STR_NONE;
    struct err why = ERR_INIT;
    if (connection_hook_secret(d->req->arena, hook, &secret, err) < 0) {
        return -1;
    }
    int wrong = forge_verify(d->req, hook->server, secret);
    if (wrong != 0) {
        refuse_signature(d->req, d->resp, wrong);
        return 0;
    }
    if (connection_hook_event(d->req, hook, &done, &why) < 0) {
        if (why.kind != ERR_INVALID) {
            *err = why;
            return -1;
        }
        answer(d->req, d->resp, 400, "message", str_dup(d->req->arena, str_c(why.msg)));
        return 0;
    }
    answer(d->req, d->resp, 200, "done", done);
    return 0;
}

/* ---- one delivery ---- */

static int judge(struct delivery *d, struct str id, struct err *err) {
    struct connection_hook hook;
    int found = pipeline_webhook_by_id(d->flow->db, d->req->arena, id, &d->row, err);
    if (found != 0) {
        return found < 0 ? -1 : of_webhook(d, err);
    }
    found = connection_hook_by_id(d->flow->db, d->req->arena, id, &hook, err);
    if (found != 0) {
        return found < 0 ? -1 : of_connection(d, &hook, err);
    }
    answer(d->req, d->resp, 404, "message", S("there is no such webhook"));
    return 0;
}

static int handle(struct delivery *d, struct str id, struct err *err) {
    struct db *db = d->flow->db;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    if (judge(d, id, err) < 0) {
        db_rollback(db);
        return -1;
    }
    return db_commit(db, err);
}

void codepipeline_hook(void *ud, struct http_request *req, struct http_response *resp) {
    struct delivery d = {.req = req, .resp = resp, .flow = codepipeline_flow()};
    struct str prefix = S("/hooks/");
    struct err err = ERR_INIT;
    (void)ud;
    if (!str_starts(req->path, prefix)) {
        answer(req, resp, 404, "message", S("there is no such webhook"));
    } else if (!str_is(req->method, "POST")) {
        answer(req, resp, 405, "message", S("POST only"));
    } else if (handle(&d, str_sub(req->path, prefix.n, req->path.n), &err) < 0) {
        bool theirs = err.kind == ERR_CONFLICT || err.kind == ERR_LIMIT;
        resp->headers = (struct http_headers){0};
        answer(req, resp, theirs ? 409 : 500, "message",
               theirs ? str_dup(req->arena, str_c(err.msg)) : S("the delivery could not be kept"));
    }
}
