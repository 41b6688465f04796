/* Reads the sections of a buildspec that say what is kept: artifacts, cache, reports; and batch. */
#include "flow/phase/buildspec_internal.h"

static void read_artifact(struct spec_reader *r, const struct yaml_node *node, const char *what,
                          struct buildspec_artifact *ret) {
    ret->name = spec_text(r, yaml_get(node, "name"), "artifacts.name");
    ret->files = spec_texts(r, yaml_get(node, "files"), "artifacts.files");
    ret->exclude = spec_texts(r, yaml_get(node, "exclude-paths"), "artifacts.exclude-paths");
    ret->base_directory = spec_text(r, yaml_get(node, "base-directory"), "base-directory");
    ret->s3_prefix = spec_text(r, yaml_get(node, "s3-prefix"), "s3-prefix");
    ret->discard_paths = spec_bool(r, yaml_get(node, "discard-paths"), "discard-paths");
    ret->symlinks = spec_bool(r, yaml_get(node, "enable-symlinks"), "enable-symlinks");
    if (ret->files.n == 0) {
        spec_warn(r, "no-files", node,
                  "%s has no files: nothing will match, and UPLOAD_ARTIFACTS will fail", what);
    }
}

void spec_read_artifacts(struct spec_reader *r, const struct yaml_node *node) {
    if (!spec_mapping(r, PLACE_ARTIFACTS, node, "artifacts")) {
        return;
    }
    r->spec->has_artifacts = true;
    const struct yaml_node *secondary = yaml_get(node, "secondary-artifacts");
    bool only_secondary = !yaml_is_null(secondary) && yaml_is_null(yaml_get(node, "files"));
    if (!only_secondary) {
        read_artifact(r, node, "artifacts", &r->spec->artifact);
    }
    if (!spec_any_mapping(r, secondary, "artifacts.secondary-artifacts")) {
        return;
    }
    for (size_t i = 0; i < secondary->n; i++) {
        struct str id = secondary->pair[i].key->text;
        struct str what = str_printf(r->arena, "secondary-artifacts." STR_FMT, STR_ARG(id));
        if (spec_mapping(r, PLACE_ARTIFACTS, secondary->pair[i].value, what.p)) {
            struct buildspec_artifact *artifact = arena_push(r->arena, &r->spec->secondary);
            artifact->id = id;
            read_artifact(r, secondary->pair[i].value, what.p, artifact);
        }
    }
}

void spec_read_cache(struct spec_reader *r, const struct yaml_node *node) {
    if (!spec_mapping(r, PLACE_CACHE, node, "cache")) {
        return;
    }
    struct buildspec_cache *cache = &r->spec->cache;
    r->spec->has_cache = true;
    cache->paths = spec_texts(r, yaml_get(node, "paths"), "cache.paths");
    cache->key = spec_text(r, yaml_get(node, "key"), "cache.key");
    cache->fallback_keys = spec_texts(r, yaml_get(node, "fallback-keys"), "cache.fallback-keys");
    cache->action = spec_text(r, yaml_get(node, "action"), "cache.action");
    if (cache->action.p != NULL && !str_is(cache->action, "restore") &&
        !str_is(cache->action, "save")) {
        spec_error(r, "cache", yaml_get(node, "action"), "cache.action must be restore or save");
    }
    if (cache->fallback_keys.n > 5) {
        spec_error(r, "cache", yaml_get(node, "fallback-keys"),
                   "cache.fallback-keys may hold at most 5 keys, not %zu", cache->fallback_keys.n);
    }
}

void spec_read_reports(struct spec_reader *r, const struct yaml_node *node) {
    if (!spec_any_mapping(r, node, "reports")) {
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        struct str group = node->pair[i].key->text;
        struct str what = str_printf(r->arena, "reports." STR_FMT, STR_ARG(group));
        const struct yaml_node *report = node->pair[i].value;
        if (!spec_mapping(r, PLACE_REPORT, report, what.p)) {
            continue;
        }
        *arena_push(r->arena, &r->spec->reports) = (struct buildspec_report){
            .group = group,
            .files = spec_texts(r, yaml_get(report, "files"), what.p),
            .format = spec_text(r, yaml_get(report, "file-format"), what.p),
            .base_directory = spec_text(r, yaml_get(report, "base-directory"), what.p),
            .discard_paths = spec_bool(r, yaml_get(report, "discard-paths"), what.p),
        };
    }
}

void spec_read_batch(struct spec_reader *r, const struct yaml_node *node) {
    if (spec_mapping(r, PLACE_BATCH, node, "batch")) {
        r->spec->batch = node;
    }
}
