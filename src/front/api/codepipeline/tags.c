/*
 * TagResource, UntagResource, ListTagsForResource; tags.h. Tags of pipelines lie in flow's rows,
 * where notifications read them, and in the accounts' table of tags, where policies do; those of
 * webhooks with the webhook; those of action types in the accounts' table.
 */
#include "front/api/codepipeline/tags.h"

#include "flow/forge/hook_store.h"
#include "flow/worker/types.h"
#include "front/api/codepipeline/people.h"
#include "services/core/page.h"
#include "services/core/tags.h"

int codepipeline_check_tags(const struct codepipeline_tag_list *tags, struct err *err) {
    struct str_map map = {(struct str_pair *)tags->v, tags->n}; /* a tag is its key and value */
    struct str key = STR_NONE;
    _Static_assert(sizeof(struct codepipeline_tag) == sizeof(struct str_pair), "tags are pairs");
    switch (tags_check(&map, &key)) {
    case TAGS_OK:
        return 0;
    case TAGS_TOO_MANY:
        return err_api(err, &codepipeline_TooManyTagsException, "A resource has at most %d tags",
                       TAGS_MAX);
    case TAGS_RESERVED:
        return err_api(err, &codepipeline_InvalidTagsException,
                       "Not allowed to modify system tags. System tags start with 'aws:'. Key: "
                       "%.*s",
                       STR_ARG(key));
    case TAGS_DUPLICATE:
        return err_api(err, &codepipeline_InvalidTagsException, "The tag key %.*s is given twice",
                       STR_ARG(key));
    default:
        return err_api(err, &codepipeline_InvalidTagsException,
                       "The tag %.*s has a key that is not 1 to 128 characters, or a value of more "
                       "than 256",
                       STR_ARG(key));
    }
}

static int load(struct call *c, const struct tagged *t, struct str_map *ret, struct err *err) {
    return t->pipeline != 0       ? record_tag_list(c->db, c->arena, t->pipeline, ret, err)
           : t->webhook.p != NULL ? webhook_tag_list(c->db, c->arena, t->webhook, ret, err)
                                  : tags_get(c->db, c->arena, t->arn, ret, err);
}

static int put(struct call *c, const struct tagged *t, const struct codepipeline_tag *tag,
               struct err *err) {
    return t->pipeline != 0       ? record_tag_put(c->db, t->pipeline, tag->key, tag->value, err)
           : t->webhook.p != NULL ? webhook_tag_put(c->db, t->webhook, tag->key, tag->value, err)
                                  : 0;
}

static int too_many(const struct tagged *t, struct err *err) {
    return err_api(err, &codepipeline_TooManyTagsException,
                   "Tag limit exceeded for resource [%.*s].",
                   STR_ARG(t->arn.p != NULL ? t->arn : t->webhook));
}

int codepipeline_put_tags(struct call *c, const struct tagged *t,
                          const struct codepipeline_tag_list *tags, struct err *err) {
    struct str_map given = {(struct str_pair *)tags->v, tags->n}, now;
    if (codepipeline_check_tags(tags, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < tags->n; i++) {
        if (put(c, t, &tags->v[i], err) < 0) {
            return -1;
        }
    }
    if (t->arn.p != NULL && tags_put(c->db, t->arn, &given, err) < 0) {
        return err->kind == ERR_LIMIT ? too_many(t, err) : -1;
    }
    if (load(c, t, &now, err) < 0) {
        return -1;
    }
    return now.n <= TAGS_MAX ? 0 : too_many(t, err);
}

/* From `after` on, `limit` at most (0: all); *ret_more: the key that the page ends with. */
static int read_tags(struct call *c, const struct tagged *t, struct str after, size_t limit,
                     struct codepipeline_tag_list *ret, struct str *ret_more, struct err *err) {
    struct str_map map;
    if (load(c, t, &map, err) < 0) {
        return -1;
    }
    ret->v = arena_new_n(c->arena, struct codepipeline_tag, map.n + 1);
    ret->n = 0;
    for (size_t i = 0; i < map.n; i++) {
        if (after.p != NULL && str_cmp(map.v[i].key, after) <= 0) {
            continue;
        }
        if (limit > 0 && ret->n == limit) {
            *ret_more = ret->v[ret->n - 1].key;
            break;
        }
        ret->v[ret->n++] = (struct codepipeline_tag){map.v[i].key, map.v[i].value};
    }
    return 0;
}

int codepipeline_tags_of(struct call *c, const struct tagged *t, struct codepipeline_tag_list *ret,
                         struct err *err) {
    struct str more = STR_NONE;
    return read_tags(c, t, STR_NONE, 0, ret, &more, err);
}

struct str codepipeline_type_arn(struct call *c, struct str owner, struct str category,
                                 struct str provider, struct str version) {
    return str_printf(c->arena, "arn:aws:codepipeline:%.*s:%.*s:actiontype:%.*s",
                      STR_ARG(c->region), STR_ARG(c->account),
                      STR_ARG(worker_type_name(c->arena, owner, category, provider, version)));
}

/* ---- by ARN ---- */

/* 1 there, 0 not, -1 error: as the others. */
static int find_type(struct call *c, struct str name, struct str arn, struct tagged *ret,
                     struct err *err) {
    struct str part[4] = {STR_NONE};
    size_t n = 0;
    while (n < 4 && str_cut(&name, '/', &part[n])) {
        n++;
    }
    struct worker_type t = {.account = c->account,
                            .region = c->region,
                            .owner = part[0],
                            .category = part[1],
                            .provider = part[2],
                            .version = part[3]};
    int found = n == 4 && name.p == NULL ? worker_type_get(c->db, c->arena, &t, err) : 0;
    *ret = (struct tagged){.arn = arn};
    return found > 0 && t.deleted ? 0 : found;
}

static int find_webhook(struct call *c, struct str name, struct tagged *ret, struct err *err) {
    struct pipeline_webhook row;
    int found = pipeline_webhook_get(c->db, c->arena, c->account, c->region, name, &row, err);
    *ret = (struct tagged){.webhook = found > 0 ? row.id : STR_NONE};
    return found;
}

static int find_pipeline(struct call *c, struct str name, struct str arn, struct tagged *ret,
                         struct err *err) {
    struct pipeline_row row;
    int found = record_pipeline_get(c->db, c->arena, c->account, c->region, name, &row, err);
    *ret = (struct tagged){.pipeline = found > 0 ? row.id : 0, .arn = arn};
    return found;
}

static bool of_kind(struct str resource, const char *kind, struct str *ret_name) {
    size_t n = strlen(kind);
    bool is = str_starts(resource, str_c(kind));
    *ret_name = is ? str_sub(resource, n, resource.n) : resource;
    return is;
}

static int find(struct call *c, struct str text, struct tagged *ret, struct err *err) {
    struct aws_arn arn;
    struct str name = STR_NONE;
    if (!aws_arn_parse(text, &arn) || !str_is(arn.service, "codepipeline")) {
        return err_api(err, &codepipeline_InvalidArnException,
                       "'%.*s' is not the ARN of a pipeline, a webhook or an action type",
                       STR_ARG(text));
    }
    bool ours = str_eq(arn.account, c->account) && str_eq(arn.region, c->region);
    bool type = of_kind(arn.resource, "actiontype:", &name);
    bool webhook = !type && of_kind(arn.resource, "webhook:", &name);
    int found = !ours     ? 0
                : type    ? find_type(c, name, text, ret, err)
                : webhook ? find_webhook(c, name, ret, err)
                          : find_pipeline(c, name, text, ret, err);
    return found > 0   ? 0
           : found < 0 ? -1
                       : err_api(err, &codepipeline_ResourceNotFoundException,
                                 "The account with id '%.*s' does not include a %s with the "
                                 "name '%.*s'",
                                 STR_ARG(arn.account),
                                 type      ? "action type"
                                 : webhook ? "webhook"
                                           : "pipeline",
                                 STR_ARG(name));
}

int codepipeline_list_tags_for_resource(struct call *c,
                                        const struct codepipeline_list_tags_for_resource_input *in,
                                        struct codepipeline_list_tags_for_resource_output *out,
                                        struct err *err) {
    struct tagged t;
    struct str after = STR_NONE, more = STR_NONE;
    if (find(c, in->resource_arn, &t, err) < 0 ||
        codepipeline_page_key(c, in->next_token, &after, err) < 0 ||
        read_tags(c, &t, after, in->has_max_results ? (size_t)in->max_results : 0, &out->tags,
                  &more, err) < 0) {
        return -1;
    }
    out->next_token = more.p != NULL ? page_token(c, more) : STR_NONE;
    return 0;
}

static int note_edit(struct call *c, const struct tagged *t, struct err *err) {
    struct str what = S("changed the pipeline's tags while this release ran");
    return t->pipeline != 0 ? codepipeline_hand(c, t->pipeline, STR_NONE, what, err) : 0;
}

int codepipeline_tag_resource(struct call *c, const struct codepipeline_tag_resource_input *in,
                              struct codepipeline_tag_resource_output *out, struct err *err) {
    struct tagged t;
    (void)out;
    return find(c, in->resource_arn, &t, err) < 0 ||
                   codepipeline_put_tags(c, &t, &in->tags, err) < 0
               ? -1
               : note_edit(c, &t, err);
}

static int drop(struct call *c, const struct tagged *t, struct str key, struct err *err) {
    if (str_starts(key, S("aws:"))) {
        return err_api(err, &codepipeline_InvalidTagsException,
                       "Not allowed to modify system tags. System tags start with 'aws:'. Key: "
                       "%.*s",
                       STR_ARG(key));
    }
    return t->pipeline != 0       ? record_tag_drop(c->db, t->pipeline, key, err)
           : t->webhook.p != NULL ? webhook_tag_drop(c->db, t->webhook, key, err)
                                  : 0;
}

int codepipeline_untag_resource(struct call *c, const struct codepipeline_untag_resource_input *in,
                                struct codepipeline_untag_resource_output *out, struct err *err) {
    struct tagged t;
    struct str_list keys = {in->tag_keys.v, in->tag_keys.n};
    (void)out;
    if (find(c, in->resource_arn, &t, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < keys.n; i++) {
        if (drop(c, &t, keys.v[i], err) < 0) {
            return -1;
        }
    }
    return t.arn.p != NULL && tags_remove(c->db, t.arn, &keys, err) < 0 ? -1
                                                                        : note_edit(c, &t, err);
}
