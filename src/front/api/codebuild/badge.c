/*
 * Implementation of badge.h. The token in the URL names account, region and project and carries a
 * keyed digest over them: it can be made by us only, needs no row, and tells nothing else.
 */
#include "front/api/codebuild/badge.h"

#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"
#include "platform/text/json.h"
#include "services/core/seal.h"

enum { MAC_BYTES = 16, TOKEN_MAX = 1024, BUILDS_LOOKED_AT = 50 };

struct asked {
    struct str account;
    struct str region;
    struct str project;
    struct str branch;
};

static struct str mac_of(struct arena *a, struct str name) {
    unsigned char mac[MAC_BYTES];
    seal_mac(S("codebuild/badge"), name, mac);
    return str_dup(a, str_n((const char *)mac, sizeof(mac)));
}

struct str badge_url(struct arena *a, const struct call *c, struct str project) {
    struct str name = str_printf(a, STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(c->account),
                                 STR_ARG(c->region), STR_ARG(project));
    struct str token = base64url_encode(a, str_concat(a, mac_of(a, name), name));
    return str_printf(a, STR_FMT "/badges?uuid=" STR_FMT "&branch=main",
                      STR_ARG(codebuild_flow()->url), STR_ARG(token));
}

static bool read_token(struct arena *a, struct str token, struct asked *ret) {
    struct str bytes = STR_NONE;
    if (token.n > TOKEN_MAX || !base64url_decode(a, token, &bytes) || bytes.n <= MAC_BYTES) {
        return false;
    }
    struct str name = str_sub(bytes, MAC_BYTES, bytes.n);
    if (!crypto_equal(str_sub(bytes, 0, MAC_BYTES), mac_of(a, name))) {
        return false;
    }
    ret->project = name;
    return str_cut(&ret->project, '/', &ret->account) && str_cut(&ret->project, '/', &ret->region);
}

static struct str variable(const struct codebuild_build *b, const char *name) {
    const struct codebuild_environment_variable_list *list = &b->environment->environment_variables;
    for (size_t i = 0; i < list->n; i++) {
        if (str_is(list->v[i].name, name)) {
            return list->v[i].value;
        }
    }
    return STR_NONE;
}

/* Builds that name no branch count for all of them. */
static bool is_of_branch(const struct codebuild_build *b, struct str branch) {
    struct str of = variable(b, "CODEBUILD_WEBHOOK_HEAD_REF");
    of = of.n > 0 ? of : b->source_version;
    of = str_starts(of, S("refs/heads/")) ? str_sub(of, 11, of.n) : of;
    return branch.n == 0 || of.n == 0 || str_eq(of, branch) ||
           !(str_is(b->source->type, "GITHUB") || str_is(b->source->type, "GITHUB_ENTERPRISE") ||
             str_is(b->source->type, "GITLAB") || str_is(b->source->type, "GITLAB_SELF_MANAGED") ||
             str_is(b->source->type, "BITBUCKET") || str_is(b->source->type, "CODECOMMIT"));
}

/* Status of the newest build of the branch; absent when there is none. */
static int last_status(struct db *db, struct arena *a, const struct asked *q, struct str *ret,
                       struct err *err) {
    struct str_list ids;
    int64_t last = 0;
    if (build_list(db, a, q->account, q->region, q->project, true, 0, BUILDS_LOOKED_AT, &ids, &last,
                   err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < ids.n; i++) {
        struct build_row row;
        struct codebuild_build *b = NULL;
        int found = build_load(db, a, codebuild_build_uuid(ids.v[i]), &row, err);
        if (found < 0 || (found > 0 && build_from_json(a, row.body, &b, err) < 0)) {
            return -1;
        }
        if (found > 0 && is_of_branch(b, q->branch)) {
            *ret = row.status;
            return 0;
        }
    }
    return 0;
}

/* 1 there is such a badge, with its status; 0 there is none, or it was turned off. */
static int look_up(struct arena *a, const struct asked *q, struct str *ret_status,
                   struct err *err) {
    struct db *db = codebuild_flow()->db;
    struct project_row row;
    struct codebuild_project *p = NULL;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int found = project_get(db, a, q->account, q->region, q->project, &row, err);
    if (found > 0 && project_from_json(a, row.body, &p, err) < 0) {
        found = -1;
    }
    if (found > 0 && (p->badge == NULL || !p->badge->badge_enabled)) {
        found = 0;
    }
    if (found > 0 && last_status(db, a, q, ret_status, err) < 0) {
        found = -1;
    }
    db_rollback(db);
    return found;
}

static struct str picture(struct arena *a, struct str status) {
    static const struct {
        const char *status;
        const char *text;
        const char *color;
    } looks[] = {
        {"SUCCEEDED", "passing", "#2e8540"}, {"IN_PROGRESS", "in progress", "#0073bb"},
        {"FAILED", "failing", "#d13212"},    {"FAULT", "failing", "#d13212"},
        {"TIMED_OUT", "failing", "#d13212"}, {"STOPPED", "failing", "#d13212"},
        {"", "unknown", "#687078"},
    };
    size_t i = 0;
    while (i + 1 < sizeof(looks) / sizeof(looks[0]) && !str_is(status, looks[i].status)) {
        i++;
    }
    size_t width = 20 + 7 * strlen(looks[i].text);
    return str_printf(
        a,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%zu\" height=\"20\" role=\"img\" "
        "aria-label=\"build: %s\"><title>build: %s</title><g font-family=\"Verdana,sans-serif\" "
        "font-size=\"11\" fill=\"#fff\"><rect width=\"44\" height=\"20\" fill=\"#444\"/><rect "
        "x=\"44\" width=\"%zu\" height=\"20\" fill=\"%s\"/><text x=\"8\" y=\"14\">build</text>"
        "<text x=\"54\" y=\"14\">%s</text></g></svg>\n",
        44 + width, looks[i].text, looks[i].text, width, looks[i].color, looks[i].text);
}

static void answer(struct http_request *req, struct http_response *resp, int status,
                   struct str build) {
    resp->status = status;
    resp->body = picture(req->arena, build);
    http_header_add(req->arena, &resp->headers, S("Content-Type"), S("image/svg+xml"));
    http_header_add(req->arena, &resp->headers, S("Cache-Control"), S("no-cache"));
    http_header_add(req->arena, &resp->headers, S("X-Content-Type-Options"), S("nosniff"));
    http_header_add(req->arena, &resp->headers, S("Content-Security-Policy"),
                    S("default-src 'none'"));
}

void codebuild_badge(void *ud, struct http_request *req, struct http_response *resp) {
    struct asked q = {0};
    struct str_map query = {0};
    struct str status = S("");
    struct err err = ERR_INIT;
    (void)ud;
    if (!str_is(req->method, "GET") && !str_is(req->method, "HEAD")) {
        answer(req, resp, 405, S(""));
        return;
    }
    if (!http_parse_query(req->arena, req->query, &query) ||
        !read_token(req->arena, str_map_get(&query, S("uuid")), &q)) {
        answer(req, resp, 404, S(""));
        return;
    }
    q.branch = str_map_get(&query, S("branch"));
    int found = look_up(req->arena, &q, &status, &err);
    answer(req, resp, found > 0 ? 200 : found == 0 ? 404 : 500, status);
}
