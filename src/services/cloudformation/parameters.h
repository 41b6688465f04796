/*
 * A template's parameters: what was sent, what is kept from before, defaults, checks, and values
 * from Parameter Store. The result is a list of {"k","v"[,"r"][,"noEcho"]}: key, value as given,
 * resolved value.
 */
#pragma once

#include "gen/cloudformation.h"
#include "services/cloudformation/template.h"

/* `previous` is an earlier result or NULL. Looks up Parameter Store as `target`. */
int parameters_resolve(struct arena *a, const struct template *t,
                       const struct cloudformation_parameter_list *sent, const json_t *previous,
                       const struct aws_target *target, json_t **ret, struct err *err) MUST_USE;

/* As evaluation takes them: name: text or list of texts. */
json_t *parameters_values(struct arena *a, const struct template *t, const json_t *resolved);

/* As DescribeStacks shows them: NoEcho ones masked. */
struct cloudformation_parameter_list parameters_shown(struct arena *a, const json_t *resolved);
