/* The store layer: each event goes through its door, in a transaction that may be lost; store.h. */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "flow/source/store.h"
#include "runtime/queue/queue.h"

enum { SEEDS_PER_STORE = 100 };

/* One store after the other serves many seeds, each with a pipeline of its own. */
static struct {
    char folder[64];
    char path[96];
    struct db *db;
    int seeds;
    uint64_t ids;  /* never the same twice, whatever the seed */
    uint64_t runs; /* for names */
} shared;

static int open_store(struct err *err) {
    const struct db_schema schemas[] = {audit_schema, queue_schema, record_schema, source_schema};
    return db_open(shared.path, schemas, 4, &shared.db, err) == 0 &&
                   store_audit_begin(shared.db, shared.folder, err)
               ? 0
               : -1;
}

static void close_store(void) {
    audit_stop();
    db_close(shared.db);
    shared.db = NULL;
}

static void remove_store(void) {
    static const char *const names[] = {"sim.db", "sim.db-wal", "sim.db-shm", "audit.key",
                                        "audit.head"};
    close_store();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", shared.folder, names[i]);
        unlink(path);
    }
    rmdir(shared.folder);
}

static int fresh_store(struct err *err) {
    if (shared.db != NULL && ++shared.seeds < SEEDS_PER_STORE) {
        return 0;
    }
    if (shared.db != NULL) {
        remove_store();
    } else {
        atexit(remove_store);
    }
    shared.seeds = 0;
    snprintf(shared.folder, sizeof(shared.folder), "%s/trunkline-sim-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(shared.folder) == NULL) {
        return err_set(err, ERR_SYSTEM, "no folder %s", shared.folder);
    }
    snprintf(shared.path, sizeof(shared.path), "%s/sim.db", shared.folder);
    return open_store(err);
}

/* Of other seeds' pipelines. */
static int forget_jobs(struct err *err) {
    if (db_begin(shared.db, err) < 0) {
        return -1;
    }
    if (db_run(shared.db, err, "DELETE FROM job", "") < 0) {
        db_rollback(shared.db);
        return -1;
    }
    return db_commit(shared.db, err);
}

static void fill(void *ud, void *p, size_t n) {
    uint64_t *state = ud;
    for (size_t i = 0; i < n; i++) {
        ((unsigned char *)p)[i] = (unsigned char)sim_next(state);
    }
}

static bool chance(struct store_layer *l, uint64_t percent) {
    return sim_next(&l->random) % 100 < percent;
}

static void *open_layer(struct sim_world *w) {
    struct err err = ERR_INIT;
    struct store_layer *l = mem_alloc(sizeof(*l));
    shared.runs++;
    if (fresh_store(&err) < 0 || forget_jobs(&err) < 0) {
        fprintf(stderr, "sim: %s\n", err.msg);
        exit(2);
    }
    l->w = w;
    l->random = w->hash;
    l->time.now_ms = 1795485120000;
    l->clock = clock_fake(&l->time);
    l->rng = (struct rng){fill, &shared.ids};
    l->db = shared.db;
    l->flow = (struct flow){.db = l->db, .clock = &l->clock, .rng = &l->rng};
    l->name = str_printf(&w->arena, "p%llu", (unsigned long long)shared.runs).p;
    return l;
}

/* ---- death and time ---- */

/* The server dies and starts again: what it held in memory is gone, the rows are there. */
static bool restart(struct store_layer *l) {
    struct err err = ERR_INIT;
    close_store();
    if (open_store(&err) < 0) {
        return sim_wrong(l->w, "restart: %s", err.msg);
    }
    l->db = l->flow.db = shared.db;
    l->crashes++;
    return true;
}

static void pass_time(struct store_layer *l) {
    static const int64_t jumps[] = {-3600000, 86400000, -86400000, 315360000000, 0};
    l->time.now_ms += (int64_t)(sim_next(&l->random) % 5000);
    if (chance(l, 3)) {
        l->time.now_ms += jumps[sim_next(&l->random) % 5];
    }
    if (l->time.now_ms < 1000000000000) {
        l->time.now_ms = 1000000000000;
    }
}

/* ---- doors ---- */

static int define(struct store_layer *l, const struct engine_event *event, struct err *err) {
    struct pipeline_row row = {
        .id = l->pipeline,
        .account = S("111111111111"),
        .region = S("eu-west-2"),
        .name = str_c(l->name),
        .version = event->plan.version,
        .definition = S("{}"),
    };
    int defined = execution_define(&l->flow, &l->w->arena, &row, &event->plan, err);
    l->pipeline = defined < 0 ? l->pipeline : row.id;
    return defined;
}

static int start(struct store_layer *l, enum engine_refusal *why, struct err *err) {
    struct str id = STR_NONE;
    struct execution_start how = {.trigger_type = S("StartPipelineExecution"),
                                  .request_token = rng_hex(&l->rng, &l->w->arena, 16)};
    if (execution_start(&l->flow, &l->w->arena, l->pipeline, &how, &id, why, err) < 0) {
        return -1;
    }
    struct str again = STR_NONE; /* the client that got no answer asks once more */
    int found =
        record_execution_by_token(l->db, &l->w->arena, l->pipeline, how.request_token, &again, err);
    return found == 1 && str_eq(again, id) ? 0
                                           : err_set(err, ERR_INTERNAL, "the token is forgotten");
}

static int roll_back(struct store_layer *l, const struct engine_event *event,
                     enum engine_refusal *why, struct err *err) {
    struct pipeline_row row;
    struct execution_row target;
    struct str id = STR_NONE;
    struct arena *a = &l->w->arena;
    if (record_pipeline_by_id(l->db, a, l->pipeline, &row, err) <= 0 ||
        record_execution_get(l->db, a, event->execution, &target, err) <= 0) {
        return err->msg[0] != '\0' ? -1 : err_set(err, ERR_INTERNAL, "no rows");
    }
    return execution_rollback(&l->flow, a, &row, event->stage, &target,
                              S("arn:aws:iam::111111111111:root"), &id, why, err);
}

/* As the front does: the answer, and by whom. */
static int answer(struct store_layer *l, struct engine_event *event, enum engine_refusal *why,
                  struct err *err) {
    struct action_row detail = {.updated_by = S("arn:aws:iam::111111111111:user/somebody")};
    for (int i = 0; i < l->w->runs.n; i++) {
        if (l->w->runs.v[i].approval && str_is(event->token, l->w->runs.v[i].token)) {
            detail.id = str_c(l->w->runs.v[i].id);
        }
    }
    if (execution_apply(&l->flow, &l->w->arena, l->pipeline, event, why, err) < 0) {
        return -1;
    }
    return record_action_detail(l->db, &detail, l->time.now_ms, err);
}

static int through_door(struct store_layer *l, struct engine_event *event, enum engine_refusal *why,
                        struct err *err) {
    struct action_end action = {
        .ok = event->ok,
        .summary = str_printf(&l->w->arena, "end %llu", (unsigned long long)l->w->events)};
    struct check_end check = {.ok = event->ok, .errored = event->errored};
    switch (event->kind) {
    case EVENT_DEFINE:
        return define(l, event, err);
    case EVENT_START:
        return start(l, why, err);
    case EVENT_ACTION:
        return execution_action_end(&l->flow, &l->w->arena, event->action_id, &action, err);
    case EVENT_CHECK:
        return execution_check_end(&l->flow, &l->w->arena, l->pipeline, event->execution,
                                   event->action_id, &check, err);
    case EVENT_ROLLBACK:
        return roll_back(l, event, why, err);
    case EVENT_APPROVAL:
        return answer(l, event, why, err);
    default:
        return execution_apply(&l->flow, &l->w->arena, l->pipeline, event, why, err);
    }
}

/* One transaction; `lost`: the server dies before the commit. */
static bool transact(struct store_layer *l, struct engine_event *event, bool lost,
                     enum engine_refusal *why) {
    struct err err = ERR_INIT;
    int64_t pipeline = l->pipeline;
    *why = REFUSED_NOTHING;
    if (db_begin(l->db, &err) < 0) {
        return sim_wrong(l->w, "begin: %s", err.msg);
    }
    int done = through_door(l, event, why, &err);
    if (done == 0 && store_audit_tell(l, event, &err) < 0) {
        return sim_wrong(l->w, "audit: %s", err.msg);
    }
    l->calls += done == 0 && !lost;
    if (done < 0 || lost) {
        db_rollback(l->db);
        l->pipeline = pipeline;
        return done == 0 || *why != REFUSED_NOTHING || sim_wrong(l->w, "door: %s", err.msg);
    }
    return db_commit(l->db, &err) == 0 || sim_wrong(l->w, "commit: %s", err.msg);
}

static bool take(void *ud, struct sim_world *w, struct engine_event *event,
                 const struct model_event *model_event, enum engine_refusal *ret_refusal) {
    struct store_layer *l = ud;
    (void)model_event;
    pass_time(l);
    struct arena_mark mark = arena_mark(&w->arena);
    bool well = true;
    if (chance(l, 10)) { /* the first try is lost, and whoever asked asks again */
        well = transact(l, event, true, ret_refusal) && (!chance(l, 30) || restart(l));
    }
    well = well && transact(l, event, false, ret_refusal);
    arena_reset(&w->arena, mark);
    if (well && chance(l, 4)) { /* it dies after the commit, before the answer */
        well = restart(l);
    }
    if (!well || l->pipeline == 0) {
        return well;
    }
    return store_run_jobs(l) && store_see(l) && store_owes_nothing(l);
}

/* The invariants, as they can be seen in the rows alone. */
static bool verify(struct store_layer *l, struct sim_world *w) {
    struct err err = ERR_INIT;
    struct verified all = {0};
    struct audit_evidence evidence;
    if (l->pipeline == 0 || audit_evidence_read(shared.folder, &evidence, &err) < 0 ||
        db_begin(l->db, &err) < 0) {
        return l->pipeline == 0 || sim_wrong(w, "store: %s", err.msg);
    }
    int looked = verify_store(l->db, &w->arena, l->pipeline, STR_NONE, &all, &err) < 0
                     ? -1
                     : store_audit_verify(l, &evidence, &all, &err);
    db_glance(l->db);
    return looked < 0 ? sim_wrong(w, "verify: %s", err.msg)
           : all.findings.n == 0
               ? true
               : sim_wrong(w, "I%d: execution " STR_FMT ": " STR_FMT, all.findings.v[0].invariant,
                           STR_ARG(all.findings.v[0].execution), STR_ARG(all.findings.v[0].text));
}

static bool close_layer(void *ud, struct sim_world *w) {
    struct store_layer *l = ud;
    bool well = w->wrong[0] != '\0' || verify(l, w);
    free(l);
    return well;
}

const struct sim_layer sim_store = {"store", open_layer, take, close_layer};
