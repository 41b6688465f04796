/* A batch's row as the API shows it. */
#include "flow/batch/apply.h"

#include "aws/proto/proto.h"
#include "platform/text/json.h"

struct str batch_arn(struct arena *a, struct str region, struct str account, struct str project,
                     struct str uuid) {
    return str_printf(a,
                      "arn:aws:codebuild:" STR_FMT ":" STR_FMT ":build-batch/" STR_FMT ":" STR_FMT,
                      STR_ARG(region), STR_ARG(account), STR_ARG(project), STR_ARG(uuid));
}

int batch_body_to_json(struct arena *a, const struct codebuild_build_batch *batch, struct str *ret,
                       struct err *err) {
    struct codebuild_start_build_batch_output out = {arena_memdup(a, batch, sizeof(*batch))};
    struct proto_message m = {0};
    if (proto_encode_response(a, SHAPE_JSON_1_1, &codebuild_op_start_build_batch, STR_NONE, &out,
                              &m, err) < 0) {
        return -1;
    }
    *ret = m.body;
    return 0;
}

static int body_from_json(struct arena *a, struct str json, struct codebuild_build_batch **ret,
                          struct err *err) {
    struct codebuild_start_build_batch_output out = {0};
    struct proto_message m = {.status = 200, .body = json};
    if (proto_decode_response(a, SHAPE_JSON_1_1, &codebuild_op_start_build_batch, &m, &out, err) <
            0 ||
        out.build_batch == NULL) {
        return err_wrap(err, "stored batch");
    }
    *ret = out.build_batch;
    return 0;
}

static void view_phases(struct arena *a, const struct batch_state *s,
                        struct codebuild_build_batch *b) {
    for (size_t i = 0; i < s->phases.n; i++) {
        const struct batch_phase *from = &s->phases.v[i];
        struct codebuild_build_batch_phase *to = arena_push(a, &b->phases);
        *to = (struct codebuild_build_batch_phase){
            .phase_type = str_c(batch_phase_name(from->kind)),
            .start_time = from->start_ms,
            .has_start_time = true,
        };
        if (from->end_ms > 0) {
            to->phase_status = str_c(batch_status_name(from->status));
            to->end_time = from->end_ms;
            to->has_end_time = true;
            to->duration_in_seconds = (from->end_ms - from->start_ms) / 1000;
            to->has_duration_in_seconds = true;
        }
        if (from->message.n > 0) {
            *arena_push(a, &to->contexts) =
                (struct codebuild_phase_context){S("CLIENT_ERROR"), from->message};
        }
    }
}

static struct codebuild_resolved_artifact resolved(struct arena *a, struct str identifier,
                                                   const json_t *artifact) {
    struct str location = json_str(artifact, "location");
    return (struct codebuild_resolved_artifact){
        .type = location.n > 0 ? S("S3") : S("NO_ARTIFACTS"),
        .location = location.n > 0 ? str_dup(a, location) : STR_NONE,
        .identifier = identifier,
    };
}

static void summarize(struct arena *a, const struct batch_row *row, struct str identifier,
                      const struct batch_build *from, struct codebuild_build_summary *to) {
    struct err ignored = ERR_INIT;
    *to = (struct codebuild_build_summary){
        .arn = str_printf(a, "arn:aws:codebuild:" STR_FMT ":" STR_FMT ":build/" STR_FMT ":" STR_FMT,
                          STR_ARG(row->region), STR_ARG(row->account), STR_ARG(row->project),
                          STR_ARG(from->uuid)),
        .requested_on = from->requested_ms,
        .has_requested_on = true,
        .build_status = str_c(batch_status_name(from->status)),
    };
    json_t *list cleanup_json = from->artifacts.p ? json_parse(from->artifacts, &ignored) : NULL;
    if (list == NULL) {
        return;
    }
    to->primary_artifact = arena_new(a, struct codebuild_resolved_artifact);
    *to->primary_artifact = resolved(a, identifier, NULL);
    to->secondary_artifacts.v = arena_alloc(a, 0);
    struct codebuild_resolved_artifact_list secondary = {0};
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(list, i, one) {
        struct str id = json_str(one, "id");
        if (id.n == 0) {
            *to->primary_artifact = resolved(a, identifier, one);
        } else {
            *arena_push(a, &secondary) = resolved(
                a, str_printf(a, STR_FMT "_" STR_FMT, STR_ARG(identifier), STR_ARG(id)), one);
        }
    }
    to->secondary_artifacts = secondary.n > 0 ? secondary : to->secondary_artifacts;
}

static void view_groups(struct arena *a, const struct batch_row *row, const struct batch_state *s,
                        struct codebuild_build_batch *b) {
    for (size_t i = 0; i < s->groups.n; i++) {
        const struct batch_group *from = &s->groups.v[i];
        struct codebuild_build_group *to = arena_push(a, &b->build_groups);
        struct str identifier = from->task.identifier;
        *to = (struct codebuild_build_group){
            .identifier = identifier,
            .depends_on = from->task.depend_on,
            .ignore_failure = from->task.ignore_failure,
            .has_ignore_failure = true,
            .current_build_summary = arena_new(a, struct codebuild_build_summary),
        };
        if (i > 0 && to->depends_on.v == NULL) {
            to->depends_on.v = arena_alloc(a, 0);
        }
        summarize(a, row, identifier, &from->build, to->current_build_summary);
        for (size_t k = 0; k < from->prior.n; k++) {
            summarize(a, row, identifier, &from->prior.v[k],
                      arena_push(a, &to->prior_build_summary_list));
        }
    }
}

static void view_artifacts(struct arena *a, const struct batch_state *s,
                           struct codebuild_build_batch *b) {
    struct err ignored = ERR_INIT;
    b->artifacts = arena_new(a, struct codebuild_build_artifacts);
    b->artifacts->location = S("");
    b->secondary_artifacts.v = arena_alloc(a, 0);
    json_t *list cleanup_json =
        s->combining.artifacts.p ? json_parse(s->combining.artifacts, &ignored) : NULL;
    struct str location = json_str(json_array_get(list, 0), "location");
    b->artifacts->location = location.n > 0 ? str_dup(a, location) : S("");
}

int batch_view(struct arena *a, const struct batch_row *row, struct codebuild_build_batch **ret,
               struct err *err) {
    struct batch_state state;
    struct codebuild_build_batch *b = NULL;
    if (batch_state_parse(a, row->state, &state, err) < 0 ||
        body_from_json(a, row->body, &b, err) < 0) {
        return -1;
    }
    b->current_phase = str_c(batch_phase_name(batch_phase_now(&state)));
    b->build_batch_status = str_c(batch_status_name(state.status));
    b->complete = state.complete;
    b->has_complete = true;
    b->end_time = state.ended_ms;
    b->has_end_time = state.complete;
    b->resolved_source_version = row->resolved_version;
    view_phases(a, &state, b);
    view_groups(a, row, &state, b);
    view_artifacts(a, &state, b);
    *ret = b;
    return 0;
}
