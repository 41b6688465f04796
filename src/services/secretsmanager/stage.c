/* Staging labels: each is on one version at most, and AWSPREVIOUS follows AWSCURRENT. */
#include "services/secretsmanager/sm.h"

struct str sm_version_at(const struct sm_stages *all, struct str stage) {
    for (size_t i = 0; i < all->n; i++) {
        if (str_eq(all->v[i].stage, stage)) {
            return all->v[i].version;
        }
    }
    return STR_NONE;
}

struct str_list sm_stages_of(struct arena *a, const struct sm_stages *all, struct str version) {
    struct str_list list = {NULL, 0};
    for (size_t i = 0; i < all->n; i++) {
        if (str_eq(all->v[i].version, version)) {
            *arena_push(a, &list) = all->v[i].stage;
        }
    }
    list.v = list.v ? list.v : arena_new(a, struct str);
    return list;
}

static int attach(struct call *c, struct str arn, struct str stage, struct str version,
                  struct err *err) {
    struct sm_stages all;
    if (sm_stage_list(c->db, c->arena, arn, &all, err) < 0) {
        return -1;
    }
    struct str before = sm_version_at(&all, stage);
    bool moves = before.p != NULL && !str_eq(before, version);
    if (str_is(stage, SM_CURRENT) && moves &&
        sm_stage_put(c->db, arn, S(SM_PREVIOUS), before, err) < 0) {
        return -1;
    }
    if (before.p == NULL && all.n >= SM_STAGES_MAX) {
        return err_api(err, &secretsmanager_LimitExceededException,
                       "A secret can have a maximum of %d staging labels.", SM_STAGES_MAX);
    }
    return sm_stage_put(c->db, arn, stage, version, err);
}

int sm_attach(struct call *c, struct str arn, const struct str_list *stages, struct str version,
              struct err *err) {
    /* AWSCURRENT last: what it pushes to AWSPREVIOUS is what was current before this call. */
    for (int current = 0; current < 2; current++) {
        for (size_t i = 0; i < stages->n; i++) {
            if (str_is(stages->v[i], SM_CURRENT) == (current == 1) &&
                attach(c, arn, stages->v[i], version, err) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int need_version(struct call *c, struct str arn, struct str id, struct err *err) {
    struct sm_version v = {0};
    int found = sm_version_find(c->db, c->arena, arn, id, &v, err);
    return found == 0 ? err_api(err, &secretsmanager_ResourceNotFoundException,
                                "Secrets Manager can't find the specified secret version: " STR_FMT,
                                STR_ARG(id))
                      : found - 1;
}

/* What UpdateSecretVersionStage asks, against where the label is now. */
static int check_move(const struct secretsmanager_update_secret_version_stage_request *in,
                      struct str now, struct err *err) {
    const struct aws_error *invalid = &secretsmanager_InvalidParameterException;
    struct str to = in->move_to_version_id, from = in->remove_from_version_id;
    if (to.p == NULL && from.p == NULL) {
        return err_api(err, invalid,
                       "You must specify MoveToVersionId, RemoveFromVersionId, or both.");
    }
    if (to.p == NULL && str_is(in->version_stage, SM_CURRENT)) {
        return err_api(err, invalid,
                       "You can only move staging label AWSCURRENT to a different secret version. "
                       "It can\xe2\x80\x99t be completely removed.");
    }
    if (from.p == NULL && now.p != NULL && !str_eq(now, to)) {
        return err_api(err, invalid,
                       "The parameter RemoveFromVersionId can't be empty. Staging label " STR_FMT
                       " is currently attached to version " STR_FMT
                       ", so you must explicitly reference that version in RemoveFromVersionId.",
                       STR_ARG(in->version_stage), STR_ARG(now));
    }
    if (from.p != NULL && !str_eq(now, from)) {
        return err_api(err, invalid,
                       "Staging label " STR_FMT " isn't attached to version " STR_FMT ".",
                       STR_ARG(in->version_stage), STR_ARG(from));
    }
    return 0;
}

int secretsmanager_update_secret_version_stage(
    struct call *c, const struct secretsmanager_update_secret_version_stage_request *in,
    struct secretsmanager_update_secret_version_stage_response *out, struct err *err) {
    struct sm_secret s = {0};
    struct sm_stages all;
    struct str to = in->move_to_version_id, from = in->remove_from_version_id;
    if (sm_need_alive(c, in->secret_id, &s, err) < 0 ||
        (to.p != NULL && need_version(c, s.arn, to, err) < 0) ||
        (from.p != NULL && need_version(c, s.arn, from, err) < 0) ||
        sm_stage_list(c->db, c->arena, s.arn, &all, err) < 0 ||
        check_move(in, sm_version_at(&all, in->version_stage), err) < 0) {
        return -1;
    }
    struct str stage = in->version_stage;
    struct str_list one = {&stage, 1};
    int result = to.p != NULL ? sm_attach(c, s.arn, &one, to, err)
                              : sm_stage_remove(c->db, s.arn, stage, err);
    s.changed_ms = c->now_ms;
    out->arn = s.arn;
    out->name = s.name;
    return result < 0 ? -1 : sm_put(c->db, &s, err);
}
