/* What the supervisor says to trunkline-init and hears from it: init/protocol.h. */
#include "flow/sandbox/internal.h"

#include "init/protocol.h"
#include "platform/os/fd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

enum { START_TIMEOUT_MS = 30000 };

int sandbox_fd(const struct sandbox *s) {
    return s->channel;
}

static struct sandbox_event event_of(const struct init_reply *r) {
    struct sandbox_event e = {.kind = r->event == INIT_REFUSED ? SANDBOX_REFUSED : SANDBOX_EXITED,
                              .id = r->id,
                              .code = r->code,
                              .signal = r->signal};
    snprintf(e.text, sizeof(e.text), "%.*s", (int)sizeof(r->text) - 1, r->text);
    return e;
}

/* Reads one message: 1, 0 if none within the time. The end of the connection is SANDBOX_GONE; the
 * kernel says by an error that the other end had not read all when it died. */
static int receive(struct sandbox *s, int timeout_ms, struct init_reply *ret, bool *ret_gone,
                   struct err *err) {
    int events = fd_wait(s->channel, POLLIN, timeout_ms, err);
    if (events <= 0) {
        return events;
    }
    size_t fds = 0;
    ssize_t n = fd_receive_message(s->channel, ret, sizeof(*ret), NULL, &fds, err);
    *ret_gone = n == 0 || (n < 0 && err->kind == ERR_SYSTEM);
    s->unheard = n < 0 && err->sys == ECONNRESET;
    if (*ret_gone) {
        return 1;
    }
    if (n != (ssize_t)sizeof(*ret) || ret->magic != INIT_MAGIC) {
        return err_set(err, ERR_INTERNAL, "a message of the container's process 1 is malformed");
    }
    return 1;
}

int sandbox_start(struct sandbox *s, struct err *err) {
    struct init_reply r;
    bool gone = false;
    int got = s->ready ? 0 : receive(s, START_TIMEOUT_MS, &r, &gone, err);
    if (s->ready || (got > 0 && !gone && r.event == INIT_READY)) {
        s->ready = true;
        return 0;
    }
    if (got < 0) {
        return -1;
    }
    return gone ? err_set(err, ERR_SYSTEM, "the container ended before it was ready")
                : err_set(err, ERR_UNAVAILABLE, "the container was not ready within %d s",
                          START_TIMEOUT_MS / 1000);
}

int sandbox_next(struct sandbox *s, int timeout_ms, struct sandbox_event *ret, struct err *err) {
    struct init_reply r;
    bool gone = false;
    int got = receive(s, timeout_ms, &r, &gone, err);
    if (got <= 0) {
        return got;
    }
    *ret =
        gone ? (struct sandbox_event){.kind = SANDBOX_GONE, .unheard = s->unheard} : event_of(&r);
    return 1;
}

static uint32_t add_strings(struct buf *b, const char *const *v) {
    uint32_t n = 0;
    for (; v != NULL && v[n] != NULL; n++) {
        buf_add_z(b, v[n]);
        buf_add_c(b, '\0');
    }
    return n;
}

int sandbox_run(struct sandbox *s, const struct sandbox_command *c, uint32_t *ret_id,
                struct err *err) {
    struct buf blob cleanup_buf;
    buf_init(&blob, INIT_BLOB_MAX);
    const char *head[] = {c->cwd, c->user ? c->user : "", NULL};
    add_strings(&blob, head);
    struct init_request q = {.magic = INIT_MAGIC, .op = INIT_RUN, .id = ++s->last_id};
    q.argc = add_strings(&blob, c->argv);
    q.envc = add_strings(&blob, c->envp);
    if (blob.overflow || q.argc == 0) {
        return err_set(err, ERR_LIMIT, "arguments and environment are larger than %d MiB",
                       INIT_BLOB_MAX >> 20);
    }
    int fd cleanup_fd = fd_from_bytes("command", buf_str(&blob), err);
    if (fd < 0) {
        return -1;
    }
    const int fds[4] = {fd, c->out, c->err, c->in};
    if (fd_send_message(s->channel, &q, sizeof(q), fds, c->in >= 0 ? 4 : 3, err) < 0) {
        return err_wrap(err, "the container has ended");
    }
    *ret_id = q.id;
    return 0;
}

int sandbox_signal(struct sandbox *s, uint32_t id, int signal, struct err *err) {
    struct init_request q = {.magic = INIT_MAGIC, .op = INIT_SIGNAL, .id = id, .signal = signal};
    return fd_send_message(s->channel, &q, sizeof(q), NULL, 0, err);
}
