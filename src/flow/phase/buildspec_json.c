/* A buildspec as JSON, the way it was read: texts as text, lists as lists, batches written out. */
#include "flow/phase/lint.h"

static json_t *texts_json(const struct str_list *list) {
    json_t *array = json_array();
    for (size_t i = 0; i < list->n; i++) {
        json_array_append_new(array, json_from_str(list->v[i]));
    }
    return array;
}

static json_t *map_json(const struct str_map *map) {
    json_t *object = json_object();
    for (size_t i = 0; i < map->n; i++) {
        struct arena a = ARENA_INIT;
        json_object_set_new(object, str_z(&a, map->v[i].key), json_from_str(map->v[i].value));
        arena_done(&a);
    }
    return object;
}

static void set_yes(json_t *object, const char *key, bool value) {
    if (value) {
        json_set(object, key, json_true());
    }
}

static json_t *phase_json(const struct buildspec_phase *phase) {
    json_t *object = json_object();
    json_set_str(object, "run-as", phase->run_as);
    static const char *const kinds[] = {NULL, "ABORT", "CONTINUE", "RETRY"};
    json_set_str(object, "on-failure", str_c(kinds[phase->on_failure.kind]));
    if (phase->on_failure.kind == ON_FAILURE_RETRY) {
        json_set(object, "retry-count", json_integer(phase->on_failure.count));
        json_set_str(object, "retry-regex", phase->on_failure.regex);
    }
    if (phase->runtimes.n > 0) {
        json_set(object, "runtime-versions", map_json(&phase->runtimes));
    }
    json_set(object, "commands", texts_json(&phase->commands));
    json_set(object, "finally", texts_json(&phase->finally));
    return object;
}

static json_t *artifact_json(const struct buildspec_artifact *artifact) {
    json_t *object = json_object();
    json_set(object, "files", texts_json(&artifact->files));
    json_set(object, "exclude-paths", texts_json(&artifact->exclude));
    json_set_str(object, "name", artifact->name);
    json_set_str(object, "base-directory", artifact->base_directory);
    json_set_str(object, "s3-prefix", artifact->s3_prefix);
    set_yes(object, "discard-paths", artifact->discard_paths);
    set_yes(object, "enable-symlinks", artifact->symlinks);
    return object;
}

static json_t *artifacts_json(const struct buildspec *spec) {
    json_t *object = artifact_json(&spec->artifact);
    if (spec->secondary.n > 0) {
        json_t *secondary = json_object();
        for (size_t i = 0; i < spec->secondary.n; i++) {
            struct arena a = ARENA_INIT;
            json_object_set_new(secondary, str_z(&a, spec->secondary.v[i].id),
                                artifact_json(&spec->secondary.v[i]));
            arena_done(&a);
        }
        json_set(object, "secondary-artifacts", secondary);
    }
    return object;
}

static json_t *env_json(const struct buildspec *spec) {
    json_t *object = json_object();
    json_set_str(object, "shell", spec->shell);
    json_set(object, "variables", map_json(&spec->variables));
    json_set(object, "parameter-store", map_json(&spec->parameters));
    json_set(object, "secrets-manager", map_json(&spec->secrets));
    json_set(object, "exported-variables", texts_json(&spec->exported));
    set_yes(object, "git-credential-helper", spec->git_credential_helper);
    return object;
}

static json_t *cache_json(const struct buildspec_cache *cache) {
    json_t *object = json_object();
    json_set(object, "paths", texts_json(&cache->paths));
    json_set_str(object, "key", cache->key);
    json_set(object, "fallback-keys", texts_json(&cache->fallback_keys));
    if (cache->restore != cache->save) {
        json_set_str(object, "action", cache->save ? S("save") : S("restore"));
    }
    return object;
}

static json_t *reports_json(const struct buildspec *spec) {
    json_t *object = json_object();
    for (size_t i = 0; i < spec->reports.n; i++) {
        const struct buildspec_report *report = &spec->reports.v[i];
        json_t *one = json_object();
        json_set(one, "files", texts_json(&report->files));
        json_set_str(one, "file-format", report->format_text);
        json_set_str(one, "base-directory", report->base_directory);
        set_yes(one, "discard-paths", report->discard_paths);
        struct arena a = ARENA_INIT;
        json_object_set_new(object, str_z(&a, report->group), one);
        arena_done(&a);
    }
    return object;
}

static json_t *batch_env_json(const struct batch_env *env) {
    json_t *object = json_object();
    json_set_str(object, "compute-type", env->compute_type);
    json_set_str(object, "fleet", env->fleet);
    json_set_str(object, "image", env->image);
    json_set_str(object, "type", env->type);
    if (env->privileged != BATCH_UNSET) {
        json_set(object, "privileged-mode", json_boolean(env->privileged == BATCH_YES));
    }
    json_set(object, "variables", map_json(&env->variables));
    return object;
}

static json_t *batch_json(const struct buildspec_batch *batch) {
    static const char *const kinds[] = {NULL, "build-list", "build-graph", "build-matrix",
                                        "build-fanout"};
    struct arena a = ARENA_INIT;
    json_t *object = json_object();
    json_t *builds = json_array();
    json_set_str(object, "type", str_c(kinds[batch->kind]));
    set_yes(object, "fast-fail", batch->fast_fail);
    struct batch_tasks tasks = batch_expand(&a, batch);
    for (size_t i = 0; i < tasks.n; i++) {
        const struct batch_task *task = &tasks.v[i];
        json_t *one = json_object();
        json_set_str(one, "identifier", task->identifier);
        json_set_str(one, "buildspec", task->buildspec);
        set_yes(one, "debug-session", task->debug_session);
        set_yes(one, "ignore-failure", task->ignore_failure);
        json_set(one, "env", batch_env_json(&task->env));
        json_set(one, "depend-on", texts_json(&task->depend_on));
        json_array_append_new(builds, one);
    }
    arena_done(&a);
    json_set(object, "builds", builds);
    return object;
}

json_t *buildspec_json(const struct buildspec *spec) {
    json_t *object = json_object();
    static const char *const versions[] = {NULL, "0.1", "0.2"};
    json_set_str(object, "version", str_c(versions[spec->version]));
    json_set_str(object, "run-as", spec->run_as);
    json_set(object, "env", env_json(spec));
    json_t *phases = json_object();
    for (size_t i = 0; i < spec->phases; i++) {
        json_set(phases, buildspec_phase_key(spec->order[i]),
                 phase_json(&spec->phase[spec->order[i]]));
    }
    json_set(object, "phases", phases);
    if (spec->has_artifacts) {
        json_set(object, "artifacts", artifacts_json(spec));
    }
    if (spec->has_cache) {
        json_set(object, "cache", cache_json(&spec->cache));
    }
    if (spec->reports.n > 0) {
        json_set(object, "reports", reports_json(spec));
    }
    if (spec->batch.kind != BATCH_NONE && spec->errors.n == 0) {
        json_set(object, "batch", batch_json(&spec->batch));
    }
    if (spec->proxy_artifacts || spec->proxy_logs) {
        json_t *proxy = json_object();
        set_yes(proxy, "upload-artifacts", spec->proxy_artifacts);
        set_yes(proxy, "logs", spec->proxy_logs);
        json_set(object, "proxy", proxy);
    }
    return object;
}
