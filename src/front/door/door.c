/* Implementation of door.h: routes, and the order in which an AWS request is looked at. */
#include "front/door/internal.h"

#include "aws/auth/fault.h"

#include <stdlib.h>

struct door *door_new(const struct door_config *config) {
    struct door *d = mem_alloc(sizeof(*d));
    d->config = *config;
    d->routes = mem_alloc((config->n_routes + 1) * sizeof(*d->routes));
    if (config->n_routes > 0) {
        memcpy(d->routes, config->routes, config->n_routes * sizeof(*d->routes));
    }
    return d;
}

void door_free(struct door *d) {
    if (d == NULL) {
        return;
    }
    free(d->routes);
    free(d);
}

size_t door_unknown_members(const struct door *d) {
    return atomic_load(&d->unknown_members);
}

/* ---- routes ---- */

/* What a build's gateway brings over the same socket speaks AWS only: the build itself chose the
 * path, and the routes behind it hand out other builds' credentials. */
static bool from_build(const struct http_request *req) {
    return req->local && http_header(&req->headers, S("x-trunkline-build")).p != NULL;
}

static const struct door_route *route_of(struct door *d, const struct http_request *req) {
    if (from_build(req)) {
        return NULL;
    }
    for (size_t i = 0; i < d->config.n_routes; i++) {
        const struct door_route *r = &d->routes[i];
        struct str prefix = str_c(r->prefix);
        bool whole = str_starts(req->path, prefix) &&
                     (req->path.n == prefix.n || req->path.p[prefix.n] == '/');
        if (whole && (!r->local_only || req->local)) {
            return r;
        }
    }
    return NULL;
}

static void plain(struct http_request *req, struct http_response *resp, int status,
                  struct str text) {
    resp->status = status;
    resp->body = text;
    http_header_add(req->arena, &resp->headers, S("Content-Type"), S("text/plain; charset=utf-8"));
}

static bool wants_page(const struct http_request *req) {
    return str_is(req->method, "GET") && str_is(req->path, "/") &&
           str_find(http_header(&req->headers, S("Accept")), S("text/html"), 0) != (size_t)-1;
}

/* ---- AWS ---- */

static struct passage *begin_passage(struct door *d, struct http_request *req) {
    struct passage *p = arena_new(req->arena, struct passage);
    p->door = d;
    p->req = req;
    p->arena = req->arena;
    p->request_id = rng_uuid(d->config.rng, req->arena);
    p->now_ms = clock_now_ms(d->config.clock);
    struct err err = ERR_INIT;
    int parsed = sigv4_parse(req->arena, req, &p->sig, &err);
    p->has_signature = parsed > 0;
    door_detect(p);
    if (parsed < 0) {
        auth_fail(&p->failed, AUTH_INCOMPLETE, p->protocol, str_dup(req->arena, str_c(err.msg)));
    }
    return p;
}

static bool uploads(const struct passage *p) {
    return p->protocol == SHAPE_REST_XML && p->op != NULL && (p->op->flags & SHAPE_OP_BODY_IN) != 0;
}

/* Only uploads are looked at before their body is there: who may not upload is told at once. */
static bool begin(void *ud, struct http_request *req, struct http_response *resp) {
    struct door *d = ud;
    if (!str_is(req->method, "PUT") || route_of(d, req) != NULL) {
        return false; /* whatever is streamed in is a PUT */
    }
    struct passage *p = begin_passage(d, req);
    if (p->service == NULL || p->failed.kind != ERR_NONE || !uploads(p)) {
        return false;
    }
    struct err err = ERR_INIT;
    req->ud = p;
    if (door_authenticate(p, &err) < 0 || door_open_stage(p, &err) < 0) {
        door_answer_error(p, &err, NULL, resp);
        door_close_stage(p);
        return true;
    }
    return false;
}

static void pass(struct passage *p, struct http_response *resp) {
    struct err err = p->failed;
    if (err.kind != ERR_NONE) {
        door_answer_error(p, &err, NULL, resp);
    } else if (p->op == NULL && p->has_signature && door_authenticate(p, &err) < 0) {
        door_answer_error(p, &err, NULL, resp);
    } else if (p->op == NULL) {
        proto_unknown_operation(&err, p->service->shape, p->protocol, p->op_name);
        door_answer_error(p, &err, NULL, resp);
    } else if (door_authenticate(p, &err) < 0 || door_end_stage(p, &err) < 0 ||
               door_check_body(p, &err) < 0 || door_decode_body(p, &err) < 0) {
        door_answer_error(p, &err, NULL, resp);
    } else {
        door_invoke(p, resp);
    }
}

/* A service of AWS that is not here: told in the format that the client reads. */
static void answer_unserved(struct passage *p, struct http_response *resp) {
    struct str type = http_header(&p->req->headers, S("Content-Type"));
    struct str target = http_header(&p->req->headers, S("X-Amz-Target"));
    bool form = str_starts(type, S("application/x-www-form-urlencoded"));
    struct shape_service *service = arena_new(p->arena, struct shape_service);
    struct gate_service *unserved = arena_new(p->arena, struct gate_service);
    struct err err = ERR_INIT;
    service->name = p->has_signature ? str_z(p->arena, p->sig.service) : "unknown";
    unserved->shape = service;
    p->service = unserved;
    p->protocol = target.p != NULL ? SHAPE_JSON_1_1 : form ? SHAPE_QUERY : SHAPE_REST_JSON;
    p->op_name = target.p != NULL ? target
                                  : str_printf(p->arena, STR_FMT " of service %s",
                                               STR_ARG(p->req->method), service->name);
    proto_unknown_operation(&err, service, p->protocol, p->op_name);
    door_answer_error(p, &err, NULL, resp);
}

static void handle(void *ud, struct http_request *req, struct http_response *resp) {
    struct door *d = ud;
    const struct door_route *route = route_of(d, req);
    if (route != NULL) {
        route->handle(route->ud, req, resp);
        return;
    }
    if (wants_page(req)) {
        resp->status = 303;
        http_header_add(req->arena, &resp->headers, S("Location"), S("/console"));
        return;
    }
    struct passage *p = req->ud != NULL ? req->ud : begin_passage(d, req);
    if (p->service == NULL && (p->has_signature || p->failed.kind != ERR_NONE ||
                               http_header(&req->headers, S("X-Amz-Target")).p != NULL)) {
        answer_unserved(p, resp);
        return;
    }
    if (p->service == NULL) {
        plain(
            req, resp, 404,
            S("This is Trunkline. It speaks AWS's protocols (set AWS_ENDPOINT_URL to this address) "
              "and has a console at /console. This request names no service that is here.\n"));
        return;
    }
    pass(p, resp);
    door_close_stage(p);
}

struct http_handler door_handler(struct door *d) {
    return (struct http_handler){.begin = begin, .handle = handle, .ud = d};
}
