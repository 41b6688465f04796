/* What happens to keys by time alone: deletion that was scheduled, rotation. */
#include "services/kms/kms.h"

static int end(struct service_env *env, struct queue_job *job, int failed, struct err *err) {
    if (failed < 0 || (job->again_ms == 0 && queue_end(env->db, job, err) < 0)) {
        db_rollback(env->db);
        return -1;
    }
    return db_commit(env->db, err);
}

static int delete_due(void *ud, struct queue_job *job, struct err *err) {
    struct service_env *env = ud;
    struct kms_key_row row = {0};
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    int found = kms_key_find(env->db, job->arena, job->key, &row, err);
    if (found > 0 && row.deletion_ms != 0 && row.deletion_ms <= clock_now_ms(env->clock)) {
        found = kms_key_remove(env->db, job->arena, &row, err);
    }
    return end(env, job, found, err);
}

static int rotate_due(void *ud, struct queue_job *job, struct err *err) {
    struct service_env *env = ud;
    struct kms_key_row row = {0};
    int64_t now_ms = clock_now_ms(env->clock);
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    int found = kms_key_find(env->db, job->arena, job->key, &row, err);
    bool on = found > 0 && row.rotation_days > 0 && str_is(row.state, "Enabled");
    if (on && row.rotated_ms + row.rotation_days * KMS_DAY_MS <= now_ms) {
        row.rotated_ms = now_ms;
        found = kms_material_add(env->db, job->arena, env->rng, row.id, err);
        found = found < 0 ? -1 : kms_key_update(env->db, &row, err);
    }
    job->again_ms = on && found >= 0 ? row.rotated_ms + row.rotation_days * KMS_DAY_MS : 0;
    return end(env, job, found, err);
}

void kms_queue_kinds(struct service_env *env, struct queue_kind ret[KMS_KINDS]) {
    ret[0] = (struct queue_kind){.name = KMS_DELETE, .run = delete_due, .ud = env};
    ret[1] = (struct queue_kind){.name = KMS_ROTATE, .run = rotate_due, .ud = env};
}
