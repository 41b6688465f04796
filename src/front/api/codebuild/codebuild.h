/*
 * CodeBuild's API over flow/build. The daemon says once which flow it serves; handlers are found by
 * their generated names (gen/codebuild.h).
 */
#pragma once

#include "flow/build/order.h"
#include "services/gate/gate.h"

void codebuild_serve(const struct flow *f);
const struct flow *codebuild_flow(void);

/* "name" or the ARN of a project: its name. An ARN of something else stays as it is. */
struct str codebuild_project_name(struct str name_or_arn);
/* "project:uuid" or a build's ARN: its uuid; absent when it has neither form. */
struct str codebuild_build_uuid(struct str id_or_arn);
struct str codebuild_project_arn(const struct call *c, struct str name);

/* Whose resource an ARN of the call's region names; the caller's account for anything else. Only
 * what the gate lets others share (sharing.c) may be looked up there. */
struct str codebuild_owner(const struct call *c, struct str name_or_arn);

/* The build, the caller's own unless an ARN says otherwise; 1 found, 0 not. */
int codebuild_find_build(struct call *c, struct str id_or_arn, struct build_row *ret,
                         struct err *err) MUST_USE;

/* A build as the API shows it, with its reports. */
int codebuild_show_build(struct call *c, const struct build_row *row, struct codebuild_build **ret,
                         struct err *err) MUST_USE;

/* InvalidInputException. Returns -1. */
int codebuild_invalid(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Checks a project as it would be stored, and fills in what CodeBuild fills in. */
int codebuild_check_project(struct call *c, struct codebuild_project *p, struct err *err) MUST_USE;
/* check_settings.c: the part of it that no other file knows more about. */
int codebuild_check_settings(const struct codebuild_project *p, struct err *err) MUST_USE;

/* A user's name, "role/session", or "root". */
struct str codebuild_initiator(const struct call *c);
/* Of the request, for its idempotency token. */
int codebuild_request_digest(struct call *c, const void *in, struct str *ret,
                             struct err *err) MUST_USE;
/* 1: the same request was answered within the last five minutes, with this build; 0 not. The token
 * with another request is InvalidInputException. */
int codebuild_answered(struct call *c, struct str project, struct str token, struct str digest,
                       struct str *ret_uuid, struct err *err) MUST_USE;
int codebuild_answer_build(struct call *c, struct str uuid, struct codebuild_build **ret,
                           struct err *err) MUST_USE;

/* A project of the caller's account; ResourceNotFoundException. */
int codebuild_load_project(struct call *c, struct str name, struct codebuild_project **ret,
                           struct err *err) MUST_USE;
int codebuild_store_project(struct call *c, const struct codebuild_project *p,
                            struct err *err) MUST_USE;

/* sharing.c: what the gate asks of a resource: its policy (gate_service.resource). */
int codebuild_resource(const struct gate_call *c, struct db *db, struct str action,
                       struct gate_resource *r, struct err *err) MUST_USE;

/* overrides.c: what StartBuild brings, over the project. */
void codebuild_override(struct call *c, struct codebuild_project *p,
                        const struct codebuild_start_build_input *in);

/* batches.c: InvalidInputException when the project is not set up for batches. */
int codebuild_check_batch(const struct codebuild_project *p, struct err *err) MUST_USE;

/* nextToken of lists. InvalidInputException. */
int codebuild_token_read(const struct call *c, struct str token, int64_t *ret,
                         struct err *err) MUST_USE;
struct str codebuild_token_make(const struct call *c, int64_t position);

enum { CODEBUILD_PAGE = 100 };
