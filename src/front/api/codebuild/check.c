/* What CodeBuild refuses in a project, in its words, and what it fills in. */
#include "flow/build/source_plan.h"
#include "front/api/codebuild/codebuild.h"

enum { DEFAULT_TIMEOUT_MIN = 60, DEFAULT_QUEUED_MIN = 480, MAX_TAGS = 50, MAX_SECONDARY = 12 };

static bool good_name(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char ch = name.p[i];
        bool alphanumeric =
            (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
        if (!alphanumeric && !(i > 0 && (ch == '-' || ch == '_'))) {
            return false;
        }
    }
    return name.n >= 2 && name.n <= 150;
}

static bool is_git(struct str type) {
    return str_is(type, "GITHUB") || str_is(type, "GITHUB_ENTERPRISE") ||
           str_is(type, "BITBUCKET") || str_is(type, "GITLAB") ||
           str_is(type, "GITLAB_SELF_MANAGED");
}

static bool is_inline(struct str buildspec) {
    return str_find_c(buildspec, '\n', 0) != (size_t)-1 || str_starts(buildspec, S("version:")) ||
           str_starts(buildspec, S("{")) || str_starts(buildspec, S("arn:"));
}

static int check_source(struct arena *a, const struct codebuild_project_source *s,
                        struct err *err) {
    bool without = str_is(s->type, "CODEPIPELINE") || str_is(s->type, "NO_SOURCE");
    if (!without && s->location.n == 0) {
        return codebuild_invalid(err, "Project source location is required");
    }
    if (str_is(s->type, "NO_SOURCE") && !is_inline(s->buildspec)) {
        return codebuild_invalid(err, "Invalid buildspec: a project without source needs its "
                                      "buildspec as text");
    }
    if (s->has_report_build_status && s->report_build_status && !is_git(s->type)) {
        return codebuild_invalid(err,
                                 "Invalid input: reportBuildStatus is not supported for source "
                                 "type " STR_FMT,
                                 STR_ARG(s->type));
    }
    return source_check(a, s, err);
}

static int check_sources(struct arena *a, const struct codebuild_project *p, struct err *err) {
    if (check_source(a, p->source, err) < 0) {
        return -1;
    }
    if (p->secondary_sources.n > MAX_SECONDARY) {
        return codebuild_invalid(err, "Invalid input: at most %d secondary sources", MAX_SECONDARY);
    }
    for (size_t i = 0; i < p->secondary_sources.n; i++) {
        const struct codebuild_project_source *s = &p->secondary_sources.v[i];
        if (s->source_identifier.n == 0) {
            return codebuild_invalid(err, "Invalid secondary source: sourceIdentifier is required");
        }
        if (check_source(a, s, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int check_artifact(const struct codebuild_project_artifacts *a, struct err *err) {
    if (str_is(a->type, "NO_ARTIFACTS") && a->location.p != NULL) {
        return codebuild_invalid(
            err, "Invalid artifacts: artifact type NO_ARTIFACTS should have null location");
    }
    if (str_is(a->type, "S3") && a->location.n == 0) {
        return codebuild_invalid(err,
                                 "Invalid artifacts: location is required for artifact type S3");
    }
    return 0;
}

static int check_artifacts(const struct codebuild_project *p, struct err *err) {
    bool from_pipeline = str_is(p->source->type, "CODEPIPELINE");
    if (from_pipeline != str_is(p->artifacts->type, "CODEPIPELINE")) {
        return codebuild_invalid(err, "Invalid artifacts: source type CODEPIPELINE and artifact "
                                      "type CODEPIPELINE go together");
    }
    if (check_artifact(p->artifacts, err) < 0) {
        return -1;
    }
    if (p->secondary_artifacts.n > MAX_SECONDARY) {
        return codebuild_invalid(err, "Invalid input: at most %d secondary artifacts",
                                 MAX_SECONDARY);
    }
    for (size_t i = 0; i < p->secondary_artifacts.n; i++) {
        const struct codebuild_project_artifacts *a = &p->secondary_artifacts.v[i];
        if (a->artifact_identifier.n == 0 || str_is(a->type, "CODEPIPELINE")) {
            return codebuild_invalid(err, "Invalid secondary artifacts: artifactIdentifier is "
                                          "required, and type CODEPIPELINE not possible");
        }
        if (check_artifact(a, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int check_environment(struct call *c, struct codebuild_project_environment *e,
                             struct err *err) {
    if (e->image.n == 0) {
        return codebuild_invalid(err, "Invalid environment: image is required");
    }
    for (size_t i = 0; i < e->environment_variables.n; i++) {
        struct codebuild_environment_variable *v = &e->environment_variables.v[i];
        if (!buildspec_variable_name(v->name)) {
            return codebuild_invalid(err, "Invalid environment variable name: " STR_FMT,
                                     STR_ARG(v->name));
        }
        v->type = v->type.p ? v->type : S("PLAINTEXT");
    }
    if (e->environment_variables.v == NULL) {
        e->environment_variables.v = arena_alloc(c->arena, 0);
    }
    e->has_privileged_mode = true;
    e->image_pull_credentials_type =
        e->image_pull_credentials_type.p ? e->image_pull_credentials_type : S("CODEBUILD");
    return 0;
}

/* The role must be one of the caller's account that CodeBuild may assume. */
static int check_role(struct call *c, struct codebuild_project *p, struct err *err) {
    struct aws_arn arn;
    if (!aws_arn_parse(p->service_role, &arn) || !str_is(arn.service, "iam") ||
        !str_starts(arn.resource, S("role/"))) {
        return codebuild_invalid(err, "Invalid service role: " STR_FMT " is not the ARN of a role",
                                 STR_ARG(p->service_role));
    }
    if (!str_eq(arn.account, c->account)) {
        return codebuild_invalid(
            err, "Invalid service role: Service role account ID does not match caller's account");
    }
    const struct flow *f = codebuild_flow();
    struct aws_target target;
    if (f->world != NULL && aws_is_far(f->world, c->arena, arn.account)) {
        return 0; /* the first build tells: nobody waits for AWS while the store is held */
    }
    if (f->world != NULL && aws_assume(f->world, c->arena, S("codebuild.amazonaws.com"),
                                       p->service_role, S("AWSCodeBuild"), &target, err) < 0) {
        if (err->kind == ERR_SYSTEM || err->kind == ERR_INTERNAL || err->kind == ERR_UNAVAILABLE) {
            return -1;
        }
        return codebuild_invalid(
            err, "CodeBuild is not authorized to perform: sts:AssumeRole on " STR_FMT,
            STR_ARG(p->service_role));
    }
    return 0;
}

static void fill_in(struct call *c, struct codebuild_project *p) {
    if (!p->has_timeout_in_minutes) {
        p->timeout_in_minutes = DEFAULT_TIMEOUT_MIN;
        p->has_timeout_in_minutes = true;
    }
    if (!p->has_queued_timeout_in_minutes) {
        p->queued_timeout_in_minutes = DEFAULT_QUEUED_MIN;
        p->has_queued_timeout_in_minutes = true;
    }
    struct str alias = S("alias/");
    if (p->encryption_key.n == 0 || str_starts(p->encryption_key, alias)) {
        p->encryption_key =
            str_printf(c->arena, "arn:aws:kms:" STR_FMT ":" STR_FMT ":" STR_FMT, STR_ARG(c->region),
                       STR_ARG(c->account),
                       STR_ARG(p->encryption_key.n > 0 ? p->encryption_key : S("alias/aws/s3")));
    }
    if (p->cache == NULL) {
        p->cache = arena_new(c->arena, struct codebuild_project_cache);
        p->cache->type = S("NO_CACHE");
    }
    if (p->badge == NULL) {
        p->badge = arena_new(c->arena, struct codebuild_project_badge);
        p->badge->has_badge_enabled = true;
    }
    p->project_visibility = p->project_visibility.p ? p->project_visibility : S("PRIVATE");
    void *none = arena_alloc(c->arena, 0);
    p->secondary_sources.v = p->secondary_sources.v ? p->secondary_sources.v : none;
    p->secondary_source_versions.v =
        p->secondary_source_versions.v ? p->secondary_source_versions.v : none;
    p->secondary_artifacts.v = p->secondary_artifacts.v ? p->secondary_artifacts.v : none;
    p->tags.v = p->tags.v ? p->tags.v : none;
}

int codebuild_check_project(struct call *c, struct codebuild_project *p, struct err *err) {
    if (!good_name(p->name)) {
        return codebuild_invalid(
            err, "Only alphanumeric characters, dash, and underscore are supported");
    }
    if (p->tags.n > MAX_TAGS) {
        return codebuild_invalid(err, "Invalid tags: at most %d", MAX_TAGS);
    }
    if (p->badge != NULL && p->badge->badge_enabled && str_is(p->source->type, "CODEPIPELINE")) {
        return codebuild_invalid(err,
                                 "Build badges are not supported for source type CODEPIPELINE");
    }
    if (check_sources(c->arena, p, err) < 0 || check_artifacts(p, err) < 0 ||
        check_environment(c, p->environment, err) < 0 || codebuild_check_settings(p, err) < 0 ||
        check_role(c, p, err) < 0) {
        return -1;
    }
    fill_in(c, p);
    return 0;
}
