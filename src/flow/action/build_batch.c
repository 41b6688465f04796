/* Implementation of build_batch.h. Facts: CodeBuild action reference (BatchEnabled,
 * CombineArtifacts); CodeBuild's samples of batch builds in pipelines for the names of artifacts.
 */
#include "flow/action/build_batch.h"

#include "flow/action/artifacts.h"
#include "flow/batch/apply.h"
#include "flow/batch/pipeline.h"
#include "flow/build/plan_guard.h"
#include "platform/text/json.h"

enum { LOOK_MS = 300 };

/* ---- beginning ---- */

static void override_project(struct action_run *run, const struct build_order *order, bool combine,
                             struct codebuild_project *p) {
    struct codebuild_project_build_batch_config *c =
        arena_memdup(run->arena, p->build_batch_config, sizeof(*p->build_batch_config));
    c->combine_artifacts = combine;
    c->has_combine_artifacts = true;
    p->build_batch_config = c;
    p->source->buildspec = order->buildspec.n > 0 ? order->buildspec : p->source->buildspec;
    p->service_role = order->service_role.n > 0 ? order->service_role : p->service_role;
    p->encryption_key = order->kms_key.n > 0 ? order->kms_key : p->encryption_key;
    batch_pipeline_variables(run->arena, order, p);
}

static int find_project(struct action_run *run, const struct build_order *order,
                        struct codebuild_project **ret, struct err *err) {
    struct project_row row;
    int found = project_get(run->flow->db, run->arena, order->account, order->region,
                            order->project, &row, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_set(err, ERR_NOT_FOUND,
                                   "Project cannot be found: arn:aws:codebuild:" STR_FMT ":" STR_FMT
                                   ":project/" STR_FMT,
                                   STR_ARG(order->region), STR_ARG(order->account),
                                   STR_ARG(order->project));
    }
    if (project_from_json(run->arena, row.body, ret, err) < 0) {
        return -1;
    }
    return (*ret)->build_batch_config != NULL && (*ret)->build_batch_config->service_role.n > 0
               ? 0
               : err_set(err, ERR_INVALID,
                         "BatchEnabled: project " STR_FMT
                         " has no batch configuration with a serviceRole",
                         STR_ARG(order->project));
}

/* In one transaction: the batch, and that it is this attempt's. */
static int begin(struct action_run *run, const struct build_order *order, bool combine,
                 struct err *err) {
    struct arena *a = run->arena;
    struct codebuild_project *project = NULL;
    struct str uuid = STR_NONE;
    if (find_project(run, order, &project, err) < 0) {
        return -1;
    }
    struct build_order guarded = *order;
    if (plan_guard_wanted(project, order)) {
        guarded.rights.policy = plan_guard_policy(a, order);
    }
    override_project(run, order, combine, project);
    struct batch_order batch = {
        .account = order->account,
        .region = order->region,
        .project = project,
        .initiator = order->initiator,
        .token = order->token,
        .token_digest = S("pipeline"),
        .pipeline = &guarded,
    };
    if (batch_make(run->flow, a, &batch, &uuid, err) < 0) {
        return -1;
    }
    struct action_row detail = {
        .external_id = str_printf(a, STR_FMT ":" STR_FMT, STR_ARG(project->name), STR_ARG(uuid))};
    return action_note(run, &detail, err);
}

int build_batch_begin(struct action_run *run, const struct build_order *order, bool combine,
                      struct err *err) {
    if (db_begin(run->flow->db, err) < 0) {
        return -1;
    }
    if (begin(run, order, combine, err) < 0) {
        db_rollback(run->flow->db);
        return -1;
    }
    run->again_ms = clock_now_ms(run->flow->clock) + LOOK_MS;
    return db_commit(run->flow->db, err);
}

/* ---- looking ---- */

static struct str uuid_of(const struct action_run *run) {
    size_t colon = str_find_c(run->action.external_id, ':', 0);
    return str_sub(run->action.external_id, colon + 1, run->action.external_id.n);
}

static int load(struct action_run *run, struct str uuid, struct batch_row *row,
                struct batch_state *state, struct err *err) {
    int found = batch_load(run->flow->db, run->arena, uuid, row, err);
    return found <= 0 || batch_state_parse(run->arena, row->state, state, err) < 0
               ? (found == 0 ? 0 : -1)
               : 1;
}

static int read_batch(struct action_run *run, struct batch_row *row, struct batch_state *state,
                      struct err *err) {
    if (db_begin(run->flow->db, err) < 0) {
        return -1;
    }
    int found = load(run, uuid_of(run), row, state, err);
    db_rollback(run->flow->db);
    return found == 0 ? err_set(err, ERR_NOT_FOUND, "the batch was deleted") : found;
}

/* The first phase that did not go well says why. */
static struct str reason(struct arena *a, const struct batch_state *state) {
    for (size_t i = 0; i < state->phases.n; i++) {
        const struct batch_phase *p = &state->phases.v[i];
        if (p->message.n > 0 && p->status != BATCH_SUCCEEDED) {
            return str_printf(a, ". %s: " STR_FMT, batch_phase_name(p->kind), STR_ARG(p->message));
        }
    }
    return S("");
}

/* Of all artifacts that the builds left, those that the action declares. */
static int collect(struct action_run *run, const struct batch_build *build,
                   struct action_artifact *list, size_t *n, struct err *err) {
    struct arena *a = run->arena;
    json_t *left cleanup_json =
        build->artifacts.n > 0 ? json_parse(build->artifacts, err) : json_array();
    if (left == NULL) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(left) && *n < run->decl->outputs.n; i++) {
        const json_t *one = json_array_get(left, i);
        struct str name = json_str(one, "name");
        if (str_list_has(&run->decl->outputs, name) && json_str(one, "sha256").n > 0) {
            list[(*n)++] = (struct action_artifact){
                str_dup(a, name), str_dup(a, json_str(one, "bucket")),
                str_dup(a, json_str(one, "key")), str_dup(a, json_str(one, "sha256"))};
        }
    }
    return 0;
}

static int outputs(struct action_run *run, const struct batch_state *state, struct str *ret,
                   struct err *err) {
    struct action_artifact *list =
        arena_new_n(run->arena, struct action_artifact, run->decl->outputs.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < state->groups.n; i++) {
        if (!state->combine && collect(run, &state->groups.v[i].build, list, &n, err) < 0) {
            return -1;
        }
    }
    if (state->combine && collect(run, &state->combining, list, &n, err) < 0) {
        return -1;
    }
    return action_store_outputs(run, list, n, ret, err);
}

int build_batch_look(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                     struct err *err) {
    struct batch_row row;
    struct batch_state state;
    if (read_batch(run, &row, &state, err) < 0) {
        return -1;
    }
    if (!state.complete) {
        run->again_ms = clock_now_ms(run->flow->clock) + LOOK_MS;
        return 0;
    }
    *ret_ended = true;
    ret_end->ok = state.status == BATCH_SUCCEEDED;
    if (ret_end->ok) {
        return outputs(run, &state, &ret_end->outputs, err);
    }
    ret_end->summary =
        str_printf(run->arena, "Build terminated with state: %s" STR_FMT,
                   batch_status_name(state.status), STR_ARG(reason(run->arena, &state)));
    ret_end->error_code = S("JobFailed");
    ret_end->error_message = ret_end->summary;
    return 0;
}

/* ---- ending ---- */

int build_batch_kill(struct action_run *run, struct str uuid, bool *ret_ended, struct err *err) {
    struct batch_row row;
    struct batch_state state;
    struct str_list builds;
    int found = load(run, uuid, &row, &state, err);
    if (found <= 0 || batch_builds(run->flow->db, run->arena, uuid, &builds, err) < 0) {
        return found == 0 ? 0 : -1;
    }
    *ret_ended = state.complete;
    for (size_t i = 0; i < builds.n; i++) {
        struct build_row build;
        int there = build_load(run->flow->db, run->arena, builds.v[i], &build, err);
        if (there < 0) {
            return -1;
        }
        if (there > 0 && !build.complete) {
            *ret_ended = false;
            if (build_revoke(run->flow, builds.v[i], err) < 0 ||
                build_stop(run->flow, builds.v[i], err) < 0) {
                return -1;
            }
        }
    }
    struct batch_event stop = {.kind = BATCH_STOP};
    return !state.complete && batch_apply(run->flow, run->arena, uuid, &stop, err) < 0 ? -1 : 1;
}
