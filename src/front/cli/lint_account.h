/* What `lint --account` adds: do the parameters that a buildspec names exist, in every environment?
 */
#pragma once

#include "flow/phase/lint.h"
#include "front/cli/cli.h"

/* The variables of one build: those of an environment, ENV=NAME among them. */
struct lint_environment {
    struct str name;
    struct str_map variables;
};

struct lint_environments {
    struct lint_environment *v;
    size_t n;
};

/* --env of the command line; without, those of release.yml in this folder; without, none. */
int lint_environments(struct cli *c, struct lint_environments *ret, struct err *err) MUST_USE;

/* Adds a warning to `spec` for every parameter that is not in `account` for an environment. */
int lint_account(struct cli *c, const char *account, const struct lint_environments *environments,
                 struct buildspec *spec, struct err *err) MUST_USE;
