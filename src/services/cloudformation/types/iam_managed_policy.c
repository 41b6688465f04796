/* AWS::IAM::ManagedPolicy and whom it is attached to. */
#include "gen/iam.h"
#include "services/cloudformation/types.h"

enum { VERSIONS_MAX = 5 };

static int attach(struct cf_call *c, bool on, const char *kind, struct str owner, struct err *err) {
    json_t *input = json_object();
    bool role = strcmp(kind, "RoleName") == 0;
    const struct shape_op *op =
        on ? (role ? &iam_op_attach_role_policy : &iam_op_attach_user_policy)
           : (role ? &iam_op_detach_role_policy : &iam_op_detach_user_policy);
    json_set_str(input, kind, owner);
    json_set_str(input, "PolicyArn", c->physical);
    int bad = cf_invoke(c, op, input, NULL, err);
    return bad < 0 && (on || !cf_gone(err, &iam_NoSuchEntityException)) ? -1 : 0;
}

static bool listed(const json_t *list, const json_t *item) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), (json_t *)item)) {
            return true;
        }
    }
    return false;
}

static int attach_all(struct cf_call *c, const json_t *old, const json_t *new, struct err *err) {
    static const char *const kinds[][2] = {{"Roles", "RoleName"}, {"Users", "UserName"}};
    for (size_t k = 0; k < 2; k++) {
        const json_t *was = json_object_get(old, kinds[k][0]);
        const json_t *is = json_object_get(new, kinds[k][0]);
        for (size_t i = 0; i < json_array_size(is) + json_array_size(was); i++) {
            bool on = i < json_array_size(is);
            const json_t *owner =
                on ? json_array_get(is, i) : json_array_get(was, i - json_array_size(is));
            if (!listed(on ? was : is, owner) &&
                attach(c, on, kinds[k][1], json_text(owner), err) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int create(struct cf_call *c, struct err *err) {
    static const char *const plain[] = {"Path", "Description", NULL};
    const void *out = NULL;
    json_t *input = cf_pick(c->props, plain);
    json_set_str(input, "PolicyName", cf_name(c, "ManagedPolicyName", 128, false));
    json_set_str(input, "PolicyDocument", cf_document(c, c->props, "PolicyDocument"));
    if (cf_invoke(c, &iam_op_create_policy, input, &out, err) < 0) {
        return -1;
    }
    const struct iam_create_policy_response *made = out;
    c->physical = made->policy->arn;
    cf_attr(c, "PolicyArn", made->policy->arn);
    cf_attr(c, "PolicyId", made->policy->policy_id);
    return attach_all(c, NULL, c->props, err);
}

/* Deletes versions that are not the default one, at least `least` of them if there are so many. */
static int drop_versions(struct cf_call *c, size_t least, struct err *err) {
    const void *out = NULL;
    json_t *input = json_object();
    json_set_str(input, "PolicyArn", c->physical);
    if (cf_invoke(c, &iam_op_list_policy_versions, input, &out, err) < 0) {
        return -1;
    }
    const struct iam_list_policy_versions_response *list = out;
    for (size_t i = list->versions.n; i-- > 0 && least > 0;) {
        if (list->versions.v[i].is_default_version) {
            continue;
        }
        input = json_object();
        json_set_str(input, "PolicyArn", c->physical);
        json_set_str(input, "VersionId", list->versions.v[i].version_id);
        if (cf_invoke(c, &iam_op_delete_policy_version, input, NULL, err) < 0) {
            return -1;
        }
        least--;
    }
    return 0;
}

static int update(struct cf_call *c, struct err *err) {
    if (!cf_same(c, "PolicyDocument")) {
        const void *out = NULL;
        json_t *input = json_object();
        json_set_str(input, "PolicyArn", c->physical);
        if (cf_invoke(c, &iam_op_list_policy_versions, input, &out, err) < 0) {
            return -1;
        }
        const struct iam_list_policy_versions_response *list = out;
        if (list->versions.n >= VERSIONS_MAX && drop_versions(c, 1, err) < 0) {
            return -1;
        }
        input = json_object();
        json_set_str(input, "PolicyArn", c->physical);
        json_set_str(input, "PolicyDocument", cf_document(c, c->props, "PolicyDocument"));
        json_set(input, "SetAsDefault", json_true());
        if (cf_invoke(c, &iam_op_create_policy_version, input, NULL, err) < 0) {
            return -1;
        }
    }
    return attach_all(c, c->old, c->props, err);
}

static int remove_policy(struct cf_call *c, struct err *err) {
    json_t *input = json_object();
    json_set_str(input, "PolicyArn", c->physical);
    if (attach_all(c, c->props, NULL, err) < 0 || drop_versions(c, VERSIONS_MAX, err) < 0) {
        json_decref(input);
        return cf_gone(err, &iam_NoSuchEntityException) ? 0 : -1;
    }
    int bad = cf_invoke(c, &iam_op_delete_policy, input, NULL, err);
    return bad < 0 && !cf_gone(err, &iam_NoSuchEntityException) ? -1 : 0;
}

const struct cf_type cf_type_iam_managed_policy = {
    .name = "AWS::IAM::ManagedPolicy",
    .properties = (const char *const[]){"Description", "ManagedPolicyName", "Path",
                                        "PolicyDocument", "Roles", "Users", NULL},
    .required = (const char *const[]){"PolicyDocument", NULL},
    .fixed = (const char *const[]){"Description", "ManagedPolicyName", "Path", NULL},
    .attributes = (const char *const[]){"PolicyArn", "PolicyId", NULL},
    .named_iam = "ManagedPolicyName",
    .iam = true,
    .create = create,
    .update = update,
    .remove = remove_policy,
};
