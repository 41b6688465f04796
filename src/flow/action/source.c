/* Implementation of source.h. */
#include "flow/action/source.h"

#include "flow/action/artifacts.h"
#include "platform/crypto/hash.h"

int source_pinned(struct action_run *run, const char *type, struct str *ret, struct err *err) {
    *ret = STR_NONE;
    if (db_begin(run->flow->db, err) < 0) {
        return -1;
    }
    int found = source_pin_get(run->flow->db, run->arena, run->execution.id, run->action.action,
                               type, ret, err);
    db_rollback(run->flow->db);
    return found;
}

int source_put(struct action_run *run, int fd, int64_t offset, int64_t size,
               struct action_artifact *artifact, struct err *err) {
    struct aws_target target;
    struct s3_put_object_request in = {
        .bucket = artifact->bucket, .key = artifact->key, .content_type = S("application/zip")};
    struct s3_put_object_output out;
    struct aws_body body = {.fd = fd, .offset = offset, .size = size};
    action_store_encryption(run->store, &in);
    return action_target(run, &target, err) < 0 ||
                   crypto_sha256_fd(run->arena, fd, (off_t)offset, &artifact->sha256, err) < 0 ||
                   aws_call_stream(&target, &s3_op_put_object, run->arena, &in, &body, &out, NULL,
                                   err) < 0
               ? -1
               : 0;
}

/* The execution's own revision, by which people know it, is that of the stage's first source. */
static int put_revision(struct action_run *run, const struct source_taken *taken, struct err *err) {
    struct db *db = run->flow->db;
    struct arena *a = run->arena;
    bool first = str_eq(run->stage->actions.v[0].name, run->decl->name);
    return source_revision_put(db, a, run->pipeline.id, run->execution.id, &taken->what, err) < 0 ||
                   (first &&
                    record_execution_revision(db, run->execution.id,
                                              revision_to_json(a, &taken->what.revision), err) < 0)
               ? -1
               : 0;
}

/* A change that comes between this release and the watcher's first look must not be taken for where
 * the source began. */
static int write_end(struct action_run *run, const struct source_taken *taken,
                     struct action_end *ret, struct err *err) {
    struct db *db = run->flow->db;
    return put_revision(run, taken, err) < 0 ||
                   (taken->ref_head.p != NULL &&
                    source_seen_begin(db, run->pipeline.id, run->action.action, taken->ref,
                                      taken->ref_head, clock_now_ms(run->flow->clock), err) < 0) ||
                   action_put_outputs(run, &taken->artifact, 1, taken->what.revision.commit,
                                      &ret->outputs, err) < 0
               ? -1
               : 0;
}

int source_end(struct action_run *run, struct source_taken *taken, struct action_end *ret,
               struct err *err) {
    struct db *db = run->flow->db;
    taken->what.revision.action = run->action.action;
    taken->what.revision.artifact = taken->artifact.name;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    if (write_end(run, taken, ret, err) < 0) {
        db_rollback(db);
        return -1;
    }
    ret->ok = true;
    ret->summary = taken->summary;
    ret->output_variables = taken->output_variables;
    return db_commit(db, err);
}
