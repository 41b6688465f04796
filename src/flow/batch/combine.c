/*
 * COMBINE_ARTIFACTS: one zip of the primary artifacts of all groups, each below its identifier. It
 * is a build like any other, whose inputs are the groups' zips and whose buildspec is ours:
 * archives of builds are unpacked and packed where builds are, never in the server.
 */
#include "flow/batch/member.h"

#include "flow/batch/pipeline.h"

#include "platform/text/json.h"

struct combining {
    struct arena *a;
    const struct codebuild_project *p;
    struct build_order order;
    struct str commands;
};

/* Where the batch's artifacts lie: [path/]batch, and below it one folder for each group. */
static struct str folder_of(struct arena *a, const struct codebuild_project *p,
                            const struct batch_row *row) {
    struct str path = p->artifacts->path;
    bool slash = path.n > 0 && !str_ends(path, S("/"));
    return str_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(path), slash ? "/" : "", STR_ARG(row->uuid));
}

static struct str location_json(struct arena *a, const struct codebuild_project *p,
                                struct str folder) {
    json_t *list cleanup_json = json_array();
    json_t *one = json_object();
    json_set_str(one, "id", S(""));
    json_set_str(one, "location",
                 str_printf(a, "arn:aws:s3:::" STR_FMT "/" STR_FMT, STR_ARG(p->artifacts->location),
                            STR_ARG(folder)));
    json_array_append_new(list, one);
    return json_dump_str(a, list);
}

int member_together(struct arena *a, const struct batch_row *row, const struct batch_state *state,
                    struct str *ret, struct err *err) {
    struct codebuild_project *p = NULL;
    (void)state;
    if (project_from_json(a, row->settings, &p, err) < 0) {
        return -1;
    }
    if (row->pipeline.p != NULL || str_is(p->artifacts->packaging, "ZIP")) {
        return 0;
    }
    *ret = location_json(a, p, folder_of(a, p, row));
    return 1;
}

/* The zip of a group as an input, and the command that copies what was in it. */
static int add_group(struct combining *c, const struct batch_group *g, struct err *err) {
    json_t *list cleanup_json =
        g->build.artifacts.n > 0 ? json_parse(g->build.artifacts, err) : json_array();
    if (list == NULL) {
        return -1;
    }
    const json_t *first = json_array_get(list, 0);
    struct str bucket = json_str(first, "bucket");
    struct str key = json_str(first, "key");
    if (bucket.n == 0 || key.n == 0 ||
        json_str(first, "id").n > 0) { /* as recorded: of the primary one */
        return 0;                      /* it left none */
    }
    size_t n = c->order.inputs.n;
    *arena_push(c->a, &c->order.inputs) =
        (struct build_artifact_location){.name = str_printf(c->a, "g%zu", n),
                                         .bucket = str_dup(c->a, bucket),
                                         .key = str_dup(c->a, key),
                                         .sha256 = str_dup(c->a, json_str(first, "sha256"))};
    struct str from = n == 0 ? S("") : str_printf(c->a, "_g%zu", n);
    c->commands = str_printf(c->a,
                             STR_FMT "      - mkdir -p \"/tmp/combined/" STR_FMT
                                     "\" && cp -a \"$CODEBUILD_SRC_DIR" STR_FMT
                                     "/.\" \"/tmp/combined/" STR_FMT "\"\n",
                             STR_ARG(c->commands), STR_ARG(g->task.identifier), STR_ARG(from),
                             STR_ARG(g->task.identifier));
    return 0;
}

static struct str name_of(const struct codebuild_project *p) {
    return p->artifacts->name.n > 0 ? p->artifacts->name : p->name;
}

int member_combine(const struct flow *f, struct arena *a, const struct batch_row *row,
                   const struct batch_state *state, struct err *err) {
    struct codebuild_project *p = NULL;
    struct combining c = {.a = a, .commands = S("      - mkdir -p /tmp/combined\n")};
    if (project_from_json(a, row->settings, &p, err) < 0) {
        return -1;
    }
    c.p = p;
    for (size_t i = 1; i < state->groups.n; i++) {
        if (add_group(&c, &state->groups.v[i], err) < 0) {
            return -1;
        }
    }
    if (c.order.inputs.n == 0) {
        return err_set(err, ERR_NOT_FOUND, "no build of the batch has left an artifact");
    }
    struct codebuild_project_source *source = arena_memdup(a, p->source, sizeof(*p->source));
    source->buildspec =
        str_printf(a,
                   "version: 0.2\nphases:\n  build:\n    commands:\n" STR_FMT
                   "artifacts:\n  base-directory: /tmp/combined\n  files: ['**/*']\n",
                   STR_ARG(c.commands));
    p->source = source;
    if (row->pipeline.p != NULL) {
        struct build_order all;
        if (batch_pipeline_parse(a, row->pipeline, &all, err) < 0) {
            return -1;
        }
        *arena_push(a, &c.order.outputs) = all.outputs.v[0];
        c.order.rights = all.rights;
    } else {
        *arena_push(a, &c.order.outputs) = (struct build_artifact_location){
            .name = S(""),
            .bucket = p->artifacts->location,
            .key = str_printf(a, STR_FMT "/" STR_FMT, STR_ARG(folder_of(a, p, row)),
                              STR_ARG(name_of(p))),
        };
    }
    struct build_making making = {.project = p,
                                  .order = &c.order,
                                  .uuid = state->combining.uuid,
                                  .batch_identifier = S("COMBINE_ARTIFACTS")};
    return member_create(f, a, row, &making, err);
}
