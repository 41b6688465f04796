/* Shared by SSM's handlers: names, selectors, values, what a parameter looks like outside. */
#pragma once

#include "gen/ssm.h"
#include "runtime/queue/queue.h"
#include "services/core/env.h"
#include "services/ssm/ssm_store.h"

enum {
    SSM_STANDARD_MAX = 4096, /* characters of a value */
    SSM_ADVANCED_MAX = 8192,
    SSM_LEVELS_MAX = 15,
    SSM_NAME_MAX = 1011, /* of the ARN; the name itself counts here */
    SSM_VERSIONS_MAX = 100,
    SSM_LABELS_MAX = 10, /* of a version */
    SSM_POLICIES_MAX = 10,
    SSM_PAGE = 50,
    SSM_PATH_PAGE = 10,
    SSM_KINDS = 1,
};
#define SSM_EXPIRE "ssm.expire"

/* What a client may write for a name: an ARN or a name, with ":3" or ":label" behind it. */
struct ssm_ref {
    struct ssm_name key;
    bool by_arn;         /* an ARN does not tell "/a" from "a" */
    struct str selector; /* ":3", as it is shown; absent = the newest */
    int64_t version;     /* 0: none */
    struct str label;    /* absent: none */
};
void ssm_ref_parse(struct call *c, struct str text, struct ssm_ref *ret);
struct ssm_name ssm_name_of(struct call *c, struct str name);
struct str ssm_arn(struct call *c, struct str name);

/* As PutParameter checks it. */
int ssm_check_name(struct str name, struct err *err) MUST_USE;
/* ValidationException with SSM's sentence unless it can be a path of a hierarchy. */
int ssm_check_path(struct str path, struct err *err) MUST_USE;

/* 1 found, 0 no such parameter, -1 error; a selector without its version is an error. */
int ssm_resolve(struct call *c, const struct ssm_ref *ref, struct ssm_row *ret,
                struct err *err) MUST_USE;
/* ParameterNotFound when there is none. */
int ssm_need(struct call *c, struct str name, struct ssm_row *ret, struct err *err) MUST_USE;

/* SecureString: encryption by KMS as the caller, bound to the parameter's ARN. */
int ssm_seal_value(struct call *c, struct str arn, struct str key_id, struct str tier,
                   struct str plain, struct str *ret, struct err *err) MUST_USE;
int ssm_open_value(struct call *c, struct str arn, struct str sealed, struct str *ret,
                   struct err *err) MUST_USE;
/* The value as it is given out: plain, or base64 of the ciphertext. */
int ssm_value_out(struct call *c, const struct ssm_row *r, bool decrypt, struct str *ret,
                  struct err *err) MUST_USE;

/* Deletes with tags, labels and timers. */
int ssm_drop(struct call *c, const struct ssm_name *n, struct err *err) MUST_USE;
int ssm_put_tags(struct call *c, struct str name, const struct ssm_tag_list *tags,
                 struct err *err) MUST_USE;

/* Parameter policies: a JSON list of {Type, Version, Attributes}. *ret_expires_ms 0 = never. */
int ssm_policies_check(struct str text, int64_t *ret_expires_ms, struct err *err) MUST_USE;
int ssm_policies_show(struct call *c, struct str text, struct ssm_parameter_inline_policy_list *ret,
                      struct err *err) MUST_USE;

/* AllowedPattern: InvalidAllowedPattern, ParameterPatternMismatch. */
int ssm_check_pattern(struct call *c, struct str pattern, struct str value,
                      struct err *err) MUST_USE;

/* Filters of GetParametersByPath and DescribeParameters. */
int ssm_filters_check(const struct ssm_parameter_string_filter_list *filters, bool by_path,
                      struct err *err) MUST_USE;
/* 1 matches, 0 not, -1 error. */
int ssm_filters_match(struct call *c, const struct ssm_parameter_string_filter_list *filters,
                      const struct ssm_row *r, struct err *err) MUST_USE;

void ssm_queue_kinds(struct service_env *env, struct queue_kind ret[SSM_KINDS]);
