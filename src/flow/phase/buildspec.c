/* Reads a buildspec's top level, env and phases. */
#include "flow/phase/buildspec.h"

#include "flow/phase/buildspec_internal.h"

static const char *const phase_names[] = {"INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD"};
static const char *const phase_keys[] = {"install", "pre_build", "build", "post_build"};

const char *buildspec_phase_name(enum buildspec_phase_kind kind) {
    return phase_names[kind];
}

const char *buildspec_phase_key(enum buildspec_phase_kind kind) {
    return phase_keys[kind];
}

bool buildspec_variable_name(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        if (!letter && !(i > 0 && c >= '0' && c <= '9')) {
            return false;
        }
    }
    return name.n > 0;
}

/* What follows "RETRY-": count, regex, or both. */
static bool parse_retry(struct arena *a, struct str rest, struct on_failure *ret) {
    size_t digits = 0;
    while (digits < rest.n && rest.p[digits] >= '0' && rest.p[digits] <= '9') {
        digits++;
    }
    if (digits > 0 && (digits == rest.n || rest.p[digits] == '-')) {
        unsigned long long count = 0;
        if (!str_to_u64(str_sub(rest, 0, digits), &count) || count > 100) {
            return false;
        }
        ret->count = (unsigned)count;
        if (digits == rest.n) {
            return true;
        }
        rest = str_sub(rest, digits + 1, rest.n);
    }
    ret->regex = str_dup(a, rest);
    return rest.n > 0;
}

bool on_failure_parse(struct arena *a, struct str text, struct on_failure *ret) {
    struct on_failure f = {ON_FAILURE_RETRY, 3, S(".*")};
    bool good = true;
    if (str_is(text, "ABORT") || str_is(text, "CONTINUE")) {
        f.kind = text.p[0] == 'A' ? ON_FAILURE_ABORT : ON_FAILURE_CONTINUE;
    } else if (!str_is(text, "RETRY")) {
        good = str_starts(text, S("RETRY-")) && parse_retry(a, str_sub(text, 6, text.n), &f);
    }
    *ret = good ? f : (struct on_failure){0};
    return good;
}

static void read_version(struct spec_reader *r, const struct yaml_node *root) {
    const struct yaml_node *node = yaml_get(root, "version");
    double number = 0;
    if (yaml_is_null(node)) {
        spec_error(r, "version", root, "version is missing: write 'version: 0.2'");
    } else if (node->kind == YAML_SCALAR) {
        bool known = str_to_double(str_trim(node->text), &number);
        r->spec->version = known && number == 0.1 ? 1 : known && number == 0.2 ? 2 : 0;
        if (r->spec->version == 0) {
            spec_error(r, "version", node, "version '" STR_FMT "' is not known: it is 0.1 or 0.2",
                       STR_ARG(node->text));
        }
    }
}

static void read_shell(struct spec_reader *r, const struct yaml_node *node) {
    struct str shell = spec_text(r, node, "env.shell");
    if (shell.p == NULL) {
        return;
    }
    size_t slash = str_rfind_c(shell, '/');
    struct str base = slash == (size_t)-1 ? shell : str_sub(shell, slash + 1, shell.n);
    if (str_is(base, "bash") || str_is(base, "sh")) {
        r->spec->shell = base;
    } else if (str_starts(base, S("powershell")) || str_starts(base, S("cmd")) ||
               str_starts(base, S("pwsh"))) {
        spec_error(r, "shell", node,
                   "shell '" STR_FMT "' needs Windows; builds here run on Linux "
                   "only: use bash or sh",
                   STR_ARG(shell));
    } else {
        spec_error(r, "shell", node, "shell '" STR_FMT "' is not known: it is bash or sh",
                   STR_ARG(shell));
    }
}

void spec_check_names(struct spec_reader *r, const struct yaml_node *map, const char *what) {
    for (size_t i = 0; map != NULL && map->kind == YAML_MAPPING && i < map->n; i++) {
        struct str name = map->pair[i].key->text;
        if (!buildspec_variable_name(name)) {
            spec_error(r, "variable-name", map->pair[i].key,
                       "'" STR_FMT "' in %s is no variable name: letters, digits and '_', not "
                       "beginning with a digit",
                       STR_ARG(name), what);
        } else if (str_starts(name, S("CODEBUILD_"))) {
            spec_warn(r, "reserved-name", map->pair[i].key,
                      "names that begin with CODEBUILD_ are CodeBuild's own: rename '" STR_FMT "'",
                      STR_ARG(name));
        }
    }
}

/* What is quietly taken literally on AWS, and hardly ever meant so. */
static void check_literals(struct spec_reader *r, const struct yaml_node *map) {
    for (size_t i = 0; map != NULL && map->kind == YAML_MAPPING && i < map->n; i++) {
        const struct yaml_node *value = map->pair[i].value;
        size_t at = value->kind == YAML_SCALAR ? str_find_c(value->text, '$', 0) : (size_t)-1;
        if (at != (size_t)-1 && at + 1 < value->text.n &&
            buildspec_variable_name(str_sub(value->text, at + 1, 1))) {
            spec_warn(r, "literal-variable", value,
                      "$NAME is not expanded in env.variables: '" STR_FMT "' stays as it is; "
                      "write ${NAME}",
                      STR_ARG(value->text));
        }
    }
}

/* CodeBuild exports no variable of this name, whoever set it. */
static void check_exported(struct spec_reader *r, const struct yaml_node *node) {
    size_t n = yaml_is_null(node) || node->kind == YAML_MAPPING ? 0
               : node->kind == YAML_SEQUENCE                    ? node->n
                                                                : 1;
    for (size_t i = 0; i < n; i++) {
        const struct yaml_node *item = node->kind == YAML_SEQUENCE ? node->item[i] : node;
        if (item->kind == YAML_SCALAR && str_starts(item->text, S("AWS_"))) {
            spec_warn(r, "reserved-name", item,
                      "'" STR_FMT "' is never exported: names that begin with AWS_ are AWS's own",
                      STR_ARG(item->text));
        }
    }
}

static void read_env(struct spec_reader *r, const struct yaml_node *env) {
    if (!spec_mapping(r, PLACE_ENV, env, "env")) {
        return;
    }
    struct buildspec *spec = r->spec;
    const struct yaml_node *variables = yaml_get(env, "variables");
    const struct yaml_node *parameters = yaml_get(env, "parameter-store");
    const struct yaml_node *secrets = yaml_get(env, "secrets-manager");
    read_shell(r, yaml_get(env, "shell"));
    spec_check_names(r, variables, "env.variables");
    spec_check_names(r, parameters, "env.parameter-store");
    spec_check_names(r, secrets, "env.secrets-manager");
    check_literals(r, variables);
    spec->variables = spec_map(r, variables, "env.variables");
    spec->parameters = spec_map(r, parameters, "env.parameter-store");
    spec->secrets = spec_map(r, secrets, "env.secrets-manager");
    check_exported(r, yaml_get(env, "exported-variables"));
    spec->exported = spec_texts(r, yaml_get(env, "exported-variables"), "env.exported-variables");
    spec->git_credential_helper =
        spec_bool(r, yaml_get(env, "git-credential-helper"), "env.git-credential-helper");
}

static void read_env_1(struct spec_reader *r, const struct yaml_node *env) {
    if (!spec_mapping(r, PLACE_ENV_1, env, "environment_variables")) {
        return;
    }
    const struct yaml_node *plain = yaml_get(env, "plaintext");
    spec_check_names(r, plain, "environment_variables.plaintext");
    struct str_map more = spec_map(r, plain, "environment_variables.plaintext");
    for (size_t i = 0; i < more.n; i++) {
        *arena_push(r->arena, &r->spec->variables) = more.v[i];
    }
    if (r->spec->parameters.n == 0) {
        r->spec->parameters =
            spec_map(r, yaml_get(env, "parameter-store"), "environment_variables.parameter-store");
    }
}

/* A command that YAML reads as a mapping has an unquoted ": " in it. */
static void command_is_a_map(struct spec_reader *r, const struct yaml_node *item,
                             const char *what) {
    struct str key = item->n > 0 ? item->pair[0].key->text : S("");
    spec_error(r, "map-command", item,
               "YAML reads this item of %s as a mapping because of the ': ' after '" STR_FMT "'; "
               "put the whole command in single quotes",
               what, STR_ARG(key));
}

static struct str_list read_commands(struct spec_reader *r, const struct yaml_node *node,
                                     const char *what) {
    struct str_list list = {arena_alloc(r->arena, 0), 0};
    if (yaml_is_null(node) || node->kind == YAML_MAPPING) {
        return list;
    }
    list.v = NULL;
    size_t n = node->kind == YAML_SEQUENCE ? node->n : 1;
    for (size_t i = 0; i < n; i++) {
        const struct yaml_node *item = node->kind == YAML_SEQUENCE ? node->item[i] : node;
        if (item->kind == YAML_MAPPING) {
            command_is_a_map(r, item, what);
        } else if (item->kind == YAML_SEQUENCE) {
            spec_error(r, "type", item, "item %zu of %s must be a command, not a list", i + 1,
                       what);
        } else if (yaml_is_null(item)) {
            spec_warn(r, "empty-command", item, "item %zu of %s is empty and is left out", i + 1,
                      what);
        } else {
            struct str text = spec_text(r, item, what);
            if (text.p != NULL) {
                *arena_push(r->arena, &list) = text;
            }
        }
    }
    return list;
}

static void read_phase(struct spec_reader *r, enum buildspec_phase_kind kind,
                       const struct yaml_node *node) {
    struct buildspec_phase *phase = &r->spec->phase[kind];
    phase->present = true;
    r->spec->order[r->spec->phases++] = kind;
    struct str what = str_printf(r->arena, "phases.%s", phase_keys[kind]);
    enum buildspec_place place = kind == BUILDSPEC_INSTALL ? PLACE_INSTALL : PLACE_PHASE;
    if (!spec_mapping(r, place, node, what.p)) {
        return;
    }
    const char *commands = str_printf(r->arena, "%s.commands", what.p).p;
    const char *finally = str_printf(r->arena, "%s.finally", what.p).p;
    phase->run_as = spec_text(r, yaml_get(node, "run-as"), "run-as");
    phase->commands = read_commands(r, yaml_get(node, "commands"), commands);
    phase->finally = read_commands(r, yaml_get(node, "finally"), finally);
    if (kind == BUILDSPEC_INSTALL) {
        phase->runtimes = spec_map(r, yaml_get(node, "runtime-versions"), "runtime-versions");
    }
    const struct yaml_node *on_failure = yaml_get(node, "on-failure");
    struct str text = spec_text(r, on_failure, "on-failure");
    if (text.p != NULL && !on_failure_parse(r->arena, text, &phase->on_failure)) {
        spec_error(r, "on-failure", on_failure,
                   "on-failure '" STR_FMT "' is not known: ABORT, CONTINUE, RETRY, RETRY-count, "
                   "RETRY-regex or RETRY-count-regex",
                   STR_ARG(text));
    }
}

static void read_phases(struct spec_reader *r, const struct yaml_node *root) {
    const struct yaml_node *phases = yaml_get(root, "phases");
    if (phases == NULL && yaml_get(root, "batch") == NULL) {
        spec_error(r, "phases", root, "phases is missing: a buildspec needs at least 'phases: {}'");
    }
    if (!spec_mapping(r, PLACE_PHASES, phases, "phases")) {
        return;
    }
    for (size_t i = 0; i < phases->n; i++) {
        for (unsigned kind = 0; kind < BUILDSPEC_PHASES; kind++) {
            if (str_is(phases->pair[i].key->text, phase_keys[kind])) {
                read_phase(r, (enum buildspec_phase_kind)kind, phases->pair[i].value);
            }
        }
    }
}

static void read_all(struct spec_reader *r, const struct yaml_node *root) {
    read_version(r, root);
    r->spec->run_as = spec_text(r, yaml_get(root, "run-as"), "run-as");
    read_env(r, yaml_get(root, "env"));
    read_env_1(r, yaml_get(root, "environment_variables"));
    const struct yaml_node *proxy = yaml_get(root, "proxy");
    if (spec_mapping(r, PLACE_PROXY, proxy, "proxy")) {
        r->spec->proxy_artifacts =
            spec_bool(r, yaml_get(proxy, "upload-artifacts"), "proxy.upload-artifacts");
        r->spec->proxy_logs = spec_bool(r, yaml_get(proxy, "logs"), "proxy.logs");
    }
    read_phases(r, root);
    spec_read_artifacts(r, yaml_get(root, "artifacts"));
    spec_read_cache(r, yaml_get(root, "cache"));
    spec_read_reports(r, yaml_get(root, "reports"));
    spec_read_batch(r, yaml_get(root, "batch"));
}

int buildspec_read(struct arena *a, const char *file, struct str text, struct buildspec *ret,
                   struct err *err) {
    (void)err;
    *ret = (struct buildspec){.shell = S("sh")};
    struct spec_reader r = {a, ret};
    struct yaml_doc doc;
    struct err bad = ERR_INIT;
    if (yaml_parse(a, file, text, &doc, &bad) < 0) {
        struct yaml_node at = {.line = doc.error.line, .column = doc.error.column};
        spec_error(&r, bad.kind == ERR_LIMIT ? "limit" : "yaml", &at, STR_FMT,
                   STR_ARG(doc.error.text));
        return 0;
    }
    for (size_t i = 0; i < doc.warnings.n; i++) {
        struct yaml_node at = {.line = doc.warnings.v[i].line, .column = doc.warnings.v[i].column};
        spec_warn(&r, "duplicate-key", &at, STR_FMT, STR_ARG(doc.warnings.v[i].text));
    }
    if (yaml_is_null(doc.root)) {
        spec_error(&r, "empty", NULL, "the file is empty: a buildspec needs version and phases");
        return 0;
    }
    ret->root = doc.root;
    if (!spec_mapping(&r, PLACE_TOP, doc.root, "")) {
        return 0;
    }
    read_all(&r, doc.root);
    return 0;
}
