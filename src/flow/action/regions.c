/* Implementation of regions.h. Facts: "cross-region actions" of CodePipeline's pages. */
#include "flow/action/regions.h"

#include "flow/action/artifacts.h"
#include "gen/s3.h"

/* Is it the bucket of another of the pipeline's stores? */
static bool elsewhere(const struct action_run *run, struct str bucket) {
    if (str_eq(bucket, run->store->bucket)) {
        return false;
    }
    for (size_t i = 0; i < run->def.stores.n; i++) {
        if (str_eq(run->def.stores.v[i].bucket, bucket)) {
            return true;
        }
    }
    return false;
}

/* 1 it is there already, 0 not. */
static int has_copy(struct action_run *run, const struct aws_target *target, struct str key,
                    struct err *err) {
    struct s3_head_object_request in = {.bucket = run->store->bucket, .key = key};
    struct s3_head_object_output out = {0};
    if (s3_call_head_object(target, run->arena, &in, &out, err) == 0) {
        return 1;
    }
    bool absent =
        err->kind == ERR_NOT_FOUND || err->api == &s3_NoSuchKey; /* from afar, in process */
    *err = absent ? ERR_INIT : *err;
    return absent ? 0 : -1;
}

static int copy(struct action_run *run, const struct aws_target *target, struct artifact_row *row,
                struct err *err) {
    struct str key = action_artifact_key(run->arena, run->def.name, row->name, row->action);
    struct s3_copy_object_request in = {
        .bucket = run->store->bucket,
        .key = key,
        .copy_source =
            str_printf(run->arena, STR_FMT "/" STR_FMT, STR_ARG(row->bucket), STR_ARG(row->key)),
    };
    struct s3_copy_object_output out;
    if (run->store->encryption_key.n > 0) {
        in.server_side_encryption = S("aws:kms");
        in.ssekms_key_id = run->store->encryption_key;
    }
    int there = has_copy(run, target, key, err);
    if (there < 0 || (there == 0 && s3_call_copy_object(target, run->arena, &in, &out, err) < 0)) {
        return err_wrap(err, "copy artifact " STR_FMT " to region " STR_FMT, STR_ARG(row->name),
                        STR_ARG(run->region));
    }
    row->bucket = run->store->bucket;
    row->key = key;
    return 0;
}

static int find_inputs(struct action_run *run, struct artifact_row *rows, size_t *ret_n,
                       struct err *err) {
    struct db *db = run->flow->db;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < run->decl->inputs.n; i++) {
        int found = record_artifact_get(db, run->arena, run->execution.id, run->decl->inputs.v[i],
                                        &rows[*ret_n], err);
        if (found < 0) {
            db_rollback(db);
            return -1;
        }
        *ret_n += found > 0;
    }
    db_rollback(db);
    return 0;
}

int action_bring_inputs(struct action_run *run, struct err *err) {
    struct artifact_row *rows = arena_new_n(run->arena, struct artifact_row, run->decl->inputs.n);
    struct aws_target target;
    size_t n = 0;
    bool moved = false;
    if (run->def.stores.n < 2 || find_inputs(run, rows, &n, err) < 0) {
        return run->def.stores.n < 2 ? 0 : -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (!elsewhere(run, rows[i].bucket)) {
            continue;
        }
        if ((!moved && action_pipeline_target(run, &target, err) < 0) ||
            copy(run, &target, &rows[i], err) < 0) {
            return -1;
        }
        moved = true;
        *arena_push(run->arena, &run->copies) = rows[i];
    }
    struct action_row detail = {.inputs = action_inputs_json(run->arena, rows, n)};
    return moved ? action_note(run, &detail, err) : 0;
}
