/* Reads the sections of a buildspec that say what is kept: artifacts, cache, reports. */
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
    struct str action = spec_text(r, yaml_get(node, "action"), "cache.action");
    cache->restore = action.p == NULL || str_is(action, "restore");
    cache->save = action.p == NULL || str_is(action, "save");
    if (!cache->restore && !cache->save) {
        spec_error(r, "cache", yaml_get(node, "action"),
                   "cache.action must be restore or save, not '" STR_FMT "'", STR_ARG(action));
    }
    if (cache->fallback_keys.n > 5) {
        spec_error(r, "cache", yaml_get(node, "fallback-keys"),
                   "cache.fallback-keys may hold at most 5 keys, not %zu", cache->fallback_keys.n);
    }
}

static const char *const report_formats[] = {
    "JUNITXML",  "CUCUMBERJSON", "NUNITXML",  "NUNIT3XML", "TESTNGXML", "VISUALSTUDIOTRX",
    "CLOVERXML", "COBERTURAXML", "JACOCOXML", "SIMPLECOV", ""};

bool report_format_parse(struct str text, enum report_format *ret) {
    for (unsigned i = 0; i < REPORT_FORMATS; i++) {
        if (str_ieq(text, str_c(report_formats[i]))) {
            *ret = (enum report_format)i;
            return true;
        }
    }
    return false;
}

const char *report_format_name(enum report_format format) {
    return report_formats[format];
}

bool report_format_is_coverage(enum report_format format) {
    return format >= REPORT_CLOVERXML && format <= REPORT_SIMPLECOV;
}

static void read_report(struct spec_reader *r, const struct yaml_node *node, const char *what,
                        struct buildspec_report *ret) {
    ret->files = spec_texts(r, yaml_get(node, "files"), what);
    ret->base_directory = spec_text(r, yaml_get(node, "base-directory"), what);
    ret->discard_paths = spec_bool(r, yaml_get(node, "discard-paths"), what);
    const struct yaml_node *format = yaml_get(node, "file-format");
    ret->format_text = spec_text(r, format, what);
    if (ret->format_text.p != NULL && !report_format_parse(ret->format_text, &ret->format)) {
        ret->format = REPORT_FORMATS;
        spec_warn(r, "report-format", format,
                  "file-format '" STR_FMT "' of %s is not known, the report will not be read: "
                  "CUCUMBERJSON, JUNITXML, NUNITXML, NUNIT3XML, TESTNGXML, VISUALSTUDIOTRX, "
                  "CLOVERXML, COBERTURAXML, JACOCOXML or SIMPLECOV",
                  STR_ARG(ret->format_text), what);
    }
    if (ret->files.n == 0) {
        spec_warn(r, "no-files", node, "%s has no files: nothing is reported", what);
    }
}

void spec_read_reports(struct spec_reader *r, const struct yaml_node *node) {
    if (!spec_any_mapping(r, node, "reports")) {
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        struct str group = node->pair[i].key->text;
        struct str what = str_printf(r->arena, "reports." STR_FMT, STR_ARG(group));
        if (spec_mapping(r, PLACE_REPORT, node->pair[i].value, what.p)) {
            struct buildspec_report *report = arena_push(r->arena, &r->spec->reports);
            *report = (struct buildspec_report){.group = group};
            read_report(r, node->pair[i].value, what.p, report);
        }
    }
}
