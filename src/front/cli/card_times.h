/* Where a release's seconds went. Pure. */
#pragma once

#include "front/cli/view.h"

struct card_times {
    int64_t total_ms;    /* first start to last change, without waiting for people */
    int64_t source_ms;   /* fetching and packing the commit */
    int64_t commands_ms; /* the buildspecs' commands: INSTALL to POST_BUILD */
    int64_t builds_ms;   /* the rest of the builds: container, variables, artifacts */
    int64_t waited_ms;   /* for people */
    int64_t engine_ms;   /* of the total, what was none of these */
};

struct card_times card_times(struct arena *a, const struct view *v);

/* Milliseconds of a build's phase; 0 if it has none of that name. */
int64_t card_phase_ms(const struct view_build *b, const char *phase);
