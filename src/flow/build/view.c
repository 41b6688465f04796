/* A build's row as the API shows it: its settings, and over them what has happened. */
#include "flow/build/order.h"

#include "platform/text/json.h"

static void view_contexts(struct arena *a, const json_t *contexts,
                          struct codebuild_build_phase *phase) {
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(contexts, i, one) {
        *arena_push(a, &phase->contexts) = (struct codebuild_phase_context){
            str_dup(a, json_str(one, "statusCode")), str_dup(a, json_str(one, "message"))};
    }
}

static void view_phases(struct arena *a, const json_t *phases, struct codebuild_build *b) {
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(phases, i, one) {
        struct codebuild_build_phase *phase = arena_push(a, &b->phases);
        *phase = (struct codebuild_build_phase){
            .phase_type = str_dup(a, json_str(one, "phaseType")),
            .phase_status = str_dup(a, json_str(one, "phaseStatus")),
            .start_time = json_int(one, "startTime"),
            .has_start_time = true,
        };
        if (json_object_get(one, "endTime") != NULL) {
            phase->end_time = json_int(one, "endTime");
            phase->has_end_time = true;
            phase->duration_in_seconds = (phase->end_time - phase->start_time) / 1000;
            phase->has_duration_in_seconds = true;
        }
        view_contexts(a, json_object_get(one, "contexts"), phase);
    }
}

static struct codebuild_build_artifacts view_artifact(struct arena *a, const json_t *one) {
    struct str id = json_str(one, "id");
    return (struct codebuild_build_artifacts){
        .location = str_dup(a, json_str(one, "location")),
        .sha256sum = str_dup(a, json_str(one, "sha256")),
        .md5sum = str_dup(a, json_str(one, "md5")),
        .override_artifact_name = json_bool(one, "overrideName"),
        .has_override_artifact_name = json_object_get(one, "overrideName") != NULL,
        .encryption_disabled = json_bool(one, "plain"),
        .has_encryption_disabled = json_object_get(one, "plain") != NULL,
        .artifact_identifier = id.n > 0 ? str_dup(a, id) : STR_NONE,
        .bucket_owner_access = str_dup(a, json_str(one, "ownerAccess")),
    };
}

static void view_artifacts(struct arena *a, const json_t *artifacts, struct codebuild_build *b) {
    size_t i = 0;
    json_t *one = NULL;
    b->artifacts = arena_new(a, struct codebuild_build_artifacts);
    b->artifacts->location = S("");
    json_array_foreach(artifacts, i, one) {
        const json_t *primary = json_object_get(one, "primary"); /* older records have none */
        if (primary != NULL ? json_is_true(primary) : i == 0) {
            *b->artifacts = view_artifact(a, one);
        } else {
            *arena_push(a, &b->secondary_artifacts) = view_artifact(a, one);
        }
    }
}

static void view_exported(struct arena *a, const json_t *exported, struct codebuild_build *b) {
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(exported, i, one) {
        *arena_push(a, &b->exported_environment_variables) =
            (struct codebuild_exported_environment_variable){str_dup(a, json_str(one, "name")),
                                                             str_dup(a, json_str(one, "value"))};
    }
    if (b->exported_environment_variables.v == NULL) {
        b->exported_environment_variables.v = arena_alloc(a, 0);
    }
}

int build_view(struct arena *a, const struct build_row *row, struct codebuild_build **ret,
               struct err *err) {
    json_t *phases cleanup_json = json_parse(row->phases, err);
    json_t *artifacts cleanup_json = phases ? json_parse(row->artifacts, err) : NULL;
    json_t *exported cleanup_json = artifacts ? json_parse(row->exported, err) : NULL;
    struct codebuild_build *b = NULL;
    if (exported == NULL || build_from_json(a, row->body, &b, err) < 0) {
        return err_wrap(err, "build " STR_FMT, STR_ARG(row->uuid));
    }
    b->current_phase = row->current_phase;
    b->build_status = row->status;
    b->build_complete = row->complete;
    b->has_build_complete = true;
    b->resolved_source_version = row->resolved_version;
    b->end_time = row->ended_ms;
    b->has_end_time = row->complete;
    view_phases(a, phases, b);
    view_artifacts(a, artifacts, b);
    view_exported(a, exported, b);
    *ret = b;
    return 0;
}

struct str build_failure_text(struct arena *a, const struct build_row *row) {
    struct err ignored = ERR_INIT;
    size_t i = 0;
    json_t *one = NULL;
    json_t *phases cleanup_json = json_parse(row->phases, &ignored);
    json_array_foreach(phases, i, one) {
        struct str status = json_str(one, "phaseStatus");
        if (status.n > 0 && !str_is(status, "SUCCEEDED")) {
            const json_t *context = json_array_get(json_object_get(one, "contexts"), 0);
            struct str message = json_str(context, "message");
            return str_printf(a, STR_FMT " %s%s" STR_FMT, STR_ARG(json_str(one, "phaseType")),
                              str_is(status, "FAILED") ? "failed" : str_z(a, str_lower(a, status)),
                              message.n > 0 ? ": " : "", STR_ARG(message));
        }
    }
    return row->reason.n > 0 ? str_dup(a, row->reason) : STR_NONE;
}
