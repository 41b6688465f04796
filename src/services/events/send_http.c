/* API destinations: one request, authorized as the connection says. */
#include "base/buf.h"
#include "platform/crypto/encode.h"
#include "runtime/http/http.h"
#include "runtime/queue/queue.h"
#include "services/core/value.h"
#include "services/events/connection.h"
#include "services/events/send.h"
#include "services/events/transform.h"

enum {
    CONNECT_TIMEOUT_MS = 5 * 1000,
    TIMEOUT_MS = 5 * 1000, /* EventBridge's */
    REPLY_MAX = 64 * 1024,
    URL_MAX = 16 * 1024,
};

/* What a delivery needs to know, read in one transaction. */
struct place {
    struct ev_destination destination;
    struct ev_connection connection;
    struct str secret;
    struct events_create_connection_auth_request_parameters auth;
};

/* ---- reading ---- */

static int read_auth(struct arena *a, struct place *p, struct err *err) {
    const struct shape *shape =
        shape_find_member(events_op_create_connection.in, S("AuthParameters"))->shape;
    json_t *secret cleanup_json = json_parse(p->secret, err);
    return secret == NULL
               ? -1
               : value_from_json(a, shape, json_object_get(secret, "auth"), 0, &p->auth, err);
}

static int read_connection(struct service_env *env, struct arena *a, struct str arn,
                           struct place *p, struct err *err) {
    int found = ev_connection_find_arn(env->db, a, arn, &p->connection, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_set(err, ERR_NOT_FOUND, "connection %.*s is gone", STR_ARG(arn));
    }
    return ev_connection_secret(env->embedded, a, &p->connection, &p->secret, err) < 0
               ? -1
               : read_auth(a, p, err);
}

static int read_place(struct ev_sending *s, struct place *p, struct err *err) {
    int found = ev_destination_find_arn(s->env->db, s->arena, s->target.arn, &p->destination, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_set(err, ERR_NOT_FOUND, "API destination %.*s is gone",
                                   STR_ARG(s->target.arn));
    }
    return read_connection(s->env, s->arena, p->destination.connection, p, err) < 0 ||
                   ev_send_check_role(s, err) < 0
               ? -1
               : 0;
}

/* ---- requests ---- */

static bool is_plain(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127) {
            return false;
        }
    }
    return true;
}

static int add_header(struct arena *a, struct http_headers *h, struct str name, struct str value,
                      struct err *err) {
    if (name.n == 0 || !is_plain(name) || !is_plain(value) ||
        str_find_c(name, ':', 0) != (size_t)-1) {
        return err_set(err, ERR_INVALID, "'%.*s' is no header", STR_ARG(name));
    }
    http_header_add(a, h, name, value);
    return 0;
}

static void add_query(struct arena *a, struct buf *url, struct str key, struct str value) {
    bool first = memchr(url->p, '?', url->n) == NULL;
    buf_add_c(url, first ? '?' : '&');
    buf_add(url, http_url_encode(a, key, false));
    buf_add_c(url, '=');
    buf_add(url, http_url_encode(a, value, false));
}

/* A value of the target's own, or a part of the event. */
static struct str dynamic(const struct ev_sending *s, const json_t *event, struct str value) {
    if (!str_starts(value, S("$."))) {
        return value;
    }
    json_t *found cleanup_json = transform_path(event, value);
    return found == NULL           ? S("")
           : json_is_string(found) ? str_dup(s->arena, json_text(found))
                                   : json_dump_str(s->arena, found);
}

/* The endpoint, its stars replaced in order. */
static void add_path(const struct ev_sending *s, const json_t *event, struct str endpoint,
                     struct buf *url) {
    const struct events_http_parameters *h = s->target.http_parameters;
    size_t used = 0;
    for (size_t i = 0; i < endpoint.n; i++) {
        if (endpoint.p[i] == '*' && h != NULL && used < h->path_parameter_values.n) {
            struct str value = dynamic(s, event, h->path_parameter_values.v[used++]);
            buf_add(url, http_url_encode(s->arena, value, false));
        } else {
            buf_add_c(url, endpoint.p[i]);
        }
    }
}

static int add_parameters(struct arena *a, const struct events_connection_http_parameters *p,
                          struct http_headers *headers, struct buf *url, struct err *err) {
    for (size_t i = 0; p != NULL && i < p->header_parameters.n; i++) {
        if (add_header(a, headers, p->header_parameters.v[i].key, p->header_parameters.v[i].value,
                       err) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; p != NULL && i < p->query_string_parameters.n; i++) {
        add_query(a, url, p->query_string_parameters.v[i].key,
                  p->query_string_parameters.v[i].value);
    }
    return 0;
}

static int add_own(const struct ev_sending *s, const json_t *event, struct http_headers *headers,
                   struct buf *url, struct err *err) {
    const struct events_http_parameters *h = s->target.http_parameters;
    for (size_t i = 0; h != NULL && i < h->header_parameters.n; i++) {
        if (add_header(s->arena, headers, h->header_parameters.v[i].key,
                       dynamic(s, event, h->header_parameters.v[i].value), err) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; h != NULL && i < h->query_string_parameters.n; i++) {
        add_query(s->arena, url, h->query_string_parameters.v[i].key,
                  dynamic(s, event, h->query_string_parameters.v[i].value));
    }
    return 0;
}

/* The connection's body parameters become members of an object. */
static struct str body_of(struct arena *a, const struct events_connection_http_parameters *p,
                          struct str input) {
    struct err ignored = ERR_INIT;
    json_t *body cleanup_json =
        p != NULL && p->body_parameters.n > 0 ? json_parse(input, &ignored) : NULL;
    if (!json_is_object(body)) {
        return input;
    }
    for (size_t i = 0; i < p->body_parameters.n; i++) {
        json_set_str(body, str_z(a, p->body_parameters.v[i].key), p->body_parameters.v[i].value);
    }
    return json_dump_str(a, body);
}

static int fetch(struct service_env *env, struct arena *a, struct http_call *call,
                 struct http_reply *ret, struct err *err) {
    call->connect_timeout_ms = CONNECT_TIMEOUT_MS;
    call->timeout_ms = TIMEOUT_MS;
    call->max_body = REPLY_MAX;
    call->may_connect = egress_may_connect;
    call->may_connect_ud = &env->egress;
    http_header_add(a, &call->headers, S("User-Agent"), S("Amazon/EventBridge/ApiDestinations"));
    return http_fetch(a, call, ret, err);
}

/* ---- tokens ---- */

static struct str form_of(struct arena *a,
                          const struct events_create_connection_o_auth_request_parameters *o) {
    struct str form =
        str_printf(a, "grant_type=client_credentials&client_id=%.*s&client_secret=%.*s",
                   STR_ARG(http_url_encode(a, o->client_parameters->client_id, false)),
                   STR_ARG(http_url_encode(a, o->client_parameters->client_secret, false)));
    const struct events_connection_http_parameters *p = o->o_auth_http_parameters;
    for (size_t i = 0; p != NULL && i < p->body_parameters.n; i++) {
        form = str_printf(a, "%.*s&%.*s=%.*s", STR_ARG(form),
                          STR_ARG(http_url_encode(a, p->body_parameters.v[i].key, false)),
                          STR_ARG(http_url_encode(a, p->body_parameters.v[i].value, false)));
    }
    return form;
}

static int get_token(struct service_env *env, struct arena *a, const struct place *p,
                     struct str *ret, struct err *err) {
    const struct events_create_connection_o_auth_request_parameters *o = p->auth.o_auth_parameters;
    struct buf url cleanup_buf;
    struct http_call call = HTTP_CALL_INIT;
    struct http_reply reply;
    buf_init(&url, URL_MAX);
    buf_add(&url, o->authorization_endpoint);
    if (add_parameters(a, o->o_auth_http_parameters, &call.headers, &url, err) < 0) {
        return -1;
    }
    http_header_add(a, &call.headers, S("Content-Type"), S("application/x-www-form-urlencoded"));
    call.method = o->http_method;
    call.url = buf_dup(a, &url);
    call.body = form_of(a, o);
    if (fetch(env, a, &call, &reply, err) < 0) {
        return err_wrap(err, "authorization endpoint");
    }
    json_t *json cleanup_json = json_parse(reply.body, err);
    struct str token = json_str(json, "access_token");
    if (reply.status / 100 != 2 || token.n == 0) {
        return err_set(err, reply.status / 100 == 5 ? ERR_UNAVAILABLE : ERR_DENIED,
                       "the authorization endpoint answered %d without a token", reply.status);
    }
    *ret = str_dup(a, token);
    return 0;
}

int ev_authorize_run(void *ud, struct queue_job *job, struct err *err) {
    struct service_env *env = ud;
    struct place p = {0};
    struct err why = ERR_INIT;
    struct str token = STR_NONE;
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    int read = read_connection(env, job->arena, job->key, &p, &why);
    db_rollback(env->db);
    if (p.connection.seq == 0) {
        return 0; /* it is gone */
    }
    bool good = read == 0 && p.auth.o_auth_parameters != NULL &&
                get_token(env, job->arena, &p, &token, &why) == 0;
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    p.connection.state = good ? S("AUTHORIZED") : S("DEAUTHORIZED");
    p.connection.reason = good ? STR_NONE : str_dup(job->arena, str_c(why.msg));
    p.connection.authorized_ms = good ? clock_now_ms(env->clock) : p.connection.authorized_ms;
    if (ev_connection_put(env->db, &p.connection, err) < 0 || queue_end(env->db, job, err) < 0) {
        db_rollback(env->db);
        return -1;
    }
    return db_commit(env->db, err);
}

/* ---- sending ---- */

static int authorize(struct ev_sending *s, const struct place *p, struct http_headers *headers,
                     struct err *err) {
    struct arena *a = s->arena;
    struct str token;
    if (p->auth.basic_auth_parameters != NULL) {
        struct str pair =
            str_printf(a, "%.*s:%.*s", STR_ARG(p->auth.basic_auth_parameters->username),
                       STR_ARG(p->auth.basic_auth_parameters->password));
        return add_header(a, headers, S("Authorization"),
                          str_concat(a, S("Basic "), base64_encode(a, pair)), err);
    }
    if (p->auth.api_key_auth_parameters != NULL) {
        return add_header(a, headers, p->auth.api_key_auth_parameters->api_key_name,
                          p->auth.api_key_auth_parameters->api_key_value, err);
    }
    if (p->auth.o_auth_parameters == NULL) {
        return err_set(err, ERR_INTERNAL, "connection %.*s has no parameters",
                       STR_ARG(p->connection.name));
    }
    return get_token(s->env, a, p, &token, err) < 0
               ? -1
               : add_header(a, headers, S("Authorization"), str_concat(a, S("Bearer "), token),
                            err);
}

/* Statuses that EventBridge tries again. */
static bool may_help(int status, bool oauth) {
    return status / 100 == 5 || status == 409 || status == 429 ||
           (oauth && (status == 401 || status == 407));
}

static int make(struct ev_sending *s, const struct place *p, const json_t *event,
                struct http_call *call, struct err *err) {
    struct buf url cleanup_buf;
    const struct events_connection_http_parameters *shared = p->auth.invocation_http_parameters;
    buf_init(&url, URL_MAX);
    add_path(s, event, p->destination.endpoint, &url);
    if (add_own(s, event, &call->headers, &url, err) < 0 ||
        add_parameters(s->arena, shared, &call->headers, &url, err) < 0 ||
        authorize(s, p, &call->headers, err) < 0) {
        return -1;
    }
    if (url.overflow) {
        return err_set(err, ERR_LIMIT, "the URL is over %d bytes", URL_MAX);
    }
    http_header_add(s->arena, &call->headers, S("Content-Type"),
                    S("application/json; charset=utf-8"));
    call->method = p->destination.method;
    call->url = buf_dup(s->arena, &url);
    call->body = body_of(s->arena, shared, s->input);
    return 0;
}

int ev_send_http(struct ev_sending *s, struct err *err) {
    struct place p = {0};
    struct http_call call = HTTP_CALL_INIT;
    struct http_reply reply;
    json_t *event cleanup_json = json_parse(json_str(s->job, "event"), err);
    if (event == NULL || db_begin(s->env->db, err) < 0) {
        return -1;
    }
    int read = read_place(s, &p, err);
    if (read < 0) {
        db_rollback(s->env->db);
        return -1;
    }
    /* assuming the role was a write */
    if (db_commit(s->env->db, err) < 0 || make(s, &p, event, &call, err) < 0 ||
        fetch(s->env, s->arena, &call, &reply, err) < 0) {
        return -1;
    }
    bool oauth = p.auth.o_auth_parameters != NULL;
    return reply.status / 100 == 2
               ? 0
               : err_set(err, may_help(reply.status, oauth) ? ERR_UNAVAILABLE : ERR_INVALID,
                         "%.*s answered %d", STR_ARG(p.destination.endpoint), reply.status);
}
