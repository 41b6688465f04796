/* Builds: start with overrides, stop, get, list. */
#include "aws/proto/proto.h"
#include "front/api/codebuild/codebuild.h"
#include "platform/crypto/hash.h"

/* Overrides over the project, field by field; variables are merged by name. */
static void override_source(struct call *c, struct codebuild_project *p,
                            const struct codebuild_start_build_input *in) {
    struct codebuild_project_source *s = arena_memdup(c->arena, p->source, sizeof(*p->source));
    s->type = in->source_type_override.p ? in->source_type_override : s->type;
    s->location = in->source_location_override.p ? in->source_location_override : s->location;
    s->auth = in->source_auth_override ? in->source_auth_override : s->auth;
    s->buildspec = in->buildspec_override.p ? in->buildspec_override : s->buildspec;
    if (in->has_git_clone_depth_override) {
        s->git_clone_depth = in->git_clone_depth_override;
        s->has_git_clone_depth = true;
    }
    p->source = s;
    p->source_version = in->source_version.p ? in->source_version : p->source_version;
    if (in->secondary_sources_override.v != NULL) {
        p->secondary_sources = in->secondary_sources_override;
    }
    if (in->secondary_sources_version_override.v != NULL) {
        p->secondary_source_versions = in->secondary_sources_version_override;
    }
}

static void override_variables(struct call *c, struct codebuild_project_environment *e,
                               const struct codebuild_environment_variable_list *over) {
    struct codebuild_environment_variable_list all = {0};
    for (size_t i = 0; i < e->environment_variables.n; i++) {
        *arena_push(c->arena, &all) = e->environment_variables.v[i];
    }
    for (size_t i = 0; i < over->n; i++) {
        struct codebuild_environment_variable var = over->v[i];
        struct codebuild_environment_variable *place = NULL;
        for (size_t k = 0; k < all.n && place == NULL; k++) {
            place = str_eq(all.v[k].name, var.name) ? &all.v[k] : NULL;
        }
        var.type = var.type.p ? var.type : S("PLAINTEXT");
        *(place ? place : arena_push(c->arena, &all)) = var;
    }
    e->environment_variables = all;
}

static void override_environment(struct call *c, struct codebuild_project *p,
                                 const struct codebuild_start_build_input *in) {
    struct codebuild_project_environment *e =
        arena_memdup(c->arena, p->environment, sizeof(*p->environment));
    e->type = in->environment_type_override.p ? in->environment_type_override : e->type;
    e->image = in->image_override.p ? in->image_override : e->image;
    e->compute_type = in->compute_type_override.p ? in->compute_type_override : e->compute_type;
    e->certificate = in->certificate_override.p ? in->certificate_override : e->certificate;
    e->image_pull_credentials_type = in->image_pull_credentials_type_override.p
                                         ? in->image_pull_credentials_type_override
                                         : e->image_pull_credentials_type;
    e->registry_credential = in->registry_credential_override ? in->registry_credential_override
                                                              : e->registry_credential;
    if (in->has_privileged_mode_override) {
        e->privileged_mode = in->privileged_mode_override;
    }
    override_variables(c, e, &in->environment_variables_override);
    p->environment = e;
}

static void override_rest(struct codebuild_project *p,
                          const struct codebuild_start_build_input *in) {
    p->artifacts = in->artifacts_override ? in->artifacts_override : p->artifacts;
    if (in->secondary_artifacts_override.v != NULL) {
        p->secondary_artifacts = in->secondary_artifacts_override;
    }
    p->cache = in->cache_override ? in->cache_override : p->cache;
    p->service_role = in->service_role_override.p ? in->service_role_override : p->service_role;
    p->logs_config = in->logs_config_override ? in->logs_config_override : p->logs_config;
    p->encryption_key =
        in->encryption_key_override.p ? in->encryption_key_override : p->encryption_key;
    if (in->has_auto_retry_limit_override) {
        p->auto_retry_limit = in->auto_retry_limit_override;
        p->has_auto_retry_limit = true;
    }
    if (in->has_timeout_in_minutes_override) {
        p->timeout_in_minutes = in->timeout_in_minutes_override;
    }
    if (in->has_queued_timeout_in_minutes_override) {
        p->queued_timeout_in_minutes = in->queued_timeout_in_minutes_override;
    }
}

void codebuild_override(struct call *c, struct codebuild_project *p,
                        const struct codebuild_start_build_input *in) {
    override_source(c, p, in);
    override_environment(c, p, in);
    override_rest(p, in);
}

struct str codebuild_initiator(const struct call *c) {
    const struct aws_principal *p = c->principal;
    struct str source = p->kind == AWS_PRINCIPAL_ROLE ? p->role_arn : p->arn;
    size_t slash = str_rfind_c(source, '/');
    struct str name = slash == (size_t)-1 ? source : str_sub(source, slash + 1, source.n);
    if (p->kind == AWS_PRINCIPAL_ROLE) {
        return str_printf(c->arena, STR_FMT "/" STR_FMT, STR_ARG(name), STR_ARG(p->session_name));
    }
    return p->kind == AWS_PRINCIPAL_ROOT ? S("root") : name;
}

static int request_digest(struct call *c, const struct codebuild_start_build_input *in,
                          struct str *ret, struct err *err) {
    struct proto_message m = {0};
    if (proto_encode_request(c->arena, SHAPE_JSON_1_1, &codebuild_op_start_build, in, &m, err) <
        0) {
        return -1;
    }
    *ret = crypto_sha256_hex(c->arena, m.body);
    return 0;
}

static int answer_with(struct call *c, struct str uuid, struct codebuild_build **ret,
                       struct err *err) {
    struct build_row row;
    int found = build_load(c->db, c->arena, uuid, &row, err);
    if (found <= 0) {
        return found < 0 ? -1 : err_set(err, ERR_INTERNAL, "the build is gone");
    }
    return codebuild_show_build(c, &row, ret, err);
}

/* 1: the same request was answered before, with this build. */
static int answered_before(struct call *c, struct str project,
                           const struct codebuild_start_build_input *in, struct str digest,
                           struct str *ret_uuid, struct err *err) {
    struct str old = STR_NONE;
    if (in->idempotency_token.n == 0) {
        return 0;
    }
    int found = build_by_token(c->db, c->arena, c->account, c->region, project,
                               in->idempotency_token, ret_uuid, &old, err);
    if (found > 0 && !str_eq(old, digest)) {
        return codebuild_invalid(err, "Request parameter mismatch for idempotency token " STR_FMT,
                                 STR_ARG(in->idempotency_token));
    }
    return found;
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

int codebuild_start_build(struct call *c, const struct codebuild_start_build_input *in,
                          struct codebuild_start_build_output *out, struct err *err) {
    struct codebuild_project *p = NULL;
    struct str name = codebuild_project_name(in->project_name);
    struct str digest = STR_NONE;
    struct str uuid = STR_NONE;
    if (codebuild_load_project(c, name, &p, err) < 0 || request_digest(c, in, &digest, err) < 0) {
        return -1;
    }
    int known = answered_before(c, name, in, digest, &uuid, err);
    if (known != 0) {
        return known < 0 ? -1 : answer_with(c, uuid, &out->build, err);
    }
    codebuild_override(c, p, in);
    if (codebuild_check_project(c, p, err) < 0) {
        return -1;
    }
    struct build_making making = {
        .account = c->account,
        .region = c->region,
        .project = p,
        .initiator = codebuild_initiator(c),
        .token = in->idempotency_token.n > 0 ? in->idempotency_token : STR_NONE,
        .token_digest = digest,
    };
    return build_make(codebuild_flow(), c->arena, &making, &uuid, err) < 0
               ? -1
               : answer_with(c, uuid, &out->build, err);
}

int codebuild_stop_build(struct call *c, const struct codebuild_stop_build_input *in,
                         struct codebuild_stop_build_output *out, struct err *err) {
    struct build_row row;
    if (codebuild_build_uuid(in->id).p == NULL) {
        return codebuild_invalid(err, "Invalid build ID provided");
    }
    int found = codebuild_find_build(c, in->id, &row, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_api(err, &codebuild_ResourceNotFoundException,
                                   "Build " STR_FMT " does not exist", STR_ARG(in->id));
    }
    return build_stop(codebuild_flow(), row.uuid, err) < 0
               ? -1
               : codebuild_show_build(c, &row, &out->build, err);
}

int codebuild_batch_get_builds(struct call *c, const struct codebuild_batch_get_builds_input *in,
                               struct codebuild_batch_get_builds_output *out, struct err *err) {
    out->builds.v = arena_alloc(c->arena, 0);
    out->builds_not_found.v = arena_alloc(c->arena, 0);
    struct {
        struct codebuild_build *v;
        size_t n;
    } list = {0};
    struct str_list missing = {0};
    for (size_t i = 0; i < in->ids.n; i++) {
        struct build_row row;
        struct codebuild_build *b = NULL;
        int found = codebuild_find_build(c, in->ids.v[i], &row, err);
        if (found < 0 || (found > 0 && codebuild_show_build(c, &row, &b, err) < 0)) {
            return -1;
        }
        if (found > 0) {
            *arena_push(c->arena, &list) = *b;
        } else {
            *arena_push(c->arena, &missing) = in->ids.v[i];
        }
    }
    if (list.n > 0) {
        out->builds.v = list.v;
        out->builds.n = list.n;
    }
    if (missing.n > 0) {
        out->builds_not_found = missing;
    }
    return 0;
}

/* A page of ids, newest first unless asked otherwise. */
static int list(struct call *c, struct str project, struct str order, struct str token,
                struct str_list *ret, struct str *ret_token, struct err *err) {
    int64_t after = 0;
    int64_t last = 0;
    if (codebuild_token_read(c, token, &after, err) < 0 ||
        build_list(c->db, c->arena, c->account, c->region, project, !str_is(order, "ASCENDING"),
                   after, CODEBUILD_PAGE, ret, &last, err) < 0) {
        return -1;
    }
    if (ret->n == CODEBUILD_PAGE) {
        struct str_list more;
        int64_t ignored = 0;
        if (build_list(c->db, c->arena, c->account, c->region, project, !str_is(order, "ASCENDING"),
                       last, 1, &more, &ignored, err) < 0) {
            return -1;
        }
        *ret_token = more.n > 0 ? codebuild_token_make(c, last) : STR_NONE;
    }
    return 0;
}

int codebuild_list_builds(struct call *c, const struct codebuild_list_builds_input *in,
                          struct codebuild_list_builds_output *out, struct err *err) {
    return list(c, STR_NONE, in->sort_order, in->next_token, &out->ids, &out->next_token, err);
}

int codebuild_list_builds_for_project(struct call *c,
                                      const struct codebuild_list_builds_for_project_input *in,
                                      struct codebuild_list_builds_for_project_output *out,
                                      struct err *err) {
    struct project_row row;
    struct str name = codebuild_project_name(in->project_name);
    if (list(c, name, in->sort_order, in->next_token, &out->ids, &out->next_token, err) < 0) {
        return -1;
    }
    int found =
        out->ids.n > 0 ? 1 : project_get(c->db, c->arena, c->account, c->region, name, &row, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_api(err, &codebuild_ResourceNotFoundException,
                                   "The provided project " STR_FMT " does not exist",
                                   STR_ARG(codebuild_project_arn(c, name)));
    }
    return 0;
}
