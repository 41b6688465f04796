/*
 * Where the log goes from the supervisor, as the project's role: to CloudWatch Logs of a real
 * account while the build runs (embedded accounts get theirs from serve, see ingest.c), and to S3
 * as one gzip file at its end. That a log could not be sent does not fail a build: it is told in
 * the log that stays in the build's directory.
 */
#include "flow/build/supervision.h"

#include "flow/build/log_events.h"
#include "platform/archive/gzip.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    SEND_EVERY_MS = 1000,         /* while the build runs */
    LAST_PATIENCE_MS = 60 * 1000, /* for what is left at its end */
    FAILURES_TOLD = 3,
};

struct log_sender {
    struct supervision *s;
    pthread_t thread;
    pthread_mutex_t lock; /* guards `ending` */
    pthread_cond_t wake;
    bool ending;
    struct log_cursor cursor;
    bool stream_made;
    unsigned failures; /* in a row */
};

/* ---- CloudWatch Logs ---- */

static int make_stream(struct log_sender *l, struct arena *a, const struct aws_target *t,
                       struct err *err) {
    const struct plan *plan = &l->s->plan;
    struct logs_create_log_stream_request stream = {.log_group_name = plan->log_group,
                                                    .log_stream_name = plan->log_stream};
    struct logs_create_log_group_request group = {.log_group_name = plan->log_group};
    int made =
        logs_call_create_log_stream(t, a, &stream, &(struct logs_create_log_stream_output){0}, err);
    if (made < 0 && err->api == &logs_ResourceNotFoundException) { /* no group yet */
        *err = ERR_INIT;
        if (logs_call_create_log_group(t, a, &group, &(struct logs_create_log_group_output){0},
                                       err) < 0 &&
            err->api != &logs_ResourceAlreadyExistsException) {
            return -1;
        }
        *err = ERR_INIT;
        made = logs_call_create_log_stream(t, a, &stream,
                                           &(struct logs_create_log_stream_output){0}, err);
    }
    bool there = made == 0 || err->api == &logs_ResourceAlreadyExistsException;
    if (there) {
        *err = ERR_INIT;
        l->stream_made = true;
    }
    return there ? 0 : -1;
}

static int send_events(struct log_sender *l, struct arena *a, const struct aws_target *t,
                       const struct logs_input_log_event_list *events, struct err *err) {
    struct logs_put_log_events_request in = {.log_group_name = l->s->plan.log_group,
                                             .log_stream_name = l->s->plan.log_stream,
                                             .log_events = *events};
    struct logs_put_log_events_response out = {0};
    if (!l->stream_made && make_stream(l, a, t, err) < 0) {
        return -1;
    }
    return logs_call_put_log_events(t, a, &in, &out, err);
}

/* One call's worth of log: 1 sent, 0 there was nothing, -1 it stays for the next time. */
static int send_some(struct log_sender *l, bool last, struct err *err) {
    struct arena a = ARENA_INIT;
    struct log_cursor cursor = l->cursor;
    struct logs_input_log_event_list events;
    struct aws_target target;
    const char *dir = l->s->dir;
    int fd cleanup_fd = file_open(str_printf(&a, "%s/log", dir).p, O_RDONLY, 0, err);
    int index cleanup_fd =
        fd < 0 ? -1 : file_open(str_printf(&a, "%s/log.idx", dir).p, O_RDONLY, 0, err);
    char *bytes = arena_alloc(&a, LOG_READ_MAX);
    ssize_t n = index < 0 ? -1 : pread(fd, bytes, LOG_READ_MAX, cursor.offset);
    struct str ready = log_events_ready(str_n(bytes, n > 0 ? (size_t)n : 0), last);
    int result = n < 0 ? -1 : ready.n > 0;
    if (result > 0) {
        log_events_take(&a, &cursor, index, l->s->clock, &ready, &events);
        result = account_target(l->s, &a, &target, err) < 0 ||
                         send_events(l, &a, &target, &events, err) < 0
                     ? -1
                     : 1;
    }
    if (result > 0) {
        l->cursor = cursor;
    }
    arena_done(&a);
    return result;
}

static bool wait_for_more(struct log_sender *l) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += SEND_EVERY_MS % 1000 * 1000000L;
    until.tv_sec += SEND_EVERY_MS / 1000 + until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&l->lock);
    int woken = 0;
    while (!l->ending && woken == 0) {
        woken = pthread_cond_timedwait(&l->wake, &l->lock, &until);
    }
    bool ending = l->ending;
    pthread_mutex_unlock(&l->lock);
    return !ending;
}

static void tell_failure(struct log_sender *l, const struct err *err) {
    l->failures++;
    if (l->failures == FAILURES_TOLD) {
        build_log_line(l->s->log, "Log events could not be sent to " STR_FMT ": %s",
                       STR_ARG(l->s->plan.log_group), err->msg);
    }
}

static void *send_all(void *ud) {
    struct log_sender *l = ud;
    bool going_on = true;
    int64_t until = 0;
    for (;;) {
        struct err err = ERR_INIT;
        int sent = send_some(l, !going_on, &err);
        if (sent < 0) {
            tell_failure(l, &err);
        } else {
            l->failures = 0;
        }
        if (!going_on && (sent == 0 || clock_mono_ms(l->s->clock) > until)) {
            break;
        }
        if (sent <= 0 && going_on && !wait_for_more(l)) {
            going_on = false;
            until = clock_mono_ms(l->s->clock) + LAST_PATIENCE_MS;
        } else if (sent < 0) {
            nanosleep(&(struct timespec){0, 250 * 1000000L}, NULL);
        }
    }
    return NULL;
}

int logs_out_begin(struct supervision *s, struct log_sender **ret, struct err *err) {
    *ret = NULL;
    if (!s->plan.aws || s->plan.log_group.n == 0) {
        return 0;
    }
    struct log_sender *l = arena_new(&s->arena, struct log_sender);
    pthread_condattr_t monotonic;
    l->s = s;
    pthread_mutex_init(&l->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&l->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int failed = pthread_create(&l->thread, NULL, send_all, l);
    if (failed != 0) {
        return err_sys(err, failed, "thread that sends the log");
    }
    *ret = l;
    return 0;
}

void logs_out_end(struct log_sender *l) {
    if (l == NULL) {
        return;
    }
    pthread_mutex_lock(&l->lock);
    l->ending = true;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->thread, NULL);
    pthread_cond_destroy(&l->wake);
    pthread_mutex_destroy(&l->lock);
}

/* ---- S3 ---- */

static int compress(struct supervision *s, int *ret_fd, int64_t *ret_bytes, struct err *err) {
    struct stat st;
    const char *path = str_printf(&s->arena, "%s/log.gz", s->dir).p;
    int log cleanup_fd = file_open(str_printf(&s->arena, "%s/log", s->dir).p, O_RDONLY, 0, err);
    int out cleanup_fd = log < 0 ? -1 : file_open(path, O_RDWR | O_CREAT | O_TRUNC, 0600, err);
    if (out < 0 || file_remove(path, err) < 0) {
        return -1;
    }
    if (fstat(log, &st) < 0) {
        return err_sys(err, errno, "log");
    }
    if (gzip_file(log, st.st_size, out, err) < 0) {
        return -1;
    }
    if (fstat(out, &st) < 0) {
        return err_sys(err, errno, "log");
    }
    *ret_bytes = st.st_size;
    *ret_fd = TAKE_FD(out);
    return 0;
}

void logs_out_s3(struct supervision *s) {
    struct err err = ERR_INIT;
    int fd cleanup_fd = -1;
    struct object_new object = {.bucket = s->plan.s3_log_bucket,
                                .key = s->plan.s3_log_key,
                                .content_type = S("text/plain"),
                                .content_encoding = S("gzip"),
                                .owner_access = s->plan.s3_log_owner,
                                .plain = s->plan.s3_log_plain};
    if (s->plan.s3_log_bucket.n == 0) {
        return;
    }
    if (compress(s, &fd, &object.bytes, &err) == 0) {
        object.fd = fd;
        if (object_put(s, &object, &err) == 0) {
            return;
        }
    }
    build_log_line(s->log, "Log could not be stored in S3: %s", err.msg);
}
