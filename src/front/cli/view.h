/*
 * One release as a person sees it, put together from CodePipeline's, CodeBuild's and CloudWatch
 * Logs' own operations: stages, what they did and are doing, and why they wait. Reading only.
 */
#pragma once

#include "aws/call/call.h"
#include "platform/text/json.h"

#include <stdint.h>

struct view_phase {
    struct str name;   /* "DOWNLOAD_SOURCE" */
    struct str status; /* absent while it runs */
    int64_t start_ms, end_ms;
    struct str message; /* of its context, or empty */
};

struct view_phases {
    struct view_phase *v;
    size_t n;
};

struct view_command {
    struct str text; /* its first line */
    int64_t at_ms;
    struct str phase; /* absent: it began before the lines that were read */
};

struct view_commands {
    struct view_command *v;
    size_t n;
};

struct view_build {
    struct str id;            /* "project:uuid" */
    struct str status;        /* "IN_PROGRESS", "SUCCEEDED" ... */
    struct str phase;         /* the current one */
    int64_t start_ms, end_ms; /* end 0: it runs */
    struct view_phases phases;
    struct str_map exported;
    struct str log_group, log_stream;
    struct view_commands commands; /* the newest ones begun, in order; only where asked for */
    struct str command;            /* the one that runs now, of these */
    struct str_list last_lines;    /* of what the command that failed printed; where asked for */
};

struct view_action {
    struct str name;
    struct str category; /* "Build", "Approval", "Source" ... */
    struct str status;   /* "InProgress", "Succeeded", "Failed", "Abandoned" */
    struct str summary;
    struct str note; /* what the pipeline's author tells an approver, or absent */
    struct str error;
    struct str external_id;
    struct str updated_by;
    int64_t start_ms, update_ms;
    int attempt; /* 1 = the first */
    struct str_map variables;
    struct view_build *build; /* NULL: no build, or not loaded */
};

struct view_stage {
    struct str name;
    struct str status; /* absent: not reached */
    bool approval;     /* holds an approval action */
    struct {
        struct view_action *v; /* the newest attempt of each, in the order of starting */
        size_t n;
    } actions;
    int64_t start_ms, end_ms; /* end 0: it goes on; start 0: no action began */
    struct str gate_status;   /* of its entry condition: "InProgress", "Failed", "Succeeded" */
    struct str gate_summary;
    int64_t gate_ms; /* when that changed last; 0: not known */
    bool disabled;   /* its inbound transition */
    struct str disabled_reason;
    bool waiting;      /* this release stands in front of it */
    struct str holder; /* and another one is in it: its id */
    struct str token;  /* of the approval that waits, or absent */
    struct str approve_action;
};

struct view_alarm {
    struct str name;
    struct str account; /* id */
    struct str stage;   /* whose gate names it */
};

struct view {
    struct str pipeline;
    struct str id;
    struct str status;
    struct str status_summary;
    struct str trigger;
    struct str commit;
    struct str subject; /* first line of the message */
    struct str frees;   /* what would free it, where it waits or has stopped (front/why) */
    int64_t start_ms;
    int64_t update_ms;
    struct {
        struct view_stage *v;
        size_t n;
    } stages;
    struct {
        struct view_alarm *v; /* that gates name; each account and name once */
        size_t n;
    } alarms;
};

enum {
    VIEW_BUILDS = 1,   /* phases and variables of its builds */
    VIEW_COMMANDS = 2, /* and from logs: the newest commands, and the output before a failure */
};

/* Everything in *ret is owned by `a`. */
int view_load(struct arena *a, const struct aws_target *t, struct str pipeline, struct str id,
              unsigned what, struct view *ret, struct err *err) MUST_USE;

/* Lets the stages' status and times agree with their actions, which were read later: the last step
 * of view_load. */
void view_settle(struct view *v);

/* The stage that holds it now: an approval, a gate, a disabled transition, another release; or the
 * one that failed. A sentence for a person; absent when it runs or is over well. */
struct str view_why(struct arena *a, const struct view *v);

bool view_over(const struct view *v); /* nothing will move by itself or by a person */
bool view_waits_for_approval(const struct view *v);

/* One build, for verbs about builds. ERR_NOT_FOUND. */
int view_load_build(struct arena *a, const struct aws_target *t, struct str id,
                    struct view_build *ret, struct err *err) MUST_USE;

json_t *view_json(const struct view *v);
json_t *view_build_json(const struct view_build *b);
