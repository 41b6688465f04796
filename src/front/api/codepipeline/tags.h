/* Tags of what CodePipeline has: pipelines, webhooks, action types of the account. */
#pragma once

#include "front/api/codepipeline/codepipeline.h"

/* One of the three. */
struct tagged {
    int64_t pipeline;   /* pipeline_row.id, or 0 */
    struct str webhook; /* pipeline_webhook.id, or absent */
    struct str arn;     /* of pipelines and action types: there policies find the tags, too */
};

/* InvalidTagsException, TooManyTagsException; without the store. */
int codepipeline_check_tags(const struct codepipeline_tag_list *tags, struct err *err) MUST_USE;
int codepipeline_put_tags(struct call *c, const struct tagged *t,
                          const struct codepipeline_tag_list *tags, struct err *err) MUST_USE;
/* Present, maybe empty. */
int codepipeline_tags_of(struct call *c, const struct tagged *t, struct codepipeline_tag_list *ret,
                         struct err *err) MUST_USE;

/* arn:aws:codepipeline:R:A:actiontype:Owner/Category/Provider/Version */
struct str codepipeline_type_arn(struct call *c, struct str owner, struct str category,
                                 struct str provider, struct str version);
