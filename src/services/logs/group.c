/* Log groups: create, delete, describe, retention, tags. */
#include "services/logs/logs.h"

#include "services/core/page.h"
#include "services/core/tags.h"

enum { EXPIRE_EVERY_MS = 10 * 60 * 1000 };

struct str logs_group_arn(struct arena *a, const struct log_group *g) {
    return str_printf(a, "arn:aws:logs:%.*s:%.*s:log-group:%.*s", STR_ARG(g->region),
                      STR_ARG(g->account), STR_ARG(g->name));
}

/* "name", or an ARN of a group with or without ":*". */
static struct str name_of(struct str identifier) {
    struct aws_arn arn;
    if (!aws_arn_parse(identifier, &arn) || !str_starts(arn.resource, S("log-group:"))) {
        return identifier;
    }
    struct str name = str_sub(arn.resource, 10, arn.resource.n);
    return str_sub(name, 0, str_find_c(name, ':', 0));
}

int logs_group(struct call *c, struct str name, struct str identifier, struct log_group *ret,
               struct err *err) {
    struct str wanted = name.p != NULL ? name : identifier;
    if (wanted.p == NULL) {
        return err_api(err, &logs_InvalidParameterException,
                       "Either logGroupName or logGroupIdentifier is required.");
    }
    int found =
        log_group_find(c->db, c->arena, c->account, c->region, name_of(wanted), ret, err);
    if (found < 0) {
        return -1;
    }
    return found > 0 ? 0
                     : err_api(err, &logs_ResourceNotFoundException,
                               "The specified log group does not exist.");
}

/* ---- tags ---- */

static int put_tags(struct call *c, const struct log_group *g, const struct str_map *tags,
                    struct err *err) {
    struct str culprit = STR_NONE;
    if (tags->n == 0) {
        return 0;
    }
    enum tags_fault fault = tags_check(tags, &culprit);
    if (fault != TAGS_OK) {
        return err_api(err, fault == TAGS_TOO_MANY ? &logs_TooManyTagsException
                                                   : &logs_InvalidParameterException,
                       "The tag '%.*s' is not valid, or there are too many.", STR_ARG(culprit));
    }
    if (tags_put(c->db, logs_group_arn(c->arena, g), tags, err) < 0) {
        return err->kind == ERR_LIMIT
                   ? err_api(err, &logs_TooManyTagsException,
                             "A resource can have at most %d tags.", TAGS_MAX)
                   : -1;
    }
    return 0;
}

int logs_list_tags_for_resource(struct call *c, const struct logs_list_tags_for_resource_request *in,
                                struct logs_list_tags_for_resource_response *out,
                                struct err *err) {
    struct log_group g;
    return logs_group(c, STR_NONE, in->resource_arn, &g, err) < 0
               ? -1
               : tags_get(c->db, c->arena, logs_group_arn(c->arena, &g), &out->tags, err);
}

int logs_list_tags_log_group(struct call *c, const struct logs_list_tags_log_group_request *in,
                             struct logs_list_tags_log_group_response *out, struct err *err) {
    struct log_group g;
    return logs_group(c, in->log_group_name, STR_NONE, &g, err) < 0
               ? -1
               : tags_get(c->db, c->arena, logs_group_arn(c->arena, &g), &out->tags, err);
}

int logs_tag_resource(struct call *c, const struct logs_tag_resource_request *in,
                      struct logs_tag_resource_output *out, struct err *err) {
    (void)out;
    struct log_group g;
    return logs_group(c, STR_NONE, in->resource_arn, &g, err) < 0 ? -1
                                                                  : put_tags(c, &g, &in->tags, err);
}

int logs_tag_log_group(struct call *c, const struct logs_tag_log_group_request *in,
                       struct logs_tag_log_group_output *out, struct err *err) {
    (void)out;
    struct log_group g;
    return logs_group(c, in->log_group_name, STR_NONE, &g, err) < 0
               ? -1
               : put_tags(c, &g, &in->tags, err);
}

int logs_untag_resource(struct call *c, const struct logs_untag_resource_request *in,
                        struct logs_untag_resource_output *out, struct err *err) {
    (void)out;
    struct log_group g;
    return logs_group(c, STR_NONE, in->resource_arn, &g, err) < 0
               ? -1
               : tags_remove(c->db, logs_group_arn(c->arena, &g), &in->tag_keys, err);
}

int logs_untag_log_group(struct call *c, const struct logs_untag_log_group_request *in,
                         struct logs_untag_log_group_output *out, struct err *err) {
    (void)out;
    struct log_group g;
    return logs_group(c, in->log_group_name, STR_NONE, &g, err) < 0
               ? -1
               : tags_remove(c->db, logs_group_arn(c->arena, &g), &in->tags, err);
}

/* ---- create, delete ---- */

static bool good_name(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && strchr("_./#-", c) == NULL) {
            return false;
        }
    }
    return s.n > 0;
}

int logs_create_log_group(struct call *c, const struct logs_create_log_group_request *in,
                          struct logs_create_log_group_output *out, struct err *err) {
    (void)out;
    struct log_group g = {
        .account = c->account,
        .region = c->region,
        .name = in->log_group_name,
        .class_ = in->log_group_class.p ? in->log_group_class : S("STANDARD"),
        .kms_key = in->kms_key_id,
        .created_ms = c->now_ms,
    };
    if (!good_name(g.name)) {
        return err_api(err, &logs_InvalidParameterException,
                       "1 validation error detected: Value '%.*s' at 'logGroupName' failed to "
                       "satisfy constraint: Member must satisfy regular expression pattern: "
                       "[\\.\\-_/#A-Za-z0-9]+",
                       STR_ARG(g.name));
    }
    struct log_group there;
    int found = log_group_find(c->db, c->arena, c->account, c->region, g.name, &there, err);
    if (found != 0) {
        return found < 0 ? -1
                         : err_api(err, &logs_ResourceAlreadyExistsException,
                                   "The specified log group already exists");
    }
    return log_group_add(c->db, &g, err) < 0 ? -1 : put_tags(c, &g, &in->tags, err);
}

int logs_delete_log_group(struct call *c, const struct logs_delete_log_group_request *in,
                          struct logs_delete_log_group_output *out, struct err *err) {
    (void)out;
    struct log_group g;
    return logs_group(c, in->log_group_name, STR_NONE, &g, err) < 0 ||
                   tags_drop(c->db, logs_group_arn(c->arena, &g), err) < 0 ||
                   log_group_remove(c->db, g.id, err) < 0
               ? -1
               : 0;
}

/* ---- describe ---- */

int logs_describe_log_groups(struct call *c, const struct logs_describe_log_groups_request *in,
                             struct logs_describe_log_groups_response *out, struct err *err) {
    struct str after = STR_NONE;
    struct log_group_list list;
    size_t limit = in->has_limit ? (size_t)in->limit : 50;
    if (in->log_group_name_prefix.p != NULL && in->log_group_name_pattern.p != NULL) {
        return err_api(err, &logs_InvalidParameterException,
                       "LogGroup name prefix and LogGroup name pattern are mutually exclusive "
                       "parameters.");
    }
    if (!page_key(c, in->next_token, &after)) {
        return err_api(err, &logs_InvalidParameterException, "The specified nextToken is invalid.");
    }
    if (log_group_list(c->db, c->arena, c->account, c->region, after, in->log_group_name_prefix,
                       in->log_group_name_pattern, (int)limit + 1, &list, err) < 0) {
        return -1;
    }
    size_t n = list.n > limit ? limit : list.n;
    out->log_groups.v = arena_new_n(c->arena, struct logs_log_group, n + 1);
    out->log_groups.n = n;
    for (size_t i = 0; i < n; i++) {
        const struct log_group *g = &list.v[i];
        struct str arn = logs_group_arn(c->arena, g);
        out->log_groups.v[i] = (struct logs_log_group){
            .log_group_name = g->name,
            .creation_time = g->created_ms,
            .has_creation_time = true,
            .retention_in_days = g->retention_days,
            .has_retention_in_days = g->retention_days > 0,
            .metric_filter_count = (int32_t)g->metric_filters,
            .has_metric_filter_count = true,
            .arn = str_concat(c->arena, arn, S(":*")),
            .log_group_arn = arn,
            .stored_bytes = g->stored_bytes,
            .has_stored_bytes = true,
            .kms_key_id = g->kms_key,
            .log_group_class = g->class_,
        };
    }
    if (list.n > n) {
        out->next_token = page_token(c, list.v[n - 1].name);
    }
    return 0;
}

/* ---- retention ---- */

int logs_put_retention_policy(struct call *c, const struct logs_put_retention_policy_request *in,
                              struct logs_put_retention_policy_output *out, struct err *err) {
    static const int days[] = {1,   3,   5,   7,   14,  30,   60,   90,   120,  150,  180, 365,
                               400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};
    (void)out;
    struct log_group g;
    bool known = false;
    for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
        known = known || days[i] == in->retention_in_days;
    }
    if (!known) {
        return err_api(err, &logs_InvalidParameterException,
                       "1 validation error detected: Value '%d' at 'retentionInDays' failed to "
                       "satisfy constraint: Member must satisfy enum value set: [1, 3, 5, 7, 14, 30, "
                       "60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, "
                       "3288, 3653]",
                       (int)in->retention_in_days);
    }
    return logs_group(c, in->log_group_name, STR_NONE, &g, err) < 0 ||
                   log_group_retention(c->db, g.id, (int)in->retention_in_days, err) < 0
               ? -1
               : queue_add(c->db, LOGS_EXPIRE, S("all"), S("{}"), c->now_ms + EXPIRE_EVERY_MS, err);
}

int logs_delete_retention_policy(struct call *c,
                                 const struct logs_delete_retention_policy_request *in,
                                 struct logs_delete_retention_policy_output *out,
                                 struct err *err) {
    (void)out;
    struct log_group g;
    return logs_group(c, in->log_group_name, STR_NONE, &g, err) < 0
               ? -1
               : log_group_retention(c->db, g.id, 0, err);
}

int logs_expire(struct service_env *env, struct err *err) {
    int64_t gone = 0;
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    if (log_events_expire(env->db, clock_now_ms(env->clock), &gone, err) < 0) {
        db_rollback(env->db);
        return -1;
    }
    return db_commit(env->db, err);
}

static int run_expire(void *ud, struct queue_job *job, struct err *err) {
    struct service_env *env = ud;
    job->again_ms = clock_now_ms(env->clock) + EXPIRE_EVERY_MS;
    return logs_expire(env, err);
}

void logs_queue_kinds(struct service_env *env, struct queue_kind ret[LOGS_KINDS]) {
    ret[0] = (struct queue_kind){.name = LOGS_EXPIRE, .run = run_expire, .ud = env};
}
