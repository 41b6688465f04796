/* Implementation of watch.h: the thread, the sources it knows, inotify. Alarms: alarms.c. */
#include "flow/watch/watch.h"

#include "flow/source/place.h"
#include "flow/watch/look.h"
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

/* A source action, while serve runs. */
struct source {
    int64_t pipeline;
    char *action;
    char *url;
    int64_t due_ms;  /* monotonic */
    int64_t wait_ms; /* until the look after that */
    bool local;      /* a repository of this machine */
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

/* References are files below refs, or packed; both live in these folders. */
static void watch_folder(struct watch *w, struct source *s, struct str url) {
    if (w->inotify < 0 || !is_local(url) || (s->url != NULL && str_is(url, s->url))) {
        return;
    }
    free(s->url);
    s->url = (char *)mem_str_dup(url).p;
    struct arena a = ARENA_INIT;
    struct str path = str_starts(url, S("file://")) ? str_sub(url, 7, url.n) : url;
    static const char *const below[] = {"",      "/refs/heads",      "/refs/tags",
                                        "/.git", "/.git/refs/heads", "/.git/refs/tags"};
    for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
        const char *folder = str_printf(&a, "%.*s%s", STR_ARG(path), below[i]).p;
        inotify_add_watch(w->inotify, folder,
                          IN_MOVED_TO | IN_CLOSE_WRITE | IN_CREATE | IN_ONLYDIR);
    }
    arena_done(&a);
}

/* ---- one look at one source ---- */

static void back_off(struct source *s, bool local, bool failed) {
    int64_t base = local ? LOCAL_MS : REMOTE_MS;
    s->wait_ms = failed && s->wait_ms > 0 ? s->wait_ms * 2 : base;
    if (s->wait_ms > REMOTE_MAX_MS) {
        s->wait_ms = REMOTE_MAX_MS;
    }
}

/* 1: another trouble than before. */
static int write_trouble(const struct trigger_source *s, struct str why, struct err *err) {
    struct db *db = s->flow->db;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int changed = source_trouble_put(db, s->arena, s->pipeline->id, s->action->name, why,
                                     clock_now_ms(s->flow->clock), err);
    if (changed < 0) {
        db_rollback(db);
        return -1;
    }
    return db_commit(db, err) < 0 ? -1 : changed;
}

/* A source that cannot be looked at is told once, and again when the reason is another. */
static void note_trouble(const struct trigger_source *s, struct str why) {
    struct err err = ERR_INIT;
    int changed = write_trouble(s, why, &err);
    if (changed < 0) {
        fprintf(stderr, "trunkline: watch: %s\n", err.msg);
    } else if (changed > 0 && why.n > 0) {
        fprintf(stderr, "trunkline: pipeline %.*s: source %.*s: %.*s\n", STR_ARG(s->pipeline->name),
                STR_ARG(s->action->name), STR_ARG(why));
    }
}

static int look(struct watch *w, struct source *known, const struct trigger_source *s,
                struct err *err) {
    struct str url = STR_NONE;
    if (str_is(s->action->provider, "S3")) {
        known->local = false;
        return look_at_object(s, err);
    }
    const struct source_place place = {s->action->provider, &s->action->configuration,
                                       s->pipeline->account, s->pipeline->region};
    int found = source_place_url(w->f, s->arena, &place, &url, err);
    if (found <= 0) {
        return found < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "its connection does not exist");
    }
    known->local = is_local(url);
    watch_folder(w, known, url);
    return look_at_git(s, url, err);
}

static int64_t look_at(struct watch *w, const struct trigger_source *s, int64_t mono_ms) {
    struct source *known = find_source(w, s->pipeline->id, s->action->name);
    struct err err = ERR_INIT;
    if (known->due_ms > mono_ms) {
        return known->due_ms;
    }
    bool failed = look(w, known, s, &err) < 0;
    note_trouble(s, failed ? str_c(err.msg) : STR_NONE);
    back_off(known, known->local, failed);
    known->due_ms = mono_ms + known->wait_ms;
    return known->due_ms;
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
            if (trigger_watches(&d, &sources->v[k])) {
                const struct trigger_source one = {w->f, &a, &list.v[i], &d, &sources->v[k]};
                int64_t due = look_at(w, &one, mono_ms);
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
