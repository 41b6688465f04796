/* Where a build's source comes from: the project, or what a pipeline hands over. */
#include "flow/build/order_making.h"
#include "flow/build/source_plan.h"

static bool is_inline(struct str buildspec) {
    return str_find_c(buildspec, '\n', 0) != (size_t)-1 || str_starts(buildspec, S("version:")) ||
           str_starts(buildspec, S("{")) || str_starts(buildspec, S("arn:"));
}

/* LOCAL_SOURCE_CACHE among the modes of a local cache. */
static bool keeps_mirrors(const struct codebuild_project *p) {
    bool local = p->cache != NULL && str_is(p->cache->type, "LOCAL");
    for (size_t i = 0; local && i < p->cache->modes.n; i++) {
        if (str_is(p->cache->modes.v[i], "LOCAL_SOURCE_CACHE")) {
            return true;
        }
    }
    return false;
}

static int project_source(struct making *m, const struct codebuild_project_source *source,
                          struct str version, struct plan_source *ret, struct err *err) {
    return source_plan(m->arena, source, version, keeps_mirrors(m->project), ret, err);
}

static struct str version_of(const struct making *m, struct str identifier) {
    const struct codebuild_project *p = m->project;
    for (size_t i = 0; i < p->secondary_source_versions.n; i++) {
        if (str_eq(p->secondary_source_versions.v[i].source_identifier, identifier)) {
            return p->secondary_source_versions.v[i].source_version;
        }
    }
    return STR_NONE;
}

/* CODEBUILD_CLONE_REF: the repository itself, with its history, at the commit. */
static int clone_source(struct making *m, const struct build_artifact_location *from,
                        struct plan_source *ret, struct err *err) {
    json_t *o cleanup_json = json_parse(from->clone, err);
    if (o == NULL) {
        return err_wrap(err, "artifact " STR_FMT, STR_ARG(from->name));
    }
    *ret = (struct plan_source){
        .kind = PLAN_SOURCE_GIT,
        .id = from->name,
        .url = str_dup(m->arena, json_str(o, "url")),
        .label = str_dup(m->arena, json_str(o, "version")),
        .connection = str_dup(m->arena, json_str(o, "connectionArn")),
        .repository = str_dup(m->arena, json_str(o, "repository")),
        .mirrored = keeps_mirrors(m->project),
    };
    return 0;
}

static int pipeline_source(struct making *m, const struct build_artifact_location *from,
                           struct plan_source *ret, struct err *err) {
    if (from->clone.n > 0) {
        return clone_source(m, from, ret, err);
    }
    *ret = (struct plan_source){
        .kind = PLAN_SOURCE_S3,
        .id = from->name,
        .bucket = from->bucket,
        .key = from->key,
        .sha256 = from->sha256,
        .label = str_printf(m->arena, "arn:aws:s3:::" STR_FMT "/" STR_FMT, STR_ARG(from->bucket),
                            STR_ARG(from->key)),
    };
    return 0;
}

/* The first input is the primary source. */
static int pipeline_sources(struct making *m, const struct build_order *order, struct err *err) {
    if (pipeline_source(m, &order->inputs.v[0], &m->plan.source, err) < 0) {
        return -1;
    }
    for (size_t i = 1; i < order->inputs.n; i++) {
        if (pipeline_source(m, &order->inputs.v[i],
                            arena_push(m->arena, &m->plan.secondary_sources), err) < 0) {
            return -1;
        }
    }
    m->plan.resolved_version = order->resolved_version;
    return 0;
}

int order_sources(struct making *m, struct err *err) {
    const struct codebuild_project *p = m->project;
    const struct build_order *order = m->in->order;
    m->plan.buildspec = p->source->buildspec;
    if (order != NULL && order->inputs.n > 0) {
        return pipeline_sources(m, order, err);
    }
    if (project_source(m, p->source, p->source_version, &m->plan.source, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < p->secondary_sources.n; i++) {
        const struct codebuild_project_source *source = &p->secondary_sources.v[i];
        if (project_source(m, source, version_of(m, source->source_identifier),
                           arena_push(m->arena, &m->plan.secondary_sources), err) < 0) {
            return -1;
        }
    }
    if (m->plan.source.kind == PLAN_SOURCE_NONE && !is_inline(m->plan.buildspec)) {
        return order_invalid(
            err, "No source: a buildspec must be given inline or by S3 ARN, project ", p->name);
    }
    return 0;
}
