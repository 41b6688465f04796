/* Implementation of member.h. */
#include "flow/batch/member.h"

#include "flow/batch/announce.h"

#include "flow/batch/pipeline.h"

#include "platform/text/json.h"

/* ---- a group's build ---- */

static void put_variable(struct arena *a, struct codebuild_environment_variable_list *list,
                         struct str name, struct str value) {
    for (size_t i = 0; i < list->n; i++) {
        if (str_eq(list->v[i].name, name)) {
            list->v[i].value = value;
            list->v[i].type = S("PLAINTEXT");
            return;
        }
    }
    struct codebuild_environment_variable_list more = {0};
    for (size_t i = 0; i < list->n; i++) {
        *arena_push(a, &more) = list->v[i];
    }
    *arena_push(a, &more) = (struct codebuild_environment_variable){name, value, S("PLAINTEXT")};
    *list = more;
}

static void change_environment(struct arena *a, struct codebuild_project *p,
                               const struct batch_task *task) {
    struct codebuild_project_environment *e =
        arena_memdup(a, p->environment, sizeof(*p->environment));
    const struct batch_env *over = &task->env;
    e->compute_type = over->compute_type.p ? over->compute_type : e->compute_type;
    e->image = over->image.p ? over->image : e->image;
    e->type = over->type.p ? over->type : e->type;
    if (over->privileged != BATCH_UNSET) {
        e->privileged_mode = over->privileged == BATCH_YES;
        e->has_privileged_mode = true;
    }
    for (size_t i = 0; i < over->variables.n; i++) {
        put_variable(a, &e->environment_variables, over->variables.v[i].key,
                     over->variables.v[i].value);
    }
    p->environment = e;
}

/* Builds of one batch build the same: what the first one found. */
static void fix_version(struct arena *a, struct codebuild_project *p, struct str resolved) {
    static const char *const git[] = {"GITHUB", "GITHUB_ENTERPRISE",   "BITBUCKET",
                                      "GITLAB", "GITLAB_SELF_MANAGED", "CODECOMMIT"};
    for (size_t i = 0; resolved.n > 0 && i < sizeof(git) / sizeof(git[0]); i++) {
        if (str_is(p->source->type, git[i])) {
            p->source_version = str_dup(a, resolved);
        }
    }
}

/* Each build's artifacts lie below its identifier, so that none hides another's. */
static struct codebuild_project_artifacts *below(struct arena *a,
                                                 const struct codebuild_project_artifacts *from,
                                                 struct str folder) {
    struct codebuild_project_artifacts *to = arena_memdup(a, from, sizeof(*from));
    if (str_is(from->type, "S3")) {
        bool slash = from->path.n > 0 && !str_ends(from->path, S("/"));
        to->path = str_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(from->path), slash ? "/" : "",
                              STR_ARG(folder));
    }
    return to;
}

static void place_artifacts(struct arena *a, struct codebuild_project *p,
                            const struct batch_row *row, const struct batch_task *task) {
    struct str folder =
        str_printf(a, STR_FMT "/" STR_FMT, STR_ARG(row->uuid), STR_ARG(task->identifier));
    p->artifacts = below(a, p->artifacts, folder);
    struct codebuild_project_artifacts_list secondary = {0};
    for (size_t i = 0; i < p->secondary_artifacts.n; i++) {
        *arena_push(a, &secondary) = *below(a, &p->secondary_artifacts.v[i], folder);
    }
    p->secondary_artifacts = secondary;
}

int member_create(const struct flow *f, struct arena *a, const struct batch_row *row,
                  struct build_making *making, struct err *err) {
    struct str uuid = STR_NONE;
    struct codebuild_build_batch *shown = NULL;
    if (batch_view(a, row, &shown, err) < 0) {
        return -1;
    }
    making->account = row->account;
    making->region = row->region;
    making->initiator = shown->initiator;
    making->batch_arn = shown->arn;
    return build_make(f, a, making, &uuid, err) < 0
               ? -1
               : batch_build_add(f->db, making->uuid, row->uuid, err);
}

/* The git host hears of the batch, for which its first build stands, or of the other builds. */
static void report_status(struct arena *a, struct codebuild_project *p, bool first) {
    const struct codebuild_project_build_batch_config *c = p->build_batch_config;
    bool each = !first && c != NULL && str_is(c->batch_report_mode, "REPORT_INDIVIDUAL_BUILDS");
    struct codebuild_project_source *s = arena_memdup(a, p->source, sizeof(*p->source));
    s->report_build_status = first ? batch_is_announced(p) : each && s->report_build_status;
    p->source = s;
}

/* The first one only downloads and reads; it leaves no artifacts. */
static int start_group(const struct flow *f, struct arena *a, const struct batch_row *row,
                       const struct batch_group *g, bool first, bool combine, struct err *err) {
    struct codebuild_project *p = NULL;
    struct build_order all = {0};
    struct build_order order = {0};
    struct codebuild_project_artifacts none = {.type = S("NO_ARTIFACTS")};
    if (project_from_json(a, row->settings, &p, err) < 0) {
        return -1;
    }
    if (row->pipeline.p != NULL) {
        if (batch_pipeline_parse(a, row->pipeline, &all, err) < 0) {
            return -1;
        }
        batch_pipeline_group(a, &all, first ? STR_NONE : g->task.identifier, combine && !first,
                             &order);
    }
    report_status(a, p, first);
    if (first) {
        p->artifacts = &none;
        p->secondary_artifacts.n = 0;
    } else {
        fix_version(a, p, row->resolved_version);
        change_environment(a, p, &g->task);
        place_artifacts(a, p, row, &g->task);
        if (g->task.buildspec.p != NULL) {
            struct codebuild_project_source *s = arena_memdup(a, p->source, sizeof(*p->source));
            s->buildspec = g->task.buildspec;
            p->source = s;
        }
    }
    struct build_making making = {.project = p,
                                  .order = row->pipeline.p != NULL ? &order : NULL,
                                  .uuid = g->build.uuid,
                                  .batch_identifier = g->task.identifier,
                                  .batchspec = first,
                                  .shard = g->task.shard,
                                  .shards = g->task.shards};
    return member_create(f, a, row, &making, err);
}

int member_start(const struct flow *f, struct arena *a, const struct batch_row *row,
                 const struct batch_state *state, struct str build, struct err *err) {
    struct build_row there;
    int found = build_load(f->db, a, build, &there, err);
    if (found != 0) {
        return found < 0 ? -1 : 0;
    }
    if (state->combining.uuid.p != NULL && str_eq(state->combining.uuid, build)) {
        return state->complete ? 0 : member_combine(f, a, row, state, err);
    }
    for (size_t i = 0; i < state->groups.n; i++) {
        const struct batch_group *g = &state->groups.v[i];
        if (str_eq(g->build.uuid, build) && g->build.status == BATCH_IN_PROGRESS) {
            return state->complete ? 0 : start_group(f, a, row, g, i == 0, state->combine, err);
        }
    }
    return 0;
}
