/*
 * Which variables a build has: start-build override > project > buildspec, and where each value
 * comes from. References are expanded here; fetching parameters is flow/build's.
 */
#pragma once

#include "flow/phase/buildspec.h"

enum env_type { ENV_PLAINTEXT, ENV_PARAMETER_STORE, ENV_SECRETS_MANAGER };

struct env_var {
    struct str name;
    struct str value; /* text; or, for the other types, the reference until it is fetched */
    enum env_type type;
    bool of_project; /* from the project or the start of the build, not from the buildspec */
};

struct env {
    struct env_var *v; /* each name once, in order of appearance */
    size_t n;
};

/* "PLAINTEXT" and so on; false if it is none. */
bool env_type_parse(struct str text, enum env_type *ret);
const char *env_type_name(enum env_type type);

struct env_var *env_find(const struct env *env, struct str name);

/* Adds or replaces (in place). The strings are kept, not copied. */
void env_put(struct arena *a, struct env *env, struct env_var var);

/* Expands ${NAME}, and $NAME too if `bare`, by plain variables of `env`; others stay as written. */
struct str env_expand(struct arena *a, struct str text, const struct env *env, bool bare);

/* All variables of a build. `outer` are the project's with the start's over them, `builtin`
 * CodeBuild's own (which lose to all others, but expand references). */
struct env env_of_build(struct arena *a, const struct buildspec *spec, const struct env *outer,
                        const struct env *builtin);

/* May the build export `name`? Not AWS_*, and nothing that the project took from a store. */
bool env_may_export(const struct env *env, struct str name);
