/* Filter groups of a webhook: which events start a build. Patterns are RE2's, matched in linear
 * time. */
#pragma once

#include "flow/forge/event.h"

#include "gen/codebuild.h"

enum { FORGE_MAX_GROUPS = 50, FORGE_MAX_FILTERS = 50, FORGE_MAX_PATTERN = 4096 };

/* What AWS refuses when a webhook is made: a group without EVENT, unknown events, broken patterns.
 * ERR_INVALID names the filter. */
int forge_filter_check(struct arena *a, const struct codebuild_webhook *webhook,
                       struct err *err) MUST_USE;

/* 1 a group would match if what it asks about files and messages did, and the event, of a pull
 * request, does not say that; 0: forge_filter_match knows all it needs. */
int forge_filter_asks(struct arena *a, const struct codebuild_webhook *webhook,
                      const struct forge_event *event, struct err *err) MUST_USE;

/* 1 the event starts a build, 0 it does not. Filters inside a group are ANDed, groups ORed; without
 * groups, branchFilter counts, or else every push and every change of a pull request. */
int forge_filter_match(struct arena *a, const struct codebuild_webhook *webhook,
                       const struct forge_event *event, struct err *err) MUST_USE;
