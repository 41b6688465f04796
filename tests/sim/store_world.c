/* The outside of the store layer: jobs, and what they ask of fake builds and checks; store.h. */
#include "store.h"

#include <stdio.h>

bool store_begun(const struct store_layer *l, char kind, struct str key) {
    for (int i = l->effects_n - 1; i >= 0; i--) {
        if (l->effects[i].kind == kind && str_is(key, l->effects[i].key)) {
            return true;
        }
    }
    return false;
}

/* Twice is as once: the build's folder is there already. */
static bool begin(struct store_layer *l, char kind, struct str key) {
    if (store_begun(l, kind, key)) {
        return true;
    }
    if (l->effects_n == STORE_JOBS || key.n >= sizeof(l->effects[0].key)) {
        return sim_wrong(l->w, "too many effects");
    }
    struct store_effect *e = &l->effects[l->effects_n++];
    *e = (struct store_effect){.kind = kind};
    memcpy(e->key, key.p, key.n);
    return true;
}

struct waiting_job {
    int64_t id;
    char kind;
    char key[40];
};

/* Jobs of this layer in the store; also notes, with 'K', that a kill was asked for at all. */
static int list_jobs(struct store_layer *l, struct waiting_job *jobs, int max, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int n = 0;
    int more = db_query(l->db, &rows, err,
                        "SELECT id, kind, key FROM job WHERE kind IN ('flow.action', 'flow.kill', "
                        "'flow.check') ORDER BY id",
                        "");
    while (more >= 0 && n < max && (more = db_next(&rows, err)) > 0) {
        struct str kind = db_str(&rows, &l->w->arena, 1);
        struct str key = db_str(&rows, &l->w->arena, 2);
        struct waiting_job *j = &jobs[n++];
        *j = (struct waiting_job){.id = db_i64(&rows, 0)};
        j->kind = str_is(kind, JOB_ACTION) ? 'a' : str_is(kind, JOB_KILL) ? 'k' : 'c';
        snprintf(j->key, sizeof(j->key), STR_FMT, STR_ARG(key));
        if (j->kind == 'k') {
            (void)begin(l, 'K', key);
        }
    }
    return more < 0 ? -1 : n;
}

static int delete_job(struct store_layer *l, int64_t id, struct err *err) {
    if (db_begin(l->db, err) < 0) {
        return -1;
    }
    if (db_run(l->db, err, "DELETE FROM job WHERE id = ?", "i", id) < 0) {
        db_rollback(l->db);
        return -1;
    }
    return db_commit(l->db, err);
}

static int64_t job_count(struct store_layer *l, const char *kind, const char *key) {
    struct err err = ERR_INIT;
    int64_t n = -1;
    int got = db_get_i64(l->db, &n, &err, "SELECT count(*) FROM job WHERE kind = ? AND key = ?",
                         "zz", kind, key);
    return got > 0 ? n : -1;
}

static bool is_to_die(struct store_layer *l, const char *id) {
    return job_count(l, JOB_KILL, id) > 0 || store_begun(l, 'k', str_c(id));
}

static int read_jobs(struct store_layer *l, struct waiting_job *jobs, int max, struct err *err) {
    if (db_begin(l->db, err) < 0) {
        return -1;
    }
    int n = list_jobs(l, jobs, max, err);
    for (int i = 0; i < n; i++) {
        if (jobs[i].kind == 'a' && is_to_die(l, jobs[i].key)) {
            n = err_set(err, ERR_INTERNAL, "%s is to die, and is to begin", jobs[i].key);
        }
    }
    db_glance(l->db);
    return n;
}

/* Each job: mostly done, sometimes left for later, sometimes done by a server that dies before it
 * could say so, so that it runs again. */
bool store_run_jobs(struct store_layer *l) {
    struct waiting_job jobs[64];
    struct err err = ERR_INIT;
    int n = read_jobs(l, jobs, 64, &err);
    for (int i = 0; i < n; i++) {
        uint64_t luck = sim_next(&l->random) % 8;
        if (luck == 0) {
            continue;
        }
        if (!begin(l, jobs[i].kind, str_c(jobs[i].key))) {
            return false;
        }
        if (luck > 1 && delete_job(l, jobs[i].id, &err) < 0) {
            return sim_wrong(l->w, "job: %s", err.msg);
        }
    }
    return n >= 0 || sim_wrong(l->w, "jobs: %s", err.msg);
}

/* ---- owing ---- */

static bool owes(struct store_layer *l, const struct tickets *t, char kind, const char *job) {
    for (int i = 0; i < t->n; i++) {
        const struct ticket *k = &t->v[i];
        const struct sim_execution *x = &l->w->seen.e[k->e];
        bool runs = kind == 'a' ? x->run[k->stage][k->action] == RUN_IN_PROGRESS &&
                                      x->starts[k->stage][k->action] == k->nth
                                : x->check[k->stage][k->action - 1] == CONDITION_IN_PROGRESS &&
                                      x->checks[k->stage][k->action - 1] == k->nth;
        bool begun = store_begun(l, kind, str_c(k->id));
        bool dies = kind == 'a' && runs && is_to_die(l, k->id);
        int64_t jobs = begun && runs ? 1 : job_count(l, job, k->id);
        if (runs && !begun && !dies && jobs != 1) {
            return sim_wrong(l->w, "nobody will begin what is in progress: e%d s%d a%d", k->e,
                             k->stage, k->action);
        }
        if (kind == 'a' && !runs && !k->approval &&
            jobs > 0) { /* an approval's only sets a timer */
            return sim_wrong(l->w, "a job would begin what has ended: e%d s%d a%d", k->e, k->stage,
                             k->action);
        }
    }
    return true;
}

bool store_owes_nothing(struct store_layer *l) {
    struct err err = ERR_INIT;
    if (db_begin(l->db, &err) < 0) {
        return sim_wrong(l->w, "store: %s", err.msg);
    }
    bool well = owes(l, &l->w->runs, 'a', JOB_ACTION) && owes(l, &l->w->checks, 'c', JOB_CHECK);
    db_glance(l->db);
    return well;
}
