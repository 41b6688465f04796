/* Implementation of source_plan.h. */
#include "flow/build/source_plan.h"

#include "flow/checkout/address.h"

static int invalid(struct err *err, const char *what, struct str value) {
    return err_api(err, &codebuild_InvalidInputException, "%s" STR_FMT, what, STR_ARG(value));
}

/* Types of git hosts; where AWS knows the host, a location elsewhere would send the account's
 * credential to a stranger. */
static const struct {
    const char *type;
    const char *host; /* NULL = any */
} hosts[] = {
    {"GITHUB", "github.com"},      {"GITHUB_ENTERPRISE", NULL},    {"GITLAB", "gitlab.com"},
    {"GITLAB_SELF_MANAGED", NULL}, {"BITBUCKET", "bitbucket.org"}, {"CODECOMMIT", NULL},
};

static const char *host_of(struct str type, bool *ret_known) {
    *ret_known = false;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        if (str_is(type, hosts[i].type)) {
            *ret_known = true;
            return hosts[i].host;
        }
    }
    return NULL;
}

bool source_is_git(struct str type) {
    bool known = false;
    (void)host_of(type, &known);
    return known;
}

int source_check(struct arena *a, const struct codebuild_project_source *source, struct err *err) {
    struct address at;
    bool git = false;
    const char *host = host_of(source->type, &git);
    if (!git) {
        return 0;
    }
    struct err why = ERR_INIT;
    if (address_parse(a, source->location, &at, &why) < 0) {
        return err_api(err, &codebuild_InvalidInputException, "Invalid project source: %s",
                       why.msg);
    }
    if (at.password.p != NULL) {
        return err_api(err, &codebuild_InvalidInputException,
                       "Invalid project source: the location holds a password; use "
                       "ImportSourceCredentials");
    }
    if (host != NULL && !str_is(at.host, host)) {
        return err_api(err, &codebuild_InvalidInputException,
                       "Invalid project source: a " STR_FMT " repository is at https://%s/",
                       STR_ARG(source->type), host);
    }
    if (address_repository(&at).n == 0) {
        return invalid(err, "Invalid project source: no repository in ", source->location);
    }
    return source->has_git_clone_depth && source->git_clone_depth < 0
               ? err_api(err, &codebuild_InvalidInputException,
                         "Invalid project source: gitCloneDepth is negative")
               : 0;
}

/* "bucket/key", "bucket/folder/", "arn:aws:s3:::bucket/key" */
static int plan_s3(struct arena *a, struct str location, struct str version,
                   struct plan_source *ret, struct err *err) {
    struct str prefix = S("arn:aws:s3:::");
    struct str rest =
        str_starts(location, prefix) ? str_sub(location, prefix.n, location.n) : location;
    size_t slash = str_find_c(rest, '/', 0);
    if (slash == (size_t)-1 || slash == 0) {
        return invalid(err,
                       "Invalid project source: S3 location must be bucket/path/object.zip or "
                       "bucket/path/folder/: ",
                       location);
    }
    ret->kind = PLAN_SOURCE_S3;
    ret->bucket = str_sub(rest, 0, slash);
    ret->key = str_sub(rest, slash + 1, rest.n);
    ret->version = version;
    ret->label = version;
    ret->url = str_dup(a, location);
    return 0;
}

int source_plan(struct arena *a, const struct codebuild_project_source *source, struct str version,
                bool cached, struct plan_source *ret, struct err *err) {
    ret->id = source->source_identifier;
    if (str_is(source->type, "NO_SOURCE")) {
        ret->kind = PLAN_SOURCE_NONE;
        return 0;
    }
    if (str_is(source->type, "S3")) {
        return plan_s3(a, source->location, version, ret, err);
    }
    if (str_is(source->type, "CODEPIPELINE")) {
        return invalid(err,
                       "Source type CODEPIPELINE is only valid in a build that CodePipeline "
                       "starts: project source ",
                       source->type);
    }
    if (!source_is_git(source->type)) {
        return invalid(err, "Invalid type provided: Project source type ", source->type);
    }
    ret->kind = PLAN_SOURCE_GIT;
    ret->url = source->location;
    ret->label = version;
    ret->depth = source->git_clone_depth;
    ret->submodules =
        source->git_submodules_config != NULL && source->git_submodules_config->fetch_submodules;
    ret->insecure_ssl = source->insecure_ssl;
    ret->mirrored = cached;
    return source_check(a, source, err);
}
