/*
 * From events to rows and jobs: the only door through which a pipeline changes. An event is
 * stepped, appended, projected, and its effects become jobs, all in the caller's transaction; an
 * answer may leave only after that commit.
 */
#pragma once

#include "flow/action/action.h"
#include "flow/execution/engine.h"
#include "flow/record/flow.h"
#include "flow/record/record.h"

/* ret_refusal may be NULL. On -1 nothing was written. */
int execution_apply(const struct flow *f, struct arena *a, int64_t pipeline,
                    struct engine_event *event, enum engine_refusal *ret_refusal,
                    struct err *err) MUST_USE;

/* A new execution of the pipeline: its row, then EVENT_START. `commit` (may be absent) is taken
 * instead of the branch's head. */
struct execution_start {
    struct str trigger_type; /* "CreatePipeline", "StartPipelineExecution", "WebhookV2" ... */
    struct str trigger_detail;
    struct str commit;
    struct str variables; /* JSON object or absent */
    struct str request_token;
};
int execution_start(const struct flow *f, struct arena *a, int64_t pipeline,
                    const struct execution_start *start, struct str *ret_id,
                    struct err *err) MUST_USE;

/* The end of an action's run, with what it leaves behind. Late ends are ignored. In the caller's
 * transaction. */
int execution_action_end(const struct flow *f, struct arena *a, struct str action_id,
                         const struct action_end *end, struct err *err) MUST_USE;

/* The decision of a stage's entry condition. */
int execution_check_end(const struct flow *f, struct arena *a, int64_t pipeline,
                        struct str execution, struct str check_id, bool ok, struct str summary,
                        struct str rules, struct err *err) MUST_USE;

/* A new pipeline (state: one EVENT_DEFINE) or a new version of one; `plan` comes from
 * flow/definition. row->id is set for a new one. */
int execution_define(const struct flow *f, struct arena *a, struct pipeline_row *row,
                     const struct engine_plan *plan, struct err *err) MUST_USE;

/* State of a pipeline row. */
int execution_state(struct arena *a, const struct pipeline_row *row, struct engine_state *ret,
                    struct err *err) MUST_USE;

/* Names of the job kinds that effects become; flow/execution/jobs.c runs them. Payload of all:
 * {"pipeline":1,"execution":"..","stage":"..","action":"..","id":".."}. */
#define JOB_ACTION "flow.action"
#define JOB_KILL "flow.kill"
#define JOB_CHECK "flow.check"
#define JOB_EXPIRE "flow.expire"
#define JOB_NOTIFY "flow.notify"
#define JOB_ALARM "flow.alarm"
