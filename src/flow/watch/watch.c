/* Implementation of watch.h: the thread that knows what is due, and what its pool does about it. */
#include "flow/watch/watch.h"

#include "flow/source/place.h"
#include "flow/watch/watched.h"
#include "flow/watch/look.h"
#include "flow/watch/pool.h"
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
    SOURCE_MS = 5000, /* beside inotify, which network file systems lack */
    SOURCE_MAX_MS = 60000,
    ALARMS_MS = 2000,
    ROUND_MS = 2000, /* pipelines are read again at the latest */
    GRID_MS = 250,   /* so that many sources make few rounds */
    THREADS = 8,
    PER_HOST = 2,
};

struct watch {
    const struct flow *f;
    pthread_t thread;
    int wake;                    /* eventfd */
    int stop;                    /* eventfd; readable from the end's beginning on */
    bool poked;                  /* under `lock` */
    struct watched_list watched; /* under `lock` */
    pthread_mutex_t lock;        /* nothing of the store is done under it */
    struct pool *pool;
};

/* ---- one look at one source, on a thread of the pool ---- */

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

static int find_url(const struct trigger_source *s, struct str *ret, struct err *err) {
    const struct source_place place = {s->action->provider, &s->action->configuration,
                                       s->pipeline->account, s->pipeline->region};
    int found = source_place_url(s->flow, s->arena, &place, ret, err);
    return found > 0   ? 0
           : found < 0 ? -1
                       : err_set(err, ERR_NOT_FOUND, "its connection does not exist");
}

static int look(struct watch *w, struct watched *k, const struct trigger_source *s,
                struct err *err) {
    struct str url = STR_NONE;
    if (str_is(s->action->provider, "S3")) {
        return look_at_object(s, err);
    }
    if (find_url(s, &url, err) < 0) {
        return -1;
    }
    pthread_mutex_lock(&w->lock);
    watched_follow(&w->watched, k, url);
    pthread_mutex_unlock(&w->lock);
    return look_at_git(s, url, &w->stop, err);
}

static bool look_at_source(struct watch *w, struct watched *k, const struct trigger_source *s) {
    struct err err = ERR_INIT;
    bool failed = look(w, k, s, &err) < 0;
    if (failed && err.kind == ERR_CANCELLED) {
        return false; /* the server ends; the next one looks */
    }
    note_trouble(s, failed ? str_c(err.msg) : STR_NONE);
    return !failed;
}

static const struct def_action *find_source(const struct definition *d, const char *name) {
    const struct def_action_list *sources = &d->stages.v[0].actions;
    for (size_t i = 0; i < sources->n; i++) {
        if (str_is(sources->v[i].name, name) && trigger_watches(d, &sources->v[i])) {
            return &sources->v[i];
        }
    }
    return NULL;
}

static int read_pipeline(const struct flow *f, struct arena *a, int64_t id,
                         struct pipeline_row *ret, struct definition *ret_d) {
    struct err err = ERR_INIT;
    if (db_begin(f->db, &err) < 0) {
        return -1;
    }
    int found = record_pipeline_by_id(f->db, a, id, ret, &err);
    db_rollback(f->db);
    return found <= 0 || definition_parse(a, ret->definition, ret_d, &err) < 0 ||
                   ret_d->stages.n == 0
               ? -1
               : 0;
}

/* As the pipeline is now: it may be another than when this was added. */
static bool look_now(struct watch *w, struct watched *k, struct arena *a) {
    struct pipeline_row row;
    struct definition d;
    if (read_pipeline(w->f, a, k->pipeline, &row, &d) < 0) {
        return true;
    }
    if (k->action == NULL) {
        look_at_alarms(w->f, a, &row, &d);
        return true;
    }
    const struct trigger_source one = {w->f, a, &row, &d, find_source(&d, k->action)};
    return one.action == NULL || look_at_source(w, k, &one);
}

static void wake(int fd) {
    uint64_t one = 1;
    if (write(fd, &one, sizeof(one)) < 0) {
        return; /* the counter is full: it is awake anyway */
    }
}

/* Asked ever more seldom while it fails. */
static void back_off(struct watched *k, bool fine) {
    k->wait_ms = fine || k->wait_ms == 0 ? SOURCE_MS : k->wait_ms * 2;
    k->wait_ms = k->wait_ms > SOURCE_MAX_MS ? SOURCE_MAX_MS : k->wait_ms;
    if (k->action == NULL) {
        k->wait_ms = ALARMS_MS;
    }
}

static void run_watched(void *ud) {
    struct watched *k = ud;
    struct watch *w = k->watch;
    struct arena a = ARENA_INIT;
    bool fine = look_now(w, k, &a);
    arena_done(&a);
    int64_t now = clock_mono_ms(w->f->clock);
    pthread_mutex_lock(&w->lock);
    back_off(k, fine);
    bool again = k->again;
    k->due_ms = again ? 0 : (now + k->wait_ms + GRID_MS - 1) / GRID_MS * GRID_MS;
    k->again = false;
    k->busy = false;
    pthread_mutex_unlock(&w->lock);
    if (again) {
        wake(w->wake);
    }
}

/* ---- what is due ---- */

/* Whom a look has to wait for: looks at the same share the pool's room for it. */
static struct str host_of(const struct trigger_source *s) {
    struct err ignored = ERR_INIT;
    struct aws_arn role;
    struct str url = STR_NONE;
    if (str_is(s->action->provider, "S3")) {
        return aws_arn_parse(s->def->role_arn, &role) ? role.account : S("");
    }
    if (find_url(s, &url, &ignored) < 0 || watched_is_local(url)) {
        return url;
    }
    size_t scheme = str_find(url, S("://"), 0);
    size_t from = scheme == (size_t)-1 ? 0 : scheme + 3;
    size_t end = str_find_c(url, scheme == (size_t)-1 ? ':' : '/', from);
    struct str host = str_sub(url, from, end == (size_t)-1 ? url.n : end);
    size_t at = str_rfind_c(host, '@');
    return at == (size_t)-1 ? host : str_sub(host, at + 1, host.n);
}

/* Notes that it is wanted; takes it when it is due. */
static struct watched *take_due(struct watch *w, int64_t pipeline, struct str action,
                                int64_t mono_ms) {
    pthread_mutex_lock(&w->lock);
    struct watched *k = watched_find(&w->watched, pipeline, action);
    bool due = !k->busy && k->due_ms <= mono_ms;
    k->watch = w;
    k->seen = true;
    k->busy = k->busy || due;
    pthread_mutex_unlock(&w->lock);
    return due ? k : NULL;
}

static void add_due(struct watch *w, struct arena *a, const struct pipeline_row *row,
                    int64_t mono_ms) {
    struct definition d;
    struct err err = ERR_INIT;
    struct str account = STR_NONE;
    if (definition_parse(a, row->definition, &d, &err) < 0 || d.stages.n == 0) {
        return;
    }
    const struct def_action_list *sources = &d.stages.v[0].actions;
    for (size_t i = 0; i < sources->n; i++) {
        const struct trigger_source one = {w->f, a, row, &d, &sources->v[i]};
        struct watched *k = trigger_watches(&d, one.action)
                                ? take_due(w, row->id, one.action->name, mono_ms)
                                : NULL;
        if (k != NULL) {
            pool_add(w->pool, host_of(&one), run_watched, k);
        }
    }
    struct watched *k =
        look_for_alarms(&d, &account) ? take_due(w, row->id, STR_NONE, mono_ms) : NULL;
    if (k != NULL) {
        pool_add(w->pool, account, run_watched, k);
    }
}

/* Hands what is due to the pool, and forgets what nobody wants; returns when to do so again. */
static int64_t one_round(struct watch *w) {
    struct arena a = ARENA_INIT;
    struct pipeline_row_list list;
    struct err err = ERR_INIT;
    int64_t now = clock_mono_ms(w->f->clock);
    int read = db_begin(w->f->db, &err);
    if (read == 0) {
        read = record_pipeline_all(w->f->db, &a, &list, &err);
        db_rollback(w->f->db);
    }
    for (size_t i = 0; read >= 0 && i < list.n; i++) {
        struct arena one = ARENA_INIT;
        add_due(w, &one, &list.v[i], now);
        arena_done(&one);
    }
    arena_done(&a);
    pthread_mutex_lock(&w->lock);
    if (read >= 0) {
        watched_sweep(&w->watched);
    }
    int64_t next = watched_next(&w->watched, now + ROUND_MS);
    pthread_mutex_unlock(&w->lock);
    return read < 0 ? now + ROUND_MS : next;
}

/* ---- the thread ---- */

static void drain(int fd) {
    char bytes[4096];
    while (read(fd, bytes, sizeof(bytes)) > 0) {
    }
}

/* False: this is the end. */
static bool sleep_until(struct watch *w, int64_t next_ms) {
    int64_t now = clock_mono_ms(w->f->clock);
    int wait = next_ms > now ? (int)(next_ms - now) : 0;
    struct pollfd fds[3] = {
        {w->stop, POLLIN, 0}, {w->wake, POLLIN, 0}, {w->watched.inotify, POLLIN, 0}};
    poll(fds, w->watched.inotify >= 0 ? 3 : 2, wait);
    bool changed = w->watched.inotify >= 0 && (fds[2].revents & POLLIN) != 0;
    if (changed) {
        drain(w->watched.inotify);
    }
    drain(w->wake);
    pthread_mutex_lock(&w->lock);
    if (changed || w->poked) {
        w->poked = false;
        watched_all_due(&w->watched);
    }
    pthread_mutex_unlock(&w->lock);
    return (fds[0].revents & POLLIN) == 0;
}

static void *run(void *ud) {
    struct watch *w = ud;
    while (sleep_until(w, one_round(w))) {
    }
    return NULL;
}

static void release(struct watch *w) {
    pool_stop(w->pool);
    watched_free(&w->watched);
    fd_closep(&w->wake);
    fd_closep(&w->stop);
    fd_closep(&w->watched.inotify);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

int watch_start(const struct flow *f, struct watch **ret, struct err *err) {
    struct watch *w = mem_alloc(sizeof(*w));
    w->f = f;
    pthread_mutex_init(&w->lock, NULL);
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->watched.inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (w->wake < 0 || w->stop < 0) {
        int failed = errno;
        release(w);
        return err_sys(err, failed, "start the watcher");
    }
    if (pool_start(THREADS, PER_HOST, &w->pool, err) < 0) {
        release(w);
        return -1;
    }
    int failed = pthread_create(&w->thread, NULL, run, w);
    if (failed != 0) {
        release(w);
        return err_sys(err, failed, "start the watcher");
    }
    *ret = w;
    return 0;
}

void watch_poke(struct watch *w) {
    pthread_mutex_lock(&w->lock);
    w->poked = true;
    pthread_mutex_unlock(&w->lock);
    wake(w->wake);
}

void watch_stop(struct watch *w) {
    if (w == NULL) {
        return;
    }
    wake(w->stop);
    pthread_join(w->thread, NULL);
    release(w);
}
