/* What single providers ask of their configuration beyond its table; check.h. */
#include "flow/definition/check.h"

#include "platform/text/json.h"

static int missing(struct check *c, const struct def_action *a, const char *key, const char *why) {
    return check_bad(c, DEF_FAULT_ACTION,
                     "Action configuration for action '%.*s' is missing required configuration "
                     "'%s': %s",
                     STR_ARG(a->name), key, why);
}

static struct str value(const struct def_action *a, const char *key) {
    return str_map_get(&a->configuration, str_c(key));
}

static bool refers(struct str text) {
    return str_find(text, S("#{"), 0) != (size_t)-1;
}

/* [{"name":"A","value":"b","type":"PLAINTEXT"}] */
static int check_build_environment(struct check *c, const struct def_action *a) {
    static const char *const types[] = {"PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER"};
    struct str text = value(a, "EnvironmentVariables");
    if (text.n == 0) {
        return 0;
    }
    struct err why = ERR_INIT;
    json_t *list cleanup_json = json_parse(text, &why);
    bool good = json_is_array(list);
    for (size_t i = 0; good && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct str type = json_str(item, "type");
        bool known = type.p == NULL || refers(type);
        for (size_t k = 0; k < 3; k++) {
            known = known || str_is(type, types[k]);
        }
        good = known && json_str(item, "name").n > 0 && json_str(item, "value").p != NULL;
    }
    return good ? 0
                : check_bad(c, DEF_FAULT_ACTION,
                            "Action configuration for action '%.*s': EnvironmentVariables is not "
                            "a JSON array of objects with name, value and a type of PLAINTEXT, "
                            "PARAMETER_STORE or SECRETS_MANAGER",
                            STR_ARG(a->name));
}

static int check_build(struct check *c, const struct def_action *a) {
    struct str primary = value(a, "PrimarySource");
    if (a->inputs.n > 1 && primary.n == 0) {
        return missing(c, a, "PrimarySource", "the action has more than one input artifact");
    }
    if (primary.n > 0 && !refers(primary) && !str_list_has(&a->inputs, primary)) {
        return check_bad(c, DEF_FAULT_ACTION,
                         "Action configuration for action '%.*s': the PrimarySource '%.*s' is not "
                         "one of its input artifacts",
                         STR_ARG(a->name), STR_ARG(primary));
    }
    if (str_is(value(a, "CombineArtifacts"), "true") && !str_is(value(a, "BatchEnabled"), "true")) {
        return check_bad(c, DEF_FAULT_ACTION,
                         "Action configuration for action '%.*s': CombineArtifacts needs "
                         "BatchEnabled to be true",
                         STR_ARG(a->name));
    }
    return check_build_environment(c, a);
}

/* "Artifact::path/in/it" */
static int check_template(struct check *c, const struct def_action *a, const char *key) {
    struct str path = value(a, key);
    size_t colons = str_find(path, S("::"), 0);
    if (path.n == 0 || refers(path)) {
        return 0;
    }
    if (colons == (size_t)-1 || colons + 2 >= path.n ||
        !str_list_has(&a->inputs, str_sub(path, 0, colons))) {
        return check_bad(c, DEF_FAULT_ACTION,
                         "Action configuration for action '%.*s': %s '%.*s' is not "
                         "ARTIFACT::FILE of one of its input artifacts",
                         STR_ARG(a->name), key, STR_ARG(path));
    }
    return 0;
}

static int check_stack(struct check *c, const struct def_action *a) {
    struct str mode = value(a, "ActionMode");
    bool change_set = str_starts(mode, S("CHANGE_SET_"));
    bool executes = str_is(mode, "CHANGE_SET_EXECUTE");
    if (refers(mode)) {
        return 0;
    }
    if (change_set && value(a, "ChangeSetName").n == 0) {
        return missing(c, a, "ChangeSetName", "change sets have a name");
    }
    if (!executes && value(a, "RoleArn").n == 0) {
        return missing(c, a, "RoleArn", "CloudFormation works as that role");
    }
    if (!executes && !str_is(mode, "DELETE_ONLY") && value(a, "TemplatePath").n == 0) {
        return missing(c, a, "TemplatePath", "the stack is made from a template");
    }
    if (a->outputs.n > 0 && value(a, "OutputFileName").n == 0) {
        return missing(c, a, "OutputFileName", "the action has an output artifact");
    }
    return check_template(c, a, "TemplatePath") < 0 ? -1
                                                    : check_template(c, a, "TemplateConfiguration");
}

int check_provider(struct check *c, const struct def_stage *s, const struct def_action *a) {
    (void)s;
    if (str_is(a->provider, "CodeBuild")) {
        return check_build(c, a);
    }
    if (str_is(a->provider, "CloudFormation")) {
        return check_stack(c, a);
    }
    if (str_is(a->category, "Deploy") && str_is(a->provider, "S3") &&
        str_is(value(a, "Extract"), "false") && value(a, "ObjectKey").n == 0) {
        return missing(c, a, "ObjectKey", "Extract is false");
    }
    if (str_is(a->category, "Compute") && value(a, "VpcId").n > 0 &&
        (value(a, "Subnets").n == 0 || value(a, "SecurityGroupIds").n == 0)) {
        return missing(c, a, value(a, "Subnets").n == 0 ? "Subnets" : "SecurityGroupIds",
                       "VpcId is given");
    }
    return 0;
}
