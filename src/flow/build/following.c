/* See following.h. */
#include "flow/build/following.h"

#include "flow/build/store.h"
#include "flow/sandbox/container.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/watch.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    TICK_MS = 500,
    TEND_MS = 10, /* while there are containers to make or to clear away */
    URGE_MS = 20 * 1000,
    HELD_MAX = 56,          /* containers that wait for their removal */
    BEGIN_MS = 50,          /* a build has begun by then */
    CALM_MS = 1000,         /* no build has started for so long */
    SETTLE_MS = 15,         /* output is taken in batches of at least this age */
    START_GRACE_MS = 30000, /* time for a supervisor to write its pid */
    REFUSAL_MS = 2000,      /* time for a second supervisor to see that it is one */
    PID_MAX_BYTES = 200,
    RUNNING_MAX = 256,
    ERRORS_TOLD = 3,
};

struct running {
    struct ingest ingest;
    struct process process; /* of the supervisor; pid 0 = not known (any more) */
    bool child;             /* it is ours to reap */
    bool child_ended;       /* what we spawned has ended: if it wrote no pid, there is none */
    bool stop_sent;
    bool clearing;    /* it has ended, its container may be there */
    bool changed;     /* its files have */
    int watch;        /* inotify of its directory */
    int arrival;      /* its number in arrivals_fd, or -1 */
    int leash;        /* closed when it may clear its container away; -1 = it has been */
    int64_t since_ms; /* monotonic: when it was taken over */
    int errors;       /* in a row */
    struct running *next;
};

const char *builds_dir(const struct builds *b, struct arena *a, struct str uuid) {
    return str_printf(a, "%s/builds/" STR_FMT, b->config.flow->data_dir, STR_ARG(uuid)).p;
}

void builds_wake(struct builds *b) {
    uint64_t one = 1;
    if (write(b->wake_fd, &one, sizeof(one)) < 0) {
        return; /* the counter is full: it is awake anyway */
    }
}

void builds_look(struct builds *b) {
    b->asked = true;
    builds_wake(b);
}

/* Under the lock. */
static int places(const struct builds *b) {
    int n = b->config.parallel - b->running_n - b->starting_n;
    return b->clearing_n < CLEARING_MAX && n > 0 ? n : 0;
}

int builds_places(struct builds *b) {
    pthread_mutex_lock(&b->lock);
    int n = places(b);
    pthread_mutex_unlock(&b->lock);
    return n;
}

bool builds_take_place(struct builds *b) {
    pthread_mutex_lock(&b->lock);
    bool there = places(b) > 0;
    b->starting_n += there;
    pthread_mutex_unlock(&b->lock);
    return there;
}

void builds_leave_place(struct builds *b) {
    pthread_mutex_lock(&b->lock);
    b->starting_n--;
    pthread_mutex_unlock(&b->lock);
    queue_wake_db(b->config.flow->db);
}

/* ---- entries ---- */

static struct running *find_entry(struct builds *b, struct str uuid) {
    struct running *r = b->running;
    while (r != NULL && !str_eq(r->ingest.uuid, uuid)) {
        r = r->next;
    }
    return r;
}

/* A build that is followed already was spawned before a crash and again after it. One of the two
 * supervisors has refused; which one has the build stands in its pid file. */
static bool known_entry(struct builds *b, struct str uuid, struct process process) {
    struct err ignored = ERR_INIT;
    struct process_exit end;
    pthread_mutex_lock(&b->lock);
    bool known = find_entry(b, uuid) != NULL;
    pthread_mutex_unlock(&b->lock);
    if (known && process.pid > 0 && process_wait(&process, REFUSAL_MS, &end, &ignored) <= 0) {
        process_close(&process);
    }
    return known;
}

/* Without a watch changes are seen a moment later. */
static void watch_files(struct builds *b, struct running *r) {
    struct arena a = ARENA_INIT;
    struct err ignored = ERR_INIT;
    const char *dir = builds_dir(b, &a, r->ingest.uuid);
    r->watch = watch_new(&ignored);
    if (r->watch >= 0 && watch_add(r->watch, dir, &ignored) < 0) {
        fd_closep(&r->watch);
    }
    r->arrival = b->arrivals_fd < 0 ? -1 : watch_add_arrivals(b->arrivals_fd, dir, &ignored);
    arena_done(&a);
}

static void unwatch_files(struct builds *b, struct running *r) {
    fd_closep(&r->watch);
    if (r->arrival >= 0) {
        watch_forget(b->arrivals_fd, r->arrival);
        r->arrival = -1;
    }
}

static struct running *new_entry(struct builds *b, struct str uuid, struct process process,
                                 bool clearing) {
    struct running *r = mem_alloc(sizeof(*r));
    *r = (struct running){.process = process,
                          .child = process.pid > 0,
                          .clearing = clearing,
                          .changed = true,
                          .watch = -1,
                          .arrival = -1,
                          .leash = -1,
                          .since_ms = clock_mono_ms(b->config.flow->clock)};
    r->ingest =
        (struct ingest){.flow = b->config.flow, .config = &b->config, .uuid = mem_str_dup(uuid)};
    return r;
}

static void add_entry(struct builds *b, struct running *r) {
    if (!r->clearing) {
        watch_files(b, r);
    }
    pthread_mutex_lock(&b->lock);
    r->next = b->running;
    b->running = r;
    b->running_n += !r->clearing;
    b->clearing_n += r->clearing;
    pthread_mutex_unlock(&b->lock);
    builds_wake(b);
}

void builds_follow(struct builds *b, struct str uuid, struct process process, int leash) {
    if (known_entry(b, uuid, process)) {
        fd_closep(&leash);
        return;
    }
    struct running *r = new_entry(b, uuid, process, false);
    r->leash = leash;
    r->ingest.loaded = leash >= 0; /* nothing is recorded of it yet: its offsets are 0 */
    add_entry(b, r);
}

void builds_follow_lost(struct builds *b, struct str uuid) {
    if (!known_entry(b, uuid, PROCESS_NONE)) {
        struct running *r = new_entry(b, uuid, PROCESS_NONE, false);
        r->child_ended = true;
        add_entry(b, r);
    }
}

static void forget(struct builds *b, struct running *r) {
    unwatch_files(b, r);
    fd_closep(&r->leash);
    process_close(&r->process);
    free((char *)r->ingest.uuid.p);
    free(r);
}

static void remove_entry(struct builds *b, struct running *gone) {
    pthread_mutex_lock(&b->lock);
    for (struct running **at = &b->running; *at != NULL; at = &(*at)->next) {
        if (*at == gone) {
            *at = gone->next;
            b->running_n -= !gone->clearing;
            b->clearing_n -= gone->clearing;
            break;
        }
    }
    pthread_mutex_unlock(&b->lock);
    forget(b, gone);
    queue_wake_db(b->config.flow->db);
}

static void now_clearing(struct builds *b, struct running *r) {
    unwatch_files(b, r);
    pthread_mutex_lock(&b->lock);
    r->clearing = true;
    b->running_n--;
    b->clearing_n++;
    pthread_mutex_unlock(&b->lock);
    queue_wake_db(b->config.flow->db);
}

/* ---- one of them ---- */

/* The process whose pid stands in the build's directory: 1 found, 0 no pid yet, -1 it has ended. */
static int attach(struct builds *b, struct running *r) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct process_id id;
    struct str text = STR_NONE;
    const char *path = str_printf(&a, "%s/supervisor.pid", builds_dir(b, &a, r->ingest.uuid)).p;
    int result = 0;
    if (file_exists(path) && file_read(&a, path, PID_MAX_BYTES, &text, &err) == 0 &&
        process_id_parse(text, &id)) {
        result = process_attach(&id, &r->process, &err) == 0 ? 1
                 : err.kind == ERR_NOT_FOUND                 ? -1
                                                             : 0;
    }
    arena_done(&a);
    return result;
}

/* Has the supervisor ended? What we spawned may have found another one at work (a start that a
 * crash interrupted): the pid file decides, and it is never swept while that one lives. */
static bool is_dead(struct builds *b, struct running *r) {
    struct err ignored = ERR_INIT;
    struct process_exit end;
    if (r->child && process_wait(&r->process, 0, &end, &ignored) > 0) {
        r->child = false;
        r->child_ended = true;
    }
    if (r->child) {
        return false;
    }
    if (r->process.pid == 0) {
        int found = attach(b, r);
        bool waited = clock_mono_ms(b->config.flow->clock) - r->since_ms > START_GRACE_MS;
        if (found <= 0) {
            return found < 0 || r->child_ended || waited;
        }
    }
    return process_wait_death(&r->process, 0, &ignored) > 0;
}

static bool stop_asked(struct builds *b, struct running *r) {
    struct err ignored = ERR_INIT;
    struct db *db = b->config.flow->db;
    if (db_begin(db, &ignored) < 0) {
        return false;
    }
    bool asked = build_get_stop(db, r->ingest.uuid, &ignored) > 0;
    db_rollback(db);
    return asked;
}

/* The file is for a supervisor that does not listen yet, the signal for one that does. */
static void send_stop(struct builds *b, struct running *r) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    const char *path = str_printf(&a, "%s/stop", builds_dir(b, &a, r->ingest.uuid)).p;
    if (file_exists(path) || file_write_atomic(path, S("stop\n"), 0600, &err) == 0) {
        r->stop_sent = process_signal(&r->process, SIGTERM, &err) == 0;
    }
    arena_done(&a);
}

static void sweep(struct builds *b, struct running *r) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    if (sandbox_sweep(builds_dir(b, &a, r->ingest.uuid), &err) < 0) {
        fprintf(stderr, "trunkline: build %.*s: %s\n", STR_ARG(r->ingest.uuid), err.msg);
    }
    arena_done(&a);
}

/* Takes in all that is recorded; true when the end is in the row. */
static bool take_in(struct builds *b, struct running *r, bool dead) {
    struct err err = ERR_INIT;
    bool more = true;
    bool ended = false;
    while (more && !ended && !b->stopping) {
        if (ingest_step(&r->ingest, dead, &more, &ended, &err) < 0) {
            if (++r->errors <= ERRORS_TOLD) {
                fprintf(stderr, "trunkline: build %.*s: %s\n", STR_ARG(r->ingest.uuid), err.msg);
            }
            return false;
        }
        r->errors = 0;
    }
    return ended;
}

static void attend(struct builds *b, struct running *r, bool tick) {
    bool dead = is_dead(b, r);
    r->changed = false;
    if (r->process.pid > 0 && !r->stop_sent && !r->clearing && tick && stop_asked(b, r)) {
        send_stop(b, r);
    }
    if (dead) {
        sweep(b, r);
    }
    bool ended = r->clearing || take_in(b, r, dead);
    if (ended && dead) {
        remove_entry(b, r);
    } else if (ended && !r->clearing) {
        now_clearing(b, r);
    }
}

/* ---- the thread ---- */

/* The entries as they are now; only this thread removes any. */
static size_t list_entries(struct builds *b, struct running *list[RUNNING_MAX]) {
    size_t n = 0;
    pthread_mutex_lock(&b->lock);
    for (struct running *r = b->running; r != NULL && n < RUNNING_MAX; r = r->next) {
        list[n++] = r;
    }
    pthread_mutex_unlock(&b->lock);
    return n;
}

/* What has to be looked at at once: wake_fd, ends that arrive, deaths. Behind them what may wait
 * for more of its kind: the files of all. */
enum { FDS_FIRST = 2 };
struct fds {
    struct pollfd v[FDS_FIRST + 2 * RUNNING_MAX];
    size_t urgent;
    size_t n;
};

static void gather(struct builds *b, struct running *const *list, size_t n, struct fds *f) {
    f->v[0] = (struct pollfd){b->wake_fd, POLLIN, 0};
    f->v[1] = (struct pollfd){b->arrivals_fd, POLLIN, 0};
    for (size_t i = 0; i < n; i++) {
        f->v[FDS_FIRST + i] = (struct pollfd){list[i]->process.pidfd, POLLIN, 0};
        f->v[FDS_FIRST + n + i] = (struct pollfd){list[i]->watch, POLLIN, 0};
    }
    f->urgent = FDS_FIRST + n;
    f->n = FDS_FIRST + 2 * n;
}

static bool any_ready(const struct pollfd *v, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (v[i].revents != 0) {
            return true;
        }
    }
    return false;
}

/* Marks what has changed. */
static void wait_for_change(struct builds *b, struct running *const *list, size_t n, int ms) {
    static struct fds f; /* of the one thread */
    struct err ignored = ERR_INIT;
    uint64_t count = 0;
    gather(b, list, n, &f);
    if (poll(f.v, (nfds_t)f.n, ms) > 0 && !any_ready(f.v, f.urgent)) {
        poll(f.v, (nfds_t)f.urgent, SETTLE_MS);
    }
    (void)!read(b->wake_fd, &count, sizeof(count));
    bool arrivals = b->arrivals_fd >= 0 && watch_drain(b->arrivals_fd, &ignored) > 0;
    for (size_t i = 0; i < n; i++) {
        struct running *r = list[i];
        int changes = r->watch < 0 ? 0 : watch_drain(r->watch, &ignored);
        r->changed |= changes > 0 || f.v[FDS_FIRST + i].revents != 0 || (arrivals && !r->clearing);
        if (changes < 0) {
            fd_closep(&r->watch);
        }
    }
}

/* Builds that wait for a place are looked at now and then without one: their time may be over. */
static void urge_waiting(struct builds *b) {
    struct err err = ERR_INIT;
    struct db *db = b->config.flow->db;
    if (builds_places(b) > 0 || db_begin(db, &err) < 0) {
        return;
    }
    if (queue_urge(db, "build.start", STR_NONE, &err) < 0) {
        db_rollback(db);
    } else if (db_commit(db, &err) < 0) {
        fprintf(stderr, "trunkline: builds that wait: %s\n", err.msg);
    }
}

/* Containers of builds that had ended when an earlier serve, or their supervisor, was killed. */
static void find_leftovers(struct builds *b) {
    struct arena a = ARENA_INIT;
    struct str_list names = {0};
    struct err none = ERR_INIT;
    const char *dir = str_printf(&a, "%s/builds", b->config.flow->data_dir).p;
    if (file_is_dir(dir) && dir_list(&a, dir, &names, &none) == 0) {
        for (size_t i = 0; i < names.n; i++) {
            const char *box = str_printf(&a, "%s/" STR_FMT "/box", dir, STR_ARG(names.v[i])).p;
            struct build_row row;
            int found = 0;
            if (!file_exists(box) || db_begin(b->config.flow->db, &none) < 0) {
                continue;
            }
            found = build_load(b->config.flow->db, &a, names.v[i], &row, &none);
            db_rollback(b->config.flow->db);
            if (found > 0 && row.complete && !known_entry(b, names.v[i], PROCESS_NONE)) {
                add_entry(b, new_entry(b, names.v[i], PROCESS_NONE, true));
            }
        }
    }
    arena_done(&a);
}

/* ---- what has time ---- */

/* No build runs, or it has begun, and more could. When builds come one after the other, whatever
 * else is done delays them: a container that is made ahead gains nothing then. */
static bool has_time(struct builds *b) {
    int64_t since = clock_mono_ms(b->config.flow->clock) - b->launched_ms;
    pthread_mutex_lock(&b->lock);
    bool idle = b->running_n + b->starting_n == 0;
    bool room = b->running_n < b->processors && places(b) > 0;
    pthread_mutex_unlock(&b->lock);
    return idle || since >= (room ? BEGIN_MS : CALM_MS);
}

/* Lets ended builds clear their containers away, a few at a time, oldest first; while builds come
 * one after the other only those beyond HELD_MAX. How many are left. */
static size_t let_clear(struct running *const *list, size_t n, int at_once, bool time) {
    size_t held = 0;
    for (size_t i = 0; i < n; i++) {
        held += list[i]->clearing && list[i]->leash >= 0;
        at_once -= list[i]->clearing && list[i]->leash < 0;
    }
    for (size_t i = n; i > 0 && held > (time ? 0 : HELD_MAX) && at_once > 0; i--) {
        struct running *r = list[i - 1];
        if (r->clearing && r->leash >= 0) {
            fd_closep(&r->leash);
            held--;
            at_once--;
        }
    }
    return held;
}

/* True when there is more to do, a moment later. */
static bool tend(struct builds *b) {
    struct running *list[RUNNING_MAX];
    bool time = has_time(b);
    size_t held = let_clear(list, list_entries(b, list), b->processors, time);
    pthread_mutex_lock(&b->lock);
    bool cleared = b->clearing_n == 0;
    pthread_mutex_unlock(&b->lock);
    if (time && held == 0 && cleared) {
        return pool_tend(b->pool);
    }
    return !time || held > 0 || !cleared;
}

static void *watch_builds(void *ud) {
    struct builds *b = ud;
    struct running *list[RUNNING_MAX];
    int64_t ticked = 0;
    int64_t urged = 0;
    bool tending = false;
    spawner_prepare(b->spawner);
    build_sweep_caches(b->config.flow);
    find_leftovers(b);
    while (!b->stopping) {
        wait_for_change(b, list, list_entries(b, list), tending ? TEND_MS : TICK_MS);
        int64_t now = clock_mono_ms(b->config.flow->clock);
        bool all = atomic_exchange(&b->asked, false) || now - ticked >= TICK_MS;
        ticked = all ? now : ticked;
        size_t n = list_entries(b, list);
        for (size_t i = 0; i < n && !b->stopping; i++) {
            if (all || list[i]->changed) {
                attend(b, list[i], all);
            }
        }
        if (now - urged >= URGE_MS) {
            urged = now;
            urge_waiting(b);
        }
        tending = tend(b);
    }
    return NULL;
}

/* All builds that an earlier serve left running. */
static int take_over(struct builds *b, struct err *err) {
    struct arena a = ARENA_INIT;
    struct str_list here = {0};
    struct str_list lost = {0};
    struct db *db = b->config.flow->db;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int result = build_running(db, &a, str_c(process_boot()), &here, &lost, err);
    db_rollback(db);
    for (size_t i = 0; result == 0 && i < here.n; i++) {
        builds_follow(b, here.v[i], PROCESS_NONE, -1);
    }
    for (size_t i = 0; result == 0 && i < lost.n; i++) {
        builds_follow_lost(b, lost.v[i]);
    }
    arena_done(&a);
    return result;
}

int builds_watch(struct builds *b, struct err *err) {
    if (take_over(b, err) < 0) {
        return -1;
    }
    int failed = pthread_create(&b->thread, NULL, watch_builds, b);
    b->watching = failed == 0;
    return failed == 0 ? 0 : err_sys(err, failed, "thread that follows builds");
}

void builds_unfollow(struct builds *b) {
    b->stopping = true;
    builds_wake(b);
    if (b->watching) {
        pthread_join(b->thread, NULL);
    }
    while (b->running != NULL) {
        struct running *next = b->running->next;
        forget(b, b->running);
        b->running = next;
    }
}
