/*
 * CreateWebhook, UpdateWebhook, DeleteWebhook. No host is called: every webhook is made as with
 * manualCreation, and its URL and secret are put into the host by whoever owns the repository. The
 * secret is shown when it is made, and never again.
 */
#include "front/api/codebuild/webhooks.h"

#include "aws/proto/proto.h"
#include "flow/build/source_plan.h"
#include "flow/forge/filter.h"
#include "services/core/seal.h"

enum { ID_DIGITS = 32, SECRET_DIGITS = 40 };

static struct str seal_context(struct arena *a, struct str id) {
    return str_printf(a, "codebuild/webhook/" STR_FMT, STR_ARG(id));
}

/* ---- rows ---- */

static int to_json(struct arena *a, const struct codebuild_webhook *w, struct str *ret,
                   struct err *err) {
    struct codebuild_create_webhook_output out = {arena_memdup(a, w, sizeof(*w))};
    struct proto_message m = {0};
    if (proto_encode_response(a, SHAPE_JSON_1_1, &codebuild_op_create_webhook, STR_NONE, &out, &m,
                              err) < 0) {
        return -1;
    }
    *ret = m.body;
    return 0;
}

static int from_json(struct arena *a, struct str json, struct codebuild_webhook **ret,
                     struct err *err) {
    struct codebuild_create_webhook_output out = {0};
    struct proto_message m = {.status = 200, .body = json};
    if (proto_decode_response(a, SHAPE_JSON_1_1, &codebuild_op_create_webhook, &m, &out, err) < 0 ||
        out.webhook == NULL) {
        return err_wrap(err, "stored webhook");
    }
    *ret = out.webhook;
    return 0;
}

int webhook_open(struct arena *a, const struct forge_webhook *row, struct codebuild_webhook **ret,
                 struct str *ret_secret, struct err *err) {
    return from_json(a, row->body, ret, err) < 0
               ? -1
               : seal_open(a, seal_context(a, row->id), row->secret, ret_secret, err);
}

int webhook_attach(struct call *c, struct codebuild_project *p, struct err *err) {
    struct forge_webhook row;
    int found = forge_webhook_get(c->db, c->arena, c->account, c->region, p->name, &row, err);
    return found <= 0 ? found : from_json(c->arena, row.body, &p->webhook, err);
}

/* ---- operations ---- */

static int find_project(struct call *c, struct str name, struct codebuild_project **ret,
                        struct err *err) {
    struct project_row row;
    int found = project_get(c->db, c->arena, c->account, c->region, name, &row, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_api(err, &codebuild_ResourceNotFoundException,
                                   "Project cannot be found: " STR_FMT,
                                   STR_ARG(codebuild_project_arn(c, name)));
    }
    return project_from_json(c->arena, row.body, ret, err);
}

static int find_webhook(struct call *c, struct str project, struct forge_webhook *ret,
                        struct err *err) {
    int found = forge_webhook_get(c->db, c->arena, c->account, c->region, project, ret, err);
    return found > 0   ? 0
           : found < 0 ? -1
                       : err_api(err, &codebuild_ResourceNotFoundException,
                                 "Webhook does not exist for project " STR_FMT,
                                 STR_ARG(codebuild_project_arn(c, project)));
}

/* What is served of a webhook, before and after an update. */
static int check(struct call *c, const struct codebuild_webhook *w, struct err *err) {
    struct err why = ERR_INIT;
    const struct codebuild_pull_request_build_policy *policy = w->pull_request_build_policy;
    if (w->build_type.p != NULL && !str_is(w->build_type, "BUILD") &&
        !str_is(w->build_type, "BUILD_BATCH")) {
        return codebuild_invalid(err,
                                 "Webhooks start builds and batches: buildType " STR_FMT
                                 " is not served (docs/limits.md)",
                                 STR_ARG(w->build_type));
    }
    if (w->scope_configuration != NULL) {
        return codebuild_invalid(err, "Webhooks of organizations and groups are not served "
                                      "(docs/limits.md): scopeConfiguration");
    }
    if (policy != NULL && !str_is(policy->requires_comment_approval, "DISABLED")) {
        return codebuild_invalid(err, "Approval of pull requests by comment is not served "
                                      "(docs/limits.md): pullRequestBuildPolicy takes DISABLED");
    }
    return forge_filter_check(c->arena, w, &why) < 0
               ? codebuild_invalid(err, "Invalid filter groups: %s", why.msg)
               : 0;
}

/* Filters come back with what AWS fills in. */
static void fill_in(struct call *c, struct codebuild_webhook *w) {
    struct codebuild_webhook_filter_list_list groups = {0};
    for (size_t i = 0; i < w->filter_groups.n; i++) {
        const struct codebuild_webhook_filter_list *from = &w->filter_groups.v[i];
        struct codebuild_webhook_filter_list *to = arena_push(c->arena, &groups);
        for (size_t k = 0; k < from->n; k++) {
            struct codebuild_webhook_filter *filter = arena_push(c->arena, to);
            *filter = from->v[k];
            filter->has_exclude_matched_pattern = true;
        }
    }
    w->filter_groups = groups;
}

static void new_secret(struct call *c, struct forge_webhook *row, struct codebuild_webhook *w) {
    w->secret = rng_hex(c->rng, c->arena, SECRET_DIGITS);
    w->last_modified_secret = c->now_ms;
    w->has_last_modified_secret = true;
    row->secret = seal_make(c->arena, c->rng, seal_context(c->arena, row->id), w->secret);
}

/* The row, without the secret that the answer may show. */
static int store(struct call *c, struct forge_webhook *row, const struct codebuild_webhook *w,
                 struct err *err) {
    struct codebuild_webhook kept = *w;
    kept.secret = STR_NONE;
    return to_json(c->arena, &kept, &row->body, err) < 0 ? -1 : forge_webhook_put(c->db, row, err);
}

static bool has_hooks(struct str source_type) {
    return source_is_git(source_type) && !str_is(source_type, "CODECOMMIT");
}

int codebuild_create_webhook(struct call *c, const struct codebuild_create_webhook_input *in,
                             struct codebuild_create_webhook_output *out, struct err *err) {
    struct codebuild_project *p = NULL;
    struct str name = codebuild_project_name(in->project_name);
    struct forge_webhook row = {.account = c->account, .region = c->region, .project = name};
    struct forge_webhook old;
    if (find_project(c, name, &p, err) < 0) {
        return -1;
    }
    int found = forge_webhook_get(c->db, c->arena, c->account, c->region, name, &old, err);
    if (found != 0) {
        return found < 0 ? -1
                         : err_api(err, &codebuild_ResourceAlreadyExistsException,
                                   "Webhook already exists for project " STR_FMT,
                                   STR_ARG(codebuild_project_arn(c, name)));
    }
    if (!has_hooks(p->source->type)) {
        return codebuild_invalid(err, "Webhooks are not supported for source type " STR_FMT,
                                 STR_ARG(p->source->type));
    }
    row.id = rng_hex(c->rng, c->arena, ID_DIGITS);
    struct codebuild_webhook w = {
        .payload_url = str_printf(c->arena, STR_FMT "/hooks/codebuild/" STR_FMT,
                                  STR_ARG(codebuild_flow()->url), STR_ARG(row.id)),
        .branch_filter = in->branch_filter.n > 0 ? in->branch_filter : STR_NONE,
        .filter_groups = in->filter_groups,
        .build_type = in->build_type,
        .manual_creation = in->manual_creation,
        .has_manual_creation = in->has_manual_creation,
        .scope_configuration = in->scope_configuration,
        .status = S("ACTIVE"),
        .pull_request_build_policy = in->pull_request_build_policy,
    };
    fill_in(c, &w);
    new_secret(c, &row, &w);
    out->webhook = arena_memdup(c->arena, &w, sizeof(w));
    return check(c, &w, err) < 0 ? -1 : store(c, &row, &w, err);
}

int codebuild_update_webhook(struct call *c, const struct codebuild_update_webhook_input *in,
                             struct codebuild_update_webhook_output *out, struct err *err) {
    struct codebuild_webhook *w = NULL;
    struct codebuild_project *p = NULL;
    struct forge_webhook row;
    struct str name = codebuild_project_name(in->project_name);
    if (find_project(c, name, &p, err) < 0 || find_webhook(c, name, &row, err) < 0 ||
        from_json(c->arena, row.body, &w, err) < 0) {
        return -1;
    }
    /* One form replaces the other; AWS takes an empty branchFilter for none. */
    if (in->branch_filter.p != NULL || in->filter_groups.v != NULL) {
        w->branch_filter = in->branch_filter.n > 0 ? in->branch_filter : STR_NONE;
        w->filter_groups = in->filter_groups;
        fill_in(c, w);
    }
    w->build_type = in->build_type.p != NULL ? in->build_type : w->build_type;
    w->pull_request_build_policy = in->pull_request_build_policy != NULL
                                       ? in->pull_request_build_policy
                                       : w->pull_request_build_policy;
    if (in->rotate_secret) {
        new_secret(c, &row, w);
    }
    out->webhook = w;
    return check(c, w, err) < 0 ? -1 : store(c, &row, w, err);
}

int codebuild_delete_webhook(struct call *c, const struct codebuild_delete_webhook_input *in,
                             struct codebuild_delete_webhook_output *out, struct err *err) {
    struct codebuild_project *p = NULL;
    struct forge_webhook row;
    struct str name = codebuild_project_name(in->project_name);
    (void)out;
    return find_project(c, name, &p, err) < 0 || find_webhook(c, name, &row, err) < 0
               ? -1
               : forge_webhook_delete(c->db, c->account, c->region, name, err);
}
