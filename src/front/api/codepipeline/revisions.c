/* Revisions of sources: those that a start asks for, PutActionRevision, and those that an execution
 * took. */
#include "front/api/codepipeline/codepipeline.h"
#include "front/api/codepipeline/people.h"

#include "flow/artifact/git.h"

/* Which types of revision a provider's sources can be asked for. */
static const struct {
    const char *provider;
    const char *type;
} types[] = {
    {"CodeStarSourceConnection", "COMMIT_ID"},
    {"CodeCommit", "COMMIT_ID"},
    {"S3", "S3_OBJECT_VERSION_ID"},
    {"S3", "S3_OBJECT_KEY"},
    {"ECR", "IMAGE_DIGEST"},
};

static bool has_type(const struct def_action *source, struct str type) {
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (str_is(source->provider, types[i].provider) && str_is(type, types[i].type)) {
            return true;
        }
    }
    return false;
}

static int check_pin(const struct def_action *source, struct str name, struct str type,
                     struct str value, struct err *err) {
    if (source == NULL || !str_is(source->category, "Source")) {
        return err_api(err, &codepipeline_ValidationException,
                       "The source revision names the action '" STR_FMT
                       "', which is no source action of the pipeline",
                       STR_ARG(name));
    }
    if (!has_type(source, type)) {
        return err_api(err, &codepipeline_ValidationException,
                       "The revision type " STR_FMT " is not one of the provider " STR_FMT
                       " of the action '" STR_FMT "'",
                       STR_ARG(type), STR_ARG(source->provider), STR_ARG(name));
    }
    if (str_is(type, "COMMIT_ID") && !git_is_commit_id(value)) {
        return err_api(err, &codepipeline_ValidationException,
                       "The revision of the action '" STR_FMT "' is no commit: give its 40 digits",
                       STR_ARG(name));
    }
    if (str_is(type, "S3_OBJECT_KEY") &&
        !str_is(str_map_get(&source->configuration, S("AllowOverrideForS3ObjectKey")), "true")) {
        return err_api(err, &codepipeline_ValidationException,
                       "The action '" STR_FMT "' does not set AllowOverrideForS3ObjectKey to true: "
                       "its S3_OBJECT_KEY cannot be overridden",
                       STR_ARG(name));
    }
    return 0;
}

int codepipeline_read_pins(struct call *c,
                           const struct codepipeline_source_revision_override_list *in,
                           const struct definition *d, struct source_pins *ret, struct err *err) {
    *ret = (struct source_pins){0};
    if (in->n > 0 && str_is(d->type, "V1")) {
        return err_api(err, &codepipeline_ValidationException,
                       "Source revision overrides can only be used with V2 pipelines");
    }
    for (size_t i = 0; i < in->n; i++) {
        const struct codepipeline_source_revision_override *r = &in->v[i];
        const struct def_action *source = definition_action(&d->stages.v[0], r->action_name);
        if (check_pin(source, r->action_name, r->revision_type, r->revision_value, err) < 0) {
            return -1;
        }
        for (size_t k = 0; k < ret->n; k++) {
            if (str_eq(ret->v[k].action, r->action_name) &&
                str_eq(ret->v[k].type, r->revision_type)) {
                return err_api(err, &codepipeline_ValidationException,
                               "The action '" STR_FMT "' is given two revisions of type " STR_FMT,
                               STR_ARG(r->action_name), STR_ARG(r->revision_type));
            }
        }
        *arena_push(c->arena, ret) =
            (struct source_pin){r->action_name, r->revision_type, r->revision_value};
    }
    return 0;
}

/* ---- PutActionRevision ---- */

static int find_source(const struct codepipeline_put_action_revision_input *in,
                       const struct definition *d, const struct def_action **ret, struct err *err) {
    const struct def_stage *stage = definition_stage(d, in->stage_name);
    if (stage == NULL) {
        return err_api(err, &codepipeline_StageNotFoundException,
                       "Pipeline '" STR_FMT "' has no stage '" STR_FMT "'",
                       STR_ARG(in->pipeline_name), STR_ARG(in->stage_name));
    }
    *ret = definition_action(stage, in->action_name);
    return *ret != NULL ? 0
                        : err_api(err, &codepipeline_ActionNotFoundException,
                                  "Stage '" STR_FMT "' has no action '" STR_FMT "'",
                                  STR_ARG(in->stage_name), STR_ARG(in->action_name));
}

int codepipeline_put_action_revision(struct call *c,
                                     const struct codepipeline_put_action_revision_input *in,
                                     struct codepipeline_put_action_revision_output *out,
                                     struct err *err) {
    struct pipeline_row row;
    struct definition d;
    struct engine_state state;
    const struct def_action *source = NULL;
    struct str id = in->action_revision->revision_id;
    if (codepipeline_load(c, in->pipeline_name, &row, &d, &state, err) < 0 ||
        find_source(in, &d, &source, err) < 0) {
        return -1;
    }
    struct source_pin pin = {
        source->name, str_is(source->provider, "S3") ? S("S3_OBJECT_VERSION_ID") : S("COMMIT_ID"),
        id};
    if (check_pin(source, source->name, pin.type, id, err) < 0) {
        return -1;
    }
    int known = source_revision_known(c->db, c->arena, row.id, source->name, id,
                                      &out->pipeline_execution_id, err);
    out->has_new_revision = true;
    if (known != 0) {
        return known < 0 ? -1 : 0;
    }
    out->new_revision = true;
    struct execution_start start = {.trigger_type = S("PutActionRevision"),
                                    .trigger_detail = c->principal->arn,
                                    .pins = {&pin, 1}};
    enum engine_refusal why = REFUSED_NOTHING;
    return execution_start(codepipeline_flow(), c->arena, row.id, &start,
                           &out->pipeline_execution_id, &why, err) < 0
               ? codepipeline_refused(why, err)
               : codepipeline_hand(c, row.id, out->pipeline_execution_id, S(APPROVAL_STARTED), err);
}

/* ---- what executions took ---- */

static int load(struct call *c, const struct execution_row *row, struct source_revision_list *ret,
                struct err *err) {
    if (source_revision_list(c->db, c->arena, row->id, ret, err) < 0) {
        return -1;
    }
    struct revision only; /* executions of earlier versions of ours have one, in their own row */
    if (ret->n == 0 && revision_from_json(c->arena, row->revision, &only)) {
        *arena_push(c->arena, ret) = (struct source_revision){.revision = only};
    }
    return 0;
}

int codepipeline_show_artifact_revisions(struct call *c, const struct execution_row *row,
                                         struct codepipeline_artifact_revision_list *ret,
                                         struct err *err) {
    struct source_revision_list list;
    if (load(c, row, &list, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        const struct revision *r = &list.v[i].revision;
        *arena_push(c->arena, ret) = (struct codepipeline_artifact_revision){
            .name = r->artifact,
            .revision_id = r->commit,
            .revision_summary = str_sub(r->message, 0, 2048),
            .revision_url = r->url,
            .created = r->at_ms,
            .has_created = true,
        };
    }
    return 0;
}

int codepipeline_show_source_revisions(struct call *c, const struct execution_row *row,
                                       struct codepipeline_source_revision_list *ret,
                                       struct err *err) {
    struct source_revision_list list;
    if (load(c, row, &list, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        const struct revision *r = &list.v[i].revision;
        *arena_push(c->arena, ret) = (struct codepipeline_source_revision){
            .action_name = r->action,
            .revision_id = r->commit,
            .revision_summary = r->subject,
            .revision_url = r->url,
        };
    }
    return 0;
}
