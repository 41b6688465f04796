/*
 * What the engine knows of one pipeline: the part of its definition that decides what runs when
 * (plan), its stages and its executions. All strings and lists live in the arena of whoever made
 * the state; states are values, never changed by engine_step.
 */
#pragma once

#include "base/arena.h"

#include <stdint.h>

enum engine_mode {
    MODE_SUPERSEDED,
    MODE_QUEUED,
    MODE_PARALLEL,
};

enum exec_status {
    EXEC_IN_PROGRESS,
    EXEC_STOPPING,
    EXEC_STOPPED,
    EXEC_SUCCEEDED,
    EXEC_FAILED,
    EXEC_SUPERSEDED,
    EXEC_CANCELLED,
};

/* Numbers are in stores: new places go to the end. */
enum exec_place {
    PLACE_WAITING, /* in front of its stage */
    PLACE_ENTRY,   /* in the stage; its beforeEntry condition is being checked */
    PLACE_STAGE,   /* in the stage; actions run */
    PLACE_ENDED,   /* holds nothing */
    PLACE_SUCCESS, /* in the stage; actions succeeded, its onSuccess condition is being checked */
    PLACE_FAILURE, /* in the stage; an action failed, its onFailure condition is being checked */
};

enum run_status {
    RUN_NONE, /* not started in this visit of the stage */
    RUN_IN_PROGRESS,
    RUN_SUCCEEDED,
    RUN_FAILED,
    RUN_ABANDONED,
};

enum condition_kind {
    CONDITION_NONE,
    CONDITION_BEFORE_ENTRY,
    CONDITION_ON_SUCCESS,
    CONDITION_ON_FAILURE,
};

/* What follows from a condition, or from a failure. */
enum stage_result {
    RESULT_NONE, /* there is no such condition */
    RESULT_FAIL,
    RESULT_SKIP,
    RESULT_ROLLBACK,
    RESULT_RETRY,
};

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
    enum stage_result entry;   /* beforeEntry: when a rule fails: FAIL SKIP */
    enum stage_result success; /* onSuccess: when a rule fails: FAIL ROLLBACK */
    enum stage_result failure; /* onFailure with rules: when all pass: ROLLBACK */
    enum stage_result failed;  /* onFailure without rules: ROLLBACK RETRY */
    bool retry_all;            /* RETRY runs all actions again, not the failed ones */
    struct engine_plan_action_list actions;
};

struct engine_plan {
    int version;
    enum engine_mode mode;
    struct engine_plan_stage *v;
    size_t n;
};

struct engine_plan_list {
    struct engine_plan *v;
    size_t n;
};

struct engine_action {
    struct str name;
    int run_order;
    bool approval;
    enum run_status status;
    struct str id;    /* actionExecutionId of the newest attempt */
    struct str token; /* approvals: the one-time answer token of this attempt */
};

struct engine_action_list {
    struct engine_action *v;
    size_t n;
};

struct engine_execution {
    struct str id;
    int64_t number;         /* order of starting in this pipeline; a higher one is newer */
    int version;            /* of the definition that it runs */
    bool parallel;          /* of a definition in PARALLEL mode: holds no stage */
    struct str rollback_of; /* type ROLLBACK: the execution whose work is put back; else absent */
    enum exec_status status;
    enum exec_place place;
    struct str stage;              /* where it is, waits, or ended */
    int attempt;                   /* visits of that stage by retry: 1, 2, ... */
    int auto_retries;              /* of them, by onFailure RETRY: 0 or 1 */
    int manual_retries;            /* and by RetryStageExecution */
    bool auto_last;                /* the newest retry was automatic */
    struct str check;              /* id of the condition's check that runs or was decided last */
    enum condition_kind failed_by; /* the condition by which the stage failed */
    bool cancelling;               /* the pipeline was updated: ends when its actions have ended */
    bool abandoning;               /* running actions are being killed */
    struct engine_action_list actions; /* of that stage, in the order of the definition */
};

struct engine_execution_list {
    struct engine_execution *v;
    size_t n;
};

struct engine_stage {
    struct str name;
    struct str holder; /* execution that locks it, or absent */
    struct str_list
        waiting;     /* executions in front, first one enters first: at most one when SUPERSEDED */
    struct str last; /* execution that entered last: the only one that may be retried here */
    struct str succeeded; /* newest STANDARD execution that this version of the stage let through */
    bool inbound_disabled;
    bool outbound_disabled;
};

struct engine_stage_list {
    struct engine_stage *v;
    size_t n;
};

struct engine_state {
    struct engine_plan plan;                 /* current version */
    struct engine_plan_list old;             /* versions that parallel executions still run */
    int64_t started;                         /* executions so far */
    struct engine_stage_list stages;         /* as in the plan, same order */
    struct engine_execution_list executions; /* active ones, and ended ones that may be retried */
};

/* NULL if there is none. */
const struct engine_execution *engine_find(const struct engine_state *s, struct str id);
const struct engine_stage *engine_stage_find(const struct engine_state *s, struct str name);
/* The plan of that execution's version, and its stage there. NULL: it runs no version any more. */
const struct engine_plan *engine_plan_of(const struct engine_state *s,
                                         const struct engine_execution *e);
const struct engine_plan_stage *engine_plan_stage_find(const struct engine_plan *plan,
                                                       struct str stage);
