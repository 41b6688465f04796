/*
 * What CodeBuild refuses in a project beside its source, artifacts and role: settings that exclude
 * each other, need each other, or are not served here. Lengths, ranges and enums are the model's
 * (aws/proto/check.c). Where AWS's sentence is not known, ours says which field and what to do.
 */
#include "front/api/codebuild/codebuild.h"

enum { IDENTIFIER_MAX = 127, BATCH_MIN = 5, BATCH_MAX = 2160, BATCH_BUILDS_MAX = 100 };

static bool good_identifier(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
              ch == '_')) {
            return false;
        }
    }
    return s.n > 0 && s.n <= IDENTIFIER_MAX;
}

static int check_identifier(struct str id, const char *what, struct err *err) {
    return good_identifier(id)
               ? 0
               : codebuild_invalid(err,
                                   "Invalid %s: " STR_FMT
                                   ", only up to %d alphanumeric characters and underscore are "
                                   "supported",
                                   what, STR_ARG(id), IDENTIFIER_MAX);
}

static bool has_source(const struct codebuild_project *p, struct str id) {
    for (size_t i = 0; i < p->secondary_sources.n; i++) {
        if (str_eq(p->secondary_sources.v[i].source_identifier, id)) {
            return true;
        }
    }
    return false;
}

static int check_sources(const struct codebuild_project *p, struct err *err) {
    const struct codebuild_project_source *s = p->source;
    if (s->build_status_config != NULL && !str_is(s->type, "GITHUB") &&
        !str_is(s->type, "GITHUB_ENTERPRISE") && !str_is(s->type, "BITBUCKET")) {
        return codebuild_invalid(err,
                                 "Invalid input: buildStatusConfig is not supported for source "
                                 "type " STR_FMT,
                                 STR_ARG(s->type));
    }
    for (size_t i = 0; i < p->secondary_sources.n; i++) {
        struct str id = p->secondary_sources.v[i].source_identifier;
        if (check_identifier(id, "sourceIdentifier", err) < 0) {
            return -1;
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(p->secondary_sources.v[k].source_identifier, id)) {
                return codebuild_invalid(
                    err, "Invalid secondary source: sourceIdentifier " STR_FMT " is used twice",
                    STR_ARG(id));
            }
        }
    }
    for (size_t i = 0; i < p->secondary_source_versions.n; i++) {
        struct str id = p->secondary_source_versions.v[i].source_identifier;
        if (!has_source(p, id)) {
            return codebuild_invalid(err,
                                     "Invalid secondary source version: there is no secondary "
                                     "source " STR_FMT,
                                     STR_ARG(id));
        }
    }
    return 0;
}

static int check_artifacts(const struct codebuild_project *p, struct err *err) {
    if (p->artifacts->encryption_disabled && !str_is(p->artifacts->type, "S3")) {
        return codebuild_invalid(err, "Invalid artifacts: encryptionDisabled is only supported for "
                                      "artifact type S3");
    }
    for (size_t i = 0; i < p->secondary_artifacts.n; i++) {
        const struct codebuild_project_artifacts *a = &p->secondary_artifacts.v[i];
        if (check_identifier(a->artifact_identifier, "artifactIdentifier", err) < 0) {
            return -1;
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(p->secondary_artifacts.v[k].artifact_identifier, a->artifact_identifier)) {
                return codebuild_invalid(err,
                                         "Invalid secondary artifacts: artifactIdentifier " STR_FMT
                                         " is used twice",
                                         STR_ARG(a->artifact_identifier));
            }
        }
    }
    return 0;
}

static bool is_ecr(struct str image) {
    return str_find(image, S(".dkr.ecr."), 0) != (size_t)-1;
}

static int check_credentials(const struct codebuild_project_environment *e, struct err *err) {
    bool curated = str_starts(e->image, S("aws/codebuild/"));
    bool by_role = str_is(e->image_pull_credentials_type, "SERVICE_ROLE");
    if (curated && by_role) {
        return codebuild_invalid(err,
                                 "Invalid environment: imagePullCredentialsType must be CODEBUILD "
                                 "for the curated image " STR_FMT,
                                 STR_ARG(e->image));
    }
    if (e->registry_credential == NULL) {
        return 0;
    }
    if (!by_role) {
        return codebuild_invalid(err, "Invalid environment: registryCredential requires "
                                      "imagePullCredentialsType SERVICE_ROLE");
    }
    return is_ecr(e->image) ? codebuild_invalid(err, "Invalid environment: registryCredential can "
                                                     "not be used with an Amazon ECR image")
                            : 0;
}

static int check_environment(const struct codebuild_project_environment *e, struct err *err) {
    bool lambda = str_ends(e->type, S("_LAMBDA_CONTAINER"));
    if (lambda != str_starts(e->compute_type, S("BUILD_LAMBDA_"))) {
        return codebuild_invalid(err, "Invalid compute type provided: " STR_FMT,
                                 STR_ARG(e->compute_type));
    }
    if (e->fleet != NULL && e->fleet->fleet_arn.n > 0) {
        return codebuild_invalid(err, "Invalid fleet: fleets are not available here; leave fleet "
                                      "out of the environment");
    }
    if (lambda && e->privileged_mode) {
        return codebuild_invalid(err,
                                 "Invalid environment: privilegedMode is not supported for "
                                 "type " STR_FMT,
                                 STR_ARG(e->type));
    }
    return check_credentials(e, err);
}

static int check_cache(const struct codebuild_project *p, struct err *err) {
    const struct codebuild_project_cache *c = p->cache;
    if (c == NULL || str_is(c->type, "NO_CACHE")) {
        return 0;
    }
    if (str_is(c->type, "S3")) {
        return c->location.n > 0
                   ? 0
                   : codebuild_invalid(err, "Invalid cache: location is required for cache type "
                                            "S3");
    }
    if (c->modes.n == 0) {
        return codebuild_invalid(err, "Invalid cache: at least one mode is required for cache type "
                                      "LOCAL");
    }
    if (str_list_has(&c->modes, S("LOCAL_DOCKER_LAYER_CACHE")) &&
        !p->environment->privileged_mode) {
        return codebuild_invalid(err, "Invalid cache: LOCAL_DOCKER_LAYER_CACHE requires privileged "
                                      "mode to be enabled");
    }
    return 0;
}

static int check_logs(const struct codebuild_logs_config *logs, struct err *err) {
    bool s3 = logs != NULL && logs->s3_logs != NULL && str_is(logs->s3_logs->status, "ENABLED");
    return !s3 || logs->s3_logs->location.n > 0
               ? 0
               : codebuild_invalid(err, "Invalid logs config: location is required for S3 logs");
}

static int check_vpc(const struct codebuild_vpc_config *vpc, struct err *err) {
    if (vpc == NULL) {
        return 0;
    }
    bool none = vpc->vpc_id.n == 0 && vpc->subnets.n == 0 && vpc->security_group_ids.n == 0;
    bool whole = vpc->vpc_id.n > 0 && vpc->subnets.n > 0 && vpc->security_group_ids.n > 0;
    return none || whole ? 0
                         : codebuild_invalid(err, "Invalid vpc config: vpcId, subnets and "
                                                  "securityGroupIds are all required");
}

static int check_tags(const struct codebuild_tag_list *tags, struct err *err) {
    for (size_t i = 0; i < tags->n; i++) {
        if (str_ieq(str_sub(tags->v[i].key, 0, 4), S("aws:"))) {
            return codebuild_invalid(err,
                                     "Invalid tags: " STR_FMT ", keys that begin with aws: "
                                     "are reserved",
                                     STR_ARG(tags->v[i].key));
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(tags->v[k].key, tags->v[i].key)) {
                return codebuild_invalid(err, "Invalid tags: key " STR_FMT " is used twice",
                                         STR_ARG(tags->v[i].key));
            }
        }
    }
    return 0;
}

static int check_batch(const struct codebuild_project_build_batch_config *b, struct err *err) {
    if (b == NULL) {
        return 0;
    }
    if (b->has_timeout_in_mins &&
        (b->timeout_in_mins < BATCH_MIN || b->timeout_in_mins > BATCH_MAX)) {
        return codebuild_invalid(err,
                                 "Invalid batch config: timeoutInMins must be between %d and "
                                 "%d",
                                 BATCH_MIN, BATCH_MAX);
    }
    const struct codebuild_batch_restrictions *r = b->restrictions;
    bool outside = r != NULL && r->has_maximum_builds_allowed &&
                   (r->maximum_builds_allowed < 1 || r->maximum_builds_allowed > BATCH_BUILDS_MAX);
    return outside ? codebuild_invalid(err,
                                       "Invalid batch config: maximumBuildsAllowed must be between "
                                       "1 and %d",
                                       BATCH_BUILDS_MAX)
                   : 0;
}

static int check_limits(const struct codebuild_project *p, struct err *err) {
    if (p->has_concurrent_build_limit && p->concurrent_build_limit < 1) {
        return codebuild_invalid(err, "Invalid project concurrent build limit: it must be greater "
                                      "than 0");
    }
    if (p->has_auto_retry_limit && p->auto_retry_limit < 0) {
        return codebuild_invalid(err, "Invalid auto retry limit: it must not be negative");
    }
    struct str key = p->encryption_key;
    return key.n == 0 || str_starts(key, S("arn:")) || str_starts(key, S("alias/"))
               ? 0
               : codebuild_invalid(err,
                                   "Invalid encryption key: " STR_FMT
                                   ", it must be the ARN of a key, or alias/NAME",
                                   STR_ARG(key));
}

int codebuild_check_settings(const struct codebuild_project *p, struct err *err) {
    return check_sources(p, err) < 0 || check_artifacts(p, err) < 0 ||
                   check_environment(p->environment, err) < 0 || check_cache(p, err) < 0 ||
                   check_logs(p->logs_config, err) < 0 || check_vpc(p->vpc_config, err) < 0 ||
                   check_tags(&p->tags, err) < 0 || check_batch(p->build_batch_config, err) < 0 ||
                   check_limits(p, err) < 0
               ? -1
               : 0;
}
