/* Which service, protocol and operation a request means. */
#include "front/door/internal.h"

#include "platform/archive/gunzip.h"

static const struct gate_service *service_where(
    struct door *d, bool (*fits)(const struct shape_service *s, struct str word), struct str word) {
    size_t n = 0;
    const struct gate_service *list = gate_services(d->config.gate, &n);
    for (size_t i = 0; i < n; i++) {
        if (fits(list[i].shape, word)) {
            return &list[i];
        }
    }
    return NULL;
}

/* Some clients write the target with its name space ("com.amazonaws.codestar.connections.X"), some
 * without it ("X"). */
static bool by_target(const struct shape_service *s, struct str word) {
    if (s->target == NULL) {
        return false;
    }
    struct str own = str_c(s->target);
    size_t dot = str_rfind_c(own, '.');
    return str_eq(word, own) ||
           (dot != (size_t)-1 && str_eq(word, str_sub(own, dot + 1, own.n)));
}

static bool by_signing(const struct shape_service *s, struct str word) {
    return str_is(word, s->signing);
}

static bool by_host(const struct shape_service *s, struct str word) {
    return str_is(word, s->host);
}

/* ---- JSON: X-Amz-Target ---- */

static bool detect_target(struct passage *p) {
    struct str target = http_header(&p->req->headers, S("X-Amz-Target"));
    size_t dot = str_rfind_c(target, '.');
    if (dot == (size_t)-1) {
        return false;
    }
    p->service = service_where(p->door, by_target, str_sub(target, 0, dot));
    if (p->service == NULL) {
        return false;
    }
    struct str type = http_header(&p->req->headers, S("Content-Type"));
    p->protocol = str_find(type, S("json-1.1"), 0) != (size_t)-1 ? SHAPE_JSON_1_1 : SHAPE_JSON_1_0;
    p->op_name = str_sub(target, dot + 1, target.n);
    p->op = shape_find_op(p->service->shape, p->op_name);
    return true;
}

/* ---- hosts ---- */

static struct str host_of(const struct http_request *req) {
    struct str host = http_header(&req->headers, S("Host"));
    size_t colon = str_rfind_c(host, ':');
    return colon != (size_t)-1 && str_rfind_c(host, ']') == (size_t)-1 ? str_sub(host, 0, colon)
                                                                       : host;
}

/* "BUCKET" of "BUCKET.s3.eu-west-2.amazonaws.com", "BUCKET.s3.amazonaws.com" or "BUCKET.localhost";
 * absent when the host names no bucket. */
static struct str bucket_of_host(struct str host) {
    static const char *const marks[] = {".s3.", ".s3-"};
    for (size_t i = 0; i < 2; i++) {
        size_t at = str_find(host, str_c(marks[i]), 0);
        if (at != (size_t)-1 && at > 0 && str_ends(host, S(".amazonaws.com"))) {
            return str_sub(host, 0, at);
        }
    }
    if (str_ends(host, S(".localhost")) && host.n > 10) {
        return str_sub(host, 0, host.n - 10);
    }
    return STR_NONE;
}

static const struct gate_service *service_of_host(struct door *d, struct str host) {
    if (!str_ends(host, S(".amazonaws.com"))) {
        return NULL;
    }
    if (bucket_of_host(host).p != NULL) {
        return gate_service_named(d->config.gate, S("s3"));
    }
    size_t dot = str_find_c(host, '.', 0);
    return service_where(d, by_host, str_sub(host, 0, dot));
}

/* ---- REST and query ---- */

/* "tagging" in "/{Bucket}/{Key+}?tagging". */
static bool has_word(const struct shape_op *op, struct str word) {
    struct str rest = str_c(op->uri);
    struct str part;
    str_cut(&rest, '?', &part);
    while (str_cut(&rest, '&', &part)) {
        if (str_eq(str_sub(part, 0, str_find_c(part, '=', 0)), word)) {
            return true;
        }
    }
    return false;
}

static bool has_query_member(const struct shape_op *op, struct str word) {
    for (uint32_t i = 0; i < op->in->n_members; i++) {
        const struct shape_member *m = &op->in->members[i];
        if (m->place == SHAPE_IN_QUERY && str_is(word, m->wire)) {
            return true;
        }
    }
    return false;
}

/* A word that makes another operation of the same path ("?tagging") and that this one does not
 * know: the request means something that is not here, and must not be taken for the plain one. */
static bool means_another(const struct passage *p, const struct shape_op *op) {
    const struct shape_service *s = p->service->shape;
    for (size_t i = 0; i < p->query.n; i++) {
        struct str word = p->query.v[i].key;
        if (has_word(op, word) || has_query_member(op, word)) {
            continue;
        }
        for (uint32_t j = 0; j < s->n_ops; j++) {
            if (has_word(s->ops[j], word)) {
                return true;
            }
        }
    }
    return false;
}

/* S3 sees path style, whatever the host said. */
static void detect_rest(struct passage *p) {
    p->protocol = (enum shape_protocol)p->service->shape->protocol;
    if (p->protocol == SHAPE_REST_XML) {
        struct str bucket = bucket_of_host(host_of(p->req));
        if (bucket.p != NULL) {
            p->message.path =
                str_printf(p->arena, "/%.*s%.*s", STR_ARG(bucket), STR_ARG(p->req->path));
        }
    }
    p->op = proto_route(p->service->shape, p->req->method, p->message.path, &p->query,
                        &p->req->headers);
    if (p->op != NULL && means_another(p, p->op)) {
        p->op = NULL;
    }
    p->op_name = p->op != NULL ? str_c(p->op->name)
                               : str_printf(p->arena, "%.*s %.*s", STR_ARG(p->req->method),
                                            STR_ARG(p->req->target));
}

/* The Action of a form: in the body, or in the query string of a GET. The body is not there yet
 * when the headers are looked at; then only the service is known. */
static void detect_query(struct passage *p) {
    struct str_map form = {0};
    p->protocol = SHAPE_QUERY;
    struct str text = p->message.body.n > 0 ? p->message.body : p->req->query;
    if (text.p != NULL && http_parse_query(p->arena, text, &form)) {
        p->op_name = str_map_get(&form, S("Action"));
        p->op = p->op_name.n > 0 ? shape_find_op(p->service->shape, p->op_name) : NULL;
        if (p->message.body.n == 0) {
            p->message.body = p->req->query;
        }
    }
}

static bool speaks(const struct shape_service *s, enum shape_protocol protocol) {
    return s->protocol == protocol || s->protocol2 == protocol;
}

/* Unsigned confirmations of SNS subscriptions are the one query call without a scope. */
static const struct gate_service *service_of_action(struct passage *p) {
    struct str_map form = {0};
    struct str text = p->req->body.n > 0 ? p->req->body : p->req->query;
    if (text.p == NULL || !http_parse_query(p->arena, text, &form)) {
        return NULL;
    }
    return str_is(str_map_get(&form, S("Action")), "ConfirmSubscription")
               ? gate_service_named(p->door->config.gate, S("sns"))
               : NULL;
}

/* SDKs send large bodies of some operations (PutMetricData) as gzip. Objects in S3 stay as they
 * are. */
static void unpack_body(struct passage *p) {
    struct str type = http_header(&p->req->headers, S("Content-Type"));
    bool ours = http_header(&p->req->headers, S("X-Amz-Target")).p != NULL ||
                str_starts(type, S("application/x-www-form-urlencoded"));
    if (ours && p->req->body.n > 0 &&
        str_ieq(http_header(&p->req->headers, S("Content-Encoding")), S("gzip")) &&
        gunzip(p->arena, p->req->body, HTTP_MAX_BODY_BYTES, &p->message.body, &p->failed) < 0) {
        p->message.body = S("");
    }
}

void door_detect(struct passage *p) {
    p->message = (struct proto_message){.method = p->req->method,
                                        .path = p->req->path,
                                        .query = p->req->query,
                                        .headers = p->req->headers,
                                        .body = p->req->body};
    unpack_body(p);
    if (p->req->query.p != NULL && !http_parse_query(p->arena, p->req->query, &p->query)) {
        p->query = (struct str_map){0};
    }
    if (detect_target(p)) {
        return;
    }
    if (p->has_signature) {
        p->service = service_where(p->door, by_signing, p->sig.service);
    }
    if (p->service == NULL) {
        p->service = service_of_host(p->door, host_of(p->req));
    }
    if (p->service == NULL) {
        p->service = service_of_action(p);
    }
    if (p->service == NULL) {
        return;
    }
    if (speaks(p->service->shape, SHAPE_REST_XML) || speaks(p->service->shape, SHAPE_REST_JSON)) {
        detect_rest(p);
    } else if (speaks(p->service->shape, SHAPE_QUERY)) {
        detect_query(p);
    } else {
        p->protocol = (enum shape_protocol)p->service->shape->protocol;
        p->op_name = S("without X-Amz-Target");
    }
}
