/* What git hosts send to a webhook's URL: verified, judged, built. See webhooks.h. */
#include "front/api/codebuild/webhooks.h"

#include "flow/batch/apply.h"
#include "flow/forge/delivery.h"
#include "flow/forge/filter.h"
#include "front/api/codebuild/hook_facts.h"
#include "platform/crypto/hash.h"
#include "platform/text/json.h"

enum { AGENT_MAX = 64 };

/* One delivery. */
struct delivery {
    struct http_request *req;
    struct http_response *resp;
    const struct flow *flow;
    struct forge_webhook row;
    struct codebuild_webhook *webhook;
    struct codebuild_project *project;
    struct str secret;
    struct forge_event event;
    const struct egress *networks;
    bool complete; /* the event says all that filters want, or its repository was asked */
};

/* A verdict that is not one yet: what the event leaves open has to be asked first. */
enum { JUDGED = 0, OPEN_QUESTIONS = 1 };

static void answer(struct delivery *d, int status, const char *what, struct str text) {
    json_t *o cleanup_json = json_object();
    json_set_str(o, what, text);
    d->resp->status = status;
    d->resp->body = json_dump_str(d->req->arena, o);
    http_header_add(d->req->arena, &d->resp->headers, S("Content-Type"), S("application/json"));
}

static struct str header(const struct delivery *d, const char *name) {
    return http_header(&d->req->headers, str_c(name));
}

/* ---- what it says ---- */

static int read_event(struct delivery *d, struct err *err) {
    struct str type = d->project->source->type;
    struct forge_notice notice = {.server = type, .kind = forge_kind(d->req, type)};
    return forge_payload(d->req, &notice.body, err) < 0
               ? -1
               : forge_event_read(d->req->arena, &notice, &d->event, err);
}

/* ---- the build ---- */

/* The host's agent ("GitHub-Hookshot/044aadd") when it is one word of plain characters. */
static struct str initiator(const struct delivery *d) {
    struct str type = d->project->source->type;
    struct str agent = header(d, "User-Agent");
    size_t blank = str_find_c(agent, ' ', 0);
    agent = blank == (size_t)-1 ? agent : str_sub(agent, 0, blank);
    bool plain = agent.n > 0 && agent.n <= AGENT_MAX;
    for (size_t i = 0; plain && i < agent.n; i++) {
        char c = agent.p[i];
        plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == '/' || c == '.' || c == '_' || c == '-';
    }
    return plain                           ? agent
           : str_starts(type, S("GITLAB")) ? S("GitLab")
           : str_is(type, "BITBUCKET")     ? S("Bitbucket-Webhooks")
                                           : S("GitHub-Hookshot");
}

static void put(struct delivery *d, struct codebuild_environment_variable_list *list,
                const char *name, struct str value) {
    if (value.n > 0) {
        *arena_push(d->req->arena, list) =
            (struct codebuild_environment_variable){str_c(name), value, S("PLAINTEXT")};
    }
}

/* The project as this event builds it: its version, and the event's variables. */
static void apply_event(struct delivery *d) {
    struct arena *a = d->req->arena;
    const struct forge_event *e = &d->event;
    struct codebuild_project_environment *env = d->project->environment;
    struct codebuild_environment_variable_list all = {0};
    for (size_t i = 0; i < env->environment_variables.n; i++) {
        if (!str_starts(env->environment_variables.v[i].name, S("CODEBUILD_WEBHOOK_"))) {
            *arena_push(a, &all) = env->environment_variables.v[i];
        }
    }
    put(d, &all, "CODEBUILD_WEBHOOK_ACTOR_ACCOUNT_ID", e->actor);
    put(d, &all, "CODEBUILD_WEBHOOK_BASE_REF", e->base_ref);
    put(d, &all, "CODEBUILD_WEBHOOK_EVENT", e->type);
    put(d, &all, "CODEBUILD_WEBHOOK_HEAD_REF", e->head_ref);
    put(d, &all, "CODEBUILD_WEBHOOK_MERGE_COMMIT", e->merge_commit);
    put(d, &all, "CODEBUILD_WEBHOOK_PREV_COMMIT", e->prev_commit);
    put(d, &all, "CODEBUILD_WEBHOOK_TRIGGER", e->trigger);
    env->environment_variables = all;
    d->project->source_version = e->version;
}

static bool builds_batches(const struct delivery *d) {
    return str_is(d->webhook->build_type, "BUILD_BATCH");
}

static int batch(struct delivery *d, struct str digest, struct str *ret_id, struct err *err) {
    struct arena *a = d->req->arena;
    struct str uuid = STR_NONE;
    struct batch_order order = {.account = d->row.account,
                                .region = d->row.region,
                                .project = d->project,
                                .initiator = initiator(d)};
    if (codebuild_check_batch(d->project, err) < 0 ||
        batch_make(d->flow, a, &order, &uuid, err) < 0) {
        return -1;
    }
    *ret_id = str_printf(a, STR_FMT ":" STR_FMT, STR_ARG(d->row.project), STR_ARG(uuid));
    return forge_delivery_set_build(d->flow->db, d->row.id, digest, *ret_id, err) < 0 ? -1 : 1;
}

/* The body itself is the delivery's name: it is what the signature covers, so that nobody can send
 * it again under another one. */
static int build(struct delivery *d, struct str *ret_id, struct err *err) {
    struct arena *a = d->req->arena;
    struct db *db = d->flow->db;
    struct str uuid = STR_NONE;
    struct str digest = crypto_sha256_hex(a, d->req->body);
    int64_t now = clock_now_ms(d->flow->clock);
    int fresh = forge_delivery_add(db, d->row.id, digest, now, err);
    if (fresh <= 0) {
        return fresh;
    }
    apply_event(d);
    if (builds_batches(d)) {
        return batch(d, digest, ret_id, err);
    }
    struct build_making making = {.account = d->row.account,
                                  .region = d->row.region,
                                  .project = d->project,
                                  .initiator = initiator(d)};
    if (build_make(d->flow, a, &making, &uuid, err) < 0) {
        return -1;
    }
    *ret_id = str_printf(a, STR_FMT ":" STR_FMT, STR_ARG(d->row.project), STR_ARG(uuid));
    return forge_delivery_set_build(db, d->row.id, digest, *ret_id, err) < 0 ? -1 : 1;
}

/* ---- one delivery ---- */

/* 1 found, 0 there is no such webhook (any more). */
static int load(struct delivery *d, struct str id, struct err *err) {
    struct arena *a = d->req->arena;
    struct project_row project;
    struct db *db = d->flow->db;
    int found = forge_webhook_by_id(db, a, id, &d->row, err);
    if (found > 0) {
        found = project_get(db, a, d->row.account, d->row.region, d->row.project, &project, err);
    }
    if (found > 0 && (project_from_json(a, project.body, &d->project, err) < 0 ||
                      webhook_open(a, &d->row, &d->webhook, &d->secret, err) < 0)) {
        return -1;
    }
    return found;
}

static int judge(struct delivery *d, struct err *err) {
    struct str id = STR_NONE;
    int wrong = forge_verify(d->req, d->project->source->type, d->secret);
    if (wrong != 0) {
        answer(d, wrong, "message",
               wrong == 401 ? S("the signature is missing") : S("the signature is wrong"));
        return JUDGED;
    }
    if (!d->complete && read_event(d, err) < 0) {
        answer(d, 400, "message", str_dup(d->req->arena, str_c(err->msg)));
        return JUDGED;
    }
    if (d->event.type.p == NULL) {
        answer(d, 200, "ignored", d->event.ignored);
        return JUDGED;
    }
    int asks = d->complete ? 0 : forge_filter_asks(d->req->arena, d->webhook, &d->event, err);
    if (asks != 0) {
        return asks < 0 ? -1 : OPEN_QUESTIONS;
    }
    int match = forge_filter_match(d->req->arena, d->webhook, &d->event, err);
    int built = match <= 0 ? match : build(d, &id, err);
    if (built < 0) {
        return -1;
    }
    if (match == 0) {
        answer(d, 200, "ignored", S("no filter group of the webhook matches"));
    } else if (built == 0) {
        answer(d, 200, "ignored", S("this delivery was acted upon before"));
    } else {
        answer(d, 200, builds_batches(d) ? "buildBatch" : "build", id);
    }
    return JUDGED;
}

/* In one transaction, which is of no consequence as long as questions are open. */
static int load_and_judge(struct delivery *d, struct str id, struct err *err) {
    struct db *db = d->flow->db;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int found = load(d, id, err);
    int result = found <= 0 ? found : judge(d, err);
    if (found == 0) {
        answer(d, 404, "message", S("there is no such webhook"));
    }
    if (result != JUDGED) {
        db_rollback(db);
        return result;
    }
    return db_commit(db, err);
}

/* The host sees a failure, and may deliver again: nothing was kept of this one. */
static void ask_repository(struct delivery *d) {
    struct err err = ERR_INIT;
    const struct hook_asking asking = {.flow = d->flow,
                                       .owner = {d->row.account, d->row.region},
                                       .project = d->row.project,
                                       .body = d->project,
                                       .networks = d->networks};
    d->complete = hook_find_facts(d->req->arena, &asking, &d->event, &err) == 0;
    if (!d->complete) {
        answer(d, 503, "message",
               str_printf(d->req->arena,
                          "the repository could not be asked what the pull request changes: %s",
                          err.msg));
    }
}

static int handle(struct delivery *d, struct str id, struct err *err) {
    int result = load_and_judge(d, id, err);
    if (result == OPEN_QUESTIONS) {
        ask_repository(d);
        result = d->complete ? load_and_judge(d, id, err) : JUDGED;
    }
    return result;
}

void codebuild_hook(void *ud, struct http_request *req, struct http_response *resp) {
    struct delivery d = {.req = req, .resp = resp, .flow = codebuild_flow(), .networks = ud};
    struct str prefix = S("/hooks/codebuild/");
    struct err err = ERR_INIT;
    if (!str_starts(req->path, prefix)) {
        answer(&d, 404, "message", S("there is no such webhook"));
    } else if (!str_is(req->method, "POST")) {
        answer(&d, 405, "message", S("POST only"));
    } else if (handle(&d, str_sub(req->path, prefix.n, req->path.n), &err) < 0) {
        bool theirs = err.api != NULL;
        resp->headers = (struct http_headers){0};
        answer(&d, theirs ? 409 : 500, "message",
               theirs ? str_dup(req->arena, str_c(err.msg)) : S("the delivery could not be kept"));
    }
}
