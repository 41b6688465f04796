/* The job that tells a rule's targets of an event. Messages, what became of the targets and the end
 * of the job are one transaction: nobody is told twice. */
#include "gen/sns.h"
#include "platform/text/json.h"
#include "services/core/handover.h"
#include "services/notifications/additional.h"
#include "services/notifications/notifications.h"

#include <stdio.h>

enum { AT_ONCE = 4, ATTEMPTS = 10 };

/* The notification form of an event, as the Developer Tools console's guide shows it. */
static struct str message_of(struct arena *a, const struct note_rule *rule, const json_t *event,
                             const struct aws_target *target) {
    static const char *const kept[] = {"account", "region", "source",
                                       "time",    "detail", "resources"};
    json_t *json cleanup_json = json_object();
    json_set_str(json, "detailType", json_str(event, "detail-type"));
    json_set_str(json, "notificationRuleArn", rule->arn);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        json_t *value = json_object_get(event, kept[i]);
        json_set(json, kept[i], json_incref(value));
    }
    json_set(json, "additionalAttributes",
             str_is(rule->detail_type, "FULL") ? additional_attributes(target, a, event)
                                               : json_object());
    return json_dump_str(a, json);
}

/* 0: told, or it cannot be told; -1: the store failed. */
static int tell(struct service_env *env, struct arena *a, const struct note_rule *rule,
                const struct note_target *t, const struct aws_target *self, struct str text,
                struct err *err) {
    struct aws_arn arn;
    struct err why = ERR_INIT;
    struct aws_target topic = *self;
    const struct sns_publish_input in = {.topic_arn = t->address, .message = text};
    struct sns_publish_response out;
    if (aws_arn_parse(t->address, &arn)) {
        topic.account = arn.account;
        topic.region = arn.region;
    }
    bool told = sns_call_publish(&topic, a, &in, &out, &why) == 0;
    if (!told) {
        fprintf(stderr, "trunkline: notification rule '" STR_FMT "' cannot tell " STR_FMT ": %s\n",
                STR_ARG(rule->name), STR_ARG(t->address), why.msg);
    }
    struct str status = told ? S("ACTIVE") : S("UNREACHABLE");
    return str_eq(status, t->status)
               ? 0
               : note_target_set_status(env->db, rule->seq, t->address, status, err);
}

static int tell_all(struct service_env *env, struct queue_job *job, const json_t *payload,
                    const json_t *event, struct err *err) {
    struct note_rule rule;
    struct note_targets targets = {NULL, 0};
    int found = note_rule_find(env->db, job->arena, json_str(payload, "rule"), &rule, err);
    if (found <= 0 || str_is(rule.status, "DISABLED")) {
        return found < 0 ? -1 : 0;
    }
    const struct aws_principal service = note_principal(&rule);
    const struct aws_target self = {.account = rule.account,
                                    .region = rule.region,
                                    .embedded = env->embedded,
                                    .principal = &service};
    if (note_target_list(env->db, job->arena, rule.seq, &targets, err) < 0) {
        return -1;
    }
    struct str text = message_of(job->arena, &rule, event, &self);
    for (size_t i = 0; i < targets.n; i++) {
        if (tell(env, job->arena, &rule, &targets.v[i], &self, text, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int run(void *ud, struct queue_job *job, struct err *err) {
    struct service_env *env = ud;
    json_t *payload cleanup_json = json_parse(job->payload, err);
    json_t *event cleanup_json = payload ? json_parse(json_str(payload, "event"), err) : NULL;
    if (event == NULL) {
        job->give_up = true;
        return err_wrap(err, "damaged job");
    }
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    if (tell_all(env, job, payload, event, err) < 0 || queue_end(env->db, job, err) < 0) {
        db_rollback(env->db);
        return -1;
    }
    return db_commit(env->db, err);
}

void notifications_queue_kinds(struct service_env *env,
                               struct queue_kind ret[NOTIFICATIONS_KINDS]) {
    ret[0] = (struct queue_kind){.name = HANDOVER_NOTIFICATION,
                                 .run = run,
                                 .ud = env,
                                 .max_attempts = ATTEMPTS,
                                 .parallel = AT_ONCE};
}
