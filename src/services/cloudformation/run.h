/* One step of a stack's operation; shared by run.c (the job, and the way forward), and undo.c (the
 * way back, deletion, cleaning up). */
#pragma once

#include "services/cloudformation/cloudformation.h"

enum cf_step { CF_ERROR = -1, CF_SETTLED, CF_MORE, CF_FAILED };

/* What the steps share. Everything lives as long as one step's transaction. */
struct cf_run {
    struct service_env *env;
    struct arena *arena;
    struct db *db;
    int64_t now_ms;
    struct cf_stack stack;
    struct aws_principal principal;
    struct aws_target target;
    /* CF_FAILED: which resource, and why. The step's transaction is rolled back first. */
    struct str failed_id, failed_type, failed_physical, failure;
    bool failed_update; /* it was there before */
};

struct str cf_op(const struct cf_run *r, const char *key); /* text of the operation */
bool cf_op_is(const struct cf_run *r, const char *kind);
void cf_op_phase(struct cf_run *r, const char *phase);

int cf_set_status(struct cf_run *r, const char *status, struct str reason,
                  struct err *err) MUST_USE;
int cf_note(struct cf_run *r, struct str logical_id, struct str physical_id, struct str type,
            const char *status, struct str reason, struct err *err) MUST_USE;

/* The type's calls. CF_MORE when done; CF_FAILED fills the run's failure. */
enum cf_step cf_do_create(struct cf_run *r, struct cf_resource *row, struct err *err);
enum cf_step cf_do_update(struct cf_run *r, struct cf_resource *row, const json_t *old,
                          struct err *err);
enum cf_step cf_do_remove(struct cf_run *r, const struct cf_resource *row, struct err *err);

/* Phases of undo.c. */
enum cf_step cf_step_cleanup(struct cf_run *r, struct err *err);
enum cf_step cf_step_rollback(struct cf_run *r, struct err *err);
enum cf_step cf_step_rollback_cleanup(struct cf_run *r, struct err *err);
enum cf_step cf_step_undo_create(struct cf_run *r, struct err *err);
enum cf_step cf_step_delete(struct cf_run *r, struct err *err);

/* After CF_FAILED and the rollback, in a transaction of its own: writes it down and decides how to
 * go on. */
int cf_after_failure(struct cf_run *r, struct err *err) MUST_USE;

/* Ends the operation: its settings become the stack's when `adopt`. */
void cf_finish(struct cf_run *r, bool adopt);
void cf_adopt(struct cf_run *r);
