/* AWS::KMS::Key. Deletion is scheduled, as on AWS. */
#include "gen/kms.h"
#include "services/cloudformation/types.h"

static json_t *named(struct cf_call *c) {
    json_t *input = json_object();
    json_set_str(input, "KeyId", c->physical);
    return input;
}

static int rotate(struct cf_call *c, struct err *err) {
    bool on = cf_true(c->props, "EnableKeyRotation");
    return cf_invoke(c, on ? &kms_op_enable_key_rotation : &kms_op_disable_key_rotation, named(c),
                     NULL, err);
}

static int enable(struct cf_call *c, struct err *err) {
    bool off = json_object_get(c->props, "Enabled") != NULL && !cf_true(c->props, "Enabled");
    return cf_invoke(c, off ? &kms_op_disable_key : &kms_op_enable_key, named(c), NULL, err);
}

/* KMS calls the members of a tag TagKey and TagValue. */
static json_t *tags_json(struct cf_call *c) {
    struct str_map tags = cf_tags(c, c->props);
    json_t *list = json_array();
    for (size_t i = 0; i < tags.n; i++) {
        json_t *tag = json_object();
        json_set_str(tag, "TagKey", tags.v[i].key);
        json_set_str(tag, "TagValue", tags.v[i].value);
        json_array_append_new(list, tag);
    }
    return list;
}

static int create(struct cf_call *c, struct err *err) {
    static const char *const plain[] = {"Description", "KeySpec", "KeyUsage",
                                        "MultiRegion", "Origin",  NULL};
    const void *out = NULL;
    json_t *input = cf_pick(c->props, plain);
    json_set_str(input, "Policy", cf_document(c, c->props, "KeyPolicy"));
    if (cf_tags(c, c->props).n > 0) {
        json_set(input, "Tags", tags_json(c));
    }
    if (cf_invoke(c, &kms_op_create_key, input, &out, err) < 0) {
        return -1;
    }
    const struct kms_create_key_response *made = out;
    c->physical = made->key_metadata->key_id;
    cf_attr(c, "Arn", made->key_metadata->arn);
    cf_attr(c, "KeyId", made->key_metadata->key_id);
    if (cf_true(c->props, "EnableKeyRotation") && rotate(c, err) < 0) {
        return -1;
    }
    return json_object_get(c->props, "Enabled") != NULL && enable(c, err) < 0 ? -1 : 0;
}

static int tag(struct cf_call *c, struct err *err) {
    struct str_list gone = cf_tags_gone(c);
    if (gone.n > 0) {
        json_t *input = named(c);
        json_set(input, "TagKeys", cf_list_json(&gone));
        if (cf_invoke(c, &kms_op_untag_resource, input, NULL, err) < 0) {
            return -1;
        }
    }
    if (cf_tags(c, c->props).n == 0) {
        return 0;
    }
    json_t *input = named(c);
    json_set(input, "Tags", tags_json(c));
    return cf_invoke(c, &kms_op_tag_resource, input, NULL, err);
}

static int update(struct cf_call *c, struct err *err) {
    if (!cf_same(c, "KeyPolicy") && json_object_get(c->props, "KeyPolicy") != NULL) {
        json_t *input = named(c);
        json_set_str(input, "PolicyName", S("default"));
        json_set_str(input, "Policy", cf_document(c, c->props, "KeyPolicy"));
        if (cf_invoke(c, &kms_op_put_key_policy, input, NULL, err) < 0) {
            return -1;
        }
    }
    if (!cf_same(c, "Description")) {
        json_t *input = named(c);
        struct str text = cf_text(c, c->props, "Description");
        json_set_str(input, "Description", text.p != NULL ? text : S(""));
        if (cf_invoke(c, &kms_op_update_key_description, input, NULL, err) < 0) {
            return -1;
        }
    }
    if ((!cf_same(c, "EnableKeyRotation") && rotate(c, err) < 0) ||
        (!cf_same(c, "Enabled") && enable(c, err) < 0)) {
        return -1;
    }
    return !cf_same(c, "Tags") && tag(c, err) < 0 ? -1 : 0;
}

static int remove_key(struct cf_call *c, struct err *err) {
    json_t *input = named(c);
    json_t *days = json_object_get(c->props, "PendingWindowInDays");
    json_set(input, "PendingWindowInDays", days != NULL ? json_incref(days) : json_integer(30));
    int bad = cf_invoke(c, &kms_op_schedule_key_deletion, input, NULL, err);
    return bad < 0 && !cf_gone(err, &kms_NotFoundException) &&
                   !cf_gone(err, &kms_KMSInvalidStateException)
               ? -1
               : 0;
}

const struct cf_type cf_type_kms_key = {
    .name = "AWS::KMS::Key",
    .properties = (const char *const[]){"Description", "EnableKeyRotation", "Enabled", "KeyPolicy",
                                        "KeySpec", "KeyUsage", "MultiRegion", "Origin",
                                        "PendingWindowInDays", "Tags", NULL},
    .fixed = (const char *const[]){"KeySpec", "KeyUsage", "MultiRegion", "Origin", NULL},
    .attributes = (const char *const[]){"Arn", "KeyId", NULL},
    .tags = true,
    .create = create,
    .update = update,
    .remove = remove_key,
};
