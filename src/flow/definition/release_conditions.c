/* release.yml's gate, windows and what follows a release, as conditions of stages;
 * release_compile.h. */
#include "flow/definition/release_compile.h"

const struct release_account *release_account_of(const struct release_compiler *c,
                                                 struct str name) {
    for (size_t i = 0; i < c->accounts->n; i++) {
        if (str_eq(c->accounts->v[i].name, name)) {
            return &c->accounts->v[i];
        }
    }
    return NULL;
}

static void add_rule(json_t *rules, struct str name, const char *provider, json_t *configuration,
                     struct str role_arn, struct str region) {
    json_t *rule = release_named("name", name);
    json_set(rule, "ruleTypeId", release_type_id("Rule", provider));
    json_set(rule, "configuration", configuration);
    json_set(rule, "inputArtifacts", json_array());
    json_set_str(rule, "roleArn", role_arn);
    json_set_str(rule, "region", region);
    json_array_append_new(rules, rule);
}

/* One rule per alarm of an account, asked for as that account's observer. */
static void add_alarms(const struct release_compiler *c, const struct str_list *alarms,
                       int wait_minutes, struct str account, json_t *rules) {
    const struct release_account *of = release_account_of(c, account);
    struct str role = str_printf(c->a, "arn:aws:iam::" STR_FMT ":role/observer", STR_ARG(of->id));
    for (size_t i = 0; i < alarms->n; i++) {
        json_t *configuration = release_named("AlarmName", alarms->v[i]);
        json_set_str(configuration, "AlarmStates", S("ALARM"));
        json_set_str(configuration, "WaitTime", str_printf(c->a, "%d", wait_minutes));
        add_rule(rules, str_printf(c->a, "alarm-%zu", i + 1), "CloudWatchAlarm", configuration,
                 role, of->region);
    }
}

static json_t *conditions(const char *result, json_t *rules) {
    json_t *condition = release_named("result", str_c(result));
    json_set(condition, "rules", rules);
    json_t *o = json_object();
    json_set(o, "conditions", release_one(condition));
    return o;
}

/* The alarms of the environment before this one: any in ALARM keeps the stage shut. */
static json_t *gate_rules(const struct release_compiler *c, size_t environment) {
    json_t *rules = json_array();
    if (c->r->environments.v[environment].gated) {
        add_alarms(c, &c->r->gate_alarms, c->r->gate_wait_minutes,
                   c->r->environments.v[environment - 1].account, rules);
    }
    return rules;
}

static void set_entry(json_t *stage, const char *result, json_t *rules) {
    if (json_array_size(rules) > 0) {
        json_set(stage, "beforeEntry", conditions(result, rules));
    } else {
        json_decref(rules);
    }
}

void release_gate(const struct release_compiler *c, size_t environment, json_t *stage) {
    set_entry(stage, "FAIL", gate_rules(c, environment));
}

static void add_entry(const struct release_compiler *c, size_t environment, json_t *stage) {
    const struct release_environment *e = &c->r->environments.v[environment];
    json_t *rules = gate_rules(c, environment);
    if (environment == 0 && c->r->preflight) {
        add_rule(rules, S("preflight"), "Preflight", json_object(), STR_NONE, STR_NONE);
    }
    if (e->window.cron.p != NULL) {
        json_t *configuration = release_named("Cron", e->window.cron);
        json_set_str(configuration, "TimeZone", e->window.zone);
        add_rule(rules, S("window"), "DeploymentWindow", configuration, STR_NONE, STR_NONE);
    }
    if (e->only.variable.p != NULL) {
        json_t *configuration = release_named("Variable", e->only.variable);
        json_set_str(configuration, "Operator", e->only.op);
        json_set_str(configuration, "Value", e->only.value);
        add_rule(rules, S("only"), "VariableCheck", configuration, STR_NONE, STR_NONE);
    }
    set_entry(stage, e->only.skip ? "SKIP" : "FAIL", rules);
}

void release_conditions(const struct release_compiler *c, size_t environment, json_t *stage) {
    const struct release_environment *e = &c->r->environments.v[environment];
    add_entry(c, environment, stage);
    if (e->after.alarms.n > 0) {
        json_t *rules = json_array();
        add_alarms(c, &e->after.alarms, e->after.wait_minutes, e->account, rules);
        json_set(stage, "onSuccess", conditions(e->after.fail ? "FAIL" : "ROLLBACK", rules));
    }
    if (e->on_failure != RELEASE_STOPS) {
        bool back = e->on_failure == RELEASE_ROLLS_BACK;
        json_t *o = release_named("result", back ? S("ROLLBACK") : S("RETRY"));
        if (!back) {
            bool all = e->on_failure == RELEASE_RETRIES_ALL;
            json_set(o, "retryConfiguration",
                     release_named("retryMode", all ? S("ALL_ACTIONS") : S("FAILED_ACTIONS")));
        }
        json_set(stage, "onFailure", o);
    }
}

/* ---- what starts it ---- */

static json_t *texts(const struct str_list *l) {
    json_t *list = json_array();
    for (size_t i = 0; i < l->n; i++) {
        json_array_append_new(list, json_from_str(l->v[i]));
    }
    return list;
}

static void set_filter(json_t *filter, const char *key, const struct str_list *includes,
                       const struct str_list *excludes) {
    json_t *o = json_object();
    if (includes->n > 0) {
        json_set(o, "includes", texts(includes));
    }
    if (excludes->n > 0) {
        json_set(o, "excludes", texts(excludes));
    }
    if (json_object_size(o) > 0) {
        json_set(filter, key, o);
    } else {
        json_decref(o);
    }
}

json_t *release_triggers(const struct release_compiler *c) {
    const struct release_yml *r = c->r;
    const struct str_list none = {0}, own = {(struct str *)&r->branch, 1};
    json_t *push = json_object();
    set_filter(push, "branches", r->branches.n > 0 ? &r->branches : &own, &none);
    set_filter(push, "filePaths", &r->paths, &r->ignore);
    json_t *pushes = release_one(push);
    if (r->tags.n > 0) {
        json_t *tagged = json_object();
        set_filter(tagged, "tags", &r->tags, &none);
        json_array_append_new(pushes, tagged);
    }
    json_t *git = release_named("sourceActionName", S("Source"));
    json_set(git, "push", pushes);
    if (r->pulls.n > 0) {
        json_t *pull = json_object();
        json_set(pull, "events", texts(&r->pulls));
        set_filter(pull, "branches", &own, &none);
        set_filter(pull, "filePaths", &r->paths, &r->ignore);
        json_set(git, "pullRequest", release_one(pull));
    }
    json_t *trigger = release_named("providerType", S("CodeStarSourceConnection"));
    json_set(trigger, "gitConfiguration", git);
    return release_one(trigger);
}

json_t *release_variables(const struct release_compiler *c) {
    json_t *list = json_array();
    for (size_t i = 0; i < c->r->variables.n; i++) {
        json_t *o = release_named("name", c->r->variables.v[i].name);
        json_set_str(o, "defaultValue", c->r->variables.v[i].value);
        json_set_str(o, "description", c->r->variables.v[i].description);
        json_array_append_new(list, o);
    }
    return list;
}
