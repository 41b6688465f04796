/*
 * The job that carries out a stack's operation, and its way forward. One step is one transaction:
 * the calls for one resource together with the record of what they made. A crash between two steps
 * loses nothing and repeats nothing; the job goes on with the next step.
 */
#include "services/cloudformation/run.h"

#include "gen/sts.h"

#include <stdio.h>

enum { STACKS_AT_ONCE = 4 };

struct str cf_op(const struct cf_run *r, const char *key) {
    return json_str(r->stack.operation, key);
}

bool cf_op_is(const struct cf_run *r, const char *kind) {
    return str_is(cf_op(r, "kind"), kind);
}

void cf_op_phase(struct cf_run *r, const char *phase) {
    json_set_str(r->stack.operation, "phase", str_c(phase));
}

int cf_stack_event(struct db *db, const struct rng *rng, struct arena *a,
                   const struct cf_stack *stack, struct str token, int64_t at_ms, struct err *err) {
    const struct cf_event e = {
        .at_ms = at_ms,
        .id = rng_uuid(rng, a),
        .stack = stack->id,
        .logical_id = stack->name,
        .physical_id = stack->id,
        .type = S("AWS::CloudFormation::Stack"),
        .status = stack->status,
        .reason = stack->reason,
        .token = token,
    };
    return cf_event_add(db, &e, err);
}

int cf_set_status(struct cf_run *r, const char *status, struct str reason, struct err *err) {
    r->stack.status = str_c(status);
    r->stack.reason = reason;
    return cf_stack_event(r->db, r->env->rng, r->arena, &r->stack, cf_op(r, "token"), r->now_ms,
                          err);
}

int cf_note(struct cf_run *r, struct str logical_id, struct str physical_id, struct str type,
            const char *status, struct str reason, struct err *err) {
    struct str when = time_iso_ms(r->arena, r->now_ms);
    const struct cf_event e = {
        .at_ms = r->now_ms,
        .id = str_printf(r->arena, "%.*s-%s-%.*s", STR_ARG(logical_id), status, STR_ARG(when)),
        .stack = r->stack.id,
        .logical_id = logical_id,
        .physical_id = physical_id,
        .type = type,
        .status = str_c(status),
        .reason = reason,
        .token = cf_op(r, "token"),
    };
    return cf_event_add(r->db, &e, err);
}

/* Calls of types. */

static struct cf_call call_for(struct cf_run *r, const struct cf_resource *row) {
    return (struct cf_call){
        .arena = r->arena,
        .target = &r->target,
        .rng = r->env->rng,
        .account = r->stack.account,
        .region = r->stack.region,
        .stack_name = r->stack.name,
        .stack_id = r->stack.id,
        .logical_id = row->logical_id,
        .physical = row->physical_id,
    };
}

static enum cf_step fail(struct cf_run *r, const struct cf_resource *row, bool update,
                         const struct err *why) {
    r->failed_id = row->logical_id;
    r->failed_type = row->type;
    r->failed_physical = row->physical_id;
    r->failed_update = update;
    r->failure =
        why->api != NULL
            ? str_printf(r->arena,
                         "Resource handler returned message: \"%s\" (HandlerErrorCode: %s)",
                         why->msg, why->api->code)
            : str_printf(r->arena, "%s", why->msg);
    return CF_FAILED;
}

enum cf_step cf_do_create(struct cf_run *r, struct cf_resource *row, struct err *err) {
    const struct cf_type *type = cf_type_find(row->type);
    struct cf_call c = call_for(r, row);
    json_t *props cleanup_json = NULL;
    (void)err;
    struct err why = ERR_INIT;
    c.attrs = json_object();
    c.physical = STR_NONE;
    if (cf_resolve_references(r->arena, &r->target, json_object_get(row->body, "properties"),
                              &props, &why) < 0) {
        json_decref(c.attrs);
        return fail(r, row, false, &why);
    }
    c.props = props;
    int bad = type->create(&c, &why);
    json_set(row->body, "attributes", c.attrs);
    row->physical_id = c.physical;
    return bad < 0 ? fail(r, row, false, &why) : CF_MORE;
}

enum cf_step cf_do_update(struct cf_run *r, struct cf_resource *row, const json_t *old,
                          struct err *err) {
    const struct cf_type *type = cf_type_find(row->type);
    struct cf_call c = call_for(r, row);
    json_t *props cleanup_json = NULL;
    json_t *before cleanup_json = NULL;
    struct err why = ERR_INIT;
    (void)err;
    if (cf_resolve_references(r->arena, &r->target, json_object_get(row->body, "properties"),
                              &props, &why) < 0 ||
        cf_resolve_references(r->arena, &r->target, old, &before, &why) < 0) {
        return fail(r, row, true, &why);
    }
    c.props = props;
    c.old = before;
    c.attrs = json_object_get(row->body, "attributes");
    return type->update(&c, &why) < 0 ? fail(r, row, true, &why) : CF_MORE;
}

enum cf_step cf_do_remove(struct cf_run *r, const struct cf_resource *row, struct err *err) {
    const struct cf_type *type = cf_type_find(row->type);
    struct cf_call c = call_for(r, row);
    struct err why = ERR_INIT;
    (void)err;
    c.props = json_object_get(row->body, "properties");
    c.attrs = json_object_get(row->body, "attributes");
    if (row->physical_id.p == NULL || type == NULL) {
        return CF_MORE;
    }
    return type->remove(&c, &why) < 0 ? fail(r, row, true, &why) : CF_MORE;
}

/* Forward. */

static struct str policy_of(const json_t *resource, const char *name, const char *fallback) {
    struct str policy = json_str(resource, name);
    return policy.p != NULL ? policy : str_c(fallback);
}

/* What the row remembers beside its properties. */
static void describe(struct cf_run *r, const struct template *t, struct cf_resource *row) {
    const json_t *resource = template_resource(t, row->logical_id);
    struct str_list needs = {0};
    json_t *list = json_array();
    template_needs(r->arena, t, row->logical_id, &needs);
    for (size_t i = 0; i < needs.n; i++) {
        json_array_append_new(list, json_from_str(needs.v[i]));
    }
    json_set(row->body, "needs", list);
    json_set_str(row->body, "deletion", policy_of(resource, "DeletionPolicy", "Delete"));
    json_set_str(row->body, "replacement", policy_of(resource, "UpdateReplacePolicy", "Delete"));
}

static int store_row(struct cf_run *r, struct cf_resource *row, const char *status,
                     struct err *err) {
    row->status = str_c(status);
    row->reason = STR_NONE;
    row->at_ms = r->now_ms;
    row->operation = cf_op(r, "id");
    return cf_resource_put(r->db, r->env->rng, row, err);
}

static int push_undo(struct cf_run *r, const struct cf_resource *row, const char *kind,
                     const json_t *body, struct err *err) {
    const struct cf_undo u = {.logical_id = row->logical_id,
                              .kind = str_c(kind),
                              .physical_id = row->physical_id,
                              .body = (json_t *)body};
    return cf_op_is(r, "UPDATE") ? cf_undo_push(r->db, r->env->rng, r->stack.id, &u, err) : 0;
}

static enum cf_step add_resource(struct cf_run *r, const struct template *t, struct str id,
                                 const json_t *props, struct err *err) {
    struct cf_resource row cleanup_resource = {
        .stack = r->stack.id,
        .logical_id = id,
        .type = template_type(t, id),
        .body = json_object(),
    };
    json_set(row.body, "properties", json_deep_copy(props));
    describe(r, t, &row);
    if (cf_note(r, id, STR_NONE, row.type, "CREATE_IN_PROGRESS", STR_NONE, err) < 0) {
        return CF_ERROR;
    }
    enum cf_step step = cf_do_create(r, &row, err);
    if (step != CF_MORE) {
        return step;
    }
    if (cf_note(r, id, row.physical_id, row.type, "CREATE_IN_PROGRESS",
                S("Resource creation Initiated"), err) < 0 ||
        store_row(r, &row, "CREATE_COMPLETE", err) < 0 ||
        push_undo(r, &row, "added", NULL, err) < 0 ||
        cf_note(r, id, row.physical_id, row.type, "CREATE_COMPLETE", STR_NONE, err) < 0) {
        return CF_ERROR;
    }
    return CF_MORE;
}

static enum cf_step change_resource(struct cf_run *r, const struct template *t,
                                    struct cf_resource *row, const json_t *props,
                                    const struct str_list *changed, struct err *err) {
    json_t *before cleanup_json = json_deep_copy(row->body);
    bool replace = cf_needs_replacement(cf_type_find(row->type), changed);
    if (push_undo(r, row, replace ? "replaced" : "changed", before, err) < 0 ||
        cf_note(r, row->logical_id, row->physical_id, row->type, "UPDATE_IN_PROGRESS",
                replace ? S("Requested update requires the creation of a new physical resource; "
                            "hence creating one.")
                        : STR_NONE,
                err) < 0) {
        return CF_ERROR;
    }
    json_set(row->body, "properties", json_deep_copy(props));
    describe(r, t, row);
    enum cf_step step = replace ? cf_do_create(r, row, err)
                                : cf_do_update(r, row, json_object_get(before, "properties"), err);
    if (step != CF_MORE) {
        r->failed_update = true;
        return step;
    }
    if (store_row(r, row, "UPDATE_COMPLETE", err) < 0 ||
        cf_note(r, row->logical_id, row->physical_id, row->type, "UPDATE_COMPLETE", STR_NONE, err) <
            0) {
        return CF_ERROR;
    }
    return CF_MORE;
}

static enum cf_step process(struct cf_run *r, struct cf_scope *s, struct str id,
                            struct cf_resource *row, struct err *err) {
    const struct template *t = s->e.t;
    json_t *props cleanup_json = NULL;
    struct str_list changed = {0};
    struct err why = ERR_INIT;
    const struct cf_resource unknown = {.logical_id = id, .type = template_type(t, id)};
    if (cf_properties(s, id, json_object_get(r->stack.operation, "tags"), &props, &why) < 0) {
        return fail(r, row != NULL ? row : &unknown, row != NULL, &why);
    }
    if (row == NULL || str_is(row->status, "DELETE_COMPLETE") || row->physical_id.p == NULL) {
        return add_resource(r, t, id, props, err);
    }
    if (!str_eq(row->type, template_type(t, id))) {
        err_set(&why, ERR_INVALID, "Update of resource type is not permitted.");
        return fail(r, row, true, &why);
    }
    cf_differences(r->arena, json_object_get(row->body, "properties"), props, &changed);
    if (changed.n > 0) {
        return change_resource(r, t, row, props, &changed, err);
    }
    describe(r, t, row);
    row->operation = cf_op(r, "id");
    return cf_resource_put(r->db, r->env->rng, row, err) < 0 ? CF_ERROR : CF_MORE;
}

/* Outputs, exports and imports, once all resources are there. */
static enum cf_step conclude(struct cf_run *r, struct cf_scope *s, const struct str_list *wanted,
                             struct err *err) {
    struct err why = ERR_INIT;
    struct cf_export_list exports = {0};
    json_t *outputs = NULL;
    const struct cf_resource self = {.logical_id = r->stack.name,
                                     .physical_id = r->stack.id,
                                     .type = S("AWS::CloudFormation::Stack")};
    for (size_t i = 0; i < wanted->n; i++) { /* notes what they import */
        json_t *props cleanup_json = NULL;
        if (cf_properties(s, wanted->v[i], NULL, &props, &why) < 0) {
            return fail(r, &self, true, &why);
        }
    }
    if (cf_outputs(s, &outputs, &why) < 0) {
        return fail(r, &self, true, &why);
    }
    const json_t *before = json_object_get(r->stack.body, "outputs");
    json_incref((json_t *)before);
    json_set(r->stack.body, "outputs", outputs);
    for (size_t i = 0; i < json_array_size(outputs); i++) {
        const json_t *o = json_array_get(outputs, i);
        if (json_str(o, "e").n > 0) {
            *arena_push(r->arena, &exports) =
                (struct cf_export){json_str(o, "e"), r->stack.id, json_str(o, "v")};
        }
    }
    int bad = 0;
    for (size_t i = 0; i < json_array_size(before) && bad == 0; i++) {
        const json_t *o = json_array_get(before, i);
        struct str name = json_str(o, "e");
        struct str user = STR_NONE;
        bool same = name.p == NULL;
        for (size_t j = 0; j < exports.n; j++) {
            same = same || (str_eq(exports.v[j].name, name) &&
                            str_eq(exports.v[j].value, json_str(o, "v")));
        }
        bad = same ? 0 : cf_import_user(r->db, r->arena, &r->stack, name, &user, err);
        if (bad == 0 && user.p != NULL) {
            err_set(&why, ERR_CONFLICT,
                    "Export " STR_FMT " cannot be updated as it is in use by " STR_FMT,
                    STR_ARG(name), STR_ARG(user));
            json_decref((json_t *)before);
            return fail(r, &self, true, &why);
        }
    }
    json_decref((json_t *)before);
    if (bad < 0 || cf_import_replace(r->db, &r->stack, &s->imports, err) < 0) {
        return CF_ERROR;
    }
    if (cf_export_replace(r->db, &r->stack, &exports, &why) < 0) {
        return fail(r, &self, true, &why);
    }
    return CF_MORE;
}

/* Old physical resources of replaced ones wait for the cleaning up; their policy may keep them. */
static int keep_leftovers(struct cf_run *r, struct err *err) {
    struct cf_undo u;
    int found;
    while ((found = cf_undo_top(r->db, r->arena, r->stack.id, &u, err)) > 0) {
        json_t *body cleanup_json = u.body;
        struct cf_resource row cleanup_resource = {0};
        if (str_is(u.kind, "replaced") && !str_is(json_str(body, "replacement"), "Retain")) {
            if (cf_resource_find(r->db, r->arena, r->stack.id, u.logical_id, &row, err) < 0) {
                return -1;
            }
            const struct cf_resource old = {.stack = r->stack.id,
                                            .logical_id = u.logical_id,
                                            .type = row.type,
                                            .physical_id = u.physical_id,
                                            .body = body};
            if (!str_eq(row.physical_id, u.physical_id) &&
                cf_leftover_push(r->db, r->env->rng, &old, err) < 0) {
                return -1;
            }
        }
        if (cf_undo_drop(r->db, u.seq, err) < 0) {
            return -1;
        }
    }
    return found;
}

static enum cf_step finish_apply(struct cf_run *r, struct cf_scope *s,
                                 const struct str_list *wanted, struct err *err) {
    enum cf_step step = conclude(r, s, wanted, err);
    if (step != CF_MORE) {
        return step;
    }
    if (cf_op_is(r, "CREATE")) {
        if (cf_set_status(r, "CREATE_COMPLETE", STR_NONE, err) < 0) {
            return CF_ERROR;
        }
        cf_finish(r, true);
        return CF_SETTLED;
    }
    cf_adopt(r);
    cf_op_phase(r, "cleanup");
    return keep_leftovers(r, err) < 0 ||
                   cf_set_status(r, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", STR_NONE, err) < 0
               ? CF_ERROR
               : CF_MORE;
}

static enum cf_step step_apply(struct cf_run *r, struct err *err) {
    struct template t cleanup_template = {0};
    struct cf_resource_list rows cleanup_resources = {0};
    struct cf_scope s cleanup_scope = {0};
    struct str_list wanted = {0};
    struct err why = ERR_INIT;
    const struct cf_resource self = {.logical_id = r->stack.name,
                                     .physical_id = r->stack.id,
                                     .type = S("AWS::CloudFormation::Stack")};
    if (template_read(r->arena, cf_op(r, "template"), &t, &why) < 0) {
        return fail(r, &self, true, &why);
    }
    if (cf_resource_all(r->db, r->arena, r->stack.id, &rows, err) < 0) {
        return CF_ERROR;
    }
    cf_scope_begin(&s, r->db, r->arena, &r->stack, &t, &rows,
                   json_object_get(r->stack.operation, "parameters"),
                   json_object_get(r->stack.operation, "notificationArns"), false);
    if (cf_wanted(&s, &wanted, &why) < 0) {
        return fail(r, &self, true, &why);
    }
    for (size_t i = 0; i < wanted.n; i++) {
        struct cf_resource *row = cf_rows_find(&rows, wanted.v[i]);
        if (row == NULL || !str_eq(row->operation, cf_op(r, "id"))) {
            enum cf_step step = process(r, &s, wanted.v[i], row, err);
            r->failed_id = str_dup(r->arena, r->failed_id); /* the template goes first */
            r->failed_type = str_dup(r->arena, r->failed_type);
            return step;
        }
    }
    return finish_apply(r, &s, &wanted, err);
}

void cf_adopt(struct cf_run *r) {
    static const char *const keys[] = {"parameters", "tags",      "capabilities",
                                       "roleArn",    "principal", "notificationArns"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        json_t *value = json_object_get(r->stack.operation, keys[i]);
        if (value != NULL) {
            json_set(r->stack.body, keys[i], json_incref(value));
        }
    }
    r->stack.template = str_dup(r->arena, cf_op(r, "template"));
}

void cf_finish(struct cf_run *r, bool adopt) {
    if (adopt) {
        cf_adopt(r);
    }
    json_decref(r->stack.operation);
    r->stack.operation = NULL;
}

/* The job. */

/* Acts as the stack's role if it has one, else as its caller. */
static int act_as(struct cf_run *r, struct err *err) {
    struct str role = cf_op(r, "roleArn");
    r->principal = cf_principal(r->arena, json_object_get(r->stack.operation, "principal"));
    r->target = (struct aws_target){.account = r->stack.account,
                                    .region = r->stack.region,
                                    .embedded = r->env->embedded,
                                    .principal = &r->principal,
                                    .retries = -1};
    if (role.n == 0) {
        return 0;
    }
    const struct aws_principal service = {.kind = AWS_PRINCIPAL_SERVICE,
                                          .account = r->stack.account,
                                          .arn = S("cloudformation.amazonaws.com"),
                                          .service = S("cloudformation.amazonaws.com")};
    struct aws_target target = r->target;
    target.principal = &service;
    const struct sts_assume_role_request in = {.role_arn = role,
                                               .role_session_name = S("AWSCloudFormation")};
    struct sts_assume_role_response out;
    if (sts_call_assume_role(&target, r->arena, &in, &out, err) < 0) {
        return err_wrap(err, "Role " STR_FMT " is invalid or cannot be assumed", STR_ARG(role));
    }
    r->principal = (struct aws_principal){.kind = AWS_PRINCIPAL_ROLE,
                                          .account = r->stack.account,
                                          .arn = out.assumed_role_user->arn,
                                          .user_id = out.assumed_role_user->assumed_role_id,
                                          .role_arn = role,
                                          .session_name = in.role_session_name};
    return 0;
}

static enum cf_step take_step(struct cf_run *r, struct err *err) {
    static const struct {
        const char *phase;
        enum cf_step (*step)(struct cf_run *r, struct err *err);
    } phases[] = {
        {"apply", step_apply},
        {"cleanup", cf_step_cleanup},
        {"rollback", cf_step_rollback},
        {"rollback-cleanup", cf_step_rollback_cleanup},
        {"undo-create", cf_step_undo_create},
        {"delete", cf_step_delete},
    };
    struct err why = ERR_INIT;
    if (act_as(r, &why) < 0) {
        const struct cf_resource self = {.logical_id = r->stack.name,
                                         .physical_id = r->stack.id,
                                         .type = S("AWS::CloudFormation::Stack")};
        return fail(r, &self, true, &why);
    }
    for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
        if (str_is(cf_op(r, "phase"), phases[i].phase)) {
            return phases[i].step(r, err);
        }
    }
    err_set(err, ERR_INTERNAL, "stack " STR_FMT " is in the unknown phase '" STR_FMT "'",
            STR_ARG(r->stack.id), STR_ARG(cf_op(r, "phase")));
    return CF_ERROR;
}

static int load(struct cf_run *r, struct str id, struct err *err) {
    struct aws_arn arn;
    r->now_ms = clock_now_ms(r->env->clock);
    if (!aws_arn_parse(id, &arn)) {
        return 0;
    }
    cf_stack_done(&r->stack);
    return cf_stack_find(r->db, r->arena, arn.account, arn.region, id, &r->stack, err);
}

/* One transaction. 1 more to do, 0 done (the job is ended), -1 error. */
static int turn(struct cf_run *r, struct queue_job *job, struct err *err) {
    if (db_begin(r->db, err) < 0) {
        return -1;
    }
    int found = load(r, job->key, err);
    enum cf_step step = found < 0 ? CF_ERROR : CF_SETTLED;
    if (found > 0 && r->stack.operation != NULL) {
        step = take_step(r, err);
    }
    if (step == CF_FAILED) {
        db_rollback(r->db);
        if (db_begin(r->db, err) < 0) {
            return -1;
        }
        step = load(r, job->key, err) <= 0 || cf_after_failure(r, err) < 0 ? CF_ERROR : CF_MORE;
        if (step == CF_MORE && r->stack.operation == NULL) {
            step = CF_SETTLED;
        }
    }
    if (step == CF_ERROR || (found > 0 && cf_stack_put(r->db, r->env->rng, &r->stack, err) < 0) ||
        (step == CF_SETTLED && queue_end(r->db, job, err) < 0)) {
        db_rollback(r->db);
        return -1;
    }
    return db_commit(r->db, err) < 0 ? -1 : step == CF_MORE;
}

static int run(void *ud, struct queue_job *job, struct err *err) {
    int more = 1;
    while (more > 0) {
        struct arena arena = ARENA_INIT;
        struct cf_run r = {.env = ud, .arena = &arena, .db = ((struct service_env *)ud)->db};
        more = turn(&r, job, err);
        cf_stack_done(&r.stack);
        arena_done(&arena);
    }
    return more;
}

void cloudformation_queue_kinds(struct service_env *env, struct queue_kind ret[CF_KINDS]) {
    ret[0] = (struct queue_kind){.name = CF_RUN, .run = run, .ud = env, .parallel = STACKS_AT_ONCE};
}
