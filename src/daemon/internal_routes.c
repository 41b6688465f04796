/* Implementation of internal_routes.h. */
#include "daemon/internal_routes.h"

#include "flow/build/build.h"
#include "front/api/codebuild/access.h"
#include "platform/text/json.h"

#include <stdlib.h>

struct internal_routes {
    struct db *db;
    struct gate *gate;
    struct world *world;
    struct release *release;
};

struct internal_routes *internal_routes_new(struct db *db, struct gate *gate, struct world *world,
                                            struct release *release) {
    struct internal_routes *r = mem_alloc(sizeof(*r));
    r->db = db;
    r->gate = gate;
    r->world = world;
    r->release = release;
    return r;
}

void internal_routes_free(struct internal_routes *r) {
    free(r);
}

static void answer(struct http_request *req, struct http_response *resp, int status,
                   struct str body) {
    resp->status = status;
    resp->body = body;
    http_header_add(req->arena, &resp->headers, S("Content-Type"), S("application/json"));
}

static void answer_error(struct http_request *req, struct http_response *resp, int status,
                         struct str message) {
    json_t *o cleanup_json = json_object();
    json_set_str(o, "message", message);
    answer(req, resp, status, json_dump_str(req->arena, o));
}

/* The build's row while it runs and has rights: 1, 0 when there is none or it has ended, or its
 * rights were taken away. */
static int running_build(struct internal_routes *r, struct arena *a, struct str uuid,
                         struct build_row *ret, struct build_rights *ret_rights, struct err *err) {
    if (db_begin(r->db, err) < 0) {
        return -1;
    }
    int found = build_load(r->db, a, uuid, ret, err);
    int rights = found > 0 ? build_rights_get(r->db, a, uuid, ret_rights, err) : 0;
    db_rollback(r->db);
    if (rights < 0) {
        return -1;
    }
    return found > 0 && (ret->complete || ret_rights->revoked) ? 0 : found;
}

static void credentials(struct internal_routes *r, struct http_request *req,
                        struct http_response *resp, struct str uuid) {
    struct arena *a = req->arena;
    struct build_row row;
    struct build_rights rights = {0};
    struct err err = ERR_INIT;
    int found = running_build(r, a, uuid, &row, &rights, &err);
    if (found <= 0) {
        answer_error(req, resp, found < 0 ? 500 : 404,
                     found < 0 ? str_c(err.msg) : S("this build has ended or was abandoned"));
        return;
    }
    json_t *body cleanup_json = json_parse(row.body, &err);
    struct world_build build = {
        .uuid = uuid,
        .role_arn = str_dup(a, json_str(json_object_get(body, "build"), "serviceRole")),
        .service = rights.service,
        .via = rights.via,
        .policy = rights.policy};
    struct aws_credentials keys;
    if (world_build_credentials(r->world, a, &build, &keys, &err) < 0) {
        answer_error(req, resp, 403, str_c(err.msg));
        return;
    }
    json_t *o cleanup_json = json_object();
    json_set_str(o, "AccessKeyId", keys.access_key);
    json_set_str(o, "SecretAccessKey", keys.secret_key);
    json_set_str(o, "Token", keys.session_token);
    json_set_str(o, "Expiration", time_iso(a, keys.expires_ms));
    json_set_str(o, "RoleArn", build.role_arn);
    answer(req, resp, 200, json_dump_str(a, o));
}

/* How one of a running build's repositories is reached: {"source": 0, "url": LOCATION}. */
static void source(struct internal_routes *r, struct http_request *req, struct http_response *resp,
                   struct str uuid) {
    struct arena *a = req->arena;
    struct build_row row;
    struct checkout_remote remote;
    struct str secret = STR_NONE;
    struct err err = ERR_INIT;
    json_t *question cleanup_json = json_parse(req->body, &err);
    int64_t number = json_int(question, "source");
    struct build_rights rights;
    int found = question == NULL ? -1 : running_build(r, a, uuid, &row, &rights, &err);
    if (found <= 0) {
        answer_error(req, resp, found < 0 ? 500 : 404,
                     found < 0 ? str_c(err.msg) : S("this build has ended"));
        return;
    }
    if (number < 0 ||
        access_find(release_flow(r->release), a, &row, (size_t)number,
                    str_dup(a, json_str(question, "url")), &remote, &secret, &err) < 0) {
        answer_error(req, resp, 403, str_dup(a, str_c(err.msg)));
        return;
    }
    json_t *o cleanup_json = json_object();
    json_set_str(o, "url", remote.url);
    json_set_str(o, "username", remote.username);
    json_set_str(o, "password", remote.password);
    json_set_str(o, "secret", secret);
    json_set(o, "trusted", json_boolean(remote.trusted));
    answer(req, resp, 200, json_dump_str(a, o));
}

static void acknowledge(struct internal_routes *r, struct http_request *req,
                        struct http_response *resp) {
    struct str id = http_header(&req->headers, S("x-trunkline-request"));
    struct err err = ERR_INIT;
    if (id.n == 0) {
        answer_error(req, resp, 400, S("x-trunkline-request is missing"));
    } else if (gate_journal_drop(r->gate, id, &err) < 0) {
        answer_error(req, resp, 500, str_c(err.msg));
    } else {
        answer(req, resp, 200, S("{}"));
    }
}

void internal_routes_handle(void *ud, struct http_request *req, struct http_response *resp) {
    struct internal_routes *r = ud;
    struct str rest = str_sub(req->path, strlen("/_trunkline/"), req->path.n);
    struct str kind = STR_NONE;
    struct str uuid = STR_NONE;
    str_cut(&rest, '/', &kind);
    if (!str_is(req->method, "POST")) {
        answer_error(req, resp, 405, S("POST only"));
    } else if (str_is(kind, "ack")) {
        acknowledge(r, req, resp);
    } else if (str_is(kind, "builds") && str_cut(&rest, '/', &uuid) &&
               str_is(rest, "credentials")) {
        credentials(r, req, resp, uuid);
    } else if (str_is(kind, "builds") && str_is(rest, "source")) {
        source(r, req, resp, uuid);
    } else if (str_is(kind, "builds") && str_is(rest, "poke")) {
        release_poke(r->release, uuid);
        answer(req, resp, 200, S("{}"));
    } else {
        answer_error(req, resp, 404, S("there is no such endpoint"));
    }
}
