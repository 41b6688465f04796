/*
 * Paths into JSON, as filters of CodePipeline's webhooks use them: `$`, `.name`, `['name']`, `[0]`,
 * `[-1]`, and `[*]` or `.*` for any element. What JsonPath has beyond that (`..`, slices, `?()`)
 * is refused by name.
 */
#pragma once

#include "base/err.h"

#include <jansson.h>

/* ERR_INVALID says what is wrong and where (column from 1). */
int forge_path_check(struct str path, struct err *err) MUST_USE;

/* Whether anything that the path selects is this text: a string, or a number or truth value as JSON
 * writes it. An absent text asks whether the path selects anything but null. */
bool forge_path_matches(const json_t *root, struct str path, struct str text);
