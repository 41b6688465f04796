/* AddAccount, ListAccounts, CompleteConnection, CreateConnectionHook, CreateConsoleLink. */
#include "front/api/trunkline/trunkline.h"

#include "front/api/codepipeline/webhooks.h"
#include "front/web/session.h"
#include "services/codeconnections/connections.h"
#include "services/core/account.h"

int trunkline_add_account(struct call *c, const struct trunkline_add_account_input *in,
                          struct trunkline_add_account_output *out, struct err *err) {
    struct account now;
    int found = account_find(c->db, c->arena, in->id, &now, err);
    (void)out;
    if (found < 0) {
        return -1;
    }
    if (found > 0 && str_is(now.kind, "embedded")) {
        return err_api(err, &trunkline_AccountExistsException,
                       "account " STR_FMT " is embedded here, as '" STR_FMT
                       "'; a data directory of its own is needed for the real one",
                       STR_ARG(in->id), STR_ARG(now.name));
    }
    if (in->role_arn.p != NULL) {
        struct aws_arn arn;
        if (!aws_arn_parse(in->role_arn, &arn) || !str_is(arn.service, "iam") ||
            !str_eq(arn.account, in->id) || !str_starts(arn.resource, S("role/"))) {
            return err_api(err, &trunkline_ValidationException,
                           "'" STR_FMT "' is no role of account " STR_FMT, STR_ARG(in->role_arn),
                           STR_ARG(in->id));
        }
    }
    if (in->endpoint_url.p != NULL && !str_starts(in->endpoint_url, S("https://")) &&
        !str_starts(in->endpoint_url, S("http://"))) {
        return err_api(err, &trunkline_ValidationException, "'" STR_FMT "' is no http or https URL",
                       STR_ARG(in->endpoint_url));
    }
    const struct account row = {
        .id = in->id,
        .name = in->name,
        .region = in->region.p ? in->region : c->region,
        .kind = S("aws"),
        .role_arn = in->role_arn,
        .endpoint = in->endpoint_url,
        .ca_file = in->ca_file,
    };
    if (account_put(c->db, &row, err) < 0) {
        err->api = err->kind == ERR_EXISTS    ? &trunkline_AccountExistsException
                   : err->kind == ERR_INVALID ? &trunkline_ValidationException
                                              : NULL;
        return -1;
    }
    return 0;
}

int trunkline_list_accounts(struct call *c, const struct trunkline_list_accounts_input *in,
                            struct trunkline_list_accounts_output *out, struct err *err) {
    struct account_list rows;
    (void)in;
    if (account_list(c->db, c->arena, &rows, err) < 0) {
        return -1;
    }
    out->accounts.v = arena_new_n(c->arena, struct trunkline_account, rows.n + 1);
    out->accounts.n = rows.n;
    for (size_t i = 0; i < rows.n; i++) {
        out->accounts.v[i] = (struct trunkline_account){
            .name = rows.v[i].name,
            .id = rows.v[i].id,
            .region = rows.v[i].region,
            .kind = rows.v[i].kind,
            .role_arn = rows.v[i].role_arn,
            .endpoint_url = rows.v[i].endpoint,
        };
    }
    return 0;
}

/* The caller's connection of that name or ARN: ResourceNotFoundException. */
static int find_connection(struct call *c, struct str name, struct connection *ret,
                           struct err *err) {
    struct connection_list rows;
    if (connection_list(c->db, c->arena, c->account, c->region, STR_NONE, STR_NONE, 0, 1000, &rows,
                        err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < rows.n; i++) {
        if (str_eq(rows.v[i].arn, name) || str_eq(rows.v[i].name, name)) {
            *ret = rows.v[i];
            return 0;
        }
    }
    return err_api(err, &trunkline_ResourceNotFoundException,
                   "there is no connection '" STR_FMT "'", STR_ARG(name));
}

int trunkline_complete_connection(struct call *c,
                                  const struct trunkline_complete_connection_input *in,
                                  struct trunkline_complete_connection_output *out,
                                  struct err *err) {
    struct connection connection;
    if (find_connection(c, in->connection, &connection, err) < 0) {
        return -1;
    }
    if (connections_complete(c->db, c->rng, connection.arn, in->url, err) < 0) {
        err->api = err->kind == ERR_INVALID ? &trunkline_ValidationException : NULL;
        return -1;
    }
    out->connection_arn = connection.arn;
    codepipeline_changed(c); /* whoever watches the repository looks again */
    return 0;
}

int trunkline_create_connection_hook(struct call *c,
                                     const struct trunkline_create_connection_hook_input *in,
                                     struct trunkline_create_connection_hook_output *out,
                                     struct err *err) {
    struct connection connection;
    struct connection_hook_made made;
    if (find_connection(c, in->connection, &connection, err) < 0) {
        return -1;
    }
    if (connection_hook_make(c, connection.arn, connection.provider, in->rotate, &made, err) < 0) {
        err->api = err->kind == ERR_UNSUPPORTED ? &trunkline_ValidationException : NULL;
        return -1;
    }
    out->connection_arn = connection.arn;
    out->url = made.url;
    out->secret = made.secret;
    return 0;
}

int trunkline_create_console_link(struct call *c,
                                  const struct trunkline_create_console_link_input *in,
                                  struct trunkline_create_console_link_output *out,
                                  struct err *err) {
    struct str secret;
    (void)in;
    if (c->principal->kind == AWS_PRINCIPAL_SERVICE || c->principal->build_id.p != NULL) {
        return err_api(err, &trunkline_ValidationException,
                       "the console is for people: neither services nor builds sign in");
    }
    if (console_link_make(c->db, c->arena, c->rng, c->now_ms, c->principal, &secret, err) < 0) {
        return -1;
    }
    out->url = str_printf(c->arena, STR_FMT "/console/sign-in?link=" STR_FMT,
                          STR_ARG(codepipeline_flow()->url), STR_ARG(secret));
    out->expires = c->now_ms + CONSOLE_LINK_MS;
    out->has_expires = true;
    return 0;
}
