/* Implementation of plan_guard.h: the policy. */
#include "flow/build/plan_guard.h"

#include "platform/text/json.h"

bool plan_guard_wanted(const struct codebuild_project *project, const struct build_order *order) {
    const struct env_var *var = env_find(&order->env, S("PLAN"));
    if (var != NULL) {
        return str_is(var->value, "true");
    }
    const struct codebuild_environment_variable_list *list =
        &project->environment->environment_variables;
    for (size_t i = 0; i < list->n; i++) {
        if (str_is(list->v[i].name, "PLAN")) {
            return str_is(list->v[i].value, "true");
        }
    }
    return false;
}

/* Everything that a plan may call. IAM has no wildcard for services, so they are named; what is not
 * here is denied, also for reading. PutObject, DeleteObject, PutItem and DeleteItem are judged by
 * statements of their own. */
static const char *const plan_may[] = {
    "acm:Describe*",
    "acm:List*",
    "cloudformation:Describe*",
    "cloudformation:Get*",
    "cloudformation:List*",
    "cloudwatch:Describe*",
    "cloudwatch:Get*",
    "cloudwatch:List*",
    "codebuild:BatchGet*",
    "codebuild:List*",
    "dynamodb:BatchGetItem",
    "dynamodb:DeleteItem",
    "dynamodb:Describe*",
    "dynamodb:Get*",
    "dynamodb:List*",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "ec2:Describe*",
    "ec2:Get*",
    "ecr:BatchCheck*",
    "ecr:BatchGetImage",
    "ecr:Describe*",
    "ecr:Get*",
    "ecr:List*",
    "ecs:Describe*",
    "ecs:List*",
    "elasticloadbalancing:Describe*",
    "events:Describe*",
    "events:List*",
    "iam:Get*",
    "iam:List*",
    "kms:Decrypt",
    "kms:Describe*",
    "kms:GenerateDataKey*",
    "kms:Get*",
    "kms:List*",
    "lambda:Get*",
    "lambda:List*",
    "logs:Describe*",
    "logs:FilterLogEvents",
    "logs:Get*",
    "logs:List*",
    "rds:Describe*",
    "rds:List*",
    "route53:Get*",
    "route53:List*",
    "s3:DeleteObject",
    "s3:Get*",
    "s3:List*",
    "s3:PutObject",
    "secretsmanager:Describe*",
    "secretsmanager:Get*",
    "secretsmanager:List*",
    "sns:Get*",
    "sns:List*",
    "sqs:Get*",
    "sqs:List*",
    "ssm:Describe*",
    "ssm:Get*",
    "ssm:List*",
    "sts:*",
    "tag:Get*",
};

static json_t *deny(const char *name, const char *action_key, json_t *actions,
                    const char *resource_key, json_t *resources) {
    json_t *s = json_object();
    json_set(s, "Sid", json_sprintf(PLAN_GUARD_SID "%s", name));
    json_set(s, "Effect", json_string("Deny"));
    json_set(s, action_key, actions);
    json_set(s, resource_key, resources);
    return s;
}

static json_t *reads(void) {
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof(plan_may) / sizeof(plan_may[0]); i++) {
        json_array_append_new(list, json_string(plan_may[i]));
    }
    return list;
}

static void add_bucket(json_t *list, struct str bucket) {
    json_t *arn = json_sprintf("arn:aws:s3:::" STR_FMT "/*", STR_ARG(bucket));
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), arn)) {
            json_decref(arn);
            return;
        }
    }
    json_array_append_new(list, arn);
}

#define LOCKS "arn:aws:s3:::*.tflock"

/* Locks, and the buckets of the action's artifacts. */
static json_t *own_objects(const struct build_order *order) {
    json_t *list = json_array();
    json_array_append_new(list, json_string(LOCKS));
    for (size_t i = 0; i < order->inputs.n; i++) {
        add_bucket(list, order->inputs.v[i].bucket);
    }
    for (size_t i = 0; i < order->outputs.n; i++) {
        add_bucket(list, order->outputs.v[i].bucket);
    }
    return list;
}

/* Items of a lock table are what has its attributes and no other. A condition on a set says nothing
 * of an empty one, so who does not say what the item is may not write it. */
static void deny_items(json_t *list) {
    json_t *others =
        deny("Items", "Action", json_pack("[ss]", "dynamodb:PutItem", "dynamodb:DeleteItem"),
             "Resource", json_string("*"));
    json_set(others, "Condition",
             json_pack("{s{s[sss]}}", "ForAnyValue:StringNotEquals", "dynamodb:Attributes",
                       "LockID", "Info", "Digest"));
    json_t *unknown =
        deny("Unknown", "Action", json_string("dynamodb:*Item"), "Resource", json_string("*"));
    json_set(unknown, "Condition", json_pack("{s{ss}}", "Null", "dynamodb:Attributes", "true"));
    json_array_append_new(list, others);
    json_array_append_new(list, unknown);
}

struct str plan_guard_policy(struct arena *a, const struct build_order *order) {
    static const char workspaces[] = "arn:aws:s3:::*/env:/*";
    json_t *policy cleanup_json = json_pack("{ss}", "Version", "2012-10-17");
    json_t *list = json_array();
    json_t *objects = own_objects(order);
    json_array_append_new(objects, json_string(workspaces));
    json_array_append_new(list,
                          json_pack("{ssssss}", "Effect", "Allow", "Action", "*", "Resource", "*"));
    json_array_append_new(list, deny("", "NotAction", reads(), "Resource", json_string("*")));
    json_array_append_new(
        list, deny("Objects", "Action", json_string("s3:PutObject"), "NotResource", objects));
    json_array_append_new(list, deny("Deletes", "Action", json_string("s3:DeleteObject"),
                                     "NotResource", json_string(LOCKS)));
    json_t *states =
        deny("States", "Action", json_string("s3:PutObject"), "Resource", json_string(workspaces));
    json_set(states, "Condition",
             json_pack("{s{ss}}", "NumericGreaterThan", "trunkline:NewObjectBytes", "512"));
    json_array_append_new(list, states);
    deny_items(list);
    json_set(policy, "Statement", list);
    return json_dump_str(a, policy);
}
