/*
 * The release engine's speed.
 *   releases memory            steps of engine_step in a second
 *   releases durable DIR       events of releases in a second, on the disk: one thread, and eight
 * with a pipeline each, beside SQLite alone writing the same rows releases thousand DIR      1,000
 * releases through 6 stages of empty actions, by the queue's workers releases fill DB NAME N    N
 * releases into the pipeline NAME of a data directory's store
 */
#include "releases.h"

#include "flow/source/store.h"
#include "runtime/queue/queue.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double bench_now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- a pipeline, and releases of it ---- */

void bench_plan(struct arena *a, enum engine_mode mode, struct engine_plan *ret) {
    *ret = (struct engine_plan){.version = 1, .mode = mode, .n = BENCH_STAGES};
    ret->v = arena_new_n(a, struct engine_plan_stage, BENCH_STAGES);
    for (int i = 0; i < BENCH_STAGES; i++) {
        ret->v[i].name = str_printf(a, "Stage%d", i);
        *arena_push(a, &ret->v[i].actions) = (struct engine_plan_action){S("Nothing"), 1, false};
    }
}

int bench_open(const char *path, struct bench_store *ret, struct err *err) {
    const struct db_schema schemas[] = {queue_schema, record_schema, source_schema};
    *ret = (struct bench_store){0};
    if (db_open(path, schemas, 3, &ret->db, err) < 0) {
        return -1;
    }
    ret->flow = (struct flow){.db = ret->db, .clock = &clock_system, .rng = &rng_system};
    return 0;
}

static int end_tx(struct db *db, int done, struct err *err) {
    if (done < 0) {
        db_rollback(db);
        return -1;
    }
    return db_commit(db, err);
}

int bench_define(struct bench_store *b, struct arena *a, const char *name, enum engine_mode mode,
                 int64_t *ret_pipeline, struct err *err) {
    struct pipeline_row row = {.account = S("111111111111"),
                               .region = S("eu-west-2"),
                               .name = str_c(name),
                               .version = 1,
                               .definition = S("{}")};
    struct engine_plan plan;
    bench_plan(a, mode, &plan);
    if (db_begin(b->db, err) < 0 ||
        end_tx(b->db, execution_define(&b->flow, a, &row, &plan, err), err) < 0) {
        return -1;
    }
    *ret_pipeline = row.id;
    return 0;
}

static int running(struct bench_store *b, struct arena *a, struct str execution, struct str *ret,
                   struct err *err) {
    return db_get_str(b->db, a, ret, err,
                      "SELECT id FROM action_executions WHERE execution = ? AND status = "
                      "'InProgress' ORDER BY number DESC LIMIT 1",
                      "s", execution);
}

static int end_one(struct bench_store *b, struct arena *a, struct str execution, struct err *err) {
    struct str id = STR_NONE;
    struct action_end end = {.ok = true};
    if (db_begin(b->db, err) < 0) {
        return -1;
    }
    int found = running(b, a, execution, &id, err);
    int done = found > 0 ? execution_action_end(&b->flow, a, id, &end, err) : found;
    return end_tx(b->db, done, err) < 0 ? -1 : found;
}

int bench_release(struct bench_store *b, struct arena *a, int64_t pipeline, int64_t *ret_events,
                  struct err *err) {
    struct execution_start how = {.trigger_type = S("StartPipelineExecution")};
    struct str id = STR_NONE;
    if (db_begin(b->db, err) < 0 ||
        end_tx(b->db, execution_start(&b->flow, a, pipeline, &how, &id, NULL, err), err) < 0) {
        return -1;
    }
    int more = 1;
    for (*ret_events = 1; more > 0; *ret_events += more > 0) {
        more = end_one(b, a, id, err);
    }
    return more;
}

/* ---- in memory ---- */

static int memory(void) {
    struct arena a = ARENA_INIT;
    struct engine_state state = {0};
    struct engine_state next;
    struct engine_effect_list effects;
    enum engine_refusal refusal;
    struct err err = ERR_INIT;
    struct engine_event event = {.kind = EVENT_DEFINE, .seed = S("seed")};
    bench_plan(&a, MODE_SUPERSEDED, &event.plan);
    if (engine_step(&a, &state, &event, &state, &effects, &refusal, &err) < 0) {
        fprintf(stderr, "releases: %s\n", err.msg);
        return 1;
    }
    struct engine_state defined = state;
    struct arena_mark mark = arena_mark(&a);
    int64_t steps = 0;
    double began = bench_now_s();
    while (bench_now_s() - began < 1.0) {
        arena_reset(&a, mark);
        state = defined;
        event = (struct engine_event){.kind = EVENT_START, .execution = S("e"), .seed = S("seed")};
        for (int i = 0; i <= BENCH_STAGES; i++) {
            if (engine_step(&a, &state, &event, &next, &effects, &refusal, &err) < 0) {
                fprintf(stderr, "releases: %s\n", err.msg);
                return 1;
            }
            state = next;
            const struct engine_execution *e = engine_find(&state, S("e"));
            struct str id = e != NULL && e->actions.n > 0 ? e->actions.v[0].id : STR_NONE;
            event = (struct engine_event){.kind = EVENT_ACTION,
                                          .execution = S("e"),
                                          .action_id = id,
                                          .ok = true,
                                          .seed = str_printf(&a, "%d", i)};
            steps++;
        }
    }
    printf("{\"rate\": %.0f}\n", (double)steps / (bench_now_s() - began));
    arena_done(&a);
    return 0;
}

/* ---- on the disk ---- */

struct worker {
    pthread_t thread;
    struct bench_store *store;
    int64_t pipeline;
    int64_t events;
    double until;
    struct err err;
    int failed;
};

static void *work(void *ud) {
    struct worker *w = ud;
    struct arena a = ARENA_INIT;
    while (w->failed == 0 && bench_now_s() < w->until) {
        int64_t events = 0;
        w->failed = bench_release(w->store, &a, w->pipeline, &events, &w->err);
        w->events += events;
        arena_done(&a);
    }
    return NULL;
}

/* Events in a second, of `n` threads. */
static int rate(const char *path, int n, double *ret, struct err *err) {
    struct worker workers[8] = {0};
    struct bench_store store;
    struct arena a = ARENA_INIT;
    if (bench_open(path, &store, err) < 0) {
        return -1;
    }
    int failed = 0;
    for (int i = 0; i < n && failed == 0; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%d", i);
        workers[i].store = &store;
        failed = bench_define(&store, &a, name, MODE_SUPERSEDED, &workers[i].pipeline, err);
    }
    double began = bench_now_s();
    for (int i = 0; i < n && failed == 0; i++) {
        workers[i].until = began + 2.0;
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    int64_t events = 0;
    for (int i = 0; i < n && failed == 0; i++) {
        pthread_join(workers[i].thread, NULL);
        events += workers[i].events;
        if (workers[i].failed < 0) {
            *err = workers[i].err;
            failed = -1;
        }
    }
    *ret = (double)events / (bench_now_s() - began);
    db_close(store.db);
    arena_done(&a);
    return failed;
}

/* What SQLite alone does with the rows of a few releases. */
static int floor_rate(const char *dir, double *ret, struct err *err) {
    char path[4096];
    struct bench_store store;
    struct arena a = ARENA_INIT;
    int64_t pipeline = 0;
    int64_t events = 0;
    struct bench_floor *f = bench_floor_record();
    int failed = bench_open("", &store, err) < 0 ||
                 bench_define(&store, &a, "p", MODE_SUPERSEDED, &pipeline, err) < 0;
    for (int i = 0; i < 100 && !failed; i++) {
        failed = bench_release(&store, &a, pipeline, &events, err) < 0;
    }
    bench_floor_stop(f);
    db_close(store.db);
    snprintf(path, sizeof(path), "%s/floor.db", dir);
    if (!failed && bench_open(path, &store, err) == 0) { /* the tables */
        db_close(store.db);
        failed = bench_floor_run(f, path, ret, err) < 0;
    }
    bench_floor_free(f);
    arena_done(&a);
    return failed ? -1 : 0;
}

static int durable(const char *dir) {
    struct err err = ERR_INIT;
    double one = 0;
    double eight = 0;
    double alone = 0;
    char first[4096];
    char second[4096];
    snprintf(first, sizeof(first), "%s/one.db", dir);
    snprintf(second, sizeof(second), "%s/eight.db", dir);
    if (rate(first, 1, &one, &err) < 0 || rate(second, 8, &eight, &err) < 0 ||
        floor_rate(dir, &alone, &err) < 0) {
        fprintf(stderr, "releases: %s\n", err.msg);
        return 1;
    }
    printf("{\"one\": %.1f, \"eight\": %.1f, \"floor\": %.1f}\n", one, eight, alone);
    return 0;
}

/* ---- a thousand ---- */

static int empty_action(void *ud, struct queue_job *job, struct err *err) {
    struct bench_store *b = ud;
    struct action_end end = {.ok = true};
    if (db_begin(b->db, err) < 0) {
        return -1;
    }
    return end_tx(b->db, execution_action_end(&b->flow, job->arena, job->key, &end, err), err);
}

static int nobody_listens(void *ud, struct queue_job *job, struct err *err) {
    (void)ud;
    (void)job;
    (void)err;
    return 0;
}

static int64_t left(struct bench_store *b) {
    struct err err = ERR_INIT;
    int64_t n = -1;
    if (db_begin(b->db, &err) == 0) {
        (void)!db_get_i64(b->db, &n, &err,
                          "SELECT count(*) FROM pipeline_executions WHERE status <> 'Succeeded'",
                          "");
        db_glance(b->db);
    }
    return n;
}

static int begin_all(struct bench_store *b, int64_t n, struct err *err) {
    struct arena a = ARENA_INIT;
    int failed = 0;
    int64_t pipelines[20];
    for (int64_t i = 0; i < n && !failed; i++) {
        char name[16];
        struct execution_start how = {.trigger_type = S("StartPipelineExecution")};
        struct str id = STR_NONE;
        snprintf(name, sizeof(name), "p%d", (int)(i % 20));
        if (i < 20) {
            failed = bench_define(b, &a, name, MODE_PARALLEL, &pipelines[i], err) < 0;
        }
        failed =
            failed || db_begin(b->db, err) < 0 ||
            end_tx(b->db, execution_start(&b->flow, &a, pipelines[i % 20], &how, &id, NULL, err),
                   err) < 0;
    }
    arena_done(&a);
    return failed ? -1 : 0;
}

/* Twenty pipelines in PARALLEL mode, fifty each: as many as may be active. */
static int thousand(const char *dir) {
    char path[4096];
    struct err err = ERR_INIT;
    struct bench_store store;
    struct queue *queue = NULL;
    snprintf(path, sizeof(path), "%s/thousand.db", dir);
    if (bench_open(path, &store, &err) < 0) {
        fprintf(stderr, "releases: %s\n", err.msg);
        return 1;
    }
    const struct queue_kind kinds[] = {
        {.name = JOB_ACTION, .run = empty_action, .ud = &store, .parallel = 4},
        {.name = JOB_NOTIFY, .run = nobody_listens, .parallel = 1},
    };
    double began = bench_now_s();
    if (begin_all(&store, 1000, &err) < 0 ||
        queue_start(store.db, &clock_system, kinds, 2, &queue, &err) < 0) {
        fprintf(stderr, "releases: %s\n", err.msg);
        return 1;
    }
    while (left(&store) > 0) {
        db_wait_commit(store.db, db_commits(store.db), 100);
    }
    printf("{\"seconds\": %.2f}\n", bench_now_s() - began);
    queue_stop(queue);
    db_close(store.db);
    return 0;
}

/* ---- history ---- */

static int fill(const char *path, const char *name, const char *count) {
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    struct bench_store store;
    int64_t pipeline = 0;
    int64_t events = 0;
    unsigned long long n = 0;
    if (!str_to_u64(str_c(count), &n) || bench_open(path, &store, &err) < 0 ||
        db_begin(store.db, &err) < 0) {
        fprintf(stderr, "releases: %s\n", err.msg);
        return 1;
    }
    int found =
        db_get_i64(store.db, &pipeline, &err, "SELECT id FROM pipelines WHERE name = ?", "z", name);
    int failed = found <= 0;
    for (unsigned long long i = 0; i < n && !failed; i++) {
        struct arena_mark mark = arena_mark(&a);
        failed = bench_release(&store, &a, pipeline, &events, &err) < 0;
        arena_reset(&a, mark);
    }
    failed = failed || db_run(store.db, &err, "DELETE FROM job", "") < 0;
    if (failed || db_commit(store.db, &err) < 0) {
        fprintf(stderr, "releases: %s\n", found == 0 ? "there is no such pipeline" : err.msg);
        return 1;
    }
    db_close(store.db);
    arena_done(&a);
    return 0;
}

int main(int argc, char **argv) {
    struct str what = str_c(argc > 1 ? argv[1] : "");
    if (argc == 2 && str_is(what, "memory")) {
        return memory();
    }
    if (argc == 3 && str_is(what, "durable")) {
        return durable(argv[2]);
    }
    if (argc == 3 && str_is(what, "thousand")) {
        return thousand(argv[2]);
    }
    if (argc == 5 && str_is(what, "fill")) {
        return fill(argv[2], argv[3], argv[4]);
    }
    fprintf(stderr, "usage: releases memory | durable DIR | thousand DIR | fill DB NAME N\n");
    return 2;
}
