/* DeleteSecret, RestoreSecret, and the job that deletes for good. */
#include "services/core/tags.h"
#include "services/secretsmanager/sm.h"

static int check_window(const struct secretsmanager_delete_secret_request *in, struct err *err) {
    const struct aws_error *invalid = &secretsmanager_InvalidParameterException;
    if (in->force_delete_without_recovery && in->has_recovery_window_in_days) {
        return err_api(err, invalid,
                       "You can't use ForceDeleteWithoutRecovery in conjunction with "
                       "RecoveryWindowInDays.");
    }
    bool outside =
        in->has_recovery_window_in_days && (in->recovery_window_in_days < SM_RECOVERY_MIN ||
                                            in->recovery_window_in_days > SM_RECOVERY_DAYS);
    return outside ? err_api(err, invalid,
                             "The RecoveryWindowInDays value must be between %d and %d days "
                             "(inclusive).",
                             SM_RECOVERY_MIN, SM_RECOVERY_DAYS)
                   : 0;
}

static int drop(struct db *db, struct str arn, struct err *err) {
    return tags_drop(db, arn, err) < 0 ? -1 : sm_remove(db, arn, err);
}

/* At once, also when its deletion is scheduled already; a secret that is not there is no error. */
static int force(struct call *c, struct str secret_id,
                 struct secretsmanager_delete_secret_response *out, struct err *err) {
    struct sm_secret s = {0};
    int found = sm_resolve(c->db, c->arena, c->account, c->region, secret_id, &s, err);
    out->name = found > 0 ? s.name : secret_id;
    out->arn = found > 0                          ? s.arn
               : str_starts(secret_id, S("arn:")) ? secret_id
                                                  : sm_arn_new(c, secret_id);
    out->deletion_date = c->now_ms;
    out->has_deletion_date = true;
    if (found <= 0) {
        return found;
    }
    return queue_cancel(c->db, SM_PURGE, s.arn, err) < 0 ? -1 : drop(c->db, s.arn, err);
}

int secretsmanager_delete_secret(struct call *c,
                                 const struct secretsmanager_delete_secret_request *in,
                                 struct secretsmanager_delete_secret_response *out,
                                 struct err *err) {
    struct sm_secret s = {0};
    if (check_window(in, err) < 0) {
        return -1;
    }
    if (in->force_delete_without_recovery) {
        return force(c, in->secret_id, out, err);
    }
    if (sm_need_alive(c, in->secret_id, &s, err) < 0) {
        return -1;
    }
    int64_t days = in->has_recovery_window_in_days ? in->recovery_window_in_days : SM_RECOVERY_DAYS;
    s.deleted_ms = c->now_ms;
    s.changed_ms = c->now_ms;
    s.purge_ms = c->now_ms + days * SM_DAY_MS;
    out->arn = s.arn;
    out->name = s.name;
    out->deletion_date = s.purge_ms;
    out->has_deletion_date = true;
    return sm_put(c->db, &s, err) < 0 ? -1
                                      : queue_add(c->db, SM_PURGE, s.arn, S("{}"), s.purge_ms, err);
}

int secretsmanager_restore_secret(struct call *c,
                                  const struct secretsmanager_restore_secret_request *in,
                                  struct secretsmanager_restore_secret_response *out,
                                  struct err *err) {
    struct sm_secret s = {0};
    if (sm_need(c, in->secret_id, &s, err) < 0) {
        return -1;
    }
    s.deleted_ms = 0;
    s.purge_ms = 0;
    s.changed_ms = c->now_ms;
    out->arn = s.arn;
    out->name = s.name;
    return sm_put(c->db, &s, err) < 0 ? -1 : queue_cancel(c->db, SM_PURGE, s.arn, err);
}

/* The recovery window is over; a secret that was restored meanwhile stays. */
static int purge(void *ud, struct queue_job *job, struct err *err) {
    const struct service_env *env = ud;
    struct sm_secret s = {0};
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    int found = sm_find_arn(env->db, job->arena, job->key, &s, err);
    bool due = found > 0 && s.purge_ms != 0 && s.purge_ms <= clock_now_ms(env->clock);
    if (found < 0 || (due && drop(env->db, s.arn, err) < 0) || queue_end(env->db, job, err) < 0) {
        db_rollback(env->db);
        return -1;
    }
    return db_commit(env->db, err);
}

void secretsmanager_queue_kinds(struct service_env *env,
                                struct queue_kind ret[SECRETSMANAGER_KINDS]) {
    ret[0] = (struct queue_kind){.name = SM_PURGE, .run = purge, .ud = env};
}
