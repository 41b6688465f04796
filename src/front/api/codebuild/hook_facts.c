/* Implementation of hook_facts.h. */
#include "front/api/codebuild/hook_facts.h"

#include "flow/checkout/compare.h"
#include "flow/checkout/origin.h"

/* git's own patience for each of a handful of steps; hosts give up on us before, and say so. */
enum { STEP_TIMEOUT_MS = 60 * 1000 };

static const int64_t bytes_max = (int64_t)4 << 30; /* of one pack */

static int find_remote(struct arena *a, const struct hook_asking *k, struct checkout_remote *ret,
                       struct err *err) {
    const struct codebuild_project_source *source = k->body->source;
    struct str secret = STR_NONE;
    if (access_of_source(k->flow, a, &k->owner, source, source->location, ret, &secret, err) < 0) {
        return -1;
    }
    ret->insecure_ssl = source->insecure_ssl;
    return secret.n == 0 ? 0
                         : access_secret(k->flow, a, k->body->service_role,
                                         S("AWSCodeBuild-webhook"), secret, ret, err);
}

int hook_find_facts(struct arena *a, const struct hook_asking *k, struct forge_event *event,
                    struct err *err) {
    const struct origin_owner owner = {k->owner.account, k->owner.region, k->project};
    const struct compare asked = {.head = event->version,
                                  .head_commit = event->commit,
                                  .base_commit = event->base_commit,
                                  .base_ref = event->base_ref,
                                  .merge_commit = event->merge_commit,
                                  .max_paths = FORGE_MAX_PATHS};
    struct checkout c = {
        .location = k->body->source->location,
        .home = str_printf(a, "%s/git", k->flow->data_dir).p,
        .mirror = origin_path(a, str_c(k->flow->data_dir), &owner, k->body->source->location),
        .dir_fd = -1,
        .owner = (uid_t)-1,
        .bytes = bytes_max,
        .timeout_ms = STEP_TIMEOUT_MS,
        .egress = k->networks,
    };
    struct compared found;
    if (find_remote(a, k, &c.remote, err) < 0 || checkout_compare(a, &c, &asked, &found, err) < 0) {
        return -1;
    }
    event->paths = found.paths;
    event->message = found.message;
    return 0;
}
