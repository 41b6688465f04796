/* AWS::SSM::Parameter: String and StringList; templates can not make SecureString. */
#include "gen/ssm.h"
#include "services/cloudformation/types.h"

static const char *const plain[] = {"AllowedPattern", "DataType", "Description", "Policies",
                                    "Tier",           "Type",     "Value",       NULL};

static void attributes(struct cf_call *c) {
    cf_attr(c, "Type", cf_text(c, c->props, "Type"));
    cf_attr(c, "Value", cf_text(c, c->props, "Value"));
}

static int create(struct cf_call *c, struct err *err) {
    json_t *input = cf_pick(c->props, plain);
    struct str_map tags = cf_tags(c, c->props);
    if (str_is(cf_text(c, c->props, "Type"), "SecureString")) {
        json_decref(input);
        return err_set(err, ERR_INVALID,
                       "SecureString is not a valid type for AWS::SSM::Parameter");
    }
    c->physical = cf_name(c, "Name", 1011, false);
    json_set_str(input, "Name", c->physical);
    if (tags.n > 0) {
        json_set(input, "Tags", cf_tags_json(&tags, true));
    }
    attributes(c);
    return cf_invoke(c, &ssm_op_put_parameter, input, NULL, err);
}

static json_t *tagged(struct cf_call *c) {
    json_t *input = json_object();
    json_set_str(input, "ResourceType", S("Parameter"));
    json_set_str(input, "ResourceId", c->physical);
    return input;
}

static int tag(struct cf_call *c, struct err *err) {
    struct str_list gone = cf_tags_gone(c);
    struct str_map tags = cf_tags(c, c->props);
    if (gone.n > 0) {
        json_t *input = tagged(c);
        json_set(input, "TagKeys", cf_list_json(&gone));
        if (cf_invoke(c, &ssm_op_remove_tags_from_resource, input, NULL, err) < 0) {
            return -1;
        }
    }
    if (tags.n == 0) {
        return 0;
    }
    json_t *input = tagged(c);
    json_set(input, "Tags", cf_tags_json(&tags, true));
    return cf_invoke(c, &ssm_op_add_tags_to_resource, input, NULL, err);
}

static int update(struct cf_call *c, struct err *err) {
    json_t *before cleanup_json = cf_pick(c->old, plain);
    json_t *after cleanup_json = cf_pick(c->props, plain);
    attributes(c);
    if (!json_equal(before, after)) {
        json_t *input = json_copy(after);
        json_set_str(input, "Name", c->physical);
        json_set(input, "Overwrite", json_true());
        if (json_object_get(input, "Description") == NULL) {
            json_set_str(input, "Description", S(""));
        }
        if (cf_invoke(c, &ssm_op_put_parameter, input, NULL, err) < 0) {
            return -1;
        }
    }
    return !cf_same(c, "Tags") && tag(c, err) < 0 ? -1 : 0;
}

static int remove_parameter(struct cf_call *c, struct err *err) {
    json_t *input = json_object();
    json_set_str(input, "Name", c->physical);
    int bad = cf_invoke(c, &ssm_op_delete_parameter, input, NULL, err);
    return bad < 0 && !cf_gone(err, &ssm_ParameterNotFound) ? -1 : 0;
}

const struct cf_type cf_type_ssm_parameter = {
    .name = "AWS::SSM::Parameter",
    .properties = (const char *const[]){"AllowedPattern", "DataType", "Description", "Name",
                                        "Policies", "Tags", "Tier", "Type", "Value", NULL},
    .required = (const char *const[]){"Type", "Value", NULL},
    .fixed = (const char *const[]){"Name", NULL},
    .attributes = (const char *const[]){"Type", "Value", NULL},
    .tags = true,
    .create = create,
    .update = update,
    .remove = remove_parameter,
};
