/* Answers that the gateway makes itself: credentials, the mirror's files, refusals. */
#include "flow/gateway/internal.h"

#include "flow/gateway/mirror.h"
#include "platform/crypto/hash.h"
#include "platform/os/fd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_QUESTION = 64 * 1024 };

static bool ignore_body(void *ud, struct str bytes) {
    (void)ud;
    (void)bytes;
    return true;
}

/* Reads a whole request; its body is of no interest. */
static bool next_request(struct stream *client, struct arena *a, struct message *ret) {
    return message_read(client, a, false, ret) == 1 &&
           message_body(client, ret, false, ignore_body, NULL, GATEWAY_MAX_UPLOAD) == 0;
}

static bool keep_body(void *ud, struct str bytes) {
    struct buf *body = ud;
    buf_add(body, bytes);
    return !body->overflow;
}

/* The same with its body, which is small. */
static bool next_question(struct stream *client, struct arena *a, struct message *ret,
                          struct str *ret_body) {
    struct buf body cleanup_buf;
    buf_init(&body, MAX_QUESTION);
    bool read = message_read(client, a, false, ret) == 1 &&
                message_body(client, ret, false, keep_body, &body, MAX_QUESTION) == 0;
    *ret_body = buf_dup(a, &body);
    return read;
}

void gateway_serve_credentials(struct gateway *g, struct stream *client) {
    for (bool go_on = true; go_on && !g->stopping;) {
        struct arena a = ARENA_INIT;
        struct message m;
        struct str json = STR_NONE;
        struct str question = STR_NONE;
        struct err err = ERR_INIT;
        go_on = next_question(client, &a, &m, &question);
        if (go_on && g->config.git_path.n > 0 && crypto_equal(m.target, g->config.git_path)) {
            go_on =
                answer_text(client, 200, "OK", "text/plain",
                            g->config.git_credential(g->config.ud, &a, question), false, m.close);
        } else if (go_on && !crypto_equal(m.target, g->config.credentials_path)) {
            go_on = answer_text(client, 404, "Not Found", "application/json",
                                S("{\"message\":\"no such path\"}"), false, m.close);
        } else if (go_on && g->config.credentials(g->config.ud, &a, &json, &err) < 0) {
            build_log_line(g->config.log, "Credentials could not be renewed: %s", err.msg);
            go_on = answer_text(client, 500, "Internal Server Error", "application/json",
                                S("{\"message\":\"no credentials\"}"), false, m.close);
        } else if (go_on) {
            go_on = answer_text(client, 200, "OK", "application/json", json, false, m.close);
        }
        go_on = go_on && !m.close;
        arena_done(&a);
    }
}

void gateway_record(struct gateway *g, struct str host, enum route_verdict verdict, int64_t bytes) {
    struct err ignored = ERR_INIT;
    json_t *event = json_object();
    json_set_str(event, "host", host);
    json_set_str(event, "verdict", str_c(route_verdict_name(verdict)));
    json_set(event, "bytes", json_integer(bytes));
    if (build_events_add(g->config.events, "egress", event, &ignored) < 0) {
        build_log_line(g->config.log, "Egress could not be recorded: %s", ignored.msg);
    }
}

void gateway_refused(struct gateway *g, struct str host, const char *why) {
    bool told = false;
    pthread_mutex_lock(&g->lock);
    for (size_t i = 0; i < g->refused_n && !told; i++) {
        told = str_ieq(g->refused[i], host);
    }
    size_t room = sizeof(g->refused) / sizeof(g->refused[0]);
    if (!told && g->refused_n < room) {
        g->refused[g->refused_n++] = str_dup(&g->arena, host);
    }
    pthread_mutex_unlock(&g->lock);
    if (!told) {
        build_log_line(g->config.log, "Egress refused: " STR_FMT " (%s)", STR_ARG(host), why);
        gateway_record(g, host, ROUTE_REFUSE, 0);
    }
}

void gateway_serve_refusal(struct gateway *g, struct stream *client, struct str host,
                           const char *why) {
    gateway_refused(g, host, why);
    for (bool go_on = true; go_on && !g->stopping;) {
        struct arena a = ARENA_INIT;
        struct message m;
        go_on = next_request(client, &a, &m);
        if (go_on) {
            const char *may = g->config.plan->policy == PLAN_OPEN
                                  ? ""
                                  : " This build may reach AWS and what the mirror holds.";
            struct str text =
                str_printf(&a, "Egress refused: " STR_FMT " (%s).%s\n", STR_ARG(host), why, may);
            go_on = answer_text(client, 403, "Forbidden", "text/plain", text,
                                str_is(m.method, "HEAD"), m.close) &&
                    !m.close;
        }
        arena_done(&a);
    }
}

/* ---- the mirror ---- */

static bool send_file(struct stream *client, int fd, int64_t size) {
    char *chunk = mem_alloc(STREAM_BUFFER);
    int64_t at = 0;
    bool sent = true;
    while (sent && at < size) {
        ssize_t n = pread(fd, chunk, STREAM_BUFFER, at);
        sent = n > 0 && stream_write(client, str_n(chunk, (size_t)n));
        at += n;
    }
    free(chunk);
    return sent;
}

static bool send_entry(struct gateway *g, struct stream *client, const struct message *m,
                       const struct mirror_entry *entry, struct str host) {
    struct err err = ERR_INIT;
    int fd cleanup_fd = mirror_open(str_z(m->arena, g->config.plan->data_dir), entry, &err);
    if (fd < 0) {
        build_log_line(g->config.log, "Mirror: %s", err.msg);
        return answer_text(client, 500, "Internal Server Error", "text/plain",
                           S("the mirror's file is missing\n"), false, true);
    }
    bool head = str_is(m->method, "HEAD");
    struct str text = str_printf(m->arena,
                                 "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
                                 "Content-Length: %" PRId64 "\r\nETag: \"" STR_FMT "\"\r\n\r\n",
                                 entry->size, STR_ARG(entry->sha256));
    bool sent = stream_write(client, text) && (head || send_file(client, fd, entry->size));
    gateway_record(g, host, ROUTE_MIRROR, head ? 0 : entry->size);
    return sent;
}

/* What the mirror lacks is fetched from the host itself where the policy allows it. */
static bool fetch_through(struct gateway *g, struct stream *client, const struct message *m,
                          struct str url, struct str host) {
    struct http_call call = HTTP_CALL_INIT;
    struct http_reply reply;
    struct err err = ERR_INIT;
    call.method = m->method;
    call.url = url;
    if (http_fetch(m->arena, &call, &reply, &err) < 0) {
        build_log_line(g->config.log, "Egress failed: " STR_FMT ": %s", STR_ARG(host), err.msg);
        return answer_text(client, 502, "Bad Gateway", "text/plain",
                           str_printf(m->arena, "%s\n", err.msg), false, m->close);
    }
    gateway_record(g, host, ROUTE_PASS, (int64_t)reply.body.n);
    struct str location = http_header(&reply.headers, S("Location"));
    struct str type = http_header(&reply.headers, S("Content-Type"));
    struct str head = str_printf(
        m->arena,
        "HTTP/1.1 %d OK\r\nContent-Type: " STR_FMT "\r\nContent-Length: %zu\r\n%s" STR_FMT "%s\r\n",
        reply.status, STR_ARG(type.p ? type : S("application/octet-stream")), reply.body.n,
        location.p ? "Location: " : "", STR_ARG(location), location.p ? "\r\n" : "");
    return stream_write(client, head) &&
           (str_is(m->method, "HEAD") || stream_write(client, reply.body));
}

static bool mirror_request(struct gateway *g, struct stream *client, const struct message *m,
                           struct str host, bool tls) {
    struct mirror_entry entry;
    struct err err = ERR_INIT;
    struct str url = str_printf(m->arena, "%s://" STR_FMT STR_FMT, tls ? "https" : "http",
                                STR_ARG(host), STR_ARG(m->target));
    bool reads = str_is(m->method, "GET") || str_is(m->method, "HEAD");
    const char *data_dir = str_z(m->arena, g->config.plan->data_dir);
    if (reads && mirror_find(m->arena, data_dir, url, &entry, &err) == 1) {
        return send_entry(g, client, m, &entry, host);
    }
    if (reads && g->config.plan->policy == PLAN_OPEN) {
        return fetch_through(g, client, m, url, host);
    }
    gateway_refused(g, url, "not in the mirror");
    return answer_text(
        client, 403, "Forbidden", "text/plain",
        str_printf(m->arena, "Egress refused: " STR_FMT " is not in the mirror.\n", STR_ARG(url)),
        str_is(m->method, "HEAD"), m->close);
}

void gateway_serve_mirror(struct gateway *g, struct stream *client, struct str host, bool tls) {
    for (bool go_on = true; go_on && !g->stopping;) {
        struct arena a = ARENA_INIT;
        struct message m;
        go_on =
            next_request(client, &a, &m) && mirror_request(g, client, &m, host, tls) && !m.close;
        arena_done(&a);
    }
}
