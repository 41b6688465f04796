/* From the structure that a caller sends to the one that is kept: checks, defaults, secrets. */
#include "front/api/codepipeline/codepipeline.h"

#include "flow/execution/available.h"
#include "flow/worker/types.h"

static int faulty(enum def_fault fault, struct err *err) {
    static const struct aws_error *const faults[] = {
        [DEF_FAULT_NONE] = NULL,
        [DEF_FAULT_STRUCTURE] = &codepipeline_InvalidStructureException,
        [DEF_FAULT_STAGE] = &codepipeline_InvalidStageDeclarationException,
        [DEF_FAULT_ACTION] = &codepipeline_InvalidActionDeclarationException,
        [DEF_FAULT_BLOCKER] = &codepipeline_InvalidBlockerDeclarationException,
        [DEF_FAULT_LIMIT] = &codepipeline_LimitExceededException,
    };
    err->api = faults[fault];
    return -1;
}

/* An action of somebody's own: its type must be in the account, and be kept to. */
static int check_own_type(struct call *c, const struct def_stage *s, const struct def_action *a,
                          enum def_fault *ret_fault, struct err *err) {
    struct worker_type t = {.account = c->account,
                            .region = c->region,
                            .owner = a->owner,
                            .category = a->category,
                            .provider = a->provider,
                            .version = a->version};
    struct action_type type;
    int found = worker_type_get(c->db, c->arena, &t, err);
    if (found < 0) {
        return -1;
    }
    if (found == 0 || t.deleted) {
        return definition_no_type(a, ret_fault, c->region, err);
    }
    return worker_type_read(c->arena, &t, &type, err) < 0
               ? -1
               : definition_check_type(s, a, &type, ret_fault, err);
}

static int check_own_types(struct call *c, const struct definition *d, enum def_fault *ret_fault,
                           struct err *err) {
    for (size_t i = 0; i < d->stages.n; i++) {
        const struct def_stage *s = &d->stages.v[i];
        for (size_t k = 0; k < s->actions.n; k++) {
            if (!str_is(s->actions.v[k].owner, "AWS") &&
                check_own_type(c, s, &s->actions.v[k], ret_fault, err) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int check_structure(struct call *c, const struct definition *d, struct err *err) {
    enum def_fault fault = DEF_FAULT_NONE;
    if (definition_check(d, c->region, &fault, err) < 0 ||
        execution_available(d, &fault, err) < 0 || check_own_types(c, d, &fault, err) < 0) {
        return faulty(fault, err);
    }
    return 0;
}

/* The role must let CodePipeline in: better told now than by the first execution, but where AWS
 * would have to be asked while the store is held. */
static int check_role(struct call *c, const struct definition *d, struct err *err) {
    const struct aws_world *world = codepipeline_flow()->world;
    struct aws_target ignored;
    struct aws_arn arn;
    struct err why = ERR_INIT;
    if (aws_arn_parse(d->role_arn, &arn) && aws_is_far(world, c->arena, arn.account)) {
        return 0;
    }
    if (aws_assume(world, c->arena, S("codepipeline.amazonaws.com"), d->role_arn, S("tl-check"),
                   &ignored, &why) < 0) {
        return err_api(err, &codepipeline_InvalidStructureException,
                       "CodePipeline is not authorized to perform AssumeRole on role %.*s: %s",
                       STR_ARG(d->role_arn), why.msg);
    }
    return 0;
}

/* ---- defaults ---- */

/* An empty list, where absent is something else. */
#define EMPTY_IF_ABSENT(c, list)                                                                   \
    do {                                                                                           \
        if ((list).v == NULL) {                                                                    \
            (list).v = arena_alloc((c)->arena, 1);                                                 \
        }                                                                                          \
    } while (0)

static void fill_stage(struct call *c, struct codepipeline_stage_declaration *s) {
    EMPTY_IF_ABSENT(c, s->blockers);
    for (size_t i = 0; i < s->actions.n; i++) {
        struct codepipeline_action_declaration *a = &s->actions.v[i];
        if (!a->has_run_order) {
            a->run_order = 1;
            a->has_run_order = true;
        }
        EMPTY_IF_ABSENT(c, a->configuration);
        EMPTY_IF_ABSENT(c, a->input_artifacts);
        EMPTY_IF_ABSENT(c, a->output_artifacts);
    }
}

/* What get-pipeline shows is what was sent plus CodePipeline's defaults. */
static void fill_defaults(struct call *c, struct codepipeline_pipeline_declaration *d,
                          int version) {
    d->version = version;
    d->has_version = true;
    if (d->execution_mode.p == NULL) {
        d->execution_mode = S("SUPERSEDED");
    }
    EMPTY_IF_ABSENT(c, d->triggers);
    EMPTY_IF_ABSENT(c, d->variables);
    for (size_t i = 0; i < d->stages.n; i++) {
        fill_stage(c, &d->stages.v[i]);
    }
}

/* ---- all of it ---- */

static int parse_checked(struct call *c, const struct codepipeline_pipeline_declaration *full,
                         struct definition *ret, struct err *err) {
    struct str json = STR_NONE;
    return codepipeline_to_json(c->arena, full, &json, err) < 0 ||
                   definition_parse(c->arena, json, ret, err) < 0 ||
                   check_structure(c, ret, err) < 0
               ? -1
               : check_role(c, ret, err);
}

int codepipeline_define(struct call *c, const struct codepipeline_pipeline_declaration *in,
                        int version, struct pipeline_row *row,
                        struct codepipeline_pipeline_declaration **ret, struct err *err) {
    struct codepipeline_pipeline_declaration *full = arena_memdup(c->arena, in, sizeof(*in));
    struct codepipeline_pipeline_declaration *old = NULL;
    struct definition d;
    struct engine_plan plan;
    if (row->id != 0 && codepipeline_from_json(c->arena, row->definition, &old, err) < 0) {
        return -1;
    }
    fill_defaults(c, full, version);
    if (parse_checked(c, full, &d, err) < 0) {
        return -1;
    }
    full->pipeline_type = d.type;
    row->version = version;
    if (codepipeline_seal_secrets(c, full, old, err) < 0 ||
        codepipeline_to_json(c->arena, full, &row->definition, err) < 0) {
        return -1;
    }
    execution_plan(c->arena, &d, &plan);
    codepipeline_mask_secrets(full);
    *ret = full;
    codepipeline_changed(c);
    return execution_define(codepipeline_flow(), c->arena, row, &plan, err);
}
