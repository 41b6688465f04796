/* TagResource, UntagResource, ListTagsForResource; tags.h. */
#include "front/api/codepipeline/tags.h"

#include "flow/forge/hook_store.h"

enum { MAX_TAGS = 50 };

static int load(struct call *c, const struct tagged *t, struct str_map *ret, struct err *err) {
    return t->pipeline != 0 ? record_tag_list(c->db, c->arena, t->pipeline, ret, err)
                            : webhook_tag_list(c->db, c->arena, t->webhook, ret, err);
}

static int put(struct call *c, const struct tagged *t, const struct codepipeline_tag *tag,
               struct err *err) {
    return t->pipeline != 0 ? record_tag_put(c->db, t->pipeline, tag->key, tag->value, err)
                            : webhook_tag_put(c->db, t->webhook, tag->key, tag->value, err);
}

int codepipeline_put_tags(struct call *c, const struct tagged *t,
                          const struct codepipeline_tag_list *tags, struct err *err) {
    struct str_map now;
    for (size_t i = 0; i < tags->n; i++) {
        if (str_starts(tags->v[i].key, S("aws:"))) {
            return err_api(err, &codepipeline_InvalidTagsException,
                           "Not allowed to modify system tags. System tags start with 'aws:'.");
        }
        if (put(c, t, &tags->v[i], err) < 0) {
            return -1;
        }
    }
    if (load(c, t, &now, err) < 0) {
        return -1;
    }
    return now.n <= MAX_TAGS ? 0
                             : err_api(err, &codepipeline_TooManyTagsException,
                                       "A resource has at most %d tags", MAX_TAGS);
}

int codepipeline_tags_of(struct call *c, const struct tagged *t, struct codepipeline_tag_list *ret,
                         struct err *err) {
    struct str_map map;
    if (load(c, t, &map, err) < 0) {
        return -1;
    }
    ret->v = arena_new_n(c->arena, struct codepipeline_tag, map.n + 1);
    ret->n = map.n;
    for (size_t i = 0; i < map.n; i++) {
        ret->v[i] = (struct codepipeline_tag){.key = map.v[i].key, .value = map.v[i].value};
    }
    return 0;
}

/* ---- by ARN ---- */

static int find_pipeline(struct call *c, struct str name, struct tagged *ret, struct err *err) {
    struct pipeline_row row;
    int found = record_pipeline_get(c->db, c->arena, c->account, c->region, name, &row, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_api(err, &codepipeline_ResourceNotFoundException,
                                   "The account with id '" STR_FMT
                                   "' does not include a pipeline with the name '" STR_FMT "'",
                                   STR_ARG(c->account), STR_ARG(name));
    }
    *ret = (struct tagged){.pipeline = row.id};
    return 0;
}

static int find_webhook(struct call *c, struct str name, struct tagged *ret, struct err *err) {
    struct pipeline_webhook row;
    int found = pipeline_webhook_get(c->db, c->arena, c->account, c->region, name, &row, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_api(err, &codepipeline_ResourceNotFoundException,
                                   "The account with id '" STR_FMT
                                   "' does not include a webhook with the name '" STR_FMT "'",
                                   STR_ARG(c->account), STR_ARG(name));
    }
    *ret = (struct tagged){.webhook = row.id};
    return 0;
}

static int find(struct call *c, struct str text, struct tagged *ret, struct err *err) {
    struct aws_arn arn;
    if (!aws_arn_parse(text, &arn) || !str_is(arn.service, "codepipeline")) {
        return err_api(err, &codepipeline_InvalidArnException,
                       "'" STR_FMT "' is not an ARN of CodePipeline", STR_ARG(text));
    }
    struct str webhook = S("webhook:");
    return str_starts(arn.resource, webhook)
               ? find_webhook(c, str_sub(arn.resource, webhook.n, arn.resource.n), ret, err)
               : find_pipeline(c, arn.resource, ret, err);
}

int codepipeline_list_tags_for_resource(struct call *c,
                                        const struct codepipeline_list_tags_for_resource_input *in,
                                        struct codepipeline_list_tags_for_resource_output *out,
                                        struct err *err) {
    struct tagged t;
    return find(c, in->resource_arn, &t, err) < 0 ? -1
                                                  : codepipeline_tags_of(c, &t, &out->tags, err);
}

int codepipeline_tag_resource(struct call *c, const struct codepipeline_tag_resource_input *in,
                              struct codepipeline_tag_resource_output *out, struct err *err) {
    struct tagged t;
    (void)out;
    return find(c, in->resource_arn, &t, err) < 0 ? -1
                                                  : codepipeline_put_tags(c, &t, &in->tags, err);
}

int codepipeline_untag_resource(struct call *c, const struct codepipeline_untag_resource_input *in,
                                struct codepipeline_untag_resource_output *out, struct err *err) {
    struct tagged t;
    (void)out;
    if (find(c, in->resource_arn, &t, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < in->tag_keys.n; i++) {
        struct str key = in->tag_keys.v[i];
        if ((t.pipeline != 0 ? record_tag_drop(c->db, t.pipeline, key, err)
                             : webhook_tag_drop(c->db, t.webhook, key, err)) < 0) {
            return -1;
        }
    }
    return 0;
}
