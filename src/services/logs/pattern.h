/*
 * Filter patterns of CloudWatch Logs: words (all must be there), "phrases", ?any, -none, and
 * conditions on JSON: { $.level = "error" && $.took > 3 }. Space-delimited patterns ([a, b]) and
 * regular expressions (%x%) are refused. Pure functions.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct pattern;

/* ERR_INVALID names what is wrong. The pattern lives in the arena. */
int pattern_parse(struct arena *a, struct str text, struct pattern **ret, struct err *err) MUST_USE;
bool pattern_match(const struct pattern *p, struct str message);
