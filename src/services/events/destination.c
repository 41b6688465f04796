/* API destinations as operations. */
#include "services/core/arn.h"
#include "services/core/page.h"
#include "services/events/events.h"
#include "services/events/http_store.h"

enum { RATE = 300 }; /* EventBridge's default */

static int need(struct call *c, struct str name, struct ev_destination *ret, struct err *err) {
    int found = ev_destination_find(c->db, c->arena, c->account, c->region, name, ret, err);
    return found == 0 ? err_api(err, &events_ResourceNotFoundException,
                                "Failed to describe the api-destination(s). An api-destination "
                                "'%.*s' does not exist.",
                                STR_ARG(name))
                      : found - 1;
}

static int check_endpoint(struct str url, struct err *err) {
    bool good = str_starts(url, S("https://")) || str_starts(url, S("http://"));
    for (size_t i = 0; i < url.n; i++) {
        good = good && url.p[i] > ' ' && url.p[i] != 127;
    }
    return good ? 0
                : ev_invalid(err, "Parameter InvocationEndpoint is not valid: '%.*s' is no URL.",
                             STR_ARG(url));
}

static int check(struct call *c, const struct ev_destination *d, struct err *err) {
    struct ev_connection connection;
    if (check_endpoint(d->endpoint, err) < 0) {
        return -1;
    }
    int found = ev_connection_find_arn(c->db, c->arena, d->connection, &connection, err);
    bool mine = found > 0 && str_eq(connection.account, c->account);
    return found < 0 ? -1
           : mine    ? 0
                     : err_api(err, &events_ResourceNotFoundException,
                               "Connection '%.*s' does not exist.", STR_ARG(d->connection));
}

/* Active while its connection is authorized. */
static int state_of(struct call *c, const struct ev_destination *d, struct str *ret,
                    struct err *err) {
    struct ev_connection connection;
    int found = ev_connection_find_arn(c->db, c->arena, d->connection, &connection, err);
    *ret = found > 0 && str_is(connection.state, "AUTHORIZED") ? S("ACTIVE") : S("INACTIVE");
    return found < 0 ? -1 : 0;
}

int events_create_api_destination(struct call *c,
                                  const struct events_create_api_destination_request *in,
                                  struct events_create_api_destination_response *out,
                                  struct err *err) {
    struct ev_destination row = {
        .arn = arn_make(c, "events", "api-destination/%.*s/%.*s", STR_ARG(in->name),
                        STR_ARG(rng_uuid(c->rng, c->arena))),
        .account = c->account,
        .region = c->region,
        .name = in->name,
        .description = in->description,
        .connection = in->connection_arn,
        .endpoint = in->invocation_endpoint,
        .method = in->http_method,
        .rate =
            in->has_invocation_rate_limit_per_second ? in->invocation_rate_limit_per_second : RATE,
        .created_ms = c->now_ms,
        .modified_ms = c->now_ms,
    };
    struct ev_destination have;
    if (!ev_is_name(in->name)) {
        return ev_invalid(err, "Parameter Name is not valid: '%.*s'", STR_ARG(in->name));
    }
    int found = ev_destination_find(c->db, c->arena, c->account, c->region, in->name, &have, err);
    if (found != 0) {
        return found < 0 ? -1
                         : err_api(err, &events_ResourceAlreadyExistsException,
                                   "An api-destination '%.*s' already exists.", STR_ARG(in->name));
    }
    out->api_destination_arn = row.arn;
    out->creation_time = out->last_modified_time = c->now_ms;
    out->has_creation_time = out->has_last_modified_time = true;
    return check(c, &row, err) < 0 || ev_destination_put(c->db, &row, err) < 0
               ? -1
               : state_of(c, &row, &out->api_destination_state, err);
}

int events_update_api_destination(struct call *c,
                                  const struct events_update_api_destination_request *in,
                                  struct events_update_api_destination_response *out,
                                  struct err *err) {
    struct ev_destination row;
    if (need(c, in->name, &row, err) < 0) {
        return -1;
    }
    row.description = in->description.p != NULL ? in->description : row.description;
    row.connection = in->connection_arn.p != NULL ? in->connection_arn : row.connection;
    row.endpoint = in->invocation_endpoint.p != NULL ? in->invocation_endpoint : row.endpoint;
    row.method = in->http_method.p != NULL ? in->http_method : row.method;
    row.rate =
        in->has_invocation_rate_limit_per_second ? in->invocation_rate_limit_per_second : row.rate;
    row.modified_ms = c->now_ms;
    out->api_destination_arn = row.arn;
    out->creation_time = row.created_ms;
    out->last_modified_time = row.modified_ms;
    out->has_creation_time = out->has_last_modified_time = true;
    return check(c, &row, err) < 0 || ev_destination_put(c->db, &row, err) < 0
               ? -1
               : state_of(c, &row, &out->api_destination_state, err);
}

int events_describe_api_destination(struct call *c,
                                    const struct events_describe_api_destination_request *in,
                                    struct events_describe_api_destination_response *out,
                                    struct err *err) {
    struct ev_destination row;
    if (need(c, in->name, &row, err) < 0) {
        return -1;
    }
    *out = (struct events_describe_api_destination_response){
        .api_destination_arn = row.arn,
        .name = row.name,
        .description = row.description,
        .connection_arn = row.connection,
        .invocation_endpoint = row.endpoint,
        .http_method = row.method,
        .invocation_rate_limit_per_second = (int32_t)row.rate,
        .has_invocation_rate_limit_per_second = true,
        .creation_time = row.created_ms,
        .has_creation_time = true,
        .last_modified_time = row.modified_ms,
        .has_last_modified_time = true,
    };
    return state_of(c, &row, &out->api_destination_state, err);
}

int events_delete_api_destination(struct call *c,
                                  const struct events_delete_api_destination_request *in,
                                  struct events_delete_api_destination_response *out,
                                  struct err *err) {
    (void)out;
    struct ev_destination row;
    return need(c, in->name, &row, err) < 0 ? -1 : ev_destination_remove(c->db, row.arn, err);
}

int events_list_api_destinations(struct call *c,
                                 const struct events_list_api_destinations_request *in,
                                 struct events_list_api_destinations_response *out,
                                 struct err *err) {
    struct str after;
    int64_t limit;
    struct ev_destinations rows;
    if (ev_page(c, in->next_token, in->has_limit, in->limit, &after, &limit, err) < 0 ||
        ev_destination_list(c->db, c->arena, c->account, c->region, in->name_prefix, after,
                            limit + 1, &rows, err) < 0) {
        return -1;
    }
    out->api_destinations.v = arena_new_n(c->arena, struct events_api_destination, rows.n + 1);
    for (size_t i = 0; i < rows.n && (int64_t)i < limit; i++) {
        const struct ev_destination *r = &rows.v[i];
        struct str state;
        if (state_of(c, r, &state, err) < 0) {
            return -1;
        }
        if (in->connection_arn.p != NULL && !str_eq(in->connection_arn, r->connection)) {
            continue;
        }
        out->api_destinations.v[out->api_destinations.n++] = (struct events_api_destination){
            .api_destination_arn = r->arn,
            .name = r->name,
            .api_destination_state = state,
            .connection_arn = r->connection,
            .invocation_endpoint = r->endpoint,
            .http_method = r->method,
            .invocation_rate_limit_per_second = (int32_t)r->rate,
            .has_invocation_rate_limit_per_second = true,
            .creation_time = r->created_ms,
            .has_creation_time = true,
            .last_modified_time = r->modified_ms,
            .has_last_modified_time = true,
        };
    }
    if ((int64_t)rows.n > limit) {
        out->next_token = page_token(c, rows.v[limit - 1].name);
    }
    return 0;
}
