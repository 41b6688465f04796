/* Implementation of runtime/queue/queue.h: one table, worker threads that take turns in choosing,
 * and begin as there is work for them. What a job does, and how it is idempotent, is its kind's
 * business.
 */
#include "runtime/queue/queue.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MAX_THREADS = 16,
    FIRST_BACK_OFF_MS = 200,
    LAST_BACK_OFF_MS = 60 * 1000,
    LONGEST_WAIT_MS = 10 * 1000, /* the wall clock may be set while we wait by the monotonic one */
};

extern const char queue_schema_sql[];
const struct db_schema queue_schema = {"queue", queue_schema_sql};

struct kind {
    struct queue_kind is;
    int running;
};

struct queue {
    struct db *db;
    const struct clock *clock;
    struct kind *kinds;
    size_t n_kinds;
    struct queue *next; /* in `queues` */

    pthread_mutex_t pick; /* held while one thread chooses; before `lock` and the store's */
    size_t turn;          /* kind that is asked first */

    pthread_mutex_t lock; /* what follows; nothing else is locked under it */
    pthread_cond_t wake;
    uint64_t calls; /* queue_wake so far */
    bool stopping;
    int64_t *running; /* ids */
    size_t n_running;
    pthread_t threads[MAX_THREADS];
    size_t n_threads;    /* begun so far */
    size_t most_threads; /* that may begin; 0 = none, as in tests */
    size_t busy;         /* of them run a job */
};

/* queue_add knows the store only; its hook finds the queue here. */
static pthread_mutex_t queues_lock = PTHREAD_MUTEX_INITIALIZER;
static struct queue *queues;

static void wake_store(void *ud) {
    pthread_mutex_lock(&queues_lock);
    for (struct queue *q = queues; q != NULL; q = q->next) {
        if (q->db == ud) {
            queue_wake(q);
        }
    }
    pthread_mutex_unlock(&queues_lock);
}

int queue_add(struct db *db, const char *kind, struct str key, struct str payload,
              int64_t run_at_ms, struct err *err) {
    if (db_run(db, err,
               "INSERT INTO job(kind, key, payload, run_at_ms) VALUES (?, ?, ?, ?) "
               "ON CONFLICT(kind, key) DO NOTHING",
               "zssi", kind, key, payload, run_at_ms) < 0) {
        return -1;
    }
    db_on_commit(db, wake_store, db);
    return 0;
}

int queue_urge(struct db *db, const char *kind, struct str key, struct err *err) {
    bool all = key.p == NULL;
    if (db_run(db, err,
               "UPDATE job SET run_at_ms = -1 WHERE kind = ? AND (key = ? OR (? AND run_at_ms = "
               "0))",
               "zsi", kind, all ? S("") : key, (int64_t)all) < 0) {
        return -1;
    }
    db_on_commit(db, wake_store, db);
    return 0;
}

int queue_cancel(struct db *db, const char *kind, struct str key, struct err *err) {
    return db_run(db, err, "DELETE FROM job WHERE kind = ? AND key = ?", "zs", kind, key);
}

int queue_end(struct db *db, struct queue_job *job, struct err *err) {
    job->ended = true;
    return db_run(db, err, "DELETE FROM job WHERE id = ?", "i", job->id);
}

int queue_later(struct db *db, struct queue_job *job, int64_t run_at_ms, struct err *err) {
    job->ended = true;
    job->again_ms = run_at_ms;
    return db_run(db, err, "UPDATE job SET run_at_ms = ?, failures = 0 WHERE id = ?", "ii",
                  run_at_ms, job->id);
}

void queue_wake_db(struct db *db) {
    wake_store(db);
}

void queue_wake(struct queue *q) {
    pthread_mutex_lock(&q->lock);
    q->calls++;
    pthread_cond_signal(&q->wake);
    pthread_mutex_unlock(&q->lock);
}

static bool is_running(struct queue *q, int64_t id) {
    for (size_t i = 0; i < q->n_running; i++) {
        if (q->running[i] == id) {
            return true;
        }
    }
    return false;
}

/* Takes the job if nobody runs it. */
static bool claim(struct queue *q, struct kind *kind, int64_t id) {
    pthread_mutex_lock(&q->lock);
    bool mine = !is_running(q, id);
    if (mine) {
        q->running = mem_realloc(q->running, (q->n_running + 1) * sizeof(*q->running));
        q->running[q->n_running++] = id;
        kind->running++;
    }
    pthread_mutex_unlock(&q->lock);
    return mine;
}

static void release(struct queue *q, struct kind *kind, int64_t id) {
    pthread_mutex_lock(&q->lock);
    for (size_t i = 0; i < q->n_running; i++) {
        if (q->running[i] == id) {
            q->running[i] = q->running[--q->n_running];
            break;
        }
    }
    kind->running--;
    q->calls++; /* there is room in this kind again */
    pthread_cond_signal(&q->wake);
    pthread_mutex_unlock(&q->lock);
}

static int running_of(struct queue *q, struct kind *kind) {
    pthread_mutex_lock(&q->lock);
    int n = kind->running;
    pthread_mutex_unlock(&q->lock);
    return n;
}

/* The first due job of a kind that nobody runs: 1, 0 none, -1 error. Without room only those that
 * are urged. */
static int pick_of_kind(struct queue *q, struct kind *kind, int64_t now_ms, struct queue_job *ret,
                        struct err *err) {
    int running = running_of(q, kind);
    bool room = kind->is.room == NULL || kind->is.room(kind->is.ud);
    if (running >= kind->is.parallel) {
        return 0;
    }
    struct db_rows rows cleanup_rows = {0};
    if (db_query(q->db, &rows, err,
                 "SELECT id, key, payload, failures FROM job WHERE kind = ? AND run_at_ms <= ? "
                 "ORDER BY run_at_ms, id LIMIT ?",
                 "zii", kind->is.name, room ? now_ms : -1, (int64_t)running + 1) < 0) {
        return -1;
    }
    int more;
    while ((more = db_next(&rows, err)) > 0) {
        if (!claim(q, kind, db_i64(&rows, 0))) {
            continue;
        }
        ret->id = db_i64(&rows, 0);
        ret->kind = str_c(kind->is.name);
        ret->key = db_str(&rows, ret->arena, 1);
        ret->payload = db_str(&rows, ret->arena, 2);
        ret->attempt = (int)db_i64(&rows, 3) + 1;
        return 1;
    }
    return more;
}

/* Chooses and claims a job: 1, 0 none is due (*ret_wait_ms says for how long), -1 error. */
static int pick(struct queue *q, struct queue_job *ret, struct kind **ret_kind,
                int64_t *ret_wait_ms, struct err *err) {
    int64_t now_ms = clock_now_ms(q->clock);
    if (db_begin(q->db, err) < 0) {
        return -1;
    }
    int found = 0;
    for (size_t i = 0; i < q->n_kinds && found == 0; i++) {
        struct kind *kind = &q->kinds[(q->turn + i) % q->n_kinds];
        found = pick_of_kind(q, kind, now_ms, ret, err);
        if (found > 0) {
            *ret_kind = kind;
            q->turn = (q->turn + i + 1) % q->n_kinds;
        }
    }
    int64_t next_ms = 0;
    *ret_wait_ms = LONGEST_WAIT_MS;
    if (found == 0) {
        int some = db_get_i64(q->db, &next_ms, err,
                              "SELECT run_at_ms FROM job WHERE run_at_ms > ? "
                              "ORDER BY run_at_ms LIMIT 1",
                              "i", now_ms);
        if (some > 0 && next_ms - now_ms < *ret_wait_ms) {
            *ret_wait_ms = next_ms - now_ms;
        }
        found = some < 0 ? -1 : 0;
    }
    db_rollback(q->db);
    return found;
}

static int64_t back_off_ms(int failures) {
    int64_t ms = FIRST_BACK_OFF_MS;
    for (int i = 1; i < failures && ms < LAST_BACK_OFF_MS; i++) {
        ms *= 2;
    }
    return ms < LAST_BACK_OFF_MS ? ms : LAST_BACK_OFF_MS;
}

/* Writes what became of a run. */
static int settle(struct queue *q, const struct queue_job *job, bool again, bool failed,
                  int64_t at_ms, struct err *err) {
    if (db_begin(q->db, err) < 0) {
        return -1;
    }
    int bad = again ? db_run(q->db, err, "UPDATE job SET run_at_ms = ?, failures = ? WHERE id = ?",
                             "iii", at_ms, (int64_t)(failed ? job->attempt : 0), job->id)
                    : db_run(q->db, err, "DELETE FROM job WHERE id = ?", "i", job->id);
    if (bad < 0) {
        db_rollback(q->db);
        return -1;
    }
    return db_commit(q->db, err);
}

static void run(struct queue *q, struct kind *kind, struct queue_job *job) {
    struct err why = ERR_INIT;
    struct err err = ERR_INIT;
    bool failed = kind->is.run(kind->is.ud, job, &why) < 0;
    int bad = 0;
    bool last = kind->is.max_attempts > 0 && job->attempt >= kind->is.max_attempts;
    if (failed && (last || job->give_up)) {
        fprintf(stderr, "trunkline: job %s '" STR_FMT "' given up after %d attempts: %s\n",
                kind->is.name, STR_ARG(job->key), job->attempt, why.msg);
        if (kind->is.gave_up != NULL) {
            kind->is.gave_up(kind->is.ud, job, &why);
        }
        bad = settle(q, job, false, true, 0, &err);
    } else if (failed) {
        int64_t at_ms =
            job->again_ms != 0 ? job->again_ms : clock_now_ms(q->clock) + back_off_ms(job->attempt);
        bad = settle(q, job, true, true, at_ms, &err);
    } else if (!job->ended) {
        bad = settle(q, job, job->again_ms != 0, false, job->again_ms, &err);
    }
    if (bad < 0) { /* the row is as it was: the job will run again */
        fprintf(stderr, "trunkline: job %s '" STR_FMT "': %s\n", kind->is.name, STR_ARG(job->key),
                err.msg);
    }
    release(q, kind, job->id);
}

static void *work(void *ud);

/* Under `lock`. Returns pthread_create's code. */
static int begin_worker(struct queue *q) {
    int code = pthread_create(&q->threads[q->n_threads], NULL, work, q);
    q->n_threads += code == 0 ? 1 : 0;
    return code;
}

/* A worker is about to run a job: somebody else has to look for the next one. A worker that cannot
 * begin is no loss of work, only of time: those that are there get to it. */
static void leave_one_looking(struct queue *q) {
    pthread_mutex_lock(&q->lock);
    q->busy++;
    if (q->busy >= q->n_threads && q->n_threads < q->most_threads && !q->stopping &&
        begin_worker(q) != 0) {
        q->most_threads = q->n_threads;
        fprintf(stderr, "trunkline: queue: no more than %zu workers can begin\n", q->n_threads);
    }
    pthread_cond_signal(&q->wake); /* one commit may have added many: the next worker looks, too */
    q->calls++;
    pthread_mutex_unlock(&q->lock);
}

static void look_again(struct queue *q) {
    pthread_mutex_lock(&q->lock);
    q->busy--;
    pthread_mutex_unlock(&q->lock);
}

/* One choice and one run: 1, 0 nothing is due, -1 the store failed. */
static int run_one(struct queue *q, int64_t *ret_wait_ms) {
    struct arena arena = ARENA_INIT;
    struct queue_job job = {.arena = &arena};
    struct kind *kind = NULL;
    struct err err = ERR_INIT;
    pthread_mutex_lock(&q->pick);
    int found = pick(q, &job, &kind, ret_wait_ms, &err);
    pthread_mutex_unlock(&q->pick);
    if (found > 0) {
        leave_one_looking(q);
        run(q, kind, &job);
        look_again(q);
    } else if (found < 0) {
        fprintf(stderr, "trunkline: queue: %s\n", err.msg);
        *ret_wait_ms = 1000;
    }
    arena_done(&arena);
    return found;
}

int queue_run_due(struct queue *q) {
    int n = 0;
    int64_t wait_ms = 0;
    while (run_one(q, &wait_ms) > 0) {
        n++;
    }
    return n;
}

static void wait_for_work(struct queue *q, uint64_t calls, int64_t wait_ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&q->lock);
    while (q->calls == calls && !q->stopping) {
        if (pthread_cond_timedwait(&q->wake, &q->lock, &until) != 0) {
            break;
        }
    }
    pthread_mutex_unlock(&q->lock);
}

static void *work(void *ud) {
    struct queue *q = ud;
    while (true) {
        pthread_mutex_lock(&q->lock);
        bool stop = q->stopping;
        uint64_t calls = q->calls;
        pthread_mutex_unlock(&q->lock);
        if (stop) {
            return NULL;
        }
        int64_t wait_ms = 0;
        if (run_one(q, &wait_ms) <= 0) {
            wait_for_work(q, calls, wait_ms);
        }
    }
}

static const struct kind *find_kind(const struct queue *q, struct str name) {
    for (size_t i = 0; i < q->n_kinds; i++) {
        if (str_is(name, q->kinds[i].is.name)) {
            return &q->kinds[i];
        }
    }
    return NULL;
}

static int name_unknown(struct queue *q, struct err *err) {
    if (db_begin(q->db, err) < 0) {
        return -1;
    }
    struct arena a = ARENA_INIT;
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(q->db, &rows, err, "SELECT kind, count(*) FROM job GROUP BY kind", "");
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        struct str kind = db_str(&rows, &a, 0);
        if (find_kind(q, kind) == NULL) {
            fprintf(stderr, "trunkline: %lld jobs of the unknown kind '" STR_FMT "' wait\n",
                    (long long)db_i64(&rows, 1), STR_ARG(kind));
        }
    }
    db_done(&rows);
    db_rollback(q->db);
    arena_done(&a);
    return more;
}

int queue_open(struct db *db, const struct clock *clock, const struct queue_kind *kinds, size_t n,
               struct queue **ret, struct err *err) {
    struct queue *q = mem_alloc(sizeof(*q));
    q->db = db;
    q->clock = clock;
    q->kinds = mem_alloc((n + 1) * sizeof(*q->kinds));
    q->n_kinds = n;
    for (size_t i = 0; i < n; i++) {
        q->kinds[i].is = kinds[i];
        if (q->kinds[i].is.parallel <= 0) {
            q->kinds[i].is.parallel = 1;
        }
    }
    pthread_mutex_init(&q->pick, NULL);
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_lock(&queues_lock);
    q->next = queues;
    queues = q;
    pthread_mutex_unlock(&queues_lock);
    if (name_unknown(q, err) < 0) {
        queue_stop(q);
        return -1;
    }
    *ret = q;
    return 0;
}

int queue_start(struct db *db, const struct clock *clock, const struct queue_kind *kinds, size_t n,
                struct queue **ret, struct err *err) {
    struct queue *q = NULL;
    if (queue_open(db, clock, kinds, n, &q, err) < 0) {
        return -1;
    }
    size_t most = 0;
    for (size_t i = 0; i < n; i++) {
        most += (size_t)q->kinds[i].is.parallel;
    }
    pthread_mutex_lock(&q->lock);
    q->most_threads = most < MAX_THREADS ? most : MAX_THREADS;
    int code = q->most_threads > 0 ? begin_worker(q) : 0; /* the others when there is work */
    pthread_mutex_unlock(&q->lock);
    if (code != 0) {
        queue_stop(q);
        return err_sys(err, code, "queue: cannot start a worker");
    }
    *ret = q;
    return 0;
}

void queue_stop(struct queue *q) {
    if (q == NULL) {
        return;
    }
    pthread_mutex_lock(&q->lock);
    q->stopping = true;
    pthread_cond_broadcast(&q->wake);
    pthread_mutex_unlock(&q->lock);
    for (size_t i = 0; i < q->n_threads; i++) {
        pthread_join(q->threads[i], NULL);
    }
    pthread_mutex_lock(&queues_lock);
    struct queue **at = &queues;
    while (*at != q) {
        at = &(*at)->next;
    }
    *at = q->next;
    pthread_mutex_unlock(&queues_lock);
    pthread_cond_destroy(&q->wake);
    pthread_mutex_destroy(&q->lock);
    pthread_mutex_destroy(&q->pick);
    free(q->running);
    free(q->kinds);
    free(q);
}
