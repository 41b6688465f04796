/* GetSecretValue, BatchGetSecretValue. */
#include "services/secretsmanager/sm.h"

/* "... for staging label: X" or "... for VersionId: X". */
static int no_value(const char *what, struct str which, struct err *err) {
    return err_api(err, &secretsmanager_ResourceNotFoundException,
                   "Secrets Manager can't find the specified secret value for %s: " STR_FMT, what,
                   STR_ARG(which));
}

/* The version that is asked for, by id, by label, by both, or the current one. */
static int choose(struct call *c, const struct secretsmanager_get_secret_value_request *in,
                  struct str arn, const struct sm_stages *all, struct sm_version *ret,
                  struct err *err) {
    struct str stage = in->version_stage.p ? in->version_stage : S(SM_CURRENT);
    struct str id = in->version_id.p ? in->version_id : sm_version_at(all, stage);
    int found = id.p == NULL ? 0 : sm_version_find(c->db, c->arena, arn, id, ret, err);
    if (found < 0) {
        return -1;
    }
    if (found == 0) {
        return in->version_id.p ? no_value("VersionId", in->version_id, err)
                                : no_value("staging label", stage, err);
    }
    if (in->version_id.p != NULL && in->version_stage.p != NULL &&
        !str_eq(sm_version_at(all, stage), id)) {
        return err_api(err, &secretsmanager_InvalidRequestException,
                       "You provided a VersionStage that is not associated to the provided "
                       "VersionId.");
    }
    return 0;
}

int secretsmanager_get_secret_value(struct call *c,
                                    const struct secretsmanager_get_secret_value_request *in,
                                    struct secretsmanager_get_secret_value_response *out,
                                    struct err *err) {
    struct sm_secret s = {0};
    struct sm_version v = {0};
    struct sm_stages all;
    struct str plain = STR_NONE;
    if (sm_need_alive(c, in->secret_id, &s, err) < 0 ||
        sm_stage_list(c->db, c->arena, s.arn, &all, err) < 0 ||
        choose(c, in, s.arn, &all, &v, err) < 0 || sm_open_version(c, &s, &v, &plain, err) < 0 ||
        sm_accessed(c->db, s.arn, v.id, c->now_ms - c->now_ms % SM_DAY_MS, err) < 0) {
        return -1;
    }
    *out = (struct secretsmanager_get_secret_value_response){
        .arn = s.arn,
        .name = s.name,
        .version_id = v.id,
        .secret_binary = v.is_binary ? plain : STR_NONE,
        .secret_string = v.is_binary ? STR_NONE : plain,
        .version_stages = sm_stages_of(c->arena, &all, v.id),
        .created_date = v.created_ms,
        .has_created_date = true,
    };
    return 0;
}

/* One secret as the caller, who needs the right to it: a refusal is an entry of the answer. */
static int get_one(struct call *c, struct str id,
                   struct secretsmanager_batch_get_secret_value_response *out, struct err *err) {
    struct aws_target t = call_target(c);
    struct err why = ERR_INIT;
    struct secretsmanager_get_secret_value_request in = {.secret_id = id};
    struct secretsmanager_get_secret_value_response got;
    if (secretsmanager_call_get_secret_value(&t, c->arena, &in, &got, &why) < 0) {
        if (why.api == NULL) {
            *err = why;
            return -1;
        }
        *arena_push(c->arena, &out->errors) = (struct secretsmanager_api_error_type){
            id, str_c(why.api->name), str_dup(c->arena, str_c(why.msg))};
        return 0;
    }
    *arena_push(c->arena, &out->secret_values) = (struct secretsmanager_secret_value_entry){
        .arn = got.arn,
        .name = got.name,
        .version_id = got.version_id,
        .secret_binary = got.secret_binary,
        .secret_string = got.secret_string,
        .version_stages = got.version_stages,
        .created_date = got.created_date,
        .has_created_date = got.has_created_date,
    };
    return 0;
}

static int choose_secrets(struct call *c,
                          const struct secretsmanager_batch_get_secret_value_request *in,
                          struct str_list *ret, struct str *ret_next, struct err *err) {
    struct sm_secrets found = {NULL, 0};
    struct sm_query q = {
        .filters = &in->filters,
        .limit = in->has_max_results ? in->max_results : SM_BATCH_PAGE,
    };
    *ret = in->secret_id_list;
    *ret_next = STR_NONE;
    if (in->secret_id_list.n > 0) {
        return 0;
    }
    if (sm_page(c, &q, in->next_token, &found, ret_next, err) < 0) {
        return -1;
    }
    *ret = (struct str_list){NULL, 0};
    for (size_t i = 0; i < found.n; i++) {
        *arena_push(c->arena, ret) = found.v[i].arn;
    }
    return 0;
}

int secretsmanager_batch_get_secret_value(
    struct call *c, const struct secretsmanager_batch_get_secret_value_request *in,
    struct secretsmanager_batch_get_secret_value_response *out, struct err *err) {
    struct str_list ids;
    const struct aws_error *invalid = &secretsmanager_InvalidParameterException;
    if ((in->secret_id_list.n > 0) == (in->filters.n > 0)) {
        return err_api(err, invalid,
                       "Either 'SecretIdList' or 'Filters' must be provided, but not both.");
    }
    if (in->has_max_results && in->filters.n == 0) {
        return err_api(err, invalid,
                       "'Filters' not specified. 'Filters' must also be specified when "
                       "'MaxResults' is provided.");
    }
    if (choose_secrets(c, in, &ids, &out->next_token, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < ids.n; i++) {
        if (get_one(c, ids.v[i], out, err) < 0) {
            return -1;
        }
    }
    if (out->secret_values.v == NULL) {
        out->secret_values.v = arena_new(c->arena, struct secretsmanager_secret_value_entry);
    }
    if (out->errors.v == NULL) {
        out->errors.v = arena_new(c->arena, struct secretsmanager_api_error_type);
    }
    return 0;
}
