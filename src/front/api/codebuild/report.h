/* What the operations about reports share. */
#pragma once

#include "flow/report/store.h"
#include "front/api/codebuild/codebuild.h"

/* "arn:...:report-group/NAME" of the caller's account and region: its name; absent if it is not. */
struct str codebuild_group_name(const struct call *c, struct str arn);

/* The report, the caller's own or one that the gate let through (sharing.c); 1 found, 0 not. */
int codebuild_find_report(struct call *c, struct str arn, struct report_row *ret,
                          struct err *err) MUST_USE;
/* The same; ResourceNotFoundException when it is not there. */
int codebuild_need_report(struct call *c, struct str arn, struct report_row *ret,
                          struct err *err) MUST_USE;

/* The report group as the API shows it, the caller's own unless the ARN says otherwise. need:
 * ResourceNotFoundException; else 1, 0. */
int codebuild_find_group(struct call *c, struct str arn, struct codebuild_report_group **ret,
                         struct err *err) MUST_USE;
int codebuild_need_group(struct call *c, struct str arn, struct codebuild_report_group **ret,
                         struct err *err) MUST_USE;

/* A report group as it is stored, and back. */
int codebuild_group_to_json(struct arena *a, const struct codebuild_report_group *group,
                            struct str *ret, struct err *err) MUST_USE;
int codebuild_group_from_json(struct arena *a, struct str json, struct codebuild_report_group **ret,
                              struct err *err) MUST_USE;
