/* Implementation of access.h. */
#include "front/api/codebuild/access.h"

#include "flow/build/source_map.h"
#include "flow/build/source_plan.h"
#include "flow/checkout/address.h"
#include "flow/checkout/secret.h"
#include "front/api/codebuild/credentials.h"
#include "gen/secretsmanager.h"

struct finding {
    const struct flow *flow;
    struct arena *arena;
    const struct access_owner *owner;
    const struct codebuild_project_source *source;
    struct str url;
    struct checkout_remote *remote;
    struct str *secret;
};

struct str access_username(struct str server_type) {
    return str_starts(server_type, S("GITLAB")) ? S("oauth2")
           : str_is(server_type, "BITBUCKET")   ? S("x-token-auth")
                                                : S("x-access-token");
}

/* Is the URL on the source's own server? A submodule elsewhere must not learn its credentials. */
static bool on_server(const struct finding *f) {
    struct address own;
    struct address other;
    struct err ignored = ERR_INIT;
    return address_parse(f->arena, f->source->location, &own, &ignored) == 0 &&
           address_parse(f->arena, f->url, &other, &ignored) == 0 &&
           str_eq(address_server(f->arena, &own), address_server(f->arena, &other));
}

static int by_connection(struct finding *f, struct str arn, struct err *err) {
    struct address at;
    if (address_parse(f->arena, f->url, &at, err) < 0) {
        return -1;
    }
    int found = f->flow->connection(f->flow->connection_ud, f->arena, f->owner->account, arn,
                                    address_repository(&at), &f->remote->url, err);
    f->remote->trusted = true;
    return found > 0 ? 0
           : found < 0
               ? -1
               : err_set(err, ERR_NOT_FOUND, "there is no connection " STR_FMT, STR_ARG(arn));
}

static int by_credential(struct finding *f, const struct credential *c, struct err *err) {
    if (str_is(c->auth, "CODECONNECTIONS")) {
        return by_connection(f, c->resource, err);
    }
    f->remote->username = c->username.n > 0 ? c->username : access_username(f->source->type);
    if (str_is(c->auth, "SECRETS_MANAGER")) {
        *f->secret = c->resource;
    } else {
        f->remote->password = c->token;
    }
    return 0;
}

/* The account's credential for this kind of host; public repositories need none. */
static int by_account(struct finding *f, struct err *err) {
    struct credential credential;
    struct db *db = f->flow->db;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int found = credential_find(db, f->arena, f->owner->account, f->owner->region, f->source->type,
                                &credential, err);
    db_rollback(db);
    return found <= 0 ? found : by_credential(f, &credential, err);
}

static int find(struct finding *f, struct err *err) {
    const struct codebuild_source_auth *auth = f->source->auth;
    int mapped = source_map(f->arena, f->flow->data_dir, f->url, &f->remote->url, err);
    if (mapped < 0) {
        return -1;
    }
    f->remote->trusted = mapped > 0;
    if (mapped == 0) {
        f->remote->url = f->url;
    }
    if (!on_server(f)) {
        return 0;
    }
    if (auth != NULL && str_is(auth->type, "CODECONNECTIONS") && auth->resource.n > 0) {
        return mapped ? 0 : by_connection(f, auth->resource, err);
    }
    if (auth != NULL && str_is(auth->type, "SECRETS_MANAGER") && auth->resource.n > 0) {
        struct credential named = {.auth = S("SECRETS_MANAGER"), .resource = auth->resource};
        return by_credential(f, &named, err);
    }
    return by_account(f, err);
}

int access_of_source(const struct flow *f, struct arena *a, const struct access_owner *owner,
                     const struct codebuild_project_source *source, struct str url,
                     struct checkout_remote *ret, struct str *ret_secret, struct err *err) {
    struct finding finding = {
        .flow = f,
        .arena = a,
        .owner = owner,
        .source = source,
        .url = url,
        .remote = ret,
        .secret = ret_secret,
    };
    *ret = (struct checkout_remote){0};
    *ret_secret = STR_NONE;
    return find(&finding, err);
}

/* A pipeline's source that is cloned (CODEBUILD_CLONE_REF): the build's plan says whose it is. */
static int by_plan(const struct flow *f, struct arena *a, const struct build_row *row,
                   const struct plan_source *source, struct checkout_remote *ret, struct err *err) {
    ret->trusted = true;
    int found = source->connection.n > 0
                    ? f->connection(f->connection_ud, a, row->account, source->connection,
                                    source->repository, &ret->url, err)
                    : source_map(a, f->data_dir, source->repository, &ret->url, err);
    return found > 0   ? 0
           : found < 0 ? -1
                       : err_set(err, ERR_NOT_FOUND, STR_FMT " is no repository that is known here",
                                 STR_ARG(source->repository));
}

static int of_pipeline(const struct flow *f, struct arena *a, const struct build_row *row,
                       size_t number, struct str url, struct checkout_remote *ret,
                       struct err *err) {
    struct plan plan;
    const char *dir = str_printf(a, "%s/builds/" STR_FMT, f->data_dir, STR_ARG(row->uuid)).p;
    if (plan_read(a, dir, &plan, err) < 0) {
        return -1;
    }
    const struct plan_source *source = number == 0 ? &plan.source
                                       : number <= plan.secondary_sources.n
                                           ? &plan.secondary_sources.v[number - 1]
                                           : NULL;
    return source != NULL && source->kind == PLAN_SOURCE_GIT && str_eq(source->url, url)
               ? by_plan(f, a, row, source, ret, err)
               : err_set(err, ERR_INVALID, "the build has no such git source");
}

int access_find(const struct flow *f, struct arena *a, const struct build_row *row, size_t number,
                struct str url, struct checkout_remote *ret, struct str *ret_secret,
                struct err *err) {
    struct codebuild_build *build = NULL;
    *ret = (struct checkout_remote){0};
    *ret_secret = STR_NONE;
    if (build_from_json(a, row->body, &build, err) < 0) {
        return -1;
    }
    if (str_is(build->source->type, "CODEPIPELINE")) {
        return of_pipeline(f, a, row, number, url, ret, err);
    }
    if (number > build->secondary_sources.n ||
        !source_is_git(number == 0 ? build->source->type
                                   : build->secondary_sources.v[number - 1].type)) {
        return err_set(err, ERR_INVALID, "the build has no such git source");
    }
    const struct access_owner owner = {row->account, row->region};
    return access_of_source(f, a, &owner,
                            number == 0 ? build->source : &build->secondary_sources.v[number - 1],
                            url, ret, ret_secret, err);
}

int access_secret(const struct flow *f, struct arena *a, struct str role_arn, struct str session,
                  struct str secret, struct checkout_remote *ret, struct err *err) {
    struct aws_target target;
    struct secretsmanager_get_secret_value_request in = {.secret_id = secret};
    struct secretsmanager_get_secret_value_response out = {0};
    if (aws_assume(f->world, a, S("codebuild.amazonaws.com"), role_arn, session, &target, err) <
            0 ||
        secretsmanager_call_get_secret_value(&target, a, &in, &out, err) < 0) {
        return -1;
    }
    return checkout_secret_read(a, out.secret_string, ret, err);
}
