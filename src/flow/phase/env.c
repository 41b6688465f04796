/* Precedence and expansion of a build's variables. */
#include "flow/phase/env.h"

#include "base/buf.h"

static const char *const type_names[] = {"PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER"};

/* A reference is a name, not a text: what it may grow to by expansion. */
enum { MAX_EXPANDED = 256 * 1024 };

bool env_type_parse(struct str text, enum env_type *ret) {
    for (unsigned i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++) {
        if (str_is(text, type_names[i])) {
            *ret = (enum env_type)i;
            return true;
        }
    }
    return false;
}

const char *env_type_name(enum env_type type) {
    return type_names[type];
}

struct env_var *env_find(const struct env *env, struct str name) {
    for (size_t i = 0; i < env->n; i++) {
        if (str_eq(env->v[i].name, name)) {
            return &env->v[i];
        }
    }
    return NULL;
}

void env_put(struct arena *a, struct env *env, struct env_var var) {
    struct env_var *old = env_find(env, var.name);
    if (old != NULL) {
        *old = var;
    } else {
        *arena_push(a, env) = var;
    }
}

static size_t name_length(struct str text, size_t from) {
    size_t n = 0;
    while (from + n < text.n) {
        char c = text.p[from + n];
        if (!buildspec_variable_name(str_sub(text, from + n, 1)) &&
            (n == 0 || c < '0' || c > '9')) {
            break;
        }
        n++;
    }
    return n;
}

/* Length of a reference at text[at] == '$', 0 if there is none that counts. */
static size_t reference(struct str text, size_t at, bool bare, struct str *ret_name) {
    if (at + 1 < text.n && text.p[at + 1] == '{') {
        size_t n = name_length(text, at + 2);
        *ret_name = str_sub(text, at + 2, n);
        return n > 0 && at + 2 + n < text.n && text.p[at + 2 + n] == '}' ? n + 3 : 0;
    }
    size_t n = bare ? name_length(text, at + 1) : 0;
    *ret_name = str_sub(text, at + 1, n);
    return n > 0 ? n + 1 : 0;
}

struct str env_expand(struct arena *a, struct str text, const struct env *env, bool bare) {
    if (str_find_c(text, '$', 0) == (size_t)-1) {
        return text;
    }
    struct buf out cleanup_buf;
    buf_init(&out, MAX_EXPANDED);
    for (size_t i = 0; i < text.n;) {
        struct str name = STR_NONE;
        size_t n = text.p[i] == '$' ? reference(text, i, bare, &name) : 0;
        const struct env_var *var = n > 0 ? env_find(env, name) : NULL;
        if (var != NULL && var->type == ENV_PLAINTEXT) {
            buf_add(&out, var->value);
            i += n;
        } else {
            buf_add_c(&out, text.p[i++]);
        }
    }
    return buf_dup(a, &out);
}

static void put_map(struct arena *a, struct env *env, const struct str_map *map, enum env_type type,
                    const struct env *known) {
    for (size_t i = 0; i < map->n; i++) {
        struct str value = env_expand(a, map->v[i].value, known, type != ENV_PLAINTEXT);
        env_put(a, env, (struct env_var){map->v[i].key, value, type, false});
    }
}

struct env env_of_build(struct arena *a, const struct buildspec *spec, const struct env *outer,
                        const struct env *builtin) {
    struct env known = {0};
    struct env env = {0};
    for (size_t i = 0; i < builtin->n; i++) {
        env_put(a, &known, builtin->v[i]);
        env_put(a, &env, builtin->v[i]);
    }
    for (size_t i = 0; i < outer->n; i++) {
        env_put(a, &known, outer->v[i]);
    }
    put_map(a, &env, &spec->variables, ENV_PLAINTEXT, &known);
    put_map(a, &env, &spec->parameters, ENV_PARAMETER_STORE, &known);
    put_map(a, &env, &spec->secrets, ENV_SECRETS_MANAGER, &known);
    for (size_t i = 0; i < outer->n; i++) {
        struct env_var var = outer->v[i];
        var.of_project = true;
        env_put(a, &env, var);
    }
    return env;
}

bool env_may_export(const struct env *env, struct str name) {
    const struct env_var *var = env_find(env, name);
    return !str_starts(name, S("AWS_")) &&
           !(var != NULL && var->of_project && var->type != ENV_PLAINTEXT);
}
