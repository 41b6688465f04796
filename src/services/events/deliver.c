/* Implementation of services/events/deliver.h. */
#include "services/events/deliver.h"

#include "gen/cloudwatch.h"
#include "services/core/handover.h"
#include "services/core/value.h"
#include "services/events/archive.h"
#include "services/events/connection.h"
#include "services/events/send.h"
#include "services/events/tick.h"

enum {
    AT_ONCE = 8,
    RETRIES = 185, /* EventBridge's default, and most */
    AGE_S = 24 * 3600,
    LONGEST_PAUSE_MS = 8 * 60 * 1000,
};

static bool is_for(const struct events_target *t, const char *service, const char *resource) {
    struct aws_arn arn;
    return aws_arn_parse(t->arn, &arn) && str_is(arn.service, service) &&
           str_starts(arn.resource, str_c(resource));
}

bool ev_target_wants_event(const struct events_target *t) {
    return is_for(t, "events", "") || is_for(t, "codestar-notifications", "");
}

/* A notification rule's messages are its service's business. */
static int hand_over(struct db *db, struct arena *a, const struct ev_delivery *d, struct err *err) {
    json_t *job cleanup_json = json_object();
    json_set_str(job, "rule", d->target->arn);
    json_set_str(job, "event", d->whole);
    struct str key = str_printf(a, "%.*s/%.*s/%.*s", STR_ARG(d->event->id), STR_ARG(d->target->arn),
                                STR_ARG(d->event->replay));
    return queue_add(db, HANDOVER_NOTIFICATION, key, json_dump_str(a, job), 0, err);
}

int ev_deliver_add(struct db *db, struct arena *a, const struct ev_delivery *d, struct err *err) {
    if (is_for(d->target, "codestar-notifications", "")) {
        return hand_over(db, a, d, err);
    }
    json_t *job cleanup_json = json_object();
    json_set_str(job, "id", d->event->id);
    json_set_str(job, "rule", d->rule->arn);
    json_set_str(job, "account", d->rule->at.account);
    json_set_str(job, "region", d->rule->at.region);
    json_set(job, "target", value_to_json(ev_target_shape(), d->target));
    json_set_str(job, "input", d->input);
    json_set_str(job, "failure", d->failure);
    json_set_str(job, "event", d->whole);
    json_set(job, "forwarded", json_boolean(d->event->forwarded));
    json_set(job, "at", json_integer(d->now_ms));
    struct str key =
        str_printf(a, "%.*s/%.*s/%.*s/%.*s", STR_ARG(d->event->id), STR_ARG(d->rule->arn),
                   STR_ARG(d->target->id), STR_ARG(d->event->replay));
    return queue_add(db, EV_DELIVER, key, json_dump_str(a, job), 0, err);
}

int64_t ev_retry_pause(int retry) {
    int64_t ms = 1000;
    for (int i = 1; i < retry && ms < LONGEST_PAUSE_MS; i++) {
        ms *= 2;
    }
    return ms < LONGEST_PAUSE_MS ? ms : LONGEST_PAUSE_MS;
}

static int load(struct ev_sending *s, const json_t *job, struct err *err) {
    s->job = job;
    s->rule = json_str(job, "rule");
    s->account = json_str(job, "account");
    s->region = json_str(job, "region");
    s->input = json_str(job, "input");
    s->at_ms = json_int(job, "at");
    if (value_from_json(s->arena, ev_target_shape(), json_object_get(job, "target"), 0, &s->target,
                        err) < 0) {
        return -1;
    }
    return aws_arn_parse(s->target.arn, &s->arn)
               ? 0
               : err_set(err, ERR_INTERNAL, "the target has no ARN");
}

/* ---- attempts ---- */

static int attempt(struct ev_sending *s, struct err *err) {
    static const struct {
        const char *service;
        int (*send)(struct ev_sending *s, struct err *err);
    } senders[] = {
        {"sns", ev_send_sns},         {"logs", ev_send_logs},  {"codepipeline", ev_send_pipeline},
        {"codebuild", ev_send_build}, {"events", ev_send_bus},
    };
    for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
        if (str_is(s->arn.service, senders[i].service)) {
            return senders[i].send(s, err);
        }
    }
    return err_set(err, ERR_UNSUPPORTED, "%.*s is no target here", STR_ARG(s->target.arn));
}

static int send_in_tx(struct ev_sending *s, struct queue_job *job, struct err *err) {
    if (db_begin(s->env->db, err) < 0) {
        return -1;
    }
    if (attempt(s, err) < 0 || queue_end(s->env->db, job, err) < 0) {
        db_rollback(s->env->db);
        return -1;
    }
    return db_commit(s->env->db, err);
}

/* May another attempt help? What AWS answers by name of caller, resource or request stays so. */
static bool is_permanent(const struct err *err) {
    return err->kind == ERR_UNSUPPORTED || err->kind == ERR_NOT_FOUND || err->kind == ERR_DENIED ||
           err->kind == ERR_INVALID || err->kind == ERR_LIMIT || err->kind == ERR_INTERNAL ||
           err->api != NULL;
}

static void plan_retry(const struct ev_sending *s, struct queue_job *job, const struct err *err) {
    const struct events_retry_policy *policy = s->target.retry_policy;
    int64_t most = policy != NULL && policy->has_maximum_retry_attempts
                       ? policy->maximum_retry_attempts
                       : RETRIES;
    int64_t age_ms = 1000 * (int64_t)(policy != NULL && policy->has_maximum_event_age_in_seconds
                                          ? policy->maximum_event_age_in_seconds
                                          : AGE_S);
    int64_t now_ms = clock_now_ms(s->env->clock);
    job->again_ms = now_ms + ev_retry_pause(job->attempt);
    job->give_up = is_permanent(err) || job->attempt > most || job->again_ms - s->at_ms > age_ms;
}

int ev_deliver_run(void *ud, struct queue_job *job, struct err *err) {
    struct ev_sending s = {.env = ud, .arena = job->arena};
    json_t *payload cleanup_json = json_parse(job->payload, err);
    if (payload == NULL || load(&s, payload, err) < 0) {
        job->give_up = true;
        return err_wrap(err, "damaged job");
    }
    struct str failure = json_str(payload, "failure");
    if (failure.p != NULL) {
        job->give_up = true;
        return err_set(err, ERR_INVALID, "%.*s", STR_ARG(failure));
    }
    bool http = is_for(&s.target, "events", "api-destination/");
    if (http ? ev_send_http(&s, err) < 0 : send_in_tx(&s, job, err) < 0) {
        plan_retry(&s, job, err);
        return -1;
    }
    return 0;
}

/* What was given up is seen in CloudWatch, as on AWS: FailedInvocations of the rule. */
static void gave_up(void *ud, struct queue_job *job, const struct err *why) {
    (void)why; /* the queue has logged it */
    struct service_env *env = ud;
    struct err err = ERR_INIT;
    json_t *payload cleanup_json = json_parse(job->payload, &err);
    struct str rule = json_str(payload, "rule");
    struct aws_principal service = {.kind = AWS_PRINCIPAL_SERVICE,
                                    .account = json_str(payload, "account"),
                                    .arn = rule,
                                    .user_id = S("events.amazonaws.com"),
                                    .service = S("events.amazonaws.com")};
    const struct aws_target target = {.account = service.account,
                                      .region = json_str(payload, "region"),
                                      .embedded = env->embedded,
                                      .principal = &service};
    struct cloudwatch_dimension name = {S("RuleName"),
                                        str_sub(rule, str_rfind_c(rule, '/') + 1, rule.n)};
    struct cloudwatch_metric_datum datum = {.metric_name = S("FailedInvocations"),
                                            .dimensions = {&name, 1},
                                            .value = 1,
                                            .has_value = true,
                                            .unit = S("Count")};
    const struct cloudwatch_put_metric_data_input in = {.namespace = S("AWS/Events"),
                                                        .metric_data = {&datum, 1}};
    struct cloudwatch_put_metric_data_output out;
    if (env->embedded != NULL &&
        cloudwatch_call_put_metric_data(&target, job->arena, &in, &out, &err) < 0) {
        return; /* a metric that is missing is no reason to try the delivery again */
    }
}

void events_queue_kinds(struct service_env *env, struct queue_kind ret[EVENTS_KINDS]) {
    ret[0] = (struct queue_kind){.name = EV_DELIVER,
                                 .run = ev_deliver_run,
                                 .gave_up = gave_up,
                                 .ud = env,
                                 .parallel = AT_ONCE};
    ret[1] = (struct queue_kind){.name = EV_TICK, .run = ev_tick_run, .ud = env};
    ret[2] = (struct queue_kind){.name = EV_AUTHORIZE, .run = ev_authorize_run, .ud = env};
    ret[3] = (struct queue_kind){.name = EV_REPLAY, .run = ev_replay_run, .ud = env};
    ret[4] = (struct queue_kind){.name = EV_FORGET, .run = ev_forget_run, .ud = env};
}
