/*
 * The release engine as a pure function: engine_step(state, event) -> new state, effects. No clock,
 * no input or output, no randomness of its own: time and a seed for ids come with the event. One
 * state is one pipeline. The state is the fold of its events; what is written to the store beside
 * it (flow/record) is a projection for readers.
 *
 * Rules (CodePipeline, SUPERSEDED mode): a stage holds one execution, from entry to end. Others wait
 * in front of it in one slot; a newer execution that arrives there supersedes the older one. A
 * failed execution gives its lock back and may be retried until another one enters that stage. Stop
 * lets running actions end (or, abandoning, has them killed and waits for their death) before the
 * lock is given back: nothing starts after a stop was answered.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <jansson.h>
#include <stdint.h>

enum exec_status {
    EXEC_IN_PROGRESS,
    EXEC_STOPPING,
    EXEC_STOPPED,
    EXEC_SUCCEEDED,
    EXEC_FAILED,
    EXEC_SUPERSEDED,
    EXEC_CANCELLED,
};

enum exec_place {
    PLACE_WAITING, /* in the slot in front of its stage */
    PLACE_ENTRY,   /* holds the stage; its beforeEntry condition is being checked */
    PLACE_STAGE,   /* holds the stage; actions run */
    PLACE_ENDED,   /* holds nothing */
};

enum run_status {
    RUN_NONE, /* not started in this visit of the stage */
    RUN_IN_PROGRESS,
    RUN_SUCCEEDED,
    RUN_FAILED,
    RUN_ABANDONED,
};

/* The part of a pipeline's structure that decides what runs when. */
struct engine_plan_action {
    struct str name;
    int run_order;
    bool approval; /* waits for a person, starts nothing */
};

struct engine_plan_action_list {
    struct engine_plan_action *v;
    size_t n;
};

struct engine_plan_stage {
    struct str name;
    bool entry_condition; /* has a beforeEntry condition */
    struct engine_plan_action_list actions;
};

struct engine_plan {
    int version;
    struct engine_plan_stage *v;
    size_t n;
};

struct engine_action {
    struct str name;
    int run_order;
    bool approval;
    enum run_status status;
    struct str id; /* actionExecutionId of the newest attempt; for approvals also the token's twin */
    struct str token; /* approvals: the one-time answer token of this attempt */
};

struct engine_action_list {
    struct engine_action *v;
    size_t n;
};

struct engine_execution {
    struct str id;
    int64_t number; /* order of starting in this pipeline; a higher one is newer */
    int version;    /* of the definition that it runs */
    enum exec_status status;
    enum exec_place place;
    struct str stage;     /* where it is, waits, or ended */
    int attempt;          /* visits of that stage by retry: 1, 2, ... */
    struct str check;     /* id of the entry check that runs or was last answered */
    bool check_failed;    /* the stage failed at its entry */
    bool cancelling;      /* the pipeline was updated: ends when its running actions have ended */
    bool abandoning;      /* running actions are being killed */
    struct engine_action_list actions; /* of that stage, in the order of the definition */
};

struct engine_execution_list {
    struct engine_execution *v;
    size_t n;
};

struct engine_stage {
    struct str name;
    struct str holder;  /* execution that locks it, or absent */
    struct str waiting; /* execution in the slot, or absent */
    struct str last;    /* execution that entered last: the only one that may be retried here */
    bool inbound_disabled;
    bool outbound_disabled;
};

struct engine_stage_list {
    struct engine_stage *v;
    size_t n;
};

struct engine_state {
    struct engine_plan plan;                        /* current version */
    int64_t started;                         /* executions so far */
    struct engine_stage_list stages;         /* as in the plan, same order */
    struct engine_execution_list executions; /* active ones, and ended ones that a stage names */
};

enum event_kind {
    EVENT_DEFINE,     /* plan: pipeline created or updated */
    EVENT_START,      /* execution: a new one begins */
    EVENT_ACTION,     /* execution, action_id, ok: a running action ended */
    EVENT_CHECK,      /* execution, action_id (check id), ok: an entry condition was decided */
    EVENT_APPROVAL,   /* stage, action, token, ok: a person answered */
    EVENT_TRANSITION, /* stage, inbound, ok (= enabled) */
    EVENT_STOP,       /* execution, abandon */
    EVENT_RETRY,      /* execution, stage, all_actions */
};

struct engine_event {
    enum event_kind kind;
    struct str seed;      /* random text, for ids that the step makes */
    struct str execution;
    struct str stage;
    struct str action;
    struct str action_id;
    struct str token;
    bool ok;
    bool inbound;
    bool abandon;
    bool all_actions;
    struct engine_plan plan; /* EVENT_DEFINE */
};

enum effect_kind {
    EFFECT_START_ACTION, /* run it; its end comes back as EVENT_ACTION */
    EFFECT_KILL_ACTION,  /* end it, wait for its death, then EVENT_ACTION with ok = false */
    EFFECT_CHECK,        /* decide the entry condition; comes back as EVENT_CHECK */
    EFFECT_EXECUTION,    /* tell: the execution's status changed to `execution_status` */
    EFFECT_STAGE,        /* tell: the stage's run changed to `stage_status` */
    EFFECT_ACTION,       /* tell: the action's run changed to `action_status` */
};

enum stage_status {
    STAGE_IN_PROGRESS,
    STAGE_SUCCEEDED,
    STAGE_FAILED,
    STAGE_STOPPING,
    STAGE_STOPPED,
    STAGE_CANCELLED,
};

struct engine_effect {
    enum effect_kind kind;
    struct str execution;
    struct str stage;
    struct str action;
    struct str action_id; /* or check id */
    struct str token;
    bool approval;
    bool resumed;         /* EFFECT_EXECUTION/STAGE in progress again by a retry */
    struct str by;        /* EFFECT_EXECUTION superseded: the newer execution's id */
    enum exec_status execution_status;
    enum stage_status stage_status;
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
};

/* Everything in *ret_state and *ret_effects lives in `a` (parts may be shared with `state`, which
 * must live as long). A late EVENT_ACTION or EVENT_CHECK (an attempt that is no longer current) is
 * not an error: the state stays and there are no effects. -1: refused, *ret_refusal says why and
 * err names the thing; the state stays. */
int engine_step(struct arena *a, const struct engine_state *state, const struct engine_event *event,
                struct engine_state *ret_state, struct engine_effect_list *ret_effects,
                enum engine_refusal *ret_refusal, struct err *err) MUST_USE;

const struct engine_execution *engine_find(const struct engine_state *s, struct str id);
const struct engine_stage *engine_stage_find(const struct engine_state *s, struct str name);

const char *exec_status_name(enum exec_status status);   /* "InProgress" ... as CodePipeline */
const char *stage_status_name(enum stage_status status);
const char *run_status_name(enum run_status status);

/* The store's form of states and events (flow/record keeps them). json_t is the caller's. */
json_t *engine_state_to_json(const struct engine_state *s);
int engine_state_from_json(struct arena *a, const json_t *json, struct engine_state *ret,
                           struct err *err) MUST_USE;
json_t *engine_event_to_json(const struct engine_event *e);
int engine_event_from_json(struct arena *a, const json_t *json, struct engine_event *ret,
                           struct err *err) MUST_USE;
