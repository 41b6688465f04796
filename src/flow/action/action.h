/*
 * Actions: what a stage runs. A provider (providers.def) starts the work of one attempt; it either
 * ends at once or goes on elsewhere (a build, a person) and its end arrives later. Starting the
 * same attempt twice has the effect of once: everything outside is named by the attempt's id.
 */
#pragma once

#include "flow/definition/definition.h"
#include "flow/record/flow.h"
#include "flow/record/record.h"

/* How an attempt ended, with what it leaves behind. */
struct action_end {
    bool ok;
    struct str summary;
    struct str error_code; /* CodePipeline's: JobFailed ConfigurationError PermissionError ... */
    struct str error_message;
    struct str outputs;          /* JSON array of {name,bucket,key,sha256} */
    struct str output_variables; /* JSON object */
    struct str updated_by;
};

/* One attempt, loaded. */
struct action_run {
    const struct flow *flow;
    struct arena *arena;
    struct pipeline_row pipeline;
    struct execution_row execution;
    struct action_row action;
    struct definition def; /* of the execution's version */
    const struct def_stage *stage;
    const struct def_action *decl;
    const struct def_store *store; /* of the action's region */
    struct str_map configuration;  /* with variables resolved */
};

struct action_provider {
    const char *category;
    const char *name;
    /* Outside any transaction. *ret_ended: the attempt is over, *ret_end says how. -1 with
     * ERR_UNAVAILABLE: try again later; any other error ends the attempt as failed. */
    int (*start)(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                 struct err *err);
    /* Ends what start began and returns when it is dead. NULL: nothing to end. */
    int (*kill)(struct action_run *run, struct err *err);
};

const struct action_provider *action_provider_find(struct str category, struct str name);

/* Loads an attempt and resolves its variables; opens its own transaction. 1 loaded, 0 it is not in
 * progress any more, -1 error (ERR_INVALID: a variable that nothing sets). */
int action_load(const struct flow *f, struct arena *a, struct str action_id, struct action_run *ret,
                struct err *err) MUST_USE;

/* A target that acts as the action's role: the pipeline's, or the action's own assumed from it. */
int action_target(struct action_run *run, struct aws_target *ret, struct err *err) MUST_USE;

/* "tl-<8 of execution>-<action, 40 at most>-<attempt>", in STS's characters. */
struct str action_session_name(struct arena *a, const struct action_row *action);

/* Where an output artifact lies: "<pipeline, 20>/<artifact, 10>/<7 of the attempt>". */
struct str action_artifact_key(struct arena *a, struct str pipeline, struct str artifact,
                               struct str action_id);

/* Notes an output: appends to *outputs (JSON array) and writes the artifact's row, in a transaction
 * of the caller. */
struct action_artifact {
    struct str name;
    struct str bucket;
    struct str key;
    struct str sha256;
};
int action_put_outputs(struct action_run *run, const struct action_artifact *list, size_t n,
                       struct str revision, struct str *ret_json, struct err *err) MUST_USE;

/* Replaces "#{namespace.key}". ERR_INVALID names a reference that nothing sets. */
struct variable_scope {
    struct str_map values; /* "namespace.key" -> value */
};
int variables_resolve(struct arena *a, const struct variable_scope *scope, struct str text,
                      struct str *ret, struct err *err) MUST_USE;
