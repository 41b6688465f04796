/* Implementation of check.h. */
#include "flow/stage/check.h"

#include "gen/cloudwatch.h"

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

/* ---- loading, recording ---- */

static const struct def_condition *condition_of(const struct def_stage *stage, struct str kind) {
    return str_is(kind, "ON_SUCCESS")   ? &stage->success
           : str_is(kind, "ON_FAILURE") ? &stage->failure
                                        : &stage->entry;
}

static int load(struct check_run *run, struct str check_id, struct err *err) {
    struct db *db = run->flow->db;
    struct arena *a = run->arena;
    struct str json = STR_NONE;
    int found = record_condition_get(db, a, check_id, &run->row, err);
    if (found <= 0 || !str_is(run->row.status, "InProgress")) {
        return found < 0 ? -1 : 0;
    }
    found = record_pipeline_by_id(db, a, run->row.pipeline, &run->pipeline, err);
    if (found > 0) {
        found = record_execution_get(db, a, run->row.execution, &run->execution, err);
    }
    if (found > 0) {
        found = record_version_get(db, a, run->pipeline.id, run->execution.version, &json, err);
    }
    if (found <= 0) {
        return found;
    }
    if (definition_parse(a, json, &run->def, err) < 0 ||
        record_rule_list(db, a, check_id, &run->rules, err) < 0) {
        return -1;
    }
    run->stage = definition_stage(&run->def, run->row.stage);
    if (run->stage == NULL) {
        return err_set(err, ERR_INTERNAL, "version %d of the pipeline has no stage %.*s",
                       run->execution.version, STR_ARG(run->row.stage));
    }
    run->condition = condition_of(run->stage, run->row.kind);
    return 1;
}

int stage_check_load(const struct flow *f, struct arena *a, struct str check_id,
                     struct check_run *ret, struct err *err) {
    *ret = (struct check_run){.flow = f, .arena = a};
    if (db_begin(f->db, err) < 0) {
        return -1;
    }
    int loaded = load(ret, check_id, err);
    db_rollback(f->db);
    return loaded;
}

int stage_check_record(const struct check_run *run, const struct check_result *result,
                       struct err *err) {
    int64_t now_ms = clock_now_ms(run->flow->clock);
    for (size_t i = 0; i < result->rules.n; i++) {
        struct rule_row row = result->rules.v[i];
        row.id = str_printf(run->arena, "%.*s-%zu", STR_ARG(run->row.id), i);
        row.condition = run->row.id;
        row.pipeline = run->row.pipeline;
        row.execution = run->row.execution;
        row.stage = run->row.stage;
        row.started_ms = now_ms;
        row.updated_ms = now_ms;
        if (record_rule_put(run->flow->db, &row, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- the rule ---- */

struct checking {
    struct check_run *run;
    struct str session;
    struct check_result *result;
};

static void add_rule(struct checking *c, const struct def_rule *rule, const char *status,
                     struct str summary) {
    *arena_push(c->run->arena, &c->result->rules) =
        (struct rule_row){.rule = rule->name, .status = str_c(status), .summary = summary};
}

static int check_rule(struct checking *c, const struct def_rule *rule, struct err *err) {
    struct check_run *run = c->run;
    struct alarm_state alarm;
    int found = stage_alarm(run->flow, run->arena, &run->def, rule, c->session, &alarm, err);
    if (found < 0) {
        return -1;
    }
    struct str name = str_map_get(&rule->configuration, S("AlarmName"));
    if (found == 0 || !keeps_shut(rule, alarm.state)) {
        struct str said =
            found == 0
                ? str_printf(run->arena, "There is no alarm %.*s yet", STR_ARG(name))
                : str_printf(run->arena, "Alarm %.*s is %.*s", STR_ARG(name), STR_ARG(alarm.state));
        add_rule(c, rule, "Succeeded", said);
        return 0;
    }
    struct str why =
        str_printf(run->arena, "Alarm %.*s of account %.*s is in %.*s: %.*s", STR_ARG(name),
                   STR_ARG(alarm.account), STR_ARG(alarm.state), STR_ARG(alarm.reason));
    int64_t waited_ms = clock_now_ms(run->flow->clock) - run->row.started_ms;
    bool may_change = waited_ms < wait_ms(rule);
    add_rule(c, rule, may_change ? "InProgress" : "Failed", why);
    c->result->passed = false;
    c->result->decided = c->result->decided && !may_change;
    if (c->result->summary.p == NULL) {
        c->result->summary = why;
    }
    return 0;
}

int stage_check(struct check_run *run, struct check_result *ret, struct err *err) {
    *ret = (struct check_result){.decided = true, .passed = true};
    struct checking c = {run, STR_NONE, ret};
    c.session = str_printf(run->arena, "tl-%.*s-gate", STR_ARG(str_sub(run->execution.id, 0, 8)));
    for (size_t i = 0; i < run->condition->rules.n; i++) {
        if (check_rule(&c, &run->condition->rules.v[i], err) < 0) {
            return -1;
        }
    }
    if (ret->passed) {
        ret->summary = S("Every rule passed");
    }
    return 0;
}
