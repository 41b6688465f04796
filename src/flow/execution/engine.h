/*
 * The release engine as a pure function: engine_step(state, event) -> new state, effects. No clock,
 * no input or output, no randomness of its own: time and a seed for ids come with the event. One
 * state is one pipeline. The state is the fold of its events; what is written to the store beside
 * it (flow/record) is a projection for readers.
 *
 * Rules (CodePipeline; what its documents leave open is marked *, and listed in docs/limits.md):
 * - SUPERSEDED: a stage holds one execution, from entry to end. Others wait in front of it in one
 *   slot; a newer execution that arrives there supersedes the older one. QUEUED: the same lock, but
 *   those in front are a queue and nobody is superseded. PARALLEL: no locks; a disabled transition
 *   still holds executions up*; at most five actions of an execution run at a time. In QUEUED and
 *   PARALLEL at most 50 executions are active.
 * - In a stage: beforeEntry's rules, then the actions, run order by run order, then onSuccess's
 *   rules. A failed action lets its parallel siblings end (nothing new starts meanwhile), then
 *   onFailure decides. An entry that fails with SKIP goes on behind the stage; one that could not
 * be evaluated fails the stage*. For onSuccess that is as good as not passed*, and onFailure, which
 *   is about actions only*, then engages nothing*.
 * - onFailure RETRY: once for each time that an execution comes to the stage, by whatever hand the
 *   other retries were; the entry is checked again*. ROLLBACK: a new execution of that stage alone,
 *   with what the stage's newest success (STANDARD, same version) had taken. It follows the failed
 *   one directly, in front of all who wait and past disabled transitions*. It is not held to the
 *   stage's conditions*, and its own failure neither retries nor rolls back anything*. The first
 *   stage, and PARALLEL pipelines, know no rollback. A rollback by hand needs a stage that nobody
 *   is in, and counts as one of the 50.
 * - A failed or stopped execution gives its lock back and may be retried until another one enters
 *   that stage, or a new version comes; not one that was stopped in front of it. Of PARALLEL ones
 *   the newest fifty that failed or were stopped may be retried. A failed action may be retried
 *   beside its siblings (that is the same attempt); all actions only when none runs.
 * - Stop lets running actions end (or, abandoning, has them killed and waits for their death; one
 *   that had succeeded before counts as succeeded) before the lock is given back: nothing starts
 *   after a stop was answered. Waiting approvals and checks end at once*. The stage is then Stopped
 *   even if all its actions succeeded*.
 * - A new version cancels what is active, also what is being stopped*: running actions end first,
 *   waiting approvals at once*. The stage stays locked until then, also when versions between do
 * not have it. Executions of a PARALLEL version go on with the version that they began with; they
 * meet the transitions of the current one, if it has the stage*. Transitions keep their state by
 * the stage's name.
 * - A condition that is being checked, or by which a stage has failed, may be overridden: the
 *   execution goes on behind it (after a failure that is one more attempt). Not an entry whose
 *   result is SKIP, and not onFailure.
 * - Beyond CodePipeline: EVENT_NEWEST. Where an older execution holds the stage and runs nothing
 * but approvals, and both transitions in front are enabled, an execution that waits behind it takes
 *   its place; it and the older ones in the line are superseded; never a newer one, nor a PARALLEL
 *   one.
 */
#pragma once

#include "base/err.h"
#include "flow/execution/engine_state.h"

#include <jansson.h>

/* Numbers are in stores: new kinds go to the end. */
enum event_kind {
    EVENT_DEFINE,     /* plan: pipeline created or updated */
    EVENT_START,      /* execution: a new one begins */
    EVENT_ACTION,     /* execution, action_id, ok: a running action ended */
    EVENT_CHECK,      /* execution, action_id (check id), ok, errored: a condition was decided */
    EVENT_APPROVAL,   /* stage, action, token, ok: a person answered */
    EVENT_TRANSITION, /* stage, inbound, ok (= enabled) */
    EVENT_STOP,       /* execution, abandon */
    EVENT_RETRY,      /* execution, stage, all_actions */
    EVENT_ROLLBACK,   /* stage, execution (the target, known to have succeeded there) */
    EVENT_OVERRIDE,   /* execution, stage, condition */
    EVENT_NEWEST,     /* stage, execution (that waits in front of it) */
};

struct engine_event {
    enum event_kind kind;
    struct str seed; /* random text, for ids that the step makes */
    struct str execution;
    struct str stage;
    struct str action;
    struct str action_id;
    struct str token;
    bool ok;
    bool errored; /* EVENT_CHECK: not ok because it could not be evaluated */
    bool inbound;
    bool abandon;
    bool all_actions;
    enum condition_kind condition;
    struct engine_plan plan; /* EVENT_DEFINE */
};

enum effect_kind {
    EFFECT_START_ACTION, /* run it; its end comes back as EVENT_ACTION */
    EFFECT_KILL_ACTION,  /* end it, wait for its death, then EVENT_ACTION with ok = false */
    EFFECT_CHECK,        /* decide `condition`; comes back as EVENT_CHECK */
    EFFECT_END_CHECK,    /* what the check started (builds) is of no use any more: end it */
    EFFECT_ROLLBACK,     /* a new execution of type ROLLBACK; comes before all that is told of it */
    EFFECT_EXECUTION,    /* tell: the execution's status changed to `execution_status` */
    EFFECT_STAGE,        /* tell: the stage's run changed to `stage_status` */
    EFFECT_CONDITION,    /* tell: the check action_id of `condition` is now `condition_status` */
    EFFECT_ACTION,       /* tell: the action's run changed to `action_status` */
};

enum stage_status {
    STAGE_IN_PROGRESS,
    STAGE_SUCCEEDED,
    STAGE_FAILED,
    STAGE_STOPPING,
    STAGE_STOPPED,
    STAGE_CANCELLED,
    STAGE_SKIPPED,
};

enum condition_status {
    CONDITION_IN_PROGRESS,
    CONDITION_SUCCEEDED,
    CONDITION_FAILED,
    CONDITION_ERRORED,
    CONDITION_CANCELLED,
    CONDITION_ABANDONED,
    CONDITION_OVERRIDDEN,
};

struct engine_effect {
    enum effect_kind kind;
    struct str execution;
    struct str stage;
    struct str action;
    struct str action_id; /* or check id */
    struct str token;
    bool approval;
    bool cancelled;     /* EFFECT_ACTION abandoned: by a new version of the pipeline */
    bool resumed;       /* EFFECT_EXECUTION/STAGE in progress again by a retry or an override */
    bool automatic;     /* EFFECT_ROLLBACK: by onFailure or onSuccess, not by a person */
    int attempt;        /* EFFECT_STAGE, EFFECT_CONDITION: of the visit that is told of */
    int auto_retries;   /* EFFECT_STAGE: of that visit */
    int manual_retries; /* EFFECT_STAGE: of that visit */
    bool auto_last;     /* EFFECT_STAGE: the newest of them was automatic */
    struct str
        by; /* EFFECT_EXECUTION superseded: the newer execution; EFFECT_ROLLBACK: the target */
    struct str of; /* EFFECT_ROLLBACK automatic: the execution that failed */
    enum exec_status execution_status;
    enum stage_status stage_status;
    enum condition_kind condition;
    enum condition_status condition_status;
    enum run_status action_status;
};

struct engine_effect_list {
    struct engine_effect *v;
    size_t n;
};

/* Why an event was refused; the front turns it into CodePipeline's error of the same name. */
enum engine_refusal {
    REFUSED_NOTHING,
    REFUSED_NO_STAGE,
    REFUSED_NO_ACTION,
    REFUSED_NO_EXECUTION,
    REFUSED_TOKEN,
    REFUSED_ANSWERED,
    REFUSED_NOT_STOPPABLE,
    REFUSED_STOP_TWICE,
    REFUSED_NOT_RETRYABLE,
    REFUSED_NOT_LATEST,
    REFUSED_TOO_MANY,
    REFUSED_NO_ROLLBACK,
    REFUSED_OUTDATED, /* the rollback's target ran another version */
    REFUSED_NOT_OVERRIDABLE,
    REFUSED_NOT_WAITING, /* EVENT_NEWEST: there is nothing to retire */
};

enum {
    ENGINE_MAX_ACTIVE = 50,          /* executions, QUEUED and PARALLEL */
    ENGINE_MAX_PARALLEL_ACTIONS = 5, /* of one execution, PARALLEL */
    ENGINE_KEPT_PARALLEL = 50,       /* failed or stopped PARALLEL executions that may be retried */
    ENGINE_MAX_TEXT = 64 << 20, /* bytes of a state in the store: 50 executions of 1,000 actions
                                   are a tenth of it */
};

/* Everything in *ret_state and *ret_effects lives in `a` (parts may be shared with `state`, which
 * must live as long). A late EVENT_ACTION or EVENT_CHECK (an attempt that is no longer current) is
 * not an error: the state stays and there are no effects. -1: refused, *ret_refusal says why and
 * err names the thing; the state stays. */
int engine_step(struct arena *a, const struct engine_state *state, const struct engine_event *event,
                struct engine_state *ret_state, struct engine_effect_list *ret_effects,
                enum engine_refusal *ret_refusal, struct err *err) MUST_USE;

const char *exec_status_name(enum exec_status status); /* "InProgress" ... as CodePipeline */
const char *stage_status_name(enum stage_status status);
const char *run_status_name(enum run_status status);
const char *condition_status_name(enum condition_status status);
const char *condition_kind_name(enum condition_kind kind); /* "BEFORE_ENTRY" ... "ON_FAILURE" */

/* The store's form of states and events (flow/record keeps them). json_t is the caller's. */
json_t *engine_state_to_json(const struct engine_state *s);
/* The text of that document, without the document; absent: more than ENGINE_MAX_TEXT. */
struct str engine_state_text(struct arena *a, const struct engine_state *s);
int engine_state_from_json(struct arena *a, const json_t *json, struct engine_state *ret,
                           struct err *err) MUST_USE;
json_t *engine_event_to_json(const struct engine_event *e);
int engine_event_from_json(struct arena *a, const json_t *json, struct engine_event *ret,
                           struct err *err) MUST_USE;
