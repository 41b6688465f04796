/*
 * Event patterns as EventBridge documents them: exact values, prefix, suffix, equals-ignore-case,
 * wildcard, anything-but (of values, and of each of these), numeric, cidr, exists, $or, nested at
 * any depth. Where the documents are silent, as the open source of its matcher (event-ruler) does:
 * numbers are equal by value, to six decimals; fields of one array element belong together.
 *
 * Pure. Time is bounded by pattern times event: a pattern has at most PATTERN_MAX bytes, an event
 * what its reader allows; nothing backtracks.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "platform/text/json.h"

enum {
    PATTERN_MAX = 4096,          /* EventBridge's limit of a rule's pattern */
    PATTERN_COMBINATIONS = 1000, /* ways through its $or */
};

struct ev_pattern;

/* Owned by the arena. ERR_INVALID says what is wrong, as EventBridge words it. */
int ev_pattern_compile(struct arena *a, struct str text, struct ev_pattern **ret,
                       struct err *err) MUST_USE;

bool ev_pattern_match(const struct ev_pattern *p, const json_t *event);
