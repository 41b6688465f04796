/*
 * CodeBuild's API over flow/build. The daemon says once which flow it serves; handlers are found by
 * their generated names (gen/codebuild.h).
 */
#pragma once

#include "flow/build/order.h"

void codebuild_serve(const struct flow *f);
const struct flow *codebuild_flow(void);

/* "name" or the ARN of a project: its name. An ARN of something else stays as it is. */
struct str codebuild_project_name(struct str name_or_arn);
/* "project:uuid" or a build's ARN: its uuid; absent when it has neither form. */
struct str codebuild_build_uuid(struct str id_or_arn);
struct str codebuild_project_arn(const struct call *c, struct str name);

/* The caller's build; 1 found, 0 not. */
int codebuild_find_build(struct call *c, struct str id_or_arn, struct build_row *ret,
                         struct err *err) MUST_USE;

/* What a start overrides, over the project, field by field; variables are merged by name. */
void codebuild_override(struct call *c, struct codebuild_project *p,
                        const struct codebuild_start_build_input *in);
/* Who starts it: a user's name, "role/session", or "root". */
struct str codebuild_initiator(const struct call *c);
/* The caller's project; ResourceNotFoundException. */
int codebuild_load_project(struct call *c, struct str name, struct codebuild_project **ret,
                           struct err *err) MUST_USE;

/* A build as the API shows it, with its reports. */
int codebuild_show_build(struct call *c, const struct build_row *row, struct codebuild_build **ret,
                         struct err *err) MUST_USE;

/* InvalidInputException. Returns -1. */
int codebuild_invalid(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Checks a project as it would be stored, and fills in what CodeBuild fills in. */
int codebuild_check_project(struct call *c, struct codebuild_project *p, struct err *err) MUST_USE;

/* nextToken of lists. InvalidInputException. */
int codebuild_token_read(const struct call *c, struct str token, int64_t *ret,
                         struct err *err) MUST_USE;
struct str codebuild_token_make(const struct call *c, int64_t position);

enum { CODEBUILD_PAGE = 100 };
