/* A project's cache as its plan says it. */
#include "flow/build/order.h"

static int plan_s3_cache(const struct codebuild_project_cache *from, struct plan_cache *to,
                         struct err *err) {
    struct str arn = S("arn:aws:s3:::");
    struct str at = from->location;
    at = str_starts(at, arn) ? str_sub(at, arn.n, at.n) : at;
    size_t slash = str_find_c(at, '/', 0);
    if (at.n == 0 || slash == 0) {
        return err_api(err, &codebuild_InvalidInputException,
                       "Invalid cache: location must be a valid S3 bucket, followed by slash and "
                       "the prefix");
    }
    to->kind = PLAN_CACHE_S3;
    to->bucket = str_sub(at, 0, slash == (size_t)-1 ? at.n : slash);
    to->prefix = slash == (size_t)-1 ? S("") : str_sub(at, slash + 1, at.n);
    while (str_ends(to->prefix, S("/"))) {
        to->prefix.n--;
    }
    to->name_space = from->cache_namespace;
    return 0;
}

int build_plan_cache(const struct flow *f, const struct codebuild_project_cache *from,
                     struct plan *plan, struct err *err) {
    struct plan_cache *to = &plan->cache;
    *to = (struct plan_cache){0};
    if (project_cache_generation(f->db, plan->account, plan->region, plan->project, &to->generation,
                                 err) < 0) {
        return -1;
    }
    if (from == NULL) {
        return 0;
    }
    if (str_is(from->type, "S3")) {
        return plan_s3_cache(from, to, err);
    }
    if (str_is(from->type, "LOCAL")) {
        to->kind = PLAN_CACHE_LOCAL;
        to->custom = str_list_has(&from->modes, S("LOCAL_CUSTOM_CACHE"));
        to->source = str_list_has(&from->modes, S("LOCAL_SOURCE_CACHE"));
        to->docker = str_list_has(&from->modes, S("LOCAL_DOCKER_LAYER_CACHE"));
    }
    return 0;
}
