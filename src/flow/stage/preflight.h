/* What the files of the Preflight rule share; rule_preflight.c. */
#pragma once

#include "flow/stage/rule.h"
#include "gen/s3.h"
#include "gen/sns.h"

struct preflight {
    struct rule_run *rule;
    struct check_run *check;
    struct arena *arena;
    struct aws_target pipeline; /* acts as the pipeline's role */
    struct str where;           /* "Production/Build": who names the thing */
    struct str_list missing;
};

/* Adds "WHAT (WHERE)" to the list, once. */
void preflight_missing(struct preflight *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Judges an account's refusal: missing, not to be read, or -1 for an account that is away. */
int preflight_told(struct preflight *p, const char *kind, struct str name, struct err *why,
                   struct err *err) MUST_USE;

/* preflight_project.c: a CodeBuild action's project, its role, and what its buildspec names. */
int preflight_project(struct preflight *p, const struct def_action *action,
                      struct err *err) MUST_USE;
