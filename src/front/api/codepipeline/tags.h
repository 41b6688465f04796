/* Tags of what CodePipeline has: pipelines and webhooks. */
#pragma once

#include "front/api/codepipeline/codepipeline.h"

/* One of the two. */
struct tagged {
    int64_t pipeline;   /* pipeline_row.id, or 0 */
    struct str webhook; /* pipeline_webhook.id, or absent */
};

/* TooManyTagsException, InvalidTagsException. */
int codepipeline_put_tags(struct call *c, const struct tagged *t,
                          const struct codepipeline_tag_list *tags, struct err *err) MUST_USE;
/* Present, maybe empty. */
int codepipeline_tags_of(struct call *c, const struct tagged *t, struct codepipeline_tag_list *ret,
                         struct err *err) MUST_USE;
