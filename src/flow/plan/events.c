/* events.jsonl and exit.json, see events.h. */
#include "flow/plan/events.h"

#include "flow/plan/ahead.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_EVENTS = 64 * 1024 * 1024, MAX_EXIT = 64 * 1024 };

struct build_events {
    pthread_mutex_t lock;
    const struct clock *clock;
    int fd;
    int64_t seq; /* of the last record */
};

/* A supervisor writes one file from its beginning; what is there already is from a start that did
 * not get far, and its records count on. */
static int64_t count_lines(struct str text) {
    int64_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        n += text.p[i] == '\n';
    }
    return n;
}

int build_events_open(const char *dir, const struct clock *clock, struct build_events **ret,
                      struct err *err) {
    struct arena a = ARENA_INIT;
    const char *path = str_printf(&a, "%s/events.jsonl", dir).p;
    struct str old = S("");
    int result = file_exists(path) ? file_read(&a, path, MAX_EVENTS, &old, err) : 0;
    int fd = result < 0 ? -1 : file_open(path, O_WRONLY | O_CREAT | O_APPEND, 0600, err);
    int64_t seq = count_lines(old);
    arena_done(&a);
    if (fd < 0) {
        return -1;
    }
    struct build_events *events = mem_alloc(sizeof(*events));
    pthread_mutex_init(&events->lock, NULL);
    events->clock = clock;
    events->fd = fd;
    events->seq = seq;
    *ret = events;
    return 0;
}

void build_events_close(struct build_events *events) {
    if (events != NULL) {
        fd_closep(&events->fd);
        pthread_mutex_destroy(&events->lock);
        free(events);
    }
}

bool build_events_any(const struct build_events *events) {
    return events->seq > 0;
}

int build_events_add(struct build_events *events, const char *type, json_t *object,
                     struct err *err) {
    struct arena a = ARENA_INIT;
    pthread_mutex_lock(&events->lock);
    json_t *record cleanup_json = json_object();
    json_set(record, "seq", json_integer(++events->seq));
    json_set(record, "t", json_integer(clock_now_ms(events->clock)));
    json_set_str(record, "type", str_c(type));
    json_object_update(record, object);
    json_decref(object);
    struct str line = str_concat(&a, json_dump_str(&a, record), S("\n"));
    int result = fd_write_all(events->fd, line.p, line.n, err);
    pthread_mutex_unlock(&events->lock);
    arena_done(&a);
    return result;
}

int build_exit_write(const char *dir, const struct clock *clock, const struct build_exit *end,
                     struct err *err) {
    struct arena a = ARENA_INIT;
    json_t *object cleanup_json = json_object();
    json_set_str(object, "status", end->status);
    json_set(object, "t", json_integer(clock_now_ms(clock)));
    json_set_str(object, "reason", end->reason);
    json_set(object, "retries", json_integer(end->retries));
    int result = ahead_write(dir, "exit.json", json_dump_str(&a, object), err);
    arena_done(&a);
    return result;
}

int build_records_sync(const char *dir, struct err *err) {
    static const char *const names[] = {"log", "log.idx", "events.jsonl", "exit.json", "."};
    struct arena a = ARENA_INIT;
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
        const char *path = str_printf(&a, "%s/%s", dir, names[i]).p;
        int fd cleanup_fd = file_exists(path) ? file_open(path, O_RDONLY, 0, err) : -1;
        if (fd >= 0 && fsync(fd) < 0) {
            result = err_sys(err, errno, "sync %s", path);
        }
    }
    arena_done(&a);
    return result;
}

/* Commands of the build run in these. */
static bool phase_runs_commands(struct str phase) {
    return str_is(phase, "INSTALL") || str_is(phase, "PRE_BUILD") || str_is(phase, "BUILD") ||
           str_is(phase, "POST_BUILD");
}

int build_untouched(const char *dir, bool *ret, struct err *err) {
    struct arena a = ARENA_INIT;
    struct build_exit end;
    const char *path = str_printf(&a, "%s/events.jsonl", dir).p;
    struct str text = S("");
    struct str line = STR_NONE;
    int ended = build_exit_read(&a, dir, &end, err);
    int result = ended < 0 || (file_exists(path) && file_read(&a, path, MAX_EVENTS, &text, err) < 0)
                     ? -1
                     : 0;
    *ret = result == 0 && ended == 0;
    while (*ret && str_cut(&text, '\n', &line)) {
        struct err torn = ERR_INIT;
        json_t *event cleanup_json = json_parse(line, &torn);
        *ret = event == NULL ? line.n == 0
                             : !str_is(json_str(event, "type"), "phase_start") ||
                                   !phase_runs_commands(json_str(event, "phase"));
    }
    arena_done(&a);
    return result;
}

int build_exit_read(struct arena *a, const char *dir, struct build_exit *ret, struct err *err) {
    const char *path = str_printf(a, "%s/exit.json", dir).p;
    struct str text = STR_NONE;
    if (!file_exists(path)) {
        return 0;
    }
    if (file_read(a, path, MAX_EXIT, &text, err) < 0) {
        return -1;
    }
    struct err torn = ERR_INIT;
    json_t *object cleanup_json = json_parse(text, &torn);
    if (object == NULL) {
        return 0; /* the machine went down before it was on the disk */
    }
    ret->status = str_dup(a, json_str(object, "status"));
    ret->reason = str_dup(a, json_str(object, "reason"));
    ret->ended_ms = json_int(object, "t");
    ret->retries = json_int(object, "retries");
    return 1;
}
