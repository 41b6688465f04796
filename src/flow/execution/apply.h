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
#include "flow/source/store.h"

/* ret_refusal may be NULL. On -1 nothing was written. */
int execution_apply(const struct flow *f, struct arena *a, int64_t pipeline,
                    struct engine_event *event, enum engine_refusal *ret_refusal,
                    struct err *err) MUST_USE;

/* ret_refusal may be NULL. A new execution of the pipeline: its row, then EVENT_START. */
struct execution_start {
    struct str trigger_type; /* "CreatePipeline", "StartPipelineExecution", "WebhookV2" ... */
    struct str trigger_detail;
    struct source_pins pins; /* revisions to take instead of the newest ones */
    struct str variables;    /* JSON object or absent; over the defaults */
    struct str request_token;
};
int execution_start(const struct flow *f, struct arena *a, int64_t pipeline,
                    const struct execution_start *start, struct str *ret_id,
                    enum engine_refusal *ret_refusal, struct err *err) MUST_USE;

/* A new execution that puts into the stage what `target` (of this pipeline) had put there; `by` is
 * who asked for it. Refused when the target did not succeed there, is a rollback itself, or ran
 * another version. */
int execution_rollback(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                       struct str stage, const struct execution_row *target, struct str by,
                       struct str *ret_id, enum engine_refusal *ret_refusal,
                       struct err *err) MUST_USE;

/* The end of an action's run, with what it leaves behind. Late ends are ignored. In the caller's
 * transaction. */
int execution_action_end(const struct flow *f, struct arena *a, struct str action_id,
                         const struct action_end *end, struct err *err) MUST_USE;

/* How a check of a condition was decided. Late ends are ignored. In the caller's transaction. */
struct check_end {
    bool ok;
    bool errored; /* not ok because it could not be evaluated */
    struct str summary;
};
int execution_check_end(const struct flow *f, struct arena *a, int64_t pipeline,
                        struct str execution, struct str check_id, const struct check_end *end,
                        struct err *err) MUST_USE;

/* A new pipeline (state: one EVENT_DEFINE) or a new version of one; `plan` comes from
 * flow/definition. row->id is set for a new one. */
int execution_define(const struct flow *f, struct arena *a, struct pipeline_row *row,
                     const struct engine_plan *plan, struct err *err) MUST_USE;

/* The part of a definition that decides what runs when. */
void execution_plan(struct arena *a, const struct definition *d, struct engine_plan *ret);

/* State of a pipeline row. */
int execution_state(struct arena *a, const struct pipeline_row *row, struct engine_state *ret,
                    struct err *err) MUST_USE;

/* Names of the job kinds that effects become; flow/execution/jobs.c runs them. Payload of all:
 * {"pipeline":1,"execution":"..","stage":"..","action":"..","id":".."}; JOB_CHECK's has also
 * "condition":"BEFORE_ENTRY". */
#define JOB_ACTION "flow.action"
#define JOB_KILL "flow.kill"
#define JOB_CHECK "flow.check"
#define JOB_END_CHECK "flow.end_check"
#define JOB_EXPIRE "flow.expire"
#define JOB_NOTIFY "flow.notify"
#define JOB_TELL "flow.tell"
#define JOB_ALARM "flow.alarm"
