/* Parameter policies of advanced parameters. Expiration deletes; the others only notify on AWS, and
 * are kept and shown. */
#include "services/ssm/ssm.h"

#include "base/clock.h"
#include "platform/text/json.h"
#include "services/core/tags.h"

static int check_one(const json_t *policy, int64_t *ret_expires_ms, struct err *err) {
    struct str type = json_str(policy, "Type");
    const json_t *attributes = json_object_get(policy, "Attributes");
    if (!str_is(type, "Expiration") && !str_is(type, "ExpirationNotification") &&
        !str_is(type, "NoChangeNotification")) {
        return err_api(err, &ssm_InvalidPolicyTypeException,
                       "The policy type " STR_FMT " is not supported. Parameter Store supports the "
                       "following policy types: Expiration, ExpirationNotification, and "
                       "NoChangeNotification.",
                       STR_ARG(type));
    }
    if (!json_is_object(attributes)) {
        return err_api(err, &ssm_InvalidPolicyAttributeException,
                       "A policy attribute or its value is invalid.");
    }
    if (str_is(type, "Expiration") &&
        !time_parse(json_str(attributes, "Timestamp"), ret_expires_ms)) {
        return err_api(err, &ssm_InvalidPolicyAttributeException,
                       "The Timestamp of an Expiration policy must be an ISO 8601 time.");
    }
    return 0;
}

int ssm_policies_check(struct str text, int64_t *ret_expires_ms, struct err *err) {
    struct err why = ERR_INIT;
    *ret_expires_ms = 0;
    if (text.n == 0) {
        return 0;
    }
    json_t *list cleanup_json = json_parse(text, &why);
    if (list == NULL || !json_is_array(list)) {
        return err_api(err, &ssm_InvalidPolicyTypeException,
                       "Policies must be a JSON list of policies");
    }
    if (json_array_size(list) > SSM_POLICIES_MAX) {
        return err_api(err, &ssm_PoliciesLimitExceededException,
                       "You specified more than the maximum number of allowed policies for the "
                       "parameter. The maximum is %d.",
                       SSM_POLICIES_MAX);
    }
    size_t i;
    json_t *policy;
    json_array_foreach(list, i, policy) {
        if (check_one(policy, ret_expires_ms, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int ssm_policies_show(struct call *c, struct str text, struct ssm_parameter_inline_policy_list *ret,
                      struct err *err) {
    *ret = (struct ssm_parameter_inline_policy_list){
        arena_new(c->arena, struct ssm_parameter_inline_policy), 0};
    if (text.n == 0) {
        return 0;
    }
    json_t *list cleanup_json = json_parse(text, err);
    if (list == NULL) {
        return -1;
    }
    ret->v = arena_new_n(c->arena, struct ssm_parameter_inline_policy, json_array_size(list));
    size_t i;
    json_t *policy;
    json_array_foreach(list, i, policy) {
        ret->v[ret->n++] = (struct ssm_parameter_inline_policy){
            .policy_text = json_dump_str(c->arena, policy),
            .policy_type = str_dup(c->arena, json_str(policy, "Type")),
            .policy_status = S("Pending"),
        };
    }
    return 0;
}

/* The timer's key: "<account>/<region>/<version>/<name>". A newer version has its own timer. */
static bool read_key(struct str key, struct ssm_name *ret, int64_t *ret_version) {
    struct str version;
    long long n = 0;
    if (!str_cut(&key, '|', &ret->account) || !str_cut(&key, '|', &ret->region) ||
        !str_cut(&key, '|', &version) || !str_to_i64(version, &n)) {
        return false;
    }
    ret->name = key;
    *ret_version = n;
    return true;
}

static int expire(void *ud, struct queue_job *job, struct err *err) {
    struct service_env *env = ud;
    struct ssm_name name = {0};
    struct ssm_row row = {0};
    int64_t version = 0;
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    int found = read_key(job->key, &name, &version)
                    ? ssm_find(env->db, job->arena, &name, 0, &row, err)
                    : 0;
    if (found > 0 && row.version == version) {
        struct str arn =
            str_printf(job->arena, "arn:aws:ssm:" STR_FMT ":" STR_FMT ":parameter%s" STR_FMT,
                       STR_ARG(name.region), STR_ARG(name.account),
                       str_starts(name.name, S("/")) ? "" : "/", STR_ARG(name.name));
        found = tags_drop(env->db, arn, err) < 0 ? -1 : ssm_remove(env->db, &name, err);
    }
    if (found < 0 || queue_end(env->db, job, err) < 0) {
        db_rollback(env->db);
        return -1;
    }
    return db_commit(env->db, err);
}

void ssm_queue_kinds(struct service_env *env, struct queue_kind ret[SSM_KINDS]) {
    ret[0] = (struct queue_kind){.name = SSM_EXPIRE, .run = expire, .ud = env};
}
