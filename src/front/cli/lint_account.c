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
static bool is_wanted(const struct lint_missing_list *list, const struct yaml_node *at,
                      struct str name) {
    for (size_t i = 0; i < list->n; i++) {
        if (list->v[i].at == at && str_eq(list->v[i].name, name)) {
            return true;
        }
    }
    return false;
}

static void want_one(struct arena *a, const struct yaml_pair *pair, const struct env *known,
                     struct str environment, bool secret, struct lint_missing_list *ret) {
    struct str written = pair->value->text;
    struct str name = env_expand(a, written, known, true);
    if (!is_wanted(ret, pair->value, name)) {
        *arena_push(a, ret) = (struct lint_missing){
            .at = pair->value,
            .variable = pair->key->text,
            .name = name,
            .environment = str_eq(name, written) ? STR_NONE : environment,
            .secret = secret,
            .unknown = str_find_c(name, '$', 0) != (size_t)-1,
        };
    }
}

static void want(struct arena *a, const struct yaml_node *map,
                 const struct lint_environment *environment, bool secret,
                 struct lint_missing_list *ret) {
    struct env known = {0};
    for (size_t i = 0; environment != NULL && i < environment->variables.n; i++) {
        const struct str_pair *pair = &environment->variables.v[i];
        env_put(a, &known, (struct env_var){.name = pair->key, .value = pair->value});
    }
    for (size_t i = 0; map != NULL && map->kind == YAML_MAPPING && i < map->n; i++) {
        const struct yaml_node *value = map->pair[i].value;
        if (value->kind == YAML_SCALAR && !yaml_is_null(value)) {
            want_one(a, &map->pair[i], &known, environment ? environment->name : STR_NONE, secret,
                     ret);
        }
    }
}

static void want_all(struct arena *a, const struct yaml_node *map,
                     const struct lint_environments *environments, bool secret,
                     struct lint_missing_list *ret) {
    for (size_t i = 0; i < environments->n; i++) {
        want(a, map, &environments->v[i], secret, ret);
    }
    if (environments->n == 0) {
        want(a, map, NULL, secret, ret);
    }
}

/* Names that GetParameters calls invalid; the others are there. */
static int ask(struct arena *a, const struct aws_target *target,
               const struct lint_missing_list *wanted, struct str_list *ret_missing,
               struct err *err) {
    struct str_list names = {0};
    for (size_t i = 0; i < wanted->n; i++) {
        const struct lint_missing *w = &wanted->v[i];
        if (!w->secret && !w->unknown && !str_list_has(&names, w->name)) {
            *arena_push(a, &names) = w->name;
        }
    }
    for (size_t i = 0; i < names.n; i += PER_CALL) {
        size_t n = names.n - i < PER_CALL ? names.n - i : PER_CALL;
        struct ssm_get_parameters_request in = {.names = {names.v + i, n}};
        struct ssm_get_parameters_result out;
        if (ssm_call_get_parameters(target, a, &in, &out, err) < 0) {
            return -1;
        }
        for (size_t k = 0; k < out.invalid_parameters.n; k++) {
            *arena_push(a, ret_missing) = out.invalid_parameters.v[k];
        }
    }
    return 0;
}

/* 1: it is there, or its reference is none, which lint tells without asking anybody;
 * 0: not. */
static int has_secret(struct arena *a, const struct aws_target *target, struct str text,
                      struct err *err) {
    struct secret_reference reference;
    struct secretsmanager_describe_secret_response out;
    struct err why = ERR_INIT;
    if (secret_reference_parse(text, &reference, &why) < 0) {
        return 1;
    }
    struct secretsmanager_describe_secret_request in = {.secret_id = reference.id};
    if (secretsmanager_call_describe_secret(target, a, &in, &out, &why) == 0) {
        return 1;
    }
    if (why.kind == ERR_NOT_FOUND || why.api == &secretsmanager_ResourceNotFoundException) {
        return 0;
    }
    *err = why;
    return -1;
}

int lint_find_missing(struct arena *a, const struct aws_target *target,
                      const struct lint_environments *environments, const struct buildspec *spec,
                      struct lint_missing_list *ret, struct err *err) {
    struct lint_missing_list wanted = {0};
    struct str_list missing = {0};
    const struct yaml_node *env =
        yaml_get(spec->root, spec->version == 1 ? "environment_variables" : "env");
    *ret = (struct lint_missing_list){0};
    want_all(a, yaml_get(env, "parameter-store"), environments, false, &wanted);
    want_all(a, yaml_get(env, "secrets-manager"), environments, true, &wanted);
    if (ask(a, target, &wanted, &missing, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < wanted.n; i++) {
        const struct lint_missing *w = &wanted.v[i];
        int there = w->unknown   ? 0
                    : !w->secret ? !str_list_has(&missing, w->name)
                                 : has_secret(a, target, w->name, err);
        if (there < 0) {
            return -1;
        }
        if (!there) {
            *arena_push(a, ret) = *w;
        }
    }
    return 0;
}

static void tell(struct cli *c, const char *account, const struct lint_missing *m,
                 struct buildspec *spec) {
    if (m->unknown) {
        cli_warn("'" STR_FMT "' is not looked for: it names a variable that is not known here "
                 "(--env NAME sets ENV)",
                 STR_ARG(m->name));
        return;
    }
    lint_add(&c->arena, spec, "parameter-missing", m->at,
             "%s '" STR_FMT "' (" STR_FMT ") does not exist in %s%s" STR_FMT
             "%s: the build would fail in DOWNLOAD_SOURCE",
             m->secret ? "secret" : "parameter", STR_ARG(m->name), STR_ARG(m->variable), account,
             m->environment.p ? " (environment " : "", STR_ARG(m->environment),
             m->environment.p ? ")" : "");
}

int lint_account(struct cli *c, const char *account, const struct lint_environments *environments,
                 struct buildspec *spec, struct err *err) {
    struct aws_target target;
    struct lint_missing_list missing;
    if (spec->parameters.n + spec->secrets.n == 0) {
        return 0;
    }
    if (place_target(c, account, &target, err) < 0 ||
        lint_find_missing(&c->arena, &target, environments, spec, &missing, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < missing.n; i++) {
        tell(c, account, &missing.v[i], spec);
    }
    lint_sort(spec);
    return 0;
}
