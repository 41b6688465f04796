/*
 * "#{namespace.key}" in configurations, commands and rules: what is set when an action or a rule
 * begins, and how a text is resolved with it. Facts: CodePipeline's variables reference; quotas of
 * its limits page.
 */
#pragma once

#include "flow/definition/definition.h"
#include "flow/record/record.h"

enum {
    VARIABLES_RESOLVED_MAX = 100 * 1024, /* bytes of an action's resolved configuration */
    VARIABLES_OUTPUT_MAX = 122880, /* bytes of one action's output variables, keys and values */
};

struct variable_scope {
    struct str_map values; /* "namespace.key" -> value */
};

/* codepipeline.PipelineExecutionId, variables.NAME, and what the execution's actions that have a
 * namespace and have succeeded left: of an action that ran again, what the newest run left. In the
 * caller's transaction; everything is owned by `a`. */
int variables_of(struct db *db, struct arena *a, const struct definition *def,
                 const struct execution_row *execution, struct variable_scope *ret,
                 struct err *err) MUST_USE;

/* ERR_INVALID names a reference that nothing sets. A text that is a JSON object or array is
 * resolved string by string, so that no value can break its syntax. */
int variables_resolve(struct arena *a, const struct variable_scope *scope, struct str text,
                      struct str *ret, struct err *err) MUST_USE;

/* All values of a configuration. ERR_LIMIT: more than VARIABLES_RESOLVED_MAX together. */
int variables_resolve_map(struct arena *a, const struct variable_scope *scope,
                          const struct str_map *from, struct str_map *ret,
                          struct err *err) MUST_USE;
int variables_resolve_list(struct arena *a, const struct variable_scope *scope,
                           const struct str_list *from, struct str_list *ret,
                           struct err *err) MUST_USE;

/* ERR_LIMIT: a JSON object of output variables with more than VARIABLES_OUTPUT_MAX bytes. */
int variables_check_output(struct str json, struct err *err) MUST_USE;
