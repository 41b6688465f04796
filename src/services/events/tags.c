/* Tags of rules and buses. */
#include "services/core/tags.h"

#include "services/events/events.h"

int ev_put_tags(struct call *c, struct str arn, const struct events_tag_list *tags,
                struct err *err) {
    struct str_map map = {NULL, 0};
    struct str key;
    for (size_t i = 0; i < tags->n; i++) {
        *arena_push(c->arena, &map) = (struct str_pair){tags->v[i].key, tags->v[i].value};
    }
    enum tags_fault fault = tags_check(&map, &key);
    bool many = fault == TAGS_TOO_MANY;
    if (fault != TAGS_OK && !many) {
        return ev_invalid(err,
                          "Tag key '%.*s' is too long, reserved or given twice, or its value "
                          "is too long.",
                          STR_ARG(key));
    }
    if (!many && tags_put(c->db, arn, &map, err) < 0) {
        if (err->kind != ERR_LIMIT) {
            return -1;
        }
        many = true;
    }
    return many ? ev_invalid(err, "A resource can have at most %d tags.", TAGS_MAX) : 0;
}

/* Whatever has tags: rules and buses. */
static int need_tagged(struct call *c, struct str arn, struct err *err) {
    struct aws_arn parts;
    struct ev_rule rule;
    struct ev_place at;
    if (!aws_arn_parse(arn, &parts) || !str_is(parts.service, "events")) {
        return ev_invalid(err, "Parameter ResourceARN is not valid: '%.*s'", STR_ARG(arn));
    }
    if (str_starts(parts.resource, S("event-bus/"))) {
        return ev_place_of(c, arn, &at, err);
    }
    int found = ev_rule_find_arn(c->db, c->arena, arn, &rule, err);
    return found == 0 ? err_api(err, &events_ResourceNotFoundException,
                                "Resource %.*s does not exist.", STR_ARG(arn))
                      : found - 1;
}

int events_list_tags_for_resource(struct call *c,
                                  const struct events_list_tags_for_resource_request *in,
                                  struct events_list_tags_for_resource_response *out,
                                  struct err *err) {
    struct str_map map;
    if (need_tagged(c, in->resource_arn, err) < 0 ||
        tags_get(c->db, c->arena, in->resource_arn, &map, err) < 0) {
        return -1;
    }
    out->tags.v = arena_new_n(c->arena, struct events_tag, map.n + 1);
    for (size_t i = 0; i < map.n; i++) {
        out->tags.v[out->tags.n++] = (struct events_tag){map.v[i].key, map.v[i].value};
    }
    return 0;
}

int events_tag_resource(struct call *c, const struct events_tag_resource_request *in,
                        struct events_tag_resource_response *out, struct err *err) {
    (void)out;
    return need_tagged(c, in->resource_arn, err) < 0
               ? -1
               : ev_put_tags(c, in->resource_arn, &in->tags, err);
}

int events_untag_resource(struct call *c, const struct events_untag_resource_request *in,
                          struct events_untag_resource_response *out, struct err *err) {
    (void)out;
    return need_tagged(c, in->resource_arn, err) < 0
               ? -1
               : tags_remove(c->db, in->resource_arn, &in->tag_keys, err);
}
