/* Shared by the files of this folder, and the job that the daemon starts. */
#pragma once

#include "gen/cloudformation.h"
#include "runtime/queue/queue.h"
#include "services/cloudformation/cf_store.h"
#include "services/cloudformation/evaluate.h"
#include "services/cloudformation/template.h"
#include "services/cloudformation/types.h"
#include "services/core/env.h"

#define CF_RUN "cloudformation.run"
#define CF_NO_CHANGES                                                                              \
    "The submitted information didn't contain changes. Submit different information to create a "  \
    "change set."

/* Carries out stack operations; `env` outlives the queue. */
enum { CF_KINDS = 1 };
void cloudformation_queue_kinds(struct service_env *env, struct queue_kind ret[CF_KINDS]);

/* "ValidationError". */
int cf_invalid(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A failure of ours as ValidationError, when it is the caller's fault. */
int cf_to_api(struct err *err);

/* What resources are, for evaluation: rows of the stack, and those that are not known yet. */
struct cf_scope {
    struct db *db;
    struct arena *arena;
    const struct cf_stack *stack;
    const struct cf_resource_list *rows;
    bool plan;               /* what has no row is unknown instead of an error */
    struct str_list changed; /* plan: ids whose row will be another one */
    struct str_list imports; /* names that were imported */
    json_t *parameters;      /* owned */
    struct evaluation e;
};
void cf_scope_begin(struct cf_scope *s, struct db *db, struct arena *a,
                    const struct cf_stack *stack, const struct template *t,
                    const struct cf_resource_list *rows, const json_t *resolved_parameters,
                    const json_t *notification_arns, bool plan);
void cf_scope_done(struct cf_scope *s);
#define cleanup_scope __attribute__((cleanup(cf_scope_done)))

struct cf_resource *cf_rows_find(const struct cf_resource_list *rows, struct str logical_id);

/* Ids of the resources whose conditions hold, in the order of their creation. */
int cf_wanted(struct cf_scope *s, struct str_list *ret, struct err *err) MUST_USE;
/* Evaluated properties with the stack's tags. */
int cf_properties(struct cf_scope *s, struct str logical_id, const json_t *tags, json_t **ret,
                  struct err *err) MUST_USE;
/* [{"k","v","d","e"}]: key, value, description, export name. */
int cf_outputs(struct cf_scope *s, json_t **ret, struct err *err) MUST_USE;
/* Names of properties that differ. */
void cf_differences(struct arena *a, const json_t *before, const json_t *after,
                    struct str_list *ret);
bool cf_needs_replacement(const struct cf_type *type, const struct str_list *changed);

/* One line of a change set. */
struct cf_change {
    struct str action; /* "Add", "Modify", "Remove" */
    struct str logical_id, physical_id, type;
    struct str replacement; /* Modify: "True", "False", "Conditional" */
    struct str_list properties;
};
struct cf_change_list {
    struct cf_change *v;
    size_t n;
};
/* What an operation would do. *ret_other: outputs or tags change, too. */
int cf_plan(struct db *db, struct arena *a, const struct cf_stack *stack, const struct template *t,
            const json_t *operation, struct cf_change_list *ret, bool *ret_other,
            struct err *err) MUST_USE;

/* Who acts for a stack, as kept with it. */
json_t *cf_principal_json(const struct aws_principal *p);
struct aws_principal cf_principal(struct arena *a, const json_t *json);

/* "{{resolve:ssm:NAME:VERSION}}" and ssm-secure become values; a new tree. */
int cf_resolve_references(struct arena *a, const struct aws_target *target, const json_t *tree,
                          json_t **ret, struct err *err) MUST_USE;

/* What Create, Update and change sets ask for, read and checked: an operation as kept with the
 * stack, but for id, kind and phase. */
struct cf_request {
    struct str template_body, template_url;
    bool use_previous_template;
    struct cloudformation_parameter_list parameters;
    struct str_list capabilities;
    struct cloudformation_tag_list tags;
    struct str role_arn;
    struct str_list notification_arns;
    struct str token;
    struct str disable; /* what to do on failure: "ROLLBACK", "DO_NOTHING", "DELETE" */
};
int cf_request_read(struct call *c, const struct cf_request *r, const struct cf_stack *previous,
                    struct template *ret_template, json_t **ret_operation,
                    struct err *err) MUST_USE;
/* TemplateBody, or what TemplateURL names in S3, read as the caller. */
int cf_template_text(struct call *c, struct str body, struct str url, struct str *ret,
                     struct err *err) MUST_USE;

int cf_need_stack(struct call *c, struct str name_or_id, struct cf_stack *ret,
                  struct err *err) MUST_USE;
/* Begins an operation: kind "CREATE", "UPDATE" or "DELETE". Takes over `operation`. The call's
 * answer waits until it has ended, for a few seconds at most: clients poll rarely. */
int cf_begin(struct call *c, struct cf_stack *stack, const char *kind, json_t *operation,
             struct err *err) MUST_USE;
/* A new stack's row, not yet stored. */
int cf_new_stack(struct call *c, struct str name, const char *status, struct str template,
                 struct cf_stack *ret, struct err *err) MUST_USE;
int cf_stack_event(struct db *db, const struct rng *rng, struct arena *a,
                   const struct cf_stack *stack, struct str token, int64_t at_ms,
                   struct err *err) MUST_USE;
bool cf_can_update(struct str status);
struct str cf_json_str(struct arena *a, const json_t *object, const char *key);
