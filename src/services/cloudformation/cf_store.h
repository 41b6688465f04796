/*
 * Rows of stacks and what belongs to them, inside the caller's transaction. Whatever may hold a
 * parameter's value is sealed. Trees in rows are owned by the row: cf_*_done frees them.
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "platform/text/json.h"
#include "runtime/db/db.h"

#include <stdint.h>

extern const struct db_schema cloudformation_schema;

struct cf_stack {
    struct str id, account, region, name, status, reason, change_set, template;
    int64_t created_ms, updated_ms, deleted_ms;
    json_t *body;      /* see README: what a stack's body holds */
    json_t *operation; /* NULL: nothing is going on */
};
void cf_stack_done(struct cf_stack *s);
#define cleanup_stack __attribute__((cleanup(cf_stack_done)))

struct cf_resource {
    struct str stack, logical_id, type, physical_id, status, reason, operation;
    int64_t seq, at_ms;
    json_t *body; /* {"properties", "attributes", "needs", "deletion", "replacement"} */
};
struct cf_resource_list {
    struct cf_resource *v;
    size_t n;
};
void cf_resource_done(struct cf_resource *r);
void cf_resource_list_done(struct cf_resource_list *l);
#define cleanup_resource __attribute__((cleanup(cf_resource_done)))
#define cleanup_resources __attribute__((cleanup(cf_resource_list_done)))

/* By ARN, or by the name of one that is not deleted: 1 found, 0 none, -1. */
int cf_stack_find(struct db *db, struct arena *a, struct str account, struct str region,
                  struct str name_or_id, struct cf_stack *ret, struct err *err) MUST_USE;
int cf_stack_put(struct db *db, const struct rng *rng, const struct cf_stack *s,
                 struct err *err) MUST_USE;
int cf_stack_remove(struct db *db, struct str id, struct err *err) MUST_USE; /* with its rows */
/* Ids, newest first, of stacks older than `before` (creation time and id; absent = all). */
int cf_stack_ids(struct db *db, struct arena *a, struct str account, struct str region,
                 bool deleted, struct str after, int64_t limit, struct str_list *ret,
                 struct err *err) MUST_USE;

int cf_resource_find(struct db *db, struct arena *a, struct str stack, struct str logical_id,
                     struct cf_resource *ret, struct err *err) MUST_USE;
int cf_resource_put(struct db *db, const struct rng *rng, struct cf_resource *r,
                    struct err *err) MUST_USE; /* seq 0: the next one */
int cf_resource_remove(struct db *db, struct str stack, struct str logical_id,
                       struct err *err) MUST_USE;
/* In order of creation. */
int cf_resource_all(struct db *db, struct arena *a, struct str stack, struct cf_resource_list *ret,
                    struct err *err) MUST_USE;
/* The stack that has this physical resource; absent when none. */
int cf_resource_owner(struct db *db, struct arena *a, struct str account, struct str region,
                      struct str physical_id, struct str *ret_stack, struct err *err) MUST_USE;

struct cf_undo {
    int64_t seq;
    struct str logical_id, kind, physical_id;
    json_t *body;
};
int cf_undo_push(struct db *db, const struct rng *rng, struct str stack, const struct cf_undo *u,
                 struct err *err) MUST_USE;
/* The newest: 1 found, 0 none, -1. */
int cf_undo_top(struct db *db, struct arena *a, struct str stack, struct cf_undo *ret,
                struct err *err) MUST_USE;
int cf_undo_drop(struct db *db, int64_t seq, struct err *err) MUST_USE;
int cf_undo_clear(struct db *db, struct str stack, struct err *err) MUST_USE;

/* Leftovers: `seq` identifies; the other members are the physical resource's. */
int cf_leftover_push(struct db *db, const struct rng *rng, const struct cf_resource *r,
                     struct err *err) MUST_USE;
int cf_leftover_top(struct db *db, struct arena *a, struct str stack, struct cf_resource *ret,
                    struct err *err) MUST_USE;
int cf_leftover_drop(struct db *db, int64_t seq, struct err *err) MUST_USE;

struct cf_event {
    int64_t seq, at_ms;
    struct str id, stack, logical_id, physical_id, type, status, reason, token;
};
struct cf_event_list {
    struct cf_event *v;
    size_t n;
};
int cf_event_add(struct db *db, const struct cf_event *e, struct err *err) MUST_USE;
/* Newest first, below `before` (0 = all). */
int cf_event_list(struct db *db, struct arena *a, struct str stack, int64_t before, int64_t limit,
                  struct cf_event_list *ret, struct err *err) MUST_USE;

struct cf_change_set {
    struct str id, stack, name, status, execution_status, reason, template;
    int64_t created_ms;
    json_t *body;
};
void cf_change_set_done(struct cf_change_set *c);
#define cleanup_change_set __attribute__((cleanup(cf_change_set_done)))
/* By ARN, or by name within a stack. */
int cf_change_set_find(struct db *db, struct arena *a, struct str stack, struct str name_or_id,
                       struct cf_change_set *ret, struct err *err) MUST_USE;
/* The stack's id, by the change set's ARN; 1 found, 0 not. */
int cf_change_set_stack(struct db *db, struct arena *a, struct str id, struct str *ret,
                        struct err *err) MUST_USE;
int cf_change_set_put(struct db *db, const struct rng *rng, const struct cf_change_set *c,
                      struct err *err) MUST_USE;
int cf_change_set_remove(struct db *db, struct str id, struct err *err) MUST_USE;
int cf_change_set_ids(struct db *db, struct arena *a, struct str stack, struct str_list *ret,
                      struct err *err) MUST_USE;

struct cf_export {
    struct str name, stack, value;
};
struct cf_export_list {
    struct cf_export *v;
    size_t n;
};
int cf_export_find(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str name, struct cf_export *ret, struct err *err) MUST_USE;
int cf_export_list(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str after, int64_t limit, struct cf_export_list *ret,
                   struct err *err) MUST_USE;
/* Replaces all exports of a stack. ERR_EXISTS when another stack exports one of these names. */
int cf_export_replace(struct db *db, const struct cf_stack *s, const struct cf_export_list *list,
                      struct err *err) MUST_USE;
/* A stack other than this one imports the name: its id; absent when none does. */
int cf_import_user(struct db *db, struct arena *a, const struct cf_stack *s, struct str name,
                   struct str *ret_stack, struct err *err) MUST_USE;
int cf_import_replace(struct db *db, const struct cf_stack *s, const struct str_list *names,
                      struct err *err) MUST_USE;

/* A tree as it is kept, sealed for its stack; absent for NULL. And back. */
struct str cf_close_tree(struct arena *a, const struct rng *rng, struct str stack,
                         const json_t *tree);
int cf_open_tree(struct arena *a, struct str stack, struct str sealed, json_t **ret,
                 struct err *err) MUST_USE;
