/* Builds from their job to their supervisor. What follows then is following.c's. */
#include "flow/build/following.h"

#include "flow/build/run_file.h"
#include "flow/build/settings.h"
#include "flow/build/store.h"
#include "flow/sandbox/container.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/watch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The one that serve has: a commit that asks for a stop wakes it. */
static struct builds *the_builds;

static void look_after_commit(void *ud) {
    (void)ud;
    if (the_builds != NULL) {
        builds_look(the_builds);
    }
}

int build_stop(const struct flow *f, struct str uuid, struct err *err) {
    if (build_set_stop(f->db, uuid, clock_now_ms(f->clock), err) < 0 ||
        queue_urge(f->db, "build.start", uuid, err) < 0) {
        return -1;
    }
    db_on_commit(f->db, look_after_commit, NULL);
    return 0;
}

void builds_poke(struct builds *b, struct str uuid) {
    (void)uuid;
    builds_look(b);
}

/* A file that says nonsense is told by whoever checks it: serve, before this. */
static void choose_parallel(struct builds *b) {
    struct arena a = ARENA_INIT;
    struct err ignored = ERR_INIT;
    int wanted = 0;
    if (b->config.parallel == 0 &&
        (settings_builds(&a, b->config.flow->data_dir, &wanted, &ignored) < 0 || wanted == 0)) {
        wanted = b->processors > 1 ? b->processors * 2 : 2;
    }
    b->config.parallel = wanted != 0 ? wanted : b->config.parallel;
    arena_done(&a);
}

struct builds *builds_new(const struct builds_config *config) {
    struct builds *b = mem_alloc(sizeof(*b));
    struct err ignored = ERR_INIT;
    b->config = *config;
    b->processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
    choose_parallel(b);
    pthread_mutex_init(&b->lock, NULL);
    b->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    b->arrivals_fd = watch_new(&ignored); /* without it an end is seen a moment later */
    b->spawner = spawner_new(b->config.program, b->config.flow->data_dir);
    b->pool = pool_new(b->spawner, b->config.flow->data_dir);
    b->sweeper = sweeper_new(&(struct sweeper_config){sandbox_sweep, builds_swept, b});
    the_builds = b;
    return b;
}

void builds_free(struct builds *b) {
    if (b == NULL) {
        return;
    }
    builds_unfollow(b);
    the_builds = the_builds == b ? NULL : the_builds;
    pool_free(b->pool);
    spawner_free(b->spawner);
    fd_closep(&b->wake_fd);
    fd_closep(&b->arrivals_fd);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

/* ---- the job ---- */

/* What the store knows of a build that is to start. */
struct start {
    struct builds *b;
    struct queue_job *job;
    const char *dir;
    struct build_row row;
    struct str boot; /* in which it was spawned; absent: not yet */
    struct plan plan;
    struct err plan_bad; /* why it cannot be read */
    bool stop;
    bool placed; /* it has a place */
    bool waits;  /* for one */
};

/* When it has waited too long; INT64_MAX: never. A plan that cannot be read is told when the build
 * is started. */
static int64_t deadline_of(const struct start *s) {
    return s->plan_bad.kind == ERR_NONE && s->plan.queued_timeout_s > 0
               ? s->row.started_ms + s->plan.queued_timeout_s * 1000 + 1
               : INT64_MAX;
}

static int load_plan(struct start *s, struct err *err) {
    struct str text = STR_NONE;
    if (build_get_plan(s->b->config.flow->db, s->job->arena, s->job->key, &text, err) < 0) {
        return -1;
    }
    (void)!plan_parse(s->job->arena, text, &s->plan, &s->plan_bad);
    return 0;
}

/* The queue asks us before it looks for a build that is due; but some are looked at though there is
 * no place for them: stopped, or waiting for long. */
static int find_place(struct start *s, struct err *err) {
    struct builds *b = s->b;
    if (s->stop || s->boot.n > 0 || file_exists(s->dir) ||
        deadline_of(s) <= clock_now_ms(b->config.flow->clock)) {
        return 0;
    }
    s->placed = builds_take_place(b);
    s->waits = !s->placed;
    return s->placed ? 0 : queue_later(b->config.flow->db, s->job, 0, err);
}

static int load(struct start *s, struct err *err) {
    struct db *db = s->b->config.flow->db;
    struct arena *a = s->job->arena;
    struct str uuid = s->job->key;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int found = build_load(db, a, uuid, &s->row, err);
    int stop = found > 0 ? build_get_stop(db, uuid, err) : 0;
    s->stop = stop > 0;
    if (found < 0 || stop < 0 ||
        (found > 0 && (load_plan(s, err) < 0 || build_get_boot(db, a, uuid, &s->boot, err) < 0 ||
                       (!s->row.complete && find_place(s, err) < 0)))) {
        db_rollback(db);
        return -1;
    }
    if (!s->waits) {
        db_rollback(db);
        return found;
    }
    return db_commit(db, err) < 0 ? -1 : found;
}

static int end_now(struct builds *b, struct str uuid, const char *status, const char *reason,
                   struct err *err) {
    struct ingest in = {.flow = b->config.flow, .config = &b->config, .uuid = uuid};
    return ingest_end(&in, status, reason, err);
}

static int complete_plan(struct builds *b, struct arena *a, struct plan *plan, struct err *err) {
    plan->data_dir = str_c(b->config.flow->data_dir);
    plan->notify = b->config.notify;
    if (b->config.account != NULL && b->config.account(b->config.account_ud, a, plan, err) < 0) {
        return -1;
    }
    return settings_apply(a, b->config.flow->data_dir, plan, err) < 0
               ? -1
               : run_file_apply(a, b->config.flow->data_dir, plan, err);
}

/* Before any command can run: nothing else of a build outlives a power failure. */
static int mark_spawned(struct builds *b, struct str uuid, struct err *err) {
    struct db *db = b->config.flow->db;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    if (build_set_spawned(db, uuid, str_c(process_boot()), err) < 0) {
        db_rollback(db);
        return -1;
    }
    return db_commit(db, err);
}

/* *ret_leash: the end of its standard input that is ours. */
static int spawn(struct builds *b, struct arena *a, const char *dir, struct process *ret,
                 int *ret_leash, struct err *err) {
    int theirs cleanup_fd = -1;
    int out cleanup_fd = file_open(str_printf(a, "%s/supervisor.out", dir).p,
                                   O_WRONLY | O_CREAT | O_APPEND, 0600, err);
    if (out < 0 || fd_pipe(&theirs, ret_leash, err) < 0) {
        return -1;
    }
    const struct spawner_order order = {.dir = dir, .in = theirs, .out = out, .err = out};
    return spawner_start(b->spawner, &order, ret, err);
}

static int remove_directory(const char *dir, struct err *err) {
    return file_exists(dir) ? tree_remove(dir, err) : 0;
}

/* The directory, with or without a container that was made ahead; the plan in it; a supervisor.
 * What lies there already is of a start that a crash interrupted: no command has run. */
static int launch(struct builds *b, struct queue_job *job, const char *dir, bool made,
                  const struct plan *plan, struct err *err) {
    struct process process = PROCESS_NONE;
    int pipe cleanup_fd = -1;
    struct pool_key key;
    pool_key_of(plan, &key);
    if (dir_make(str_printf(job->arena, "%s/builds", b->config.flow->data_dir).p, 0700, err) < 0) {
        return -1;
    }
    int taken =
        made ? sandbox_sweep(dir, err) : pool_take(b->pool, &key, dir, &process, &pipe, err);
    if (taken < 0 || (!made && taken == 0 && dir_make_new(dir, 0700, err) < 0) ||
        plan_write(dir, plan, err) < 0 || mark_spawned(b, job->key, err) < 0) {
        process_close(&process);
        return -1;
    }
    bool spare = taken > 0 && pool_go(pipe, dir);
    if (!spare) {
        process_close(&process);
        fd_closep(&pipe);
        if ((taken > 0 && sandbox_sweep(dir, err) < 0) ||
            spawn(b, job->arena, dir, &process, &pipe, err) < 0) {
            return -1;
        }
    }
    b->launched_ms = clock_mono_ms(b->config.flow->clock);
    (spare ? builds_follow_spare : builds_follow)(b, job->key, process, TAKE_FD(pipe));
    pool_want(b->pool, &key, plan, plan->pool);
    return 0;
}

static int start(struct start *s, struct err *err) {
    struct builds *b = s->b;
    struct arena *a = s->job->arena;
    struct str uuid = s->job->key;
    bool made = file_exists(s->dir);
    if (s->boot.n > 0 && !str_is(s->boot, process_boot())) {
        builds_follow_lost(b, uuid);
        return 0;
    }
    if (made && file_exists(str_printf(a, "%s/supervisor.pid", s->dir).p)) {
        builds_follow(b, uuid, PROCESS_NONE, -1); /* it had started when we crashed */
        return mark_spawned(b, uuid, err);
    }
    if (s->stop && !made) {
        return end_now(b, uuid, "STOPPED", "stopped before it started", err);
    }
    if (!made && deadline_of(s) <= clock_now_ms(b->config.flow->clock)) {
        return end_now(b, uuid, "TIMED_OUT", "Build timed out in the queue", err);
    }
    *err = s->plan_bad;
    if (err->kind != ERR_NONE || complete_plan(b, a, &s->plan, err) < 0) {
        struct str why = str_printf(a, "%s", err->msg);
        *err = ERR_INIT;
        return end_now(b, uuid, "FAULT", why.p, err);
    }
    return launch(b, s->job, s->dir, made, &s->plan, err);
}

static int begin(struct start *s, struct err *err) {
    int found = load(s, err);
    if (found < 0 || s->waits) {
        return found < 0 ? -1 : 0;
    }
    if (found == 0) {
        return remove_directory(s->dir, err); /* the build was deleted */
    }
    return s->row.complete ? 0 : start(s, err);
}

static int run_start(void *ud, struct queue_job *job, struct err *err) {
    struct start s = {.b = ud, .job = job, .dir = builds_dir(ud, job->arena, job->key)};
    int result = begin(&s, err);
    if (s.placed) {
        builds_leave_place(s.b);
    }
    return result;
}

static bool any_place(void *ud) {
    return builds_places(ud) > 0;
}

/* One at a time: who has waited longest is first. */
struct queue_kind builds_queue_kind(struct builds *b) {
    return (struct queue_kind){
        .name = "build.start", .run = run_start, .room = any_place, .ud = b, .parallel = 1};
}
