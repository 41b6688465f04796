/* What an account's action type says, for validation and for links; types.h. */
#include "flow/worker/types.h"

#include "platform/text/json.h"

static bool truth(const json_t *o, const char *key) {
    return json_is_true(json_object_get(o, key));
}

/* ActionConfigurationProperty of custom types, ActionTypeProperty of third parties'. */
static struct action_property read_property(struct arena *a, const json_t *o, bool custom) {
    struct str type = json_str(o, "type");
    return (struct action_property){
        .name = str_dup(a, json_str(o, "name")),
        .required = custom ? truth(o, "required") : !truth(o, "optional"),
        .secret = truth(o, custom ? "secret" : "noEcho"),
        .key = truth(o, "key"),
        .queryable = truth(o, "queryable"),
        .type = type.p ? str_dup(a, type) : STR_NONE,
        .description = str_dup(a, json_str(o, "description")),
    };
}

static void read_counts(const json_t *o, size_t *ret_min, size_t *ret_max) {
    *ret_min = (size_t)json_int(o, "minimumCount");
    *ret_max = (size_t)json_int(o, "maximumCount");
}

int worker_type_read(struct arena *a, const struct worker_type *t, struct action_type *ret,
                     struct err *err) {
    json_t *root cleanup_json = json_parse(t->definition, err);
    const json_t *o = json_object_get(root, "actionType");
    if (root == NULL) {
        return err_wrap(err, "action type %.*s", STR_ARG(t->provider));
    }
    bool custom = str_is(t->owner, "Custom");
    const json_t *properties =
        json_object_get(o, custom ? "actionConfigurationProperties" : "properties");
    *ret = (struct action_type){
        .category = t->category, .owner = t->owner, .provider = t->provider, .version = t->version};
    read_counts(json_object_get(o, "inputArtifactDetails"), &ret->min_in, &ret->max_in);
    read_counts(json_object_get(o, "outputArtifactDetails"), &ret->min_out, &ret->max_out);
    for (size_t i = 0; i < json_array_size(properties); i++) {
        *arena_push(a, &ret->properties) = read_property(a, json_array_get(properties, i), custom);
    }
    return 0;
}

struct str worker_type_template(struct arena *a, const struct worker_type *t, const char *name) {
    struct err ignored = ERR_INIT;
    json_t *root cleanup_json = json_parse(t->definition, &ignored);
    const json_t *o = json_object_get(root, "actionType");
    const char *where = str_is(t->owner, "Custom") ? "settings" : "urls";
    struct str text = json_str(json_object_get(o, where), name);
    return text.n > 0 ? str_dup(a, text) : STR_NONE;
}

struct str worker_url(struct arena *a, struct str url_template, const struct str_map *configuration,
                      struct str external_id) {
    struct str rest = url_template, url = S("");
    while (rest.n > 0) {
        size_t open = str_find_c(rest, '{', 0);
        size_t close = open == (size_t)-1 ? open : str_find_c(rest, '}', open);
        if (close == (size_t)-1) {
            return str_concat(a, url, rest);
        }
        struct str name = str_sub(rest, open + 1, close - open - 1);
        struct str value = str_is(name, "ExternalExecutionId") ? external_id
                           : str_starts(name, S("Config:"))
                               ? str_map_get(configuration, str_sub(name, 7, name.n))
                               : STR_NONE;
        url = str_printf(a, STR_FMT STR_FMT STR_FMT, STR_ARG(url), STR_ARG(str_sub(rest, 0, open)),
                         STR_ARG(value));
        rest = str_sub(rest, close + 1, rest.n);
    }
    return url_template.p != NULL ? url : STR_NONE;
}
