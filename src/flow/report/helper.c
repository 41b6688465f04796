/*
 * Reading reports in a process of its own. It is this same program, started anew with an argument
 * vector that a constructor recognises before main (as in platform/archive/extract.c), so none of
 * the caller's memory is in it; it holds one socket. The caller sends one file after the other
 * (length of the name, name, length, content), ends its side, and reads the packed result.
 */
#include "flow/report/packed.h"

#include "platform/os/confine.h"
#include "platform/os/fd.h"
#include "platform/os/process.h"
#include "platform/text/utf8.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HELPER_NAME "trunkline: report"

enum {
    SOCKET = 3,
    SECONDS = 60,         /* processor time */
    PATIENCE_MS = 120000, /* for the result, once all is sent */
    PATH_BYTES = 4096,    /* of a file's name */
    READ_BYTES = 65536,
};

/* ---- the helper ---- */

static void complain(struct arena *a, struct report_complaints *bad, struct str path,
                     const char *text) {
    if (bad->n < REPORT_MAX_COMPLAINTS) {
        struct report_complaint *c = arena_push(a, bad);
        c->path = str_sub(utf8_repair(a, path), 0, REPORT_MAX_NAME);
        c->text = str_sub(utf8_repair(a, str_c(text)), 0, REPORT_MAX_NAME);
        c->path = utf8_repair(a, c->path);
        c->text = utf8_repair(a, c->text);
    }
}

/* One file: 1, 0 at the end, -1 when the caller speaks nonsense or is gone. */
static int take_file(struct arena *a, enum report_format format, struct report_data *data,
                     struct report_complaints *bad) {
    uint64_t sizes[2];
    struct err err = ERR_INIT;
    ssize_t first = read(SOCKET, sizes, 1);
    if (first <= 0) {
        return (int)first;
    }
    if (fd_read_exact(SOCKET, (char *)sizes + 1, sizeof(sizes) - 1, &err) < 0 ||
        sizes[0] > PATH_BYTES || sizes[1] > REPORT_MAX_BYTES) {
        return -1;
    }
    char path[PATH_BYTES];
    char *text = mem_alloc((size_t)sizes[1] + 1);
    int result = fd_read_exact(SOCKET, path, (size_t)sizes[0], &err) < 0 ||
                         fd_read_exact(SOCKET, text, (size_t)sizes[1], &err) < 0
                     ? -1
                     : 1;
    struct str name = str_n(path, (size_t)sizes[0]);
    if (result > 0 &&
        report_data_add(data, format, name, str_n(text, (size_t)sizes[1]), &err) < 0) {
        complain(a, bad, name, err.msg);
    }
    free(text);
    return result;
}

static int work(enum report_format format) {
    struct arena a = ARENA_INIT;
    struct report_data data;
    struct report_complaints bad = {0};
    const struct confinement nothing = {.dir_fd = -1, .seconds = SECONDS};
    if (!confine(&nothing)) {
        return 2;
    }
    report_data_init(&data, &a, report_kind_of(format));
    int more = 0;
    while ((more = take_file(&a, format, &data, &bad)) > 0) {
    }
    struct err err = ERR_INIT;
    struct buf out cleanup_buf;
    buf_init(&out, REPORT_PACKED_MAX);
    report_pack(&out, &data, &bad);
    return more < 0 || out.overflow || fd_write_all(SOCKET, out.p, out.n, &err) < 0 ? 3 : 0;
}

__attribute__((constructor)) static void become_helper(int argc, char **argv, char **envp) {
    (void)envp;
    enum report_format format = REPORT_JUNITXML;
    if (argc == 2 && strcmp(argv[0], HELPER_NAME) == 0) {
        _exit(report_format_parse(str_c(argv[1]), &format) ? work(format) : 2);
    }
}

/* ---- the caller ---- */

static int start(enum report_format format, int socket, struct process *ret, struct err *err) {
    const char *argv[] = {HELPER_NAME, report_format_name(format), NULL};
    const char *envp[] = {NULL};
    struct process_spec spec = PROCESS_SPEC_INIT;
    spec.program = "/proc/self/exe";
    spec.argv = argv;
    spec.envp = envp;
    spec.keep = &socket;
    spec.keep_n = 1;
    return process_spawn(&spec, ret, err);
}

static int send_file(int socket, const struct report_input *in, struct str text, struct err *err) {
    uint64_t sizes[2] = {in->path.n < PATH_BYTES ? in->path.n : PATH_BYTES, text.n};
    return fd_send_all(socket, sizes, sizeof(sizes), err) < 0 ||
                   fd_send_all(socket, in->path.p, (size_t)sizes[0], err) < 0 ||
                   fd_send_all(socket, text.p, text.n, err) < 0
               ? -1
               : 0;
}

/* Sends what can be read; what cannot is complained about. */
static int send_all(struct arena *a, int socket,
                    int (*next)(void *ud, struct report_input *ret, struct err *err), void *ud,
                    struct report_complaints *bad, struct err *err) {
    struct report_input in = {.fd = -1};
    size_t total = 0;
    for (size_t files = 0;; files++) {
        int more = next(ud, &in, err);
        if (more <= 0) {
            return more;
        }
        struct arena content = ARENA_INIT;
        struct err why = ERR_INIT;
        struct str text = STR_NONE;
        int result = 0;
        if (fd_read_all(&content, in.fd, REPORT_MAX_BYTES, &text, &why) < 0) {
            complain(a, bad, in.path, why.msg);
        } else if (files == REPORT_MAX_FILES || total + text.n > REPORT_MAX_TOTAL) {
            result = err_set(err, ERR_LIMIT, "a report takes at most %d files, %d MiB together",
                             REPORT_MAX_FILES, REPORT_MAX_TOTAL >> 20);
        } else {
            result = send_file(socket, &in, text, err);
        }
        total += text.n;
        arena_done(&content);
        if (result < 0) {
            return -1;
        }
    }
}

static int receive(int socket, struct buf *into, struct err *err) {
    for (;;) {
        int ready = fd_wait(socket, POLLIN, PATIENCE_MS, err);
        if (ready <= 0) {
            return ready < 0 ? -1 : err_set(err, ERR_LIMIT, "reading the report took too long");
        }
        ssize_t n = fd_read_some(socket, into, READ_BYTES, err);
        if (n <= 0) {
            return (int)n;
        }
    }
}

static int talk(struct arena *a, int socket, enum report_format format,
                int (*next)(void *ud, struct report_input *ret, struct err *err), void *ud,
                struct report_data *ret, struct report_complaints *ret_bad, struct err *err) {
    struct report_complaints unread = {0};
    struct buf packed cleanup_buf;
    buf_init(&packed, REPORT_PACKED_MAX);
    if (send_all(a, socket, next, ud, &unread, err) < 0) {
        return -1;
    }
    if (shutdown(socket, SHUT_WR) < 0) {
        return err_sys(err, errno, "report");
    }
    if (receive(socket, &packed, err) < 0 ||
        report_unpack(a, buf_dup(a, &packed), report_kind_of(format), ret, ret_bad, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < unread.n && ret_bad->n < REPORT_MAX_COMPLAINTS; i++) {
        *arena_push(a, ret_bad) = unread.v[i];
    }
    return 0;
}

int report_read(struct arena *a, enum report_format format,
                int (*next)(void *ud, struct report_input *ret, struct err *err), void *ud,
                struct report_data *ret, struct report_complaints *ret_bad, struct err *err) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        return err_sys(err, errno, "report");
    }
    int ours cleanup_fd = ends[0];
    int theirs cleanup_fd = ends[1];
    struct process helper cleanup_process = PROCESS_NONE;
    if (start(format, theirs, &helper, err) < 0) {
        return err_wrap(err, "read a report");
    }
    fd_closep(&theirs);
    return talk(a, ours, format, next, ud, ret, ret_bad, err);
}
