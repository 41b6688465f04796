/* What the programs of `bench/releases` share: a pipeline of six stages whose actions do nothing,
 * and releases that run through it by the doors of flow/execution. */
#pragma once

#include "flow/execution/apply.h"

enum { BENCH_STAGES = 6 };

struct bench_store {
    struct db *db;
    struct flow flow;
};

int bench_open(const char *path, struct bench_store *ret, struct err *err) MUST_USE;
void bench_plan(struct arena *a, enum engine_mode mode, struct engine_plan *ret);
/* A new pipeline; its row's id. */
int bench_define(struct bench_store *b, struct arena *a, const char *name, enum engine_mode mode,
                 int64_t *ret_pipeline, struct err *err) MUST_USE;
/* One release from its start to its end, a transaction for each event; how many there were. */
int bench_release(struct bench_store *b, struct arena *a, int64_t pipeline, int64_t *ret_events,
                  struct err *err) MUST_USE;
double bench_now_s(void);

/* The same statements by SQLite alone; see releases_floor.c. */
struct bench_floor;
struct bench_floor *bench_floor_record(void); /* from now on, of all stores that are opened */
void bench_floor_stop(struct bench_floor *f);
/* Writes per second in transactions as they were recorded, WAL and synchronous=FULL, into the file,
 * which has the tables. */
int bench_floor_run(struct bench_floor *f, const char *path, double *ret_rate,
                    struct err *err) MUST_USE;
void bench_floor_free(struct bench_floor *f);
