/* What a git host does not say of a pull request, asked of the repository. */
#pragma once

#include "flow/forge/event.h"
#include "front/api/codebuild/access.h"
#include "runtime/http/egress.h"

struct hook_asking {
    const struct flow *flow;
    struct access_owner owner;
    struct str project;
    const struct codebuild_project *body;
    const struct egress *networks; /* private ones that may be reached */
};

/* Fills the event's paths and message. Outside of any transaction: it may take a minute. */
int hook_find_facts(struct arena *a, const struct hook_asking *asking, struct forge_event *event,
                    struct err *err) MUST_USE;
