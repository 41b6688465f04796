/* Variables that the starter of a build gives; build.h. */
#include "flow/build/build.h"

#include "platform/text/json.h"

int build_order_env(struct arena *a, struct str text, struct build_order *order, struct err *err) {
    if (text.n == 0) {
        return 0;
    }
    json_t *list cleanup_json = json_parse(text, err);
    if (!json_is_array(list)) {
        return err_set(err, ERR_INVALID,
                       "EnvironmentVariables is not a JSON array of {name, value, type}");
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *from = json_array_get(list, i);
        struct str type = json_str(from, "type");
        struct env_var var = {
            .name = str_dup(a, json_str(from, "name")),
            .value = str_dup(a, json_str(from, "value")),
            .of_project = true,
        };
        if (var.name.n == 0 || var.value.p == NULL ||
            (type.p != NULL && !env_type_parse(type, &var.type))) {
            return err_set(
                err, ERR_INVALID,
                "EnvironmentVariables: entry %zu has no name, no value, or a type that is "
                "none of PLAINTEXT, PARAMETER_STORE, SECRETS_MANAGER",
                i + 1);
        }
        env_put(a, &order->env, var);
    }
    return 0;
}
