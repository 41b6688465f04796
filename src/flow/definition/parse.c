/* Takes a PipelineDeclaration apart; definition.h. Missing members become absent or empty: what
 * must be there is definition_check's business. */
#include "flow/definition/definition.h"

#include "platform/text/json.h"

static struct str text(struct arena *a, const json_t *o, const char *key) {
    return str_dup(a, json_str(o, key));
}

static int number(const json_t *o, const char *key, int otherwise) {
    const json_t *value = json_object_get(o, key);
    return json_is_integer(value) ? (int)json_integer_value(value) : otherwise;
}

static struct str_map map(struct arena *a, const json_t *o) {
    struct str_map m = {0};
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)o, key, value) {
        struct str_pair *pair = arena_push(a, &m);
        pair->key = str_dup(a, str_c(key));
        pair->value = str_dup(a, json_text(value));
    }
    return m;
}

/* Names of a list of {name: ...} or of plain strings. */
static struct str_list names(struct arena *a, const json_t *list) {
    struct str_list l = {0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct str s = json_is_string(item) ? str_dup(a, json_text(item)) : text(a, item, "name");
        *arena_push(a, &l) = s.p ? s : S("");
    }
    return l;
}

static struct def_output_list outputs(struct arena *a, const json_t *list) {
    struct def_output_list l = {0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct def_output *output = arena_push(a, &l);
        output->name = text(a, item, "name");
        output->files = names(a, json_object_get(item, "files"));
    }
    return l;
}

static struct def_env_list environment(struct arena *a, const json_t *list) {
    struct def_env_list l = {0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct str type = text(a, item, "type");
        *arena_push(a, &l) = (struct def_env){
            .name = text(a, item, "name"),
            .value = text(a, item, "value"),
            .type = type.p ? type : S("PLAINTEXT"),
        };
    }
    return l;
}

static void parse_action(struct arena *a, const json_t *o, struct def_action *ret) {
    const json_t *type = json_object_get(o, "actionTypeId");
    *ret = (struct def_action){
        .name = text(a, o, "name"),
        .category = text(a, type, "category"),
        .owner = text(a, type, "owner"),
        .provider = text(a, type, "provider"),
        .version = text(a, type, "version"),
        .run_order = number(o, "runOrder", 1),
        .configuration = map(a, json_object_get(o, "configuration")),
        .inputs = names(a, json_object_get(o, "inputArtifacts")),
        .outputs = names(a, json_object_get(o, "outputArtifacts")),
        .output_files = outputs(a, json_object_get(o, "outputArtifacts")),
        .commands = names(a, json_object_get(o, "commands")),
        .output_variables = names(a, json_object_get(o, "outputVariables")),
        .environment = environment(a, json_object_get(o, "environmentVariables")),
        .namespace = text(a, o, "namespace"),
        .role_arn = text(a, o, "roleArn"),
        .region = text(a, o, "region"),
        .timeout_minutes = number(o, "timeoutInMinutes", 0),
    };
}

static void parse_rule(struct arena *a, const json_t *o, struct def_rule *ret) {
    const json_t *type = json_object_get(o, "ruleTypeId");
    *ret = (struct def_rule){
        .name = text(a, o, "name"),
        .category = text(a, type, "category"),
        .owner = text(a, type, "owner"),
        .provider = text(a, type, "provider"),
        .version = text(a, type, "version"),
        .configuration = map(a, json_object_get(o, "configuration")),
        .commands = names(a, json_object_get(o, "commands")),
        .inputs = names(a, json_object_get(o, "inputArtifacts")),
        .role_arn = text(a, o, "roleArn"),
        .region = text(a, o, "region"),
        .timeout_minutes = number(o, "timeoutInMinutes", 0),
    };
}

static void parse_condition(struct arena *a, const json_t *owner, struct def_condition *ret) {
    const json_t *conditions = json_object_get(owner, "conditions");
    const json_t *first = json_array_get(conditions, 0);
    *ret = (struct def_condition){.count = json_array_size(conditions),
                                  .result = text(a, first, "result")};
    const json_t *rules = json_object_get(first, "rules");
    for (size_t i = 0; i < json_array_size(rules); i++) {
        parse_rule(a, json_array_get(rules, i), arena_push(a, &ret->rules));
    }
}

static void parse_stage(struct arena *a, const json_t *o, struct def_stage *ret) {
    *ret = (struct def_stage){.name = text(a, o, "name"),
                              .blockers = names(a, json_object_get(o, "blockers"))};
    const json_t *actions = json_object_get(o, "actions");
    for (size_t i = 0; i < json_array_size(actions); i++) {
        parse_action(a, json_array_get(actions, i), arena_push(a, &ret->actions));
    }
    const json_t *failure = json_object_get(o, "onFailure");
    parse_condition(a, json_object_get(o, "beforeEntry"), &ret->entry);
    parse_condition(a, json_object_get(o, "onSuccess"), &ret->success);
    parse_condition(a, failure, &ret->failure);
    ret->failure_result = text(a, failure, "result");
    ret->retry_mode = text(a, json_object_get(failure, "retryConfiguration"), "retryMode");
}

static bool parse_filter(struct arena *a, const json_t *o, struct def_filter *ret) {
    ret->includes = names(a, json_object_get(o, "includes"));
    ret->excludes = names(a, json_object_get(o, "excludes"));
    return json_is_object(o);
}

static void parse_push(struct arena *a, const json_t *o, struct def_push *ret) {
    ret->has_branches = parse_filter(a, json_object_get(o, "branches"), &ret->branches);
    ret->has_paths = parse_filter(a, json_object_get(o, "filePaths"), &ret->paths);
    ret->has_tags = parse_filter(a, json_object_get(o, "tags"), &ret->tags);
}

static void parse_pull(struct arena *a, const json_t *o, struct def_pull *ret) {
    ret->events = names(a, json_object_get(o, "events"));
    ret->has_branches = parse_filter(a, json_object_get(o, "branches"), &ret->branches);
    ret->has_paths = parse_filter(a, json_object_get(o, "filePaths"), &ret->paths);
}

static void parse_trigger(struct arena *a, const json_t *o, struct def_trigger *ret) {
    const json_t *git = json_object_get(o, "gitConfiguration");
    const json_t *push = json_object_get(git, "push");
    const json_t *pull = json_object_get(git, "pullRequest");
    *ret = (struct def_trigger){.provider = text(a, o, "providerType"),
                                .source_action = text(a, git, "sourceActionName")};
    for (size_t i = 0; i < json_array_size(push); i++) {
        parse_push(a, json_array_get(push, i), arena_push(a, &ret->push));
    }
    for (size_t i = 0; i < json_array_size(pull); i++) {
        parse_pull(a, json_array_get(pull, i), arena_push(a, &ret->pull));
    }
}

/* ---- the pipeline ---- */

static void parse_store(struct arena *a, const json_t *o, const char *region,
                        struct def_store *ret) {
    *ret = (struct def_store){
        .region = region ? str_dup(a, str_c(region)) : STR_NONE,
        .type = text(a, o, "type"),
        .bucket = text(a, o, "location"),
        .encryption_key = text(a, json_object_get(o, "encryptionKey"), "id"),
    };
}

static void parse_stores(struct arena *a, const json_t *o, struct definition *d) {
    const json_t *one = json_object_get(o, "artifactStore");
    d->one_store = json_is_object(one);
    if (d->one_store) {
        parse_store(a, one, NULL, arena_push(a, &d->stores));
    }
    const char *region = NULL;
    json_t *store = NULL;
    json_object_foreach(json_object_get(o, "artifactStores"), region, store) {
        parse_store(a, store, region, arena_push(a, &d->stores));
    }
}

static void parse_variables(struct arena *a, const json_t *list, struct definition *d) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *from = json_array_get(list, i);
        *arena_push(a, &d->variables) = (struct def_variable){
            .name = text(a, from, "name"),
            .default_value = text(a, from, "defaultValue"),
            .description = text(a, from, "description"),
        };
    }
}

int definition_parse(struct arena *a, struct str json, struct definition *ret, struct err *err) {
    json_error_t why;
    json_t *root = json_loadb(json.p ? json.p : "", json.n, 0, &why);
    if (!json_is_object(root)) {
        json_decref(root);
        return err_set(err, ERR_INVALID, "the pipeline structure is not JSON: %s (line %d)",
                       why.text, why.line);
    }
    const json_t *o = json_is_object(json_object_get(root, "pipeline"))
                          ? json_object_get(root, "pipeline")
                          : root;
    struct str mode = text(a, o, "executionMode");
    struct str type = text(a, o, "pipelineType");
    *ret = (struct definition){
        .name = text(a, o, "name"),
        .version = number(o, "version", 1),
        .role_arn = text(a, o, "roleArn"),
        .mode = mode.p ? mode : S("SUPERSEDED"),
        .type = type,
    };
    parse_stores(a, o, ret);
    parse_variables(a, json_object_get(o, "variables"), ret);
    const json_t *stages = json_object_get(o, "stages");
    for (size_t i = 0; i < json_array_size(stages); i++) {
        parse_stage(a, json_array_get(stages, i), arena_push(a, &ret->stages));
    }
    const json_t *triggers = json_object_get(o, "triggers");
    for (size_t i = 0; i < json_array_size(triggers); i++) {
        parse_trigger(a, json_array_get(triggers, i), arena_push(a, &ret->triggers));
    }
    ret->trigger_bytes = json_array_size(triggers) > 0 ? json_dump_str(a, triggers).n : 0;
    if (type.p == NULL) {
        ret->type = definition_v2_feature(ret) != NULL ? S("V2") : S("V1");
    }
    json_decref(root);
    return 0;
}

const struct def_stage *definition_stage(const struct definition *d, struct str name) {
    for (size_t i = 0; i < d->stages.n; i++) {
        if (str_eq(d->stages.v[i].name, name)) {
            return &d->stages.v[i];
        }
    }
    return NULL;
}

const struct def_action *definition_action(const struct def_stage *s, struct str name) {
    for (size_t i = 0; i < s->actions.n; i++) {
        if (str_eq(s->actions.v[i].name, name)) {
            return &s->actions.v[i];
        }
    }
    return NULL;
}

const struct def_store *definition_store(const struct definition *d, struct str region,
                                         struct str home) {
    struct str wanted = region.n > 0 ? region : home;
    for (size_t i = 0; i < d->stores.n; i++) {
        if (d->one_store || str_eq(d->stores.v[i].region, wanted)) {
            return &d->stores.v[i];
        }
    }
    return NULL;
}
