/*
 * AWS's own names, answered by the embedded account: each request goes to serve over its socket,
 * unchanged but for the two headers that say which build asks and under which id. While serve is
 * away the request waits and is sent again under the same id, so that nothing is done twice; the
 * answer is acknowledged once the client has it.
 */
#include "flow/gateway/internal.h"

#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_MS = 200, ANSWER_KEPT = 1024 * 1024 };

/* A request's body, kept so that it can be sent again. */
struct spool {
    struct buf memory;
    int fd; /* -1 while it fits into memory */
    int64_t size;
    const char *dir;
    struct err err;
};

static bool spool_add(void *ud, struct str bytes) {
    struct spool *sp = ud;
    if (sp->fd < 0 && sp->memory.n + bytes.n > GATEWAY_SPOOL) {
        sp->fd = file_open(sp->dir, O_TMPFILE | O_RDWR, 0600, &sp->err);
        if (sp->fd < 0 || fd_write_all(sp->fd, sp->memory.p, sp->memory.n, &sp->err) < 0) {
            return false;
        }
    }
    sp->size += (int64_t)bytes.n;
    if (sp->fd >= 0) {
        return fd_write_all(sp->fd, bytes.p, bytes.n, &sp->err) == 0;
    }
    buf_add(&sp->memory, bytes);
    return true;
}

static void spool_done(struct spool *sp) {
    buf_done(&sp->memory);
    fd_closep(&sp->fd);
}

static bool spool_send(const struct spool *sp, struct stream *to) {
    if (sp->fd < 0) {
        return stream_write(to, buf_str(&sp->memory));
    }
    char *chunk = mem_alloc(STREAM_BUFFER);
    int64_t at = 0;
    bool sent = true;
    while (sent && at < sp->size) {
        ssize_t n = pread(sp->fd, chunk, STREAM_BUFFER, at);
        sent = n > 0 && stream_write(to, str_n(chunk, (size_t)n));
        at += n;
    }
    free(chunk);
    return sent;
}

static void note_serve(struct gateway *g, int slot, int fd) {
    pthread_mutex_lock(&g->lock);
    g->slots[slot].serve = fd;
    pthread_mutex_unlock(&g->lock);
}

static void leave_serve(struct gateway *g, struct stream *serve, int slot) {
    note_serve(g, slot, -1);
    stream_done(serve);
}

/* The way to serve, kept between the requests of one connection. */
static bool connect_serve(struct gateway *g, struct stream *serve, int slot) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct plan *plan = g->config.plan;
    struct str dir = plan->serve_dir.n > 0 ? plan->serve_dir : plan->data_dir;
    if (dir.n + sizeof("/serve.sock") > sizeof(address.sun_path)) {
        return false;
    }
    memcpy(address.sun_path, dir.p, dir.n);
    memcpy(address.sun_path + dir.n, "/serve.sock", sizeof("/serve.sock"));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    stream_set_timeout(fd, GATEWAY_PATIENCE_MS);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        close(fd);
        return false;
    }
    stream_init(serve, fd, NULL);
    note_serve(g, slot, fd);
    return true;
}

static bool hop_by_hop(struct str name) {
    static const char *const names[] = {"connection", "keep-alive",        "proxy-connection",
                                        "te",         "transfer-encoding", "upgrade",
                                        "expect",     "content-length"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_ieq(name, str_c(names[i]))) {
            return true;
        }
    }
    return false;
}

static struct str request_head(struct gateway *g, const struct message *m, int64_t size,
                               struct str id) {
    struct buf out cleanup_buf;
    buf_init(&out, 2 * HTTP_MAX_HEADER_BYTES);
    buf_printf(&out, STR_FMT " " STR_FMT " HTTP/1.1\r\n", STR_ARG(m->method), STR_ARG(m->target));
    for (size_t i = 0; i < m->headers.n; i++) {
        struct str name = m->headers.v[i].name;
        if (!hop_by_hop(name) && !str_starts(str_lower(m->arena, name), S("x-trunkline-"))) {
            buf_printf(&out, STR_FMT ": " STR_FMT "\r\n", STR_ARG(name),
                       STR_ARG(m->headers.v[i].value));
        }
    }
    if (m->length >= 0 || m->chunked) {
        buf_printf(&out, "Content-Length: %" PRId64 "\r\n", size);
    }
    buf_printf(&out, "x-trunkline-request: " STR_FMT "\r\nx-trunkline-build: " STR_FMT "\r\n\r\n",
               STR_ARG(id), STR_ARG(g->config.plan->uuid));
    return buf_dup(m->arena, &out);
}

/* An answer on its way to the client. Up to ANSWER_KEPT it is held until it is whole: until then
 * the request can be sent again. */
struct answer {
    struct stream *client;
    struct str head;
    struct buf kept;
    bool streaming; /* the head and kept bytes have been sent */
    bool chunked;   /* to the client: its length is not known */
    bool client_gone;
};

static bool send_piece(struct answer *an, struct str bytes) {
    struct arena a = ARENA_INIT;
    struct str out = bytes;
    if (an->chunked && bytes.n > 0) {
        out = str_printf(&a, "%zx\r\n", bytes.n);
        out = str_concat(&a, str_concat(&a, out, bytes), S("\r\n"));
    }
    an->client_gone |= !stream_write(an->client, out);
    arena_done(&a);
    return !an->client_gone;
}

static bool start_streaming(struct answer *an) {
    an->streaming = true;
    an->client_gone |= !stream_write(an->client, an->head);
    return !an->client_gone && send_piece(an, buf_str(&an->kept));
}

static bool answer_add(void *ud, struct str bytes) {
    struct answer *an = ud;
    if (!an->streaming && an->kept.n + bytes.n <= ANSWER_KEPT) {
        buf_add(&an->kept, bytes);
        return true;
    }
    if (!an->streaming && !start_streaming(an)) {
        return false;
    }
    return send_piece(an, bytes);
}

static struct str answer_head(const struct message *m, bool chunked, bool head) {
    struct buf out cleanup_buf;
    buf_init(&out, 2 * HTTP_MAX_HEADER_BYTES);
    buf_printf(&out, "HTTP/1.1 %d %s\r\n", m->status, m->status < 400 ? "OK" : "Error");
    for (size_t i = 0; i < m->headers.n; i++) {
        struct str name = m->headers.v[i].name;
        bool length = str_ieq(name, S("content-length"));
        if (!hop_by_hop(name) || (length && (head || !chunked))) {
            buf_printf(&out, STR_FMT ": " STR_FMT "\r\n", STR_ARG(name),
                       STR_ARG(m->headers.v[i].value));
        }
    }
    buf_add_z(&out, chunked && !head ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
    return buf_dup(m->arena, &out);
}

/* Credentials that the build has been issued by STS are hidden in its log from now on. */
static void hide_issued(struct gateway *g, struct str body) {
    static const char *const tags[] = {"AccessKeyId", "SecretAccessKey", "SessionToken"};
    struct arena a = ARENA_INIT;
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        struct str open = str_printf(&a, "<%s>", tags[i]);
        size_t begin = str_find(body, open, 0);
        size_t end = begin == (size_t)-1 ? begin : str_find_c(body, '<', begin + open.n);
        if (end != (size_t)-1) {
            build_log_hide(g->config.log, str_sub(body, begin + open.n, end - begin - open.n));
        }
    }
    arena_done(&a);
}

enum outcome { DONE, AGAIN, BROKEN };

/* One attempt: sends the request, brings the answer. AGAIN: nothing has reached the client. */
static enum outcome exchange(struct gateway *g, struct stream *serve, const struct message *request,
                             const struct spool *body, struct str id, struct answer *an,
                             struct str host, bool *ret_close) {
    if (serve->fd < 0 && !connect_serve(g, serve, an->client->slot)) {
        return AGAIN;
    }
    struct message m;
    if (!stream_write(serve, request_head(g, request, body->size, id)) ||
        !spool_send(body, serve)) {
        return AGAIN;
    }
    do {
        if (message_read(serve, request->arena, true, &m) != 1) {
            return AGAIN;
        }
    } while (m.status < 200);
    bool head = str_is(request->method, "HEAD");
    an->chunked = m.length < 0 && !head && m.status != 204 && m.status != 304;
    an->head = answer_head(&m, an->chunked, head);
    if (message_body(serve, &m, head, answer_add, an, INT64_MAX) < 0) {
        return an->streaming || an->client_gone ? BROKEN : AGAIN;
    }
    if (!an->streaming) {
        if (str_starts(host, S("sts."))) {
            hide_issued(g, buf_str(&an->kept));
        }
        start_streaming(an);
    }
    if (an->chunked && !an->client_gone) {
        an->client_gone = !stream_write(an->client, S("0\r\n\r\n"));
    }
    *ret_close = m.close;
    return an->client_gone ? BROKEN : DONE;
}

/* serve may forget the answer: the client has it. */
static bool acknowledge(struct stream *serve, struct arena *a, struct str id) {
    struct message m;
    struct str text = str_printf(a,
                                 "POST /_trunkline/ack HTTP/1.1\r\nHost: serve\r\n"
                                 "Content-Length: 0\r\nx-trunkline-request: " STR_FMT "\r\n\r\n",
                                 STR_ARG(id));
    struct spool sink = {.fd = -1};
    buf_init(&sink.memory, GATEWAY_SPOOL);
    bool done = stream_write(serve, text) && message_read(serve, a, true, &m) == 1 &&
                message_body(serve, &m, false, spool_add, &sink, GATEWAY_SPOOL) == 0 && !m.close;
    spool_done(&sink);
    return done;
}

static bool wait_for_serve(struct gateway *g, int64_t since) {
    if (g->stopping || clock_mono_ms(g->config.clock) - since > GATEWAY_PATIENCE_MS) {
        return false;
    }
    struct timespec pause = {0, PAUSE_MS * 1000000L};
    nanosleep(&pause, NULL);
    return true;
}

static bool forward(struct gateway *g, struct stream *client, struct stream *serve,
                    const struct message *request, const struct spool *body, struct str host) {
    int64_t since = clock_mono_ms(g->config.clock);
    struct str id = str_printf(request->arena, STR_FMT "/g%lld", STR_ARG(g->config.plan->uuid),
                               (long long)++g->sequence);
    bool fresh = serve->fd < 0;
    for (;;) {
        struct answer an = {.client = client};
        bool close_serve = false;
        buf_init(&an.kept, ANSWER_KEPT);
        enum outcome outcome = exchange(g, serve, request, body, id, &an, host, &close_serve);
        buf_done(&an.kept);
        if (outcome == DONE) {
            bool read_only = str_is(request->method, "GET") || str_is(request->method, "HEAD");
            if (close_serve || (!read_only && !acknowledge(serve, request->arena, id))) {
                leave_serve(g, serve, client->slot);
            }
            return true;
        }
        leave_serve(g, serve, client->slot);
        if (outcome == BROKEN) {
            return false;
        }
        if (!fresh) {
            fresh = true; /* a kept connection that serve had closed: no reason to wait */
        } else if (!wait_for_serve(g, since)) {
            return answer_text(client, 503, "Service Unavailable", "text/plain",
                               S("the account did not answer for two minutes\n"), false, true) &&
                   false;
        }
    }
}

static bool one_request(struct gateway *g, struct stream *client, struct stream *serve,
                        struct str host) {
    struct arena a = ARENA_INIT;
    struct message request;
    bool go_on = message_read(client, &a, false, &request) == 1;
    if (go_on) {
        struct spool body = {.fd = -1};
        struct str dir = g->config.plan->data_dir;
        buf_init(&body.memory, GATEWAY_SPOOL);
        body.dir =
            str_printf(&a, STR_FMT "/builds/" STR_FMT, STR_ARG(dir), STR_ARG(g->config.plan->uuid))
                .p;
        go_on =
            str_starts(request.target, S("/")) && /* no absolute form: the path is all there is */
            (!request.expects || stream_write(client, S("HTTP/1.1 100 Continue\r\n\r\n"))) &&
            message_body(client, &request, false, spool_add, &body, GATEWAY_MAX_UPLOAD) == 0 &&
            forward(g, client, serve, &request, &body, host) && !request.close;
        spool_done(&body);
    }
    arena_done(&a);
    return go_on;
}

void gateway_serve_account(struct gateway *g, struct stream *client, struct str host) {
    struct stream serve = {.fd = -1};
    while (!g->stopping && one_request(g, client, &serve, host)) {
    }
    leave_serve(g, &serve, client->slot);
}
