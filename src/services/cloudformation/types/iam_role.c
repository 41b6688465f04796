/* AWS::IAM::Role with its inline and attached policies. */
#include "gen/iam.h"
#include "services/cloudformation/types.h"

static json_t *named(struct cf_call *c) {
    json_t *input = json_object();
    json_set_str(input, "RoleName", c->physical);
    return input;
}

static int put_inline(struct cf_call *c, const json_t *policy, struct err *err) {
    json_t *input = named(c);
    json_set_str(input, "PolicyName", json_str(policy, "PolicyName"));
    json_set_str(input, "PolicyDocument", cf_document(c, policy, "PolicyDocument"));
    return cf_invoke(c, &iam_op_put_role_policy, input, NULL, err);
}

static int delete_inline(struct cf_call *c, struct str name, struct err *err) {
    json_t *input = named(c);
    json_set_str(input, "PolicyName", name);
    int bad = cf_invoke(c, &iam_op_delete_role_policy, input, NULL, err);
    return bad < 0 && !cf_gone(err, &iam_NoSuchEntityException) ? -1 : 0;
}

static int attach(struct cf_call *c, const struct shape_op *op, struct str arn, struct err *err) {
    json_t *input = named(c);
    json_set_str(input, "PolicyArn", arn);
    int bad = cf_invoke(c, op, input, NULL, err);
    bool gone =
        bad < 0 && op == &iam_op_detach_role_policy && cf_gone(err, &iam_NoSuchEntityException);
    return bad < 0 && !gone ? -1 : 0;
}

static const json_t *find_inline(const json_t *policies, struct str name) {
    for (size_t i = 0; i < json_array_size(policies); i++) {
        if (str_eq(json_str(json_array_get(policies, i), "PolicyName"), name)) {
            return json_array_get(policies, i);
        }
    }
    return NULL;
}

static bool listed(const json_t *list, const json_t *item) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), (json_t *)item)) {
            return true;
        }
    }
    return false;
}

/* Policies as they shall be; `old` is NULL at creation. */
static int set_policies(struct cf_call *c, const json_t *old, const json_t *new, struct err *err) {
    const json_t *was = json_object_get(old, "Policies");
    const json_t *is = json_object_get(new, "Policies");
    const json_t *had = json_object_get(old, "ManagedPolicyArns");
    const json_t *has = json_object_get(new, "ManagedPolicyArns");
    for (size_t i = 0; i < json_array_size(is); i++) {
        const json_t *policy = json_array_get(is, i);
        if (!listed(was, policy) && put_inline(c, policy, err) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < json_array_size(was); i++) {
        struct str name = json_str(json_array_get(was, i), "PolicyName");
        if (find_inline(is, name) == NULL && delete_inline(c, name, err) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < json_array_size(has); i++) {
        const json_t *arn = json_array_get(has, i);
        if (!listed(had, arn) && attach(c, &iam_op_attach_role_policy, json_text(arn), err) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < json_array_size(had); i++) {
        const json_t *arn = json_array_get(had, i);
        if (!listed(has, arn) && attach(c, &iam_op_detach_role_policy, json_text(arn), err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int create(struct cf_call *c, struct err *err) {
    static const char *const plain[] = {
        "Path", "Description", "MaxSessionDuration", "PermissionsBoundary", "Tags", NULL};
    const void *out = NULL;
    json_t *input = cf_pick(c->props, plain);
    c->physical = cf_name(c, "RoleName", 64, false);
    json_set_str(input, "RoleName", c->physical);
    json_set_str(input, "AssumeRolePolicyDocument",
                 cf_document(c, c->props, "AssumeRolePolicyDocument"));
    if (cf_invoke(c, &iam_op_create_role, input, &out, err) < 0) {
        return -1;
    }
    const struct iam_create_role_response *made = out;
    cf_attr(c, "Arn", made->role->arn);
    cf_attr(c, "RoleId", made->role->role_id);
    return set_policies(c, NULL, c->props, err);
}

static int tag(struct cf_call *c, struct err *err) {
    struct str_list gone = cf_tags_gone(c);
    struct str_map tags = cf_tags(c, c->props);
    if (gone.n > 0) {
        json_t *input = named(c);
        json_set(input, "TagKeys", cf_list_json(&gone));
        if (cf_invoke(c, &iam_op_untag_role, input, NULL, err) < 0) {
            return -1;
        }
    }
    if (tags.n == 0) {
        return 0;
    }
    json_t *input = named(c);
    json_set(input, "Tags", cf_tags_json(&tags, true));
    return cf_invoke(c, &iam_op_tag_role, input, NULL, err);
}

static int update(struct cf_call *c, struct err *err) {
    static const char *const plain[] = {"Description", "MaxSessionDuration", NULL};
    if (!cf_same(c, "AssumeRolePolicyDocument")) {
        json_t *input = named(c);
        json_set_str(input, "PolicyDocument", cf_document(c, c->props, "AssumeRolePolicyDocument"));
        if (cf_invoke(c, &iam_op_update_assume_role_policy, input, NULL, err) < 0) {
            return -1;
        }
    }
    if (!cf_same(c, "Description") || !cf_same(c, "MaxSessionDuration")) {
        json_t *input = cf_pick(c->props, plain);
        json_set_str(input, "RoleName", c->physical);
        if (json_object_get(input, "Description") == NULL) {
            json_set_str(input, "Description", S(""));
        }
        if (cf_invoke(c, &iam_op_update_role, input, NULL, err) < 0) {
            return -1;
        }
    }
    if (!cf_same(c, "Tags") && tag(c, err) < 0) {
        return -1;
    }
    return set_policies(c, c->old, c->props, err);
}

static int remove_role(struct cf_call *c, struct err *err) {
    if (set_policies(c, c->props, NULL, err) < 0) {
        return -1;
    }
    int bad = cf_invoke(c, &iam_op_delete_role, named(c), NULL, err);
    return bad < 0 && !cf_gone(err, &iam_NoSuchEntityException) ? -1 : 0;
}

const struct cf_type cf_type_iam_role = {
    .name = "AWS::IAM::Role",
    .properties =
        (const char *const[]){"AssumeRolePolicyDocument", "Description", "ManagedPolicyArns",
                              "MaxSessionDuration", "Path", "PermissionsBoundary", "Policies",
                              "RoleName", "Tags", NULL},
    .required = (const char *const[]){"AssumeRolePolicyDocument", NULL},
    .fixed = (const char *const[]){"RoleName", "Path", "PermissionsBoundary", NULL},
    .attributes = (const char *const[]){"Arn", "RoleId", NULL},
    .named_iam = "RoleName",
    .iam = true,
    .tags = true,
    .create = create,
    .update = update,
    .remove = remove_role,
};
