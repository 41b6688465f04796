/*
 * Handlers of CodeConnections and of its older name CodeStar Connections: the same operations on
 * the same rows under two sets of generated types. Included once by each of the two .c files, which
 * define API(name), PREFIX (of ARNs) before.
 */
#include "services/codeconnections/connections.h"
#include "services/core/arn.h"
#include "services/core/page.h"
#include "services/core/tags.h"

static int not_found(struct str arn, struct err *err) {
    return err_api(err, &API(ResourceNotFoundException), "Resource not found for ARN: " STR_FMT,
                   STR_ARG(arn));
}

/* The connection, which has to be the calling account's. */
static int find_own(struct call *c, struct str arn, struct connection *ret, struct err *err) {
    int found = connection_find(c->db, c->arena, arn, ret, err);
    if (found < 0) {
        return -1;
    }
    if (found == 0 || !str_eq(ret->account, c->account)) {
        return not_found(arn, err);
    }
    return 0;
}

static struct str_map map_of(struct call *c, const struct API(tag_list) * tags) {
    struct str_map map = {0};
    for (size_t i = 0; i < tags->n; i++) {
        *arena_push(c->arena, &map) = (struct str_pair){tags->v[i].key, tags->v[i].value};
    }
    return map;
}

static int put_tags(struct call *c, struct str arn, const struct API(tag_list) * tags,
                    struct err *err) {
    struct str_map map = map_of(c, tags);
    struct str key;
    if (tags_check(&map, &key) != TAGS_OK) {
        return err_api(err, &API(ValidationException),
                       "Tag '" STR_FMT "' is too long, reserved or given twice", STR_ARG(key));
    }
    if (tags_put(c->db, arn, &map, err) < 0) {
        return err->kind == ERR_LIMIT
                   ? err_api(err, &API(LimitExceededException), "A resource has 50 tags at most")
                   : -1;
    }
    return 0;
}

int API(create_connection)(struct call *c, const struct API(create_connection_input) * in,
                           struct API(create_connection_output) * out, struct err *err) {
    if (in->provider_type.p == NULL && in->host_arn.p == NULL) {
        return err_api(err, &API(ValidationException), "Provide a ProviderType or a HostArn");
    }
    if (in->host_arn.p != NULL) {
        return err_api(err, &API(ResourceNotFoundException), "Host not found: " STR_FMT,
                       STR_ARG(in->host_arn));
    }
    struct str id = rng_uuid(c->rng, c->arena);
    struct connection made = {
        .arn = arn_make(c, PREFIX, "connection/%.*s", STR_ARG(id)),
        .account = c->account,
        .region = c->region,
        .name = in->connection_name,
        .provider = in->provider_type,
        .status = S("PENDING"),
        .created_ms = c->now_ms,
    };
    if (connection_insert(c->db, &made, err) < 0 || put_tags(c, made.arn, &in->tags, err) < 0) {
        return -1;
    }
    out->connection_arn = made.arn;
    out->tags = in->tags;
    return 0;
}

int API(delete_connection)(struct call *c, const struct API(delete_connection_input) * in,
                           struct API(delete_connection_output) * out, struct err *err) {
    (void)out;
    struct connection row;
    if (find_own(c, in->connection_arn, &row, err) < 0) {
        return -1;
    }
    if (tags_drop(c->db, row.arn, err) < 0) {
        return -1;
    }
    return connection_remove(c->db, row.arn, err);
}

static struct API(connection) shown(const struct connection *row) {
    return (struct API(connection)){
        .connection_name = row->name,
        .connection_arn = row->arn,
        .provider_type = row->provider,
        .owner_account_id = row->account,
        .connection_status = row->status,
        .host_arn = row->host_arn,
    };
}

int API(get_connection)(struct call *c, const struct API(get_connection_input) * in,
                        struct API(get_connection_output) * out, struct err *err) {
    struct connection row;
    if (find_own(c, in->connection_arn, &row, err) < 0) {
        return -1;
    }
    out->connection = arena_new(c->arena, struct API(connection));
    *out->connection = shown(&row);
    return 0;
}

int API(list_connections)(struct call *c, const struct API(list_connections_input) * in,
                          struct API(list_connections_output) * out, struct err *err) {
    int64_t after = 0;
    if (!page_key_i64(c, in->next_token, &after)) {
        return err_api(err, &API(ValidationException), "The NextToken is not valid");
    }
    int64_t limit = in->has_max_results && in->max_results > 0 ? in->max_results : 100;
    struct connection_list rows;
    if (connection_list(c->db, c->arena, c->account, c->region, in->provider_type_filter,
                        in->host_arn_filter, after, limit + 1, &rows, err) < 0) {
        return -1;
    }
    out->connections.v = arena_new_n(c->arena, struct API(connection), rows.n + 1);
    for (size_t i = 0; i < rows.n && (int64_t)i < limit; i++) {
        out->connections.v[out->connections.n++] = shown(&rows.v[i]);
    }
    if ((int64_t)rows.n > limit) {
        out->next_token = page_token_i64(c, rows.v[limit - 1].seq);
    }
    return 0;
}

int API(list_tags_for_resource)(struct call *c, const struct API(list_tags_for_resource_input) * in,
                                struct API(list_tags_for_resource_output) * out, struct err *err) {
    struct connection row;
    struct str_map map;
    if (find_own(c, in->resource_arn, &row, err) < 0 ||
        tags_get(c->db, c->arena, row.arn, &map, err) < 0) {
        return -1;
    }
    out->tags.v = arena_new_n(c->arena, struct API(tag), map.n + 1);
    for (size_t i = 0; i < map.n; i++) {
        out->tags.v[out->tags.n++] = (struct API(tag)){map.v[i].key, map.v[i].value};
    }
    return 0;
}

int API(tag_resource)(struct call *c, const struct API(tag_resource_input) * in,
                      struct API(tag_resource_output) * out, struct err *err) {
    (void)out;
    struct connection row;
    if (find_own(c, in->resource_arn, &row, err) < 0) {
        return -1;
    }
    return put_tags(c, row.arn, &in->tags, err);
}

int API(untag_resource)(struct call *c, const struct API(untag_resource_input) * in,
                        struct API(untag_resource_output) * out, struct err *err) {
    (void)out;
    struct connection row;
    if (find_own(c, in->resource_arn, &row, err) < 0) {
        return -1;
    }
    return tags_remove(c->db, row.arn, &in->tag_keys, err);
}
