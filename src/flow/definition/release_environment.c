/* release.yml: builds and environments, and what holds a release before and after each;
 * release_read.h. */
#include "flow/definition/release_read.h"

#include "flow/definition/quartz.h"
#include "platform/os/zone.h"

static int read_variables(const struct release_reader *r, const struct yaml_node *map,
                          struct str_map *ret) {
    const struct yaml_node *variables = yaml_get(map, "variables");
    if (variables == NULL) {
        return 0;
    }
    if (release_want(r, variables, YAML_MAPPING, "variables") < 0) {
        return -1;
    }
    for (size_t i = 0; i < variables->n; i++) {
        if (release_want(r, variables->pair[i].value, YAML_SCALAR, "a variable") < 0) {
            return -1;
        }
        *arena_push(r->a, ret) =
            (struct str_pair){variables->pair[i].key->text, variables->pair[i].value->text};
    }
    return 0;
}

static int read_build(const struct release_reader *r, const struct yaml_node *map,
                      struct release_build *ret) {
    return release_text(r, map, "buildspec", &ret->buildspec) < 0 ||
                   release_text(r, map, "role", &ret->role) < 0 ||
                   release_text(r, map, "image", &ret->image) < 0 ||
                   release_number(r, map, "timeout", 5, 2160, &ret->timeout_minutes) < 0
               ? -1
               : read_variables(r, map, &ret->variables);
}

int release_read_test(const struct release_reader *r, const struct yaml_node *root,
                      const struct release_build *usual) {
    const struct yaml_node *map = yaml_get(root, "test");
    if (map == NULL) {
        return 0;
    }
    r->r->has_test = true;
    r->r->test = *usual;
    r->r->test.name = S("test");
    r->r->test.buildspec = S("buildspec.test.yml");
    if (yaml_is_null(map)) {
        return 0;
    }
    return release_want(r, map, YAML_MAPPING, "test") < 0 ||
                   release_only_keys(r, map, " buildspec role image timeout variables ") < 0
               ? -1
               : read_build(r, map, &r->r->test);
}

/* ---- what holds a release ---- */

/* "0 * 9-17 ? * MON-FRI", or {cron: ..., zone: Europe/London} */
static int read_window(const struct release_reader *r, const struct yaml_node *env,
                       struct release_window *ret) {
    const struct yaml_node *map = yaml_get(env, "window");
    struct quartz cron;
    struct err why = ERR_INIT;
    if (map == NULL) {
        return 0;
    }
    if (map->kind == YAML_SCALAR) {
        ret->cron = map->text;
    } else if (release_want(r, map, YAML_MAPPING, "window") < 0 ||
               release_only_keys(r, map, " cron zone ") < 0 ||
               release_text(r, map, "cron", &ret->cron) < 0 ||
               release_text(r, map, "zone", &ret->zone) < 0) {
        return -1;
    }
    if (ret->cron.p == NULL || quartz_parse(ret->cron, &cron, &why) < 0) {
        return release_fail(r, map, "window needs a cron expression: %s",
                            why.msg[0] ? why.msg : "seconds minutes hours day month weekday");
    }
    return ret->zone.p == NULL || zone_check(ret->zone, &why) == 0
               ? 0
               : release_fail(r, yaml_get(map, "zone"), "%s", why.msg);
}

/* only: {variable: "#{variables.level}", is: full, else: skip} */
static int read_only(const struct release_reader *r, const struct yaml_node *env,
                     struct release_only *ret) {
    static const char *const tests[][2] = {
        {"is", "EQ"}, {"is-not", "NE"}, {"contains", "CONTAINS"}, {"matches", "MATCHES"}};
    const struct yaml_node *map = yaml_get(env, "only");
    struct str otherwise = S("skip");
    size_t given = 0;
    if (map == NULL) {
        return 0;
    }
    if (release_want(r, map, YAML_MAPPING, "only") < 0 ||
        release_only_keys(r, map, " variable is is-not contains matches else ") < 0 ||
        release_text(r, map, "variable", &ret->variable) < 0 ||
        release_text(r, map, "else", &otherwise) < 0) {
        return -1;
    }
    for (size_t i = 0; i < 4; i++) {
        if (yaml_get(map, tests[i][0]) != NULL) {
            ret->op = str_c(tests[i][1]);
            given++;
            if (release_text(r, map, tests[i][0], &ret->value) < 0) {
                return -1;
            }
        }
    }
    if (ret->variable.p == NULL || given != 1) {
        return release_fail(r, map,
                            "only needs variable: \"#{...}\" and one of is, is-not, "
                            "contains, matches");
    }
    ret->skip = str_is(otherwise, "skip");
    return ret->skip || str_is(otherwise, "fail")
               ? 0
               : release_fail(r, yaml_get(map, "else"), "else is 'skip' or 'fail'");
}

/* after: {alarms: [errors], wait: 10, then: rollback} */
static int read_after(const struct release_reader *r, const struct yaml_node *env,
                      struct release_after *ret) {
    const struct yaml_node *map = yaml_get(env, "after");
    struct str then = S("rollback");
    if (map == NULL) {
        return 0;
    }
    if (release_want(r, map, YAML_MAPPING, "after") < 0 ||
        release_only_keys(r, map, " alarms wait then ") < 0 ||
        release_texts(r, map, "alarms", RELEASE_MAX_RULES, &ret->alarms) < 0 ||
        release_number(r, map, "wait", 0, 1440, &ret->wait_minutes) < 0 ||
        release_text(r, map, "then", &then) < 0) {
        return -1;
    }
    if (ret->alarms.n == 0) {
        return release_fail(r, map, "after needs alarms: names of CloudWatch alarms");
    }
    ret->fail = str_is(then, "fail");
    return ret->fail || str_is(then, "rollback")
               ? 0
               : release_fail(r, yaml_get(map, "then"), "then is 'rollback' or 'fail'");
}

static int read_on_failure(const struct release_reader *r, const struct yaml_node *env,
                           enum release_on_failure *ret) {
    static const char *const words[] = {[RELEASE_STOPS] = "stop",
                                        [RELEASE_RETRIES] = "retry",
                                        [RELEASE_RETRIES_ALL] = "retry-all",
                                        [RELEASE_ROLLS_BACK] = "rollback"};
    struct str word = S("stop");
    if (release_text(r, env, "on-failure", &word) < 0) {
        return -1;
    }
    for (size_t i = 0; i < 4; i++) {
        if (str_is(word, words[i])) {
            *ret = (enum release_on_failure)i;
            return 0;
        }
    }
    return release_fail(r, yaml_get(env, "on-failure"),
                        "on-failure is 'stop', 'retry' (what failed), 'retry-all' or 'rollback'");
}

/* approval: required, or {message: "Look at the graphs", timeout: 60} */
static int read_approval(const struct release_reader *r, const struct yaml_node *env,
                         struct release_environment *ret) {
    const struct yaml_node *node = yaml_get(env, "approval");
    if (node == NULL) {
        return 0;
    }
    if (node->kind == YAML_MAPPING) {
        ret->approval = true;
        return release_only_keys(r, node, " message timeout ") < 0 ||
                       release_text(r, node, "message", &ret->message) < 0
                   ? -1
                   : release_number(r, node, "timeout", 5, 86400, &ret->approval_minutes);
    }
    ret->approval = node->kind == YAML_SCALAR && str_is(node->text, "required");
    return ret->approval || (node->kind == YAML_SCALAR && str_is(node->text, "none"))
               ? 0
               : release_fail(r, node,
                              "approval is 'required' or 'none', or has a message and a "
                              "timeout");
}

static int read_plan(const struct release_reader *r, const struct yaml_node *env,
                     struct release_environment *ret) {
    struct str word = S("false");
    if (release_text(r, env, "plan", &word) < 0) {
        return -1;
    }
    ret->plan = str_is(word, "true");
    return ret->plan || str_is(word, "false")
               ? 0
               : release_fail(r, yaml_get(env, "plan"), "plan is true or false");
}

static int read_conditions(const struct release_reader *r, const struct yaml_node *env,
                           struct release_environment *ret) {
    return read_approval(r, env, ret) < 0 || read_plan(r, env, ret) < 0 ||
                   read_window(r, env, &ret->window) < 0 || read_only(r, env, &ret->only) < 0 ||
                   read_after(r, env, &ret->after) < 0
               ? -1
               : read_on_failure(r, env, &ret->on_failure);
}

/* Releases side by side have nothing to go back to. */
static int check_rollback(const struct release_reader *r, const struct yaml_node *env,
                          const struct release_environment *e) {
    bool back = e->on_failure == RELEASE_ROLLS_BACK || (e->after.alarms.n > 0 && !e->after.fail);
    const struct yaml_node *at =
        yaml_get(env, e->on_failure == RELEASE_ROLLS_BACK ? "on-failure" : "after");
    return back && str_is(r->r->mode, "PARALLEL")
               ? release_fail(r, at, "nothing can be rolled back in mode parallel")
               : 0;
}

static int read_environment(const struct release_reader *r, const struct yaml_pair *pair,
                            const struct release_build *usual, struct release_environment *ret) {
    const struct yaml_node *map = pair->value;
    struct str name = pair->key->text;
    if (!release_good_name(name, 24) || str_is(name, "test")) {
        return release_fail(
            r, pair->key,
            "an environment's name has 1 to 24 lower-case letters, digits and '-', and is "
            "not 'test'");
    }
    *ret = (struct release_environment){
        .build = *usual, .account = name, .stage = release_stage_name(r->a, name)};
    ret->build.name = name;
    const struct yaml_node *account = yaml_is_null(map) ? NULL : yaml_get(map, "account");
    const struct yaml_node *at = account != NULL ? account : pair->key;
    ret->place = str_printf(r->a, "%s:%u:%u", r->file, at->line, at->column);
    if (yaml_is_null(map)) {
        return 0;
    }
    if (release_want(r, map, YAML_MAPPING, "an environment") < 0 ||
        release_only_keys(r, map,
                          " account approval role buildspec image timeout variables plan window "
                          "only after on-failure ") < 0 ||
        release_text(r, map, "account", &ret->account) < 0 || read_conditions(r, map, ret) < 0 ||
        read_build(r, map, &ret->build) < 0) {
        return -1;
    }
    return check_rollback(r, map, ret);
}

int release_read_environments(const struct release_reader *r, const struct yaml_node *root,
                              const struct release_build *usual) {
    const struct yaml_node *map = yaml_get(root, "environments");
    if (map == NULL) {
        return release_fail(r, root, "the file needs environments:");
    }
    if (release_want(r, map, YAML_MAPPING, "environments") < 0) {
        return -1;
    }
    if (map->n == 0 || map->n > RELEASE_MAX_ENVIRONMENTS) {
        return release_fail(r, map, "a release has 1 to %d environments", RELEASE_MAX_ENVIRONMENTS);
    }
    size_t plans = 0;
    for (size_t i = 0; i < map->n; i++) {
        struct release_environment *e = arena_push(r->a, &r->r->environments);
        if (read_environment(r, &map->pair[i], usual, e) < 0) {
            return -1;
        }
        plans += e->plan;
        if (plans > 1) {
            return release_fail(r, map->pair[i].key,
                                "one environment has a plan: its builds find it in "
                                "$CODEBUILD_SRC_DIR_plan");
        }
    }
    return 0;
}
