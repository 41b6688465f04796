/* Shared by release_plan.c and release_conditions.c: a release on its way to CodePipeline's JSON.
 */
#pragma once

#include "flow/definition/release_yml.h"
#include "platform/text/json.h"

struct release_compiler {
    struct arena *a;
    const struct release_yml *r;
    const struct release_accounts *accounts;
    const struct release_account *home;
    struct str connection_arn;
    struct release_plan *plan;
};

/* NULL: there is no such account. */
const struct release_account *release_account_of(const struct release_compiler *c, struct str name);

json_t *release_one(json_t *item);                        /* [item]; takes it over */
json_t *release_named(const char *key, struct str value); /* {key: value} */
json_t *release_type_id(const char *category, const char *provider);

/* Adds beforeEntry, onSuccess and onFailure of an environment to its stage. Its approval and its
 * plan are held by the gate alone. */
void release_gate(const struct release_compiler *c, size_t environment, json_t *stage);
void release_conditions(const struct release_compiler *c, size_t environment, json_t *stage);

/* Triggers and variables; NULL: the pipeline has none. */
json_t *release_triggers(const struct release_compiler *c);
json_t *release_variables(const struct release_compiler *c);
