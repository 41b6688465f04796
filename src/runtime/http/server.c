/*
 * The server half of runtime/http/http.h, over libmicrohttpd: a pool of epoll threads, uploads as
 * they stream in, Expect: 100-continue answered at once. What libmicrohttpd takes but a proxy in
 * front might read differently is refused here: Content-Length together with Transfer-Encoding, or
 * twice, or not a number; control bytes in headers.
 */
#include "runtime/http/internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* One request, from its first line to the last byte of its answer. */
struct exchange {
    struct arena arena;
    struct http_listener *listener;
    struct http_request request;
    struct buf body;
    bool begun;   /* headers were looked at */
    bool counted; /* in server->running */
};

static void *on_first_line(void *ud, const char *target, struct MHD_Connection *connection) {
    (void)connection;
    struct exchange *x = mem_alloc(sizeof(*x));
    x->listener = ud;
    buf_init(&x->body, HTTP_MAX_BODY_BYTES);
    x->request.arena = &x->arena;
    x->request.target = str_dup(&x->arena, str_c(target));
    return x;
}

static void on_completed(void *ud, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why) {
    (void)ud;
    (void)connection;
    (void)why;
    struct exchange *x = *state;
    *state = NULL;
    if (x == NULL) {
        return;
    }
    if (x->counted) {
        atomic_fetch_sub(&x->listener->server->running, 1);
    }
    if (x->request.sink.close != NULL) {
        x->request.sink.close(x->request.sink.ud);
    }
    buf_done(&x->body);
    arena_done(&x->arena);
    free(x);
}

static enum MHD_Result take_header(void *ud, enum MHD_ValueKind kind, const char *name,
                                   size_t name_n, const char *value, size_t value_n) {
    (void)kind;
    struct exchange *x = ud;
    http_header_add(&x->arena, &x->request.headers, str_dup(&x->arena, str_n(name, name_n)),
                    str_dup(&x->arena, str_n(value ? value : "", value ? value_n : 0)));
    return x->request.headers.n <= HTTP_MAX_HEADERS ? MHD_YES : MHD_NO;
}

static bool name_is_token(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c <= ' ' || c >= 0x7F || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL) {
            return false;
        }
    }
    return name.n > 0;
}

static bool value_is_text(struct str value) {
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7F) {
            return false;
        }
    }
    return true;
}

/* The reason why a request is refused as it stands; NULL when it is sound. */
static const char *check_headers(const struct http_request *r, long long *ret_length,
                                 int *ret_status) {
    size_t lengths = 0;
    size_t codings = 0;
    size_t hosts = 0;
    size_t bytes = 0;
    *ret_length = -1;
    *ret_status = 400;
    for (size_t i = 0; i < r->headers.n; i++) {
        struct str name = r->headers.v[i].name;
        struct str value = r->headers.v[i].value;
        bytes += name.n + value.n;
        if (!name_is_token(name) || !value_is_text(value)) {
            return "a header holds bytes that may not be there";
        }
        if (str_ieq(name, S("Content-Length"))) {
            lengths++;
            if (!str_to_i64(value, ret_length) || *ret_length < 0) {
                return "Content-Length is not a number";
            }
        } else if (str_ieq(name, S("Transfer-Encoding"))) {
            codings++;
            if (!str_ieq(value, S("chunked"))) {
                return "Transfer-Encoding other than chunked";
            }
        } else if (str_ieq(name, S("Host"))) {
            hosts++;
        }
    }
    if (lengths > 1) {
        return "Content-Length is there more than once";
    }
    if (codings > 0 && (lengths > 0 || codings > 1)) {
        return "Transfer-Encoding beside Content-Length or another Transfer-Encoding";
    }
    if (hosts > 1) {
        return "Host is there more than once";
    }
    if (r->target.n == 0 || r->target.p[0] != '/') {
        return "the request target is not a path";
    }
    *ret_status = 431;
    return bytes > HTTP_MAX_HEADER_BYTES || r->headers.n > HTTP_MAX_HEADERS
               ? "the headers are too large"
               : NULL;
}

static struct str remote_name(struct exchange *x, struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char text[INET6_ADDRSTRLEN] = "";
    if (x->listener->local || info == NULL || info->client_addr == NULL) {
        return S("unix");
    }
    if (info->client_addr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)info->client_addr;
        inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
        return str_printf(&x->arena, "[%s]:%u", text, (unsigned)ntohs(in6->sin6_port));
    }
    const struct sockaddr_in *in = (const struct sockaddr_in *)info->client_addr;
    inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
    return str_printf(&x->arena, "%s:%u", text, (unsigned)ntohs(in->sin_port));
}

static bool is_servers_own(struct str name) {
    return str_ieq(name, S("Content-Length")) || str_ieq(name, S("Transfer-Encoding")) ||
           str_ieq(name, S("Date"));
}

static ssize_t no_bytes(void *ud, uint64_t position, char *out, size_t max) {
    (void)ud;
    (void)position;
    (void)out;
    (void)max;
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

static struct MHD_Response *make_response(struct exchange *x, struct MHD_Connection *connection,
                                          const struct http_response *r) {
    if (r->stream != NULL) {
        return http_stream_response(r->stream, x->listener->server, connection);
    }
    if (r->fd >= 0) {
        return MHD_create_response_from_fd_at_offset64((uint64_t)r->fd_size, r->fd,
                                                       (uint64_t)r->fd_offset);
    }
    if (r->fd_size > 0 && str_is(x->request.method, "HEAD")) {
        /* The size is named and the bytes are never asked for. */
        return MHD_create_response_from_callback((uint64_t)r->fd_size, 1024, no_bytes, NULL, NULL);
    }
    /* The arena outlives the response: both end with the exchange. */
    return MHD_create_response_from_buffer(r->body.n, (void *)(r->body.p ? r->body.p : ""),
                                           MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result send_response(struct exchange *x, struct MHD_Connection *connection,
                                     const struct http_response *r) {
    struct MHD_Response *response = make_response(x, connection, r);
    if (response == NULL) {
        return MHD_NO;
    }
    for (size_t i = 0; i < r->headers.n; i++) {
        struct str name = r->headers.v[i].name;
        struct str value = r->headers.v[i].value;
        if (!is_servers_own(name) && name_is_token(name) && value_is_text(value)) {
            MHD_add_response_header(response, str_z(&x->arena, name), str_z(&x->arena, value));
        }
    }
    enum MHD_Result queued =
        MHD_queue_response(connection, (unsigned)(r->status ? r->status : 200), response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result refuse(struct exchange *x, struct MHD_Connection *connection, int status,
                              const char *why) {
    struct http_response r = {.status = status, .fd = -1};
    r.body = str_printf(&x->arena, "%s\n", why);
    http_header_add(&x->arena, &r.headers, S("Content-Type"), S("text/plain; charset=utf-8"));
    http_header_add(&x->arena, &r.headers, S("Connection"), S("close"));
    return send_response(x, connection, &r);
}

/* Headers are complete, the body is not. */
static enum MHD_Result begin(struct exchange *x, struct MHD_Connection *connection,
                             const char *method) {
    struct http_request *r = &x->request;
    struct http_server *server = x->listener->server;
    x->begun = true;
    x->counted = true;
    atomic_fetch_add(&server->running, 1);
    r->method = str_dup(&x->arena, str_c(method));
    size_t question = str_find_c(r->target, '?', 0);
    r->path = str_sub(r->target, 0, question);
    r->query = question == (size_t)-1 ? STR_NONE : str_sub(r->target, question + 1, r->target.n);
    r->local = x->listener->local;
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, take_header, x);
    long long length = -1;
    int status = 400;
    const char *why = check_headers(r, &length, &status);
    if (why != NULL) {
        return refuse(x, connection, status, why);
    }
    r->remote = remote_name(x, connection);
    struct http_response response = {.fd = -1};
    if (server->handler.begin != NULL && server->handler.begin(server->handler.ud, r, &response)) {
        return send_response(x, connection, &response);
    }
    if (r->sink.write == NULL && length > HTTP_MAX_BODY_BYTES) {
        return refuse(x, connection, 413, "the body is too large");
    }
    return MHD_YES;
}

static void take_body(struct exchange *x, struct str data) {
    struct http_request *r = &x->request;
    if (r->sink.write == NULL) {
        buf_add(&x->body, data);
    } else if (r->sink_error.kind == ERR_NONE) {
        struct err err = ERR_INIT;
        if (r->sink.write(r->sink.ud, data, &err) < 0) {
            r->sink_error = err;
        }
    }
}

static enum MHD_Result on_request(void *ud, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_n, void **state) {
    (void)ud;
    (void)url;
    (void)version;
    struct exchange *x = *state;
    if (!x->begun) {
        return begin(x, connection, method);
    }
    if (*data_n > 0) {
        take_body(x, str_n(data, *data_n));
        *data_n = 0;
        /* Only a chunked body gets here: a long way over the limit there is no answer any more. */
        return x->body.overflow && x->request.sink.write == NULL ? MHD_NO : MHD_YES;
    }
    struct http_server *server = x->listener->server;
    struct http_response response = {.fd = -1};
    x->request.body = buf_str(&x->body);
    server->handler.handle(server->handler.ud, &x->request, &response);
    return send_response(x, connection, &response);
}

static int serve_listener(struct http_listener *l, unsigned threads, struct err *err) {
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    l->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, l, MHD_OPTION_LISTEN_SOCKET, l->fd,
        MHD_OPTION_URI_LOG_CALLBACK, on_first_line, l, MHD_OPTION_NOTIFY_COMPLETED, on_completed, l,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HTTP_CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_SECONDS,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_MAX_CONNECTIONS, MHD_OPTION_THREAD_POOL_SIZE,
        threads, MHD_OPTION_END);
    if (l->daemon == NULL) {
        return err_set(err, ERR_INTERNAL, "the HTTP server did not start");
    }
    l->fd = -1;
    return 0;
}

int http_server_listen(const struct http_server_config *config, struct http_server **ret,
                       struct err *err) {
    struct http_server *s = mem_alloc(sizeof(*s));
    s->threads = config->threads > 0 ? config->threads : 4;
    s->tcp = (struct http_listener){.server = s, .fd = -1};
    s->unix_ = (struct http_listener){.server = s, .fd = -1, .local = true};
    pthread_mutex_init(&s->lock, NULL);
    int failed = http_listen_tcp(config->host, config->port, &s->tcp.fd, &s->port, err);
    if (failed == 0 && config->unix_path != NULL) {
        s->unix_path = mem_strdup(config->unix_path);
        failed = http_listen_unix(config->unix_path, &s->unix_.fd, err);
    }
    if (failed < 0) {
        http_server_stop(s, 0);
        return -1;
    }
    *ret = s;
    return 0;
}

int http_server_serve(struct http_server *s, struct http_handler handler, struct err *err) {
    s->handler = handler;
    return serve_listener(&s->tcp, s->threads, err) < 0 ||
                   (s->unix_.fd >= 0 && serve_listener(&s->unix_, s->threads, err) < 0)
               ? -1
               : 0;
}

int http_server_start(const struct http_server_config *config, struct http_handler handler,
                      struct http_server **ret, struct err *err) {
    struct http_server *s = NULL;
    if (http_server_listen(config, &s, err) < 0) {
        return -1;
    }
    if (http_server_serve(s, handler, err) < 0) {
        http_server_stop(s, 0);
        return -1;
    }
    *ret = s;
    return 0;
}

uint16_t http_server_port(const struct http_server *s) {
    return s->port;
}

/* New connections are refused from here on; MHD_stop_daemon closes the socket. MHD_quiesce_daemon
 * would be the call for it, but with epoll it and a worker thread may both take the socket out of
 * the worker's set, and whoever comes second ends the process ("Failed to remove listen FD"). */
static void close_listener(struct http_listener *l) {
    const union MHD_DaemonInfo *info =
        l->daemon ? MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_LISTEN_FD) : NULL;
    if (info != NULL && info->listen_fd != MHD_INVALID_SOCKET) {
        shutdown(info->listen_fd, SHUT_RDWR);
    }
    if (l->fd >= 0) {
        close(l->fd);
    }
}

void http_server_stop(struct http_server *s, int grace_ms) {
    if (s == NULL) {
        return;
    }
    close_listener(&s->tcp);
    close_listener(&s->unix_);
    atomic_store(&s->stopping, true);
    http_streams_stop(s);
    for (int waited = 0; waited < grace_ms && atomic_load(&s->running) > 0; waited += 5) {
        nanosleep(&(struct timespec){0, 5 * 1000 * 1000}, NULL);
    }
    if (s->tcp.daemon != NULL) {
        MHD_stop_daemon(s->tcp.daemon);
    }
    if (s->unix_.daemon != NULL) {
        MHD_stop_daemon(s->unix_.daemon);
    }
    if (s->unix_path != NULL) {
        unlink(s->unix_path);
        free(s->unix_path);
    }
    pthread_mutex_destroy(&s->lock);
    free(s);
}
