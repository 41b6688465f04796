/* Takes a PipelineDeclaration apart; definition.h. Missing members become absent or empty: what must
 * be there is definition_check's business. */
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
        struct str s = json_is_string(item)
                           ? str_dup(a, json_text(item))
                           : text(a, item, "name");
        *arena_push(a, &l) = s.p ? s : S("");
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
        .namespace = text(a, o, "namespace"),
        .role_arn = text(a, o, "roleArn"),
        .region = text(a, o, "region"),
        .timeout_minutes = number(o, "timeoutInMinutes", 0),
    };
}

static void parse_entry(struct arena *a, const json_t *entry, struct def_stage *ret) {
    const json_t *condition = json_array_get(json_object_get(entry, "conditions"), 0);
    if (condition == NULL) {
        return;
    }
    ret->has_entry = true;
    ret->entry_result = text(a, condition, "result");
    const json_t *rules = json_object_get(condition, "rules");
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *from = json_array_get(rules, i);
        *arena_push(a, &ret->entry_rules) = (struct def_rule){
            .name = text(a, from, "name"),
            .provider = text(a, json_object_get(from, "ruleTypeId"), "provider"),
            .configuration = map(a, json_object_get(from, "configuration")),
            .role_arn = text(a, from, "roleArn"),
            .region = text(a, from, "region"),
        };
    }
}

static void parse_stage(struct arena *a, const json_t *o, struct def_stage *ret) {
    *ret = (struct def_stage){.name = text(a, o, "name")};
    const json_t *actions = json_object_get(o, "actions");
    for (size_t i = 0; i < json_array_size(actions); i++) {
        parse_action(a, json_array_get(actions, i), arena_push(a, &ret->actions));
    }
    parse_entry(a, json_object_get(o, "beforeEntry"), ret);
    static const char *const kept[] = {"onSuccess", "onFailure"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *value = json_object_get(o, kept[i]);
        if (json_object_size(value) > 0) {
            *arena_push(a, &ret->unsupported) = str_c(kept[i]);
        }
    }
}

static bool parse_filter(struct arena *a, const json_t *o, struct def_filter *ret) {
    ret->includes = names(a, json_object_get(o, "includes"));
    ret->excludes = names(a, json_object_get(o, "excludes"));
    return json_is_object(o);
}

static void parse_trigger(struct arena *a, const json_t *o, struct def_trigger *ret) {
    const json_t *git = json_object_get(o, "gitConfiguration");
    *ret = (struct def_trigger){.source_action = text(a, git, "sourceActionName")};
    ret->pull_request = json_array_size(json_object_get(git, "pullRequest")) > 0;
    const json_t *push = json_object_get(git, "push");
    for (size_t i = 0; i < json_array_size(push); i++) {
        const json_t *from = json_array_get(push, i);
        struct def_push *p = arena_push(a, &ret->push);
        p->has_branches = parse_filter(a, json_object_get(from, "branches"), &p->branches);
        p->has_paths = parse_filter(a, json_object_get(from, "filePaths"), &p->paths);
        p->has_tags = parse_filter(a, json_object_get(from, "tags"), &p->tags);
    }
}

int definition_parse(struct arena *a, struct str json, struct definition *ret, struct err *err) {
    json_error_t why;
    json_t *root = json_loadb(json.p ? json.p : "", json.n, 0, &why);
    if (!json_is_object(root)) {
        json_decref(root);
        return err_set(err, ERR_INVALID, "the pipeline structure is not JSON: %s (line %d)", why.text,
                       why.line);
    }
    const json_t *o = json_is_object(json_object_get(root, "pipeline"))
                          ? json_object_get(root, "pipeline")
                          : root;
    const json_t *store = json_object_get(o, "artifactStore");
    const json_t *stores = json_object_get(o, "artifactStores");
    if (store == NULL && json_object_size(stores) > 0) {
        store = json_object_iter_value(json_object_iter((json_t *)stores));
    }
    struct str mode = text(a, o, "executionMode");
    struct str type = text(a, o, "pipelineType");
    *ret = (struct definition){
        .name = text(a, o, "name"),
        .version = number(o, "version", 1),
        .role_arn = text(a, o, "roleArn"),
        .mode = mode.p ? mode : S("SUPERSEDED"),
        .type = type.p ? type : S("V1"),
        .bucket = text(a, store, "location"),
        .encryption_key = text(a, json_object_get(store, "encryptionKey"), "id"),
    };
    const json_t *stages = json_object_get(o, "stages");
    for (size_t i = 0; i < json_array_size(stages); i++) {
        parse_stage(a, json_array_get(stages, i), arena_push(a, &ret->stages));
    }
    const json_t *triggers = json_object_get(o, "triggers");
    for (size_t i = 0; i < json_array_size(triggers); i++) {
        parse_trigger(a, json_array_get(triggers, i), arena_push(a, &ret->triggers));
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

bool definition_watches(const struct definition *d, const struct def_action *source) {
    if (!str_is(source->provider, "CodeStarSourceConnection")) {
        return false;
    }
    for (size_t i = 0; i < d->triggers.n; i++) {
        if (str_eq(d->triggers.v[i].source_action, source->name)) {
            return true;
        }
    }
    struct str detect = str_map_get(&source->configuration, S("DetectChanges"));
    return d->triggers.n == 0 && !str_is(detect, "false");
}
