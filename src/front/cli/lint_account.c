/* Asks an account for the parameters and secrets of a buildspec, as every environment would name
 * them. */
#include "front/cli/lint_account.h"

#include "flow/definition/release_yml.h"
#include "flow/phase/env.h"
#include "flow/phase/secret_reference.h"
#include "front/cli/place.h"
#include "gen/secretsmanager.h"
#include "gen/ssm.h"
#include "platform/os/file.h"

enum { PER_CALL = 10, MAX_RELEASE_BYTES = 1024 * 1024 };

/* One reference in one environment. */
struct wanted {
    const struct yaml_node *at;
    struct str variable;
    struct str name;        /* expanded */
    struct str environment; /* absent: without any */
};

struct wanted_list {
    struct wanted *v;
    size_t n;
};

static void add_environment(struct cli *c, struct lint_environments *list, struct str name,
                            const struct str_map *variables) {
    struct lint_environment e = {.name = name};
    for (size_t i = 0; variables != NULL && i < variables->n; i++) {
        *arena_push(&c->arena, &e.variables) = variables->v[i];
    }
    if (str_map_get(&e.variables, S("ENV")).p == NULL) {
        *arena_push(&c->arena, &e.variables) = (struct str_pair){S("ENV"), name};
    }
    *arena_push(&c->arena, list) = e;
}

int lint_environments(struct cli *c, struct lint_environments *ret, struct err *err) {
    *ret = (struct lint_environments){0};
    struct str_list given = cli_all(c, "env");
    for (size_t i = 0; i < given.n; i++) {
        add_environment(c, ret, given.v[i], NULL);
    }
    if (given.n > 0 || !file_exists("release.yml")) {
        return 0;
    }
    struct str text;
    struct release_yml release;
    if (file_read(&c->arena, "release.yml", MAX_RELEASE_BYTES, &text, err) < 0 ||
        release_yml_read(&c->arena, "release.yml", ".", text, &release, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < release.environments.n; i++) {
        const struct release_build *build = &release.environments.v[i].build;
        add_environment(c, ret, build->name, &build->variables);
    }
    return 0;
}

/* True when one of these environments has asked already for what any of them would ask for. */
static bool is_wanted(const struct wanted_list *list, const struct yaml_node *at, struct str name) {
    for (size_t i = 0; i < list->n; i++) {
        if (list->v[i].at == at && str_eq(list->v[i].name, name)) {
            return true;
        }
    }
    return false;
}

static void want_one(struct cli *c, const struct yaml_pair *pair, const struct env *known,
                     struct str environment, struct wanted_list *ret) {
    struct str written = pair->value->text;
    struct str name = env_expand(&c->arena, written, known, true);
    struct wanted one = {pair->value, pair->key->text, name,
                         str_eq(name, written) ? STR_NONE : environment};
    if (is_wanted(ret, pair->value, name)) {
        return;
    }
    if (str_find_c(name, '$', 0) != (size_t)-1) {
        cli_warn("'" STR_FMT "' is not looked for: it names a variable that is not known here "
                 "(--env NAME sets ENV)",
                 STR_ARG(name));
        return;
    }
    *arena_push(&c->arena, ret) = one;
}

static void want(struct cli *c, const struct yaml_node *map,
                 const struct lint_environment *environment, struct wanted_list *ret) {
    struct env known = {0};
    for (size_t i = 0; environment != NULL && i < environment->variables.n; i++) {
        const struct str_pair *pair = &environment->variables.v[i];
        env_put(&c->arena, &known, (struct env_var){.name = pair->key, .value = pair->value});
    }
    for (size_t i = 0; map != NULL && map->kind == YAML_MAPPING && i < map->n; i++) {
        const struct yaml_node *value = map->pair[i].value;
        if (value->kind == YAML_SCALAR && !yaml_is_null(value)) {
            want_one(c, &map->pair[i], &known, environment ? environment->name : STR_NONE, ret);
        }
    }
}

static void want_all(struct cli *c, const struct yaml_node *map,
                     const struct lint_environments *environments, struct wanted_list *ret) {
    for (size_t i = 0; i < environments->n; i++) {
        want(c, map, &environments->v[i], ret);
    }
    if (environments->n == 0) {
        want(c, map, NULL, ret);
    }
}

/* Names that GetParameters calls invalid; the others are there. */
static int ask(struct cli *c, const struct aws_target *target, const struct wanted_list *wanted,
               struct str_list *ret_missing, struct err *err) {
    struct str_list names = {0};
    for (size_t i = 0; i < wanted->n; i++) {
        if (!str_list_has(&names, wanted->v[i].name)) {
            *arena_push(&c->arena, &names) = wanted->v[i].name;
        }
    }
    for (size_t i = 0; i < names.n; i += PER_CALL) {
        size_t n = names.n - i < PER_CALL ? names.n - i : PER_CALL;
        struct ssm_get_parameters_request in = {.names = {names.v + i, n}};
        struct ssm_get_parameters_result out;
        if (ssm_call_get_parameters(target, &c->arena, &in, &out, err) < 0) {
            return -1;
        }
        for (size_t k = 0; k < out.invalid_parameters.n; k++) {
            *arena_push(&c->arena, ret_missing) = out.invalid_parameters.v[k];
        }
    }
    return 0;
}

static void tell(struct cli *c, const char *account, const char *what, const struct wanted *w,
                 struct buildspec *spec) {
    lint_add(&c->arena, spec, "parameter-missing", w->at,
             "%s '" STR_FMT "' (" STR_FMT ") does not exist in %s%s" STR_FMT
             "%s: the build would fail in DOWNLOAD_SOURCE",
             what, STR_ARG(w->name), STR_ARG(w->variable), account,
             w->environment.p ? " (environment " : "", STR_ARG(w->environment),
             w->environment.p ? ")" : "");
}

static int look_for_parameters(struct cli *c, const char *account, const struct aws_target *target,
                               const struct wanted_list *wanted, struct buildspec *spec,
                               struct err *err) {
    struct str_list missing = {0};
    if (ask(c, target, wanted, &missing, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < wanted->n; i++) {
        if (str_list_has(&missing, wanted->v[i].name)) {
            tell(c, account, "parameter", &wanted->v[i], spec);
        }
    }
    return 0;
}

static int look_for_secrets(struct cli *c, const char *account, const struct aws_target *target,
                            const struct wanted_list *wanted, struct buildspec *spec,
                            struct err *err) {
    for (size_t i = 0; i < wanted->n; i++) {
        struct secret_reference reference;
        struct secretsmanager_describe_secret_response out;
        struct err why = ERR_INIT;
        if (secret_reference_parse(wanted->v[i].name, &reference, &why) < 0) {
            lint_add(&c->arena, spec, "parameter-missing", wanted->v[i].at, "%s", why.msg);
            continue;
        }
        struct secretsmanager_describe_secret_request in = {.secret_id = reference.id};
        if (secretsmanager_call_describe_secret(target, &c->arena, &in, &out, err) == 0) {
            continue;
        }
        if (err->kind != ERR_NOT_FOUND && err->api != &secretsmanager_ResourceNotFoundException) {
            return -1;
        }
        *err = (struct err)ERR_INIT;
        tell(c, account, "secret", &wanted->v[i], spec);
    }
    return 0;
}

int lint_account(struct cli *c, const char *account, const struct lint_environments *environments,
                 struct buildspec *spec, struct err *err) {
    struct aws_target target;
    struct wanted_list parameters = {0};
    struct wanted_list secrets = {0};
    const struct yaml_node *env =
        yaml_get(spec->root, spec->version == 1 ? "environment_variables" : "env");
    want_all(c, yaml_get(env, "parameter-store"), environments, &parameters);
    want_all(c, yaml_get(env, "secrets-manager"), environments, &secrets);
    if (parameters.n + secrets.n == 0) {
        return 0;
    }
    if (place_target(c, account, &target, err) < 0 ||
        look_for_parameters(c, account, &target, &parameters, spec, err) < 0 ||
        look_for_secrets(c, account, &target, &secrets, spec, err) < 0) {
        return -1;
    }
    lint_sort(spec);
    return 0;
}
