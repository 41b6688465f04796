/*
 * What the verbs share by which a person acts on a release: which pipeline, as whom, and the line
 * that says what was done.
 */
#pragma once

#include "front/cli/out.h"
#include "front/cli/pick.h"
#include "front/cli/place.h"

struct acting {
    struct cli *c;
    struct aws_target target;
    struct str pipeline;
};

int acting_begin(struct acting *act, struct cli *c, struct err *err) MUST_USE;

/* One line, or with --json the same facts. Returns the exit status. */
int acting_told(struct acting *act, const char *done, struct str stage, struct str execution);
