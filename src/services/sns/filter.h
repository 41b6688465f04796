/* Filter policies of subscriptions: pure functions over JSON. */
#pragma once

#include "base/err.h"
#include "platform/text/json.h"

/* ERR_INVALID says what is wrong with a policy (at most 150 combinations, known operators). */
int filter_check(const json_t *policy, bool nested, struct err *err) MUST_USE;

/* `attributes`: {"name": {"Type": "String", "Value": "..."}} as messages carry them. */
bool filter_match_attributes(const json_t *policy, const json_t *attributes);

/* `body`: the message as JSON; NULL (it is none) never matches. */
bool filter_match_body(const json_t *policy, const json_t *body);
