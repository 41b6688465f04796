/* Implementation of watch.h: the thread, the sources it knows, inotify. Alarms: alarms.c. */
#include "flow/watch/watch.h"

#include "flow/trigger/trigger.h"
#include "platform/os/fd.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
    LOCAL_MS = 5000, /* beside inotify, which network file systems lack */
    REMOTE_MS = 5000,
    REMOTE_MAX_MS = 60000,
    ALARMS_MS = 2000,
};

/* A branch that a source action follows. */
struct source {
    int64_t pipeline;
    char *action;
    char *url;
    int64_t due_ms;  /* monotonic */
    int64_t wait_ms; /* until the look after that */
    struct source *next;
};

struct watch {
    const struct flow *f;
    pthread_t thread;
    int wake;    /* eventfd */
    int inotify; /* -1 where the kernel has no more */
    bool stopping;
    bool poked;
    pthread_mutex_t lock; /* guards stopping and poked */
    struct source *sources;
    int64_t alarms_due_ms;
};

/* ---- the list of sources ---- */

static struct source *find_source(struct watch *w, int64_t pipeline, struct str action) {
    for (struct source *s = w->sources; s != NULL; s = s->next) {
        if (s->pipeline == pipeline && str_is(action, s->action)) {
            return s;
        }
    }
    struct source *s = mem_alloc(sizeof(*s));
    s->pipeline = pipeline;
    s->action = (char *)mem_str_dup(action).p;
    s->next = w->sources;
    w->sources = s;
    return s;
}

static bool is_local(struct str url) {
    return url.n > 0 && (url.p[0] == '/' || url.p[0] == '.' || str_starts(url, S("file://")));
}

/* Heads are files below refs/heads, or packed; both live in these two folders. */
static void watch_folder(struct watch *w, struct source *s, struct str url) {
    if (w->inotify < 0 || !is_local(url) || (s->url != NULL && str_is(url, s->url))) {
        return;
    }
    free(s->url);
    s->url = (char *)mem_str_dup(url).p;
    struct arena a = ARENA_INIT;
    struct str path = str_starts(url, S("file://")) ? str_sub(url, 7, url.n) : url;
    static const char *const below[] = {"", "/refs/heads", "/.git", "/.git/refs/heads"};
    for (size_t i = 0; i < 4; i++) {
        const char *folder = str_printf(&a, "%.*s%s", STR_ARG(path), below[i]).p;
        inotify_add_watch(w->inotify, folder,
                          IN_MOVED_TO | IN_CLOSE_WRITE | IN_CREATE | IN_ONLYDIR);
    }
    arena_done(&a);
}

/* ---- one look at one source ---- */

struct looking {
    struct watch *w;
    struct arena *arena;
    const struct pipeline_row *row;
    const struct definition *d;
    const struct def_action *action;
    struct str url;
    struct str branch;
};

static int look(struct looking *l, struct err *err) {
    const struct flow *f = l->w->f;
    struct git_mirror mirror;
    struct push push = {.branch = l->branch};
    if (git_mirror_open(l->arena, f->data_dir, l->url, &mirror, err) < 0) {
        return -1;
    }
    /* A branch without commits is remembered as such: its first commit is a change. */
    int head = git_remote_head(l->arena, &mirror, l->branch, &push.to, err);
    if (head < 0 && err->kind != ERR_NOT_FOUND) {
        return -1;
    }
    if (head < 0) {
        push.to = S("");
    }
    if (db_begin(f->db, err) < 0) {
        return -1;
    }
    int seen = record_watched_get(f->db, l->arena, l->row->id, l->action->name, l->branch,
                                  &push.from, err);
    if (seen == 0) { /* the release that creation starts takes this head itself */
        seen = record_watched_put(f->db, l->row->id, l->action->name, l->branch, push.to,
                                  clock_now_ms(f->clock), STR_NONE, err) < 0
                   ? -1
                   : 0;
    }
    if (seen < 0) {
        db_rollback(f->db);
        return -1;
    }
    if (db_commit(f->db, err) < 0) {
        return -1;
    }
    if (head < 0 || seen == 0 || str_eq(push.from, push.to)) {
        return head;
    }
    struct str started = STR_NONE;
    return trigger_push(f, l->arena, l->row->id, l->d, l->action, &mirror, &push, &started, err);
}

static void back_off(struct source *s, bool local, bool failed) {
    int64_t base = local ? LOCAL_MS : REMOTE_MS;
    s->wait_ms = failed && s->wait_ms > 0 ? s->wait_ms * 2 : base;
    if (s->wait_ms > REMOTE_MAX_MS) {
        s->wait_ms = REMOTE_MAX_MS;
    }
}

/* An error of watching is shown with the pipeline; it is not an error of the program. */
static int write_error(const struct looking *l, const struct err *why, struct err *err) {
    struct db *db = l->w->f->db;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    if (record_watched_error(db, l->row->id, l->action->name, str_c(why ? why->msg : NULL), err) <
        0) {
        db_rollback(db);
        return -1;
    }
    return db_commit(db, err);
}

static void note_error(const struct looking *l, const struct err *why) {
    struct err err = ERR_INIT;
    if (write_error(l, why, &err) < 0) {
        fprintf(stderr, "trunkline: watch: %s\n", err.msg);
    }
}

static int64_t look_at(struct watch *w, struct arena *a, const struct pipeline_row *row,
                       const struct definition *d, const struct def_action *action,
                       int64_t mono_ms) {
    struct source *s = find_source(w, row->id, action->name);
    if (s->due_ms > mono_ms) {
        return s->due_ms;
    }
    struct looking l = {.w = w, .arena = a, .row = row, .d = d, .action = action};
    l.branch = str_map_get(&action->configuration, S("BranchName"));
    struct err err = ERR_INIT;
    int found =
        w->f->connection(w->f->connection_ud, a, row->account,
                         str_map_get(&action->configuration, S("ConnectionArn")),
                         str_map_get(&action->configuration, S("FullRepositoryId")), &l.url, &err);
    bool failed = found <= 0;
    if (!failed) {
        watch_folder(w, s, l.url);
        failed = look(&l, &err) < 0;
    }
    note_error(&l, failed && err.kind != ERR_NONE ? &err : NULL);
    back_off(s, is_local(l.url), failed);
    s->due_ms = mono_ms + s->wait_ms;
    return s->due_ms;
}

static int load_pipelines(const struct flow *f, struct arena *a, struct pipeline_row_list *ret) {
    struct err err = ERR_INIT;
    if (db_begin(f->db, &err) < 0) {
        return -1;
    }
    int read = record_pipeline_all(f->db, a, ret, &err);
    db_rollback(f->db);
    return read;
}

int64_t watch_branches(struct watch *w, int64_t mono_ms) {
    struct arena a = ARENA_INIT;
    struct pipeline_row_list list;
    int64_t next = mono_ms + REMOTE_MAX_MS;
    if (load_pipelines(w->f, &a, &list) < 0) {
        arena_done(&a);
        return mono_ms + REMOTE_MS;
    }
    for (size_t i = 0; i < list.n; i++) {
        struct definition d;
        struct err err = ERR_INIT;
        if (definition_parse(&a, list.v[i].definition, &d, &err) < 0 || d.stages.n == 0) {
            continue;
        }
        const struct def_action_list *sources = &d.stages.v[0].actions;
        for (size_t k = 0; k < sources->n; k++) {
            if (definition_watches(&d, &sources->v[k])) {
                int64_t due = look_at(w, &a, &list.v[i], &d, &sources->v[k], mono_ms);
                next = due < next ? due : next;
            }
        }
    }
    arena_done(&a);
    return next;
}

/* ---- the thread ---- */

static void all_due(struct watch *w) {
    for (struct source *s = w->sources; s != NULL; s = s->next) {
        s->due_ms = 0;
    }
}

static void drain(int fd) {
    char bytes[4096];
    while (read(fd, bytes, sizeof(bytes)) > 0) {
    }
}

static bool sleep_until(struct watch *w, int64_t next_ms) {
    int64_t now = clock_mono_ms(w->f->clock);
    int wait = next_ms > now ? (int)(next_ms - now) : 0;
    struct pollfd fds[2] = {{w->wake, POLLIN, 0}, {w->inotify, POLLIN, 0}};
    poll(fds, w->inotify >= 0 ? 2 : 1, wait);
    if (w->inotify >= 0 && (fds[1].revents & POLLIN) != 0) {
        drain(w->inotify);
        all_due(w);
    }
    drain(w->wake);
    pthread_mutex_lock(&w->lock);
    bool stopping = w->stopping;
    if (w->poked) {
        w->poked = false;
        all_due(w);
    }
    pthread_mutex_unlock(&w->lock);
    return !stopping;
}

static void *run(void *ud) {
    struct watch *w = ud;
    int64_t next = 0;
    do {
        int64_t now = clock_mono_ms(w->f->clock);
        next = watch_branches(w, now);
        if (w->alarms_due_ms <= now) {
            watch_alarms(w->f);
            w->alarms_due_ms = clock_mono_ms(w->f->clock) + ALARMS_MS;
        }
        next = w->alarms_due_ms < next ? w->alarms_due_ms : next;
    } while (sleep_until(w, next));
    return NULL;
}

int watch_start(const struct flow *f, struct watch **ret, struct err *err) {
    struct watch *w = mem_alloc(sizeof(*w));
    w->f = f;
    pthread_mutex_init(&w->lock, NULL);
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    int failed = w->wake < 0 ? errno : pthread_create(&w->thread, NULL, run, w);
    if (failed != 0) {
        fd_closep(&w->wake);
        fd_closep(&w->inotify);
        free(w);
        return err_sys(err, failed, "start the watcher");
    }
    *ret = w;
    return 0;
}

static void wake(struct watch *w) {
    uint64_t one = 1;
    if (write(w->wake, &one, sizeof(one)) < 0) {
        return; /* the counter is full: it is awake anyway */
    }
}

void watch_poke(struct watch *w) {
    pthread_mutex_lock(&w->lock);
    w->poked = true;
    pthread_mutex_unlock(&w->lock);
    wake(w);
}

void watch_stop(struct watch *w) {
    if (w == NULL) {
        return;
    }
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_mutex_unlock(&w->lock);
    wake(w);
    pthread_join(w->thread, NULL);
    while (w->sources != NULL) {
        struct source *s = w->sources;
        w->sources = s->next;
        free(s->action);
        free(s->url);
        free(s);
    }
    fd_closep(&w->wake);
    fd_closep(&w->inotify);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
