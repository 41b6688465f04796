/* The running side of builds: the job that spawns a supervisor, the thread that follows them. */
#include "flow/build/build.h"

#include "flow/build/ingest.h"
#include "flow/build/pool.h"
#include "flow/build/run_file.h"
#include "flow/build/settings.h"
#include "flow/sandbox/container.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/process.h"
#include "platform/os/watch.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    TICK_MS = 500,
    SETTLE_MS = 15,         /* output is taken in batches of at least this age */
    START_GRACE_MS = 30000, /* time for a supervisor to write its pid */
    REFUSAL_MS = 2000,      /* time for a second supervisor to see that it is one */
    PID_MAX_BYTES = 200,
    RUNNING_MAX = 256,
    ERRORS_TOLD = 3,
};

/* A build with a supervisor. */
struct running {
    struct ingest ingest;
    struct process process; /* of the supervisor; pid 0 = not known (any more) */
    bool child;             /* it is ours to reap */
    bool child_ended;       /* what we spawned has ended: if it wrote no pid, there is none */
    bool stop_sent;
    int watch;        /* inotify of its directory */
    int64_t since_ms; /* monotonic: when it was taken over */
    int errors;       /* in a row */
    struct running *next;
};

struct builds {
    struct builds_config config;
    pthread_mutex_t lock; /* guards `running` and what is new in it */
    struct running *running;
    int running_n;
    int wake_fd;
    atomic_bool stopping;
    bool watching;
    struct pool *pool;
    atomic_bool waiting; /* for a place: some build.start */
    pthread_t thread;
};

/* The one that serve has: a commit that asks for a stop wakes it. */
static struct builds *the_builds;

static void wake(struct builds *b) {
    uint64_t one = 1;
    if (write(b->wake_fd, &one, sizeof(one)) < 0) {
        return; /* the counter is full: it is awake anyway */
    }
}

static void wake_after_commit(void *ud) {
    (void)ud;
    if (the_builds != NULL) {
        wake(the_builds);
    }
}

int build_stop(const struct flow *f, struct str uuid, struct err *err) {
    if (build_set_stop(f->db, uuid, clock_now_ms(f->clock), err) < 0) {
        return -1;
    }
    db_on_commit(f->db, wake_after_commit, NULL);
    return 0;
}

void builds_poke(struct builds *b, struct str uuid) {
    (void)uuid;
    wake(b);
}

struct builds *builds_new(const struct builds_config *config) {
    struct builds *b = mem_alloc(sizeof(*b));
    b->config = *config;
    if (b->config.parallel == 0) {
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        b->config.parallel = processors > 1 ? (int)processors * 2 : 2;
    }
    pthread_mutex_init(&b->lock, NULL);
    b->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    b->pool = pool_new(b->config.program, b->config.flow->data_dir);
    return b;
}

/* ---- entries ---- */

static const char *build_dir(const struct builds *b, struct arena *a, struct str uuid) {
    return str_printf(a, "%s/builds/" STR_FMT, b->config.flow->data_dir, STR_ARG(uuid)).p;
}

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

/* Takes a build into the list; its supervisor is found when it has written its pid. */
static void follow(struct builds *b, struct str uuid, struct process process) {
    struct arena a = ARENA_INIT;
    struct err ignored = ERR_INIT;
    if (known_entry(b, uuid, process)) {
        return;
    }
    struct running *r = mem_alloc(sizeof(*r));
    r->ingest =
        (struct ingest){.flow = b->config.flow, .config = &b->config, .uuid = mem_str_dup(uuid)};
    r->process = process;
    r->child = process.pid > 0;
    r->since_ms = clock_mono_ms(b->config.flow->clock);
    r->watch = watch_new(&ignored);
    if (r->watch >= 0 && watch_add(r->watch, build_dir(b, &a, uuid), &ignored) < 0) {
        fd_closep(&r->watch);
    }
    arena_done(&a);
    pthread_mutex_lock(&b->lock);
    r->next = b->running;
    b->running = r;
    b->running_n++;
    pthread_mutex_unlock(&b->lock);
    wake(b);
}

static void forget(struct running *r) {
    process_close(&r->process);
    fd_closep(&r->watch);
    free((char *)r->ingest.uuid.p);
    free(r);
}

static void remove_entry(struct builds *b, struct running *gone) {
    pthread_mutex_lock(&b->lock);
    for (struct running **at = &b->running; *at != NULL; at = &(*at)->next) {
        if (*at == gone) {
            *at = gone->next;
            b->running_n--;
            break;
        }
    }
    pthread_mutex_unlock(&b->lock);
    forget(gone);
}

/* ---- the job that starts a build ---- */

static int load_for_start(struct builds *b, struct arena *a, struct str uuid, struct build_row *row,
                          struct str *ret_plan, bool *ret_stop, struct err *err) {
    struct db *db = b->config.flow->db;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int found = build_load(db, a, uuid, row, err);
    int stop = found > 0 ? build_get_stop(db, uuid, err) : 0;
    int plan = found > 0 ? build_get_plan(db, a, uuid, ret_plan, err) : 0;
    db_rollback(db);
    *ret_stop = stop > 0;
    return found < 0 || stop < 0 || plan < 0 ? -1 : found;
}

static int end_now(struct builds *b, struct str uuid, const char *status, const char *reason,
                   struct err *err) {
    struct ingest in = {.flow = b->config.flow, .config = &b->config, .uuid = uuid};
    return ingest_end(&in, status, reason, err);
}

static int complete_plan(struct builds *b, struct arena *a, struct str text, struct plan *plan,
                         struct err *err) {
    if (plan_parse(a, text, plan, err) < 0) {
        return -1;
    }
    plan->data_dir = str_c(b->config.flow->data_dir);
    plan->notify = b->config.notify;
    if (b->config.account != NULL && b->config.account(b->config.account_ud, a, plan, err) < 0) {
        return -1;
    }
    return settings_apply(a, b->config.flow->data_dir, plan, err) < 0
               ? -1
               : run_file_apply(a, b->config.flow->data_dir, plan, err);
}

static int mark_spawned(struct builds *b, struct str uuid, struct err *err) {
    struct db *db = b->config.flow->db;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    if (build_set_spawned(db, uuid, err) < 0) {
        db_rollback(db);
        return -1;
    }
    return db_commit(db, err);
}

static int spawn(struct builds *b, struct arena *a, const char *dir, struct process *ret,
                 struct err *err) {
    int out cleanup_fd = file_open(str_printf(a, "%s/supervisor.out", dir).p,
                                   O_WRONLY | O_CREAT | O_APPEND, 0600, err);
    const char *argv[] = {b->config.program, "supervise", dir, NULL};
    struct process_spec spec = PROCESS_SPEC_INIT;
    spec.argv = argv;
    spec.out = spec.err = out;
    spec.session = true;
    return out < 0 ? -1 : process_spawn(&spec, ret, err);
}

static int remove_directory(const char *dir, struct err *err) {
    return file_exists(dir) ? tree_remove(dir, err) : 0;
}

/* A plan that cannot be read is told when the build is started. */
static bool queued_too_long(const struct builds *b, struct arena *a, struct str text,
                            const struct build_row *row) {
    struct plan plan;
    struct err ignored = ERR_INIT;
    return plan_parse(a, text, &plan, &ignored) == 0 && plan.queued_timeout_s > 0 &&
           clock_now_ms(b->config.flow->clock) - row->started_ms > plan.queued_timeout_s * 1000;
}

/* The directory, with or without a container that was made ahead; the plan in it; a supervisor.
 * What lies there already is of a start that a crash interrupted: no command has run. */
static int launch(struct builds *b, struct queue_job *job, const char *dir, bool made,
                  const struct plan *plan, struct err *err) {
    struct process process = PROCESS_NONE;
    int pipe cleanup_fd = -1;
    if (dir_make(str_printf(job->arena, "%s/builds", b->config.flow->data_dir).p, 0700, err) < 0) {
        return -1;
    }
    int taken =
        made ? sandbox_sweep(dir, err) : pool_take(b->pool, plan, dir, &process, &pipe, err);
    if (taken < 0 || (!made && taken == 0 && dir_make_new(dir, 0700, err) < 0) ||
        plan_write(dir, plan, err) < 0 || mark_spawned(b, job->key, err) < 0) {
        process_close(&process);
        return -1;
    }
    if (taken == 0 || !pool_go(TAKE_FD(pipe), dir)) {
        process_close(&process);
        if ((taken > 0 && sandbox_sweep(dir, err) < 0) ||
            spawn(b, job->arena, dir, &process, err) < 0) {
            return -1;
        }
    }
    follow(b, job->key, process);
    pool_refill(b->pool, plan, plan->pool);
    return 0;
}

static int start_build(struct builds *b, struct queue_job *job, struct err *err) {
    struct arena *a = job->arena;
    struct build_row row;
    struct plan plan;
    struct str text = STR_NONE;
    bool stop = false;
    int found = load_for_start(b, a, job->key, &row, &text, &stop, err);
    const char *dir = build_dir(b, a, job->key);
    if (found == 0) {
        return remove_directory(dir, err); /* the build was deleted */
    }
    if (found < 0 || row.complete) {
        return found < 0 ? -1 : 0;
    }
    bool made = file_exists(dir);
    if (made && file_exists(str_printf(a, "%s/supervisor.pid", dir).p)) {
        follow(b, job->key, PROCESS_NONE); /* it had started when we crashed */
        return mark_spawned(b, job->key, err);
    }
    if (stop && !made) {
        return end_now(b, job->key, "STOPPED", "stopped before it started", err);
    }
    if (!made && queued_too_long(b, a, text, &row)) {
        return end_now(b, job->key, "TIMED_OUT", "Build timed out in the queue", err);
    }
    if (!made && b->running_n >= b->config.parallel) {
        job->again_ms = clock_now_ms(b->config.flow->clock) + TICK_MS;
        b->waiting = true;
        return 0;
    }
    if (complete_plan(b, a, text, &plan, err) < 0) {
        struct str why = str_printf(a, "%s", err->msg);
        *err = ERR_INIT;
        return end_now(b, job->key, "FAULT", why.p, err);
    }
    return launch(b, job, dir, made, &plan, err);
}

static int run_start(void *ud, struct queue_job *job, struct err *err) {
    return start_build(ud, job, err);
}

struct queue_kind builds_queue_kind(struct builds *b) {
    return (struct queue_kind){.name = "build.start", .run = run_start, .ud = b, .parallel = 2};
}

/* ---- following ---- */

/* The process whose pid stands in the build's directory: 1 found, 0 no pid yet, -1 it has ended. */
static int attach(struct builds *b, struct running *r) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct process_id id;
    struct str text = STR_NONE;
    const char *path = str_printf(&a, "%s/supervisor.pid", build_dir(b, &a, r->ingest.uuid)).p;
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
    const char *path = str_printf(&a, "%s/stop", build_dir(b, &a, r->ingest.uuid)).p;
    if (file_exists(path) || file_write_atomic(path, S("stop\n"), 0600, &err) == 0) {
        r->stop_sent = process_signal(&r->process, SIGTERM, &err) == 0;
    }
    arena_done(&a);
}

static void sweep(struct builds *b, struct running *r) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    if (sandbox_sweep(build_dir(b, &a, r->ingest.uuid), &err) < 0) {
        fprintf(stderr, "trunkline: build %.*s: %s\n", STR_ARG(r->ingest.uuid), err.msg);
    }
    arena_done(&a);
}

/* All that there is of one build; true when it has ended. */
static bool attend(struct builds *b, struct running *r, bool tick) {
    struct err err = ERR_INIT;
    bool more = true;
    bool ended = false;
    bool dead = is_dead(b, r);
    if (r->process.pid > 0 && !r->stop_sent && tick && stop_asked(b, r)) {
        send_stop(b, r);
    }
    if (dead) {
        sweep(b, r);
    }
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

/* Waits for a change; true when everything is to be looked at. */
static bool wait_for_change(struct builds *b, struct running *const *list, size_t n) {
    struct pollfd fds[RUNNING_MAX + 1];
    struct err ignored = ERR_INIT;
    uint64_t count = 0;
    fds[0] = (struct pollfd){b->wake_fd, POLLIN, 0};
    for (size_t i = 0; i < n; i++) {
        fds[i + 1] = (struct pollfd){list[i]->watch, POLLIN, 0};
    }
    bool silent = poll(fds, (nfds_t)n + 1, TICK_MS) <= 0;
    bool woken = read(b->wake_fd, &count, sizeof(count)) > 0;
    for (size_t i = 0; i < n; i++) {
        if (fds[i + 1].revents != 0 && watch_drain(list[i]->watch, &ignored) < 0) {
            fd_closep(&list[i]->watch);
        }
    }
    return silent || woken;
}

/* There is a place: who has waited longest gets it now, not at its next look. */
static void give_places(struct builds *b) {
    struct err err = ERR_INIT;
    struct db *db = b->config.flow->db;
    int free_places = b->config.parallel - b->running_n;
    if (!b->waiting || free_places <= 0 || db_begin(db, &err) < 0) {
        return;
    }
    b->waiting = false; /* those that still wait say so again */
    if (queue_hasten(db, "build.start", free_places, &err) < 0) {
        db_rollback(db);
    } else if (db_commit(db, &err) < 0) {
        fprintf(stderr, "trunkline: builds that wait: %s\n", err.msg);
    }
}

static void *watch_builds(void *ud) {
    struct builds *b = ud;
    struct running *list[RUNNING_MAX];
    int64_t ticked = 0;
    build_sweep_caches(b->config.flow);
    while (!b->stopping) {
        size_t n = list_entries(b, list);
        bool all = wait_for_change(b, list, n);
        int64_t now = clock_mono_ms(b->config.flow->clock);
        all |= now - ticked >= TICK_MS;
        ticked = all ? now : ticked;
        n = list_entries(b, list);
        for (size_t i = 0; i < n && !b->stopping; i++) {
            if (attend(b, list[i], all)) {
                remove_entry(b, list[i]);
            }
        }
        give_places(b);
        poll(NULL, 0, SETTLE_MS);
    }
    return NULL;
}

int builds_watch(struct builds *b, struct err *err) {
    struct arena a = ARENA_INIT;
    struct str_list uuids = {0};
    struct db *db = b->config.flow->db;
    the_builds = b;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int result = build_running(db, &a, &uuids, err);
    db_rollback(db);
    for (size_t i = 0; result == 0 && i < uuids.n; i++) {
        follow(b, uuids.v[i], PROCESS_NONE);
    }
    arena_done(&a);
    if (result < 0) {
        return -1;
    }
    int failed = pthread_create(&b->thread, NULL, watch_builds, b);
    b->watching = failed == 0;
    return failed == 0 ? 0 : err_sys(err, failed, "thread that follows builds");
}

void builds_free(struct builds *b) {
    if (b == NULL) {
        return;
    }
    b->stopping = true;
    wake(b);
    if (b->watching) {
        pthread_join(b->thread, NULL);
    }
    the_builds = the_builds == b ? NULL : the_builds;
    while (b->running != NULL) {
        struct running *next = b->running->next;
        forget(b->running);
        b->running = next;
    }
    pool_free(b->pool);
    close(b->wake_fd);
    pthread_mutex_destroy(&b->lock);
    free(b);
}
