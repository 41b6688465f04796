/*
 * What differs between a wanted JSON tree and the one that is there, field by field, for people. A
 * service fills in defaults, so what is absent, null, empty text, an empty list and an empty object
 * are the same here, and members that only the service has count only when `whole` is asked for.
 * Elements of lists that have a "name" are compared by it.
 */
#pragma once

#include "base/arena.h"
#include "platform/text/json.h"

enum json_change { JSON_ADDED, JSON_REMOVED, JSON_CHANGED };

struct json_difference {
    enum json_change change;
    struct str path; /* "stages.Production.actions.Build.configuration.ProjectName" */
    struct str from; /* compact JSON; absent when ADDED */
    struct str to;   /* absent when REMOVED */
};

struct json_differences {
    struct json_difference *v;
    size_t n;
};

/* `ignored`: names of members that are not compared at the top, blank-separated with blanks at both
 * ends (" version "), or NULL. */
struct json_differences json_diff(struct arena *a, const json_t *have, const json_t *wanted,
                                  bool whole, const char *ignored);
