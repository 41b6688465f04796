/* The builds of a batch as JSON and back: what the build that reads a batch section leaves for the
 * server, and what the server stores. */
#include "flow/phase/batch_json.h"

#include "platform/text/json.h"

static json_t *texts(const struct str_list *list) {
    json_t *array = json_array();
    for (size_t i = 0; i < list->n; i++) {
        json_array_append_new(array, json_from_str(list->v[i]));
    }
    return array;
}

static json_t *pairs(const struct str_map *map) {
    json_t *object = json_object();
    for (size_t i = 0; i < map->n; i++) {
        struct arena a = ARENA_INIT;
        json_set_str(object, str_z(&a, map->v[i].key), map->v[i].value);
        arena_done(&a);
    }
    return object;
}

json_t *batch_task_json(const struct batch_task *t) {
    json_t *o = json_object();
    json_set_str(o, "identifier", t->identifier);
    json_set_str(o, "buildspec", t->buildspec);
    json_set_str(o, "computeType", t->env.compute_type);
    json_set_str(o, "fleet", t->env.fleet);
    json_set_str(o, "image", t->env.image);
    json_set_str(o, "type", t->env.type);
    if (t->env.privileged != BATCH_UNSET) {
        json_set(o, "privileged", json_boolean(t->env.privileged == BATCH_YES));
    }
    json_set(o, "variables", pairs(&t->env.variables));
    json_set(o, "dependOn", texts(&t->depend_on));
    json_set(o, "ignoreFailure", json_boolean(t->ignore_failure));
    json_set(o, "debugSession", json_boolean(t->debug_session));
    json_set(o, "shard", json_integer(t->shard));
    json_set(o, "shards", json_integer(t->shards));
    return o;
}

static struct str_list read_texts(struct arena *a, const json_t *array) {
    struct str_list list = {0};
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(array, i, one) {
        *arena_push(a, &list) = str_dup(a, json_text(one));
    }
    return list;
}

static struct str_map read_pairs(struct arena *a, json_t *object) {
    struct str_map map = {0};
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(object, key, value) {
        *arena_push(a, &map) =
            (struct str_pair){str_dup(a, str_c(key)), str_dup(a, json_text(value))};
    }
    return map;
}

static unsigned small(const json_t *o, const char *key) {
    int64_t n = json_int(o, key);
    return n > 0 && n <= BATCH_MAX_TASKS ? (unsigned)n : 0;
}

struct batch_task batch_task_parse(struct arena *a, const json_t *o) {
    const json_t *privileged = json_object_get(o, "privileged");
    return (struct batch_task){
        .identifier = str_dup(a, json_str(o, "identifier")),
        .buildspec = str_dup(a, json_str(o, "buildspec")),
        .debug_session = json_bool(o, "debugSession"),
        .ignore_failure = json_bool(o, "ignoreFailure"),
        .env = {.compute_type = str_dup(a, json_str(o, "computeType")),
                .fleet = str_dup(a, json_str(o, "fleet")),
                .image = str_dup(a, json_str(o, "image")),
                .type = str_dup(a, json_str(o, "type")),
                .privileged = privileged == NULL         ? BATCH_UNSET
                              : json_is_true(privileged) ? BATCH_YES
                                                         : BATCH_NO,
                .variables = read_pairs(a, json_object_get(o, "variables"))},
        .depend_on = read_texts(a, json_object_get(o, "dependOn")),
        .shard = small(o, "shard"),
        .shards = small(o, "shards"),
    };
}

struct str batch_tasks_json(struct arena *a, const struct buildspec_batch *batch) {
    struct batch_tasks tasks = batch_expand(a, batch);
    json_t *o cleanup_json = json_object();
    json_t *list = json_array();
    for (size_t i = 0; i < tasks.n; i++) {
        json_array_append_new(list, batch_task_json(&tasks.v[i]));
    }
    json_set(o, "tasks", list);
    json_set(o, "fastFail", json_boolean(batch->fast_fail));
    return json_dump_str(a, o);
}

int batch_tasks_parse(struct arena *a, struct str text, struct batch_tasks *ret,
                      bool *ret_fast_fail, struct err *err) {
    json_t *o cleanup_json = json_parse(text, err);
    const json_t *list = json_object_get(o, "tasks");
    *ret = (struct batch_tasks){0};
    if (o == NULL || json_array_size(list) == 0 || json_array_size(list) > BATCH_MAX_TASKS) {
        return o == NULL ? -1
                         : err_set(err, ERR_INVALID, "a batch has 1 to %d builds", BATCH_MAX_TASKS);
    }
    *ret_fast_fail = json_bool(o, "fastFail");
    for (size_t i = 0; i < json_array_size(list); i++) {
        *arena_push(a, ret) = batch_task_parse(a, json_array_get(list, i));
        if (ret->v[i].identifier.n == 0) {
            return err_set(err, ERR_INVALID, "build %zu of the batch has no identifier", i + 1);
        }
    }
    return 0;
}
