/* Implementation of verify.h: pipeline after pipeline. */
#include "flow/verify/looking.h"

void finding(struct looking *l, int invariant, struct str execution, const char *fmt, ...) {
    bool others = l->only.p != NULL && execution.p != NULL && !str_eq(l->only, execution);
    if (others || l->found->findings.n >= VERIFY_MAX_FINDINGS) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    *arena_push(l->arena, &l->found->findings) = (struct finding){
        .invariant = invariant,
        .pipeline = str_dup(l->arena, l->name),
        .execution = str_dup(l->arena, execution),
        .text = arena_vprintf(l->arena, fmt, args),
    };
    va_end(args);
}

int find_rows(struct looking *l, int invariant, const char *what, const char *sql) {
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(l->db, &rows, l->err, sql, "i", l->pipeline);
    while (more >= 0 && (more = db_next(&rows, l->err)) > 0) {
        struct str one = db_str(&rows, &l->work, 1);
        struct str two = db_str(&rows, &l->work, 2);
        finding(l, invariant, db_str(&rows, &l->work, 0), "%s: " STR_FMT " " STR_FMT, what,
                STR_ARG(one), STR_ARG(two));
    }
    return more;
}

static int count_rows(struct looking *l, const char *sql, int64_t *sum) {
    int64_t n = 0;
    int got = db_get_i64(l->db, &n, l->err, sql, "i", l->pipeline);
    *sum += n;
    return got;
}

static int look_at(struct looking *l) {
    struct verified *f = l->found;
    f->pipelines++;
    if (count_rows(l, "SELECT count(*) FROM pipeline_executions WHERE pipeline = ?",
                   &f->executions) < 0 ||
        count_rows(l, "SELECT count(*) FROM pipeline_events WHERE pipeline = ?", &f->events) < 0 ||
        count_rows(l, "SELECT count(*) FROM action_executions WHERE pipeline = ?", &f->attempts) <
            0 ||
        count_rows(l, "SELECT count(*) FROM pipeline_notices WHERE pipeline = ?", &f->told) < 0) {
        return -1;
    }
    return look_at_attempts(l) < 0 || look_at_told(l) < 0 || look_at_answers(l) < 0
               ? -1
               : look_at_fold(l);
}

struct pipeline_name {
    int64_t id;
    struct str name;
};

struct pipeline_name_list {
    struct pipeline_name *v;
    size_t n;
};

static int list_pipelines(struct db *db, struct arena *a, int64_t pipeline, struct str execution,
                          struct pipeline_name_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more =
        db_query(db, &rows, err,
                 "SELECT id, name FROM pipelines WHERE (?1 = 0 OR id = ?1) AND (?2 IS NULL OR "
                 "id = (SELECT pipeline FROM pipeline_executions WHERE id = ?2)) ORDER BY id",
                 "is", pipeline, execution);
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) =
            (struct pipeline_name){.id = db_i64(&rows, 0), .name = db_str(&rows, a, 1)};
    }
    return more;
}

int verify_store(struct db *db, struct arena *a, int64_t pipeline, struct str execution,
                 struct verified *ret, struct err *err) {
    struct pipeline_name_list all = {0};
    *ret = (struct verified){0};
    if (list_pipelines(db, a, pipeline, execution, &all, err) < 0) {
        return -1;
    }
    if (all.n == 0 && execution.p != NULL) {
        return err_set(err, ERR_NOT_FOUND, "there is no execution '" STR_FMT "'",
                       STR_ARG(execution));
    }
    for (size_t i = 0; i < all.n; i++) {
        struct looking l = {.db = db,
                            .arena = a,
                            .pipeline = all.v[i].id,
                            .name = all.v[i].name,
                            .only = execution,
                            .found = ret,
                            .err = err};
        int looked = look_at(&l);
        arena_done(&l.work);
        if (looked < 0) {
            return -1;
        }
    }
    return 0;
}
