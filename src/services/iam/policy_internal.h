/* Shared by policy.c, policy_parse.c and policy_condition.c only. */
#pragma once

#include "services/iam/policy.h"

enum policy_op_kind {
    POLICY_OP_STRING,
    POLICY_OP_STRING_NO_CASE,
    POLICY_OP_LIKE,
    POLICY_OP_NUMBER,
    POLICY_OP_DATE,
    POLICY_OP_BOOL,
    POLICY_OP_BINARY,
    POLICY_OP_IP,
    POLICY_OP_ARN,
    POLICY_OP_NULL,
};
struct policy_op {
    const char *name;
    enum policy_op_kind kind;
    int compare; /* numbers and dates: 0 ==, -1 <, -2 <=, 1 >, 2 >= */
    bool negated;
};
extern const struct policy_op policy_ops[];
extern const size_t policy_n_ops;

bool policy_condition_met(const struct policy *p, const struct policy_condition *c,
                          const struct policy_request *r);
/* Replaces ${...}; false when a variable has no value in this request. */
bool policy_expand(const struct policy *p, struct str text, const struct policy_request *r,
                   struct str *ret);
bool policy_arn_match(struct str pattern, struct str arn);
