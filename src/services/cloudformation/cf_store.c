/* Rows of stacks, resources and what an update leaves on its way. Change sets, events and exports
 * are in cf_store_more.c. */
#include "services/cloudformation/cf_store.h"

#include "services/core/seal.h"

extern const char cloudformation_schema_sql[];
const struct db_schema cloudformation_schema = {"cloudformation", cloudformation_schema_sql};

void cf_stack_done(struct cf_stack *s) {
    json_decref(s->body);
    json_decref(s->operation);
    s->body = s->operation = NULL;
}

void cf_resource_done(struct cf_resource *r) {
    json_decref(r->body);
    r->body = NULL;
}

void cf_resource_list_done(struct cf_resource_list *l) {
    for (size_t i = 0; i < l->n; i++) {
        cf_resource_done(&l->v[i]);
    }
    l->n = 0;
}

/* Absent for NULL. */
struct str cf_close_tree(struct arena *a, const struct rng *rng, struct str stack,
                         const json_t *tree) {
    struct str context = str_printf(a, "cloudformation/%.*s", STR_ARG(stack));
    return tree == NULL ? STR_NONE : seal_make(a, rng, context, json_dump_str(a, tree));
}

int cf_open_tree(struct arena *a, struct str stack, struct str sealed, json_t **ret,
                 struct err *err) {
    struct str text;
    *ret = NULL;
    if (sealed.p == NULL) {
        return 0;
    }
    struct str context = str_printf(a, "cloudformation/%.*s", STR_ARG(stack));
    if (seal_open(a, context, sealed, &text, err) < 0) {
        return err_wrap(err, "stack " STR_FMT, STR_ARG(stack));
    }
    *ret = json_parse(text, err);
    return *ret != NULL ? 0 : -1;
}

static int read_stack(struct db_rows *rows, struct arena *a, struct cf_stack *ret,
                      struct err *err) {
    int more = db_next(rows, err);
    if (more != 1) {
        return more;
    }
    *ret = (struct cf_stack){
        .id = db_str(rows, a, 0),
        .account = db_str(rows, a, 1),
        .region = db_str(rows, a, 2),
        .name = db_str(rows, a, 3),
        .status = db_str(rows, a, 4),
        .reason = db_str(rows, a, 5),
        .created_ms = db_i64(rows, 6),
        .updated_ms = db_i64(rows, 7),
        .deleted_ms = db_i64(rows, 8),
        .change_set = db_str(rows, a, 9),
        .template = db_str(rows, a, 10),
    };
    if (cf_open_tree(a, ret->id, db_str(rows, a, 11), &ret->body, err) < 0 ||
        cf_open_tree(a, ret->id, db_str(rows, a, 12), &ret->operation, err) < 0) {
        cf_stack_done(ret);
        return -1;
    }
    return 1;
}

int cf_stack_find(struct db *db, struct arena *a, struct str account, struct str region,
                  struct str name_or_id, struct cf_stack *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
#define STACK                                                                                      \
    "SELECT id, account, region, name, status, reason, created_ms, updated_ms, deleted_ms, "       \
    "change_set, template, body, operation FROM cf_stack "
    int bad = str_starts(name_or_id, S("arn:"))
                  ? db_query(db, &rows, err, STACK "WHERE id = ? AND account = ? AND region = ?",
                             "sss", name_or_id, account, region)
                  : db_query(db, &rows, err,
                             STACK "WHERE account = ? AND region = ? AND name = ? AND "
                                   "deleted_ms = 0",
                             "sss", account, region, name_or_id);
    *ret = (struct cf_stack){0};
    return bad < 0 ? -1 : read_stack(&rows, a, ret, err);
}

int cf_stack_put(struct db *db, const struct rng *rng, const struct cf_stack *s, struct err *err) {
    struct arena a = ARENA_INIT;
    int result = db_run(
        db, err,
        "INSERT INTO cf_stack(id, account, region, name, status, reason, created_ms, updated_ms, "
        "deleted_ms, change_set, template, body, operation) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET "
        "status = excluded.status, reason = excluded.reason, updated_ms = excluded.updated_ms, "
        "deleted_ms = excluded.deleted_ms, change_set = excluded.change_set, "
        "template = excluded.template, body = excluded.body, operation = excluded.operation",
        "ssssssiiissbb", s->id, s->account, s->region, s->name, s->status, s->reason, s->created_ms,
        s->updated_ms, s->deleted_ms, s->change_set, s->template,
        cf_close_tree(&a, rng, s->id, s->body), cf_close_tree(&a, rng, s->id, s->operation));
    arena_done(&a);
    return result;
}

int cf_stack_remove(struct db *db, struct str id, struct err *err) {
    static const char *const sql[] = {
        "DELETE FROM cf_change_set WHERE stack = ?", "DELETE FROM cf_event WHERE stack = ?",
        "DELETE FROM cf_resource WHERE stack = ?",   "DELETE FROM cf_undo WHERE stack = ?",
        "DELETE FROM cf_leftover WHERE stack = ?",   "DELETE FROM cf_export WHERE stack = ?",
        "DELETE FROM cf_import WHERE stack = ?",     "DELETE FROM cf_stack WHERE id = ?",
    };
    for (size_t i = 0; i < sizeof(sql) / sizeof(sql[0]); i++) {
        if (db_run(db, err, sql[i], "s", id) < 0) {
            return -1;
        }
    }
    return 0;
}

int cf_stack_ids(struct db *db, struct arena *a, struct str account, struct str region,
                 bool deleted, struct str after, int64_t limit, struct str_list *ret,
                 struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT id FROM cf_stack WHERE account = ?1 AND region = ?2 AND "
                 "(deleted_ms = 0 OR ?3) AND (?4 IS NULL OR (created_ms, id) < "
                 "(SELECT created_ms, id FROM cf_stack WHERE id = ?4)) "
                 "ORDER BY created_ms DESC, id DESC LIMIT ?5",
                 "ssisi", account, region, (int64_t)deleted, after, limit) < 0) {
        return -1;
    }
    *ret = (struct str_list){0};
    int more;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = db_str(&rows, a, 0);
    }
    return more;
}

#define RESOURCE                                                                                   \
    "SELECT stack, logical_id, seq, type, physical_id, status, reason, at_ms, operation, body "    \
    "FROM cf_resource "

static int read_resource(struct db_rows *rows, struct arena *a, struct cf_resource *ret,
                         struct err *err) {
    int more = db_next(rows, err);
    if (more != 1) {
        return more;
    }
    *ret = (struct cf_resource){
        .stack = db_str(rows, a, 0),
        .logical_id = db_str(rows, a, 1),
        .seq = db_i64(rows, 2),
        .type = db_str(rows, a, 3),
        .physical_id = db_str(rows, a, 4),
        .status = db_str(rows, a, 5),
        .reason = db_str(rows, a, 6),
        .at_ms = db_i64(rows, 7),
        .operation = db_str(rows, a, 8),
    };
    return cf_open_tree(a, ret->stack, db_str(rows, a, 9), &ret->body, err) < 0 ? -1 : 1;
}

int cf_resource_find(struct db *db, struct arena *a, struct str stack, struct str logical_id,
                     struct cf_resource *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    *ret = (struct cf_resource){0};
    if (db_query(db, &rows, err, RESOURCE "WHERE stack = ? AND logical_id = ?", "ss", stack,
                 logical_id) < 0) {
        return -1;
    }
    return read_resource(&rows, a, ret, err);
}

int cf_resource_put(struct db *db, const struct rng *rng, struct cf_resource *r, struct err *err) {
    struct arena a = ARENA_INIT;
    if (r->seq == 0 && db_get_i64(db, &r->seq, err,
                                  "SELECT coalesce(max(seq), 0) + 1 FROM cf_resource "
                                  "WHERE stack = ?",
                                  "s", r->stack) < 0) {
        return -1;
    }
    int result = db_run(
        db, err,
        "INSERT INTO cf_resource(stack, logical_id, seq, type, physical_id, status, reason, at_ms, "
        "operation, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT(stack, logical_id) DO UPDATE SET seq = excluded.seq, type = excluded.type, "
        "physical_id = excluded.physical_id, status = excluded.status, reason = excluded.reason, "
        "at_ms = excluded.at_ms, operation = excluded.operation, body = excluded.body",
        "ssissssisb", r->stack, r->logical_id, r->seq, r->type, r->physical_id, r->status,
        r->reason, r->at_ms, r->operation, cf_close_tree(&a, rng, r->stack, r->body));
    arena_done(&a);
    return result;
}

int cf_resource_remove(struct db *db, struct str stack, struct str logical_id, struct err *err) {
    return db_run(db, err, "DELETE FROM cf_resource WHERE stack = ? AND logical_id = ?", "ss",
                  stack, logical_id);
}

int cf_resource_all(struct db *db, struct arena *a, struct str stack, struct cf_resource_list *ret,
                    struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    struct cf_resource row;
    int more;
    *ret = (struct cf_resource_list){0};
    if (db_query(db, &rows, err, RESOURCE "WHERE stack = ? ORDER BY seq", "s", stack) < 0) {
        return -1;
    }
    while ((more = read_resource(&rows, a, &row, err)) > 0) {
        *arena_push(a, ret) = row;
    }
    if (more < 0) {
        cf_resource_list_done(ret);
    }
    return more;
}

int cf_resource_owner(struct db *db, struct arena *a, struct str account, struct str region,
                      struct str physical_id, struct str *ret_stack, struct err *err) {
    *ret_stack = STR_NONE;
    return db_get_str(db, a, ret_stack, err,
                      "SELECT s.id FROM cf_resource r JOIN cf_stack s ON s.id = r.stack "
                      "WHERE s.account = ? AND s.region = ? AND r.physical_id = ? AND "
                      "s.deleted_ms = 0 LIMIT 1",
                      "sss", account, region, physical_id) < 0
               ? -1
               : 0;
}

int cf_undo_push(struct db *db, const struct rng *rng, struct str stack, const struct cf_undo *u,
                 struct err *err) {
    struct arena a = ARENA_INIT;
    int result = db_run(db, err,
                        "INSERT INTO cf_undo(stack, logical_id, kind, physical_id, body) "
                        "VALUES (?, ?, ?, ?, ?)",
                        "ssssb", stack, u->logical_id, u->kind, u->physical_id,
                        cf_close_tree(&a, rng, stack, u->body));
    arena_done(&a);
    return result;
}

int cf_undo_top(struct db *db, struct arena *a, struct str stack, struct cf_undo *ret,
                struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    *ret = (struct cf_undo){0};
    if (db_query(db, &rows, err,
                 "SELECT seq, logical_id, kind, physical_id, body FROM cf_undo WHERE stack = ? "
                 "ORDER BY seq DESC LIMIT 1",
                 "s", stack) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found != 1) {
        return found;
    }
    *ret = (struct cf_undo){.seq = db_i64(&rows, 0),
                            .logical_id = db_str(&rows, a, 1),
                            .kind = db_str(&rows, a, 2),
                            .physical_id = db_str(&rows, a, 3)};
    return cf_open_tree(a, stack, db_str(&rows, a, 4), &ret->body, err) < 0 ? -1 : 1;
}

int cf_undo_drop(struct db *db, int64_t seq, struct err *err) {
    return db_run(db, err, "DELETE FROM cf_undo WHERE seq = ?", "i", seq);
}

int cf_undo_clear(struct db *db, struct str stack, struct err *err) {
    return db_run(db, err, "DELETE FROM cf_undo WHERE stack = ?", "s", stack);
}

int cf_leftover_push(struct db *db, const struct rng *rng, const struct cf_resource *r,
                     struct err *err) {
    struct arena a = ARENA_INIT;
    int result = db_run(db, err,
                        "INSERT INTO cf_leftover(stack, logical_id, type, physical_id, body) "
                        "VALUES (?, ?, ?, ?, ?)",
                        "ssssb", r->stack, r->logical_id, r->type, r->physical_id,
                        cf_close_tree(&a, rng, r->stack, r->body));
    arena_done(&a);
    return result;
}

int cf_leftover_top(struct db *db, struct arena *a, struct str stack, struct cf_resource *ret,
                    struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    *ret = (struct cf_resource){0};
    if (db_query(db, &rows, err,
                 "SELECT seq, logical_id, type, physical_id, body FROM cf_leftover "
                 "WHERE stack = ? ORDER BY seq DESC LIMIT 1",
                 "s", stack) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found != 1) {
        return found;
    }
    *ret = (struct cf_resource){.stack = stack,
                                .seq = db_i64(&rows, 0),
                                .logical_id = db_str(&rows, a, 1),
                                .type = db_str(&rows, a, 2),
                                .physical_id = db_str(&rows, a, 3)};
    return cf_open_tree(a, stack, db_str(&rows, a, 4), &ret->body, err) < 0 ? -1 : 1;
}

int cf_leftover_drop(struct db *db, int64_t seq, struct err *err) {
    return db_run(db, err, "DELETE FROM cf_leftover WHERE seq = ?", "i", seq);
}
