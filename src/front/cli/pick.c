/* Finds the pipeline and the release that a verb means; pick.h. */
#include "front/cli/pick.h"

#include "platform/os/file.h"
#include "platform/text/yaml.h"

/* The name in ./release.yml, if there is one that can be read. */
static struct str name_here(struct cli *c) {
    struct str text;
    struct yaml_doc doc;
    struct err ignored = ERR_INIT;
    if (file_read(&c->arena, "release.yml", YAML_MAX_BYTES, &text, &ignored) < 0 ||
        yaml_parse(&c->arena, "release.yml", text, &doc, &ignored) < 0) {
        return STR_NONE;
    }
    const struct yaml_node *name = yaml_get(doc.root, "name");
    return name && name->kind == YAML_SCALAR ? name->text : STR_NONE;
}

int pick_pipeline(struct cli *c, const struct aws_target *t, struct str *ret, struct err *err) {
    struct codepipeline_list_pipelines_input in = {0};
    struct codepipeline_list_pipelines_output out;
    struct str_list names = {0};
    struct str here = name_here(c);
    *ret = str_c(cli_opt(c, "pipeline"));
    if (ret->p) {
        return 0;
    }
    do {
        if (codepipeline_call_list_pipelines(t, &c->arena, &in, &out, err) < 0) {
            return -1;
        }
        for (size_t i = 0; i < out.pipelines.n; i++) {
            *arena_push(&c->arena, &names) = out.pipelines.v[i].name;
        }
        in.next_token = out.next_token;
    } while (out.next_token.n > 0);
    if (names.n == 0) {
        return err_set(err, ERR_NOT_FOUND,
                       "there is no pipeline yet; 'trunkline apply release.yml' makes one");
    }
    if (here.p && str_list_has(&names, here)) {
        *ret = here;
        return 0;
    }
    if (names.n == 1) {
        *ret = names.v[0];
        return 0;
    }
    struct str all = names.v[0];
    for (size_t i = 1; i < names.n; i++) {
        all = str_printf(&c->arena, STR_FMT ", " STR_FMT, STR_ARG(all), STR_ARG(names.v[i]));
    }
    return err_set(err, ERR_INVALID, "which pipeline? --pipeline takes one of: " STR_FMT,
                   STR_ARG(all));
}

int pick_releases(struct cli *c, const struct aws_target *t, struct str pipeline, size_t max,
                  struct codepipeline_pipeline_execution_summary_list *ret, struct err *err) {
    struct codepipeline_list_pipeline_executions_input in = {.pipeline_name = pipeline,
                                                             .has_max_results = true};
    struct codepipeline_list_pipeline_executions_output out;
    *ret = (struct codepipeline_pipeline_execution_summary_list){0};
    do {
        in.max_results = max - ret->n < 100 ? (int32_t)(max - ret->n) : 100;
        if (codepipeline_call_list_pipeline_executions(t, &c->arena, &in, &out, err) < 0) {
            return -1;
        }
        for (size_t i = 0; i < out.pipeline_execution_summaries.n && ret->n < max; i++) {
            *arena_push(&c->arena, ret) = out.pipeline_execution_summaries.v[i];
        }
        in.next_token = out.next_token;
    } while (out.next_token.n > 0 && ret->n < max);
    return 0;
}

int pick_release(struct cli *c, const struct aws_target *t, struct str pipeline, const char *prefix,
                 struct str *ret, struct err *err) {
    struct codepipeline_pipeline_execution_summary_list all;
    if (prefix && strlen(prefix) == 36) {
        *ret = str_c(prefix);
        return 0;
    }
    if (pick_releases(c, t, pipeline, prefix ? 1000 : 1, &all, err) < 0) {
        return -1;
    }
    *ret = STR_NONE;
    for (size_t i = 0; i < all.n; i++) {
        struct str id = all.v[i].pipeline_execution_id;
        if (prefix && !str_starts(id, str_c(prefix))) {
            continue;
        }
        if (ret->p && prefix) {
            return err_set(err, ERR_INVALID, "several releases begin with '%s'", prefix);
        }
        *ret = ret->p ? *ret : id;
    }
    if (ret->p) {
        return 0;
    }
    return prefix ? err_set(err, ERR_NOT_FOUND, "no release of " STR_FMT " begins with '%s'",
                            STR_ARG(pipeline), prefix)
                  : err_set(err, ERR_NOT_FOUND, "pipeline " STR_FMT " has no release yet",
                            STR_ARG(pipeline));
}
