/* Changing functions: code and settings. What is sent replaces, what is absent stays. */
#include "services/core/value.h"
#include "services/lambda/lambda.h"

static int check_revision(struct call *c, struct str wanted, const struct lambda_row *row,
                          struct err *err) {
    return wanted.p == NULL || str_eq(wanted, row->config.revision_id)
               ? 0
               : lambda_fail(c, err, &lambda_PreconditionFailedException,
                             "The RevisionId provided does not match the latest RevisionId. Call "
                             "the GetFunction/GetAlias API to retrieve the latest RevisionId");
}

static int store(struct call *c, struct lambda_row *row, struct err *err) {
    row->config.last_modified = lambda_time(c);
    row->config.revision_id = rng_uuid(c->rng, c->arena);
    return lambda_put(c->db, c->rng, row, err);
}

int lambda_update_function_code(struct call *c,
                                const struct lambda_update_function_code_request *in,
                                struct lambda_function_configuration *out, struct err *err) {
    struct lambda_name name;
    struct lambda_row row;
    struct lambda_code code;
    const struct lambda_source source = {in->zip_file, in->s3_bucket, in->s3_key,
                                         in->s3_object_version, in->image_uri};
    if (lambda_name_of(c, in->function_name, STR_NONE, &name, err) < 0 ||
        lambda_need_function(c, &name, &row, err) < 0 ||
        check_revision(c, in->revision_id, &row, err) < 0 ||
        lambda_code_keep(c, &source, &code, err) < 0) {
        return -1;
    }
    bool changed = !str_eq(row.code, code.sha256_hex);
    row.config.code_sha256 = code.sha256_base64;
    row.config.code_size = code.size;
    row.code = code.sha256_hex;
    if (in->architectures.n > 0) {
        row.config.architectures = in->architectures;
    }
    if (in->has_dry_run && in->dry_run) {
        *out = lambda_shown(c, &row, false);
        return lambda_code_dropped(c, err);
    }
    if (store(c, &row, err) < 0 || (changed && lambda_code_dropped(c, err) < 0)) {
        return -1;
    }
    if (in->has_publish && in->publish) {
        return lambda_publish(c, &row, STR_NONE, out, err);
    }
    *out = lambda_shown(c, &row, false);
    return 0;
}

/* Members that the request has replace those of the configuration. */
static int merge(struct call *c, const struct lambda_update_function_configuration_request *in,
                 struct lambda_function_configuration *config, struct err *err) {
    json_t *have cleanup_json = value_to_json(c->op->out, config);
    json_t *sent cleanup_json = value_to_json(c->op->in, in);
    json_object_del(sent, "FunctionName");
    json_object_del(sent, "RevisionId");
    json_object_update(have, sent);
    *config = (struct lambda_function_configuration){0};
    return value_from_json(c->arena, c->op->out, have, 0, config, err);
}

int lambda_update_function_configuration(
    struct call *c, const struct lambda_update_function_configuration_request *in,
    struct lambda_function_configuration *out, struct err *err) {
    struct lambda_name name;
    struct lambda_row row;
    if (lambda_name_of(c, in->function_name, STR_NONE, &name, err) < 0 ||
        lambda_need_function(c, &name, &row, err) < 0 ||
        check_revision(c, in->revision_id, &row, err) < 0) {
        return -1;
    }
    if (in->layers.n > 0 || in->capacity_provider_config != NULL || in->durable_config != NULL) {
        return lambda_fail(c, err, &lambda_InvalidParameterValueException,
                           "Layers, capacity providers and durable functions are not available "
                           "here");
    }
    if (in->has_timeout && in->timeout > 900) {
        return lambda_fail(c, err, &lambda_InvalidParameterValueException,
                           "1 validation error detected: Value '%d' at 'timeout' failed to satisfy "
                           "constraint: Member must have value less than or equal to 900",
                           in->timeout);
    }
    struct lambda_update_function_configuration_request sent = *in;
    sent.layers.v = NULL;
    if ((in->role.p != NULL && lambda_check_role(c, in->role, err) < 0) ||
        merge(c, &sent, &row.config, err) < 0) {
        return -1;
    }
    if (row.config.snap_start != NULL && row.config.snap_start->optimization_status.p == NULL) {
        row.config.snap_start->optimization_status = S("Off");
    }
    if (store(c, &row, err) < 0) {
        return -1;
    }
    *out = lambda_shown(c, &row, false);
    return 0;
}
