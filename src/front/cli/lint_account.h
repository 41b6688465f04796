/* What `lint` looks at, and what `--account` adds: do the parameters that a buildspec names exist,
 * in every environment?
 */
#pragma once

#include "aws/call/call.h"
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

/* Without files on the command line: release.yml, accounts.yml and buildspec.yml of this folder,
 * and the buildspecs that release.yml names; those that are there. */
struct str_list lint_usual_files(struct cli *c);

/* --env of the command line; without, those of release.yml in this folder; without, none. */
int lint_environments(struct cli *c, struct lint_environments *ret, struct err *err) MUST_USE;

/* A reference of a buildspec to a value that is not where it is looked for. */
struct lint_missing {
    const struct yaml_node *at;
    struct str variable;
    struct str name;        /* with the environment's variables put in */
    struct str environment; /* whose variables those are, or absent */
    bool secret;            /* in Secrets Manager; else in Parameter Store */
    bool unknown;           /* not looked for: `name` holds a variable that nobody has set */
};

struct lint_missing_list {
    struct lint_missing *v;
    size_t n;
};

/* Asks Parameter Store and Secrets Manager there for what every environment would ask for. */
int lint_find_missing(struct arena *a, const struct aws_target *target,
                      const struct lint_environments *environments, const struct buildspec *spec,
                      struct lint_missing_list *ret, struct err *err) MUST_USE;

/* Adds a warning to `spec` for every parameter that is not in `account` for an environment. */
int lint_account(struct cli *c, const char *account, const struct lint_environments *environments,
                 struct buildspec *spec, struct err *err) MUST_USE;
