/* Projects: create, update, delete, get, list. */
#include "flow/build/share_store.h"
#include "front/api/codebuild/badge.h"
#include "front/api/codebuild/webhooks.h"

int codebuild_store_project(struct call *c, const struct codebuild_project *p, struct err *err) {
    struct project_row row = {.account = c->account,
                              .region = c->region,
                              .name = p->name,
                              .created_ms = p->created,
                              .modified_ms = p->last_modified};
    return project_to_json(c->arena, p, &row.body, err) < 0 ? -1 : project_put(c->db, &row, err);
}

static struct codebuild_project_badge *badge(struct call *c, struct str project, bool enabled) {
    struct codebuild_project_badge *b = arena_new(c->arena, struct codebuild_project_badge);
    b->badge_enabled = enabled;
    b->has_badge_enabled = true;
    b->badge_request_url = enabled ? badge_url(c->arena, c, project) : STR_NONE;
    return b;
}

int codebuild_create_project(struct call *c, const struct codebuild_create_project_input *in,
                             struct codebuild_create_project_output *out, struct err *err) {
    struct project_row old;
    int found = project_get(c->db, c->arena, c->account, c->region, in->name, &old, err);
    if (found != 0) {
        return found < 0 ? -1
                         : err_api(err, &codebuild_ResourceAlreadyExistsException,
                                   "Project already exists: " STR_FMT,
                                   STR_ARG(codebuild_project_arn(c, in->name)));
    }
    struct codebuild_project *p = arena_new(c->arena, struct codebuild_project);
    *p = (struct codebuild_project){
        .name = in->name,
        .arn = codebuild_project_arn(c, in->name),
        .description = in->description,
        .source = in->source,
        .secondary_sources = in->secondary_sources,
        .source_version = in->source_version,
        .secondary_source_versions = in->secondary_source_versions,
        .artifacts = in->artifacts,
        .secondary_artifacts = in->secondary_artifacts,
        .cache = in->cache,
        .environment = in->environment,
        .service_role = in->service_role,
        .timeout_in_minutes = in->timeout_in_minutes,
        .has_timeout_in_minutes = in->has_timeout_in_minutes,
        .queued_timeout_in_minutes = in->queued_timeout_in_minutes,
        .has_queued_timeout_in_minutes = in->has_queued_timeout_in_minutes,
        .encryption_key = in->encryption_key,
        .tags = in->tags,
        .created = c->now_ms,
        .has_created = true,
        .last_modified = c->now_ms,
        .has_last_modified = true,
        .vpc_config = in->vpc_config,
        .badge = badge(c, in->name, in->badge_enabled),
        .logs_config = in->logs_config,
        .file_system_locations = in->file_system_locations,
        .build_batch_config = in->build_batch_config,
        .concurrent_build_limit = in->concurrent_build_limit,
        .has_concurrent_build_limit = in->has_concurrent_build_limit,
        .auto_retry_limit = in->auto_retry_limit,
        .has_auto_retry_limit = in->has_auto_retry_limit,
    };
    out->project = p;
    return codebuild_check_project(c, p, err) < 0 ? -1 : codebuild_store_project(c, p, err);
}

/* Fields that the request has replace those that are stored. */
static void overlay(struct call *c, struct codebuild_project *p,
                    const struct codebuild_update_project_input *in) {
#define TAKE_STR(field) p->field = in->field.p ? in->field : p->field
#define TAKE_PTR_(field) p->field = in->field ? in->field : p->field
#define TAKE_LIST(field)                                                                           \
    if (in->field.v != NULL) {                                                                     \
        p->field = in->field;                                                                      \
    }
#define TAKE_NUMBER(field)                                                                         \
    if (in->has_##field) {                                                                         \
        p->field = in->field;                                                                      \
        p->has_##field = true;                                                                     \
    }
    TAKE_STR(description);
    TAKE_STR(source_version);
    TAKE_STR(service_role);
    TAKE_STR(encryption_key);
    TAKE_PTR_(source);
    TAKE_PTR_(artifacts);
    TAKE_PTR_(cache);
    TAKE_PTR_(environment);
    TAKE_PTR_(vpc_config);
    TAKE_PTR_(logs_config);
    TAKE_PTR_(build_batch_config);
    TAKE_LIST(secondary_sources)
    TAKE_LIST(secondary_source_versions)
    TAKE_LIST(secondary_artifacts)
    TAKE_LIST(tags)
    TAKE_LIST(file_system_locations)
    TAKE_NUMBER(timeout_in_minutes)
    TAKE_NUMBER(queued_timeout_in_minutes)
    TAKE_NUMBER(concurrent_build_limit)
    TAKE_NUMBER(auto_retry_limit)
#undef TAKE_STR
#undef TAKE_PTR_
#undef TAKE_LIST
#undef TAKE_NUMBER
    if (in->has_badge_enabled) {
        p->badge = badge(c, in->name, in->badge_enabled);
    }
    if (p->has_concurrent_build_limit && p->concurrent_build_limit < 0) {
        p->has_concurrent_build_limit = false;
    }
}

int codebuild_load_project(struct call *c, struct str name, struct codebuild_project **ret,
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

int codebuild_update_project(struct call *c, const struct codebuild_update_project_input *in,
                             struct codebuild_update_project_output *out, struct err *err) {
    if (codebuild_load_project(c, in->name, &out->project, err) < 0) {
        return -1;
    }
    overlay(c, out->project, in);
    out->project->last_modified = c->now_ms;
    return codebuild_check_project(c, out->project, err) < 0 ||
                   codebuild_store_project(c, out->project, err) < 0
               ? -1
               : webhook_attach(c, out->project, err);
}

int codebuild_delete_project(struct call *c, const struct codebuild_delete_project_input *in,
                             struct codebuild_delete_project_output *out, struct err *err) {
    struct str name = codebuild_project_name(in->name);
    struct project_row row;
    (void)out;
    int found = project_get(c->db, c->arena, c->account, c->region, name, &row, err);
    if (found < 0 ||
        (found > 0 && project_cache_invalidate(c->db, c->account, c->region, name, err) < 0)) {
        return -1;
    }
    return forge_webhook_delete(c->db, c->account, c->region, name, err) < 0 ||
                   share_delete(c->db, codebuild_project_arn(c, name), err) < 0
               ? -1
               : project_delete(c->db, c->account, c->region, name, err);
}

int codebuild_batch_get_projects(struct call *c,
                                 const struct codebuild_batch_get_projects_input *in,
                                 struct codebuild_batch_get_projects_output *out, struct err *err) {
    out->projects.v = arena_alloc(c->arena, 0);
    out->projects_not_found.v = arena_alloc(c->arena, 0);
    struct {
        struct codebuild_project *v;
        size_t n;
    } list = {0};
    struct str_list missing = {0};
    for (size_t i = 0; i < in->names.n; i++) {
        struct project_row row;
        struct codebuild_project *p = NULL;
        struct str name = codebuild_project_name(in->names.v[i]);
        struct str owner = codebuild_owner(c, in->names.v[i]);
        int found = project_get(c->db, c->arena, owner, c->region, name, &row, err);
        if (found < 0 || (found > 0 && project_from_json(c->arena, row.body, &p, err) < 0)) {
            return -1;
        }
        if (found > 0 && webhook_attach(c, p, err) < 0) {
            return -1;
        }
        if (found > 0) {
            *arena_push(c->arena, &list) = *p;
        } else {
            *arena_push(c->arena, &missing) = in->names.v[i];
        }
    }
    if (list.n > 0) {
        out->projects.v = list.v;
        out->projects.n = list.n;
    }
    if (missing.n > 0) {
        out->projects_not_found = missing;
    }
    return 0;
}

int codebuild_list_projects(struct call *c, const struct codebuild_list_projects_input *in,
                            struct codebuild_list_projects_output *out, struct err *err) {
    int64_t offset = 0;
    enum project_order order = str_is(in->sort_by, "CREATED_TIME")         ? PROJECTS_BY_CREATED
                               : str_is(in->sort_by, "LAST_MODIFIED_TIME") ? PROJECTS_BY_MODIFIED
                                                                           : PROJECTS_BY_NAME;
    if (codebuild_token_read(c, in->next_token, &offset, err) < 0 ||
        project_list(c->db, c->arena, c->account, c->region, order,
                     str_is(in->sort_order, "DESCENDING"), offset, CODEBUILD_PAGE + 1,
                     &out->projects, err) < 0) {
        return -1;
    }
    if (out->projects.n > CODEBUILD_PAGE) {
        out->projects.n = CODEBUILD_PAGE;
        out->next_token = codebuild_token_make(c, offset + CODEBUILD_PAGE);
    }
    return 0;
}
