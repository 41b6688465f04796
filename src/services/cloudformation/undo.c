/* The way back from a failed operation, the deletion of stacks, and cleaning up after updates. */
#include "services/cloudformation/run.h"

static bool is_live(const struct cf_resource *row) {
    return !str_is(row->status, "DELETE_COMPLETE") && !str_is(row->status, "DELETE_SKIPPED");
}

static bool needs(const struct cf_resource *row, struct str id) {
    const json_t *list = json_object_get(row->body, "needs");
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (str_eq(json_text(json_array_get(list, i)), id)) {
            return true;
        }
    }
    return false;
}

/* Tried in this operation, without success. */
static bool is_stuck(const struct cf_run *r, const struct cf_resource *row) {
    return str_is(row->status, "DELETE_FAILED") && str_eq(row->operation, cf_op(r, "id"));
}

/* The next row to go: the newest that no other live one needs. NULL: none is left, or only such as
 * stuck ones need. `unmarked`: only rows that this operation has not dealt with. */
static struct cf_resource *next_to_go(const struct cf_run *r, struct cf_resource_list *rows,
                                      bool unmarked) {
    for (size_t i = rows->n; i-- > 0;) {
        struct cf_resource *row = &rows->v[i];
        bool done = unmarked ? str_eq(row->operation, cf_op(r, "id")) : is_stuck(r, row);
        bool needed = false;
        if (!is_live(row) || done) {
            continue;
        }
        for (size_t j = 0; j < rows->n && !needed; j++) {
            needed = j != i && is_live(&rows->v[j]) && needs(&rows->v[j], row->logical_id) &&
                     !(unmarked && str_eq(rows->v[j].operation, cf_op(r, "id")));
        }
        if (!needed) {
            return row;
        }
    }
    return NULL;
}

static bool is_kept(const struct cf_run *r, const struct cf_resource *row, bool after_create) {
    struct str policy = json_str(row->body, "deletion");
    const json_t *retain = json_object_get(r->stack.operation, "retain");
    for (size_t i = 0; i < json_array_size(retain); i++) {
        if (str_eq(json_text(json_array_get(retain, i)), row->logical_id)) {
            return true;
        }
    }
    return str_is(policy, "Retain") || (str_is(policy, "RetainExceptOnCreate") && !after_create);
}

/* Deletes one row's physical resource, or leaves it as its policy says. */
static enum cf_step remove_row(struct cf_run *r, struct cf_resource *row, bool after_create,
                               struct err *err) {
    bool kept = is_kept(r, row, after_create);
    const char *end = kept ? "DELETE_SKIPPED" : "DELETE_COMPLETE";
    if (!kept) {
        if (row->physical_id.p != NULL && cf_note(r, row->logical_id, row->physical_id, row->type,
                                                  "DELETE_IN_PROGRESS", STR_NONE, err) < 0) {
            return CF_ERROR;
        }
        enum cf_step step = cf_do_remove(r, row, err);
        if (step != CF_MORE) {
            return step;
        }
    }
    if (row->physical_id.p != NULL &&
        cf_note(r, row->logical_id, row->physical_id, row->type, end, STR_NONE, err) < 0) {
        return CF_ERROR;
    }
    row->status = str_c(end);
    row->at_ms = r->now_ms;
    row->operation = cf_op(r, "id");
    return cf_resource_put(r->db, r->env->rng, row, err) < 0 ? CF_ERROR : CF_MORE;
}

/* One leftover: CF_MORE, or CF_SETTLED when there is none. */
static enum cf_step remove_leftover(struct cf_run *r, struct err *err) {
    struct cf_resource row cleanup_resource = {0};
    int found = cf_leftover_top(r->db, r->arena, r->stack.id, &row, err);
    if (found <= 0) {
        return found < 0 ? CF_ERROR : CF_SETTLED;
    }
    if (cf_note(r, row.logical_id, row.physical_id, row.type, "DELETE_IN_PROGRESS", STR_NONE, err) <
        0) {
        return CF_ERROR;
    }
    enum cf_step step = cf_do_remove(r, &row, err);
    if (step != CF_MORE) {
        return step;
    }
    return cf_note(r, row.logical_id, row.physical_id, row.type, "DELETE_COMPLETE", STR_NONE, err) <
                       0 ||
                   cf_leftover_drop(r->db, row.seq, err) < 0
               ? CF_ERROR
               : CF_MORE;
}

enum cf_step cf_step_cleanup(struct cf_run *r, struct err *err) {
    struct cf_resource_list rows cleanup_resources = {0};
    enum cf_step step = remove_leftover(r, err);
    if (step != CF_SETTLED) {
        return step;
    }
    if (cf_resource_all(r->db, r->arena, r->stack.id, &rows, err) < 0) {
        return CF_ERROR;
    }
    struct cf_resource *row = next_to_go(r, &rows, true);
    if (row != NULL) {
        step = remove_row(r, row, false, err);
        return step == CF_MORE && cf_resource_remove(r->db, r->stack.id, row->logical_id, err) < 0
                   ? CF_ERROR
                   : step;
    }
    if (cf_set_status(r, "UPDATE_COMPLETE", STR_NONE, err) < 0) {
        return CF_ERROR;
    }
    cf_finish(r, false);
    return CF_SETTLED;
}

/* Takes back one thing that the update did. */
static enum cf_step take_back(struct cf_run *r, const struct cf_undo *u, struct cf_resource *row,
                              struct err *err) {
    if (str_is(u->kind, "added")) {
        if (row->physical_id.p != NULL && cf_leftover_push(r->db, r->env->rng, row, err) < 0) {
            return CF_ERROR;
        }
        return cf_resource_remove(r->db, r->stack.id, u->logical_id, err) < 0 ? CF_ERROR : CF_MORE;
    }
    bool replaced = str_is(u->kind, "replaced");
    bool new_one = replaced && !str_eq(row->physical_id, u->physical_id);
    if (new_one && cf_leftover_push(r->db, r->env->rng, row, err) < 0) {
        return CF_ERROR;
    }
    json_t *now cleanup_json = row->body;
    row->body = json_deep_copy(u->body);
    row->physical_id = u->physical_id;
    if (!replaced) {
        if (cf_note(r, row->logical_id, row->physical_id, row->type, "UPDATE_IN_PROGRESS", STR_NONE,
                    err) < 0) {
            return CF_ERROR;
        }
        enum cf_step step = cf_do_update(r, row, json_object_get(now, "properties"), err);
        if (step != CF_MORE) {
            return step;
        }
    }
    row->status = S("UPDATE_COMPLETE");
    row->at_ms = r->now_ms;
    row->operation = cf_op(r, "id");
    return cf_resource_put(r->db, r->env->rng, row, err) < 0 ||
                   cf_note(r, row->logical_id, row->physical_id, row->type, "UPDATE_COMPLETE",
                           STR_NONE, err) < 0
               ? CF_ERROR
               : CF_MORE;
}

static bool is_skipped(const struct cf_run *r, struct str id) {
    const json_t *skip = json_object_get(r->stack.operation, "skip");
    for (size_t i = 0; i < json_array_size(skip); i++) {
        if (str_eq(json_text(json_array_get(skip, i)), id)) {
            return true;
        }
    }
    return false;
}

enum cf_step cf_step_rollback(struct cf_run *r, struct err *err) {
    struct cf_undo u;
    struct cf_resource row cleanup_resource = {0};
    int found = cf_undo_top(r->db, r->arena, r->stack.id, &u, err);
    if (found < 0) {
        return CF_ERROR;
    }
    if (found == 0) {
        cf_op_phase(r, "rollback-cleanup");
        return cf_set_status(r, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", STR_NONE, err) < 0
                   ? CF_ERROR
                   : CF_MORE;
    }
    json_t *body cleanup_json = u.body;
    (void)body; /* here only to be freed */
    found = cf_resource_find(r->db, r->arena, r->stack.id, u.logical_id, &row, err);
    enum cf_step step = found < 0 ? CF_ERROR : CF_MORE;
    if (found > 0 && !is_skipped(r, u.logical_id)) {
        step = take_back(r, &u, &row, err);
    }
    return step == CF_MORE && cf_undo_drop(r->db, u.seq, err) < 0 ? CF_ERROR : step;
}

enum cf_step cf_step_rollback_cleanup(struct cf_run *r, struct err *err) {
    enum cf_step step = remove_leftover(r, err);
    if (step != CF_SETTLED) {
        return step;
    }
    if (cf_set_status(r, "UPDATE_ROLLBACK_COMPLETE", STR_NONE, err) < 0) {
        return CF_ERROR;
    }
    cf_finish(r, false);
    return CF_SETTLED;
}

static struct str names_of(struct cf_run *r, const struct cf_resource_list *rows) {
    struct str names = S("");
    for (size_t i = 0; i < rows->n; i++) {
        if (is_live(&rows->v[i])) {
            names = str_printf(r->arena, "%.*s%s%.*s", STR_ARG(names), names.n > 0 ? ", " : "",
                               STR_ARG(rows->v[i].logical_id));
        }
    }
    return names;
}

/* Takes all rows away; then the stack gets `done`, or `failed` if something would not go. */
static enum cf_step remove_all(struct cf_run *r, bool after_create, const char *done,
                               const char *failed, struct err *err) {
    struct cf_resource_list rows cleanup_resources = {0};
    enum cf_step step = remove_leftover(r, err);
    if (step != CF_SETTLED) {
        return step;
    }
    if (cf_resource_all(r->db, r->arena, r->stack.id, &rows, err) < 0) {
        return CF_ERROR;
    }
    struct cf_resource *row = next_to_go(r, &rows, false);
    if (row != NULL) {
        return remove_row(r, row, after_create, err);
    }
    struct str left = names_of(r, &rows);
    struct str reason = left.n == 0 ? STR_NONE
                                    : str_printf(r->arena,
                                                 "The following resource(s) failed to delete: "
                                                 "[%.*s]. ",
                                                 STR_ARG(left));
    if (cf_set_status(r, left.n == 0 ? done : failed, reason, err) < 0) {
        return CF_ERROR;
    }
    cf_finish(r, after_create);
    return CF_SETTLED;
}

/* onFailure DELETE ends in the stack's deletion. */
enum cf_step cf_step_undo_create(struct cf_run *r, struct err *err) {
    if (str_is(cf_op(r, "onFailure"), "DELETE")) {
        cf_op_phase(r, "delete");
        return cf_set_status(r, "DELETE_IN_PROGRESS", STR_NONE, err) < 0 ? CF_ERROR : CF_MORE;
    }
    return remove_all(r, true, "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", err);
}

static int check_exports(struct cf_run *r, struct str *ret_reason, struct err *err) {
    const json_t *outputs = json_object_get(r->stack.body, "outputs");
    *ret_reason = STR_NONE;
    for (size_t i = 0; i < json_array_size(outputs) && ret_reason->p == NULL; i++) {
        struct str name = json_str(json_array_get(outputs, i), "e");
        struct str user = STR_NONE;
        if (name.n > 0 && cf_import_user(r->db, r->arena, &r->stack, name, &user, err) < 0) {
            return -1;
        }
        if (user.p != NULL) {
            *ret_reason =
                str_printf(r->arena, "Export %.*s cannot be deleted as it is in use by %.*s",
                           STR_ARG(name), STR_ARG(user));
        }
    }
    return 0;
}

enum cf_step cf_step_delete(struct cf_run *r, struct err *err) {
    struct str reason;
    if (check_exports(r, &reason, err) < 0) {
        return CF_ERROR;
    }
    if (reason.p != NULL) {
        if (cf_set_status(r, "DELETE_FAILED", reason, err) < 0) {
            return CF_ERROR;
        }
        cf_finish(r, false);
        return CF_SETTLED;
    }
    enum cf_step step = remove_all(r, false, "DELETE_COMPLETE", "DELETE_FAILED", err);
    if (step == CF_SETTLED && str_is(r->stack.status, "DELETE_COMPLETE")) {
        r->stack.deleted_ms = r->now_ms;
        if (cf_export_replace(r->db, &r->stack, &(struct cf_export_list){0}, err) < 0 ||
            cf_import_replace(r->db, &r->stack, &(struct str_list){0}, err) < 0) {
            return CF_ERROR;
        }
    }
    return step;
}

/* Failures. */

static int note_failed_row(struct cf_run *r, const char *status, struct err *err) {
    struct cf_resource row cleanup_resource = {0};
    if (str_eq(r->failed_id, r->stack.name) &&
        str_is(r->failed_type, "AWS::CloudFormation::Stack")) {
        return 0; /* the stack itself: its status says it */
    }
    int found = cf_resource_find(r->db, r->arena, r->stack.id, r->failed_id, &row, err);
    if (found < 0) {
        return -1;
    }
    bool leftover = found > 0 && !str_eq(row.physical_id, r->failed_physical) &&
                    str_is(str_c(status), "DELETE_FAILED");
    if (found == 0) {
        row = (struct cf_resource){.stack = r->stack.id,
                                   .logical_id = r->failed_id,
                                   .type = r->failed_type,
                                   .body = json_object()};
    }
    row.status = str_c(status);
    row.reason = r->failure;
    row.at_ms = r->now_ms;
    row.operation = str_is(str_c(status), "DELETE_FAILED") ? cf_op(r, "id") : row.operation;
    const char *begun = str_is(str_c(status), "CREATE_FAILED")   ? "CREATE_IN_PROGRESS"
                        : str_is(str_c(status), "UPDATE_FAILED") ? "UPDATE_IN_PROGRESS"
                                                                 : "DELETE_IN_PROGRESS";
    if (cf_note(r, r->failed_id, r->failed_physical, r->failed_type, begun, STR_NONE, err) < 0 ||
        cf_note(r, r->failed_id, r->failed_physical, r->failed_type, status, r->failure, err) < 0) {
        return -1;
    }
    /* An update that failed has left the resource as it was, and its row is right. */
    bool store = !leftover && !str_is(str_c(status), "UPDATE_FAILED");
    return store ? cf_resource_put(r->db, r->env->rng, &row, err) : 0;
}

static struct str reason_of(struct cf_run *r, const char *what) {
    bool self = str_is(r->failed_type, "AWS::CloudFormation::Stack");
    return self ? r->failure
                : str_printf(r->arena, "The following resource(s) failed to %s: [%.*s]. ", what,
                             STR_ARG(r->failed_id));
}

static int after_create(struct cf_run *r, struct err *err) {
    struct str how = cf_op(r, "onFailure");
    struct str reason = reason_of(r, "create");
    if (note_failed_row(r, "CREATE_FAILED", err) < 0) {
        return -1;
    }
    if (str_is(how, "DO_NOTHING")) {
        if (cf_set_status(r, "CREATE_FAILED", reason, err) < 0) {
            return -1;
        }
        cf_finish(r, true);
        return 0;
    }
    cf_op_phase(r, "undo-create");
    reason = str_printf(r->arena, "%.*sRollback requested by user.", STR_ARG(reason));
    return cf_set_status(r, "ROLLBACK_IN_PROGRESS", reason, err);
}

static int after_update(struct cf_run *r, struct err *err) {
    struct str reason = reason_of(r, r->failed_update ? "update" : "create");
    struct cf_undo added = {.logical_id = r->failed_id, .kind = S("added")};
    if (note_failed_row(r, r->failed_update ? "UPDATE_FAILED" : "CREATE_FAILED", err) < 0 ||
        (!r->failed_update && cf_undo_push(r->db, r->env->rng, r->stack.id, &added, err) < 0)) {
        return -1;
    }
    if (str_is(cf_op(r, "onFailure"), "DO_NOTHING")) {
        if (cf_set_status(r, "UPDATE_FAILED", reason, err) < 0 ||
            cf_undo_clear(r->db, r->stack.id, err) < 0) {
            return -1;
        }
        cf_finish(r, false);
        return 0;
    }
    cf_op_phase(r, "rollback");
    return cf_set_status(r, "UPDATE_ROLLBACK_IN_PROGRESS", reason, err);
}

/* Something that was to be cleaned up stays behind; the update itself has succeeded. */
static int after_cleanup(struct cf_run *r, struct err *err) {
    struct cf_resource row cleanup_resource = {0};
    int found = cf_leftover_top(r->db, r->arena, r->stack.id, &row, err);
    if (found < 0 || cf_note(r, r->failed_id, r->failed_physical, r->failed_type, "DELETE_FAILED",
                             r->failure, err) < 0) {
        return -1;
    }
    return found > 0 ? cf_leftover_drop(r->db, row.seq, err)
                     : cf_resource_remove(r->db, r->stack.id, r->failed_id, err);
}

/* A leftover that will not go is forgotten, so that the rest can. */
static int after_removal(struct cf_run *r, struct err *err) {
    struct cf_resource row cleanup_resource = {0};
    int found = cf_leftover_top(r->db, r->arena, r->stack.id, &row, err);
    if (found < 0) {
        return -1;
    }
    if (found > 0) {
        return cf_note(r, r->failed_id, r->failed_physical, r->failed_type, "DELETE_FAILED",
                       r->failure, err) < 0
                   ? -1
                   : cf_leftover_drop(r->db, row.seq, err);
    }
    if (str_is(r->failed_type, "AWS::CloudFormation::Stack")) { /* nobody to act as */
        const char *status = cf_op_is(r, "CREATE") ? "ROLLBACK_FAILED" : "DELETE_FAILED";
        if (cf_set_status(r, status, r->failure, err) < 0) {
            return -1;
        }
        cf_finish(r, false);
        return 0;
    }
    return note_failed_row(r, "DELETE_FAILED", err);
}

int cf_after_failure(struct cf_run *r, struct err *err) {
    struct str phase = cf_op(r, "phase");
    if (str_is(phase, "apply")) {
        return cf_op_is(r, "CREATE") ? after_create(r, err) : after_update(r, err);
    }
    if (str_is(phase, "cleanup") || str_is(phase, "rollback-cleanup")) {
        return after_cleanup(r, err);
    }
    if (str_is(phase, "rollback")) {
        if (note_failed_row(r, "UPDATE_FAILED", err) < 0 ||
            cf_set_status(r, "UPDATE_ROLLBACK_FAILED", reason_of(r, "update"), err) < 0) {
            return -1;
        }
        cf_finish(r, false);
        return 0;
    }
    return after_removal(r, err);
}
