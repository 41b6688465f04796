/* Implementation of pipeline.h. */
#include "flow/batch/pipeline.h"

#include "platform/text/json.h"

/* ---- the store's form ---- */

static json_t *locations_json(const struct build_artifact_locations *list) {
    json_t *array = json_array();
    for (size_t i = 0; i < list->n; i++) {
        json_t *o = json_object();
        json_set_str(o, "name", list->v[i].name);
        json_set_str(o, "bucket", list->v[i].bucket);
        json_set_str(o, "key", list->v[i].key);
        json_set_str(o, "sha256", list->v[i].sha256);
        json_set_str(o, "clone", list->v[i].clone);
        json_array_append_new(array, o);
    }
    return array;
}

struct str batch_pipeline_json(struct arena *a, const struct build_order *order) {
    json_t *o cleanup_json = json_object();
    json_set(o, "inputs", locations_json(&order->inputs));
    json_set(o, "outputs", locations_json(&order->outputs));
    json_set_str(o, "version", order->resolved_version);
    json_set_str(o, "service", order->rights.service);
    json_set_str(o, "via", order->rights.via);
    json_set_str(o, "policy", order->rights.policy);
    return json_dump_str(a, o);
}

static void read_locations(struct arena *a, const json_t *array,
                           struct build_artifact_locations *ret) {
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *o = json_array_get(array, i);
        *arena_push(a, ret) = (struct build_artifact_location){
            .name = str_dup(a, json_str(o, "name")),
            .bucket = str_dup(a, json_str(o, "bucket")),
            .key = str_dup(a, json_str(o, "key")),
            .sha256 = str_dup(a, json_str(o, "sha256")),
            .clone = str_dup(a, json_str(o, "clone")),
        };
    }
}

int batch_pipeline_parse(struct arena *a, struct str text, struct build_order *ret,
                         struct err *err) {
    json_t *o cleanup_json = json_parse(text, err);
    *ret = (struct build_order){0};
    if (o == NULL) {
        return err_wrap(err, "order of a batch");
    }
    read_locations(a, json_object_get(o, "inputs"), &ret->inputs);
    read_locations(a, json_object_get(o, "outputs"), &ret->outputs);
    ret->resolved_version = str_dup(a, json_str(o, "version"));
    ret->rights.service = str_dup(a, json_str(o, "service"));
    ret->rights.via = str_dup(a, json_str(o, "via"));
    ret->rights.policy = str_dup(a, json_str(o, "policy"));
    return 0;
}

/* ---- one group ---- */

void batch_pipeline_group(struct arena *a, const struct build_order *all, struct str identifier,
                          bool combine, struct build_order *ret) {
    struct str prefix = str_printf(a, STR_FMT "_", STR_ARG(identifier));
    *ret = *all;
    ret->outputs = (struct build_artifact_locations){0};
    for (size_t i = 0; i < all->outputs.n; i++) {
        struct build_artifact_location one = all->outputs.v[i];
        if (combine) {
            one.id = S("");
            one.key = str_printf(a, STR_FMT "/" STR_FMT, STR_ARG(one.key), STR_ARG(identifier));
            *arena_push(a, &ret->outputs) = one;
            return;
        }
        if (str_eq(one.name, identifier)) {
            one.id = S("");
        } else if (str_starts(one.name, prefix)) {
            one.id = str_sub(one.name, prefix.n, one.name.n);
        } else {
            continue;
        }
        *arena_push(a, &ret->outputs) = one;
    }
    if (ret->outputs.n > 0 && ret->outputs.v[0].id.n > 0) { /* the first place is the primary's */
        for (size_t i = 1; i < ret->outputs.n; i++) {
            if (ret->outputs.v[i].id.n == 0) {
                struct build_artifact_location first = ret->outputs.v[i];
                ret->outputs.v[i] = ret->outputs.v[0];
                ret->outputs.v[0] = first;
            }
        }
    }
}

void batch_pipeline_variables(struct arena *a, const struct build_order *order,
                              struct codebuild_project *project) {
    struct codebuild_project_environment *e =
        arena_memdup(a, project->environment, sizeof(*project->environment));
    struct codebuild_environment_variable_list merged = {0};
    for (size_t i = 0; i < e->environment_variables.n; i++) {
        if (env_find(&order->env, e->environment_variables.v[i].name) == NULL) {
            *arena_push(a, &merged) = e->environment_variables.v[i];
        }
    }
    for (size_t i = 0; i < order->env.n; i++) {
        *arena_push(a, &merged) =
            (struct codebuild_environment_variable){order->env.v[i].name, order->env.v[i].value,
                                                    str_c(env_type_name(order->env.v[i].type))};
    }
    e->environment_variables = merged;
    project->environment = e;
}
