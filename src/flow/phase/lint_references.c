/* Surprises in references to parameters and secrets, as far as their form tells: whether they are
 * there, only an account knows. Names as Parameter Store and Secrets Manager take them (their
 * PutParameter and CreateSecret). */
#include "flow/phase/lint_internal.h"

#include "flow/phase/secret_reference.h"

enum { LEVELS_MAX = 15, PARAMETER_MAX = 2048, SECRET_MAX = 512 };

static bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* What stands where "$NAME" or "${NAME}" begins; 0: no variable does. */
static size_t variable_length(struct str text, size_t at) {
    bool braces = at + 1 < text.n && text.p[at + 1] == '{';
    size_t from = at + 1 + braces;
    size_t end = from;
    if (at >= text.n || text.p[at] != '$') {
        return 0;
    }
    while (end < text.n && (is_alnum(text.p[end]) || text.p[end] == '_')) {
        end++;
    }
    bool closed = !braces || (end < text.n && text.p[end] == '}');
    return end > from && closed ? end - at + braces : 0;
}

/* The first character that a name with variables in it cannot have; the length: none. */
static size_t bad_character(struct str name, const char *others) {
    size_t at = 0;
    while (at < name.n) {
        size_t variable = variable_length(name, at);
        char c = name.p[at];
        if (variable == 0 && !is_alnum(c) && (c == '\0' || strchr(others, c) == NULL)) {
            return at;
        }
        at += variable > 0 ? variable : 1;
    }
    return at;
}

static size_t count(struct str text, char c) {
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        n += text.p[i] == c;
    }
    return n;
}

/* A number, or a word that YAML takes for yes or no: hardly anybody's parameter is called so. */
static bool is_value(struct str text) {
    static const char *const words[] = {"true", "false", "yes", "no", "on", "off"};
    unsigned long long number;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_ieq(text, str_c(words[i]))) {
            return true;
        }
    }
    return str_to_u64(text, &number);
}

/* What is wrong with a parameter's name, which may be followed by ":VERSION" or ":LABEL"; NULL:
 * nothing. A name that begins with a variable may be anything. */
static const char *parameter_fault(struct str text) {
    size_t colon = str_find_c(text, ':', 0);
    struct str name = colon == (size_t)-1 ? text : str_sub(text, 0, colon);
    bool path = str_starts(name, S("/"));
    bool open = variable_length(name, 0) > 0;
    if (str_starts(text, S("arn:"))) {
        return str_find(text, S(":parameter/"), 0) == (size_t)-1 ? "it is the ARN of something else"
                                                                 : NULL;
    }
    return name.n == 0 ? "it is empty"
           : bad_character(name, "_.-/") < name.n
               ? "it has other characters than a-z A-Z 0-9 _ . - /"
           : str_find(name, S("//"), 0) != (size_t)-1 ? "a part between two '/' is empty"
           : name.n > 1 && str_ends(name, S("/"))     ? "it ends with '/'"
           : !path && !open && count(name, '/') > 0   ? "with '/' in it, it begins with '/'"
           : count(name, '/') > LEVELS_MAX            ? "it has more than 15 levels"
           : name.n > PARAMETER_MAX                   ? "it is too long"
                                                      : NULL;
}

static const char *secret_fault(struct str text, struct err *err) {
    struct secret_reference r;
    if (secret_reference_parse(text, &r, err) < 0) {
        return "SECRET-ID[:JSON-KEY[:VERSION-STAGE[:VERSION-ID]]] is its form";
    }
    return str_starts(r.id, S("arn:"))
               ? (str_find(r.id, S(":secret:"), 0) == (size_t)-1 ? "it is the ARN of something else"
                                                                 : NULL)
           : bad_character(r.id, "/_+=.@-!") < r.id.n
               ? "its name has other characters than a-z A-Z 0-9 / _ + = . @ - !"
           : r.id.n > SECRET_MAX ? "its name is too long"
           : r.stage.n > 0 && r.version_id.n > 0
               ? "it names a stage and a version, which need not be the same one; name one of them"
               : NULL;
}

static void check_parameter(struct linter *l, const struct yaml_pair *p) {
    const char *fault = parameter_fault(p->value->text);
    if (fault != NULL) {
        lint_warn(l, "parameter-name", p->value, 0, "'" STR_FMT "' as the name of a parameter: %s",
                  STR_ARG(p->value->text), fault);
    } else if (is_value(p->value->text)) {
        lint_warn(l, "parameter-name", p->value, 0,
                  "'" STR_FMT "' is looked for as a parameter's name; a value belongs in "
                  "env.variables",
                  STR_ARG(p->value->text));
    }
}

static void check_secret(struct linter *l, const struct yaml_pair *p) {
    struct err ignored = ERR_INIT;
    const char *fault = secret_fault(p->value->text, &ignored);
    if (fault != NULL) {
        lint_warn(l, "secret-reference", p->value, 0,
                  "'" STR_FMT "' as a reference to a secret: %s", STR_ARG(p->value->text), fault);
    }
}

static void check_all(struct linter *l, const struct yaml_node *map,
                      void (*check)(struct linter *, const struct yaml_pair *)) {
    for (size_t i = 0; map != NULL && map->kind == YAML_MAPPING && i < map->n; i++) {
        const struct yaml_node *value = map->pair[i].value;
        if (value->kind == YAML_SCALAR && !yaml_is_null(value)) {
            check(l, &map->pair[i]);
        }
    }
}

void lint_references(struct linter *l) {
    const struct yaml_node *env =
        yaml_get(l->spec->root, l->spec->version == 1 ? "environment_variables" : "env");
    check_all(l, yaml_get(env, "parameter-store"), check_parameter);
    check_all(l, yaml_get(env, "secrets-manager"), check_secret);
}
