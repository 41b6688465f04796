/* What requests ask for, read and checked; who acts for a stack; references to Parameter Store. */
#include "gen/s3.h"
#include "gen/ssm.h"
#include "platform/os/fd.h"
#include "runtime/http/http.h"
#include "services/cloudformation/cloudformation.h"
#include "services/cloudformation/parameters.h"

#include <unistd.h>

int cf_invalid(struct err *err, const char *fmt, ...) {
    struct err inner = ERR_INIT;
    va_list args;
    va_start(args, fmt);
    err_vset(&inner, ERR_INVALID, fmt, args);
    va_end(args);
    return err_api(err, &cloudformation_ValidationError, "%s", inner.msg);
}

int cf_to_api(struct err *err) {
    if (err->api == NULL && (err->kind == ERR_INVALID || err->kind == ERR_LIMIT)) {
        struct err inner = *err;
        return cf_invalid(err, "%s", inner.msg);
    }
    return -1;
}

json_t *cf_principal_json(const struct aws_principal *p) {
    json_t *json = json_object();
    json_set(json, "kind", json_integer(p->kind));
    json_set_str(json, "account", p->account);
    json_set_str(json, "arn", p->arn);
    json_set_str(json, "userId", p->user_id);
    json_set_str(json, "roleArn", p->role_arn);
    json_set_str(json, "sessionName", p->session_name);
    json_set_str(json, "sessionPolicy", p->session_policy);
    json_set_str(json, "service", p->service);
    json_set_str(json, "sourceIdentity", p->source_identity);
    json_set_str(json, "buildId", p->build_id);
    return json;
}

struct aws_principal cf_principal(struct arena *a, const json_t *json) {
    return (struct aws_principal){
        .kind = (enum aws_principal_kind)json_int(json, "kind"),
        .account = cf_json_str(a, json, "account"),
        .arn = cf_json_str(a, json, "arn"),
        .user_id = cf_json_str(a, json, "userId"),
        .role_arn = cf_json_str(a, json, "roleArn"),
        .session_name = cf_json_str(a, json, "sessionName"),
        .session_policy = cf_json_str(a, json, "sessionPolicy"),
        .service = cf_json_str(a, json, "service"),
        .source_identity = cf_json_str(a, json, "sourceIdentity"),
        .build_id = cf_json_str(a, json, "buildId"),
        .via = S("cloudformation.amazonaws.com"),
    };
}

/* "https://s3.REGION.amazonaws.com/BUCKET/KEY" or "https://BUCKET.s3.REGION.amazonaws.com/KEY";
 * other hosts (an endpoint of ours) have the bucket in the path. */
static bool parse_url(struct arena *a, struct str url, struct str *ret_bucket,
                      struct str *ret_key) {
    size_t scheme = str_find(url, S("://"), 0);
    struct str rest = str_sub(url, scheme == (size_t)-1 ? url.n : scheme + 3, url.n);
    size_t slash = str_find_c(rest, '/', 0);
    if (slash == (size_t)-1) {
        return false;
    }
    struct str host = str_sub(rest, 0, slash);
    struct str path = str_sub(rest, slash + 1, rest.n);
    path = str_sub(path, 0, str_find_c(path, '?', 0));
    size_t s3 = str_find(host, S(".s3"), 0);
    if (s3 != (size_t)-1 && s3 > 0) {
        *ret_bucket = str_sub(host, 0, s3);
    } else {
        size_t end = str_find_c(path, '/', 0);
        if (end == (size_t)-1) {
            return false;
        }
        *ret_bucket = str_sub(path, 0, end);
        path = str_sub(path, end + 1, path.n);
    }
    return http_url_decode(a, path, false, ret_key) && ret_key->n > 0;
}

static int read_url(struct call *c, struct str url, struct str *ret, struct err *err) {
    struct s3_get_object_request in = {0};
    struct s3_get_object_output out;
    struct aws_body body = AWS_BODY_NONE;
    struct aws_target target = call_target(c);
    struct err why = ERR_INIT;
    if (!parse_url(c->arena, url, &in.bucket, &in.key)) {
        return cf_invalid(err, "TemplateURL must be a supported URL.");
    }
    if (s3_call_get_object(&target, c->arena, &in, &out, &body, &why) < 0) {
        return cf_invalid(err,
                          "S3 error: %s. For more information check "
                          "http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
                          why.msg);
    }
    int fd cleanup_fd = body.fd;
    if (body.size > TEMPLATE_MAX_FILE) {
        return cf_invalid(err, "Template may not exceed %d bytes in size.", TEMPLATE_MAX_FILE);
    }
    char *text = arena_alloc(c->arena, (size_t)body.size + 1);
    if (pread(fd, text, (size_t)body.size, body.offset) != (ssize_t)body.size) {
        return err_set(err, ERR_INTERNAL, "cannot read the template");
    }
    *ret = str_n(text, (size_t)body.size);
    return 0;
}

int cf_template_text(struct call *c, struct str body, struct str url, struct str *ret,
                     struct err *err) {
    if ((body.p != NULL) == (url.p != NULL)) {
        return cf_invalid(err, "Either Template URL or Template Body must be specified.");
    }
    if (body.n > TEMPLATE_MAX_BODY) {
        return cf_invalid(err,
                          "1 validation error detected: Value at 'templateBody' failed to satisfy "
                          "constraint: Member must have length less than or equal to %d",
                          TEMPLATE_MAX_BODY);
    }
    *ret = body;
    return body.p != NULL ? 0 : read_url(c, url, ret, err);
}

static json_t *list_json(const struct str_list *list) {
    json_t *json = json_array();
    for (size_t i = 0; i < list->n; i++) {
        json_array_append_new(json, json_from_str(list->v[i]));
    }
    return json;
}

static int check_capabilities(struct call *c, const struct template *t,
                              const struct str_list *given, struct err *err) {
    struct str_list types = {0};
    const char *needed = template_capability(c->arena, t, &types);
    bool named = str_list_has(given, S("CAPABILITY_NAMED_IAM"));
    bool plain = named || str_list_has(given, S("CAPABILITY_IAM"));
    if (needed == NULL || (strcmp(needed, "CAPABILITY_IAM") == 0 ? plain : named)) {
        return 0;
    }
    return err_api(err, &cloudformation_InsufficientCapabilitiesException,
                   "Requires capabilities : [%s]", needed);
}

static int read_tags(struct call *c, const struct cloudformation_tag_list *tags,
                     const struct cf_stack *previous, json_t *operation, struct err *err) {
    json_t *json = json_object();
    json_set(operation, "tags", json);
    if (tags->v == NULL && previous != NULL) {
        json_object_update(json, json_object_get(previous->body, "tags"));
    }
    for (size_t i = 0; i < tags->n; i++) {
        if (str_starts(tags->v[i].key, S("aws:"))) {
            return cf_invalid(err, "aws: prefixed tag key names are not allowed for external use.");
        }
        json_set_str(json, str_z(c->arena, tags->v[i].key), tags->v[i].value);
    }
    return 0;
}

int cf_request_read(struct call *c, const struct cf_request *r, const struct cf_stack *previous,
                    struct template *ret_template, json_t **ret_operation, struct err *err) {
    json_t *op cleanup_json = json_object();
    json_t *parameters = NULL;
    struct str text = STR_NONE;
    struct aws_target target = call_target(c);
    const json_t *old = previous != NULL ? previous->body : NULL;
    if (r->use_previous_template) {
        if (previous == NULL || r->template_body.p != NULL || r->template_url.p != NULL) {
            return cf_invalid(err, "UsePreviousTemplate can not be combined with a template, and "
                                   "needs a stack that has one.");
        }
        text = previous->template;
    } else if (cf_template_text(c, r->template_body, r->template_url, &text, err) < 0) {
        return -1;
    }
    if (template_read(c->arena, text, ret_template, err) < 0 ||
        parameters_resolve(c->arena, ret_template, &r->parameters,
                           json_object_get(old, "parameters"), &target, &parameters, err) < 0) {
        return cf_to_api(err);
    }
    json_set(op, "parameters", parameters);
    if (check_capabilities(c, ret_template, &r->capabilities, err) < 0 ||
        read_tags(c, &r->tags, previous, op, err) < 0) {
        return -1;
    }
    json_set_str(op, "template", text);
    json_set(op, "capabilities", list_json(&r->capabilities));
    json_set(op, "principal", cf_principal_json(c->principal));
    struct str role = r->role_arn.p != NULL ? r->role_arn : json_str(old, "roleArn");
    json_set_str(op, "roleArn", role);
    const json_t *topics = json_object_get(old, "notificationArns");
    json_set(op, "notificationArns",
             r->notification_arns.v == NULL && topics != NULL ? json_deep_copy(topics)
                                                              : list_json(&r->notification_arns));
    json_set_str(op, "token", r->token);
    json_set_str(op, "onFailure", r->disable);
    *ret_operation = json_incref(op);
    return 0;
}

/* One reference's value. */
static int resolve_one(struct arena *a, const struct aws_target *target, struct str reference,
                       struct str *ret, struct err *err) {
    struct str rest = reference;
    struct str service;
    struct str name;
    str_cut(&rest, ':', &service);
    if ((!str_is(service, "ssm") && !str_is(service, "ssm-secure")) || rest.p == NULL) {
        return err_set(err, ERR_INVALID,
                       "Dynamic reference '{{resolve:" STR_FMT "}}' is not available here; ssm and "
                       "ssm-secure are",
                       STR_ARG(reference));
    }
    name = rest;
    const struct ssm_get_parameter_request in = {.name = name,
                                                 .with_decryption = str_is(service, "ssm-secure"),
                                                 .has_with_decryption = true};
    struct ssm_get_parameter_result out;
    if (ssm_call_get_parameter(target, a, &in, &out, err) < 0) {
        return err_wrap(err, "dynamic reference to parameter " STR_FMT, STR_ARG(name));
    }
    *ret = out.parameter->value;
    return 0;
}

static int resolve_text(struct arena *a, const struct aws_target *target, struct str text,
                        json_t **ret, struct err *err) {
    struct str mark = S("{{resolve:");
    size_t at;
    while ((at = str_find(text, mark, 0)) != (size_t)-1) {
        size_t end = str_find(text, S("}}"), at);
        struct str value;
        if (end == (size_t)-1) {
            break;
        }
        struct str reference = str_sub(text, at + mark.n, end - at - mark.n);
        if (resolve_one(a, target, reference, &value, err) < 0) {
            return -1;
        }
        if (str_find(value, mark, 0) != (size_t)-1) { /* what is looked up is not looked into */
            return err_set(err, ERR_INVALID, "a parameter's value holds a dynamic reference");
        }
        text = str_concat(a, str_concat(a, str_sub(text, 0, at), value),
                          str_sub(text, end + 2, text.n));
    }
    *ret = json_from_str(text);
    return 0;
}

int cf_resolve_references(struct arena *a, const struct aws_target *target, const json_t *tree,
                          json_t **ret, struct err *err) {
    const char *key;
    json_t *child;
    json_t *value = NULL;
    if (json_is_string(tree)) {
        return resolve_text(a, target, json_text(tree), ret, err);
    }
    if (!json_is_object(tree) && !json_is_array(tree)) {
        *ret = json_deep_copy(tree);
        return 0;
    }
    json_t *made cleanup_json = json_is_array(tree) ? json_array() : json_object();
    json_object_foreach((json_t *)tree, key, child) {
        if (cf_resolve_references(a, target, child, &value, err) < 0) {
            return -1;
        }
        json_set(made, key, value);
    }
    for (size_t i = 0; i < json_array_size(tree); i++) {
        if (cf_resolve_references(a, target, json_array_get(tree, i), &value, err) < 0) {
            return -1;
        }
        json_array_append_new(made, value);
    }
    *ret = json_incref(made);
    return 0;
}
