/* Implementation of services/events/tick.h. */
#include "services/events/tick.h"

#include "services/events/events.h"
#include "services/events/route.h"

/* What a job was made for: another schedule, or one that began anew, has a job of its own. */
static struct str stamp(struct arena *a, const struct ev_rule *rule) {
    return str_printf(a, "%lld %.*s", (long long)rule->anchor_ms, STR_ARG(rule->schedule));
}

static int add(struct db *db, const struct ev_rule *rule, int64_t at_ms, struct err *err) {
    struct arena a = ARENA_INIT;
    int bad = queue_add(db, EV_TICK, rule->arn, stamp(&a, rule), at_ms, err);
    arena_done(&a);
    return bad;
}

int ev_tick_end(struct db *db, const struct ev_rule *rule, struct err *err) {
    return queue_cancel(db, EV_TICK, rule->arn, err);
}

int ev_tick_set(struct db *db, const struct ev_rule *rule, int64_t now_ms, struct err *err) {
    struct schedule schedule;
    if (ev_tick_end(db, rule, err) < 0) {
        return -1;
    }
    if (rule->schedule.p == NULL || !ev_is_enabled(rule)) {
        return 0;
    }
    if (schedule_parse(rule->schedule, &schedule, err) < 0) {
        return -1;
    }
    int64_t at_ms = schedule_next(&schedule, rule->anchor_ms, now_ms);
    return at_ms < 0 ? 0 : add(db, rule, at_ms, err);
}

static int fire(struct service_env *env, struct arena *a, const struct ev_rule *rule,
                int64_t now_ms, struct err *err) {
    const struct ev_event event = {
        .at = rule->at,
        .id = rng_uuid(env->rng, a),
        .source = S("aws.events"),
        .detail_type = S("Scheduled Event"),
        .account = rule->at.account,
        .detail = S("{}"),
        .resources = {(struct str *)&rule->arn, 1},
        .time_ms = now_ms,
    };
    json_t *json cleanup_json = ev_event_json(a, &event, err);
    return json == NULL ? -1 : ev_route_rule(env->db, a, rule, &event, json, now_ms, err);
}

int ev_tick_run(void *ud, struct queue_job *job, struct err *err) {
    struct service_env *env = ud;
    struct ev_rule rule;
    struct schedule schedule;
    int64_t now_ms = clock_now_ms(env->clock);
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    int found = ev_rule_find_arn(env->db, job->arena, job->key, &rule, err);
    bool wanted = found > 0 && rule.schedule.p != NULL && ev_is_enabled(&rule) &&
                  str_eq(job->payload, stamp(job->arena, &rule));
    int64_t next_ms = -1;
    int bad = found < 0 ? -1 : 0;
    if (bad == 0 && wanted) {
        bad = schedule_parse(rule.schedule, &schedule, err) < 0 ||
                      fire(env, job->arena, &rule, now_ms, err) < 0
                  ? -1
                  : 0;
        next_ms = bad < 0 ? -1 : schedule_next(&schedule, rule.anchor_ms, now_ms);
    }
    if (bad == 0) {
        bad = queue_end(env->db, job, err);
    }
    if (bad == 0 && next_ms >= 0) {
        bad = add(env->db, &rule, next_ms, err);
    }
    if (bad < 0) {
        db_rollback(env->db);
        return -1;
    }
    return db_commit(env->db, err);
}
