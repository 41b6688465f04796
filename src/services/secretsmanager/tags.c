/* Tags of secrets. */
#include "services/core/tags.h"
#include "services/secretsmanager/sm.h"

static int too_many(struct err *err) {
    return err_api(err, &secretsmanager_InvalidParameterException,
                   "A secret can have a maximum of %d tags.", TAGS_MAX);
}

int sm_put_tags(struct call *c, struct str arn, const struct secretsmanager_tag_list *tags,
                struct err *err) {
    struct str_map map = {NULL, 0};
    struct str culprit = STR_NONE;
    for (size_t i = 0; i < tags->n; i++) {
        struct str value = tags->v[i].value;
        *arena_push(c->arena, &map) = (struct str_pair){tags->v[i].key, value.p ? value : S("")};
    }
    enum tags_fault fault = tags_check(&map, &culprit);
    if (fault == TAGS_TOO_MANY) {
        return too_many(err);
    }
    if (fault != TAGS_OK) {
        return err_api(err, &secretsmanager_InvalidParameterException, "%s: " STR_FMT,
                       fault == TAGS_RESERVED    ? "Tag keys can't begin with aws:"
                       : fault == TAGS_DUPLICATE ? "Duplicate tag key"
                                                 : "Invalid tag",
                       STR_ARG(culprit));
    }
    if (tags_put(c->db, arn, &map, err) < 0) {
        return err->kind == ERR_LIMIT ? too_many(err) : -1;
    }
    return 0;
}

int sm_get_tags(struct call *c, struct str arn, struct secretsmanager_tag_list *ret,
                struct err *err) {
    struct str_map tags;
    *ret = (struct secretsmanager_tag_list){NULL, 0};
    if (tags_get(c->db, c->arena, arn, &tags, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < tags.n; i++) {
        *arena_push(c->arena, ret) = (struct secretsmanager_tag){tags.v[i].key, tags.v[i].value};
    }
    return 0;
}

/* A change of tags is a change of the secret. */
static int changed(struct call *c, struct sm_secret *s, struct err *err) {
    s->changed_ms = c->now_ms;
    return sm_put(c->db, s, err);
}

int secretsmanager_tag_resource(struct call *c,
                                const struct secretsmanager_tag_resource_request *in,
                                struct secretsmanager_tag_resource_output *out, struct err *err) {
    struct sm_secret s = {0};
    (void)out;
    return sm_need_alive(c, in->secret_id, &s, err) < 0 || sm_put_tags(c, s.arn, &in->tags, err) < 0
               ? -1
               : changed(c, &s, err);
}

int secretsmanager_untag_resource(struct call *c,
                                  const struct secretsmanager_untag_resource_request *in,
                                  struct secretsmanager_untag_resource_output *out,
                                  struct err *err) {
    struct sm_secret s = {0};
    (void)out;
    return sm_need_alive(c, in->secret_id, &s, err) < 0 ||
                   tags_remove(c->db, s.arn, &in->tag_keys, err) < 0
               ? -1
               : changed(c, &s, err);
}
