/* What StartBuild overrides of a project, field by field; variables are merged by name. The result
 * is checked as a project is. */
#include "front/api/codebuild/codebuild.h"

#define OVERRIDE_STR(to, from) (to) = (from).p ? (from) : (to)
#define OVERRIDE_PTR(to, from) (to) = (from) ? (from) : (to)
#define OVERRIDE_LIST(to, from)                                                                    \
    if ((from).v != NULL) {                                                                        \
        (to) = (from);                                                                             \
    }
#define OVERRIDE_VALUE(to, field, in)                                                              \
    if ((in)->has_##field##_override) {                                                            \
        (to)->field = (in)->field##_override;                                                      \
        (to)->has_##field = true;                                                                  \
    }

static void override_source(struct call *c, struct codebuild_project *p,
                            const struct codebuild_start_build_input *in) {
    struct codebuild_project_source *s = arena_memdup(c->arena, p->source, sizeof(*p->source));
    OVERRIDE_STR(s->type, in->source_type_override);
    OVERRIDE_STR(s->location, in->source_location_override);
    OVERRIDE_STR(s->buildspec, in->buildspec_override);
    OVERRIDE_PTR(s->auth, in->source_auth_override);
    OVERRIDE_PTR(s->git_submodules_config, in->git_submodules_config_override);
    OVERRIDE_PTR(s->build_status_config, in->build_status_config_override);
    OVERRIDE_VALUE(s, git_clone_depth, in)
    OVERRIDE_VALUE(s, insecure_ssl, in)
    OVERRIDE_VALUE(s, report_build_status, in)
    p->source = s;
    OVERRIDE_STR(p->source_version, in->source_version);
    OVERRIDE_LIST(p->secondary_sources, in->secondary_sources_override)
    OVERRIDE_LIST(p->secondary_source_versions, in->secondary_sources_version_override)
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
    OVERRIDE_STR(e->type, in->environment_type_override);
    OVERRIDE_STR(e->image, in->image_override);
    OVERRIDE_STR(e->compute_type, in->compute_type_override);
    OVERRIDE_STR(e->certificate, in->certificate_override);
    OVERRIDE_STR(e->image_pull_credentials_type, in->image_pull_credentials_type_override);
    OVERRIDE_PTR(e->registry_credential, in->registry_credential_override);
    OVERRIDE_PTR(e->fleet, in->fleet_override);
    OVERRIDE_VALUE(e, privileged_mode, in)
    override_variables(c, e, &in->environment_variables_override);
    p->environment = e;
}

void codebuild_override(struct call *c, struct codebuild_project *p,
                        const struct codebuild_start_build_input *in) {
    override_source(c, p, in);
    override_environment(c, p, in);
    OVERRIDE_PTR(p->artifacts, in->artifacts_override);
    OVERRIDE_LIST(p->secondary_artifacts, in->secondary_artifacts_override)
    OVERRIDE_PTR(p->cache, in->cache_override);
    OVERRIDE_PTR(p->logs_config, in->logs_config_override);
    OVERRIDE_STR(p->service_role, in->service_role_override);
    OVERRIDE_STR(p->encryption_key, in->encryption_key_override);
    OVERRIDE_VALUE(p, timeout_in_minutes, in)
    OVERRIDE_VALUE(p, queued_timeout_in_minutes, in)
    OVERRIDE_VALUE(p, auto_retry_limit, in)
}
