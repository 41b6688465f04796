/* Rows of events, change sets, exports and imports. */
#include "services/cloudformation/cf_store.h"

int cf_event_add(struct db *db, const struct cf_event *e, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO cf_event(id, stack, logical_id, physical_id, type, status, reason, "
                  "token, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "ssssssssi", e->id, e->stack, e->logical_id, e->physical_id, e->type, e->status,
                  e->reason, e->token, e->at_ms);
}

int cf_event_list(struct db *db, struct arena *a, struct str stack, int64_t before, int64_t limit,
                  struct cf_event_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more;
    *ret = (struct cf_event_list){0};
    if (db_query(db, &rows, err,
                 "SELECT seq, at_ms, id, stack, logical_id, physical_id, type, status, reason, "
                 "token FROM cf_event WHERE stack = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
                 "sii", stack, before == 0 ? INT64_MAX : before, limit) < 0) {
        return -1;
    }
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct cf_event){
            db_i64(&rows, 0),    db_i64(&rows, 1),    db_str(&rows, a, 2), db_str(&rows, a, 3),
            db_str(&rows, a, 4), db_str(&rows, a, 5), db_str(&rows, a, 6), db_str(&rows, a, 7),
            db_str(&rows, a, 8), db_str(&rows, a, 9)};
    }
    return more;
}

void cf_change_set_done(struct cf_change_set *c) {
    json_decref(c->body);
    c->body = NULL;
}

int cf_change_set_find(struct db *db, struct arena *a, struct str stack, struct str name_or_id,
                       struct cf_change_set *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    *ret = (struct cf_change_set){0};
#define CHANGE_SET                                                                                 \
    "SELECT id, stack, name, status, execution_status, reason, template, created_ms, body "        \
    "FROM cf_change_set "
    int bad = str_starts(name_or_id, S("arn:"))
                  ? db_query(db, &rows, err, CHANGE_SET "WHERE id = ?", "s", name_or_id)
                  : db_query(db, &rows, err, CHANGE_SET "WHERE stack = ? AND name = ?", "ss", stack,
                             name_or_id);
    int found = bad < 0 ? -1 : db_next(&rows, err);
    if (found != 1) {
        return found;
    }
    *ret = (struct cf_change_set){
        .id = db_str(&rows, a, 0),
        .stack = db_str(&rows, a, 1),
        .name = db_str(&rows, a, 2),
        .status = db_str(&rows, a, 3),
        .execution_status = db_str(&rows, a, 4),
        .reason = db_str(&rows, a, 5),
        .template = db_str(&rows, a, 6),
        .created_ms = db_i64(&rows, 7),
    };
    return cf_open_tree(a, ret->stack, db_str(&rows, a, 8), &ret->body, err) < 0 ? -1 : 1;
}

int cf_change_set_stack(struct db *db, struct arena *a, struct str id, struct str *ret,
                        struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int found =
        db_query(db, &rows, err, "SELECT stack FROM cf_change_set WHERE id = ?", "s", id) < 0
            ? -1
            : db_next(&rows, err);
    *ret = found > 0 ? db_str(&rows, a, 0) : STR_NONE;
    return found;
}

int cf_change_set_put(struct db *db, const struct rng *rng, const struct cf_change_set *c,
                      struct err *err) {
    struct arena a = ARENA_INIT;
    int result =
        db_run(db, err,
               "INSERT INTO cf_change_set(id, stack, name, created_ms, status, "
               "execution_status, reason, template, body) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET "
               "status = excluded.status, execution_status = excluded.execution_status, "
               "reason = excluded.reason",
               "sssissssb", c->id, c->stack, c->name, c->created_ms, c->status, c->execution_status,
               c->reason, c->template, cf_close_tree(&a, rng, c->stack, c->body));
    arena_done(&a);
    return result;
}

int cf_change_set_remove(struct db *db, struct str id, struct err *err) {
    return db_run(db, err, "DELETE FROM cf_change_set WHERE id = ?", "s", id);
}

int cf_change_set_ids(struct db *db, struct arena *a, struct str stack, struct str_list *ret,
                      struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more;
    *ret = (struct str_list){0};
    if (db_query(db, &rows, err,
                 "SELECT id FROM cf_change_set WHERE stack = ? ORDER BY created_ms, id", "s",
                 stack) < 0) {
        return -1;
    }
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = db_str(&rows, a, 0);
    }
    return more;
}

int cf_export_find(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str name, struct cf_export *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT name, stack, value FROM cf_export WHERE account = ? AND region = ? AND "
                 "name = ?",
                 "sss", account, region, name) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        *ret = (struct cf_export){db_str(&rows, a, 0), db_str(&rows, a, 1), db_str(&rows, a, 2)};
    }
    return found;
}

int cf_export_list(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str after, int64_t limit, struct cf_export_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more;
    *ret = (struct cf_export_list){0};
    if (db_query(db, &rows, err,
                 "SELECT name, stack, value FROM cf_export WHERE account = ? AND region = ? AND "
                 "name > ? ORDER BY name LIMIT ?",
                 "sssi", account, region, after.p != NULL ? after : S(""), limit) < 0) {
        return -1;
    }
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) =
            (struct cf_export){db_str(&rows, a, 0), db_str(&rows, a, 1), db_str(&rows, a, 2)};
    }
    return more;
}

int cf_export_replace(struct db *db, const struct cf_stack *s, const struct cf_export_list *list,
                      struct err *err) {
    if (db_run(db, err, "DELETE FROM cf_export WHERE stack = ?", "s", s->id) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list->n; i++) {
        if (db_run(db, err,
                   "INSERT INTO cf_export(account, region, name, stack, value) "
                   "VALUES (?, ?, ?, ?, ?)",
                   "sssss", s->account, s->region, list->v[i].name, s->id, list->v[i].value) < 0) {
            return err->kind == ERR_EXISTS
                       ? err_set(err, ERR_EXISTS,
                                 "Export with name " STR_FMT " is already exported by another "
                                 "stack.",
                                 STR_ARG(list->v[i].name))
                       : -1;
        }
    }
    return 0;
}

int cf_import_user(struct db *db, struct arena *a, const struct cf_stack *s, struct str name,
                   struct str *ret_stack, struct err *err) {
    *ret_stack = STR_NONE;
    return db_get_str(db, a, ret_stack, err,
                      "SELECT stack FROM cf_import WHERE account = ? AND region = ? AND name = ? "
                      "AND stack <> ? LIMIT 1",
                      "ssss", s->account, s->region, name, s->id) < 0
               ? -1
               : 0;
}

int cf_import_replace(struct db *db, const struct cf_stack *s, const struct str_list *names,
                      struct err *err) {
    if (db_run(db, err, "DELETE FROM cf_import WHERE stack = ?", "s", s->id) < 0) {
        return -1;
    }
    for (size_t i = 0; i < names->n; i++) {
        if (db_run(db, err,
                   "INSERT OR IGNORE INTO cf_import(account, region, name, stack) "
                   "VALUES (?, ?, ?, ?)",
                   "ssss", s->account, s->region, names->v[i], s->id) < 0) {
            return -1;
        }
    }
    return 0;
}
