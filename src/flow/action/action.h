/*
 * Actions: what a stage runs. A provider (providers.def) starts the work of one attempt; it either
 * ends at once, or goes on elsewhere and its end arrives later (a build, a person), or is looked at
 * again (a stack, another pipeline): then it says when, and start is called again at that time by
 * the same durable job, whatever died meanwhile. Starting the same attempt twice has the effect of
 * once: everything outside is named by the attempt's id.
 */
#pragma once

#include "flow/action/variables.h"
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
    bool deleted; /* the pipeline is: nothing begins, what has begun is ended */
    struct execution_row execution;
    struct action_row action;
    struct definition def; /* of the execution's version */
    const struct def_stage *stage;
    const struct def_action *decl;
    struct str region;             /* where it acts: its own, or the pipeline's */
    const struct def_store *store; /* of that region */
    struct str_map configuration;  /* with variables resolved */
    struct str_list commands;      /* Compute: the same */
    struct def_env_list environment;
    struct {
        struct artifact_row *v;
        size_t n;
    } copies;         /* of inputs that were made in another region (regions.h) */
    int64_t again_ms; /* start sets it when the attempt goes on: call start again at that time */
};

struct action_provider {
    const char *category;
    const char *name;
    int timeout_minutes; /* CodePipeline's quota; afterwards the attempt is ended as failed */
    /* Outside any transaction. *ret_ended: the attempt is over, *ret_end says how. -1 with
     * ERR_UNAVAILABLE: try again later; any other error ends the attempt as failed. */
    int (*start)(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                 struct err *err);
    /* Ends what start began and returns when it is dead. NULL: nothing to end. */
    int (*kill)(struct action_run *run, struct err *err);
};

/* By owner, category and provider; NULL: none is registered. */
const struct action_provider *action_provider_find(const struct def_action *decl);

/* Loads an attempt and resolves its variables; opens its own transaction. 1 loaded, 0 it is not in
 * progress any more, -1 error (ERR_INVALID: a variable that nothing sets). */
int action_load(const struct flow *f, struct arena *a, struct str action_id, struct action_run *ret,
                struct err *err) MUST_USE;

/* When the attempt is over its time: the action's own timeoutInMinutes or the provider's. */
int64_t action_deadline_ms(const struct action_run *run, const struct action_provider *provider);

/* What goes on is looked at again in half a second while the attempt is younger than `young_ms`,
 * then in five. Returns 0, as who started it does. */
int action_look_again(struct action_run *run, int64_t young_ms);
/* What nobody may look at, or nobody finds, cannot be waited for. That nobody answers says nothing.
 */
bool action_is_gone(const struct err *why);

/* A setting of the configuration, resolved; absent where it is not given. */
struct str action_setting(const struct action_run *run, const char *key);
/* "true" or "false" in any case; absent is false; ERR_INVALID names the setting. */
int action_flag(const struct action_run *run, const char *key, bool *ret, struct err *err) MUST_USE;

/* Writes what is present in `detail` (its id is set here) in a transaction of its own. */
int action_note(struct action_run *run, struct action_row *detail, struct err *err) MUST_USE;

/* As the pipeline's role, in the action's region. */
int action_pipeline_target(struct action_run *run, struct aws_target *ret,
                           struct err *err) MUST_USE;

/* A target that acts as the action's role, in the action's region: the pipeline's role, or the
 * action's own assumed from it. */
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
