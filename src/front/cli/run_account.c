/*
 * The account that a run's parameters and credentials come from, where it is none of its own:
 * --account, one that a server of this machine serves, or --aws-profile, a profile of AWS's command
 * line. Profiles are read here where they hold keys; what is behind others (SSO, roles, programs)
 * `aws configure export-credentials` finds out.
 */
#include "front/cli/run.h"

#include "front/cli/place.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/process.h"
#include "platform/text/json.h"

#include "gen/sts.h"

#include <stdlib.h>

enum { FILE_MAX = 1024 * 1024, EXPORT_MS = 120 * 1000 };

/* ---- --account ---- */

static int from_server(struct run *r, const char *name, struct err *err) {
    struct place_account account;
    struct str url;
    if (place_is_remote(r->c)) {
        return err_set(err, ERR_INVALID,
                       "--account is one of a server of this machine: --data DIR");
    }
    if (place_url(r->c, &url, err) < 0 || place_account(r->c, name, &account, err) < 0) {
        return -1;
    }
    char *real cleanup_free = realpath(place_data_dir(r->c), NULL);
    r->other = (struct run_other){
        .account = account.id,
        .region = account.region,
        .serve_dir = str_dup(&r->c->arena, str_c(real ? real : place_data_dir(r->c))),
        .endpoint = url,
        .keys = account.keys,
    };
    return 0;
}

/* ---- --aws-profile ---- */

static const char *home_file(struct arena *a, const char *variable, const char *name) {
    const char *given = getenv(variable);
    const char *home = getenv("HOME");
    return given && *given ? given : str_printf(a, "%s/.aws/%s", home ? home : "", name).p;
}

/* The value of a key in a section of one of AWS's files; absent when there is none. */
static struct str ini_value(struct arena *a, const char *path, struct str section,
                            const char *wanted) {
    struct str text;
    struct str line;
    struct err absent = ERR_INIT;
    bool inside = false;
    if (file_read(a, path, FILE_MAX, &text, &absent) < 0) {
        return STR_NONE;
    }
    while (str_cut(&text, '\n', &line)) {
        struct str key;
        struct str trimmed = str_trim(line);
        if (trimmed.n > 1 && trimmed.p[0] == '[' && str_ends(trimmed, S("]"))) {
            inside = str_eq(str_trim(str_sub(trimmed, 1, trimmed.n - 2)), section);
        } else if (inside && str_find_c(trimmed, '=', 0) != (size_t)-1 &&
                   str_cut(&trimmed, '=', &key) && str_is(str_trim(key), wanted)) {
            return str_trim(trimmed);
        }
    }
    return STR_NONE;
}

static struct str setting(struct run *r, const char *profile, const char *key) {
    struct arena *a = &r->c->arena;
    bool is_default = strcmp(profile, "default") == 0;
    struct str section = is_default ? S("default") : str_printf(a, "profile %s", profile);
    struct str value = ini_value(a, home_file(a, "AWS_SHARED_CREDENTIALS_FILE", "credentials"),
                                 str_c(profile), key);
    return value.p ? value : ini_value(a, home_file(a, "AWS_CONFIG_FILE", "config"), section, key);
}

/* What AWS's own command line makes of a profile that holds no keys. */
static int export_keys(struct run *r, const char *profile, struct err *err) {
    struct arena *a = &r->c->arena;
    const char *argv[] = {"aws",       "configure", "export-credentials",
                          "--profile", profile,     "--format",
                          "process",   NULL};
    struct process_run run = {.spec = PROCESS_SPEC_INIT, .timeout_ms = EXPORT_MS};
    struct str out;
    run.spec.argv = argv;
    if (process_run(a, &run, &out, NULL, NULL, err) < 0) {
        return err_wrap(err,
                        "profile %s holds no keys, and `aws configure export-credentials` "
                        "cannot get any",
                        profile);
    }
    json_t *json cleanup_json = json_parse(out, err);
    if (json == NULL) {
        return err_wrap(err, "profile %s", profile);
    }
    struct aws_credentials *keys = &r->other.keys;
    *keys = (struct aws_credentials){.access_key = str_dup(a, json_str(json, "AccessKeyId")),
                                     .secret_key = str_dup(a, json_str(json, "SecretAccessKey")),
                                     .session_token = str_dup(a, json_str(json, "SessionToken"))};
    if (json_str(json, "Expiration").n > 0 &&
        !time_parse(json_str(json, "Expiration"), &keys->expires_ms)) {
        keys->expires_ms = 0;
    }
    return 0;
}

static int profile_keys(struct run *r, const char *profile, struct err *err) {
    r->other.keys = (struct aws_credentials){
        .access_key = setting(r, profile, "aws_access_key_id"),
        .secret_key = setting(r, profile, "aws_secret_access_key"),
        .session_token = setting(r, profile, "aws_session_token"),
    };
    bool whole = r->other.keys.access_key.n > 0 && r->other.keys.secret_key.n > 0;
    return whole ? 0 : export_keys(r, profile, err);
}

static struct aws_target target(const struct run *r) {
    return (struct aws_target){.account = r->other.account,
                               .region = r->other.region,
                               .endpoint = r->other.endpoint,
                               .ca_file = r->other.ca_file,
                               .credentials = r->other.keys,
                               .retries = -1};
}

static struct str first(struct str a, struct str b, struct str c) {
    return a.n > 0 ? a : b.n > 0 ? b : c;
}

static struct str variable(const char *name) {
    const char *value = getenv(name);
    return str_c(value && *value ? value : NULL);
}

static int from_profile(struct run *r, const char *profile, struct err *err) {
    struct sts_get_caller_identity_request in = {0};
    struct sts_get_caller_identity_response out;
    r->other.region = first(setting(r, profile, "region"), variable("AWS_REGION"),
                            first(variable("AWS_DEFAULT_REGION"), S("eu-west-2"), STR_NONE));
    r->other.endpoint =
        first(setting(r, profile, "endpoint_url"), variable("AWS_ENDPOINT_URL"), STR_NONE);
    r->other.ca_file = first(setting(r, profile, "ca_bundle"), variable("AWS_CA_BUNDLE"), STR_NONE);
    if (profile_keys(r, profile, err) < 0) {
        return -1;
    }
    struct aws_target t = target(r);
    t.account = S("000000000000"); /* that is the question */
    if (sts_call_get_caller_identity(&t, &r->c->arena, &in, &out, err) < 0) {
        return err_wrap(err, "profile %s", profile);
    }
    r->other.account = out.account;
    return 0;
}

/* ---- the role ---- */

static int assume(struct run *r, const char *role, struct err *err) {
    struct arena *a = &r->c->arena;
    struct str arn =
        strncmp(role, "arn:", 4) == 0
            ? str_c(role)
            : str_printf(a, "arn:aws:iam::" STR_FMT ":role/%s", STR_ARG(r->other.account), role);
    struct sts_assume_role_request in = {.role_arn = arn, .role_session_name = S("trunkline-run")};
    struct sts_assume_role_response out;
    struct aws_target t = target(r);
    if (sts_call_assume_role(&t, a, &in, &out, err) < 0) {
        return err_wrap(err, "--role");
    }
    r->other.keys = (struct aws_credentials){.access_key = out.credentials->access_key_id,
                                             .secret_key = out.credentials->secret_access_key,
                                             .session_token = out.credentials->session_token,
                                             .expires_ms = out.credentials->expiration};
    return 0;
}

int run_account(struct run *r, struct err *err) {
    const char *account = cli_opt(r->c, "account");
    const char *profile = cli_opt(r->c, "aws-profile");
    const char *role = cli_opt(r->c, "role");
    if (account == NULL && profile == NULL) {
        return 0;
    }
    if (account != NULL && profile != NULL) {
        return err_set(err, ERR_INVALID, "--account and --aws-profile are two ways, choose one");
    }
    int result = account ? from_server(r, account, err) : from_profile(r, profile, err);
    if (result == 0 && role != NULL) {
        result = assume(r, role, err);
    }
    if (account != NULL) {
        r->other.endpoint = STR_NONE; /* builds get there by its socket */
    }
    return result;
}
