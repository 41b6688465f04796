/* Resource policies, tags, concurrency, and the answer to Invoke. */
#include "platform/text/json.h"
#include "services/core/arn.h"
#include "services/core/tags.h"
#include "services/lambda/lambda.h"

enum { POLICY_MAX = 20 * 1024 };

static json_t *principal_json(struct arena *a, struct str principal) {
    json_t *json = NULL;
    if (str_is(principal, "*")) {
        return json_from_str(principal);
    }
    json = json_object();
    if (arn_is_account(principal)) {
        json_set_str(json, "AWS", str_printf(a, "arn:aws:iam::%.*s:root", STR_ARG(principal)));
    } else {
        json_set_str(json, str_starts(principal, S("arn:")) ? "AWS" : "Service", principal);
    }
    return json;
}

static json_t *statement_json(struct call *c, const struct lambda_add_permission_request *in,
                              struct str resource) {
    json_t *json = json_object();
    json_t *condition = json_object();
    json_t *equals = json_object();
    json_set_str(json, "Sid", in->statement_id);
    json_set_str(json, "Effect", S("Allow"));
    json_set(json, "Principal", principal_json(c->arena, in->principal));
    json_set_str(json, "Action", in->action);
    json_set_str(json, "Resource", resource);
    json_set_str(equals, "AWS:SourceAccount", in->source_account);
    json_set_str(equals, "lambda:EventSourceToken", in->event_source_token);
    json_set_str(equals, "aws:PrincipalOrgID", in->principal_org_id);
    json_set_str(equals, "lambda:FunctionUrlAuthType", in->function_url_auth_type);
    if (json_object_size(equals) > 0) {
        json_set(condition, "StringEquals", json_incref(equals));
    }
    json_decref(equals);
    if (in->source_arn.p != NULL) {
        json_t *like = json_object();
        json_set_str(like, "AWS:SourceArn", in->source_arn);
        json_set(condition, "ArnLike", like);
    }
    if (json_object_size(condition) > 0) {
        json_set(json, "Condition", json_incref(condition));
    }
    json_decref(condition);
    return json;
}

struct str lambda_policy_text(struct arena *a, const struct str_list *statements) {
    struct err err = ERR_INIT;
    json_t *policy cleanup_json = json_object();
    json_t *list = json_array();
    json_set_str(policy, "Version", S("2012-10-17"));
    json_set_str(policy, "Id", S("default"));
    for (size_t i = 0; i < statements->n; i++) {
        json_array_append_new(list, json_parse(statements->v[i], &err));
    }
    json_set(policy, "Statement", list);
    return json_dump_str(a, policy);
}

int lambda_add_permission(struct call *c, const struct lambda_add_permission_request *in,
                          struct lambda_add_permission_response *out, struct err *err) {
    struct lambda_name name;
    struct lambda_row row;
    struct str_list statements;
    if (lambda_name_of(c, in->function_name, in->qualifier, &name, err) < 0 ||
        lambda_need_version(c, &name, &row, err) < 0) {
        return -1;
    }
    if (!str_starts(in->action, S("lambda:")) && !str_is(in->action, "*")) {
        return lambda_fail(c, err, &lambda_InvalidParameterValueException,
                           "Action must begin with 'lambda:', not '" STR_FMT "'",
                           STR_ARG(in->action));
    }
    struct str resource = str_printf(c->arena, "%.*s%s%.*s", STR_ARG(row.arn),
                                     name.qualifier.n > 0 ? ":" : "", STR_ARG(name.qualifier));
    json_t *json cleanup_json = statement_json(c, in, resource);
    out->statement = json_dump_str(c->arena, json);
    if (lambda_statement_add(c->db, row.arn, name.qualifier, in->statement_id, out->statement,
                             err) < 0) {
        return err->kind == ERR_EXISTS
                   ? lambda_fail(c, err, &lambda_ResourceConflictException,
                                 "The statement id (" STR_FMT ") provided already exists. Please "
                                 "provide a new statement id, or remove the existing statement.",
                                 STR_ARG(in->statement_id))
                   : -1;
    }
    if (lambda_statements(c->db, c->arena, row.arn, name.qualifier, &statements, err) < 0) {
        return -1;
    }
    return lambda_policy_text(c->arena, &statements).n <= POLICY_MAX
               ? 0
               : lambda_fail(c, err, &lambda_PolicyLengthExceededException,
                             "The final policy size is bigger than the limit (%d).", POLICY_MAX);
}

int lambda_get_policy(struct call *c, const struct lambda_get_policy_request *in,
                      struct lambda_get_policy_response *out, struct err *err) {
    struct lambda_name name;
    struct lambda_row row;
    struct str_list statements;
    if (lambda_name_of(c, in->function_name, in->qualifier, &name, err) < 0 ||
        lambda_need_version(c, &name, &row, err) < 0 ||
        lambda_statements(c->db, c->arena, row.arn, name.qualifier, &statements, err) < 0) {
        return -1;
    }
    if (statements.n == 0) {
        return lambda_fail(c, err, &lambda_ResourceNotFoundException,
                           "The resource you requested does not exist.");
    }
    out->policy = lambda_policy_text(c->arena, &statements);
    out->revision_id = row.config.revision_id;
    return 0;
}

int lambda_remove_permission(struct call *c, const struct lambda_remove_permission_request *in,
                             struct lambda_remove_permission_output *out, struct err *err) {
    (void)out;
    struct lambda_name name;
    struct lambda_row row;
    bool found = false;
    if (lambda_name_of(c, in->function_name, in->qualifier, &name, err) < 0 ||
        lambda_need_version(c, &name, &row, err) < 0 ||
        lambda_statement_remove(c->db, row.arn, name.qualifier, in->statement_id, &found, err) <
            0) {
        return -1;
    }
    return found ? 0
                 : lambda_fail(c, err, &lambda_ResourceNotFoundException,
                               "Statement " STR_FMT " is not found in resource policy.",
                               STR_ARG(in->statement_id));
}

/* Reserved concurrency. */

int lambda_put_function_concurrency(struct call *c,
                                    const struct lambda_put_function_concurrency_request *in,
                                    struct lambda_concurrency *out, struct err *err) {
    struct lambda_name name;
    struct lambda_row row;
    if (lambda_name_of(c, in->function_name, STR_NONE, &name, err) < 0 ||
        lambda_need_function(c, &name, &row, err) < 0) {
        return -1;
    }
    row.concurrency = in->reserved_concurrent_executions;
    out->reserved_concurrent_executions = in->reserved_concurrent_executions;
    out->has_reserved_concurrent_executions = true;
    return lambda_put(c->db, c->rng, &row, err);
}

int lambda_get_function_concurrency(struct call *c,
                                    const struct lambda_get_function_concurrency_request *in,
                                    struct lambda_get_function_concurrency_response *out,
                                    struct err *err) {
    struct lambda_name name;
    struct lambda_row row;
    if (lambda_name_of(c, in->function_name, STR_NONE, &name, err) < 0 ||
        lambda_need_function(c, &name, &row, err) < 0) {
        return -1;
    }
    if (row.concurrency >= 0) {
        out->reserved_concurrent_executions = (int32_t)row.concurrency;
        out->has_reserved_concurrent_executions = true;
    }
    return 0;
}

int lambda_delete_function_concurrency(struct call *c,
                                       const struct lambda_delete_function_concurrency_request *in,
                                       struct lambda_delete_function_concurrency_output *out,
                                       struct err *err) {
    (void)out;
    struct lambda_name name;
    struct lambda_row row;
    if (lambda_name_of(c, in->function_name, STR_NONE, &name, err) < 0 ||
        lambda_need_function(c, &name, &row, err) < 0) {
        return -1;
    }
    row.concurrency = -1;
    return lambda_put(c->db, c->rng, &row, err);
}

int lambda_get_function_code_signing_config(
    struct call *c, const struct lambda_get_function_code_signing_config_request *in,
    struct lambda_get_function_code_signing_config_response *out, struct err *err) {
    struct lambda_name name;
    struct lambda_row row;
    if (lambda_name_of(c, in->function_name, STR_NONE, &name, err) < 0 ||
        lambda_need_function(c, &name, &row, err) < 0) {
        return -1;
    }
    out->code_signing_config_arn = S("");
    out->function_name = row.name;
    return 0;
}

/* Tags. */

static int need_tagged(struct call *c, struct str arn, struct lambda_row *ret, struct err *err) {
    struct lambda_name name;
    return lambda_name_of(c, arn, STR_NONE, &name, err) < 0 ||
                   lambda_need_function(c, &name, ret, err) < 0
               ? -1
               : 0;
}

int lambda_list_tags(struct call *c, const struct lambda_list_tags_request *in,
                     struct lambda_list_tags_response *out, struct err *err) {
    struct lambda_row row;
    if (need_tagged(c, in->resource, &row, err) < 0) {
        return -1;
    }
    return tags_get(c->db, c->arena, row.arn, &out->tags, err);
}

int lambda_tag_resource(struct call *c, const struct lambda_tag_resource_request *in,
                        struct lambda_tag_resource_output *out, struct err *err) {
    (void)out;
    struct lambda_row row;
    struct str key;
    if (need_tagged(c, in->resource, &row, err) < 0) {
        return -1;
    }
    if (tags_check(&in->tags, &key) != TAGS_OK) {
        return lambda_fail(c, err, &lambda_InvalidParameterValueException,
                           "Tag '" STR_FMT "' is too long, reserved or given twice", STR_ARG(key));
    }
    return tags_put(c->db, row.arn, &in->tags, err);
}

int lambda_untag_resource(struct call *c, const struct lambda_untag_resource_request *in,
                          struct lambda_untag_resource_output *out, struct err *err) {
    (void)out;
    struct lambda_row row;
    if (need_tagged(c, in->resource, &row, err) < 0) {
        return -1;
    }
    return tags_remove(c->db, row.arn, &in->tag_keys, err);
}

/* A dry run is a question about rights, which the gate has answered. Anything else would have to
 * run the function: that is said, never pretended. */
int lambda_invoke(struct call *c, const struct lambda_invocation_request *in,
                  struct lambda_invocation_response *out, struct err *err) {
    struct lambda_name name;
    struct lambda_row row;
    if (lambda_name_of(c, in->function_name, in->qualifier, &name, err) < 0 ||
        lambda_need_version(c, &name, &row, err) < 0) {
        return -1;
    }
    if (str_is(in->invocation_type, "DryRun")) {
        out->status_code = 204;
        out->has_status_code = true;
        return 0;
    }
    return lambda_fail(c, err, &lambda_InvalidRequestContentException,
                       "Function " STR_FMT
                       " is deployed, but functions are not run here: Lambda is "
                       "control plane only",
                       STR_ARG(row.name));
}
