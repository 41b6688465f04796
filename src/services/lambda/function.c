/* Functions: creating, showing, deleting, versions. Changing them is in update.c. */
#include "gen/sts.h"
#include "services/core/arn.h"
#include "services/core/page.h"
#include "services/core/tags.h"
#include "services/core/value.h"
#include "services/lambda/lambda.h"

#include <stdio.h>

enum { PAGE = 50 };

int lambda_fail(struct call *c, struct err *err, const struct aws_error *api, const char *fmt,
                ...) {
    struct err inner = ERR_INIT;
    va_list args;
    va_start(args, fmt);
    err_vset(&inner, ERR_INVALID, fmt, args);
    va_end(args);
    if (api->shape != NULL && api != &lambda_TooManyRequestsException) {
        /* All but that one have the single member Type. */
        struct lambda_resource_not_found_exception *detail =
            arena_new(c->arena, struct lambda_resource_not_found_exception);
        detail->type = S("User");
        c->error_detail = detail;
    }
    return err_api(err, api, "%s", inner.msg);
}

static bool is_name(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char ch = name.p[i];
        bool good = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                    (ch >= '0' && ch <= '9') || ch == '-' || ch == '_';
        if (!good) {
            return false;
        }
    }
    return name.n > 0 && name.n <= 64;
}

int lambda_name_of(struct call *c, struct str text, struct str qualifier, struct lambda_name *ret,
                   struct err *err) {
    struct str name = text;
    struct str account = c->account;
    struct str region = c->region;
    struct aws_arn arn;
    if (aws_arn_parse(text, &arn)) {
        name = arn.resource;
        account = arn.account;
        region = arn.region;
    } else if (str_find(text, S(":function:"), 0) != (size_t)-1) {
        struct str rest = text;
        str_cut(&rest, ':', &account);
        name = rest;
    }
    if (str_starts(name, S("function:"))) {
        name = str_sub(name, 9, name.n);
    }
    size_t colon = str_find_c(name, ':', 0);
    if (colon != (size_t)-1) {
        struct str own = str_sub(name, colon + 1, name.n);
        if (qualifier.p != NULL && !str_eq(own, qualifier)) {
            return lambda_fail(c, err, &lambda_InvalidParameterValueException,
                               "The derived qualifier from the function name does not match the "
                               "specified qualifier.");
        }
        qualifier = own;
        name = str_sub(name, 0, colon);
    }
    if (!is_name(name)) {
        return lambda_fail(c, err, &lambda_InvalidParameterValueException,
                           "1 validation error detected: Value '" STR_FMT
                           "' at 'functionName' failed to satisfy constraint: Member must satisfy "
                           "regular expression pattern: [a-zA-Z0-9-_]+",
                           STR_ARG(text));
    }
    *ret = (struct lambda_name){
        .arn = str_printf(c->arena, "arn:aws:lambda:%.*s:%.*s:function:%.*s", STR_ARG(region),
                          STR_ARG(account), STR_ARG(name)),
        .name = name,
        .qualifier = qualifier.p != NULL ? qualifier : S(""),
    };
    return 0;
}

static int not_found(struct call *c, const struct lambda_name *name, struct err *err) {
    return lambda_fail(c, err, &lambda_ResourceNotFoundException,
                       "Function not found: " STR_FMT "%s" STR_FMT, STR_ARG(name->arn),
                       name->qualifier.n > 0 ? ":" : "", STR_ARG(name->qualifier));
}

int lambda_need_function(struct call *c, const struct lambda_name *name, struct lambda_row *ret,
                         struct err *err) {
    int found = lambda_find(c->db, c->arena, name->arn, ret, err);
    return found < 0 ? -1 : found > 0 ? 0 : not_found(c, name, err);
}

int lambda_need_version(struct call *c, const struct lambda_name *name, struct lambda_row *ret,
                        struct err *err) {
    struct lambda_row function;
    long long version = 0;
    if (lambda_need_function(c, name, &function, err) < 0) {
        return -1;
    }
    if (name->qualifier.n == 0 || str_is(name->qualifier, "$LATEST")) {
        *ret = function;
        return 0;
    }
    if (!str_to_i64(name->qualifier, &version)) {
        return not_found(c, name, err); /* aliases are not kept */
    }
    int found = lambda_version_find(c->db, c->arena, &function, version, ret, err);
    return found < 0 ? -1 : found > 0 ? 0 : not_found(c, name, err);
}

struct lambda_function_configuration lambda_shown(struct call *c, const struct lambda_row *row,
                                                  bool qualified) {
    struct lambda_function_configuration shown = row->config;
    if (qualified) {
        shown.function_arn =
            str_printf(c->arena, "%.*s:%.*s", STR_ARG(row->arn), STR_ARG(shown.version));
    }
    return shown;
}

struct str lambda_time(struct call *c) {
    struct str iso = time_iso_ms(c->arena, c->now_ms);
    return str_printf(c->arena, "%.*s+0000", STR_ARG(str_sub(iso, 0, iso.n - 1)));
}

int lambda_check_role(struct call *c, struct str role, struct err *err) {
    struct aws_arn arn;
    if (!aws_arn_parse(role, &arn) || !str_is(arn.service, "iam") ||
        !str_starts(arn.resource, S("role/"))) {
        return lambda_fail(c, err, &lambda_InvalidParameterValueException,
                           "1 validation error detected: Value '" STR_FMT
                           "' at 'role' failed to satisfy constraint: Member must satisfy regular "
                           "expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?"
                           "[a-zA-Z_0-9+=,.@\\-_/]+",
                           STR_ARG(role));
    }
    const struct aws_principal lambda = {.kind = AWS_PRINCIPAL_SERVICE,
                                         .account = c->account,
                                         .arn = S("lambda.amazonaws.com"),
                                         .service = S("lambda.amazonaws.com")};
    struct aws_target target = call_target(c);
    target.principal = &lambda;
    const struct sts_assume_role_request in = {.role_arn = role, .role_session_name = S("check")};
    struct sts_assume_role_response out;
    struct err why = ERR_INIT;
    if (db_begin(c->db, err) < 0) {
        return -1;
    }
    int assumed = sts_call_assume_role(&target, c->arena, &in, &out, &why);
    db_rollback(c->db); /* it was a question: no session stays */
    return assumed == 0
               ? 0
               : lambda_fail(c, err, &lambda_InvalidParameterValueException,
                             "The role defined for the function cannot be assumed by Lambda.");
}

static void fill_defaults(struct call *c, struct lambda_function_configuration *f) {
    static struct lambda_tracing_config_response tracing = {S_INIT("PassThrough")};
    static struct lambda_ephemeral_storage storage = {.size = 512, .has_size = true};
    static struct lambda_snap_start_response snap = {S_INIT("None"), S_INIT("Off")};
    static struct str architecture = S_INIT("x86_64");
    f->package_type = S("Zip");
    f->version = S("$LATEST");
    f->state = S("Active");
    f->last_update_status = S("Successful");
    f->description = f->description.p != NULL ? f->description : S("");
    if (!f->has_timeout) {
        f->timeout = 3;
        f->has_timeout = true;
    }
    if (!f->has_memory_size) {
        f->memory_size = 128;
        f->has_memory_size = true;
    }
    if (f->architectures.n == 0) {
        f->architectures = (struct str_list){&architecture, 1};
    }
    f->tracing_config = f->tracing_config != NULL ? f->tracing_config : &tracing;
    f->ephemeral_storage = f->ephemeral_storage != NULL ? f->ephemeral_storage : &storage;
    f->snap_start = f->snap_start != NULL ? f->snap_start : &snap;
    if (f->snap_start->optimization_status.p == NULL) {
        f->snap_start->optimization_status = S("Off");
    }
    if (f->logging_config == NULL) {
        f->logging_config = arena_new(c->arena, struct lambda_logging_config);
    }
    if (f->logging_config->log_format.p == NULL) {
        f->logging_config->log_format = S("Text");
    }
    if (f->logging_config->log_group.p == NULL) {
        f->logging_config->log_group =
            str_printf(c->arena, "/aws/lambda/%.*s", STR_ARG(f->function_name));
    }
}

static int check_create(struct call *c, const struct lambda_create_function_request *in,
                        struct err *err) {
    if (in->package_type.p != NULL && !str_is(in->package_type, "Zip")) {
        return lambda_fail(c, err, &lambda_InvalidParameterValueException,
                           "Functions from container images are not available here");
    }
    if (in->layers.n > 0 || in->code_signing_config_arn.p != NULL ||
        in->capacity_provider_config != NULL || in->durable_config != NULL) {
        return lambda_fail(c, err, &lambda_InvalidParameterValueException,
                           "Layers, code signing, capacity providers and durable functions are not "
                           "available here");
    }
    if (in->runtime.p == NULL || in->handler.p == NULL) {
        return lambda_fail(
            c, err, &lambda_InvalidParameterValueException,
            "Runtime and Handler are mandatory parameters for functions created with "
            "deployment packages.");
    }
    if (in->has_timeout && in->timeout > 900) {
        return lambda_fail(c, err, &lambda_InvalidParameterValueException,
                           "1 validation error detected: Value '%d' at 'timeout' failed to satisfy "
                           "constraint: Member must have value less than or equal to 900",
                           in->timeout);
    }
    return lambda_check_role(c, in->role, err);
}

static int put_tags(struct call *c, struct str arn, const struct str_map *tags, struct err *err) {
    struct str key;
    if (tags_check(tags, &key) != TAGS_OK) {
        return lambda_fail(c, err, &lambda_InvalidParameterValueException,
                           "Tag '" STR_FMT "' is too long, reserved or given twice", STR_ARG(key));
    }
    if (tags_put(c->db, arn, tags, err) < 0) {
        return err->kind == ERR_LIMIT ? lambda_fail(c, err, &lambda_InvalidParameterValueException,
                                                    "A function has 50 tags at most")
                                      : -1;
    }
    return 0;
}

int lambda_create_function(struct call *c, const struct lambda_create_function_request *in,
                           struct lambda_function_configuration *out, struct err *err) {
    struct lambda_name name;
    struct lambda_row row;
    if (lambda_name_of(c, in->function_name, STR_NONE, &name, err) < 0) {
        return -1;
    }
    int found = lambda_find(c->db, c->arena, name.arn, &row, err);
    if (found < 0) {
        return -1;
    }
    if (found > 0) {
        return lambda_fail(c, err, &lambda_ResourceConflictException,
                           "Function already exist: " STR_FMT, STR_ARG(name.name));
    }
    const struct lambda_source source = {in->code->zip_file, in->code->s3_bucket, in->code->s3_key,
                                         in->code->s3_object_version, in->code->image_uri};
    struct lambda_code code;
    row = (struct lambda_row){.arn = name.arn,
                              .account = c->account,
                              .region = c->region,
                              .name = name.name,
                              .concurrency = -1};
    if (check_create(c, in, err) < 0 || lambda_code_keep(c, &source, &code, err) < 0 ||
        value_copy(c->arena, c->op->in, in, c->op->out, &row.config, err) < 0) {
        return -1;
    }
    struct lambda_function_configuration *f = &row.config;
    f->function_name = name.name;
    f->function_arn = name.arn;
    f->code_sha256 = code.sha256_base64;
    f->code_size = code.size;
    f->has_code_size = true;
    f->last_modified = lambda_time(c);
    f->revision_id = rng_uuid(c->rng, c->arena);
    fill_defaults(c, f);
    row.code = code.sha256_hex;
    if (lambda_put(c->db, c->rng, &row, err) < 0 || put_tags(c, row.arn, &in->tags, err) < 0) {
        return -1;
    }
    if (in->has_publish && in->publish) {
        return lambda_publish(c, &row, STR_NONE, out, err);
    }
    *out = lambda_shown(c, &row, false);
    return 0;
}

/* Equal code and settings give no new version. */
static int same_as_last(struct call *c, const struct lambda_row *row, struct lambda_row *ret,
                        struct err *err) {
    if (row->last_version == 0) {
        return 0;
    }
    int found = lambda_version_find(c->db, c->arena, row, row->last_version, ret, err);
    return found > 0 ? str_eq(ret->config.master_arn, row->config.revision_id) : found;
}

int lambda_publish(struct call *c, struct lambda_row *row, struct str description,
                   struct lambda_function_configuration *out, struct err *err) {
    struct lambda_row version;
    int same = same_as_last(c, row, &version, err);
    if (same < 0) {
        return -1;
    }
    if (same == 0) {
        version = *row;
        row->last_version++;
        version.config.version = str_printf(c->arena, "%lld", (long long)row->last_version);
        version.config.master_arn = row->config.revision_id; /* what it was made of; not shown */
        if (description.p != NULL) {
            version.config.description = description;
        }
        version.config.revision_id = rng_uuid(c->rng, c->arena);
        if (lambda_version_put(c->db, c->rng, &version, row->last_version, err) < 0 ||
            lambda_put(c->db, c->rng, row, err) < 0) {
            return -1;
        }
    }
    *out = lambda_shown(c, &version, true);
    out->master_arn = STR_NONE;
    return 0;
}

int lambda_publish_version(struct call *c, const struct lambda_publish_version_request *in,
                           struct lambda_function_configuration *out, struct err *err) {
    struct lambda_name name;
    struct lambda_row row;
    if (lambda_name_of(c, in->function_name, STR_NONE, &name, err) < 0 ||
        lambda_need_function(c, &name, &row, err) < 0) {
        return -1;
    }
    if (in->revision_id.p != NULL && !str_eq(in->revision_id, row.config.revision_id)) {
        return lambda_fail(c, err, &lambda_PreconditionFailedException,
                           "The RevisionId provided does not match the latest RevisionId.");
    }
    if (in->code_sha256.p != NULL && !str_eq(in->code_sha256, row.config.code_sha256)) {
        return lambda_fail(c, err, &lambda_InvalidParameterValueException,
                           "CodeSHA256 (" STR_FMT ") is different from current CodeSHA256 in "
                           "$LATEST (" STR_FMT ").",
                           STR_ARG(in->code_sha256), STR_ARG(row.config.code_sha256));
    }
    return lambda_publish(c, &row, in->description, out, err);
}

int lambda_get_function_configuration(struct call *c,
                                      const struct lambda_get_function_configuration_request *in,
                                      struct lambda_function_configuration *out, struct err *err) {
    struct lambda_name name;
    struct lambda_row row;
    if (lambda_name_of(c, in->function_name, in->qualifier, &name, err) < 0 ||
        lambda_need_version(c, &name, &row, err) < 0) {
        return -1;
    }
    *out = lambda_shown(c, &row, name.qualifier.n > 0);
    out->master_arn = STR_NONE;
    return 0;
}

int lambda_get_function(struct call *c, const struct lambda_get_function_request *in,
                        struct lambda_get_function_response *out, struct err *err) {
    struct lambda_name name;
    struct lambda_row row;
    if (lambda_name_of(c, in->function_name, in->qualifier, &name, err) < 0 ||
        lambda_need_version(c, &name, &row, err) < 0 ||
        tags_get(c->db, c->arena, row.arn, &out->tags, err) < 0) {
        return -1;
    }
    out->tags.v = out->tags.n > 0 ? out->tags.v : NULL;
    out->configuration = arena_new(c->arena, struct lambda_function_configuration);
    *out->configuration = lambda_shown(c, &row, name.qualifier.n > 0);
    out->configuration->master_arn = STR_NONE;
    out->code = arena_new(c->arena, struct lambda_function_code_location);
    out->code->repository_type = S("S3");
    if (row.concurrency >= 0) {
        out->concurrency = arena_new(c->arena, struct lambda_concurrency);
        out->concurrency->reserved_concurrent_executions = (int32_t)row.concurrency;
        out->concurrency->has_reserved_concurrent_executions = true;
    }
    return 0;
}

int lambda_list_functions(struct call *c, const struct lambda_list_functions_request *in,
                          struct lambda_list_functions_response *out, struct err *err) {
    struct str after;
    struct lambda_rows rows;
    size_t limit = in->has_max_items && in->max_items < PAGE ? (size_t)in->max_items : PAGE;
    if (!page_key(c, in->marker, &after)) {
        return lambda_fail(c, err, &lambda_InvalidParameterValueException, "Invalid Marker");
    }
    if (lambda_list(c->db, c->arena, c->account, c->region, after, (int64_t)limit + 1, &rows, err) <
        0) {
        return -1;
    }
    for (size_t i = 0; i < rows.n && i < limit; i++) {
        *arena_push(c->arena, &out->functions) =
            lambda_shown(c, &rows.v[i], in->function_version.p != NULL);
        struct lambda_rows versions = {0};
        if (in->function_version.p != NULL &&
            lambda_version_list(c->db, c->arena, &rows.v[i], &versions, err) < 0) {
            return -1;
        }
        for (size_t j = 0; j < versions.n; j++) {
            *arena_push(c->arena, &out->functions) = lambda_shown(c, &versions.v[j], true);
        }
    }
    for (size_t i = 0; i < out->functions.n; i++) {
        out->functions.v[i].master_arn = STR_NONE;
    }
    if (out->functions.v == NULL) {
        out->functions.v = arena_new(c->arena, struct lambda_function_configuration);
    }
    if (rows.n > limit) {
        out->next_marker = page_token(c, rows.v[limit - 1].name);
    }
    return 0;
}

int lambda_list_versions_by_function(struct call *c,
                                     const struct lambda_list_versions_by_function_request *in,
                                     struct lambda_list_versions_by_function_response *out,
                                     struct err *err) {
    struct lambda_name name;
    struct lambda_row row;
    struct lambda_rows rows;
    int64_t first = 0;
    size_t limit = in->has_max_items && in->max_items < PAGE ? (size_t)in->max_items : PAGE;
    if (!page_key_i64(c, in->marker, &first)) {
        return lambda_fail(c, err, &lambda_InvalidParameterValueException, "Invalid Marker");
    }
    if (lambda_name_of(c, in->function_name, STR_NONE, &name, err) < 0 ||
        lambda_need_function(c, &name, &row, err) < 0 ||
        lambda_version_list(c->db, c->arena, &row, &rows, err) < 0) {
        return -1;
    }
    out->versions.v = arena_new_n(c->arena, struct lambda_function_configuration, limit + 1);
    for (size_t i = (size_t)first; i < rows.n + 1 && out->versions.n < limit; i++) {
        struct lambda_function_configuration shown =
            lambda_shown(c, i == 0 ? &row : &rows.v[i - 1], true);
        shown.master_arn = STR_NONE;
        out->versions.v[out->versions.n++] = shown;
    }
    if ((size_t)first + limit < rows.n + 1) {
        out->next_marker = page_token_i64(c, first + (int64_t)limit);
    }
    return 0;
}

int lambda_delete_function(struct call *c, const struct lambda_delete_function_request *in,
                           struct lambda_delete_function_response *out, struct err *err) {
    struct lambda_name name;
    struct lambda_row row;
    long long version = 0;
    if (lambda_name_of(c, in->function_name, in->qualifier, &name, err) < 0 ||
        lambda_need_version(c, &name, &row, err) < 0) {
        return -1;
    }
    out->status_code = 204;
    out->has_status_code = true;
    if (str_to_i64(name.qualifier, &version)) {
        return lambda_version_remove(c->db, row.arn, version, err) < 0
                   ? -1
                   : lambda_code_dropped(c, err);
    }
    if (name.qualifier.n > 0) {
        return lambda_fail(c, err, &lambda_InvalidParameterValueException,
                           "$LATEST version cannot be deleted without deleting the function.");
    }
    if (tags_drop(c->db, row.arn, err) < 0 || lambda_remove(c->db, row.arn, err) < 0) {
        return -1;
    }
    return lambda_code_dropped(c, err);
}
