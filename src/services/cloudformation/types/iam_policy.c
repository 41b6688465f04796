/* AWS::IAM::Policy: an inline policy of several roles and users. */
#include "gen/iam.h"
#include "services/cloudformation/types.h"

static int put(struct cf_call *c, const char *kind, struct str owner, struct err *err) {
    json_t *input = json_object();
    bool role = strcmp(kind, "RoleName") == 0;
    json_set_str(input, kind, owner);
    json_set_str(input, "PolicyName", cf_text(c, c->props, "PolicyName"));
    json_set_str(input, "PolicyDocument", cf_document(c, c->props, "PolicyDocument"));
    return cf_invoke(c, role ? &iam_op_put_role_policy : &iam_op_put_user_policy, input, NULL, err);
}

static int drop(struct cf_call *c, const json_t *props, const char *kind, struct str owner,
                struct err *err) {
    json_t *input = json_object();
    bool role = strcmp(kind, "RoleName") == 0;
    json_set_str(input, kind, owner);
    json_set_str(input, "PolicyName", cf_text(c, props, "PolicyName"));
    int bad = cf_invoke(c, role ? &iam_op_delete_role_policy : &iam_op_delete_user_policy, input,
                        NULL, err);
    return bad < 0 && !cf_gone(err, &iam_NoSuchEntityException) ? -1 : 0;
}

static bool listed(const json_t *list, const json_t *item) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), (json_t *)item)) {
            return true;
        }
    }
    return false;
}

static int set_all(struct cf_call *c, const json_t *old, const json_t *new, struct err *err) {
    static const char *const kinds[][2] = {{"Roles", "RoleName"}, {"Users", "UserName"}};
    for (size_t k = 0; k < 2; k++) {
        const json_t *was = json_object_get(old, kinds[k][0]);
        const json_t *is = json_object_get(new, kinds[k][0]);
        for (size_t i = 0; i < json_array_size(is); i++) {
            if (put(c, kinds[k][1], json_text(json_array_get(is, i)), err) < 0) {
                return -1;
            }
        }
        for (size_t i = 0; i < json_array_size(was); i++) {
            const json_t *owner = json_array_get(was, i);
            if (!listed(is, owner) && drop(c, old, kinds[k][1], json_text(owner), err) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int create(struct cf_call *c, struct err *err) {
    if (json_array_size(json_object_get(c->props, "Roles")) +
            json_array_size(json_object_get(c->props, "Users")) ==
        0) {
        return err_set(err, ERR_INVALID, "At least one of [Roles,Users] must be non-empty.");
    }
    c->physical = cf_name(c, "", 128, false);
    return set_all(c, NULL, c->props, err);
}

static int update(struct cf_call *c, struct err *err) {
    return set_all(c, c->old, c->props, err);
}

static int remove_policy(struct cf_call *c, struct err *err) {
    return set_all(c, c->props, NULL, err);
}

const struct cf_type cf_type_iam_policy = {
    .name = "AWS::IAM::Policy",
    .properties = (const char *const[]){"PolicyDocument", "PolicyName", "Roles", "Users", NULL},
    .required = (const char *const[]){"PolicyDocument", "PolicyName", NULL},
    .fixed = (const char *const[]){"PolicyName", NULL},
    .attributes = (const char *const[]){NULL},
    .iam = true,
    .create = create,
    .update = update,
    .remove = remove_policy,
};
