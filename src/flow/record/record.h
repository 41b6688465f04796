/*
 * The rows of releases: pipelines, executions, actions, artifacts, and what was told of them. One
 * function per statement; every function runs inside the caller's transaction. The decisions are
 * flow/execution's; nothing here decides.
 */
#pragma once

#include "base/arena.h"
#include "runtime/db/db.h"

extern const struct db_schema record_schema;

struct pipeline_row {
    int64_t id;
    struct str account;
    struct str region;
    struct str name;
    int version;
    struct str definition; /* JSON */
    struct str state;      /* JSON */
    int64_t created_ms;
    int64_t updated_ms;
};

struct pipeline_row_list {
    struct pipeline_row *v;
    size_t n;
};

struct execution_row {
    struct str id;
    int64_t pipeline;
    int64_t number;
    int version;
    struct str status;
    struct str status_summary;
    struct str trigger_type;
    struct str trigger_detail;
    struct str stop_reason;
    struct str superseded_by;
    struct str revision; /* JSON, see record_revision */
    struct str source_commit;
    struct str variables; /* JSON object */
    struct str request_token;
    struct str mode;             /* SUPERSEDED QUEUED PARALLEL */
    struct str type;             /* STANDARD ROLLBACK */
    struct str rollback_target;  /* of a ROLLBACK: the execution whose work is put back */
    struct str source_overrides; /* JSON array of SourceRevisionOverride, or absent */
    int64_t started_ms;
    int64_t updated_ms;
};

struct execution_row_list {
    struct execution_row *v;
    size_t n;
};

struct stage_row {
    struct str execution;
    struct str stage;
    int attempt;
    struct str status;
    int auto_retries;
    int manual_retries;
    struct str retry_trigger; /* AutomatedStageRetry ManualStageRetry, or absent */
    int64_t started_ms;
    int64_t updated_ms;
};

struct stage_row_list {
    struct stage_row *v;
    size_t n;
};

/* One check of one condition of a stage. */
struct condition_row {
    struct str id;
    int64_t pipeline;
    struct str execution;
    struct str stage;
    int attempt;     /* of the stage */
    struct str kind; /* BEFORE_ENTRY ON_SUCCESS ON_FAILURE */
    int64_t number;
    struct str status;
    struct str summary;
    int64_t started_ms;
    int64_t updated_ms;
};

struct condition_row_list {
    struct condition_row *v;
    size_t n;
};

struct rule_row {
    struct str id;
    struct str condition; /* condition_row.id */
    int64_t pipeline;
    struct str execution;
    struct str stage;
    struct str rule;
    int64_t number;
    struct str status; /* InProgress Succeeded Failed Abandoned */
    struct str summary;
    struct str error_code;
    struct str error_message;
    struct str external_id;
    struct str external_url;
    struct str configuration; /* JSON object, variables resolved */
    int64_t started_ms;
    int64_t updated_ms;
};

struct rule_row_list {
    struct rule_row *v;
    size_t n;
};

struct action_row {
    struct str id;
    int64_t pipeline;
    struct str execution;
    struct str stage;
    struct str action;
    int64_t number;
    int version;
    struct str status;
    struct str token;
    struct str summary;
    struct str error_code;
    struct str error_message;
    struct str external_id;
    struct str external_url;
    struct str log_stream;
    struct str updated_by;
    struct str configuration; /* JSON object */
    struct str inputs;        /* JSON array of {name,bucket,key,sha256} */
    struct str outputs;
    struct str output_variables; /* JSON object */
    int64_t expires_ms;
    int64_t started_ms;
    int64_t updated_ms;
};

struct action_row_list {
    struct action_row *v;
    size_t n;
};

struct artifact_row {
    struct str name;
    struct str action;
    struct str bucket;
    struct str key;
    struct str sha256;
    struct str revision;
};

struct artifact_row_list {
    struct artifact_row *v;
    size_t n;
};

/* The source revision of an execution, as the release shows it. */
struct revision {
    struct str action; /* name of the source action */
    struct str artifact;
    struct str commit; /* 40 hex digits */
    struct str branch;
    struct str author; /* "Name" */
    struct str email;
    struct str subject; /* first line of the message */
    struct str message;
    int64_t at_ms;
    struct str url;
};

/* Pipelines. *_get: 1 found, 0 not there, -1 error. */
int record_pipeline_add(struct db *db, struct pipeline_row *row, struct err *err) MUST_USE;
int record_pipeline_get(struct db *db, struct arena *a, struct str account, struct str region,
                        struct str name, struct pipeline_row *ret, struct err *err) MUST_USE;
int record_pipeline_by_id(struct db *db, struct arena *a, int64_t id, struct pipeline_row *ret,
                          struct err *err) MUST_USE;
/* 1 yes, 0 it was deleted. */
int record_pipeline_is_there(struct db *db, int64_t id, struct err *err) MUST_USE;
/* Also when it was deleted: what it has begun is ended still. */
int record_pipeline_kept(struct db *db, struct arena *a, int64_t id, struct pipeline_row *ret,
                         struct err *err) MUST_USE;
int record_pipeline_list(struct db *db, struct arena *a, struct str account, struct str region,
                         struct str after, int limit, struct pipeline_row_list *ret,
                         struct err *err) MUST_USE;
int record_pipeline_count(struct db *db, struct str account, struct str region, int64_t *ret,
                          struct err *err) MUST_USE;
int record_pipeline_all(struct db *db, struct arena *a, struct pipeline_row_list *ret,
                        struct err *err) MUST_USE;
int record_pipeline_define(struct db *db, int64_t id, int version, struct str definition,
                           int64_t now_ms, struct err *err) MUST_USE;
int record_pipeline_state(struct db *db, int64_t id, struct str state, struct err *err) MUST_USE;
int record_pipeline_delete(struct db *db, int64_t id, int64_t now_ms, struct err *err) MUST_USE;
int record_version_get(struct db *db, struct arena *a, int64_t pipeline, int version,
                       struct str *ret_definition, struct err *err) MUST_USE;

/* Events; notices: notices.h. */
int record_event_add(struct db *db, int64_t pipeline, int64_t now_ms, struct str event,
                     struct err *err) MUST_USE;

/* Executions. */
int record_execution_add(struct db *db, const struct execution_row *row, struct err *err) MUST_USE;
int record_execution_get(struct db *db, struct arena *a, struct str id, struct execution_row *ret,
                         struct err *err) MUST_USE;
int record_execution_by_token(struct db *db, struct arena *a, int64_t pipeline, struct str token,
                              struct str *ret_id, struct err *err) MUST_USE;
/* Newest first; only those with number < before when before > 0. */
int record_execution_list(struct db *db, struct arena *a, int64_t pipeline, int64_t before,
                          int limit, struct execution_row_list *ret, struct err *err) MUST_USE;
/* Of them those that a stage let through. */
int record_execution_list_succeeded(struct db *db, struct arena *a, int64_t pipeline,
                                    struct str stage, int64_t before, int limit,
                                    struct execution_row_list *ret, struct err *err) MUST_USE;
int record_execution_status(struct db *db, struct str id, const char *status, struct str summary,
                            struct str superseded_by, int64_t now_ms, struct err *err) MUST_USE;
int record_execution_revision(struct db *db, struct str id, struct str revision_json,
                              struct err *err) MUST_USE;
int record_execution_stop_reason(struct db *db, struct str id, struct str reason,
                                 struct err *err) MUST_USE;
/* Whether the execution got through the stage (status Succeeded in its newest visit). */
int record_succeeded_in(struct db *db, struct str execution, struct str stage, bool *ret,
                        struct err *err) MUST_USE;
/* The newest execution that succeeded in the stage, before (by number) the given one; 0 if none. */
int record_last_success(struct db *db, struct arena *a, int64_t pipeline, struct str stage,
                        int64_t before, struct execution_row *ret, struct err *err) MUST_USE;

/* The newest execution that entered the stage: a list of one or none. */
int record_in_stage(struct db *db, struct arena *a, int64_t pipeline, struct str stage,
                    struct execution_row_list *ret, struct err *err) MUST_USE;

/* Tags of a pipeline. get: 1 found, 0 not, -1 error. */
int record_tag_get(struct db *db, struct arena *a, int64_t pipeline, struct str key,
                   struct str *ret, struct err *err) MUST_USE;
int record_tag_put(struct db *db, int64_t pipeline, struct str key, struct str value,
                   struct err *err) MUST_USE;
int record_tag_drop(struct db *db, int64_t pipeline, struct str key, struct err *err) MUST_USE;
int record_tag_list(struct db *db, struct arena *a, int64_t pipeline, struct str_map *ret,
                    struct err *err) MUST_USE;

/* Stages: one row a visit. `row` with status, attempt and what is known of retries. */
int record_stage_put(struct db *db, const struct stage_row *row, struct err *err) MUST_USE;
/* The newest execution that has been in the stage, of the pipeline's newest hundred and of any
 * version; not of PARALLEL ones, which hold no stages. 1, 0 none, -1 error. */
int record_stage_newest(struct db *db, struct arena *a, int64_t pipeline, struct str stage,
                        struct str *ret_execution, struct err *err) MUST_USE;
int record_stage_list(struct db *db, struct arena *a, struct str execution,
                      struct stage_row_list *ret, struct err *err) MUST_USE;

/* Conditions and rules. put inserts, or writes status and what is present; number is given at
 * inserting. get and by_external: 1 found, 0 not, -1 error. Lists in order of starting; pages
 * newest first, of one execution if it is present, number < before if > 0. */
int record_condition_put(struct db *db, const struct condition_row *row, struct err *err) MUST_USE;
int record_condition_summary(struct db *db, struct str id, struct str summary, int64_t now_ms,
                             struct err *err) MUST_USE;
int record_condition_get(struct db *db, struct arena *a, struct str id, struct condition_row *ret,
                         struct err *err) MUST_USE;
int record_condition_list(struct db *db, struct arena *a, struct str execution, struct str stage,
                          struct condition_row_list *ret, struct err *err) MUST_USE;
/* Summary of the condition by which the stage failed at that time: 1 found, 0 it was none, -1. */
int record_condition_failed_at(struct db *db, struct arena *a, struct str execution,
                               struct str stage, int64_t at_ms, struct str *ret,
                               struct err *err) MUST_USE;
int record_rule_put(struct db *db, const struct rule_row *row, struct err *err) MUST_USE;
int record_rules_abandon(struct db *db, struct str condition, int64_t now_ms,
                         struct err *err) MUST_USE; /* those in progress */
int record_rule_list(struct db *db, struct arena *a, struct str condition,
                     struct rule_row_list *ret, struct err *err) MUST_USE;
int record_rule_by_external(struct db *db, struct arena *a, struct str external_id,
                            struct rule_row *ret, struct err *err) MUST_USE;
int record_rule_page(struct db *db, struct arena *a, int64_t pipeline, struct str execution,
                     int64_t before, int limit, struct rule_row_list *ret,
                     struct err *err) MUST_USE;

/* Actions. */
int record_action_add(struct db *db, const struct action_row *row, struct err *err) MUST_USE;
int record_action_get(struct db *db, struct arena *a, struct str id, struct action_row *ret,
                      struct err *err) MUST_USE;
int record_action_by_external(struct db *db, struct arena *a, struct str external_id,
                              struct action_row *ret, struct err *err) MUST_USE;
int record_action_status(struct db *db, struct str id, const char *status, int64_t now_ms,
                         struct err *err) MUST_USE;
/* Writes what is present of row's summary, error, external id/url, log stream, updated_by,
 * configuration, inputs, outputs, output variables and expiry; absent members stay as they are. */
int record_action_detail(struct db *db, const struct action_row *row, int64_t now_ms,
                         struct err *err) MUST_USE;
/* Of one execution in order of starting. */
int record_action_list(struct db *db, struct arena *a, struct str execution,
                       struct action_row_list *ret, struct err *err) MUST_USE;
/* Of a pipeline (or of one execution of it, if present), newest first, number < before if > 0. */
int record_action_page(struct db *db, struct arena *a, int64_t pipeline, struct str execution,
                       int64_t before, int limit, struct action_row_list *ret,
                       struct err *err) MUST_USE;
/* The execution whose approval has (or had) that token. 1, 0 none, -1. */
int record_action_of_token(struct db *db, struct arena *a, int64_t pipeline, struct str stage,
                           struct str action, struct str token, struct str *ret,
                           struct err *err) MUST_USE;
/* Whether somebody has answered the approval with that token. */
int record_action_answered(struct db *db, int64_t pipeline, struct str stage, struct str action,
                           struct str token, bool *ret, struct err *err) MUST_USE;
/* The newest run of an action, whatever the execution. */
int record_action_newest(struct db *db, struct arena *a, int64_t pipeline, struct str stage,
                         struct str action, struct action_row *ret, struct err *err) MUST_USE;

/* Artifacts. */
int record_artifact_put(struct db *db, struct str execution, const struct artifact_row *row,
                        struct err *err) MUST_USE;
/* A rollback takes the artifacts of its target. */
int record_artifacts_copy(struct db *db, struct str from, struct str to, struct err *err) MUST_USE;
int record_artifact_list(struct db *db, struct arena *a, struct str execution,
                         struct artifact_row_list *ret, struct err *err) MUST_USE; /* by name */
int record_artifact_get(struct db *db, struct arena *a, struct str execution, struct str name,
                        struct artifact_row *ret, struct err *err) MUST_USE;

/* Transitions: a row is there while the transition is disabled, and keeps who enabled it last. */
int record_transition_put(struct db *db, int64_t pipeline, struct str stage, const char *direction,
                          struct str reason, struct str by, int64_t now_ms,
                          struct err *err) MUST_USE;
int record_transition_get(struct db *db, struct arena *a, int64_t pipeline, struct str stage,
                          const char *direction, struct str *ret_reason, struct str *ret_by,
                          int64_t *ret_ms, struct err *err) MUST_USE;

/* What the watcher saw last of an alarm. get: 1 found, 0 never seen, -1 error. */
int record_alarm_get(struct db *db, struct arena *a, int64_t pipeline, struct str account,
                     struct str alarm, struct str *ret_state, struct err *err) MUST_USE;
int record_alarm_put(struct db *db, int64_t pipeline, struct str account, struct str alarm,
                     struct str state, struct str reason, int64_t now_ms, struct err *err) MUST_USE;

/* Revision <-> JSON text of execution_row.revision. */
struct str revision_to_json(struct arena *a, const struct revision *r);
bool revision_from_json(struct arena *a, struct str json, struct revision *ret);
