/*
 * Builds of no project: commands that CodePipeline runs by itself, in an action (Compute/Commands)
 * or a rule. They are builds like others, called after a name that no project can have. Facts:
 * Commands action reference.
 */
#pragma once

#include "flow/build/build.h"

#define LOOSE_PROJECT "codepipeline.commands" /* projects' names have no dot */

struct loose_build {
    const struct build_order
        *order;              /* account, region, token, inputs, outputs, variables, rights */
    struct str pipeline;     /* the log group is /aws/codepipeline/PIPELINE */
    struct str role_arn;     /* whose rights the commands have */
    struct str compute_type; /* BUILD_GENERAL1_SMALL ..., or absent */
    struct str_list commands;
    struct str_list exported; /* names of variables */
    struct str_list files;    /* patterns of the output artifact; none = everything */
};

/* The buildspec that the commands are, as JSON. */
struct str loose_buildspec(struct arena *a, const struct loose_build *l);

/* As build_start. */
int loose_start(const struct flow *f, struct arena *a, const struct loose_build *l,
                struct str *ret_uuid, struct err *err) MUST_USE;
