/* CloudWatchAlarm: before entry and after success an alarm in one of AlarmStates (default ALARM)
 * keeps the rule from passing; within WaitTime (minutes, default 0) it may still change. On failure
 * it is the other way round: the rule passes when the alarm is in one of them. */
#include "flow/stage/rule.h"

#include "gen/cloudwatch.h"

static struct str account_of(struct str role_arn) {
    struct aws_arn arn;
    return aws_arn_parse(role_arn, &arn) ? arn.account : STR_NONE;
}

int stage_alarm(const struct flow *f, struct arena *a, const struct definition *d,
                const struct def_rule *rule, struct str name, struct str session,
                struct alarm_state *ret, struct err *err) {
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
    struct str names[] = {name};
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

static bool in_states(const struct rule_run *run, struct str state) {
    struct str states = rule_setting(run, "AlarmStates");
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

static int64_t wait_ms(const struct rule_run *run) {
    long long minutes = 0;
    str_to_i64(rule_setting(run, "WaitTime"), &minutes);
    return minutes > 0 && minutes <= 86400 ? minutes * 60 * 1000 : 0;
}

int rule_alarm_look(struct rule_run *run, struct rule_look *ret, struct err *err) {
    struct check_run *check = run->check;
    struct arena *a = check->arena;
    struct alarm_state alarm = {0};
    struct str name = rule_setting(run, "AlarmName");
    struct str session = str_printf(a, "tl-%.*s-gate", STR_ARG(str_sub(check->execution.id, 0, 8)));
    int found = stage_alarm(check->flow, a, &check->def, run->rule, name, session, &alarm, err);
    if (found < 0) {
        return -1;
    }
    bool wanted = str_is(check->row.kind, "ON_FAILURE");
    bool passed = (found > 0 && in_states(run, alarm.state)) == wanted;
    bool may_change = run->waited_ms < wait_ms(run);
    ret->verdict = passed ? RULE_PASSED : may_change ? RULE_WAITS : RULE_FAILED;
    ret->summary =
        found == 0 ? str_printf(a, "There is no alarm %.*s yet", STR_ARG(name))
        : passed && !wanted
            ? str_printf(a, "Alarm %.*s is %.*s", STR_ARG(name), STR_ARG(alarm.state))
            : str_printf(a, "Alarm %.*s of account %.*s is in %.*s: %.*s", STR_ARG(name),
                         STR_ARG(alarm.account), STR_ARG(alarm.state), STR_ARG(alarm.reason));
    return 0;
}
