/* Connections as operations. */
#include "services/events/connection.h"

#include "gen/secretsmanager.h"
#include "runtime/queue/queue.h"
#include "services/core/arn.h"
#include "services/core/page.h"
#include "services/core/value.h"
#include "services/events/events.h"

#define SERVICE "events.amazonaws.com"
#define OAUTH "OAUTH_CLIENT_CREDENTIALS"

/* ---- what is secret ---- */

struct aws_principal ev_connection_principal(const struct ev_connection *c) {
    return (struct aws_principal){.kind = AWS_PRINCIPAL_SERVICE,
                                  .account = c->account,
                                  .arn = c->arn,
                                  .user_id = S(SERVICE),
                                  .service = S(SERVICE)};
}

static struct aws_target secrets(const struct aws_embedded *embedded, const struct ev_connection *c,
                                 const struct aws_principal *p) {
    return (struct aws_target){
        .account = c->account, .region = c->region, .embedded = embedded, .principal = p};
}

int ev_connection_secret(const struct aws_embedded *embedded, struct arena *a,
                         const struct ev_connection *c, struct str *ret, struct err *err) {
    const struct aws_principal self = ev_connection_principal(c);
    const struct aws_target target = secrets(embedded, c, &self);
    const struct secretsmanager_get_secret_value_request in = {.secret_id = c->secret};
    struct secretsmanager_get_secret_value_response out;
    if (c->secret.p == NULL) {
        return err_set(err, ERR_DENIED, "connection %.*s is deauthorized", STR_ARG(c->name));
    }
    if (secretsmanager_call_get_secret_value(&target, a, &in, &out, err) < 0) {
        return err_wrap(err, "the secret of connection %.*s", STR_ARG(c->name));
    }
    *ret = out.secret_string;
    return 0;
}

static int put_secret(struct call *c, struct ev_connection *row, struct str value,
                      struct err *err) {
    const struct aws_principal self = ev_connection_principal(row);
    const struct aws_target target = secrets(c->embedded, row, &self);
    size_t slash = str_rfind_c(row->arn, '/');
    if (row->secret.p == NULL) {
        const struct secretsmanager_create_secret_request in = {
            .name = str_printf(c->arena, "events!connection/%.*s/%.*s", STR_ARG(row->name),
                               STR_ARG(rng_uuid(c->rng, c->arena))),
            .description = str_printf(c->arena, "Of the connection %.*s",
                                      STR_ARG(str_sub(row->arn, slash + 1, row->arn.n))),
            .secret_string = value};
        struct secretsmanager_create_secret_response out;
        if (secretsmanager_call_create_secret(&target, c->arena, &in, &out, err) < 0) {
            return -1;
        }
        row->secret = out.arn;
        return 0;
    }
    const struct secretsmanager_put_secret_value_request in = {.secret_id = row->secret,
                                                               .secret_string = value};
    struct secretsmanager_put_secret_value_response out;
    return secretsmanager_call_put_secret_value(&target, c->arena, &in, &out, err);
}

static int drop_secret(struct call *c, struct ev_connection *row, struct err *err) {
    const struct aws_principal self = ev_connection_principal(row);
    const struct aws_target target = secrets(c->embedded, row, &self);
    const struct secretsmanager_delete_secret_request in = {.secret_id = row->secret,
                                                            .force_delete_without_recovery = true,
                                                            .has_force_delete_without_recovery =
                                                                true};
    struct secretsmanager_delete_secret_response out;
    struct err why = ERR_INIT;
    if (row->secret.p != NULL &&
        secretsmanager_call_delete_secret(&target, c->arena, &in, &out, &why) < 0 &&
        why.api != &secretsmanager_ResourceNotFoundException) {
        *err = why;
        return -1;
    }
    row->secret = STR_NONE;
    return 0;
}

/* ---- what is shown ---- */

/* Values that are secret are shown nowhere. */
static void hide_values(json_t *parameters) {
    static const char *const lists[] = {"HeaderParameters", "QueryStringParameters",
                                        "BodyParameters"};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        const json_t *list = json_object_get(parameters, lists[i]);
        for (size_t k = 0; k < json_array_size(list); k++) {
            json_t *one = json_array_get(list, k);
            if (json_bool(one, "IsValueSecret")) {
                json_object_del(one, "Value");
            }
        }
    }
}

static struct str shown_of(struct arena *a, const json_t *auth) {
    json_t *shown cleanup_json = json_deep_copy(auth);
    json_t *oauth = json_object_get(shown, "OAuthParameters");
    json_object_del(json_object_get(shown, "BasicAuthParameters"), "Password");
    json_object_del(json_object_get(shown, "ApiKeyAuthParameters"), "ApiKeyValue");
    json_object_del(json_object_get(oauth, "ClientParameters"), "ClientSecret");
    hide_values(json_object_get(oauth, "OAuthHttpParameters"));
    hide_values(json_object_get(shown, "InvocationHttpParameters"));
    return json_dump_str(a, shown);
}

/* ---- checks ---- */

static const char *member_of(struct str type) {
    return str_is(type, "BASIC")     ? "BasicAuthParameters"
           : str_is(type, "API_KEY") ? "ApiKeyAuthParameters"
                                     : "OAuthParameters";
}

static int check_auth(struct str type, const json_t *auth, struct err *err) {
    static const char *const members[] = {"BasicAuthParameters", "ApiKeyAuthParameters",
                                          "OAuthParameters"};
    const char *needed = member_of(type);
    for (size_t i = 0; i < 3; i++) {
        bool there = json_object_get(auth, members[i]) != NULL;
        if (there != (strcmp(members[i], needed) == 0)) {
            return ev_invalid(err,
                              "The authorization type %.*s needs %s, and nothing else of its "
                              "kind.",
                              STR_ARG(type), needed);
        }
    }
    if (json_object_get(auth, "ConnectivityParameters") != NULL) {
        return ev_invalid(err, "Private connectivity is not available here.");
    }
    struct str endpoint =
        json_str(json_object_get(auth, "OAuthParameters"), "AuthorizationEndpoint");
    return endpoint.p == NULL || str_starts(endpoint, S("https://")) ||
                   str_starts(endpoint, S("http://"))
               ? 0
               : ev_invalid(err, "AuthorizationEndpoint '%.*s' is no URL.", STR_ARG(endpoint));
}

static int need(struct call *c, struct str name, struct ev_connection *ret, struct err *err) {
    int found = ev_connection_find(c->db, c->arena, c->account, c->region, name, ret, err);
    return found == 0 ? err_api(err, &events_ResourceNotFoundException,
                                "Failed to describe the connection(s). Connection '%.*s' does not "
                                "exist.",
                                STR_ARG(name))
                      : found - 1;
}

/* Keeps the parameters; OAuth's first token is got by a job. */
static int authorize(struct call *c, struct ev_connection *row, const json_t *auth,
                     struct err *err) {
    json_t *secret cleanup_json = json_object();
    bool oauth = str_is(row->type, OAUTH);
    json_set_str(secret, "type", row->type);
    json_set(secret, "auth", json_incref((json_t *)auth));
    row->shown = shown_of(c->arena, auth);
    row->state = oauth ? S("AUTHORIZING") : S("AUTHORIZED");
    row->reason = STR_NONE;
    row->authorized_ms = oauth ? row->authorized_ms : c->now_ms;
    if (put_secret(c, row, json_dump_str(c->arena, secret), err) < 0) {
        return -1;
    }
    return oauth ? queue_add(c->db, EV_AUTHORIZE, row->arn, S("{}"), 0, err) : 0;
}

/* ---- operations ---- */

int events_create_connection(struct call *c, const struct events_create_connection_request *in,
                             struct events_create_connection_response *out, struct err *err) {
    struct ev_connection row = {
        .arn = arn_make(c, "events", "connection/%.*s/%.*s", STR_ARG(in->name),
                        STR_ARG(rng_uuid(c->rng, c->arena))),
        .account = c->account,
        .region = c->region,
        .name = in->name,
        .description = in->description,
        .type = in->authorization_type,
        .kms_key = in->kms_key_identifier,
        .created_ms = c->now_ms,
        .modified_ms = c->now_ms,
    };
    struct ev_connection have;
    const struct shape *shape =
        shape_find_member(events_op_create_connection.in, S("AuthParameters"))->shape;
    json_t *auth cleanup_json = value_to_json(shape, in->auth_parameters);
    if (!ev_is_name(in->name)) {
        return ev_invalid(err, "Parameter Name is not valid: '%.*s'", STR_ARG(in->name));
    }
    if (in->invocation_connectivity_parameters != NULL) {
        return ev_invalid(err, "Private connectivity is not available here.");
    }
    int found = ev_connection_find(c->db, c->arena, c->account, c->region, in->name, &have, err);
    if (found != 0) {
        return found < 0 ? -1
                         : err_api(err, &events_ResourceAlreadyExistsException,
                                   "Connection %.*s already exists.", STR_ARG(in->name));
    }
    if (check_auth(row.type, auth, err) < 0 || authorize(c, &row, auth, err) < 0 ||
        ev_connection_put(c->db, &row, err) < 0) {
        return -1;
    }
    *out = (struct events_create_connection_response){.connection_arn = row.arn,
                                                      .connection_state = row.state,
                                                      .creation_time = row.created_ms,
                                                      .has_creation_time = true,
                                                      .last_modified_time = row.modified_ms,
                                                      .has_last_modified_time = true};
    return 0;
}

/* What is given replaces what was, member by member; another type begins anew. */
static json_t *merged(struct call *c, const struct ev_connection *row, struct str type,
                      json_t *given, struct err *err) {
    struct str text = S("{}");
    if (row->secret.p != NULL && ev_connection_secret(c->embedded, c->arena, row, &text, err) < 0) {
        return NULL;
    }
    json_t *old cleanup_json = json_parse(text, err);
    if (old == NULL) {
        return NULL;
    }
    json_t *auth = json_object_get(old, "auth") != NULL
                       ? json_deep_copy(json_object_get(old, "auth"))
                       : json_object();
    if (!str_eq(type, row->type)) {
        json_object_del(auth, member_of(row->type));
    }
    json_object_update_recursive(auth, given);
    return auth;
}

int events_update_connection(struct call *c, const struct events_update_connection_request *in,
                             struct events_update_connection_response *out, struct err *err) {
    struct ev_connection row;
    if (need(c, in->name, &row, err) < 0) {
        return -1;
    }
    struct str type = in->authorization_type.p != NULL ? in->authorization_type : row.type;
    if (in->auth_parameters != NULL || !str_eq(type, row.type)) {
        const struct shape *shape =
            shape_find_member(events_op_update_connection.in, S("AuthParameters"))->shape;
        json_t *given cleanup_json =
            in->auth_parameters != NULL ? value_to_json(shape, in->auth_parameters) : json_object();
        json_t *auth cleanup_json = merged(c, &row, type, given, err);
        row.type = type;
        if (auth == NULL || check_auth(type, auth, err) < 0 || authorize(c, &row, auth, err) < 0) {
            return -1;
        }
    }
    row.description = in->description.p != NULL ? in->description : row.description;
    row.kms_key = in->kms_key_identifier.p != NULL ? in->kms_key_identifier : row.kms_key;
    row.modified_ms = c->now_ms;
    *out = (struct events_update_connection_response){
        .connection_arn = row.arn,
        .connection_state = row.state,
        .creation_time = row.created_ms,
        .has_creation_time = true,
        .last_modified_time = row.modified_ms,
        .has_last_modified_time = true,
        .last_authorized_time = row.authorized_ms,
        .has_last_authorized_time = row.authorized_ms > 0,
    };
    return ev_connection_put(c->db, &row, err);
}

int events_describe_connection(struct call *c, const struct events_describe_connection_request *in,
                               struct events_describe_connection_response *out, struct err *err) {
    struct ev_connection row;
    if (need(c, in->name, &row, err) < 0) {
        return -1;
    }
    *out = (struct events_describe_connection_response){
        .connection_arn = row.arn,
        .name = row.name,
        .description = row.description,
        .connection_state = row.state,
        .state_reason = row.reason,
        .authorization_type = row.type,
        .secret_arn = row.secret,
        .kms_key_identifier = row.kms_key,
        .creation_time = row.created_ms,
        .has_creation_time = true,
        .last_modified_time = row.modified_ms,
        .has_last_modified_time = true,
        .last_authorized_time = row.authorized_ms,
        .has_last_authorized_time = row.authorized_ms > 0,
        .auth_parameters = arena_new(c->arena, struct events_connection_auth_response_parameters),
    };
    const struct shape *shape =
        shape_find_member(events_op_describe_connection.out, S("AuthParameters"))->shape;
    json_t *shown cleanup_json = json_parse(row.shown, err);
    return shown == NULL ? -1
                         : value_from_json(c->arena, shape, shown, 0, out->auth_parameters, err);
}

int events_deauthorize_connection(struct call *c,
                                  const struct events_deauthorize_connection_request *in,
                                  struct events_deauthorize_connection_response *out,
                                  struct err *err) {
    struct ev_connection row;
    if (need(c, in->name, &row, err) < 0 || drop_secret(c, &row, err) < 0) {
        return -1;
    }
    row.state = S("DEAUTHORIZED");
    row.modified_ms = c->now_ms;
    *out = (struct events_deauthorize_connection_response){
        .connection_arn = row.arn,
        .connection_state = row.state,
        .creation_time = row.created_ms,
        .has_creation_time = true,
        .last_modified_time = row.modified_ms,
        .has_last_modified_time = true,
        .last_authorized_time = row.authorized_ms,
        .has_last_authorized_time = row.authorized_ms > 0,
    };
    return ev_connection_put(c->db, &row, err);
}

int events_delete_connection(struct call *c, const struct events_delete_connection_request *in,
                             struct events_delete_connection_response *out, struct err *err) {
    struct ev_connection row;
    if (need(c, in->name, &row, err) < 0 || drop_secret(c, &row, err) < 0) {
        return -1;
    }
    *out = (struct events_delete_connection_response){
        .connection_arn = row.arn,
        .connection_state = S("DELETING"),
        .creation_time = row.created_ms,
        .has_creation_time = true,
        .last_modified_time = row.modified_ms,
        .has_last_modified_time = true,
        .last_authorized_time = row.authorized_ms,
        .has_last_authorized_time = row.authorized_ms > 0,
    };
    return ev_connection_remove(c->db, row.arn, err);
}

int events_list_connections(struct call *c, const struct events_list_connections_request *in,
                            struct events_list_connections_response *out, struct err *err) {
    struct str after;
    int64_t limit;
    struct ev_connections rows;
    if (ev_page(c, in->next_token, in->has_limit, in->limit, &after, &limit, err) < 0 ||
        ev_connection_list(c->db, c->arena, c->account, c->region, in->name_prefix, after,
                           limit + 1, &rows, err) < 0) {
        return -1;
    }
    out->connections.v = arena_new_n(c->arena, struct events_connection, rows.n + 1);
    for (size_t i = 0; i < rows.n && (int64_t)i < limit; i++) {
        const struct ev_connection *r = &rows.v[i];
        if (in->connection_state.p != NULL && !str_eq(in->connection_state, r->state)) {
            continue;
        }
        out->connections.v[out->connections.n++] = (struct events_connection){
            .connection_arn = r->arn,
            .name = r->name,
            .connection_state = r->state,
            .state_reason = r->reason,
            .authorization_type = r->type,
            .creation_time = r->created_ms,
            .has_creation_time = true,
            .last_modified_time = r->modified_ms,
            .has_last_modified_time = true,
            .last_authorized_time = r->authorized_ms,
            .has_last_authorized_time = r->authorized_ms > 0,
        };
    }
    if ((int64_t)rows.n > limit) {
        out->next_token = page_token(c, rows.v[limit - 1].name);
    }
    return 0;
}
