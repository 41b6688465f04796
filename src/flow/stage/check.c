/* Implementation of check.h. */
#include "flow/stage/check.h"

#include "gen/cloudwatch.h"
#include "platform/text/json.h"

static struct str account_of(struct str role_arn) {
    struct aws_arn arn;
    return aws_arn_parse(role_arn, &arn) ? arn.account : STR_NONE;
}

int stage_alarm(const struct flow *f, struct arena *a, const struct definition *d,
                const struct def_rule *rule, struct str session, struct alarm_state *ret,
                struct err *err) {
    struct aws_target target;
    if (aws_assume(f->world, a, S("codepipeline.amazonaws.com"), d->role_arn, session, &target,
                   err) < 0 ||
        (rule->role_arn.p != NULL &&
         aws_assume_from(f->world, a, &target, rule->role_arn, session, &target, err) < 0)) {
        return -1;
    }
    if (rule->region.p != NULL) {
        target.region = rule->region;
    }
    struct str names[] = {str_map_get(&rule->configuration, S("AlarmName"))};
    struct cloudwatch_describe_alarms_input in = {.alarm_names = {names, 1}};
    struct cloudwatch_describe_alarms_output out;
    if (cloudwatch_call_describe_alarms(&target, a, &in, &out, err) < 0) {
        return -1;
    }
    if (out.metric_alarms.n == 0) {
        return 0;
    }
    *ret = (struct alarm_state){
        .name = names[0],
        .account = account_of(rule->role_arn.p ? rule->role_arn : d->role_arn),
        .state = out.metric_alarms.v[0].state_value,
        .reason = out.metric_alarms.v[0].state_reason,
        .changed_ms = out.metric_alarms.v[0].state_updated_timestamp,
    };
    return 1;
}

static bool keeps_shut(const struct def_rule *rule, struct str state) {
    struct str states = str_map_get(&rule->configuration, S("AlarmStates"));
    struct str one = STR_NONE;
    if (states.n == 0) {
        return str_is(state, "ALARM");
    }
    while (str_cut(&states, ',', &one)) {
        if (str_eq(str_trim(one), state)) {
            return true;
        }
    }
    return false;
}

static int64_t wait_ms(const struct def_rule *rule) {
    long long minutes = 0;
    str_to_i64(str_map_get(&rule->configuration, S("WaitTime")), &minutes);
    return minutes > 0 && minutes <= 1440 ? minutes * 60 * 1000 : 0;
}

static void add_rule(json_t *rules, const struct def_rule *rule, const char *status,
                     struct str summary) {
    json_t *o = json_object();
    json_set_str(o, "name", rule->name);
    json_set_str(o, "status", str_c(status));
    json_set_str(o, "summary", summary);
    json_array_append_new(rules, o);
}

struct checking {
    const struct flow *f;
    struct arena *arena;
    const struct definition *d;
    struct str session;
    int64_t since_ms;
    json_t *rules;
    struct check_result *result;
};

static int check_rule(struct checking *c, const struct def_rule *rule, struct err *err) {
    struct alarm_state alarm;
    int found = stage_alarm(c->f, c->arena, c->d, rule, c->session, &alarm, err);
    if (found < 0) {
        return -1;
    }
    struct str name = str_map_get(&rule->configuration, S("AlarmName"));
    if (found == 0 || !keeps_shut(rule, alarm.state)) {
        struct str said =
            found == 0
                ? str_printf(c->arena, "There is no alarm %.*s yet", STR_ARG(name))
                : str_printf(c->arena, "Alarm %.*s is %.*s", STR_ARG(name), STR_ARG(alarm.state));
        add_rule(c->rules, rule, "Succeeded", said);
        return 0;
    }
    struct str why =
        str_printf(c->arena, "Alarm %.*s of account %.*s is in %.*s: %.*s", STR_ARG(name),
                   STR_ARG(alarm.account), STR_ARG(alarm.state), STR_ARG(alarm.reason));
    bool may_change = clock_now_ms(c->f->clock) - c->since_ms < wait_ms(rule);
    add_rule(c->rules, rule, may_change ? "InProgress" : "Failed", why);
    c->result->passed = false;
    c->result->decided = c->result->decided && !may_change;
    if (c->result->summary.p == NULL) {
        c->result->summary = why;
    }
    return 0;
}

int stage_check(const struct flow *f, struct arena *a, const struct definition *d,
                const struct def_stage *stage, struct str execution, int64_t since_ms,
                struct check_result *ret, struct err *err) {
    json_t *rules cleanup_json = json_array();
    *ret = (struct check_result){.decided = true, .passed = true};
    struct checking c = {f, a, d, STR_NONE, since_ms, rules, ret};
    c.session = str_printf(a, "tl-%.*s-gate", STR_ARG(str_sub(execution, 0, 8)));
    for (size_t i = 0; i < stage->entry.rules.n; i++) {
        if (check_rule(&c, &stage->entry.rules.v[i], err) < 0) {
            return -1;
        }
    }
    if (ret->passed) {
        ret->summary = S("Every rule passed");
    }
    ret->rules = json_dump_str(a, rules);
    return 0;
}
