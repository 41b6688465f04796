/* One rule of a condition: its members, its type, and what its provider asks for; check.h. */
#include "flow/definition/check.h"
#include "flow/definition/quartz.h"
#include "platform/os/zone.h"

#include "platform/text/regex.h"

#define WHERE "Stage %.*s, %s, rule %.*s"

struct rule_place {
    struct check *c;
    size_t stage;
    const char *kind;
    const struct def_rule *r;
};

static int wrong(const struct rule_place *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static int wrong(const struct rule_place *p, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    struct str what = arena_vprintf(p->c->a, fmt, args);
    va_end(args);
    return check_bad(p->c, DEF_FAULT_STAGE, WHERE ": %.*s",
                     STR_ARG(p->c->d->stages.v[p->stage].name), p->kind, STR_ARG(p->r->name),
                     STR_ARG(what));
}

static struct str value(const struct def_rule *r, const char *key) {
    return str_map_get(&r->configuration, str_c(key));
}

static bool refers(struct str text) {
    return str_find(text, S("#{"), 0) != (size_t)-1;
}

static int check_alarm(const struct rule_place *p) {
    struct str states = value(p->r, "AlarmStates"), one = STR_NONE;
    struct str wait = value(p->r, "WaitTime");
    long long minutes = 0;
    if (wait.n > 0 && !refers(wait) &&
        (!str_to_i64(wait, &minutes) || minutes < 0 || minutes > 86400)) {
        return wrong(p, "WaitTime '%.*s' is not a number of minutes from 0 to 86400",
                     STR_ARG(wait));
    }
    while (!refers(states) && states.n > 0 && str_cut(&states, ',', &one)) {
        one = str_trim(one);
        if (!str_is(one, "ALARM") && !str_is(one, "OK") && !str_is(one, "INSUFFICIENT_DATA")) {
            return wrong(p, "AlarmStates has '%.*s', which is none of ALARM, OK, INSUFFICIENT_DATA",
                         STR_ARG(one));
        }
    }
    return 0;
}

static int check_window(const struct rule_place *p) {
    struct quartz cron;
    struct err why = ERR_INIT;
    struct str text = value(p->r, "Cron"), zone = value(p->r, "TimeZone");
    if (!refers(text) && quartz_parse(text, &cron, &why) < 0) {
        return wrong(p, "Cron '%.*s': %s", STR_ARG(text), why.msg);
    }
    if (zone.n > 0 && !refers(zone) && zone_check(zone, &why) < 0) {
        return wrong(p, "TimeZone: %s", why.msg);
    }
    return 0;
}

static int check_variable(const struct rule_place *p) {
    struct regex *re = NULL;
    struct err why = ERR_INIT;
    struct str pattern = value(p->r, "Value");
    if (str_is(value(p->r, "Operator"), "MATCHES") && !refers(pattern) &&
        regex_compile(p->c->a, pattern, &re, &why) < 0) {
        return wrong(p, "Value '%.*s' is no pattern: %s", STR_ARG(pattern), why.msg);
    }
    return 0;
}

static int check_commands(const struct rule_place *p) {
    const struct def_rule *r = p->r;
    bool takes = str_is(r->provider, "Commands");
    if (!takes && r->commands.n > 0) {
        return wrong(p, "%.*s has no commands, Commands has", STR_ARG(r->provider));
    }
    if (takes && (r->commands.n < 1 || r->commands.n > 50)) {
        return wrong(p, "it has %zu commands, 1 to 50 are possible", r->commands.n);
    }
    for (size_t i = 0; i < r->commands.n; i++) {
        if (!check_length(r->commands.v[i], 1, 1000) ||
            str_find_c(r->commands.v[i], '\n', 0) != (size_t)-1) {
            return wrong(p, "command %zu is not one line of 1 to 1000 characters", i + 1);
        }
    }
    return 0;
}

static int check_inputs(const struct rule_place *p, const struct action_type *t) {
    const struct def_rule *r = p->r;
    int run_order = strcmp(p->kind, "beforeEntry") == 0 ? 0 : 1000;
    if (r->inputs.n < t->min_in || r->inputs.n > t->max_in) {
        return wrong(p, "%.*s takes %zu to %zu input artifacts, it has %zu", STR_ARG(r->provider),
                     t->min_in, t->max_in, r->inputs.n);
    }
    for (size_t i = 0; i < r->inputs.n; i++) {
        if (!check_made_before(p->c->d, p->stage, run_order, r->inputs.v[i])) {
            return wrong(p, "the input artifact %.*s is not made before", STR_ARG(r->inputs.v[i]));
        }
    }
    struct str primary = value(r, "PrimarySource");
    if (r->inputs.n > 1 && str_is(r->provider, "CodeBuild") && !str_list_has(&r->inputs, primary)) {
        return wrong(p, "PrimarySource is not one of its input artifacts");
    }
    return 0;
}

static int check_keys(const struct rule_place *p, const struct action_type *t) {
    const struct str_map *m = &p->r->configuration;
    for (size_t i = 0; i < t->properties.n; i++) {
        if (t->properties.v[i].required && str_map_get(m, t->properties.v[i].name).n == 0) {
            return wrong(p, "the required configuration '%.*s' is missing",
                         STR_ARG(t->properties.v[i].name));
        }
    }
    if (m->n > 200) {
        return wrong(p, "it has %zu configuration keys, 200 are possible", m->n);
    }
    for (size_t i = 0; i < m->n; i++) {
        const struct action_property *known = action_property_find(t, m->v[i].key);
        if (!check_length(m->v[i].key, 1, 50) || !check_length(m->v[i].value, 1, 10000)) {
            return wrong(p, "key '%.*s' is not 1 to 50 characters, or its value not 1 to 10000",
                         STR_ARG(m->v[i].key));
        }
        if (known == NULL && !t->open) {
            return wrong(p, "the configuration '%.*s' is unknown", STR_ARG(m->v[i].key));
        }
        if (known != NULL && known->values.n > 0 && !refers(m->v[i].value) &&
            !str_list_has(&known->values, m->v[i].value)) {
            return wrong(p, "%.*s cannot be '%.*s'", STR_ARG(m->v[i].key), STR_ARG(m->v[i].value));
        }
    }
    return 0;
}

static int check_members(const struct rule_place *p) {
    const struct def_rule *r = p->r;
    if (!check_name(r->name, 100, ".@")) {
        return wrong(p, "its name is not 1 to 100 of [A-Za-z0-9.@_-]");
    }
    if (r->role_arn.p != NULL && !check_role(r->role_arn)) {
        return wrong(p, "roleArn '%.*s' is no role's ARN", STR_ARG(r->role_arn));
    }
    if (r->region.p != NULL && (r->region.n < 4 || r->region.n > 30)) {
        return wrong(p, "'%.*s' is no region", STR_ARG(r->region));
    }
    if (r->timeout_minutes != 0 && (r->timeout_minutes < 5 || r->timeout_minutes > 86400)) {
        return wrong(p, "timeoutInMinutes %d is not between 5 and 86400", r->timeout_minutes);
    }
    return 0;
}

int check_rule(struct check *c, size_t stage, const char *kind, const struct def_rule *r) {
    struct rule_place p = {c, stage, kind, r};
    struct str version = r->version.p != NULL ? r->version : S("1");
    struct str owner = r->owner.p != NULL ? r->owner : S("AWS");
    const struct action_type *t =
        action_type_find(&c->rules, r->category, owner, r->provider, version);
    if (t == NULL) {
        return wrong(&p, "there is no rule type %.*s/%.*s/%.*s/%.*s", STR_ARG(r->category),
                     STR_ARG(owner), STR_ARG(r->provider), STR_ARG(version));
    }
    if (check_members(&p) < 0 || check_keys(&p, t) < 0 || check_inputs(&p, t) < 0 ||
        check_commands(&p) < 0) {
        return -1;
    }
    return str_is(r->provider, "CloudWatchAlarm")    ? check_alarm(&p)
           : str_is(r->provider, "DeploymentWindow") ? check_window(&p)
           : str_is(r->provider, "VariableCheck")    ? check_variable(&p)
                                                     : 0;
}
