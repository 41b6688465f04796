/* Source credentials: how repositories of a kind of git host are read and told about builds. */
#include "front/api/codebuild/credentials.h"

#include "services/core/seal.h"

enum { TOKEN_MAX = 4096, USERNAME_MAX = 255 };

static struct str seal_context(struct arena *a, const struct forge_credential *row) {
    return str_printf(a, "codebuild/token/" STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(row->account),
                      STR_ARG(row->region), STR_ARG(row->server));
}

static struct str arn_of(struct arena *a, const struct forge_credential *row) {
    return str_printf(a, "arn:aws:codebuild:" STR_FMT ":" STR_FMT ":token/" STR_FMT,
                      STR_ARG(row->region), STR_ARG(row->account),
                      STR_ARG(str_lower(a, row->server)));
}

int credential_find(struct db *db, struct arena *a, struct str account, struct str region,
                    struct str server, struct credential *ret, struct err *err) {
    struct forge_credential row;
    int found = forge_credential_get(db, a, account, region, server, &row, err);
    if (found <= 0) {
        return found;
    }
    *ret =
        (struct credential){.auth = row.auth, .username = row.username, .resource = row.resource};
    return row.resource.n > 0                                                     ? 1
           : seal_open(a, seal_context(a, &row), row.token, &ret->token, err) < 0 ? -1
                                                                                  : 1;
}

static bool is_arn_of(struct str text, const char *const *services) {
    struct aws_arn arn;
    for (size_t i = 0; aws_arn_parse(text, &arn) && services[i] != NULL; i++) {
        if (str_is(arn.service, services[i])) {
            return true;
        }
    }
    return false;
}

/* What AWS takes for which host; OAUTH is made in its console only. */
static int check(const struct codebuild_import_source_credentials_input *in, struct err *err) {
    static const char *const connections[] = {"codeconnections", "codestar-connections", NULL};
    static const char *const secrets[] = {"secretsmanager", NULL};
    bool basic = str_is(in->auth_type, "BASIC_AUTH");
    if (in->token.n > TOKEN_MAX || in->username.n > USERNAME_MAX) {
        return codebuild_invalid(err, "Invalid input: token or username is too long");
    }
    for (size_t i = 0; i < in->token.n; i++) {
        if ((unsigned char)in->token.p[i] <= ' ' || in->token.p[i] == 0x7F) {
            return codebuild_invalid(err, "Invalid token: it has blanks or control characters");
        }
    }
    if (str_is(in->auth_type, "OAUTH")) {
        return codebuild_invalid(err, "Invalid authType: OAUTH credentials can only be made in the "
                                      "CodeBuild console");
    }
    if (basic && !str_is(in->server_type, "BITBUCKET")) {
        return codebuild_invalid(err, "Invalid authType: BASIC_AUTH is only for BITBUCKET");
    }
    if (basic != (in->username.n > 0)) {
        return codebuild_invalid(err, basic ? "Username is required for BASIC_AUTH"
                                            : "Username is only valid for BASIC_AUTH");
    }
    if (str_is(in->auth_type, "CODECONNECTIONS") && !is_arn_of(in->token, connections)) {
        return codebuild_invalid(err, "Invalid token: CODECONNECTIONS takes a connection's ARN");
    }
    if (str_is(in->auth_type, "SECRETS_MANAGER") && !is_arn_of(in->token, secrets)) {
        return codebuild_invalid(err, "Invalid token: SECRETS_MANAGER takes a secret's ARN");
    }
    return 0;
}

int codebuild_import_source_credentials(struct call *c,
                                        const struct codebuild_import_source_credentials_input *in,
                                        struct codebuild_import_source_credentials_output *out,
                                        struct err *err) {
    struct forge_credential old;
    if (check(in, err) < 0) {
        return -1;
    }
    bool by_arn =
        str_is(in->auth_type, "CODECONNECTIONS") || str_is(in->auth_type, "SECRETS_MANAGER");
    struct forge_credential row = {
        .account = c->account,
        .region = c->region,
        .server = in->server_type,
        .auth = in->auth_type,
        .username = in->username,
        .resource = by_arn ? in->token : STR_NONE,
        .changed_ms = c->now_ms,
    };
    int found =
        forge_credential_get(c->db, c->arena, row.account, row.region, row.server, &old, err);
    if (found < 0) {
        return -1;
    }
    if (found > 0 && in->has_should_overwrite && !in->should_overwrite) {
        return err_api(err, &codebuild_ResourceAlreadyExistsException,
                       "Access token with server type " STR_FMT
                       " already exists. Delete its source credential and try again.",
                       STR_ARG(row.server));
    }
    row.token =
        seal_make(c->arena, c->rng, seal_context(c->arena, &row), by_arn ? S("") : in->token);
    out->arn = arn_of(c->arena, &row);
    return forge_credential_put(c->db, &row, err);
}

int codebuild_list_source_credentials(struct call *c,
                                      const struct codebuild_list_source_credentials_input *in,
                                      struct codebuild_list_source_credentials_output *out,
                                      struct err *err) {
    (void)in;
    struct forge_credentials rows;
    if (forge_credential_list(c->db, c->arena, c->account, c->region, &rows, err) < 0) {
        return -1;
    }
    out->source_credentials_infos.v =
        arena_new_n(c->arena, struct codebuild_source_credentials_info, rows.n + 1);
    for (size_t i = 0; i < rows.n; i++) {
        out->source_credentials_infos.v[out->source_credentials_infos.n++] =
            (struct codebuild_source_credentials_info){.arn = arn_of(c->arena, &rows.v[i]),
                                                       .server_type = rows.v[i].server,
                                                       .auth_type = rows.v[i].auth,
                                                       .resource = rows.v[i].resource};
    }
    return 0;
}

int codebuild_delete_source_credentials(struct call *c,
                                        const struct codebuild_delete_source_credentials_input *in,
                                        struct codebuild_delete_source_credentials_output *out,
                                        struct err *err) {
    struct forge_credentials rows;
    if (forge_credential_list(c->db, c->arena, c->account, c->region, &rows, err) < 0) {
        return -1;
    }
    out->arn = in->arn;
    for (size_t i = 0; i < rows.n; i++) {
        if (str_eq(arn_of(c->arena, &rows.v[i]), in->arn)) {
            return forge_credential_delete(c->db, c->account, c->region, rows.v[i].server, err);
        }
    }
    return err_api(err, &codebuild_ResourceNotFoundException,
                   "Source credential " STR_FMT " does not exist", STR_ARG(in->arn));
}
